#include "tests/crash/invariants.h"

#include "common/kube/objects/claim.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/snapshot.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"

namespace holdfast::crash {
namespace {

const sim::Token* token_of(const sim::Sim& sim, const std::string& volume) {
    const sim::ObjectPtr object = sim.store.find({kube::kVolumes, "", volume});
    if (!object) return nullptr;
    const auto disk = sim.backend.disks.find(kube::text_at(*object, "/spec/csi/volumeHandle"));
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
    for (const sim::ObjectPtr& object : start.store.list(kube::kClaims, "")) {
        const kube::Claim claim = kube::claim_of(*object);
        const sim::Token* token = token_of(start, claim.volume);
        if (token == nullptr || token->writer.empty() || !claim.operation.empty()) continue;
        tokens_.insert(token->writer);
        claims_[key(claim.space, claim.name)] = token->writer;
    }
}

void Invariants::watch(sim::Sim& sim) {
    sim.on_change = [this](const sim::Sim& now, const sim::Change& change) { look(now, change); };
}

void Invariants::violated(const std::string& what) {
    if (violations_.size() < 5) violations_.push_back(what);
}

void Invariants::look(const sim::Sim& sim, const sim::Change& change) {
    ++looks_;
    const kube::Resource& resource = change.ref.resource;
    const bool storage = resource == kube::kVolumes || resource == kube::kClaims || resource == kube::kSnapshots ||
                         resource == kube::kSnapshotContents;
    if (storage) keep_tokens(sim);
    if (resource == kube::kClaims) keep_claim(sim, change);
    if (resource == kube::kVolumes) keep_volume(change);
    if (resource == kube::kPods) keep_pod(sim, change);
}

// I1: the data of every claim of the start is on a volume that stays, or in a ready snapshot.
void Invariants::keep_tokens(const sim::Sim& sim) {
    std::set<std::string> held;
    for (const sim::ObjectPtr& volume : sim.store.list(kube::kVolumes, "")) {
        const sim::Token* token = token_of(sim, kube::name_of(*volume));
        if (token != nullptr && holds(sim, *volume)) held.insert(token->writer);
    }
    for (const sim::ObjectPtr& object : sim.store.list(kube::kSnapshotContents, "")) {
        const kube::SnapshotContent content = kube::content_of(*object);
        const auto cut = sim.backend.cuts.find(content.handle);
        if (content.ready && !content.deleting && cut != sim.backend.cuts.end()) held.insert(cut->second.token.writer);
    }
    for (const std::string& token : tokens_) {
        if (!held.contains(token)) violated("I1: no handle is left on the data of " + token);
    }
}

void Invariants::keep_claim(const sim::Sim& sim, const sim::Change& change) {
    const Json& now = *change.object;
    const std::string name = key(change.ref.space, change.ref.name);
    // I2: a claim that holds data goes only when its volume is kept.
    const bool begins = change.before && !kube::deleting(*change.before) &&
                        (kube::deleting(now) || change.type == kube::WatchEvent::Type::kDeleted);
    if (begins && claims_.contains(name)) {
        const sim::ObjectPtr volume = sim.store.find({kube::kVolumes, "", kube::claim_of(now).volume});
        const sim::Token* token = token_of(sim, kube::claim_of(now).volume);
        const bool data = token != nullptr && token->writer == claims_[name];
        if (data && volume && kube::volume_of(*volume).reclaim_policy != "Retain")
            violated("I2: pvc/" + name + " is deleted while its volume is under policy Delete");
    }
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
