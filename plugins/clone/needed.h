// Who else needs what a clone is made of: a copied ConfigMap or Secret serves whatever names it in that namespace.
#pragma once

#include "plugins/clone/removal.h"

namespace holdfast::clone {

bool is_among(const std::vector<Belonging>& belongings, const kube::ObjectRef& ref);
// Pods of a StatefulSet, or of a Deployment's ReplicaSet, go with it.
bool goes_along(const std::vector<Belonging>& belongings, const Json& pod);

// Fills in `needed` and `unseen`. Lists only where there is a ConfigMap or Secret among the belongings; a kind that may
// not be listed may name each.
Status gather_needed(kube::ClusterReader& reader, Removal& removal);

}  // namespace holdfast::clone
