#include "common/diagnose/snapshot_facts.h"

#include <nlohmann/json.hpp>

namespace holdfast::diagnose {
namespace {

void gather_volume(Gatherer& gatherer, SnapshotFacts& facts) {
    facts.claim = seen_as(gatherer.look(kube::kClaims, facts.space, facts.snapshot->claim), kube::claim_state_of);
    if (!facts.claim.there()) return;
    facts.volume = seen_as(gatherer.look(kube::kVolumes, "", facts.claim->volume), kube::volume_of);
    // Who may not read volumes still learns the driver from the claim, if it was provisioned dynamically.
    facts.volume_driver = facts.volume.there() ? facts.volume->driver : facts.claim->provisioner;
}

void gather_content(Gatherer& gatherer, SnapshotFacts& facts) {
    const kube::Snapshot& snapshot = facts.snapshot.value;
    std::string name = snapshot.content;
    if (name.empty()) name = snapshot.source_content.empty() ? "snapcontent-" + snapshot.uid : snapshot.source_content;
    facts.content = seen_as(gatherer.look(kube::kSnapshotContents, "", name), kube::content_of);
    if (!facts.content.there()) return;
    facts.content_events = gatherer.events(kube::kSnapshotContents, "", name, facts.content->uid);
    facts.content_driver = gatherer.driver(facts.content->driver);
}

void gather_holders(Gatherer& gatherer, SnapshotFacts& facts) {
    for (const Json& item : gatherer.list(kube::kClaims, facts.space).value) {
        const kube::ClaimState claim = kube::claim_state_of(item);
        const bool of_it = claim.source && claim.source->is_snapshot() && claim.source->name == facts.name;
        if (of_it && claim.pending()) facts.pending_claims.push_back(claim.name);
    }
}

}  // namespace

SnapshotFacts gather_snapshot(Gatherer& gatherer, const std::string& space, const std::string& name) {
    SnapshotFacts facts;
    facts.space = space;
    facts.name = name;
    facts.served = gatherer.serves(kube::kSnapshots);
    if (facts.served == Sight::kAbsent) return facts;
    facts.snapshot = seen_as(gatherer.look(kube::kSnapshots, space, name), kube::snapshot_of);
    if (!facts.snapshot.there() || (facts.snapshot->ready && !facts.snapshot->deleting)) return facts;
    facts.events = gatherer.events(kube::kSnapshots, space, name, facts.snapshot->uid);
    facts.classes = gatherer.snapshot_classes();
    gather_volume(gatherer, facts);
    gather_content(gatherer, facts);
    if (facts.snapshot->deleting) gather_holders(gatherer, facts);
    return facts;
}

}  // namespace holdfast::diagnose
