#include "plugins/pvc-expand/evidence.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/stateful_swap.h"
#include "common/kube/objects/workload.h"

#include <algorithm>

namespace holdfast::expand {
namespace {

bool is_set_of(const Json& set, const Json& claim) {
    const Json* manifest = kube::find_at(set, "/manifest");
    if (manifest == nullptr) return false;
    return kube::text_at(*manifest, "/kind") == "StatefulSet" && kube::text_at(*manifest, "/apiVersion") == "apps/v1" &&
           kube::space_of(*manifest) == kube::space_of(claim) &&
           kube::name_of(*manifest) == kube::text_at(set, "/name") &&
           kube::template_of_claim(*manifest, kube::name_of(claim)).claim_template != nullptr;
}

// Nobody's, or not taken off the set yet. A uid alone can be anybody's: DaemonSets have ControllerRevisions, too.
bool let_go(const Template& set, const Json& object) {
    const kube::Owner owner = kube::controller_of(object);
    const bool its = owner.kind == "StatefulSet" && owner.name == set.ref.name;
    return owner.empty() || (its && kube::controller_uid_of(object) == set.uid && !kube::deleting(object));
}

// A pod of it, which mounts a claim of its templates.
bool is_left_pod(const Template& set, const Json& pod) {
    const int ordinal = kube::ordinal_of_pod(set.manifest, kube::name_of(pod));
    if (ordinal < 0 || !let_go(set, pod)) return false;
    const std::vector<std::string> mounted = kube::claims_of_pod(pod);
    return std::any_of(mounted.begin(), mounted.end(), [&](const std::string& claim) {
        const auto place = kube::template_of_claim(set.manifest, claim);
        return place.claim_template != nullptr && place.ordinal == ordinal;
    });
}

bool is_named_as_revision(const std::string& set, const std::string& name) {
    const std::string prefix = set + "-";
    return starts_with(name, prefix) && name.find('-', prefix.size()) == std::string::npos;
}

// They stay also when the last of its pods has ended.
bool is_left_revision(const Template& set, const Json& revision) {
    return is_named_as_revision(set.ref.name, kube::name_of(revision)) && let_go(set, revision);
}

}  // namespace

Result<std::optional<std::vector<Json>>> revisions_if_allowed(kube::ClusterReader& reader, const std::string& space) {
    auto all = reader.list(kube::kControllerRevisions, space);
    if (!all.ok() && all.error().kind == ErrorKind::kForbidden) return std::optional<std::vector<Json>>();
    if (!all.ok()) return all.error();
    return std::optional(std::move(all->items));
}

bool left_behind(const Template& set, const std::vector<Json>& pods, const std::vector<Json>& revisions) {
    return std::any_of(pods.begin(), pods.end(), [&](const Json& pod) { return is_left_pod(set, pod); }) ||
           std::any_of(revisions.begin(), revisions.end(),
                       [&](const Json& revision) { return is_left_revision(set, revision); });
}

bool is_own_trace(const Json& trace, const Json& claim) {
    const Json* claims = kube::find_at(trace, "/claims");
    const Json* sets = kube::find_at(trace, "/sets");
    if (claims == nullptr || !claims->is_array() || sets == nullptr || !sets->is_array()) return false;
    const bool among = std::any_of(claims->begin(), claims->end(), [&](const Json& one) {
        return kube::text_at(one, "/claim") == kube::name_of(claim);
    });
    return among && kube::text_at(trace, "/operation") == kube::label_of(claim, labels::kExpanding) &&
           std::all_of(sets->begin(), sets->end(), [&](const Json& set) { return is_set_of(set, claim); });
}

bool is_contradicted(const Json& manifest, const std::vector<Json>& revisions) {
    const Json* latest = nullptr;
    for (const Json& one : revisions) {
        const bool left = kube::controller_uid_of(one).empty() && !kube::deleting(one);
        // By its name alone: the selector, too, is in the annotation.
        if (!left || !is_named_as_revision(kube::name_of(manifest), kube::name_of(one))) continue;
        if (latest == nullptr || kube::number_at(*latest, "/revision", 0) < kube::number_at(one, "/revision", 0))
            latest = &one;
    }
    return latest != nullptr && kube::pod_template_of(*latest) != kube::pod_template_of(manifest);
}

}  // namespace holdfast::expand
