#include "plugins/pvc-expand/rounds.h"

#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/stateful_swap.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <set>

namespace holdfast::expand {
namespace {

using plan::Condition;
using plan::Create;
using plan::Delete;
using plan::Patch;
using plan::Plan;
using plan::Step;
using plan::WaitFor;

// An orphaning deletion right after a creation may find a garbage collector that has not seen the new owner yet, and
// deletes the pods (kubernetes#131284).
constexpr std::chrono::milliseconds kSettled{10000};
constexpr std::size_t kTraceLimit = 200 * 1024;  // all annotations of an object together may have 256 KiB

class Rounds {
  public:
    Rounds(const ExpandRecord& record, const ExpandState& state, const std::string& operation)
        : record_(record), state_(state), operation_(operation) {
        plan_.operation = operation;
        plan_.last = false;
    }
    Plan take() { return std::move(plan_); }

    void grow(bool canary) {
        bool first = !begun(record_, state_);
        std::vector<std::string> asked;
        for (const Growth& growth : record_.claims) {
            const auto claim = state_.claims.find(growth.claim);
            if (growth.canary != canary || claim == state_.claims.end()) continue;
            const bool marks =
                carries_trace(record_, growth) && kube::label_of(claim->second, labels::kExpanding) != operation_;
            const bool asks = !asks_enough(growth, state_);
            if (!asks && !marks) continue;
            ask(growth, first && asks);
            asked.push_back(plan_.steps.back().id);
            first = first && !asks;
        }
        wait_grown(canary, true, asked);
        wait_grown(canary, false, asked);
    }

    // Safety R11, as for a swap of volumes: whatever becomes of the set, its claims stay.
    void release() {
        for (const Template& set : record_.sets) {
            const Json* live = set_now(state_, set);
            if (live == nullptr || kube::deleting(*live) || has_sizes(*live, set.sizes)) continue;
            keep_claims(set, *live);
            let_go(set, *live);
        }
    }

    Status swap(SystemTime now) {
        for (const auto& [name, before] : record_.swapped) plan_.latest[kSwapped][name] = before;
        for (const Template& set : record_.sets) {
            const Json* live = set_now(state_, set);
            if (live != nullptr && !kube::deleting(*live) && has_sizes(*live, set.sizes)) continue;
            if (live == nullptr || kube::deleting(*live)) {
                if (!record_.swapped.contains(set.ref.name)) return lost(set);
                if (live != nullptr) wait_gone(set, *live);
                make_anew(set, set_before(record_.swapped.at(set.ref.name)));
                continue;
            }
            const std::string difference = kube::difference_but_size(set.manifest, *live);
            if (!difference.empty() && kube::uid_of(*live) != set.uid) return changed(set, difference);
            if (kube::rolling(*live)) return rolls(set);
            remove(set, *live, now);
            make_anew(set, *live);
            plan_.latest[kSwapped][set.ref.name] = swapped_json(*live, pods_of(set, state_));
        }
        plan_.shielded = true;
        return {};
    }

    // What is missing, and nothing else.
    void service() {
        for (const Template& set : record_.sets) {
            const Json* live = set_now(state_, set);
            const bool ours = record_.swapped.contains(set.ref.name);
            if (!ours || (live != nullptr && !kube::deleting(*live))) continue;
            if (live != nullptr) wait_gone(set, *live);
            make_anew(set, set_before(record_.swapped.at(set.ref.name)));
        }
        plan_.shielded = !plan_.steps.empty();
    }

    Status adopt() {
        for (const Template& set : record_.sets) {
            const Json* live = set_now(state_, set);
            if (live == nullptr) return lost(set);
            const bool ours = remade_by(*live, operation_);
            const std::string difference = ours ? "" : kube::difference_but_size(set.manifest, *live);
            if (!difference.empty()) return changed(set, difference);
            strip(set, *live);
            wait_adopted(set, *live);
            lend(set, *live);
            if (ours) give_back(set, *live);
        }
        return {};
    }

    void unmark() {
        for (const Growth& growth : record_.claims) {
            const auto claim = state_.claims.find(growth.claim);
            if (claim == state_.claims.end() || kube::label_of(claim->second, labels::kExpanding) != operation_)
                continue;
            Json body = {
                {"metadata",
                 {{"labels", {{labels::kExpanding, nullptr}}}, {"annotations", {{labels::kExpand, nullptr}}}}}};
            Step& step = add("unmark-" + growth.claim,
                             "take the operation's mark off pvc/" + record_.space + "/" + growth.claim, "it has ended",
                             Patch{claim_ref(growth.claim),
                                   kube::PatchType::kMerge,
                                   std::move(body),
                                   {kube::uid_of(claim->second), ""},
                                   ""});
            step.replan = true;
        }
        plan_.last = true;
    }

  private:
    kube::ObjectRef claim_ref(const std::string& name) const { return {kube::kClaims, record_.space, name}; }

    Step& add(std::string id, std::string title, std::string reason, plan::Action action) {
        Step step;
        step.id = std::move(id);
        step.title = std::move(title);
        step.reason = std::move(reason);
        step.action = std::move(action);
        if (!plan_.steps.empty()) step.after = {plan_.steps.back().id};
        plan_.steps.push_back(std::move(step));
        return plan_.steps.back();
    }

    void ask(const Growth& growth, bool point_of_no_return) {
        const Json& claim = state_.claims.at(growth.claim);
        Json body = Json::object();
        if (!asks_enough(growth, state_)) body["spec"]["resources"]["requests"]["storage"] = growth.to;
        if (carries_trace(record_, growth)) {
            const std::string trace = trace_json(record_, growth.workload, operation_).dump();
            body["metadata"]["labels"][labels::kExpanding] = operation_;
            if (trace.size() < kTraceLimit) body["metadata"]["annotations"][labels::kExpand] = trace;
        }
        // By the version that was read: nobody who has asked for more meanwhile is undone.
        Step& step = add("grow-" + growth.claim,
                         "grow pvc/" + record_.space + "/" + growth.claim + " from " + kube::request_text_of(claim) +
                             " to " + growth.to,
                         growth.canary ? "first, before the others" : "claims before the StatefulSet",
                         Patch{claim_ref(growth.claim),
                               kube::PatchType::kMerge,
                               std::move(body),
                               {kube::uid_of(claim), kube::version_of(claim)},
                               ""});
        step.risk = plan::Risk::kFinal;
        step.risk_text = "cannot be taken back: volumes do not shrink";
        step.point_of_no_return = point_of_no_return;
        step.replan = true;
    }

    void wait_grown(bool canary, bool mounted, const std::vector<std::string>& asked) {
        WaitFor wait{kube::kClaims, record_.space, {}, mounted ? Condition::kResized : Condition::kGrown, ""};
        for (const Growth& growth : record_.claims) {
            if (growth.canary != canary || growth.mounted != mounted || !state_.claims.contains(growth.claim)) continue;
            if (asks_enough(growth, state_) && large_enough(growth, state_)) continue;
            wait.names.push_back(growth.claim);
            wait.sizes.push_back(growth.to);
        }
        if (wait.names.empty()) return;
        const std::string count = std::to_string(wait.names.size()) + (wait.names.size() == 1 ? " claim" : " claims");
        Step& step =
            add(std::string("wait-") + (canary ? "canary-" : "") + (mounted ? "grown" : "grown-unmounted"),
                mounted ? "wait until " + count + " have the new capacity"
                        : "wait until the volumes of " + count + " without a pod have grown",
                mounted ? "status.capacity says so, nothing else does" : "their filesystems grow at the next mount",
                std::move(wait));
        step.after = asked.empty() ? step.after : asked;
        step.replan = true;
        step.phase = "grow";
    }

    void keep_claims(const Template& set, const Json& live) {
        const std::string deleted = kube::when_deleted_of(live), scaled = kube::when_scaled_of(live);
        if (deleted == "Retain" && scaled == "Retain") return;
        Json body = {
            {"metadata", {{"annotations", {{labels::kRetention, deleted + "/" + scaled}}}}},
            {"spec",
             {{"persistentVolumeClaimRetentionPolicy", {{"whenDeleted", "Retain"}, {"whenScaled", "Retain"}}}}}};
        Step& step = add(
            "retain-" + set.ref.name, "set the claim retention policy of " + set.text() + " to Retain/Retain",
            "while it is replaced; the new one has " + deleted + "/" + scaled + " again",
            Patch{set.ref, kube::PatchType::kMerge, std::move(body), {kube::uid_of(live), kube::version_of(live)}, ""});
        step.replan = true;
    }

    // Its controller takes the references of claims with a pod away; those of the others it never looks at again.
    void let_go(const Template& set, const Json& live) {
        WaitFor wait{kube::kClaims, record_.space, {}, Condition::kUnowned, ""};
        for (const std::string& name : owned_claims(set, state_)) {
            if (std::find(set.lent.begin(), set.lent.end(), name) == set.lent.end())
                wait.names.push_back(name);
            else
                disown(name, kube::uid_of(live));
        }
        if (wait.names.empty()) return;
        Step& step = add("unowned-" + set.ref.name, "wait until no claim belongs to " + set.text(),
                         "a claim that names a set which is gone is deleted as garbage", std::move(wait));
        step.replan = true;
    }

    void disown(const std::string& name, const std::string& uid) {
        const Json& claim = state_.claims.at(name);
        set_owners(name, kube::owners_without(claim, uid), "disown-", "take the StatefulSet off the owners of pvc/",
                   "no controller does it for a claim without a pod");
    }

    void set_owners(const std::string& name, Json owners, const char* id, const char* title, const char* reason) {
        const Json& claim = state_.claims.at(name);
        if (owners.empty()) owners = nullptr;
        Json body = {{"metadata", {{"ownerReferences", std::move(owners)}}}};
        Step& step = add(id + name, title + record_.space + "/" + name, reason,
                         Patch{claim_ref(name),
                               kube::PatchType::kMerge,
                               std::move(body),
                               {kube::uid_of(claim), kube::version_of(claim)},
                               ""});
        step.replan = true;
    }

    void remove(const Template& set, const Json& live, SystemTime now) {
        Step& step =
            add("remove-" + set.ref.name, "delete " + set.text() + " and leave its pods",
                "volumeClaimTemplates are immutable: only a new object can have other ones",
                Delete{set.ref, {kube::uid_of(live), kube::version_of(live)}, kube::Propagation::kOrphan, true});
        step.risk_text = "no effect on pods, which run on without a controller until the next step";
        step.replan = true;
        step.phase = "swap";
        const auto made = parse_time(kube::created_of(live));
        if (!made.ok()) return;
        const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now - *made);
        // A creation time that lies ahead is another machine's clock: then it counts as just made.
        if (age < kSettled) step.pause = kSettled - std::max(age, std::chrono::milliseconds(0));
    }

    void wait_gone(const Template& set, const Json& live) {
        WaitFor wait{kube::kStatefulSets, record_.space, {set.ref.name}, Condition::kGone, ""};
        wait.uids = {kube::uid_of(live)};
        add("gone-" + set.ref.name, "wait until the deleted " + set.text() + " is gone",
            "the garbage collector first takes it off its pods", std::move(wait));
    }

    void make_anew(const Template& set, const Json& before) {
        Create create{kube::remade_set(before, set.sizes, operation_), {"/spec/template"}, true};
        create.insists = true;
        Step& step =
            add("remake-" + set.ref.name, "make " + set.text() + " anew, as it was, with " + sizes_text(set.sizes),
                "it takes its pods up again; none is restarted", std::move(create));
        step.phase = "swap";
    }

    static std::string sizes_text(const kube::TemplateSizes& sizes) {
        std::vector<std::string> parts;
        for (const auto& [name, size] : sizes) parts.push_back(name + " " + size);
        return join(parts, ", ");
    }

    // A pod that still names the deleted set would be collected as garbage.
    void strip(const Template& set, const Json& live) {
        for (const Json& pod : pods_of(set, state_)) {
            const std::string owner = kube::controller_uid_of(pod);
            if (owner.empty() || owner == kube::uid_of(live) || owner != set.uid) continue;
            const std::string name = kube::name_of(pod);
            Json owners = kube::owners_without(pod, owner);
            if (owners.empty()) owners = nullptr;
            Json body = {{"metadata", {{"ownerReferences", std::move(owners)}}}};
            Step& step =
                add("strip-" + name, "take the deleted StatefulSet off the owners of pod/" + record_.space + "/" + name,
                    "else it is collected as garbage",
                    Patch{{kube::kPods, record_.space, name},
                          kube::PatchType::kMerge,
                          std::move(body),
                          {kube::uid_of(pod), kube::version_of(pod)},
                          ""});
            step.replan = true;
        }
    }

    void wait_adopted(const Template& set, const Json& live) {
        WaitFor wait{kube::kPods, record_.space, {}, Condition::kAdopted, ""};
        wait.owner = kube::uid_of(live);
        for (const Json& pod : pods_of(set, state_)) wait.names.push_back(kube::name_of(pod));
        if (wait.names.empty()) return;
        Step& step = add("adopted-" + set.ref.name, "wait until the new " + set.text() + " has its pods",
                         "from then on a pod that dies is replaced again", std::move(wait));
        step.replan = true;
        step.phase = "swap";
    }

    void lend(const Template& set, const Json& live) {
        for (const std::string& name : set.lent) {
            const auto claim = state_.claims.find(name);
            if (claim == state_.claims.end()) continue;
            Json owners = kube::owners_without(claim->second, kube::uid_of(live));
            if (kube::when_deleted_of(live) != "Delete" || owners.size() < kube::owners_of(claim->second).size())
                continue;
            owners.push_back(kube::reference_to(live));
            set_owners(name, std::move(owners), "own-", "give pvc/",
                       "as the one before had it, which whenDeleted asks for");
        }
    }

    void give_back(const Template& set, const Json& live) {
        const auto swapped = record_.swapped.find(set.ref.name);
        const Json& before = swapped == record_.swapped.end() ? set.manifest : set_before(swapped->second);
        Step& step = add("fields-" + set.ref.name, "give the fields of " + set.text() + " back to those who owned them",
                         "server-side apply goes on as before",
                         Patch{set.ref,
                               kube::PatchType::kJson,
                               kube::owners_patch(before, live, {labels::kRemade}),
                               {kube::uid_of(live), kube::version_of(live)},
                               ""});
        step.replan = true;
    }

    Error lost(const Template& set) const {
        return {ErrorKind::kConflict,
                set.text() + " was deleted by somebody else; its manifest is in the journal of " + operation_,
                "kubectl get configmap holdfast-op-" + operation_ + " -n " + record_.space + " -o yaml shows it", 0,
                ""};
    }
    static Error rolls(const Template& set) {
        return {
            ErrorKind::kConflict,
            set.text() +
                ": a rollout began meanwhile, and made anew it would lose which pods stay at the old revision; it was "
                "not deleted, its claims have grown",
            "when it has ended (kubectl rollout status sts/" + set.ref.name + "), go on", 0, ""};
    }
    Error changed(const Template& set, const std::string& difference) const {
        return {ErrorKind::kConflict,
                set.text() + " was deleted and made anew by somebody else, and " + difference +
                    " is not what it was: it is left as it is",
                "if that is what is wanted, run the command anew after `kubectl pvc-expand abort " + operation_ + "`",
                0, ""};
    }

    const ExpandRecord& record_;
    const ExpandState& state_;
    const std::string& operation_;
    Plan plan_;
};

}  // namespace

Result<Plan> plan_round(Stage stage, const ExpandRecord& record, const ExpandState& state, const std::string& operation,
                        SystemTime now) {
    Rounds rounds(record, state, operation);
    switch (stage) {
        case Stage::kCanary:
            rounds.grow(true);
            break;
        case Stage::kGrow:
            rounds.grow(false);
            break;
        case Stage::kRelease:
            rounds.release();
            break;
        case Stage::kSwap:
            TRY(rounds.swap(now));
            break;
        case Stage::kAdopt:
            TRY(rounds.adopt());
            break;
        case Stage::kClose:
            rounds.unmark();
            break;
    }
    return rounds.take();
}

Plan plan_service(const ExpandRecord& record, const ExpandState& state, const std::string& operation) {
    Rounds rounds(record, state, operation);
    rounds.service();
    return rounds.take();
}

Plan plan_unmark(const ExpandRecord& record, const ExpandState& state, const std::string& operation) {
    Rounds rounds(record, state, operation);
    rounds.unmark();
    return rounds.take();
}

}  // namespace holdfast::expand
