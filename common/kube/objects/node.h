// A node as volumes and pods ask for it: labels, and whether new pods may come. Pure.
#pragma once

#include "common/core/json.h"
#include "common/kube/objects/label_selector.h"

#include <string>
#include <vector>

namespace holdfast::kube {

struct Taint {
    std::string key, value, effect;
};

struct Node {
    std::string name;
    LabelMap labels;
    bool ready = false;
    bool cordoned = false;  // spec.unschedulable
    // Those that keep new pods away (NoSchedule, NoExecute), without the ones that only repeat `ready` and `cordoned`.
    std::vector<Taint> taints = {};
};
Node node_state_of(const Json& object);

// Whether required node selector terms, of a volume's nodeAffinity or of a pod's, pick the node. Terms are
// alternatives; one that asks for nothing picks nothing; null or an empty list stands for "anywhere". An operator that
// we do not know is taken to pick it: nothing is refused by what cannot be read. Source:
// k8s.io/component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go.
bool picks_node(const Json& terms, const Node& node);

// Whether a pod with these tolerations (null: none) may come to a node with that taint. An operator that we do not know
// is taken to tolerate it. Source: k8s.io/component-helpers/scheduling/corev1/helpers.go and ToleratesTaint of
// k8s.io/api/core/v1/toleration.go.
bool tolerates(const Json& tolerations, const Taint& taint);

}  // namespace holdfast::kube
