#include "common/plan/forgotten.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/stateful_swap.h"
#include "common/kube/objects/workload.h"

#include <algorithm>

namespace holdfast::plan {
namespace {

constexpr char kUntold[] = ", of which no journal, claim or volume tells any more";

std::string take_off(const kube::ObjectRef& ref, const char* mark) {
    return "kubectl annotate " + ref.resource.qualified() + "/" + ref.name + " -n " + ref.space + " " + mark + "-";
}

bool is_replicas(const std::string& text) {
    return !text.empty() && text.size() < 9 && text.find_first_not_of("0123456789") == std::string::npos;
}

// Scaled up it would make an empty claim in place of one that is not there.
Forgotten held_one(const kube::ObjectRef& ref, const Json& live, const std::string& was) {
    const std::string now = std::to_string(kube::replicas_of(live));
    const std::string scale = is_replicas(was) ? "kubectl scale " + ref.resource.qualified() + "/" + ref.name + " -n " +
                                                     ref.space + " --replicas=" + was + "; "
                                               : "scale it up; ";
    return {ref, labels::kReplicas, was,
            ref.text() + " is held at " + now + " replicas (it had " + escape_line(was) + ") by an operation" + kUntold,
            "`kubectl restore status` and `kubectl pvc-expand status` each find what they have marked themselves; if "
            "neither lists it, see first that all its claims are there and Bound (kubectl get pvc -n " +
                ref.space + "), for a missing one would be made empty; then: " + scale +
                take_off(ref, labels::kReplicas)};
}

Forgotten remade_one(const kube::ObjectRef& ref, const std::string& by) {
    return {ref, labels::kRemade, by,
            ref.text() + " was made anew by " + escape_line(by) + kUntold +
                "; whether it has its pods, and whose its fields are, was not looked at any more",
            "kubectl get pods -n " + ref.space + " shows its pods; the manifest applied once more makes its fields " +
                "yours again; then: " + take_off(ref, labels::kRemade)};
}

Forgotten retained_one(const kube::ObjectRef& ref, const Json& live, const std::string& was) {
    const std::string now = kube::when_deleted_of(live) + "/" + kube::when_scaled_of(live);
    return {ref, labels::kRetention, was,
            ref.text() + " has the claim retention policy " + escape_line(now) + " and had " + escape_line(was) +
                " before an operation" + kUntold,
            "set spec.persistentVolumeClaimRetentionPolicy to what you want (no data is at risk under Retain/Retain); "
            "then: " +
                take_off(ref, labels::kRetention)};
}

void add_marks(const kube::ObjectRef& ref, const Json& live, std::vector<Forgotten>& found) {
    if (const auto was = kube::annotation_of(live, labels::kReplicas); !was.empty())
        found.push_back(held_one(ref, live, was));
    if (const auto by = kube::annotation_of(live, labels::kRemade); !by.empty()) found.push_back(remade_one(ref, by));
    if (const auto was = kube::annotation_of(live, labels::kRetention); !was.empty())
        found.push_back(retained_one(ref, live, was));
}

bool is_told_of(const std::vector<Journal>& known, const kube::ObjectRef& ref) {
    return std::any_of(known.begin(), known.end(), [&](const Journal& journal) {
        return journal.state != "done" && std::any_of(journal.locks.begin(), journal.locks.end(),
                                                      [&](const Lock& lock) { return lock.workload == ref; });
    });
}

}  // namespace

Result<std::vector<Forgotten>> forgotten_workloads(kube::ClusterReader& reader, const std::string& space,
                                                   const std::vector<Journal>& known) {
    std::vector<Forgotten> found;
    for (const kube::Resource* resource : {&kube::kStatefulSets, &kube::kDeployments}) {
        const auto all = reader.list(*resource, space);
        if (!all.ok() && (all.error().kind == ErrorKind::kForbidden || all.error().kind == ErrorKind::kNotFound))
            continue;
        if (!all.ok()) return all.error();
        for (const Json& live : all->items) {
            const kube::ObjectRef ref{*resource, kube::space_of(live), kube::name_of(live)};
            if (!is_told_of(known, ref)) add_marks(ref, live, found);
        }
    }
    return found;
}

}  // namespace holdfast::plan
