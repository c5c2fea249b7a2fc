// With --restart offline: which workloads are stopped, and what forbids it. Pure.
#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "common/plan/wakers.h"
#include "plugins/pvc-expand/guards.h"

#include <algorithm>

namespace holdfast::expand {
namespace {

// Its pods mount the claim: the workload is one that may be stopped.
Status may_stop(const ExpandOptions& options, const ExpandFacts& facts, const ClaimUser& user) {
    const std::string what = user.ref.text();
    TRY(check_owner(what, user.live));
    TRY(plan::check_wakers(what, user.live, {facts.autoscalers, user.deployer_paused, options.gitops_paused},
                           "the expansion"));
    const bool whole = options.target && (options.target->resource == kube::kDeployments ||
                                          options.target->resource == kube::kStatefulSets);
    if (whole && *options.target != user.ref)
        return refused(what + " has pods on these claims too, and would have to be stopped as well",
                       "name a claim, which means whoever uses it: kubectl pvc-expand pvc/NAME");
    return {};
}

const ClaimUser* user_of(const ExpandFacts& facts, const Json& pod) {
    const auto found = std::find_if(facts.users.begin(), facts.users.end(), [&](const ClaimUser& one) {
        return plan::is_pod_of(plan::held_workload(one.ref, one.live), pod);
    });
    return found == facts.users.end() ? nullptr : &*found;
}

Status add_stopped(const ExpandOptions& options, const ExpandFacts& facts, const Growth& growth, const Json& pod,
                   ExpandRecord& record) {
    const std::string who = "pod/" + record.space + "/" + kube::name_of(pod);
    const ClaimUser* user = user_of(facts, pod);
    if (user == nullptr)
        return refused(who + " mounts pvc/" + growth.claim + ", and the workload that it is of is not there",
                       "stop it, and run this without --restart: what no pod uses grows");
    TRY(plan::check_not_lost(pod));
    const bool known = std::any_of(record.stopped.begin(), record.stopped.end(),
                                   [&](const plan::HeldWorkload& one) { return one.ref == user->ref; });
    if (known) return {};
    TRY(may_stop(options, facts, *user));
    record.stopped.push_back(plan::held_workload(user->ref, user->live));
    return {};
}

void note_downtime(const ExpandFacts& facts, const ExpandRecord& record, std::vector<std::string>& notes) {
    const auto count = std::count_if(record.claims.begin(), record.claims.end(),
                                     [](const Growth& growth) { return growth.mounted && !growth.bears_only; });
    long long grace = 0;
    std::vector<std::string> names;
    for (const ClaimUser& user : facts.users) {
        const auto held = std::find_if(record.stopped.begin(), record.stopped.end(),
                                       [&](const plan::HeldWorkload& one) { return one.ref == user.ref; });
        if (held == record.stopped.end()) continue;
        grace = std::max(grace, kube::grace_seconds_of(user.live));
        names.push_back(held->text() + " (" + std::to_string(held->replicas) +
                        (held->replicas == 1 ? " replica)" : " replicas)"));
        for (const Json& autoscaler : facts.autoscalers) {
            if (kube::scales(autoscaler, user.ref.resource.kind, user.ref.name))
                notes.push_back("hpa/" + kube::name_of(autoscaler) + " rests while the replicas are 0");
        }
    }
    notes.push_back("STOPPED: " + join(names, ", ") +
                    ". No write that was committed is lost; nothing is written or read meanwhile");
    notes.push_back("expected downtime: until the pods have stopped (at most their grace of " + std::to_string(grace) +
                    " s each), until the storage has grown " + std::to_string(count) +
                    (count == 1 ? " volume" : " volumes") + ", and until the pods are ready again");
}

}  // namespace

Status choose_stopped(const ExpandOptions& options, const ExpandFacts& facts, ExpandRecord& record,
                      std::vector<std::string>& notes) {
    for (const Growth& growth : record.claims) {
        const auto mounted = facts.mounted_by.find(growth.claim);
        if (growth.bears_only || mounted == facts.mounted_by.end()) continue;
        for (const Json* pod : mounted->second) TRY(add_stopped(options, facts, growth, *pod, record));
    }
    if (!record.stopped.empty())
        note_downtime(facts, record, notes);
    else if (std::any_of(record.claims.begin(), record.claims.end(), [](const Growth& one) { return !one.bears_only; }))
        notes.push_back("no pod uses these volumes: nothing is stopped");
    return {};
}

}  // namespace holdfast::expand
