#include "common/kube/objects/selectors.h"

#include "common/kube/objects/label_selector.h"
#include "common/kube/objects/placement.h"
#include "common/kube/objects/workload.h"
#include "common/kube/resource.h"

#include <algorithm>

namespace holdfast::kube {
namespace {

std::string called(const Json& object) {
    const std::string version = text_at(object, "/apiVersion");
    const std::size_t slash = version.find('/');
    const Resource* resource =
        find_kind(slash == std::string::npos ? "" : version.substr(0, slash), text_at(object, "/kind"));
    if (resource == nullptr) return text_at(object, "/kind") + "/" + name_of(object);
    return ObjectRef{*resource, space_of(object), name_of(object)}.text();
}

void add(std::vector<NamedSelector>& all, const std::string& owner, const Json* selector) {
    if (selector != nullptr && selector->is_object()) all.push_back({owner, *selector});
}

// Peers of another namespace's pods count too: whether they mean this one is not asked.
void add_peers(std::vector<NamedSelector>& all, const std::string& owner, const Json& policy, const char* rules,
               const char* peers, const std::string& word) {
    const Json* list = find_at(policy, rules);
    if (list == nullptr || !list->is_array()) return;
    for (const Json& rule : *list) {
        const Json* from = find_at(rule, peers);
        if (from == nullptr || !from->is_array()) continue;
        for (const Json& peer : *from) add(all, owner + " (" + word + ")", find_at(peer, "/podSelector"));
    }
}

// Visits every term that has a label selector. Json is Json or const Json.
template <typename Spec, typename Visit>
void visit_terms(Spec& pod_spec, const Visit& visit) {
    if (!pod_spec.is_object()) return;
    const auto terms = [&](auto& list, const std::string& word) {
        if (!list.is_array()) return;
        for (auto& term : list) {
            auto* place = &term;
            if (term.is_object() && term.contains("podAffinityTerm")) place = &term["podAffinityTerm"];
            if (place->is_object() && place->contains("labelSelector")) visit(*place, word);
        }
    };
    if (pod_spec.contains("affinity") && pod_spec["affinity"].is_object()) {
        for (const char* kind : {"podAffinity", "podAntiAffinity"}) {
            if (!pod_spec["affinity"].contains(kind) || !pod_spec["affinity"][kind].is_object()) continue;
            auto& group = pod_spec["affinity"][kind];
            const std::string word = std::string(kind) == "podAffinity" ? "affinity" : "anti-affinity";
            for (const char* how : {"requiredDuringSchedulingIgnoredDuringExecution",
                                    "preferredDuringSchedulingIgnoredDuringExecution"}) {
                if (group.contains(how)) terms(group[how], word);
            }
        }
    }
    if (pod_spec.contains("topologySpreadConstraints")) terms(pod_spec["topologySpreadConstraints"], "spread");
}

bool reaches(const Json& term, const std::string& space) {
    if (const Json* by_labels = find_at(term, "/namespaceSelector"); by_labels != nullptr && by_labels->is_object())
        return true;
    const Json* named = find_at(term, "/namespaces");
    return named != nullptr && named->is_array() && std::find(named->begin(), named->end(), space) != named->end();
}

}  // namespace

std::string service_of(const Json& stateful_set) { return text_at(stateful_set, "/spec/serviceName"); }

std::vector<NamedSelector> pod_terms_of(const Json& pod_spec, const std::string& owner) {
    std::vector<NamedSelector> all;
    visit_terms(pod_spec, [&](const Json& term, const std::string& word) {
        add(all, owner + " (" + word + ")", find_at(term, "/labelSelector"));
    });
    return all;
}

std::vector<NamedSelector> far_terms_of(const Json& pod_spec, const std::string& owner, const std::string& space) {
    std::vector<NamedSelector> all;
    visit_terms(pod_spec, [&](const Json& term, const std::string& word) {
        if (reaches(term, space)) add(all, owner + " (" + word + ")", find_at(term, "/labelSelector"));
    });
    return all;
}

void for_each_pod_term(Json& pod_spec, const std::function<void(Json&)>& change) {
    visit_terms(pod_spec, [&](Json& term, const std::string&) { change(term); });
}

std::vector<NamedSelector> selectors_of(const Json& object) {
    std::vector<NamedSelector> all;
    const std::string kind = text_at(object, "/kind"), owner = called(object);
    if (kind == kServices.kind) {
        const Json selector = service_selector_of(object);
        // A Service without a selector picks nothing by itself.
        if (selector.is_object() && !selector.empty()) all.push_back({owner, selector_of_labels(selector)});
        return all;
    }
    if (kind == kNetworkPolicies.kind) {
        add(all, owner, find_at(object, "/spec/podSelector"));
        add_peers(all, owner, object, "/spec/ingress", "/from", "ingress");
        add_peers(all, owner, object, "/spec/egress", "/to", "egress");
        return all;
    }
    if (kind == kPods.kind) {
        const Json* spec = find_at(object, "/spec");
        return spec == nullptr ? all : pod_terms_of(*spec, owner);
    }
    add(all, owner, find_at(object, "/spec/selector"));
    const Json* spec = find_at(object, "/spec/template/spec");
    if (spec == nullptr) return all;
    for (NamedSelector& one : pod_terms_of(*spec, owner)) all.push_back(std::move(one));
    return all;
}

}  // namespace holdfast::kube
