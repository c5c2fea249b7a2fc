#include "tests/crash/invariants.h"

#include "common/core/text.h"
#include "common/kube/objects/claim.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/snapshot.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "tests/crash/mark.h"
#include "tests/sim/controllers/workloads.h"

#include <algorithm>

namespace holdfast::crash {
namespace {

std::string handle_of(const sim::Sim& sim, const std::string& volume) {
    const sim::ObjectPtr object = sim.store.find(kube::kVolumes, "", volume);
    return object ? object.volume().handle : "";
}

// Whether the volume would survive the end of everything that is not named here.
bool holds(const sim::Sim& sim, const sim::ObjectPtr& object) {
    const kube::Volume& volume = object.volume();
    if (volume.reclaim_policy == "Retain") return true;
    const sim::ObjectPtr claim = sim.store.find(kube::kClaims, volume.claim_space, volume.claim_name);
    return claim && claim.claim().uid == volume.claim_uid && !claim.claim().deleting;
}

std::string key(const std::string& space, const std::string& name) { return space + "/" + name; }

// One of the texts has it: what a ConfigMap or annotations hold is texts.
bool tells(const Json& texts, const std::string& what) {
    return std::any_of(texts.begin(), texts.end(), [&](const Json& one) {
        return one.is_string() && one.get_ref<const std::string&>().find(what) != std::string::npos;
    });
}

// Nothing else holds what this throwaway claim's disk does: no snapshot of that claim, and no other disk that is as
// old.
bool last_copy(const sim::Sim& sim, const std::string& handle, const sim::Token& token) {
    const auto same = [&](const sim::Token& other) { return other.writer == token.writer; };
    const auto& [disks, cuts] = sim.backend();
    if (std::any_of(cuts.begin(), cuts.end(), [&](const auto& cut) { return same(cut.second.token); })) return false;
    return std::none_of(disks.begin(), disks.end(), [&](const auto& disk) {
        return disk.first != handle && same(disk.second.token) && disk.second.token.version == token.version;
    });
}

}  // namespace

const sim::Token* token_of(const sim::Sim& sim, const std::string& volume) {
    const auto disk = sim.backend().disks.find(handle_of(sim, volume));
    return disk == sim.backend().disks.end() ? nullptr : &disk->second.token;
}

Invariants::Invariants(const sim::Sim& start) {
    std::set<std::string> bound;
    keep_apart_from(start);
    for (const sim::ObjectPtr& object : start.store.list(kube::kClaims, "")) {
        const kube::Claim& claim = object.claim();
        const sim::Token* token = token_of(start, claim.volume);
        if (token == nullptr || token->writer.empty()) continue;
        bound.insert(claim.volume);
        const std::string handle = handle_of(start, claim.volume);
        const bool throwaway = !claim.operation.empty();
        const bool clone = !kube::label_of(*object, labels::kClone).empty();  // to be deleted by who asks for that
        if (!throwaway || (!clone && last_copy(start, handle, *token))) disks_[handle] = token->writer;
        if (throwaway) continue;
        claims_[key(claim.space, claim.name)] = token->writer;
    }
    for (const sim::ObjectPtr& volume : start.store.list(kube::kVolumes, "")) {
        const std::string name = kube::name_of(*volume);
        const sim::Token* token = token_of(start, name);
        if (token == nullptr || token->writer.empty() || bound.contains(name)) continue;
        disks_[handle_of(start, name)] = token->writer;
        unclaimed_.insert(handle_of(start, name));
    }
    for (const auto& [handle, cut] : start.backend().cuts) cuts_[handle] = cut.token.writer;
}

void Invariants::release_kept() {
    for (const std::string& handle : unclaimed_) disks_.erase(handle);
}

void Invariants::forgive(const sim::Sim& sim) {
    for (const std::string& handle : lost(sim)) {
        disks_.erase(handle);
        cuts_.erase(handle);
    }
}

void Invariants::claims_go(const sim::Sim& sim, const std::string& name) {
    for (const sim::ObjectPtr& object : sim.store.list(kube::kClaims, "")) {
        const kube::Claim& claim = object.claim();
        if (!name.empty() && claim.name != name) continue;
        const std::string handle = handle_of(sim, claim.volume);
        if (disks_.contains(handle)) going_[handle] = {kube::kClaims, claim.space, claim.name};
    }
}

void Invariants::was_read(const sim::Sim& sim, const sim::Call& call) {
    // Whoever does not look at all is not excused for long: a look, a read of the volume and its patch are three
    // requests.
    std::erase_if(going_, [&](const auto& one) {
        const sim::ObjectPtr claim = sim.store.find(one.second);
        return (!claim || claim.deleting()) && ++unlooked_[one.first] > 3;
    });
    if (!is_read(call.verb)) return;
    const auto meant = [&](const std::string& name) { return call.ref.name.empty() || call.ref.name == name; };
    if (call.ref.resource == kube::kVolumes && meant(unseen_)) unseen_.clear();
    if (call.ref.resource != kube::kClaims) return;
    std::erase_if(going_, [&](const auto& one) {
        const sim::ObjectPtr claim = sim.store.find(one.second);
        return meant(one.second.name) && (!claim || claim.deleting());
    });
}

// Once is once: what is lost like this is counted and not looked at again.
bool Invariants::unknowing(const std::string& handle) {
    if (!going_.contains(handle)) return false;
    ++unseen_deletions_;
    disks_.erase(handle);
    return true;
}

// Whoever gives a volume the policy Delete and cannot know that its claim goes has done so, whatever is read
// afterwards: the volume goes later, when its controller comes to it.
void Invariants::give_unknowing(const sim::Sim& sim, const sim::Change& change) {
    if (!change.before || change.type == kube::WatchEvent::Type::kDeleted) return;
    const bool given =
        change.before.volume().reclaim_policy == "Retain" && change.object.volume().reclaim_policy == "Delete";
    if (given) (void)unknowing(handle_of(sim, change.ref.name));
}

void Invariants::watch(sim::Sim& sim) {
    sim.on_change = [this](const sim::Sim& now, const sim::Change& change) { look(now, change); };
    if (sim.other() != nullptr)
        sim.other()->on_change = [this](const sim::Sim& now, const sim::Change& change) { look_there(now, change); };
}

// R19: of two clusters that know a snapshot only one may delete it; what starts there starts masked, and no volume is
// anybody's.
void Invariants::look_there(const sim::Sim& sim, const sim::Change& change) {
    ++looks_;
    const kube::Resource& resource = change.ref.resource;
    if (away_ || change.type == kube::WatchEvent::Type::kDeleted) return;
    if (resource == kube::kSnapshotContents && kube::text_at(*change.object, "/spec/deletionPolicy") != "Retain" &&
        !kube::text_at(*change.object, "/spec/source/snapshotHandle").empty())
        violated("R19: " + change.ref.text() + " of the other cluster would delete the source's snapshot");
    if (resource == kube::kVolumes) keep_volume(change);
    if (resource == kube::kClaims) keep_closed(sim, *change.object);
    if (resource == kube::kClaims && masks_) keep_honest(sim, *change.object);
    const bool runs = resource == kube::kPods && kube::text_at(*change.object, "/status/phase") == "Running";
    if (runs && masks_) keep_masked(sim, *change.object);
}

void Invariants::violated(const std::string& what) {
    if (violations_.size() < 5) violations_.push_back(what);
}

void Invariants::look(const sim::Sim& sim, const sim::Change& change) {
    ++looks_;
    if (away_) return;
    const kube::Resource& resource = change.ref.resource;
    const bool storage = resource == kube::kVolumes || resource == kube::kClaims || resource == kube::kSnapshotContents;
    if (resource == kube::kClaims) keep_claim(sim, change);
    if (resource == kube::kClaims) keep_closed(sim, *change.object);
    if (resource == kube::kClaims && masks_) keep_honest(sim, *change.object);
    if (storage) {
        for (const std::string& handle : lost(sim)) {
            if (unknowing(handle)) continue;
            const bool disk = disks_.contains(handle);
            violated("I1: no handle is left on the " + std::string(disk ? "volume " : "snapshot ") + handle +
                     " with the data of " + (disk ? disks_[handle] : cuts_[handle]));
        }
    }
    if (resource == kube::kVolumes) keep_volume(change);
    if (resource == kube::kVolumes && sim.client_writes) give_unknowing(sim, change);
    if (resource == kube::kPods) keep_pod(sim, change);
    if (resource == kube::kPods) keep_running(sim, change);
    if (resource == kube::kStatefulSets) keep_spec(sim, change);
}

// I3: a StatefulSet's manifest is live or in a journal, never only in memory.
void Invariants::keep_spec(const sim::Sim& sim, const sim::Change& change) {
    if (pods_.empty() || change.type != kube::WatchEvent::Type::kDeleted) return;
    for (const sim::ObjectPtr& map : sim.store.list(kube::kConfigMaps, change.ref.space)) {
        const Json journal = Json::parse(kube::text_at(*map, "/data/journal.json"), nullptr, false);
        if (kube::find_at(journal, "/record/swapped/" + change.ref.name) != nullptr) return;
    }
    violated("I3: sts/" + key(change.ref.space, change.ref.name) + " is gone, and no journal has it");
}

// I1: every volume and every snapshot of the start with data has an object that keeps it.
std::set<std::string> Invariants::lost(const sim::Sim& sim) const {
    std::set<std::string> held, gone;
    for (const sim::ObjectPtr& volume : sim.store.list(kube::kVolumes, "")) {
        const std::string& handle = volume.volume().handle;
        if (disks_.contains(handle) && sim.backend().disks.contains(handle) && holds(sim, volume)) held.insert(handle);
    }
    if (!cuts_.empty()) {
        for (const sim::ObjectPtr& object : sim.store.list(kube::kSnapshotContents, "")) {
            const std::string& handle = object.content().handle;
            const bool kept = object.content().deletion_policy == "Retain" || !object.deleting();
            if (kept && sim.backend().cuts.contains(handle)) held.insert(handle);
        }
    }
    for (const auto& [handle, whose] : disks_) {
        if (!held.contains(handle)) gone.insert(handle);
    }
    for (const auto& [handle, whose] : cuts_) {
        if (!held.contains(handle)) gone.insert(handle);
    }
    return gone;
}

// I3: what we delete can be made again by whoever comes after us: its uid and spec stand in the cluster, in a journal
// or on a volume.
void Invariants::keep_told(const sim::Sim& sim, const sim::Change& change, const std::string& name) {
    if (!sim.client_writes || !claims_.contains(name)) return;
    const std::string uid = kube::uid_of(*change.object);
    for (const kube::Resource* resource : {&kube::kConfigMaps, &kube::kVolumes}) {
        for (const sim::ObjectPtr& object : sim.store.list(*resource, "")) {
            const Json* part = kube::find_at(*object, *resource == kube::kVolumes ? "/metadata/annotations" : "/data");
            if (part != nullptr && tells(*part, uid) && tells(*part, "accessModes")) return;
        }
    }
    violated("I3: pvc/" + name + " is deleted, and nothing in the cluster says what it was like");
}

// I2: a claim that holds data goes only when its volume is kept. What controllers do is not ours.
void Invariants::keep_retained(const sim::Sim& sim, const sim::Change& change, const std::string& name) {
    const std::string& volume = change.object.claim().volume;
    const sim::ObjectPtr object = sim.store.find(kube::kVolumes, "", volume);
    if (!sim.client_writes || !object || object.volume().reclaim_policy == "Retain") return;
    if (volume == unseen_) {
        ++unseen_deletions_;
        disks_.erase(handle_of(sim, volume));
        return;
    }
    const sim::Token* token = token_of(sim, volume);
    const auto whose = claims_.find(name);
    const bool data = token != nullptr && whose != claims_.end() && token->writer == whose->second;
    if (!data) return;
    violated("I2: pvc/" + name + " is deleted while its volume is under policy Delete");
}

void Invariants::keep_claim(const sim::Sim& sim, const sim::Change& change) {
    const Json& now = *change.object;
    const std::string name = key(change.ref.space, change.ref.name);
    const bool begins = change.before && !change.before.deleting() &&
                        (kube::deleting(now) || change.type == kube::WatchEvent::Type::kDeleted);
    if (begins) keep_retained(sim, change, name);
    if (begins) keep_told(sim, change, name);
    // I15: nobody makes a claim smaller.
    if (change.before && change.type != kube::WatchEvent::Type::kDeleted) {
        const auto &before = change.before.claim().requested, &after = change.object.claim().requested;
        const auto& has = change.object.claim().capacity;
        if (before && after && *after < *before && !(less_ && has && *after > *has))
            violated("I15: pvc/" + name + " asks for less than before");
    }
}

std::string Invariants::text() const {
    std::string text = std::to_string(pods_.size()) + " " + unseen_ + " " + (away_ ? "away" : "");
    for (const auto& [handle, whose] : disks_) text += "\n" + handle + " " + whose;
    for (const auto& [handle, whose] : cuts_) text += "\n" + handle + " " + whose;
    for (const std::string& claim : given_up_) text += "\n" + claim;
    for (const auto& [handle, claim] : going_) text += "\n" + handle + " " + claim.text();
    return text;
}

// I5: a volume with data is never free for any claim.
void Invariants::keep_volume(const sim::Change& change) {
    if (change.type == kube::WatchEvent::Type::kDeleted) return;
    const kube::Volume& volume = change.object.volume();
    if (volume.phase == "Available" && volume.claim_name.empty())
        violated("I5: pv/" + volume.name + " is Available to anybody");
}

}  // namespace holdfast::crash
