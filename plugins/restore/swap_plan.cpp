#include "plugins/restore/swap_plan.h"

#include "plugins/restore/swap_steps.h"

#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"
#include "common/plan/journal.h"

#include <algorithm>

namespace holdfast::restore {
namespace {

using plan::Condition;
using plan::Create;
using plan::Delete;
using plan::Patch;
using plan::Plan;
using plan::Scale;
using plan::Step;
using plan::WaitFor;

class SwapPlanner : public SwapSteps {
  public:
    SwapPlanner(const SwapRecord& record, const SwapFacts& facts, const std::string& operation)
        : SwapSteps(record, facts, operation) {}

    // R11: whatever is deleted later, and by whomever, the storage keeps both copies.
    Status secure() {
        for (const Swap& swap : record_.swaps) {
            // The guards looked before the volumes were made and proved, which took its time.
            const Json* old = volume_now(facts_, swap.old_volume);
            if (old != nullptr && !held_down(record_, facts_))
                TRY(unswapped(record_, swap, *old, "claims and workloads are as they were"));
            mark(swap, false);
            mark(swap, true);
        }
        remove_provers();
        retain_claims();
        return {};
    }

    void stop() {
        // A number that somebody has set since an earlier stop is the one to go back to.
        plan_.latest = held_json(kube::replicas_of(*facts_.workload));
        plan::add_stop(plan_, hold());
    }

    Status drain() {
        for (const Json& pod : facts_.pods) {
            if (record_.workload.exists() && plan::is_pod_of(record_.workload, pod)) continue;
            return Error{ErrorKind::kConflict,
                         "pod/" + record_.space + "/" + kube::name_of(pod) + " uses one of the claims and is not " +
                             (record_.workload.exists() ? record_.workload.text() + "'s" : "expected"),
                         "stop it, then go on"};
        }
        plan::add_pod_deletions(plan_, facts_.pods);
        if (!facts_.attachments.empty()) {
            Step& step = add("wait-detached", "wait until the old volumes are detached",
                             "a volume that is still attached may still be written to",
                             WaitFor{kube::kVolumeAttachments, "", facts_.attachments, Condition::kGone, ""});
            step.phase = "stop";
        }
        return {};
    }

    // R9: the name is reserved before it is released.
    void reserve() {
        std::vector<std::string> names;
        for (const Swap& swap : record_.swaps) {
            if (reserved(swap, record_, facts_)) continue;
            const Incoming& incoming = record_.incoming.at(swap.claim);
            names.push_back(incoming.volume);
            Patch patch{volume_ref(incoming.volume), kube::PatchType::kMerge, {}, {incoming.volume_uid, ""}, ""};
            patch.body = {{"spec", {{"claimRef", reference(swap.claim, "")}}}};
            phased("reserve-" + swap.claim, "reserve pv/" + incoming.volume + " for pvc/" + swap.claim,
                   "whoever makes that claim gets this volume and never an empty one", std::move(patch), "swap");
        }
        for (const Swap& swap : record_.swaps) {
            if (swap.temporary.empty() || claim_now(facts_, swap.temporary) == nullptr) continue;
            const std::string uid = record_.incoming.at(swap.claim).temporary_uid;
            phased("delete-" + swap.temporary, "delete pvc/" + record_.space + "/" + swap.temporary,
                   "temporary; its volume stays (Retain)",
                   Delete{{kube::kClaims, record_.space, swap.temporary}, {uid, ""}}, "swap");
        }
        if (names.empty()) return;
        phased("wait-reserved", "wait until the reserved volumes are Available", "the binder has seen the reservation",
               WaitFor{kube::kVolumes, "", names, Condition::kVolumeAvailable, ""}, "swap");
    }

    // Exactly: no claim goes that somebody has changed since it was looked at, which asks for another look. On the way
    // back to service nothing waits for one.
    void replace(bool exactly) {
        delete_claims(exactly);
        make_claims(true);
        scale_up(false);
    }

    void delete_claims(bool exactly) {
        bool first = true;
        for (const Swap& swap : record_.swaps) {
            const Json* claim = claim_now(facts_, swap.claim);
            if (claim != nullptr && stranded(swap, record_, facts_)) delete_stranded(swap, *claim);
            if (claim == nullptr || kube::uid_of(*claim) != swap.claim_uid) continue;
            Step& step = phased("delete-" + swap.claim, "delete pvc/" + record_.space + "/" + swap.claim,
                                "its volume pv/" + swap.old_volume + " is kept",
                                Delete{{kube::kClaims, record_.space, swap.claim},
                                       {swap.claim_uid, exactly ? kube::version_of(*claim) : ""}},
                                "swap");
            step.replan = exactly;
            step.point_of_no_return = first;
            step.risk = plan::Risk::kStopsWrites;
            step.risk_text = "the volume stays; from here the way back is undo";
            first = false;
        }
    }

    void delete_stranded(const Swap& swap, const Json& claim) {
        phased("delete-" + swap.claim, "delete pvc/" + record_.space + "/" + swap.claim,
               "it waits for a volume that was deleted; another one is there",
               Delete{{kube::kClaims, record_.space, swap.claim}, {kube::uid_of(claim), ""}}, "swap");
    }

    // with_old: those that the steps before delete, too.
    void make_claims(bool with_old) {
        const std::vector<std::string> after = after_last();
        std::vector<std::string> made;
        WaitFor wait{kube::kClaims, record_.space, {}, Condition::kClaimBound, ""};
        for (const Swap& swap : record_.swaps) {
            if (swapped(swap, record_, facts_) || (!with_old && untouched(swap, facts_))) continue;
            const std::string& volume = record_.incoming.at(swap.claim).volume;
            wait.names.push_back(swap.claim);
            wait.bound_to.push_back(volume);
            const Json* claim = claim_now(facts_, swap.claim);
            const bool theirs = claim != nullptr && kube::uid_of(*claim) != swap.claim_uid;
            if (theirs && !stranded(swap, record_, facts_)) continue;  // somebody made it already
            Create create{kube::renewed_claim(
                              claim == nullptr || theirs ? swap.manifest : kube::labelled_like(swap.manifest, *claim),
                              {volume, swap.request, swap.source}),
                          {},
                          true};
            create.insists = true;  // R13: the workload is down
            Step& step = phased("create-" + swap.claim, "create pvc/" + record_.space + "/" + swap.claim + " anew",
                                "on pv/" + volume + ", " + swap.request, std::move(create), "swap");
            step.after = after;
            made.push_back(step.id);
        }
        if (!wait.names.empty()) {
            Step& step = phased("wait-bound", "wait until the claims are bound to the reserved volumes",
                                "any other volume stops the operation", std::move(wait), "swap");
            if (!made.empty()) step.after = made;
        }
    }

    void finish() {
        plan_.latest = held_json(std::nullopt);  // a number that somebody sets from now on is theirs
        if (record_.workload.exists()) {
            WaitFor wait{
                record_.workload.ref.resource, record_.space, {record_.workload.ref.name}, Condition::kAllReady, ""};
            if (facts_.workload) wait.generation = kube::generation_of(*facts_.workload);
            phased("wait-ready", "wait until every pod of " + record_.workload.text() + " is ready", "",
                   std::move(wait), "start");
        }
        restore_retention();
        // Last: while one of them is left, the marks tell that the operation has not ended.
        for (const Swap& swap : record_.swaps) {
            const Json* claim = claim_now(facts_, swap.claim);
            if (claim == nullptr || kube::deleting(*claim) || remade(swap, record_, facts_))
                let_go_incoming(swap);  // somebody deletes the claim, not what it had
            else
                settle(swap);
        }
        if (!record_.undoes.empty()) {
            Delete record{{kube::kConfigMaps, record_.space, plan::journal_name(record_.undoes)}, {}};
            record.made_by = record_.undoes;
            add("forget", "delete configmap/" + record_.space + "/" + plan::journal_name(record_.undoes),
                "the record of " + record_.undoes + ", if it is still there: nothing is left of it to be undone",
                std::move(record));
        }
        plan_.last = true;
    }

  private:
    void mark(const Swap& swap, bool old) {
        const Incoming& incoming = record_.incoming.at(swap.claim);
        const std::string& name = old ? swap.old_volume : incoming.volume;
        const Json* volume = volume_now(facts_, name);
        SwapMark wanted;
        wanted.operation = operation_;
        wanted.space = record_.space;
        wanted.claim = swap.claim;
        wanted.claim_uid = old ? swap.claim_uid : incoming.temporary_uid;
        wanted.policy = swap.old_policy;
        wanted.workload = record_.workload.exists() ? record_.workload.text() : "";
        wanted.from = record_.from;
        wanted.at = record_.at;
        wanted.taken_out = old;
        wanted.source = kube::annotation_of(swap.manifest, labels::kRestoredFrom);
        wanted.image = record_.image;
        wanted.replicas = record_.workload.replicas;
        wanted.count = static_cast<int>(record_.swaps.size());
        wanted.record = record_for_mark(record_, swap);
        const std::string text = mark_json(wanted).dump();
        const bool there = volume != nullptr && kube::annotation_of(*volume, labels::kSwap) == text &&
                           kube::reclaim_policy_of(*volume) == "Retain";
        if (there) return;
        Json body = {{"metadata", {{"annotations", {{labels::kSwap, text}}}}},
                     {"spec", {{"persistentVolumeReclaimPolicy", "Retain"}}}};
        body["metadata"]["labels"][labels::kKept] = old ? Json(operation_) : Json(nullptr);
        body["metadata"]["labels"][labels::kPutIn] = old ? Json(nullptr) : Json(operation_);
        Step& step = add((old ? "retain-old-" : "retain-new-") + swap.claim,
                         "set the reclaim policy of pv/" + name + " to Retain",
                         old ? "it stays whatever happens to the claim" : "what was restored stays too",
                         Patch{volume_ref(name),
                               kube::PatchType::kMerge,
                               std::move(body),
                               {old ? swap.old_volume_uid : incoming.volume_uid,
                                old && volume != nullptr ? kube::version_of(*volume) : ""},
                               ""});
        // Of two swaps for two workloads that share the claim one marks the volume, the other one finds it marked.
        step.replan = old;
    }

    // A StatefulSet's controller would delete claims at the scale-down, or own them.
    void retain_claims() {
        if (record_.workload.ref.resource != kube::kStatefulSets || !facts_.workload) return;
        plan::add_retention(plan_, hold());
        WaitFor wait{kube::kClaims, record_.space, {}, Condition::kUnowned, ""};
        for (const Swap& swap : record_.swaps) {
            const Json* claim = claim_now(facts_, swap.claim);
            if (claim != nullptr && !kube::owners_of(*claim).empty()) wait.names.push_back(swap.claim);
        }
        if (!wait.names.empty())
            add("wait-unowned", "wait until the claims belong to nobody", "an owner that goes takes its claims along",
                std::move(wait));
    }

    // The new volume is an ordinary one from now on; the old one stays Retain until finalize.
    void settle(const Swap& swap) {
        const Incoming& incoming = record_.incoming.at(swap.claim);
        give_policy_back(swap, incoming.volume, incoming.volume_uid, "settle-", "as the old volume's was");
    }
};

}  // namespace

Result<Plan> plan_swap(Stage stage, const SwapRecord& record, const SwapFacts& facts, const std::string& operation) {
    SwapPlanner planner(record, facts, operation);
    switch (stage) {
        case Stage::kProve:
            return Error{ErrorKind::kInternal, "the volumes are not there yet"};
        case Stage::kSecure:
            TRY(planner.secure());
            break;
        case Stage::kStop:
            planner.stop();
            break;
        case Stage::kDrain:
            TRY(planner.drain());
            break;
        case Stage::kReserve:
            planner.reserve();
            break;
        case Stage::kReplace:
            planner.replace(true);
            break;
        case Stage::kFinish:
            planner.finish();
            break;
    }
    Plan plan = planner.take();
    plan.shielded = record.workload.exists() && stage != Stage::kSecure && stage != Stage::kFinish;
    return plan;
}

Plan plan_service(const SwapRecord& record, const SwapFacts& facts, const std::string& operation) {
    SwapPlanner planner(record, facts, operation);
    if (!held_down(record, facts)) return planner.take();
    const bool quiet = facts.pods.empty() && kube::replicas_of(*facts.workload) == record.workload.stopped;
    const bool all_known = std::all_of(record.swaps.begin(), record.swaps.end(),
                                       [&](const Swap& swap) { return record.incoming.contains(swap.claim); });
    if (!beyond_return(record, facts, operation)) {
        planner.scale_up(true);
    } else if (!all_known) {
        return planner.take();  // an incoming volume is gone: only a resume makes another one
    } else if (quiet) {
        planner.reserve();
        planner.replace(false);
    } else {  // somebody has started it: what it still waits for is made, what it uses is left
        planner.make_claims(false);
    }
    Plan plan = planner.take();
    plan.shielded = true;
    plan.latest = asked_json(record);
    plan.latest.update(held_json(std::nullopt));  // it is up again: a number that somebody sets from now on is theirs
    return plan;
}

std::vector<kube::AccessCheck> swap_needs(const SwapRecord& record) {
    std::vector<kube::AccessCheck> needs;
    const auto need = [&](std::initializer_list<const char*> verbs, const kube::Resource& resource) {
        for (const char* verb : verbs)
            needs.push_back({verb, resource, resource.namespaced ? record.space : "", "", ""});
    };
    need({"create", "get", "list", "watch", "patch", "delete"}, kube::kClaims);
    need({"get", "list", "watch", "delete"}, kube::kPods);
    need({"get", "list", "watch", "patch"}, kube::kVolumes);
    need({"list", "watch"}, kube::kVolumeAttachments);
    if (record.workload.exists()) need({"get", "list", "watch", "patch"}, record.workload.ref.resource);
    return needs;
}

std::vector<Step> swap_rehearsal(const SwapRecord& record) {
    std::vector<Step> steps;
    for (const Swap& swap : record.swaps) {
        if (swap.temporary.empty()) continue;
        Json claim = kube::renewed_claim(swap.manifest, {swap.old_volume, swap.request, swap.source});
        claim["metadata"]["name"] = bounded_name(swap.claim, "-holdfast-dry-run", 253);
        Step step;
        step.id = "try-create-" + swap.claim;
        step.title = "make pvc/" + record.space + "/" + swap.claim + " anew";
        step.action = Create{std::move(claim), {}, true};
        steps.push_back(std::move(step));
    }
    return steps;
}

std::vector<std::string> swap_in_words(const SwapRecord& record) {
    std::vector<std::string> words;
    const std::string what = std::to_string(record.swaps.size()) + (record.swaps.size() == 1 ? " claim" : " claims");
    words.push_back("set Retain on the old and new volumes" +
                    std::string(record.workload.ref.resource == kube::kStatefulSets
                                    ? " and in the StatefulSet's claim retention policy"
                                    : "") +
                    ", and see by a fresh read that it holds");
    if (record.workload.exists())
        words.push_back("scale " + record.workload.text() + " to " + std::to_string(record.workload.stopped) +
                        " and delete the remaining pods, highest ordinal first (downtime begins)");
    words.push_back("reserve each new volume for its claim's name and wait until it is Available");
    words.push_back("POINT OF NO RETURN: delete " + what +
                    " and make them anew on the reserved volumes; the old volumes are kept");
    if (record.workload.exists())
        words.push_back("scale " + record.workload.text() + " to " + std::to_string(record.workload.replicas) +
                        " and wait until every pod is ready (downtime ends)");
    words.push_back("set the policies back as they were; the old volumes stay under Retain");
    return words;
}

}  // namespace holdfast::restore
