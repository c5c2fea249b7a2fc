#include "plugins/pvc-expand/facts.h"

#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/missing.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/resize.h"
#include "common/kube/objects/stateful_swap.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"
#include "common/plan/wakers.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace holdfast::expand {
namespace {

std::optional<Place> place_in(const std::vector<Json>& sets, const std::vector<Json>& pods, const Json& claim) {
    const std::string name = kube::name_of(claim);
    for (std::size_t i = 0; i < sets.size(); ++i) {
        const auto found = kube::template_of_claim(sets[i], name);
        if (found.claim_template != nullptr && is_claim_of(sets[i], claim, pods))
            return Place{i, kube::name_of(*found.claim_template), found.ordinal};
    }
    return std::nullopt;
}

// And the pods, which tell whose claims they are.
Status read_claims(kube::ClusterReader& reader, const ExpandOptions& options, ExpandFacts& facts) {
    TRY_ASSIGN(kube::List pods, reader.list(kube::kPods, options.space));
    facts.pods = std::move(pods.items);
    TRY_ASSIGN(kube::List all, reader.list(kube::kClaims, options.space));
    for (Json& one : all.items) {
        std::string name = kube::name_of(one);
        facts.claims.emplace(std::move(name), std::move(one));
    }
    if (options.target) return {};
    TRY_ASSIGN(const kube::List selected, reader.list(kube::kClaims, options.space, {options.selector, ""}));
    for (const Json& one : selected.items) facts.chosen.insert(kube::name_of(one));
    if (!facts.chosen.empty()) return {};
    return Error{ErrorKind::kNotFound,
                 "no claim in namespace " + options.space + " has the labels " + escape_line(options.selector) +
                     "; nothing was changed",
                 "`kubectl get pvc --show-labels` shows them", 0, ""};
}

// Which StatefulSets the selected claims are of.
Status read_sets(kube::ClusterReader& reader, const ExpandOptions& options, ExpandFacts& facts) {
    TRY_ASSIGN(kube::List all, reader.list(kube::kStatefulSets, options.space));
    std::set<std::size_t> meant;
    for (const std::string& name : facts.chosen) {
        const auto claim = facts.claims.find(name);
        const auto place = claim == facts.claims.end() ? std::nullopt : place_in(all.items, facts.pods, claim->second);
        if (place) meant.insert(place->set);
    }
    for (const std::size_t index : meant) facts.sets.push_back(std::move(all.items[index]));
    return {};
}

Status add_named(const ExpandOptions& options, const Json& set, ExpandFacts& facts) {
    const std::vector<std::string> mounted = kube::workload_state_of(set).pod_claims;
    for (const std::string& claim : options.claims) {
        if (std::find(mounted.begin(), mounted.end(), claim) == mounted.end())
            return refused(
                "--claim " + claim + ": the pod template of " + options.target->text() + " does not mount it",
                mounted.empty() ? "it names no claim; those of its volumeClaimTemplates are meant anyway"
                                : "it names " + join(mounted, ", "));
        facts.chosen.insert(claim);
    }
    return {};
}

Status read_targets(kube::ClusterReader& reader, const ExpandOptions& options, ExpandFacts& facts) {
    if (!options.target) {
        TRY(read_claims(reader, options, facts));
        return read_sets(reader, options, facts);
    }
    TRY_ASSIGN(std::optional<Json> found, reader.find(*options.target));
    if (!found) return kube::missing_object(reader, *options.target);
    Json target = std::move(*found);
    TRY(read_claims(reader, options, facts));
    if (options.target->resource == kube::kStatefulSets) {
        TRY(add_named(options, target, facts));
        facts.sets.push_back(std::move(target));
    } else if (options.target->resource == kube::kDeployments) {
        for (const std::string& claim : kube::workload_state_of(target).pod_claims) facts.chosen.insert(claim);
        facts.deployment = std::move(target);
    } else {
        facts.claims[options.target->name] = std::move(target);
        facts.chosen.insert(options.target->name);
    }
    return {};
}

Status read_classes(kube::ClusterReader& reader, ExpandFacts& facts) {
    std::set<std::string> names;
    for (const std::string& name : facts.chosen) {
        const auto claim = facts.claims.find(name);
        if (claim != facts.claims.end()) names.insert(kube::effective_class_of(claim->second));
    }
    for (const auto& [name, claim] : facts.claims) {
        if (place_in(facts.sets, facts.pods, claim)) names.insert(kube::effective_class_of(claim));
    }
    names.erase("");
    std::vector<kube::ObjectRef> refs;
    for (const std::string& name : names) refs.push_back({kube::kStorageClasses, "", name});
    const auto answers = reader.get_all(refs);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (answers[i].ok())
            facts.classes[refs[i].name] = *answers[i];
        else if (answers[i].error().kind != ErrorKind::kNotFound)
            return answers[i].error().with_context(refs[i].text());
    }
    return {};
}

// By its name: a StatefulSet, or the Deployment of a ReplicaSet.
std::optional<kube::ObjectRef> workload_of_pod(const Json& pod, const std::string& space) {
    const kube::Owner owner = kube::controller_of(pod);
    if (owner.kind == "StatefulSet") return kube::ObjectRef{kube::kStatefulSets, space, owner.name};
    const std::string hash = "-" + kube::label_of(pod, "pod-template-hash");
    if (owner.kind != "ReplicaSet" || hash.size() == 1 || !ends_with(owner.name, hash)) return std::nullopt;
    return kube::ObjectRef{kube::kDeployments, space, owner.name.substr(0, owner.name.size() - hash.size())};
}

// Who is to be stopped, and who would start it again meanwhile.
Status read_users(kube::ClusterReader& reader, const ExpandOptions& options, ExpandFacts& facts) {
    std::map<std::string, kube::ObjectRef> found;
    for (const auto& [claim, pods] : facts.mounted_by) {
        if (!facts.places.contains(claim) && !facts.chosen.contains(claim)) continue;
        for (const Json* pod : pods) {
            if (const auto ref = workload_of_pod(*pod, options.space)) found.try_emplace(ref->text(), *ref);
        }
    }
    std::vector<kube::ObjectRef> refs;
    for (const auto& [text, ref] : found) refs.push_back(ref);
    const auto answers = reader.get_all(refs);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (answers[i].ok())
            facts.users.push_back({refs[i], *answers[i], plan::deployer_paused(reader, *answers[i])});
        else if (answers[i].error().kind != ErrorKind::kNotFound)
            return answers[i].error().with_context(refs[i].text());
    }
    TRY_ASSIGN(kube::List autoscalers, reader.list(kube::kHorizontalPodAutoscalers, options.space));
    facts.autoscalers = std::move(autoscalers.items);
    return {};
}

}  // namespace

bool is_claim_of(const Json& set, const Json& claim, const std::vector<Json>& pods) {
    if (kube::labelled_as_claim_of(set, claim)) return true;
    return std::any_of(pods.begin(), pods.end(), [&](const Json& pod) {
        const std::vector<std::string> mounted = kube::claims_of_pod(pod);
        return kube::controller_uid_of(pod) == kube::uid_of(set) &&
               std::find(mounted.begin(), mounted.end(), kube::name_of(claim)) != mounted.end();
    });
}

void find_places(ExpandFacts& facts) {
    for (const auto& [name, claim] : facts.claims) {
        if (auto place = place_in(facts.sets, facts.pods, claim)) facts.places[name] = std::move(*place);
    }
    for (const Json& pod : facts.pods) {
        if (kube::ended(pod)) continue;
        for (const std::string& claim : kube::claims_of_pod(pod)) facts.mounted_by[claim].push_back(&pod);
    }
}

Result<ExpandFacts> gather_expand(kube::ClusterReader& reader, const ExpandOptions& options) {
    ExpandFacts facts;
    TRY(read_targets(reader, options, facts));
    TRY(read_classes(reader, facts));
    TRY_ASSIGN(kube::List quotas, reader.list(kube::kResourceQuotas, options.space));
    facts.quotas = std::move(quotas.items);
    find_places(facts);
    if (options.restart == Restart::kOffline) TRY(read_users(reader, options, facts));
    return facts;
}

}  // namespace holdfast::expand
