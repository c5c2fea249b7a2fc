// A StatefulSet lets its claims go, is deleted without its pods, and made anew as it was with the new sizes.
#include "plugins/pvc-expand/round_planner.h"

#include "common/core/text.h"
#include "common/kube/objects/claim_state.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/stateful_swap.h"
#include "common/kube/objects/workload.h"

#include <algorithm>

namespace holdfast::expand {

using plan::Condition;
using plan::Create;
using plan::Delete;
using plan::Patch;
using plan::Step;
using plan::WaitFor;

namespace {

// An orphaning deletion right after a creation, of the set or of a pod, may find a garbage collector that does not know
// yet whose the pod is: it is left with an owner that is gone, and deleted as garbage (kubernetes#131284).
constexpr std::chrono::milliseconds kSettled{10000};

std::string sizes_text(const kube::TemplateSizes& sizes) {
    std::vector<std::string> parts;
    for (const auto& [name, size] : sizes) parts.push_back(name + " " + size);
    return join(parts, ", ");
}

}  // namespace

// Safety R11, as for a swap of volumes: whatever becomes of the set, its claims stay.
Status Rounds::release() {
    // Found anew whenever it is looked; once they are let go only the journal knows.
    for (const Template& set : record_.sets) plan_.latest[kLent][set.ref.name] = set.lent;
    for (const Template& set : record_.sets) {
        const Json* live = set_now(state_, set);
        if (live == nullptr || kube::deleting(*live) || has_sizes(*live, set.sizes)) continue;
        TRY(check_same(set, *live));
        keep_claims(set, *live);
        let_go(set, *live);
    }
    return {};
}

// Somebody's own, which is left as it is.
Status Rounds::check_same(const Template& set, const Json& live) const {
    const std::string difference = kube::difference_but_size(as_deleted(set), live);
    if (!difference.empty() && kube::uid_of(live) != set.uid) return changed(set, difference);
    return {};
}

Status Rounds::swap(SystemTime now) {
    // What is missing comes before all else.
    const bool missing = !missing_sets(record_, state_).empty();
    if (!missing && wait_observed()) return {};
    for (const auto& [name, before] : record_.swapped) plan_.latest[kSwapped][name] = before;
    for (const Template& set : record_.sets) {
        const Json* live = set_now(state_, set);
        if (live != nullptr && !kube::deleting(*live) && has_sizes(*live, set.sizes)) continue;
        if (live == nullptr || kube::deleting(*live)) {
            if (!record_.swapped.contains(set.ref.name)) return lost(set);  // going: by somebody else
            if (live != nullptr) wait_gone(set, *live);
            make_anew(set, set_before(record_.swapped.at(set.ref.name)));
            continue;
        }
        if (missing && !kube::observed(*live)) continue;
        TRY(check_same(set, *live));
        TRY(check_still(set, *live));
        remove(set, *live, now);
        make_anew(set, *live);
        plan_.latest[kSwapped][set.ref.name] = swapped_json(*live, pods_of(set, state_));
    }
    plan_.shielded = true;
    return {};
}

// As it was when it was deleted, or at the start.
const Json& Rounds::as_deleted(const Template& set) const {
    const auto swapped = record_.swapped.find(set.ref.name);
    return swapped == record_.swapped.end() ? set.manifest : set_before(swapped->second);
}

// What its status says of a rollout is of before the last change until its controller has seen that.
bool Rounds::wait_observed() {
    for (const Template& set : record_.sets) {
        const Json* live = set_now(state_, set);
        if (live == nullptr || kube::deleting(*live) || has_sizes(*live, set.sizes) || kube::observed(*live)) continue;
        WaitFor wait{kube::kStatefulSets, record_.space, {set.ref.name}, Condition::kObserved, ""};
        wait.generation = kube::generation_of(*live);
        add("observed-" + set.ref.name, "wait until the controller of " + set.text() + " has seen its last change",
            "only then its status says whether a rollout has begun", std::move(wait))
            .replan = true;
    }
    return !plan_.steps.empty();
}

// What it would have been refused for before the first write, and what somebody has brought about since.
Status Rounds::check_still(const Template& set, const Json& live) const {
    if (rolls_out(set, live)) return rolls(set);
    const auto not_deleted = [&](const std::string& why, const std::string& hint) {
        return Error{ErrorKind::kConflict, why + "; it was not deleted, its claims have grown", hint, 0, ""};
    };
    if (const auto held = kube::finalizers_of(live); !held.empty())
        return not_deleted(set.text() + " has got the finalizer " + escape_line(held.front()) +
                               ": deleted to be made anew, it would not go until somebody takes that away",
                           "once somebody has taken it away, go on");
    if (const kube::Owner owner = kube::controller_of(live); !owner.empty())
        return not_deleted(set.text() + " is owned by " + escape_line(owner.text()) +
                               " by now, whose controller would put the old size back, or delete what it does not know",
                           "if it is to be replaced all the same, take it off that owner, then go on");
    if (const Taker* taker = taker_of(state_.takers, state_.pods, live))
        return not_deleted(taking_text(*taker, set.ref),
                           "once one of the two has another selector, or the other one is gone, go on");
    return {};
}

bool Rounds::rolls_out(const Template& set, const Json& live) const {
    if (kube::rolling(live)) return true;
    const std::string update = kube::update_revision_of(live);
    if (!kube::rolls_by_itself(live) || update.empty()) return false;
    const std::vector<Json> pods = pods_of(set, state_);
    return std::any_of(pods.begin(), pods.end(), [&](const Json& pod) {
        const std::string revision = kube::revision_of_pod(pod);
        return !revision.empty() && revision != update;
    });
}

void Rounds::service() {
    for (const Template* set : missing_sets(record_, state_)) {
        if (const Json* live = set_now(state_, *set)) wait_gone(*set, *live);
        make_anew(*set, set_before(record_.swapped.at(set->ref.name)));
    }
    start();
    plan_.shielded = !plan_.steps.empty();
}

void Rounds::keep_claims(const Template& set, const Json& live) {
    const std::string deleted = kube::when_deleted_of(live), scaled = kube::when_scaled_of(live);
    if (deleted == "Retain" && scaled == "Retain") return;
    Json body = {
        {"metadata", {{"annotations", {{labels::kRetention, deleted + "/" + scaled}}}}},
        {"spec", {{"persistentVolumeClaimRetentionPolicy", {{"whenDeleted", "Retain"}, {"whenScaled", "Retain"}}}}}};
    Step& step =
        add("retain-" + set.ref.name, "set the claim retention policy of " + set.text() + " to Retain/Retain",
            "while it is replaced; the new one has " + deleted + "/" + scaled + " again",
            Patch{set.ref, kube::PatchType::kMerge, std::move(body), {kube::uid_of(live), kube::version_of(live)}, ""});
    step.replan = true;
}

// Its controller takes the references of claims with a pod away; those of the others it never looks at again.
void Rounds::let_go(const Template& set, const Json& live) {
    WaitFor wait{kube::kClaims, record_.space, {}, Condition::kUnowned, ""};
    for (const std::string& name : owned_claims(set, state_)) {
        if (std::find(set.lent.begin(), set.lent.end(), name) == set.lent.end())
            wait.names.push_back(name);
        else
            disown(name, kube::uid_of(live));
    }
    if (wait.names.empty()) return;
    as_read(wait);
    Step& step = add("unowned-" + set.ref.name, "wait until no claim belongs to " + set.text(),
                     "a claim that names a set which is gone is deleted as garbage", std::move(wait));
    step.replan = true;
}

void Rounds::disown(const std::string& name, const std::string& uid) {
    const Json& claim = state_.claims.at(name);
    set_owners(name, kube::owners_without(claim, uid), "disown-", "take the StatefulSet off the owners of pvc/",
               "no controller does it for a claim without a pod");
}

void Rounds::remove(const Template& set, const Json& live, SystemTime now) {
    Step& step = add("remove-" + set.ref.name, "delete " + set.text() + " and leave its pods",
                     "volumeClaimTemplates are immutable: only a new object can have other ones",
                     Delete{set.ref, {kube::uid_of(live), kube::version_of(live)}, kube::Propagation::kOrphan, true});
    step.risk_text = "no effect on pods, which run on without a controller until the next step";
    step.replan = true;
    step.phase = "swap";
    std::string last = kube::created_of(live);
    for (const Json& pod : pods_of(set, state_)) last = std::max(last, kube::created_of(pod));
    const auto made = parse_time(last);
    if (!made.ok()) return;
    const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now - *made);
    // A creation time that lies ahead is another machine's clock: then it counts as just made.
    const std::chrono::milliseconds young =
        age < kSettled ? kSettled - std::max(age, std::chrono::milliseconds(0)) : std::chrono::milliseconds(0);
    // Sets are replaced one after the other: while one was paused for, the next has aged as well.
    step.pause = std::max(young - paused_, std::chrono::milliseconds(0));
    paused_ += step.pause;
}

void Rounds::wait_gone(const Template& set, const Json& live) {
    WaitFor wait{kube::kStatefulSets, record_.space, {set.ref.name}, Condition::kGone, ""};
    wait.uids = {kube::uid_of(live)};
    add("gone-" + set.ref.name, "wait until the deleted " + set.text() + " is gone",
        "the garbage collector first takes it off its pods", std::move(wait));
}

void Rounds::make_anew(const Template& set, const Json& before) {
    Json as = before;
    if (leftover_policy(set)) as["metadata"]["annotations"].erase(labels::kRetention);
    Create create{kube::remade_set(as, set.sizes, operation_), {"/spec/template"}, true};
    create.insists = true;
    Step& step = add("remake-" + set.ref.name, "make " + set.text() + " anew, as it was, with " + sizes_text(set.sizes),
                     "it takes its pods up again; none is restarted", std::move(create));
    step.phase = "swap";
}

// Before claims of it are asked to grow, or anything else is done for it.
Status Rounds::check_sets() const {
    for (const Template& set : record_.sets) {
        if (is_lost(set, record_, state_)) return lost(set);
    }
    return {};
}

Error Rounds::lost(const Template& set) const {
    if (record_.told_by.contains(set.ref.name)) return unproven(set);
    return {ErrorKind::kConflict,
            set.text() + " was deleted by somebody else; its manifest is in the journal of " + operation_,
            "kubectl get configmap holdfast-op-" + operation_ + " -n " + record_.space + " -o yaml shows it", 0, ""};
}

// Of a set that only what is written on a claim tells of.
Error Rounds::unproven(const Template& set) const {
    const std::string& claim = record_.told_by.at(set.ref.name);
    return {ErrorKind::kConflict,
            set.text() + " is not there, and only an annotation of pvc/" + record_.space + "/" + claim +
                " says what it was, which whoever may edit claims can have written: it has left no pods, or its last "
                "ControllerRevision has another pod template; it is not made anew",
            "if it is to be there, make it from its own manifest, then the same command again; what the claim says: "
            "kubectl get pvc " +
                claim + " -n " + record_.space + " -o yaml",
            0, ""};
}

Error Rounds::rolls(const Template& set) {
    return {ErrorKind::kConflict,
            set.text() +
                ": a rollout began meanwhile, and made anew it would lose which pods stay at the old revision; it was "
                "not deleted, its claims have grown",
            "when it has ended (kubectl rollout status sts/" + set.ref.name + "), go on", 0, ""};
}

Error Rounds::changed(const Template& set, const std::string& difference) const {
    return {ErrorKind::kConflict,
            set.text() + " was deleted and made anew by somebody else, and " + difference +
                " is not what it was: it is left as it is",
            "if that is what is wanted, run the command anew after `kubectl pvc-expand abort " + operation_ + "`", 0,
            ""};
}

}  // namespace holdfast::expand
