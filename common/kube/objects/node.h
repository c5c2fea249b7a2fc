// A node as volumes and pods ask for it: labels, and whether new pods may come. Pure.
#pragma once

#include "common/core/json.h"
#include "common/kube/objects/label_selector.h"

#include <string>

namespace holdfast::kube {

struct Node {
    std::string name;
    LabelMap labels;
    bool ready = false;
    bool cordoned = false;  // spec.unschedulable
};
Node node_state_of(const Json& object);

// Whether required node selector terms, of a volume's nodeAffinity or of a pod's, pick the node. Terms are
// alternatives; one that asks for nothing picks nothing; null or an empty list stands for "anywhere". An operator that
// we do not know is taken to pick it: nothing is refused by what cannot be read. Source:
// k8s.io/component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go.
bool picks_node(const Json& terms, const Node& node);

}  // namespace holdfast::kube
