#include "common/diagnose/claim_facts.h"

#include "common/core/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace holdfast::diagnose {
namespace {

// A StatefulSet that is refused a claim (quota, admission) says so on itself; there is no claim to ask.
std::vector<kube::Event> claim_refusals(Gatherer& gatherer, const std::string& space, const std::string& name) {
    std::vector<kube::Event> about;
    for (kube::Event& event : gatherer.warnings(space, "FailedCreate")) {
        if (event.message.find("\"" + name + "\"") != std::string::npos) about.push_back(std::move(event));
    }
    return about;
}

void gather_source(Gatherer& gatherer, ClaimFacts& facts) {
    const kube::DataSource& source = *facts.claim->source;
    const std::string space = source.space.empty() ? facts.space : source.space;
    if (source.is_snapshot()) {
        facts.from_snapshot = gather_snapshot(gatherer, space, source.name);
        const auto& snapshot = facts.from_snapshot->snapshot;
        if (snapshot.there() && !snapshot->content.empty()) {
            facts.from_content =
                seen_as(gatherer.look(kube::kSnapshotContents, "", snapshot->content), kube::content_of);
        }
    } else if (source.is_claim()) {
        facts.from_claim = seen_as(gatherer.look(kube::kClaims, space, source.name), kube::claim_state_of);
        if (!facts.from_claim.there()) return;
        facts.from_volume = seen_as(gatherer.look(kube::kVolumes, "", facts.from_claim->volume), kube::volume_of);
    }
}

void gather_pending(Gatherer& gatherer, ClaimFacts& facts) {
    facts.classes = gatherer.storage_classes();
    const kube::StorageClass* one = facts.storage_class();
    const bool by_hand = (facts.claim->storage_class && facts.claim->storage_class->empty()) ||
                         (one != nullptr && kube::provisions_nothing(one->provisioner));
    if (by_hand) {
        const auto listed = gatherer.list(kube::kVolumes, "");
        facts.volumes.sight = listed.sight;
        for (const Json& item : listed.value) facts.volumes.value.push_back(kube::volume_of(item));
    } else if (one != nullptr) {
        const std::string in_tree = kube::csi_driver_of_in_tree(one->provisioner);
        facts.driver = gatherer.driver(in_tree.empty() ? one->provisioner : in_tree);
    }
    if (facts.claim->source) gather_source(gatherer, facts);
}

bool grows(const kube::ResizeState& now) { return now.requested && now.capacity && *now.requested > *now.capacity; }

}  // namespace

const kube::StorageClass* ClaimFacts::storage_class() const {
    const kube::StorageClass* chosen = nullptr;
    for (const kube::StorageClass& one : classes.value) {
        if (claim->storage_class) {
            if (one.name == *claim->storage_class) return &one;
        } else if (one.is_default && (chosen == nullptr || one.created > chosen->created)) {
            chosen = &one;  // of several defaults the API server takes the newest
        }
    }
    return chosen;
}

ClaimFacts gather_claim(Gatherer& gatherer, const std::string& space, const std::string& name) {
    ClaimFacts facts;
    facts.space = space;
    facts.name = name;
    facts.claim = seen_as(gatherer.look(kube::kClaims, space, name), kube::claim_state_of);
    if (facts.claim.absent()) facts.refusals = claim_refusals(gatherer, space, name);
    if (!facts.claim.there()) return facts;
    facts.growth = kube::resize_state_of(gatherer.look(kube::kClaims, space, name).value);
    if (!facts.claim->volume.empty()) {
        facts.volume = seen_as(gatherer.look(kube::kVolumes, "", facts.claim->volume), kube::volume_of);
    }
    const bool bound = facts.claim->phase == "Bound" && !facts.claim->deleting;
    if (bound && !grows(facts.growth)) return facts;
    facts.events = gatherer.events(kube::kClaims, space, name, facts.claim->uid);
    for (const Json& item : gatherer.list(kube::kPods, space).value) {
        kube::PodState pod = kube::pod_state_of(item);
        const bool mounts = std::find(pod.claims.begin(), pod.claims.end(), name) != pod.claims.end();
        if (mounts && !pod.finished()) facts.pods.push_back(std::move(pod));
    }
    if (bound && !facts.volume->driver.empty()) facts.driver = gatherer.driver(facts.volume->driver);
    if (facts.claim->pending()) gather_pending(gatherer, facts);
    return facts;
}

}  // namespace holdfast::diagnose
