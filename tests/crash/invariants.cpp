#include "tests/crash/invariants.h"

#include "common/kube/objects/claim.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/snapshot.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"

namespace holdfast::crash {
namespace {

std::string handle_of(const sim::Sim& sim, const std::string& volume) {
    const sim::ObjectPtr object = sim.store.find({kube::kVolumes, "", volume});
    return object ? kube::text_at(*object, "/spec/csi/volumeHandle") : "";
}

const sim::Token* token_of(const sim::Sim& sim, const std::string& volume) {
    const auto disk = sim.backend.disks.find(handle_of(sim, volume));
    return disk == sim.backend.disks.end() ? nullptr : &disk->second.token;
}

// Whether the volume would survive the end of everything that is not named here.
bool holds(const sim::Sim& sim, const Json& object) {
    const kube::Volume volume = kube::volume_of(object);
    if (volume.reclaim_policy == "Retain") return true;
    const sim::ObjectPtr claim = sim.store.find({kube::kClaims, volume.claim_space, volume.claim_name});
    return claim && kube::uid_of(*claim) == volume.claim_uid && !kube::deleting(*claim);
}

std::string key(const std::string& space, const std::string& name) { return space + "/" + name; }

}  // namespace

Invariants::Invariants(const sim::Sim& start) {
    std::set<std::string> bound;
    for (const sim::ObjectPtr& object : start.store.list(kube::kClaims, "")) {
        const kube::Claim claim = kube::claim_of(*object);
        const sim::Token* token = token_of(start, claim.volume);
        if (token == nullptr || token->writer.empty()) continue;
        bound.insert(claim.volume);
        if (!claim.operation.empty()) continue;  // a throwaway
        claims_[key(claim.space, claim.name)] = token->writer;
        disks_[handle_of(start, claim.volume)] = token->writer;
    }
    for (const sim::ObjectPtr& volume : start.store.list(kube::kVolumes, "")) {
        const std::string name = kube::name_of(*volume);
        const sim::Token* token = token_of(start, name);
        if (token == nullptr || token->writer.empty() || bound.contains(name)) continue;
        disks_[handle_of(start, name)] = token->writer;
        unclaimed_.insert(handle_of(start, name));
    }
    for (const auto& [handle, cut] : start.backend.cuts) cuts_[handle] = cut.token.writer;
}

void Invariants::release_kept() {
    for (const std::string& handle : unclaimed_) disks_.erase(handle);
}

void Invariants::release_bound(const sim::Sim& sim) {
    for (const sim::ObjectPtr& claim : sim.store.list(kube::kClaims, ""))
        disks_.erase(handle_of(sim, kube::claim_of(*claim).volume));
}

void Invariants::forgive(const sim::Sim& sim) {
    for (const std::string& handle : lost(sim)) {
        disks_.erase(handle);
        cuts_.erase(handle);
    }
}

void Invariants::was_read(const sim::Call& call) {
    if (!is_read(call.verb) || call.ref.resource != kube::kVolumes) return;
    if (call.ref.name.empty() || call.ref.name == unseen_) unseen_.clear();
}

void Invariants::watch(sim::Sim& sim) {
    sim.on_change = [this](const sim::Sim& now, const sim::Change& change) { look(now, change); };
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
    if (storage) {
        for (const std::string& handle : lost(sim)) {
            const bool disk = disks_.contains(handle);
            violated("I1: no handle is left on the " + std::string(disk ? "volume " : "snapshot ") + handle +
                     " with the data of " + (disk ? disks_[handle] : cuts_[handle]));
        }
    }
    if (resource == kube::kVolumes) keep_volume(change);
    if (resource == kube::kPods) keep_pod(sim, change);
}

// I1: every volume and every snapshot of the start with data has an object that keeps it.
std::set<std::string> Invariants::lost(const sim::Sim& sim) const {
    std::set<std::string> held, gone;
    for (const sim::ObjectPtr& volume : sim.store.list(kube::kVolumes, "")) {
        const std::string handle = kube::text_at(*volume, "/spec/csi/volumeHandle");
        if (disks_.contains(handle) && sim.backend.disks.contains(handle) && holds(sim, *volume)) held.insert(handle);
    }
    if (!cuts_.empty()) {
        for (const sim::ObjectPtr& object : sim.store.list(kube::kSnapshotContents, "")) {
            const std::string handle = kube::text_at(*object, "/status/snapshotHandle");
            const bool kept = kube::text_at(*object, "/spec/deletionPolicy") == "Retain" || !kube::deleting(*object);
            if (kept && sim.backend.cuts.contains(handle)) held.insert(handle);
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

// I2: a claim that holds data goes only when its volume is kept. What controllers do is not ours.
void Invariants::keep_retained(const sim::Sim& sim, const sim::Change& change, const std::string& name) {
    const std::string volume = kube::claim_of(*change.object).volume;
    const sim::ObjectPtr object = sim.store.find({kube::kVolumes, "", volume});
    const sim::Token* token = token_of(sim, volume);
    const auto whose = claims_.find(name);
    const bool data = token != nullptr && whose != claims_.end() && token->writer == whose->second;
    if (!sim.client_writes || !data || !object || kube::volume_of(*object).reclaim_policy == "Retain") return;
    if (volume == unseen_) {
        ++unseen_deletions_;
        disks_.erase(handle_of(sim, volume));
        return;
    }
    violated("I2: pvc/" + name + " is deleted while its volume is under policy Delete");
}

void Invariants::keep_claim(const sim::Sim& sim, const sim::Change& change) {
    const Json& now = *change.object;
    const std::string name = key(change.ref.space, change.ref.name);
    const bool begins = change.before && !kube::deleting(*change.before) &&
                        (kube::deleting(now) || change.type == kube::WatchEvent::Type::kDeleted);
    if (begins) keep_retained(sim, change, name);
    // I15: nobody makes a claim smaller.
    if (change.before && change.type != kube::WatchEvent::Type::kDeleted) {
        const auto before = kube::claim_of(*change.before).requested, after = kube::claim_of(now).requested;
        if (before && after && *after < *before) violated("I15: pvc/" + name + " asks for less than before");
    }
}

// I5: a volume with data is never free for any claim.
void Invariants::keep_volume(const sim::Change& change) {
    if (change.type == kube::WatchEvent::Type::kDeleted) return;
    const kube::Volume volume = kube::volume_of(*change.object);
    if (volume.phase == "Available" && volume.claim_name.empty())
        violated("I5: pv/" + volume.name + " is Available to anybody");
}

// I4: a workload's pod starts only on the data that was its claim's, or on a copy that was made of it.
void Invariants::keep_pod(const sim::Sim& sim, const sim::Change& change) {
    if (change.type == kube::WatchEvent::Type::kDeleted || !change.before) return;
    const bool started = kube::text_at(*change.object, "/status/phase") == "Running" &&
                         kube::text_at(*change.before, "/status/phase") != "Running";
    if (!started || !kube::label_of(*change.object, labels::kOperation).empty()) return;
    for (const auto& [volume, name] : kube::claims_of_pod_spec((*change.object)["spec"])) {
        const auto expected = claims_.find(key(change.ref.space, name));
        const sim::ObjectPtr claim = sim.store.find({kube::kClaims, change.ref.space, name});
        if (expected == claims_.end() || !claim) continue;
        const sim::Token* token = token_of(sim, kube::claim_of(*claim).volume);
        // A fresh disk has been written for the first time by this very start.
        if (token == nullptr || token->writer != expected->second || token->version <= 1)
            violated("I4: pod/" + key(change.ref.space, change.ref.name) + " started on " +
                     (token == nullptr ? "no" : token->text()) + " data in claim " + name);
    }
}

}  // namespace holdfast::crash
