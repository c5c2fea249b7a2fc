// While a StatefulSet is replaced, its pods and ControllerRevisions are nobody's. Whoever else selects them takes them
// up in that moment (controller_ref_manager.go ClaimObject): a DaemonSet or ReplicaSet deletes those pods that are too
// many, another StatefulSet has the revisions from then on, and may roll its own pods out to one of them.
#include "common/core/refusal.h"
#include "common/kube/objects/label_selector.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/stateful_swap.h"
#include "common/kube/objects/workload.h"
#include "plugins/pvc-expand/guards.h"

#include <algorithm>

namespace holdfast::expand {
namespace {

// Its pods as they are, and what its ControllerRevisions have for labels: those of its template.
bool selects_any_of(const Taker& taker, const ExpandFacts& facts, const Json& set) {
    if (kube::selector_matches(taker.selector, kube::template_labels_of(set))) return true;
    return std::any_of(facts.pods.begin(), facts.pods.end(), [&](const Json& pod) {
        return kube::controller_uid_of(pod) == kube::uid_of(set) &&
               kube::selector_matches(taker.selector, kube::labels_of(pod));
    });
}

}  // namespace

// A Job's selector is of its own uid, unless it is told otherwise. A Deployment's ReplicaSets, which may be many,
// select by a hash that no StatefulSet's pod has.
Result<std::vector<Taker>> gather_takers(kube::ClusterReader& reader, const std::string& space) {
    std::vector<Taker> takers;
    for (const kube::Resource* resource : {&kube::kStatefulSets, &kube::kDaemonSets, &kube::kReplicaSets}) {
        const std::size_t before = takers.size();
        const kube::ListOptions which{*resource == kube::kReplicaSets ? "!pod-template-hash" : "", ""};
        TRY(reader.for_each(
            *resource, space, which,
            [&](Json&& object) {
                if (!kube::deleting(object))
                    takers.push_back({{*resource, space, kube::name_of(object)}, kube::pod_selector_of(object)});
                return true;
            },
            [&] { takers.resize(before); }));
    }
    return takers;
}

Status check_alone(const std::string& space, const ExpandFacts& facts, const Json& set) {
    const kube::ObjectRef self{kube::kStatefulSets, space, kube::name_of(set)};
    for (const Taker& taker : facts.takers) {
        if (taker.ref == self || !selects_any_of(taker, facts, set)) continue;
        const bool of_sets = taker.ref.resource == kube::kStatefulSets;
        return refused(
            "the selector of " + taker.ref.text() + " chooses what is of " + self.text() +
                ", too: while that is replaced, " +
                (of_sets ? "its ControllerRevisions would become the other one's, which may then restart its own pods"
                         : "its pods would become the other one's, which deletes those that it has too many"),
            "one of the two needs another selector; until then each claim grows by itself: kubectl pvc-expand "
            "pvc/NAME");
    }
    return {};
}

}  // namespace holdfast::expand
