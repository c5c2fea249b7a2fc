// Where a claim's data should come from: what hinders it, and whether the API server has dropped it.
#include "common/core/text.h"
#include "common/diagnose/claim_facts.h"
#include "common/diagnose/remedies.h"

#include <algorithm>

namespace holdfast::diagnose {
namespace {

constexpr const char* kSnapshotGroup = "snapshot.storage.k8s.io";

Finding source_missing(const ClaimFacts& facts) {
    const kube::DataSource& source = *facts.claim->source;
    return error(
        {kClaimSourceMissing, claim_object(facts), "claim",
         "its data source " + source.text() + " does not exist in namespace " +
             (source.space.empty() ? facts.space : source.space),
         "delete the claim and make it with a source that exists; `kubectl snap list` shows what can be restored"});
}

Finding source_too_large(const ClaimFacts& facts, long long needed) {
    return error({"claim-smaller-than-source", claim_object(facts), "claim",
                  "it asks for " + human_bytes(facts.claim->requested_bytes) + ", its source " +
                      facts.claim->source->text() + " needs " + human_bytes(needed),
                  "delete the claim and make it at least as large as its source"});
}

Findings judge_content(const ClaimFacts& facts) {
    const kube::StorageClass* one = facts.storage_class();
    if (!facts.from_content.there() || one == nullptr) return {};
    const kube::SnapshotContent& content = facts.from_content.value;
    if (content.driver != one->provisioner) {
        return {error({"claim-source-other-driver", claim_object(facts), "class",
                       "its class " + one->name + " is of the driver " + one->provisioner + ", its source " +
                           facts.claim->source->text() + " of " + content.driver + ": only that driver can read it",
                       "delete the claim and make it with a class whose provisioner is " + content.driver})};
    }
    const std::string mode = facts.claim->volume_mode.empty() ? "Filesystem" : facts.claim->volume_mode;
    if (content.source_volume_mode.empty() || content.source_volume_mode == mode) return {};
    return {warning(
        {"claim-source-other-mode", claim_object(facts), "claim",
         "it asks for volumeMode " + mode + ", its source was taken of a " + content.source_volume_mode + " volume",
         "make it with volumeMode " + content.source_volume_mode +
             ", or allow the change by snapshot.storage.kubernetes.io/allow-volume-mode-change on the content"})};
}

// The snapshot's own cause, told of the claim that waits for it.
Finding source_not_ready(const ClaimFacts& facts) {
    const std::string lead = "its data source " + facts.claim->source->text() + " is not ready to use";
    const Findings causes = judge_snapshot(*facts.from_snapshot);
    if (causes.empty())
        return info({"claim-source-not-ready", claim_object(facts), "snapshot", lead, "wait for the snapshot"});
    Finding one = error({"claim-source-not-ready", claim_object(facts), causes.front().layer,
                         lead + ": " + causes.front().message, causes.front().remedy});
    one.severity = causes.front().severity;
    return one;
}

// The provisioner makes no volume of such a snapshot, and the snapshot's own finalizer waits for the claim.
Finding source_deleting(const ClaimFacts& facts) {
    return error({kClaimSourceDeleting, claim_object(facts), "snapshot",
                  "its data source " + facts.claim->source->text() +
                      " is being deleted by somebody: no volume is made from it any more",
                  "delete the claim, which holds no data, and restore from another snapshot"});
}

Findings judge_from_snapshot(const ClaimFacts& facts) {
    const SnapshotFacts& from = *facts.from_snapshot;
    if (from.served == Sight::kAbsent) return {snapshot_api_missing(claim_object(facts))};
    if (from.snapshot.absent()) return {source_missing(facts)};
    if (!from.snapshot.there()) return {};
    if (from.snapshot->deleting) return {source_deleting(facts)};
    if (!from.snapshot->ready) {
        return {source_not_ready(facts)};
    }
    const long long needed = from.snapshot->restore_size.value_or(0);
    if (facts.claim->requested_bytes >= 0 && needed > facts.claim->requested_bytes)
        return {source_too_large(facts, needed)};
    return judge_content(facts);
}

Findings judge_from_claim(const ClaimFacts& facts) {
    if (facts.from_claim.absent()) return {source_missing(facts)};
    if (!facts.from_claim.there()) return {};
    const kube::ClaimState& from = facts.from_claim.value;
    if (from.phase != "Bound") {
        return {
            error({"claim-source-not-ready", claim_object(facts), "claim",
                   "its data source pvc " + from.name + " is " + (from.phase.empty() ? "Pending" : from.phase) +
                       " and has no volume to copy",
                   "`kubectl snap doctor pvc/" + from.name + " -n " + facts.space + "` says what that one waits for"})};
    }
    const long long needed = std::max(from.capacity_bytes, from.requested_bytes);
    if (facts.claim->requested_bytes >= 0 && needed > facts.claim->requested_bytes)
        return {source_too_large(facts, needed)};
    const kube::StorageClass* one = facts.storage_class();
    if (one == nullptr || !facts.from_volume.there() || facts.from_volume->driver == one->provisioner) return {};
    return {
        error({"claim-source-other-driver", claim_object(facts), "class",
               "its class " + one->name + " is of the driver " + one->provisioner + ", its source pvc " + from.name +
                   " of " + (facts.from_volume->driver.empty() ? "no CSI driver" : facts.from_volume->driver),
               "use a class of the source's driver, or copy the data"})};
}

}  // namespace

Findings judge_data_source(const ClaimFacts& facts) {
    if (!facts.claim->source) return {};
    if (facts.from_snapshot) return judge_from_snapshot(facts);
    if (facts.claim->source->is_claim()) return judge_from_claim(facts);
    return {};
}

Findings judge_dropped_source(const ClaimFacts& facts) {
    const kube::ClaimState& claim = facts.claim.value;
    if (claim.source) return {};
    const std::string object = claim_object(facts);
    if (!claim.restored_from.empty()) {
        return {error({"claim-source-dropped", object, "claim",
                       "it was made to be restored from " + claim.restored_from +
                           ", and has no data source: its volume is EMPTY, not restored",
                       "do not use it; the snapshot is untouched. Delete the claim and restore again"})};
    }
    if (!claim.applied_source) return {};
    const kube::DataSource& asked = *claim.applied_source;
    std::string why = "the API server does not keep such a source";
    if (asked.is_snapshot() && asked.group.empty()) {
        why = "its dataSource has no apiGroup, and the API server drops it then";
    } else if (asked.is_snapshot() && asked.group != kSnapshotGroup) {
        why = "its dataSource has apiGroup " + asked.group +
              " where a group without version is wanted, and the API server drops it";
    }
    return {error({"claim-source-dropped", object, "claim",
                   "its manifest asks for the data of " + asked.text() + ", the claim has no data source: " + why +
                       ". Its volume is EMPTY, not restored",
                   "do not use it; the source is untouched. Delete the claim and make it anew with apiGroup: " +
                       std::string(asked.is_snapshot() ? kSnapshotGroup : "(the source's own group)") +
                       ", or by `kubectl restore pvc/NEW --from " + (asked.is_snapshot() ? "vs/" + asked.name : "SET") +
                       "`"})};
}

}  // namespace holdfast::diagnose
