// What is decided follows the cluster: replicas that come and go, pods and owners that claims lose.
#include "common/kube/objects/claim_state.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/stateful_swap.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "plugins/pvc-expand/facts.h"
#include "plugins/pvc-expand/state.h"

#include <algorithm>

namespace holdfast::expand {
namespace {

bool mounted_by_any(const std::vector<Json>& pods, const std::string& claim) {
    return std::any_of(pods.begin(), pods.end(), [&](const Json& pod) {
        const std::vector<std::string> mounted = kube::claims_of_pod(pod);
        return !kube::ended(pod) && std::find(mounted.begin(), mounted.end(), claim) != mounted.end();
    });
}

// Claims of replicas that the sets have now, which ask for less than their templates are to say.
std::vector<Growth> newcomers(const ExpandRecord& record, const ExpandState& state) {
    std::vector<Growth> found;
    for (const Template& set : record.sets) {
        const Json* live = set_now(state, set);
        if (live == nullptr) continue;
        const int start = kube::start_ordinal_of(*live), end = start + kube::replicas_of(*live);
        for (const auto& [claim_name, claim] : state.claims) {
            const std::string& name = claim_name;  // a lambda cannot name a binding
            const auto place = kube::template_of_claim(*live, name);
            if (place.claim_template == nullptr || place.ordinal < start || place.ordinal >= end) continue;
            const auto size = set.sizes.find(kube::name_of(*place.claim_template));
            const bool known = std::any_of(record.claims.begin(), record.claims.end(),
                                           [&](const Growth& one) { return one.claim == name; });
            if (size == set.sizes.end() || known || !is_claim_of(*live, claim, state.pods)) continue;
            Growth growth{name,          kube::uid_of(claim),          set.ref.name, size->first,
                          place.ordinal, kube::request_text_of(claim), size->second};
            if (!asks_enough(growth, state)) found.push_back(std::move(growth));
        }
    }
    return found;
}

bool bound(const ExpandState& state, const Growth& growth) {
    return kube::phase_of(state.claims.at(growth.claim)) == "Bound";
}

}  // namespace

void follow(ExpandRecord& record, const ExpandState& state) {
    follow_uids(record, state);
    add_newcomers(record, state);
    follow_mounts(record, state);
    follow_lent(record, state);
}

void add_newcomers(ExpandRecord& record, const ExpandState& state) {
    for (Growth& growth : newcomers(record, state)) {
        if (bound(state, growth)) record.claims.push_back(std::move(growth));
    }
}

std::vector<std::string> unbound_newcomers(const ExpandRecord& record, const ExpandState& state) {
    std::vector<std::string> names;
    for (const Growth& growth : newcomers(record, state)) {
        if (!bound(state, growth)) names.push_back(growth.claim);
    }
    return names;
}

std::vector<std::string> unbound_rebuilt(const ExpandRecord& record, const ExpandState& state) {
    std::vector<std::string> names;
    for (const Growth& growth : record.claims) {
        if (!growth.mounted || growth.bears_only || !state.claims.contains(growth.claim)) continue;
        if (!bound(state, growth) && !asks_enough(growth, state)) names.push_back(growth.claim);
    }
    return names;
}

void follow_mounts(ExpandRecord& record, const ExpandState& state) {
    if (!record.stopped.empty()) return;  // there the pods are gone because we stopped them
    for (Growth& growth : record.claims) {
        if (!growth.mounted || mounted_by_any(state.pods, growth.claim)) continue;
        if (growth.workload.empty()) {
            growth.mounted = record.restart != Restart::kNever;  // evicted by us, and made again under another name
            continue;
        }
        const auto set = state.sets.find(growth.workload);
        if (set == state.sets.end()) continue;
        const int start = kube::start_ordinal_of(set->second), end = start + kube::replicas_of(set->second);
        growth.mounted = growth.ordinal >= start && growth.ordinal < end;
    }
}

void follow_lent(ExpandRecord& record, const ExpandState& state) {
    std::vector<Json> staying;
    for (const Json& pod : state.pods) {
        if (!kube::deleting(pod)) staying.push_back(pod);
    }
    for (Template& set : record.sets) {
        const Json* live = set_now(state, set);
        if (live == nullptr || kube::deleting(*live) || has_sizes(*live, set.sizes)) continue;
        for (const std::string& name : owned_claims(set, state)) {
            const bool known = std::find(set.lent.begin(), set.lent.end(), name) != set.lent.end();
            if (!known && !mounted_by_any(staying, name)) set.lent.push_back(name);
        }
    }
}

}  // namespace holdfast::expand
