// What tells of a StatefulSet that is gone, apart from what its claims say: an annotation can be written by whoever may
// edit claims, who is not on that account one who may run pods.
#pragma once

#include "common/kube/reader.h"
#include "plugins/pvc-expand/record.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::expand {

// ControllerRevisions of the namespace; nullopt: who asks may not see them.
Result<std::optional<std::vector<Json>>> revisions_if_allowed(kube::ClusterReader& reader, const std::string& space);

// Whether a StatefulSet that is gone was deleted so that its pods and revisions stay, as we delete it: its owner, who
// deletes it with its pods, leaves none.
bool left_behind(const Template& set, const std::vector<Json>& pods, const std::vector<Json>& revisions);

// A trace that this claim may carry: of the operation that its mark names, of claims among which it is, and of no other
// set than the one of this namespace that it is a claim of by its name.
bool is_own_trace(const Json& trace, const Json& claim);

// Whether the controller's own copy of the pod template says otherwise: the latest ControllerRevision of the set's name
// that nobody owns, as a set leaves them that is deleted without its pods.
bool is_contradicted(const Json& manifest, const std::vector<Json>& revisions);

}  // namespace holdfast::expand
