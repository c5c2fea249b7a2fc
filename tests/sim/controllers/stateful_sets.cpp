// StatefulSets. Modelled after kubernetes pkg/controller/statefulset/stateful_set_control.go (updateStatefulSet,
// processReplica, processCondemned), stateful_pod_control.go and stateful_set_utils.go (claims, retention policy), and
// controller_ref_manager.go (adoption).
#include "common/kube/objects/workload.h"
#include "tests/sim/admission.h"
#include "tests/sim/controllers/controllers.h"
#include "tests/sim/controllers/revisions.h"
#include "tests/sim/controllers/workloads.h"

#include <algorithm>
#include <optional>

namespace holdfast::sim {
namespace {

constexpr char kRevision[] = "controller-revision-hash";

bool is_healthy(const Json& pod) { return is_ready(pod) && !kube::deleting(pod); }

class StatefulSet {
  public:
    StatefulSet(Sim& sim, const Json& object)
        : sim_(sim), set_(object), space_(kube::space_of(object)), name_(kube::name_of(object)) {}

    // sync: pkg/controller/statefulset/stateful_set.go:524; getPodsForStatefulSet: 387; performUpdate:
    // stateful_set_control.go:109; updateStatefulSet: 560.
    void sync() {
        if (!adopt_revisions(sim_, set_)) return;
        if (!kube::deleting(set_)) adopt();
        // What it does is told of by the next look: pods are counted as they are at its beginning, those adopted too.
        const Pods at_first = pods();
        revision_ = keep_revision(sim_, set_);
        sim_.hold_up();
        if (!kube::deleting(set_) && replicas_done() && condemned_done()) roll();
        keep_status(at_first);
    }

  private:
    using Pods = std::map<int, ObjectPtr>;

    std::string pod_name(int ordinal) const { return name_ + "-" + std::to_string(ordinal); }
    kube::ObjectRef pod_ref(int ordinal) const { return {kube::kPods, space_, pod_name(ordinal)}; }
    int first() const { return kube::start_ordinal_of(set_); }
    int end() const { return first() + kube::replicas_of(set_); }
    bool within(int ordinal) const { return ordinal >= first() && ordinal < end(); }
    bool ordered() const { return kube::text_at(set_, "/spec/podManagementPolicy") != "Parallel"; }
    bool on_delete() const { return kube::text_at(set_, "/spec/updateStrategy/type") == "OnDelete"; }

    // By the pod's name, whoever owns it.
    std::optional<int> ordinal_of(const Json& pod) const {
        const std::string pod_is = kube::name_of(pod);
        if (!pod_is.starts_with(name_ + "-")) return std::nullopt;
        const std::string rest = pod_is.substr(name_.size() + 1);
        const bool number = !rest.empty() && rest.size() < 9 && std::all_of(rest.begin(), rest.end(), ::isdigit);
        return number ? std::optional(std::stoi(rest)) : std::nullopt;
    }

    Pods pods() const {
        Pods own;
        for (const ObjectPtr& pod : sim_.store.list(kube::kPods, space_)) {
            const auto ordinal = ordinal_of(*pod);
            if (ordinal && kube::text_at(*pod, "/metadata/ownerReferences/0/uid") == kube::uid_of(set_))
                own[*ordinal] = pod;
        }
        return own;
    }

    // Pods of the selection and of the right name that nobody controls become its own.
    // ClaimPods: pkg/controller/controller_ref_manager.go:183; AdoptPod: 222.
    void adopt() {
        for (const ObjectPtr& pod : sim_.in_any_order(sim_.store.list(kube::kPods, space_))) {
            if (pod.deleting() || !ordinal_of(*pod) || !selects(set_, *pod)) continue;
            if (kube::find_at(*pod, "/metadata/ownerReferences/0") != nullptr) continue;
            sim_.edit(pod.ref(), [&](Json& one) { one["metadata"]["ownerReferences"] = owner_of(set_); });
        }
    }

    // Lowest first; in order, each must be healthy before the next. True: all that there are to be are.
    // updateStatefulSet: pkg/controller/statefulset/stateful_set_control.go:560.
    bool replicas_done() {
        for (int ordinal = first(); ordinal < end(); ++ordinal) {
            if (!replica_done(ordinal) && ordered()) return false;
        }
        return true;
    }

    // processReplica: pkg/controller/statefulset/stateful_set_control.go:417; createMissingPersistentVolumeClaims:
    // stateful_pod_control.go:365.
    bool replica_done(int ordinal) {
        const Pods own = pods();
        const auto found = own.find(ordinal);
        if (found == own.end()) {
            if (make_claims(ordinal) && !sim_.store.find(pod_ref(ordinal))) start(ordinal);
            return false;
        }
        const Json& pod = *found->second;
        if (has_ended(pod)) {
            sim_.begin_deletion(ref_of(pod));
            return false;
        }
        if (kube::text_at(pod, "/status/phase") == "Pending") (void)make_claims(ordinal);
        if (!is_healthy(pod)) return false;
        keep_retention(ordinal, pod);
        return true;
    }

    // What is too much, highest first. In order only one goes at a time, and one that is not ready only if it is the
    // first such of all: the others wait for it (safety R12).
    // processCondemned: pkg/controller/statefulset/stateful_set_control.go:507.
    bool condemned_done() {
        const Pods own = pods();
        for (const auto& [ordinal, pod] : own) {
            if (!within(ordinal)) keep_retention(ordinal, *pod);
        }
        const int unhealthy = first_unhealthy(own);
        for (auto at = own.rbegin(); at != own.rend(); ++at) {
            const auto& [ordinal, pod] = *at;
            if (within(ordinal)) continue;
            if (pod.deleting()) {
                if (ordered()) return false;
                continue;
            }
            if (ordered() && !is_ready(*pod) && ordinal != unhealthy) return false;
            sim_.begin_deletion(pod_ref(ordinal));
            if (ordered()) return false;
        }
        return true;
    }

    // Those that stay come before those that go, each from the lowest ordinal on. -1: none.
    int first_unhealthy(const Pods& own) const {
        for (const bool stays : {true, false}) {
            for (const auto& [ordinal, pod] : own) {
                if (within(ordinal) == stays && !is_healthy(*pod)) return ordinal;
            }
        }
        return -1;
    }

    // Highest first, one at a time: pods of an older template go, to come again of the new one.
    // updateStatefulSetAfterInvariantEstablished: pkg/controller/statefulset/stateful_set_control.go:738.
    void roll() {
        if (on_delete()) return;
        const Pods own = pods();
        for (auto at = own.rbegin(); at != own.rend(); ++at) {
            const auto& [ordinal, pod] = *at;
            if (!within(ordinal)) continue;
            if (kube::label_of(*pod, kRevision) != revision_ && !pod.deleting())
                return sim_.begin_deletion(pod_ref(ordinal));
            if (!is_healthy(*pod)) return;
        }
    }

    const Json& claim_templates() const {
        static const Json kNone = Json::array();
        const Json* templates = kube::find_at(set_, "/spec/volumeClaimTemplates");
        return templates == nullptr ? kNone : *templates;
    }

    kube::ObjectRef claim_ref(const Json& claim_template, int ordinal) const {
        return {kube::kClaims, space_, kube::name_of(claim_template) + "-" + pod_name(ordinal)};
    }

    bool deletes(const char* when) const {
        return kube::text_at(set_, std::string("/spec/persistentVolumeClaimRetentionPolicy/") + when) == "Delete";
    }

    // The claims are the set's if they go with it, the pod's if they go with a pod that is too much, else nobody's.
    // updateClaimOwnerRefForSetAndPod: pkg/controller/statefulset/stateful_set_utils.go:307;
    // UpdatePodClaimForRetentionPolicy: stateful_pod_control.go:275.
    void keep_retention(int ordinal, const Json& pod) {
        const bool too_much = !within(ordinal);
        const bool of_pod = too_much && deletes("whenScaled");
        const bool of_set = deletes("whenDeleted") && !of_pod;
        for (const Json& one : claim_templates()) {
            const kube::ObjectRef ref = claim_ref(one, ordinal);
            const ObjectPtr found = sim_.store.find(ref);
            if (!found || (!found.has_owners() && !of_set && !of_pod)) continue;  // as it is nearly always
            sim_.edit(ref, "metadata", [&](Json& claim) {
                Json owners = Json::array();
                for (const Json& owner : claim.value("ownerReferences", Json::array())) {
                    const std::string uid = kube::text_at(owner, "/uid");
                    if (uid != kube::uid_of(set_) && uid != kube::uid_of(pod)) owners.push_back(owner);
                }
                if (of_set) owners.push_back(owner_of(set_)[0]);
                if (of_pod) owners.push_back(owner_of(pod)[0]);
                if (owners.empty())
                    claim.erase("ownerReferences");
                else
                    claim["ownerReferences"] = owners;
            });
        }
    }

    // False: a claim is being deleted or refused, so the pod has to wait.
    // createPersistentVolumeClaims: pkg/controller/statefulset/stateful_pod_control.go:381.
    bool make_claims(int ordinal) {
        for (const Json& one : claim_templates()) {
            const kube::ObjectRef ref = claim_ref(one, ordinal);
            const ObjectPtr found = sim_.store.find(ref);
            if (found && found.deleting()) return false;
            if (found) continue;
            Json manifest = one;
            manifest["apiVersion"] = "v1";
            manifest["kind"] = "PersistentVolumeClaim";
            manifest["metadata"]["name"] = ref.name;
            manifest["metadata"]["namespace"] = space_;
            manifest["metadata"]["labels"] = set_["spec"]["selector"]["matchLabels"];
            Json claim = admitted(sim_, manifest, ref);
            claim["metadata"]["uid"] = sim_.new_uid();
            claim["metadata"]["creationTimestamp"] = format_time(sim_.now());
            if (!check_quota(sim_, ref, nullptr, claim, false).ok()) return false;
            sim_.put(std::move(claim));
        }
        return true;
    }

    // CreateStatefulPod: pkg/controller/statefulset/stateful_pod_control.go:154; newVersionedStatefulSetPod:
    // stateful_set_utils.go:530.
    void start(int ordinal) {
        Json pod = pod_of(sim_, set_, pod_name(ordinal));
        Json& labels = pod["metadata"]["labels"];
        labels["statefulset.kubernetes.io/pod-name"] = pod_name(ordinal);
        labels["apps.kubernetes.io/pod-index"] = std::to_string(ordinal);
        labels[kRevision] = revision_;
        for (const Json& one : claim_templates())
            pod["spec"]["volumes"].push_back(
                {{"name", kube::name_of(one)},
                 {"persistentVolumeClaim", {{"claimName", claim_ref(one, ordinal).name}}}});
        sim_.put(pod);
        keep_retention(ordinal, pod);
    }

    // computeReplicaStatus: pkg/controller/statefulset/stateful_set_control.go:370; updateStatus: 401;
    // completeRollingUpdate: stateful_set_utils.go:639.
    void keep_status(const Pods& own) {
        int there = 0, ready = 0, updated = 0, current = 0;
        const std::string before = kube::text_at(set_, "/status/currentRevision");
        std::string now = before.empty() ? revision_ : before;
        for (const auto& [ordinal, pod] : own) {
            ++there;
            if (is_ready(*pod)) ++ready;
            if (pod.deleting()) continue;
            if (kube::label_of(*pod, kRevision) == revision_) ++updated;
            if (kube::label_of(*pod, kRevision) == now) ++current;
        }
        if (!on_delete() && updated == there && ready == there) {
            now = revision_;
            current = updated;
        }
        sim_.edit(ref_of(set_), "status", [&](Json& status) {
            status = {{"observedGeneration", kube::number_at(set_, "/metadata/generation", 1)},
                      {"replicas", there},
                      {"currentReplicas", current},
                      {"updatedReplicas", updated},
                      {"readyReplicas", ready},
                      {"availableReplicas", ready},
                      {"currentRevision", now},
                      {"updateRevision", revision_}};
        });
    }

    Sim& sim_;
    const Json& set_;
    std::string space_, name_, revision_;
};

}  // namespace

void run_stateful_sets(Sim& sim) {
    for (const ObjectPtr& object : sim.all_of(kube::kStatefulSets)) {
        const ObjectPtr fresh = sim.store.find(object.ref());
        if (fresh) StatefulSet(sim, *fresh).sync();
    }
}

}  // namespace holdfast::sim
