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
// Calls `change` on each label selector in a pod spec's affinity terms and spread constraints.
void for_each_pod_term(Json& pod_spec, const std::function<void(Json&)>& change);

}  // namespace holdfast::kube
