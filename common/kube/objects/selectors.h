// Every selector in a namespace that picks pods by their labels: Services, disruption budgets, network policies (whom
// they are about and whom they let through), controllers, affinity and spread terms of other pods. Pure.
#pragma once

#include "common/core/json.h"

#include <nlohmann/json.hpp>

#include <functional>

#include <string>
#include <vector>

namespace holdfast::kube {

std::string service_of(const Json& stateful_set);  // spec.serviceName, "" : none

struct NamedSelector {
    std::string owner;  // "svc/shop/db", "netpol/shop/deny (egress)", "sts/shop/web (anti-affinity)"
    Json selector;      // a LabelSelector
};

// Of one object, whatever its kind; empty for kinds that select no pods.
std::vector<NamedSelector> selectors_of(const Json& object);
// Of a pod spec alone: its affinity terms and spread constraints. `owner`: whose pods.
std::vector<NamedSelector> pod_terms_of(const Json& pod_spec, const std::string& owner);
// Of these the ones that are about pods of `space` although the pod is in another namespace, as far as can be seen
// without the labels of namespaces.
std::vector<NamedSelector> far_terms_of(const Json& pod_spec, const std::string& owner, const std::string& space);
// Calls `change` on each affinity term and spread constraint of a pod spec that has a labelSelector.
void for_each_pod_term(Json& pod_spec, const std::function<void(Json& term)>& change);

}  // namespace holdfast::kube
