// Settings that lose data later, in quiet times.
#include "common/core/text.h"
#include "common/diagnose/practice_facts.h"

#include <algorithm>
#include <set>

namespace holdfast::diagnose {
namespace {

Findings judge_reclaim(const PracticeFacts& facts) {
    std::vector<std::string> names;
    for (const HeldClaim& held : facts.claims) {
        if (held.volume.there() && held.volume->reclaim_policy == "Delete")
            names.push_back(held.volume->name + " of " + held.claim.name);
    }
    if (names.empty()) return {};
    const std::string first = names.front().substr(0, names.front().find(' '));
    return {warning({"volume-reclaim-delete", facts.object, "volume",
                     "whoever deletes a claim deletes its data for good (reclaim policy Delete): " + named(names, 3),
                     "for data that matters: `kubectl patch pv " + first +
                         R"( -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'`)"})};
}

Findings judge_retention(const PracticeFacts& facts) {
    if (!facts.workload || !facts.workload->is_stateful_set()) return {};
    std::vector<std::string> when;
    if (facts.workload->when_deleted == "Delete") when.push_back("when the StatefulSet is deleted");
    if (facts.workload->when_scaled == "Delete") when.push_back("when it is scaled down");
    if (when.empty()) return {};
    return {warning({"claim-retention-delete", facts.object, "policy", "its claims are deleted " + join(when, " and "),
                     "set spec.persistentVolumeClaimRetentionPolicy to Retain, unless the data may go"})};
}

Findings judge_sharing(const PracticeFacts& facts) {
    if (!facts.workload || facts.workload->is_stateful_set()) return {};
    const auto shared = std::find_if(facts.claims.begin(), facts.claims.end(),
                                     [](const HeldClaim& held) { return held.claim.read_write_once(); });
    if (shared == facts.claims.end()) return {};
    if (facts.workload->replicas > 1) {
        return {warning({"deployment-shares-claim", facts.object, "pod",
                         std::to_string(facts.workload->replicas) + " replicas write one claim, " + shared->claim.name +
                             " (ReadWriteOnce means one node, not one pod): on one node they overwrite each other, on "
                             "two the second never starts",
                         "one replica, or a StatefulSet with a claim for each, or a ReadWriteMany class"})};
    }
    if (facts.workload->strategy != "RollingUpdate") return {};
    return {info(
        {"deployment-rolls-claim", facts.object, "pod",
         "an update starts the new pod before the old one has ended, and both want the claim " + shared->claim.name,
         "set spec.strategy.type: Recreate"})};
}

Findings judge_secrets(const PracticeFacts& facts) {
    if (!facts.workload || facts.workload->literal_secrets.empty()) return {};
    return {warning({"literal-secret", facts.object, "policy",
                     "values that look like secrets stand in its manifest, where all who may read it (and an "
                     "operation's journal) see them: " +
                         named(facts.workload->literal_secrets),
                     "put them into a Secret and name it with valueFrom.secretKeyRef; then change them"})};
}

Findings judge_owner(const PracticeFacts& facts) {
    kube::Owner owner = facts.workload ? facts.workload->controller : kube::Owner{};
    if (!facts.workload && facts.claims.size() == 1) owner = facts.claims.front().claim.controller;
    // Kubernetes' own controllers have groups without a dot or below k8s.io; theirs is the ordinary case.
    const bool own = owner.group.find('.') == std::string::npos || ends_with(owner.group, ".k8s.io");
    if (!owner.empty() && !own) {
        const std::string software = kube::operator_of(owner);
        return {info({"owned-by-operator", facts.object, "policy",
                      "it belongs to " + owner.text() + " (" + (software.empty() ? owner.group : software) +
                          "), which sets it right again by itself",
                      "change size, class and version there; snapshots, drills and restores into new claims are safe "
                      "here, restores in place are refused"})};
    }
    if (!facts.workload || facts.workload->deployed_by.empty()) return {};
    return {info({"deployed-from-elsewhere", facts.object, "policy",
                  "it is deployed by " + facts.workload->deployed_by + ", which may undo changes made here",
                  "make lasting changes at their source"})};
}

// All volumes of several replicas in one place: what one zone or node takes, it takes whole.
Findings judge_spread(const PracticeFacts& facts) {
    if (!facts.workload || facts.workload->replicas < 2 || facts.claims.size() < 2) return {};
    std::set<std::string> places;
    for (const HeldClaim& held : facts.claims) {
        if (!held.volume.there() || held.volume->places.empty()) return {};
        places.insert(join(held.volume->places, " or "));
    }
    if (places.size() != 1) return {};
    return {warning(
        {"volumes-in-one-place", facts.object, "volume",
         "the volumes of all its replicas lie in one place: " + *places.begin(),
         facts.workload->spreads
             ? "its spreading rules came after its volumes: new claims (a restore, a migration) can go elsewhere"
             : "spread its pods (topologySpreadConstraints) and use a WaitForFirstConsumer class, so that volumes "
               "follow them"})};
}

// Asked of clusters that vote: of two or four members as many may fail as of one or three.
Findings judge_quorum(const PracticeFacts& facts) {
    if (!facts.workload || !facts.workload->is_stateful_set()) return {};
    const int replicas = facts.workload->replicas;
    const bool votes =
        std::any_of(facts.workload->images.begin(), facts.workload->images.end(), [](const std::string& image) {
            const std::string name = image.substr(image.rfind('/') + 1);
            return starts_with(name, "etcd") || starts_with(name, "zookeeper") || starts_with(name, "consul") ||
                   starts_with(name, "mongo");
        });
    if (!votes || replicas < 2 || replicas % 2 != 0) return {};
    return {info({"even-quorum", facts.object, "pod",
                  "an even number of members (" + std::to_string(replicas) + ") survives no more failures than " +
                      std::to_string(replicas - 1),
                  "use an odd number"})};
}

}  // namespace

Findings judge_settings(const PracticeFacts& facts) {
    Findings found = judge_reclaim(facts);
    for (auto* judge : {&judge_retention, &judge_sharing, &judge_secrets, &judge_owner, &judge_spread, &judge_quorum}) {
        append(found, judge(facts));
    }
    return found;
}

Findings judge_practice(const PracticeFacts& facts, SystemTime now) {
    Findings found = judge_settings(facts);
    append(found, judge_copies(facts, now));
    return found;
}

}  // namespace holdfast::diagnose
