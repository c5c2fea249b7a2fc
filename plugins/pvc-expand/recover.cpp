#include "plugins/pvc-expand/recover.h"

#include "common/core/hash.h"
#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/resize.h"
#include "common/kube/objects/workload.h"
#include "plugins/pvc-expand/guards.h"
#include "plugins/pvc-expand/targets.h"

#include <algorithm>
#include <map>

namespace holdfast::expand {
namespace {

constexpr long long kStep = 1024 * 1024;

Json recovery_json(const std::vector<Recovery>& claims) {
    Json all = Json::array();
    for (const Recovery& one : claims)
        all.push_back({{"claim", one.claim}, {"uid", one.uid}, {"from", one.from}, {"to", one.to}});
    return {{"recovered", std::move(all)}};
}

std::vector<Recovery> recoveries_in(const Json& record) {
    std::vector<Recovery> claims;
    const Json* all = kube::find_at(record, "/recovered");
    if (all == nullptr || !all->is_array()) return claims;
    for (const Json& one : *all)
        claims.push_back({kube::text_at(one, "/claim"), kube::text_at(one, "/uid"), kube::text_at(one, "/from"),
                          kube::text_at(one, "/to")});
    return claims;
}

// The claims by name. One that is gone or goes is left out, and one that was made anew under its name: the storage has
// refused that nothing.
Result<std::map<std::string, Json>> live_claims(kube::ClusterReader& reader, const std::string& space,
                                                const std::vector<Recovery>& claims) {
    std::vector<kube::ObjectRef> refs;
    for (const Recovery& one : claims) refs.push_back({kube::kClaims, space, one.claim});
    const auto answers = reader.get_all(refs);
    std::map<std::string, Json> live;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (!answers[i].ok() && answers[i].error().kind != ErrorKind::kNotFound)
            return answers[i].error().with_context(refs[i].text());
        if (!answers[i].ok() || kube::uid_of(*answers[i]) != claims[i].uid || kube::deleting(*answers[i])) continue;
        live[refs[i].name] = *answers[i];
    }
    return live;
}

bool asks_more(const Json& claim, const std::string& than) {
    const auto asks = kube::requested_of(claim), wanted = Quantity::parse(than);
    return asks.ok() && wanted.ok() && *asks > *wanted;
}

plan::Step patch_step(const std::string& space, const Recovery& one, const Json& claim) {
    plan::Step step;
    const kube::ObjectRef ref{kube::kClaims, space, one.claim};
    step.replan = true;
    if (one.to.empty()) {
        step.id = "close-" + one.claim;
        step.title = "close the status of the last expansion of " + ref.text();
        step.reason =
            "its capacity has reached what was asked; while the status stands, the resizer does not act on more";
        step.action = plan::Patch{ref,
                                  kube::PatchType::kMerge,
                                  {{"status", {{"allocatedResourceStatuses", nullptr}}}},
                                  {one.uid, kube::version_of(claim)},
                                  "status"};
        return step;
    }
    step.id = "lower-" + one.claim;
    step.title = "let " + ref.text() + " ask for " + one.to + " instead of " + one.from;
    step.reason = "the storage has refused that for good; it never goes back to what the claim has";
    step.action = plan::Patch{ref,
                              kube::PatchType::kMerge,
                              {{"spec", {{"resources", {{"requests", {{"storage", one.to}}}}}}}},
                              {one.uid, kube::version_of(claim)},
                              ""};
    return step;
}

// That status may stay beside a capacity that says otherwise.
bool is_refused(const kube::ResizeState& now) {
    return now.infeasible() && !(now.requested && now.capacity && *now.capacity >= *now.requested);
}

// And it may still be of what the claim asked for before.
bool is_of_another(const kube::ResizeState& now) {
    return now.requested && now.allocated && *now.allocated != *now.requested;
}

// What somebody else has it ask for since is theirs, unless the storage has refused that for good, too.
bool done(const Recovery& one, const Json& claim) {
    const kube::ResizeState now = kube::resize_state_of(claim);
    if (one.to.empty()) return !now.stale();
    const bool theirs = now.requested && now.requested->text() != one.from && (!is_refused(now) || is_of_another(now));
    return theirs || !asks_more(claim, one.to);
}

// The volume has grown, and the claim's capacity follows when its filesystem has.
std::string filesystem_text(const kube::ResizeState& now) {
    if (!now.requested || !now.capacity || *now.capacity >= *now.requested) return "";
    return "; its filesystem grows on the node of a pod that mounts it";
}

// What it asks for now: the node's part alone is left.
bool given(const kube::ResizeState& now) {
    return now.waits_for_node() && !now.infeasible() && (!now.allocated || *now.allocated >= *now.requested);
}

}  // namespace

Result<RecoveryChoice> choose_recovery(const ExpandOptions& options, const ExpandFacts& facts) {
    RecoveryChoice choice;
    for (const std::string& name : meant_claims(options, facts)) {
        const Json& claim = facts.claims.at(name);
        const std::string what = "pvc/" + options.space + "/" + name;
        const kube::ResizeState now = kube::resize_state_of(claim);
        if (!now.requested || !now.capacity || now.deleting) continue;
        if (now.stale()) choice.claims.push_back({name, kube::uid_of(claim), now.requested->text(), ""});
        if (*now.requested <= *now.capacity) continue;
        const auto place = facts.places.find(name);
        TRY(check_owner(what, claim));
        if (place != facts.places.end())
            TRY(check_owner(
                kube::ObjectRef{kube::kStatefulSets, options.space, kube::name_of(facts.sets[place->second.set])}
                    .text(),
                facts.sets[place->second.set]));
        if (given(now) && (!options.size || *options.size >= *now.requested)) {
            choice.notes.push_back(what + " has been given the " + now.requested->text() + " that it asks for" +
                                   filesystem_text(now));
            continue;
        }
        if (!now.infeasible())
            return refused(what + " is still being grown to " + now.requested->text() + " (" +
                               (now.status.empty() ? "no status yet" : now.status) +
                               "): asking for less has no effect before the storage has refused for good",
                           "wait, or see `kubectl describe pvc " + name + "`");
        const Quantity to = options.size.value_or(Quantity::from_bytes(now.capacity->bytes() + kStep));
        if (to <= *now.capacity || to >= *now.requested)
            return refused(what + " has " + now.capacity->text() + " and asks for " + now.requested->text() + ": " +
                               to.text() + " is not between the two, and back to what it has a claim cannot go",
                           "--size above " + now.capacity->text() + ", below " + now.requested->text());
        choice.claims.push_back({name, kube::uid_of(claim), now.requested->text(), to.text()});
    }
    return choice;
}

std::string Recover::target() const {
    return options_.target ? options_.target->name : "selected-" + short_hash(options_.selector);
}

Result<std::vector<kube::ObjectRef>> Recover::lock_targets(kube::ClusterReader& reader) {
    return locked_by(reader, options_);
}

Result<plan::Plan> Recover::plan(kube::ClusterReader& reader, const plan::Input& input) {
    plan::Plan plan;
    claims_ = recoveries_in(input.record);
    if (claims_.empty()) {
        TRY_ASSIGN(const ExpandFacts facts, gather_expand(reader, options_));
        TRY_ASSIGN(RecoveryChoice choice, choose_recovery(options_, facts));
        claims_ = std::move(choice.claims);
        notes_ = std::move(choice.notes);
        if (claims_.empty()) {
            plan.notes = {"no claim of " + options_.target_text() + " waits for an expansion that was refused"};
            return plan;
        }
        plan.record = recovery_json(claims_);
        plan.asks = true;
    }
    TRY_ASSIGN(const auto live, live_claims(reader, options_.space, claims_));
    plan::WaitFor wait{kube::kClaims, options_.space, {}, plan::Condition::kGrown, ""};
    for (const Recovery& one : claims_) {
        const auto claim = live.find(one.claim);
        if (claim == live.end()) continue;
        if (!done(one, claim->second)) plan.steps.push_back(patch_step(options_.space, one, claim->second));
        if (one.to.empty()) continue;
        wait.names.push_back(one.claim);
        wait.uids.push_back(one.uid);
        wait.sizes.push_back(one.to);
    }
    // An API server may let no claim ask for less (before Kubernetes 1.32, unless it is told to).
    if (plan.asks) plan.rehearsal = plan.steps;
    if (wait.names.empty()) return plan;
    plan::Step step;
    step.id = "wait-recovered";
    step.title = "wait until the storage has given what is asked for now";
    for (const plan::Step& before : plan.steps) step.after.push_back(before.id);
    step.action = std::move(wait);
    step.replan = true;
    plan.steps.push_back(std::move(step));
    return plan;
}

Result<std::optional<plan::Plan>> Recover::take_back(kube::ClusterReader& reader, const plan::Input& input) {
    const std::vector<Recovery> claims = recoveries_in(input.record);
    TRY_ASSIGN(const auto live, live_claims(reader, options_.space, claims));
    const bool begun = std::any_of(claims.begin(), claims.end(), [&](const Recovery& one) {
        const auto claim = live.find(one.claim);
        return claim != live.end() && done(one, claim->second);
    });
    if (!begun) return std::optional(plan::Plan());
    return Error{ErrorKind::kRefused, input.operation + " has changed claims already; nothing was changed",
                 "to finish it: kubectl pvc-expand resume " + input.operation + " -n " + options_.space, 0, ""};
}

Result<plan::Report> Recover::report(kube::ClusterReader& reader, const plan::Input& input) {
    TRY_ASSIGN(const auto live, live_claims(reader, options_.space, claims_));
    plan::Report report;
    Json claims = Json::array();
    for (const Recovery& one : claims_) {
        const auto claim = live.find(one.claim);
        if (claim == live.end()) {
            report.text +=
                "pvc/" + one.claim + ": left as it is, since somebody has deleted it meanwhile or made it anew\n";
            continue;
        }
        const kube::ResizeState now = kube::resize_state_of(claim->second);
        if (!done(one, claim->second) || is_refused(now))
            return Error{ErrorKind::kConflict,
                         "pvc/" + options_.space + "/" + one.claim + " is not recovered: somebody changed it",
                         "run the command again", 0, ""};
        const std::string capacity = now.capacity ? now.capacity->text() : "unknown";
        const std::string asks = now.requested ? now.requested->text() : one.to;
        report.text += "pvc/" + one.claim +
                       (one.to.empty() ? ": its status is closed"
                                       : ": asks for " + escape_line(asks) + " instead of " + one.from) +
                       ", capacity " + escape_line(capacity) + filesystem_text(now) + "\n";
        report.names.push_back("persistentvolumeclaim/" + one.claim);
        claims.push_back({{"claim", one.claim},
                          {"from", one.from},
                          {"to", one.to.empty() ? one.from : asks},
                          {"capacity", capacity}});
    }
    if (claims_.empty()) {
        report.text = "nothing to recover in " + options_.target_text() + "\n";
        for (const std::string& note : notes_) report.text += "  " + note + "\n";
    }
    report.json = {{"apiVersion", "holdfast.dev/v1"},
                   {"kind", "RecoveredClaims"},
                   {"operation", claims_.empty() ? Json(nullptr) : Json(input.operation)},
                   {"claims", std::move(claims)}};
    return report;
}

}  // namespace holdfast::expand
