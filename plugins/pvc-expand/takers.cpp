// While a StatefulSet is replaced, its pods and ControllerRevisions are nobody's. Whoever else selects them takes them
// up in that moment (controller_ref_manager.go ClaimObject): a DaemonSet, ReplicaSet, ReplicationController or Job
// deletes those pods that are too many, another StatefulSet has the revisions from then on, and may roll its own pods
// out to one of them.
#include "plugins/pvc-expand/takers.h"

#include "common/kube/adopting.h"
#include "common/kube/objects/label_selector.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/stateful_swap.h"
#include "common/kube/objects/workload.h"

#include <algorithm>

namespace holdfast::expand {
namespace {

// Its pods as they are, and what its ControllerRevisions have for labels: those of its template.
bool selects_any_of(const Taker& taker, const std::vector<Json>& pods, const Json& set) {
    if (kube::selector_matches(taker.selector, kube::template_labels_of(set))) return true;
    return std::any_of(pods.begin(), pods.end(), [&](const Json& pod) {
        return kube::controller_uid_of(pod) == kube::uid_of(set) &&
               kube::selector_matches(taker.selector, kube::labels_of(pod));
    });
}

// A Job's selector is of its own uid, unless it is told otherwise; one that has ended looks for no pods any more
// (job_controller.go syncJob).
bool adopts(const kube::Resource& resource, const Json& object) {
    if (kube::deleting(object)) return false;
    return resource != kube::kJobs || (kube::selects_by_hand(object) && !kube::job_ended(object));
}

// A ReplicationController's is a plain map.
Json selector_of(const kube::Resource& resource, const Json& object) {
    Json selector = kube::pod_selector_of(object);
    const bool plain = resource == kube::kReplicationControllers && !selector.is_null();
    return plain ? kube::selector_of_labels(selector) : selector;
}

}  // namespace

// A Deployment's ReplicaSets, which may be many, select by a hash that no StatefulSet's pod has.
Result<std::vector<Taker>> gather_takers(kube::ClusterReader& reader, const std::string& space) {
    std::vector<Taker> takers;
    for (const kube::Resource* resource : kube::adopting_resources()) {
        const std::size_t before = takers.size();
        const kube::ListOptions which{*resource == kube::kReplicaSets ? "!pod-template-hash" : "", ""};
        TRY(reader.for_each(
            *resource, space, which,
            [&](Json&& object) {
                if (adopts(*resource, object))
                    takers.push_back({{*resource, space, kube::name_of(object)}, selector_of(*resource, object)});
                return true;
            },
            [&] { takers.resize(before); }));
    }
    return takers;
}

const Taker* taker_of(const std::vector<Taker>& takers, const std::vector<Json>& pods, const Json& set) {
    const auto found = std::find_if(takers.begin(), takers.end(), [&](const Taker& taker) {
        const bool itself = taker.ref.resource == kube::kStatefulSets && taker.ref.name == kube::name_of(set);
        return !itself && selects_any_of(taker, pods, set);
    });
    return found == takers.end() ? nullptr : &*found;
}

std::string taking_text(const Taker& taker, const kube::ObjectRef& set) {
    return "the selector of " + taker.ref.text() + " chooses what is of " + set.text() +
           ", too: while that is replaced, " +
           (taker.ref.resource == kube::kStatefulSets
                ? "its ControllerRevisions would become the other one's, which may then restart its own pods"
                : "its pods would become the other one's, which deletes those that it has too many");
}

}  // namespace holdfast::expand
