// What other operations left on claims, and whether what this one leaves there can be read again.
#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/stateful_swap.h"
#include "common/kube/objects/workload.h"
#include "plugins/pvc-expand/evidence.h"
#include "plugins/pvc-expand/guards.h"

#include <algorithm>

namespace holdfast::expand {
namespace {

// Whether the operation that a claim tells of has this one among its claims, or replaces the set that it is of.
bool means(const Json& trace, const std::string& claim) {
    const Json *claims = kube::find_at(trace, "/claims"), *sets = kube::find_at(trace, "/sets");
    const bool named = claims != nullptr && std::any_of(claims->begin(), claims->end(), [&](const Json& one) {
                           return kube::text_at(one, "/claim") == claim;
                       });
    return named ||
           (sets != nullptr && std::any_of(sets->begin(), sets->end(), [&](const Json& one) {
                const Json* manifest = kube::find_at(one, "/manifest");
                return manifest != nullptr && kube::template_of_claim(*manifest, claim).claim_template != nullptr;
            }));
}

// The next one tells of the workload when the first goes.
Status check_room(const ExpandFacts& facts, const ExpandRecord& record, const std::string& workload,
                  std::size_t needed) {
    constexpr std::size_t kRest = std::size_t{4} * 1024;  // for what is written there meanwhile
    for (const Growth& growth : record.claims) {
        const auto claim = facts.claims.find(growth.claim);
        if (growth.workload != workload || claim == facts.claims.end()) continue;
        const std::size_t has = kube::annotations_size_of(claim->second, labels::kExpand);
        if (has + needed + kRest <= kube::kAnnotationsSize) continue;
        return refused("pvc/" + record.space + "/" + growth.claim + " has annotations of " +
                           std::to_string(has / 1024) + " KiB, and the " + std::to_string(needed / 1024) +
                           " KiB from which its workload would be made again if the journal were lost do not fit "
                           "beside them",
                       "make its annotations smaller: kubectl get pvc " + shell_quote(growth.claim) + " -n " +
                           record.space + " -o yaml shows them");
    }
    return {};
}

}  // namespace

Status check_traces(const ExpandFacts& facts, const ExpandRecord& record, const std::string& operation) {
    for (const Growth& growth : record.claims) {
        const bool set = std::any_of(record.sets.begin(), record.sets.end(),
                                     [&](const Template& one) { return one.ref.name == growth.workload; });
        if (!carries_trace(record, growth) || (!set && record.stopped.empty())) continue;
        if (const std::string text = trace_text(record, growth.workload, operation); !text.empty()) {
            TRY(check_room(facts, record, growth.workload, text.size()));
            continue;
        }
        return refused(set ? "sts/" + record.space + "/" + growth.workload +
                                 " is too large to be written beside its claims, from where it would be made anew if "
                                 "the journal were lost"
                           : "these are too many claims to be written beside one of them, from where their workloads "
                             "would be started again if the journal were lost",
                       set ? "make its annotations smaller, or grow claim by claim: kubectl pvc-expand pvc/NAME"
                           : "name fewer of them");
    }
    return {};
}

Status check_unfinished(const ExpandFacts& facts, const ExpandRecord& record, const std::string& operation) {
    for (const auto& [name, claim] : facts.claims) {
        const std::string other = kube::label_of(claim, labels::kExpanding);
        if (other.empty() || other == operation) continue;
        const Json trace = Json::parse(kube::annotation_of(claim, labels::kExpand), nullptr, false);
        if (!trace.is_object() || !is_own_trace(trace, claim)) continue;
        const bool same = std::any_of(record.claims.begin(), record.claims.end(),
                                      [&](const Growth& growth) { return means(trace, growth.claim); });
        if (!same) continue;
        return Error{ErrorKind::kConflict,
                     "pvc/" + record.space + "/" + name + " tells of " + escape_line(other) +
                         ", which has begun to grow these claims and is not finished",
                     "go on with it: kubectl pvc-expand resume " + shell_quote(other) + " -n " + record.space, 0, ""};
    }
    return {};
}

}  // namespace holdfast::expand
