#include "plugins/pvc-expand/guards.h"

#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/claim_state.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/resize.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"
#include "plugins/pvc-expand/state.h"

#include <algorithm>
#include <array>
#include <set>

namespace holdfast::expand {
namespace {

// Where each operator takes the size from: its reconciler would delete or put back whatever else is changed.
struct OwnField {
    const char *group, *kind, *field;
    const char* made_of = "";  // the kind that has the field, where that is not the owner's
};
constexpr std::array<OwnField, 15> kOwnFields{{
    {"postgresql.cnpg.io", "Cluster", "spec.storage.size"},
    {"acid.zalan.do", "postgresql", "spec.volume.size"},
    {"postgres-operator.crunchydata.com", "PostgresCluster",
     "spec.instances[].dataVolumeClaimSpec.resources.requests.storage"},
    {"kafka.strimzi.io", "Kafka", "spec.kafka.storage.size (of a KafkaNodePool: spec.storage.size)"},
    {"kafka.strimzi.io", "KafkaNodePool", "spec.storage.size"},
    {"core.strimzi.io", "StrimziPodSet", "spec.kafka.storage.size (of a KafkaNodePool: spec.storage.size)", "Kafka"},
    {"elasticsearch.k8s.elastic.co", "Elasticsearch",
     "spec.nodeSets[].volumeClaimTemplates[].spec.resources.requests.storage"},
    {"rabbitmq.com", "RabbitmqCluster", "spec.persistence.storage"},
    {"pgv2.percona.com", "PerconaPGCluster", "spec.instances[].dataVolumeClaimSpec.resources.requests.storage"},
    {"pxc.percona.com", "PerconaXtraDBCluster",
     "spec.pxc.volumeSpec.persistentVolumeClaim.resources.requests.storage, with spec.enableVolumeExpansion: true"},
    {"psmdb.percona.com", "PerconaServerMongoDB",
     "spec.replsets[].volumeSpec.persistentVolumeClaim.resources.requests.storage, with spec.enableVolumeExpansion: "
     "true"},
    // Its own way to a new template deletes the set with its pods, unless it is paused (prometheus-operator
    // Documentation/user-guides/storage.md).
    {"monitoring.coreos.com", "Prometheus",
     "spec.storage.volumeClaimTemplate.spec.resources.requests.storage, with spec.paused: true until its claims have "
     "grown (kubectl pvc-expand pvc/NAME) and the set was deleted with --cascade=orphan,"},
    {"opentelemetry.io", "OpenTelemetryCollector", "spec.volumeClaimTemplates[].spec.resources.requests.storage"},
    {"broker.amq.io", "ActiveMQArtemis", "spec.deploymentPlan.storage.size"},
    {"k8s.mariadb.com", "MariaDB", "spec.storage.size"},
}};

std::string own_field(const kube::Owner& owner) {
    for (const OwnField& one : kOwnFields) {
        if (owner.group != one.group || owner.kind != one.kind) continue;
        const std::string made_of = *one.made_of == 0 ? one.kind : one.made_of;
        return "set " + std::string(one.field) + " of the " + made_of + " that it is made of";
    }
    return "change the size where " + escape_line(owner.text()) + " takes it from";
}

Status check_nobodys(const std::string& what, const Json& object) {
    kube::Owner owner = kube::controller_of(object);
    // Without owner references unless it is told to make them: its labels say whose the set is.
    const bool zalando =
        kube::label_of(object, "application") == "spilo" && !kube::label_of(object, "cluster-name").empty();
    if (owner.empty() && zalando) owner = {"acid.zalan.do", "postgresql", kube::label_of(object, "cluster-name")};
    if (owner.empty() || owner.kind == "StatefulSet") return {};
    const std::string software = kube::operator_of(owner);
    return refused(what + " is owned by " + escape_line(owner.text()) +
                       (software.empty() ? "" : " (" + software + ")") +
                       ": its controller would put the old size back, or delete what it does not know",
                   own_field(owner));
}

Status check_rollout(const ExpandFacts& facts, const Json& set, const std::string& what) {
    if (!kube::rolls_by_itself(set)) return {};
    const std::string update = kube::update_revision_of(set), current = kube::current_revision_of(set);
    // Made anew it would begin with the new revision: a pod that a partition keeps at the old one would lose that.
    if (kube::rolling(set))
        return refused(what + " is in the middle of a rollout (from " + escape_line(current) + " to " +
                           escape_line(update) + "), or a partition holds it there",
                       "let it end: kubectl rollout status " + what.substr(0, 4) + kube::name_of(set));
    for (const Json& pod : facts.pods) {
        if (kube::controller_uid_of(pod) != kube::uid_of(set) || update.empty()) continue;
        const std::string revision = kube::revision_of_pod(pod);
        if (!revision.empty() && revision != update)
            return refused(
                "pod/" + kube::name_of(pod) + " of " + what + " is not of its last revision: a rollout has not ended",
                "let it end: kubectl rollout status sts/" + kube::name_of(set));
    }
    return {};
}

Status check_class(const ExpandFacts& facts, const std::string& what, const Json& claim) {
    const std::string name = kube::effective_class_of(claim);
    const auto found = facts.classes.find(name);
    if (name.empty() || found == facts.classes.end())
        return refused(
            what + " has " +
                (name.empty() ? "no storage class" : "the class " + escape_line(name) + ", which is gone") +
                ": only a class says that its volumes may grow",
            "kubectl migrate pvc/" + kube::name_of(claim) + " --storage-class CLASS copies it to one that can");
    if (kube::class_expands(found->second)) return {};
    return refused(what + " has the storage class " + name + ", which does not allow volume expansion",
                   "if the driver " + escape_line(kube::provisioner_of(found->second)) +
                       " can: kubectl patch storageclass " + shell_quote(name) +
                       " -p '{\"allowVolumeExpansion\":true}'; else kubectl migrate to a class that can");
}

Status check_mounts(const ExpandFacts& facts, const ExpandRecord& record, const Growth& growth,
                    const std::string& what) {
    if (growth.workload.empty()) return {};
    const auto set = std::find_if(facts.sets.begin(), facts.sets.end(),
                                  [&](const Json& one) { return kube::name_of(one) == growth.workload; });
    const auto mounted = facts.mounted_by.find(growth.claim);
    if (mounted == facts.mounted_by.end()) return {};
    for (const Json* pod : mounted->second) {
        const std::string controller = kube::controller_uid_of(*pod);
        if (set == facts.sets.end() || controller == kube::uid_of(*set) || controller.empty()) continue;
        return refused(what + " is mounted by pod/" + record.space + "/" + kube::name_of(*pod) +
                           ", which is not one of sts/" + growth.workload +
                           "'s: whose claim it is cannot be told from its name",
                       "grow that claim by itself: kubectl pvc-expand pvc/" + growth.claim);
    }
    return {};
}

Status check_claim(const ExpandFacts& facts, const ExpandRecord& record, const Growth& growth) {
    const std::string what = "pvc/" + record.space + "/" + growth.claim;
    const Json& claim = facts.claims.at(growth.claim);
    TRY(check_nobodys(what, claim));
    if (kube::deleting(claim))
        return refused(what + " is being deleted",
                       "`kubectl pvc-expand doctor pvc/" + growth.claim + "` says what holds it");
    if (kube::phase_of(claim) != "Bound")
        return refused(what + " is not Bound, its phase is " + escape_line(kube::phase_of(claim)) +
                           ": only a claim with a volume can grow",
                       "`kubectl pvc-expand doctor pvc/" + growth.claim + "` says why");
    TRY(check_class(facts, what, claim));
    if (kube::resize_state_of(claim).stale())
        return refused(
            what +
                ": the status of its last expansion was never closed (NodeResizePending, though capacity has "
                "reached it): while it stands, the resizer does not act on a larger request",
            "kubectl pvc-expand recover pvc/" + growth.claim + " closes it");
    return check_mounts(facts, record, growth, what);
}

const Json* set_of_pod(const ExpandFacts& facts, const Json& pod) {
    const std::string uid = kube::controller_uid_of(pod);
    for (const Json& set : facts.sets) {
        if (kube::uid_of(set) == uid) return &set;
    }
    for (const ClaimUser& user : facts.users) {
        if (user.ref.resource == kube::kStatefulSets && kube::uid_of(user.live) == uid) return &user.live;
    }
    return nullptr;
}

long long bytes_of(const std::string& text) {
    const auto size = Quantity::parse(text);
    return size.ok() ? size->bytes() : 0;
}

}  // namespace

Status check_owner(const std::string& what, const Json& workload) { return check_nobodys(what, workload); }

Status check_set(const std::string& space, const ExpandFacts& facts, const Json& set) {
    const std::string what = "sts/" + space + "/" + kube::name_of(set);
    if (kube::deleting(set)) return refused(what + " is being deleted", "wait until it is gone, or made again");
    if (const auto held = kube::finalizers_of(set); !held.empty())
        return refused(what + " has the finalizer " + escape_line(held.front()) +
                           ": deleted to be made anew, it would not go until somebody takes that away",
                       "see who has set it, and take it away first");
    if (!kube::observed(set))
        return refused(what + " has been changed, and its controller has not seen it yet", "run the command again");
    return check_rollout(facts, set, what);
}

Status check_alone(const std::string& space, const ExpandFacts& facts, const Json& set) {
    const Taker* taker = taker_of(facts.takers, facts.pods, set);
    if (taker == nullptr) return {};
    return refused(taking_text(*taker, {kube::kStatefulSets, space, kube::name_of(set)}),
                   "one of the two needs another selector; until then each claim grows by itself: kubectl pvc-expand "
                   "pvc/NAME");
}

Status check_claims(const ExpandFacts& facts, const ExpandRecord& record) {
    for (const Growth& growth : record.claims) {
        if (!growth.bears_only) TRY(check_claim(facts, record, growth));
    }
    return {};
}

Status check_asked(const std::string& space, const Json& claim, const Quantity& target) {
    const kube::ResizeState now = kube::resize_state_of(claim);
    const bool less = now.requested && now.capacity && target < *now.requested && target > *now.capacity;
    if (!less || !now.infeasible()) return {};
    return refused("pvc/" + space + "/" + now.name + " asks for " + now.requested->text() +
                       ", which the storage has refused for good (" + now.status + "), and has " + now.capacity->text(),
                   "to have it ask for this instead: kubectl pvc-expand recover pvc/" + now.name + " --size " +
                       target.text() + ", then the same command again");
}

Status check_quota(const ExpandFacts& facts, const ExpandRecord& record) {
    for (const Json& object : facts.quotas) {
        for (const kube::StorageQuota& quota : kube::storage_quotas_of(object)) {
            long long needed = 0;
            for (const Growth& growth : record.claims) {
                const Json& claim = facts.claims.at(growth.claim);
                if (!quota.storage_class.empty() && kube::effective_class_of(claim) != quota.storage_class) continue;
                // Counted is the larger of the request and what an expansion has allocated.
                const auto allocated = kube::resize_state_of(claim).allocated;
                const long long counted = std::max(bytes_of(growth.from), allocated ? allocated->bytes() : 0);
                needed += std::max<long long>(0, bytes_of(growth.to) - counted);
            }
            const long long free = std::max<long long>(0, quota.hard - quota.used);
            if (needed <= free) continue;
            return refused(
                "resourcequota/" + record.space + "/" + quota.quota + " (" + escape_line(quota.what) +
                    ") has room for " + Quantity::from_bytes(free).text() + " more, and " +
                    Quantity::from_bytes(needed).text() + " are needed",
                "grow by less, or have the quota raised to " + Quantity::from_bytes(quota.used + needed).text());
        }
    }
    return {};
}

Status check_restarts(const ExpandFacts& facts, const ExpandRecord& record) {
    if (record.restart == Restart::kNever) return {};
    for (const Growth& growth : record.claims) {
        const auto mounted = facts.mounted_by.find(growth.claim);
        if (growth.bears_only || mounted == facts.mounted_by.end()) continue;
        for (const Json* pod : mounted->second) {
            const std::string what = "pod/" + record.space + "/" + kube::name_of(*pod);
            if (!comes_again(*pod))
                return refused(what + ", which mounts pvc/" + growth.claim + ", is of no StatefulSet or Deployment: " +
                                   (record.restart == Restart::kOffline ? "stopped" : "evicted") + ", it would be gone",
                               record.restart == Restart::kOffline
                                   ? "stop it yourself, and run this without --restart: what no pod uses grows"
                                   : "leave --restart out, and start it anew yourself if its filesystem does not grow");
            const Json* set = set_of_pod(facts, *pod);
            if (set == nullptr) continue;
            const std::string update = kube::update_revision_of(*set), revision = kube::revision_of_pod(*pod);
            if (!update.empty() && !revision.empty() && update != revision)
                return refused(what + " would come again as revision " + escape_line(update) + " and is " +
                                   escape_line(revision) + ": a restart would be a rollout",
                               "leave --restart out, or roll the StatefulSet out first");
        }
    }
    return {};
}

std::string set_of_claim(const ExpandFacts& facts, const std::string& claim) {
    const auto mounted = facts.mounted_by.find(claim);
    if (mounted == facts.mounted_by.end()) return "";
    for (const Json* pod : mounted->second) {
        const kube::Owner owner = kube::controller_of(*pod);
        if (owner.kind == "StatefulSet" && ends_with(claim, "-" + kube::name_of(*pod))) return owner.name;
    }
    return "";
}

void note_deployer(std::vector<std::string>& notes, const Json& set, const kube::TemplateSizes& sizes) {
    const std::string by = kube::workload_state_of(set).deployed_by;
    if (by.empty()) return;
    std::vector<std::string> values;
    for (const auto& [name, size] : sizes)
        values.push_back("volumeClaimTemplates[" + name + "].spec.resources.requests.storage: " + size);
    const bool helm = starts_with(by, "Helm release");
    notes.push_back("sts/" + kube::name_of(set) + " comes from " + escape_line(by) + ": put the new size " +
                    (helm ? "into the chart's values" : "into Git") + " before the next " +
                    (helm ? "upgrade" : "sync") + " (" + join(values, "; ") + "), " +
                    (helm ? "which is refused with the old one"
                          : "and pause automatic sync until then: it fails with the "
                            "old one, and with Force or Replace it deletes the pods"));
}

}  // namespace holdfast::expand
