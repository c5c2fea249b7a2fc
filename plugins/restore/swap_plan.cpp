#include "plugins/restore/swap_plan.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"

#include <algorithm>

namespace holdfast::restore {
namespace {

using kube::text_at;
using plan::Condition;
using plan::Create;
using plan::Delete;
using plan::Patch;
using plan::Plan;
using plan::Scale;
using plan::Step;
using plan::WaitFor;

kube::ObjectRef volume_ref(const std::string& name) { return {kube::kVolumes, "", name}; }

class Planner {
  public:
    Planner(const SwapRecord& record, const SwapFacts& facts, const std::string& operation)
        : record_(record), facts_(facts), operation_(operation) {
        plan_.operation = operation;
        plan_.last = false;
    }

    Plan take() { return std::move(plan_); }
    Plan& plan() { return plan_; }

    // R11: whatever is deleted later, and by whomever, the storage keeps both copies.
    void secure() {
        for (const Swap& swap : record_.swaps) {
            mark(swap, false);
            mark(swap, true);
        }
        remove_provers();
        retain_claims();
    }

    // R12: the controller must have seen it before we touch its pods, or it would make them again.
    void stop() {
        const Workload& workload = record_.workload;
        const int now = kube::replicas_of(*facts_.workload);
        const bool again = held_down(record_, facts_);
        Scale scale{workload.ref, workload.stopped, {workload.uid, ""}};
        if (!again) {
            scale.from = now;
            scale.annotations = {{labels::kReplicas, std::to_string(now)}};
            scale.edit_wins = false;
        }
        Step& step = add(
            "stop", "scale " + workload.text() + " to " + std::to_string(workload.stopped),
            "no pod may hold the volumes; the annotation " + std::string(labels::kReplicas) + " keeps the old number",
            std::move(scale));
        step.phase = "stop";
        step.risk = plan::Risk::kStopsWrites;
        step.risk_text = "stops writes: downtime begins";
        const bool ordered = workload.ref.resource == kube::kStatefulSets;
        Step& wait = add("wait-stopped", "wait until the controller of " + workload.text() + " has seen it", "",
                         WaitFor{workload.ref.resource,
                                 record_.space,
                                 {workload.ref.name},
                                 ordered ? Condition::kObserved : Condition::kNoReplicas,
                                 ""});
        wait.phase = "stop";
    }

    Status drain() {
        for (const Json& pod : facts_.pods) {
            if (record_.workload.exists() && is_workloads_pod(record_, pod)) continue;
            return Error{ErrorKind::kConflict,
                         "pod/" + record_.space + "/" + kube::name_of(pod) + " uses one of the claims and is not " +
                             (record_.workload.exists() ? record_.workload.text() + "'s" : "expected"),
                         "stop it, then go on"};
        }
        delete_pods();
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
            if (!untouched(swap, facts_)) continue;
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

    void replace() {
        bool first = true;
        for (const Swap& swap : record_.swaps) {
            const Json* claim = claim_now(facts_, swap.claim);
            if (claim == nullptr || kube::uid_of(*claim) != swap.claim_uid) continue;
            Step& step = phased("delete-" + swap.claim, "delete pvc/" + record_.space + "/" + swap.claim,
                                "its volume pv/" + swap.old_volume + " is kept",
                                Delete{{kube::kClaims, record_.space, swap.claim}, {swap.claim_uid, ""}}, "swap");
            step.point_of_no_return = first;
            step.risk = plan::Risk::kStopsWrites;
            step.risk_text = "the volume stays; from here the way back is undo";
            first = false;
        }
        std::vector<std::string> after = after_last(), made;
        WaitFor wait{kube::kClaims, record_.space, {}, Condition::kClaimBound, ""};
        for (const Swap& swap : record_.swaps) {
            if (swapped(swap, record_, facts_)) continue;
            const std::string& volume = record_.incoming.at(swap.claim).volume;
            wait.names.push_back(swap.claim);
            wait.bound_to.push_back(volume);
            const Json* claim = claim_now(facts_, swap.claim);
            if (claim != nullptr && kube::uid_of(*claim) != swap.claim_uid) continue;  // somebody made it already
            Create create{renewed_claim(swap, volume), {}, true};
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
        scale_up();
    }

    void scale_up() {
        if (!held_down(record_, facts_)) return;
        const Workload& workload = record_.workload;
        const std::string was = kube::annotation_of(*facts_.workload, labels::kReplicas);
        const int replicas = replicas_from(was);
        Scale scale{workload.ref, replicas, {workload.uid, ""}};
        scale.from = workload.stopped;
        scale.annotations = {{labels::kReplicas, nullptr}};
        Step& step = phased("start", "scale " + workload.text() + " to " + std::to_string(replicas),
                            "as before; a number that somebody sets meanwhile wins", std::move(scale), "start");
        step.risk = plan::Risk::kRestartsPods;
        step.risk_text = "starts the pods: downtime ends when they are ready";
    }

    void finish() {
        if (record_.workload.exists()) {
            phased("wait-ready", "wait until every pod of " + record_.workload.text() + " is ready", "",
                   WaitFor{record_.workload.ref.resource,
                           record_.space,
                           {record_.workload.ref.name},
                           Condition::kAllReady,
                           ""},
                   "start");
        }
        for (const Swap& swap : record_.swaps) settle(swap);
        restore_retention();
        plan_.last = true;
    }

    void remove_provers() {
        for (const Json& pod : facts_.provers) {
            const std::string name = kube::name_of(pod);
            add("delete-pod-" + name, "delete pod/" + record_.space + "/" + name, "a throwaway",
                Delete{{kube::kPods, record_.space, name}, {kube::uid_of(pod), ""}});
        }
    }

    void restore_retention() {
        if (!facts_.workload) return;
        const std::string was = kube::annotation_of(*facts_.workload, labels::kRetention);
        const std::size_t slash = was.find('/');
        if (slash == std::string::npos) return;  // done already, or there was nothing to do
        Json body = {{"metadata", {{"annotations", {{labels::kRetention, nullptr}}}}}};
        const kube::WorkloadState now = kube::workload_state_of(*facts_.workload);
        // Somebody's own choice since then wins.
        if (now.when_deleted == "Retain" && now.when_scaled == "Retain") {
            body["spec"]["persistentVolumeClaimRetentionPolicy"] = {{"whenDeleted", was.substr(0, slash)},
                                                                    {"whenScaled", was.substr(slash + 1)}};
        }
        add("restore-retention", "set the claim retention policy of " + record_.workload.text() + " to " + was,
            "as it was before",
            Patch{record_.workload.ref, kube::PatchType::kMerge, std::move(body), {record_.workload.uid, ""}, ""});
    }

    // The incoming volume and its temporary claim go for good: they hold nothing that the snapshot does not hold.
    void discard_incoming(const Swap& swap) {
        const auto found = record_.incoming.find(swap.claim);
        const Json* temporary = swap.temporary.empty() ? nullptr : claim_now(facts_, swap.temporary);
        const Json* volume = found == record_.incoming.end() ? nullptr : volume_now(facts_, found->second.volume);
        if (volume != nullptr) {
            // Nothing but its own temporary claim may be its owner when the policy says Delete.
            Json body = {{"metadata", {{"annotations", {{labels::kSwap, nullptr}}}}},
                         {"spec",
                          {{"persistentVolumeReclaimPolicy", "Delete"},
                           {"claimRef", reference(swap.temporary, found->second.temporary_uid)}}}};
            add("discard-" + found->second.volume, "give up pv/" + found->second.volume,
                "made for this operation; the snapshot is kept",
                Patch{volume_ref(found->second.volume),
                      kube::PatchType::kMerge,
                      std::move(body),
                      {found->second.volume_uid, ""},
                      ""});
        }
        if (temporary != nullptr && kube::label_of(*temporary, labels::kOperation) == operation_) {
            add("delete-" + swap.temporary, "delete pvc/" + record_.space + "/" + swap.temporary, "temporary",
                Delete{{kube::kClaims, record_.space, swap.temporary}, {kube::uid_of(*temporary), ""}});
        }
        if (volume != nullptr) {
            add("gone-" + found->second.volume, "wait until pv/" + found->second.volume + " is gone", "",
                WaitFor{kube::kVolumes, "", {found->second.volume}, Condition::kGone, ""});
        }
    }

    // An incoming volume of an undo is kept as it was kept before.
    void put_back(const Swap& swap) {
        const Incoming& incoming = record_.incoming.at(swap.claim);
        const Json* volume = volume_now(facts_, incoming.volume);
        const auto mark = volume == nullptr ? std::nullopt : mark_of(*volume);
        if (!mark || mark->operation != operation_) return;
        SwapMark kept{record_.undoes,         record_.space,   swap.claim,
                      incoming.temporary_uid, swap.old_policy, record_.workload.text(),
                      record_.from,           record_.at,      true};
        Json body = {{"metadata", {{"annotations", {{labels::kSwap, mark_json(kept).dump()}}}}},
                     {"spec", {{"claimRef", reference(swap.claim, incoming.temporary_uid)}}}};
        add("put-back-" + incoming.volume, "keep pv/" + incoming.volume + " as before", "",
            Patch{
                volume_ref(incoming.volume), kube::PatchType::kMerge, std::move(body), {incoming.volume_uid, ""}, ""});
    }

    void unmark_old(const Swap& swap) {
        const Json* volume = volume_now(facts_, swap.old_volume);
        const auto mark = volume == nullptr ? std::nullopt : mark_of(*volume);
        if (!mark || mark->operation != operation_) return;
        Json body = {
            {"metadata", {{"labels", {{labels::kKept, nullptr}}}, {"annotations", {{labels::kSwap, nullptr}}}}},
            {"spec", {{"persistentVolumeReclaimPolicy", swap.old_policy}}}};
        add("restore-" + swap.old_volume, "set the reclaim policy of pv/" + swap.old_volume + " to " + swap.old_policy,
            "as it was before",
            Patch{
                volume_ref(swap.old_volume), kube::PatchType::kMerge, std::move(body), {swap.old_volume_uid, ""}, ""});
    }

  private:
    Step& add(std::string id, std::string title, std::string reason, plan::Action action) {
        Step step;
        step.id = std::move(id);
        step.title = std::move(title);
        step.reason = std::move(reason);
        step.action = std::move(action);
        step.after = after_last();
        plan_.steps.push_back(std::move(step));
        return plan_.steps.back();
    }
    Step& phased(std::string id, std::string title, std::string reason, plan::Action action, const char* phase) {
        Step& step = add(std::move(id), std::move(title), std::move(reason), std::move(action));
        step.phase = phase;
        return step;
    }
    std::vector<std::string> after_last() const {
        return plan_.steps.empty() ? std::vector<std::string>{} : std::vector{plan_.steps.back().id};
    }

    Json reference(const std::string& claim, const std::string& uid) const {
        return {{"apiVersion", "v1"},
                {"kind", "PersistentVolumeClaim"},
                {"namespace", record_.space},
                {"name", claim},
                {"uid", uid.empty() ? Json(nullptr) : Json(uid)},
                {"resourceVersion", nullptr}};
    }

    void mark(const Swap& swap, bool old) {
        const Incoming& incoming = record_.incoming.at(swap.claim);
        const std::string& name = old ? swap.old_volume : incoming.volume;
        const Json* volume = volume_now(facts_, name);
        SwapMark wanted{operation_,
                        record_.space,
                        swap.claim,
                        old ? swap.claim_uid : incoming.temporary_uid,
                        swap.old_policy,
                        record_.workload.exists() ? record_.workload.text() : "",
                        record_.from,
                        record_.at,
                        old};
        const std::string text = mark_json(wanted).dump();
        const bool there = volume != nullptr && kube::annotation_of(*volume, labels::kSwap) == text &&
                           text_at(*volume, "/spec/persistentVolumeReclaimPolicy") == "Retain";
        if (there) return;
        Json body = {{"metadata", {{"annotations", {{labels::kSwap, text}}}}},
                     {"spec", {{"persistentVolumeReclaimPolicy", "Retain"}}}};
        body["metadata"]["labels"][labels::kKept] = old ? Json(operation_) : Json(nullptr);
        add((old ? "retain-old-" : "retain-new-") + swap.claim, "set the reclaim policy of pv/" + name + " to Retain",
            old ? "it stays whatever happens to the claim" : "what was restored stays too",
            Patch{volume_ref(name),
                  kube::PatchType::kMerge,
                  std::move(body),
                  {old ? swap.old_volume_uid : incoming.volume_uid, ""},
                  ""});
    }

    // A StatefulSet's controller would delete claims at the scale-down, or own them.
    void retain_claims() {
        const Workload& workload = record_.workload;
        if (workload.ref.resource != kube::kStatefulSets || !facts_.workload) return;
        const kube::WorkloadState now = kube::workload_state_of(*facts_.workload);
        if (now.when_deleted != "Retain" || now.when_scaled != "Retain") {
            Json body = {
                {"spec",
                 {{"persistentVolumeClaimRetentionPolicy", {{"whenDeleted", "Retain"}, {"whenScaled", "Retain"}}}}}};
            if (kube::annotation_of(*facts_.workload, labels::kRetention).empty())
                body["metadata"] = {{"annotations", {{labels::kRetention, now.when_deleted + "/" + now.when_scaled}}}};
            add("retain-claims", "set the claim retention policy of " + workload.text() + " to Retain",
                "scaling down must not delete claims",
                Patch{workload.ref, kube::PatchType::kMerge, std::move(body), {workload.uid, ""}, ""});
        }
        WaitFor wait{kube::kClaims, record_.space, {}, Condition::kUnowned, ""};
        for (const Swap& swap : record_.swaps) {
            const Json* claim = claim_now(facts_, swap.claim);
            const Json* owners = claim == nullptr ? nullptr : kube::find_at(*claim, "/metadata/ownerReferences");
            if (owners != nullptr && owners->is_array() && !owners->empty()) wait.names.push_back(swap.claim);
        }
        if (!wait.names.empty())
            add("wait-unowned", "wait until the claims belong to nobody", "an owner that goes takes its claims along",
                std::move(wait));
    }

    // Highest ordinal first, each with its own grace: the order in which a StatefulSet stops.
    void delete_pods() {
        std::vector<const Json*> pods;
        for (const Json& pod : facts_.pods) pods.push_back(&pod);
        const auto ordinal = [](const Json* pod) {
            const std::string name = kube::name_of(*pod);
            const std::string number = name.substr(name.rfind('-') + 1);
            const bool digits =
                !number.empty() && number.size() < 9 && number.find_first_not_of("0123456789") == std::string::npos;
            return digits ? std::stoi(number) : -1;
        };
        std::stable_sort(pods.begin(), pods.end(),
                         [&](const Json* a, const Json* b) { return ordinal(a) > ordinal(b); });
        for (const Json* pod : pods) {
            const std::string name = kube::name_of(*pod);
            phased("delete-pod-" + name, "delete pod/" + record_.space + "/" + name,
                   "with its own grace; an unready pod would hold up the scale-down for ever",
                   Delete{{kube::kPods, record_.space, name}, {kube::uid_of(*pod), ""}}, "stop");
        }
    }

    // The new volume is an ordinary one from now on; the old one stays Retain until finalize.
    void settle(const Swap& swap) {
        const Incoming& incoming = record_.incoming.at(swap.claim);
        const Json* volume = volume_now(facts_, incoming.volume);
        const auto mark = volume == nullptr ? std::nullopt : mark_of(*volume);
        if (!mark || mark->operation != operation_) return;
        Json body = {{"metadata", {{"annotations", {{labels::kSwap, nullptr}}}}},
                     {"spec", {{"persistentVolumeReclaimPolicy", swap.old_policy}}}};
        add("settle-" + incoming.volume, "set the reclaim policy of pv/" + incoming.volume + " to " + swap.old_policy,
            "as the old volume's was",
            Patch{
                volume_ref(incoming.volume), kube::PatchType::kMerge, std::move(body), {incoming.volume_uid, ""}, ""});
    }

    int replicas_from(const std::string& text) const {
        const bool digits =
            !text.empty() && text.size() < 9 && text.find_first_not_of("0123456789") == std::string::npos;
        return digits ? std::stoi(text) : record_.workload.replicas;
    }

    const SwapRecord& record_;
    const SwapFacts& facts_;
    const std::string& operation_;
    Plan plan_;
};

}  // namespace

Result<Plan> plan_swap(Stage stage, const SwapRecord& record, const SwapFacts& facts, const std::string& operation) {
    Planner planner(record, facts, operation);
    switch (stage) {
        case Stage::kProve:
            return Error{ErrorKind::kInternal, "the volumes are not there yet"};
        case Stage::kSecure:
            planner.secure();
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
            planner.replace();
            break;
        case Stage::kFinish:
            planner.finish();
            break;
    }
    return planner.take();
}

Plan plan_service(const SwapRecord& record, const SwapFacts& facts, const std::string& operation) {
    Planner planner(record, facts, operation);
    if (!held_down(record, facts)) return planner.take();
    const bool nothing_deleted =
        std::all_of(record.swaps.begin(), record.swaps.end(), [&](const Swap& swap) { return untouched(swap, facts); });
    if (nothing_deleted)
        planner.scale_up();
    else
        planner.replace();
    return planner.take();
}

Result<Plan> plan_back(const SwapRecord& record, const SwapFacts& facts, const std::string& operation) {
    for (const Swap& swap : record.swaps) {
        if (untouched(swap, facts)) continue;
        return Error{ErrorKind::kRefused,
                     operation + " is past its point of no return: pvc/" + record.space + "/" + swap.claim +
                         " was deleted or made anew; its old volume pv/" + swap.old_volume +
                         " is kept; nothing was changed",
                     "`kubectl restore resume " + operation + " -n " + record.space +
                         "`, and then `kubectl restore undo " + operation + " -n " + record.space + "`"};
    }
    Planner planner(record, facts, operation);
    planner.scale_up();
    planner.remove_provers();
    for (const Swap& swap : record.swaps) {
        if (!swap.temporary.empty())
            planner.discard_incoming(swap);
        else
            planner.put_back(swap);
    }
    for (const Swap& swap : record.swaps) planner.unmark_old(swap);
    planner.restore_retention();
    Plan plan = planner.take();
    plan.last = true;
    plan.asks = true;
    return plan;
}

std::vector<kube::AccessCheck> swap_needs(const SwapRecord& record) {
    std::vector<kube::AccessCheck> needs;
    const auto need = [&](std::initializer_list<const char*> verbs, const kube::Resource& resource) {
        for (const char* verb : verbs)
            needs.push_back({verb, resource, resource.namespaced ? record.space : "", "", ""});
    };
    need({"create", "get", "list", "watch", "delete"}, kube::kClaims);
    need({"get", "list", "watch", "delete"}, kube::kPods);
    need({"get", "list", "watch", "patch"}, kube::kVolumes);
    need({"list", "watch"}, kube::kVolumeAttachments);
    if (record.workload.exists()) need({"get", "list", "watch", "patch"}, record.workload.ref.resource);
    return needs;
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
