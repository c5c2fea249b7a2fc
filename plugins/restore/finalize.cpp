#include "plugins/restore/finalize.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "common/kube/server_time.h"
#include "common/plan/drive_parts.h"
#include "common/plan/journal.h"
#include "common/plan/make_step.h"
#include "plugins/restore/in_place_guards.h"
#include "plugins/restore/in_place_plan.h"
#include "plugins/restore/traces.h"

#include <algorithm>

namespace holdfast::restore {
namespace {

using plan::Condition;
using plan::Patch;
using plan::Plan;
using plan::Step;
using plan::WaitFor;

Status check_removable(const FinalizeFacts& facts, const KeptVolume& kept) {
    const std::string what = "pv/" + kept.volume.name;
    if (std::find(facts.live.begin(), facts.live.end(), kept.volume.name) != facts.live.end())
        return refuse(what + " is bound to a claim again: it is in use", "");
    if (facts.attached.contains(kept.volume.name))
        return refuse(what + " is attached to a node", "wait until it is detached: kubectl get volumeattachments");
    if (const auto other = facts.shared.find(kept.volume.name); other != facts.shared.end())
        return refuse("pv/" + other->second + " is the same disk as " + what + ", which would go with it",
                      "delete pv/" + other->second + " first, under reclaim policy Retain, if it is not needed");
    const bool free =
        kept.volume.phase == "Released" || kept.volume.phase == "Available" || kept.volume.phase == "Failed";
    if (!free && !kept.volume.deleting)
        return refuse(what + " is not free, its phase is " + escape_line(kept.volume.phase), "");
    return {};
}

class FinalizePlanner {
  public:
    FinalizePlanner(const FinalizeOptions& options, const FinalizeFacts& facts, std::optional<SystemTime> now)
        : options_(options), facts_(facts), now_(now) {}

    Plan build() {
        for (const KeptVolume& kept : facts_.volumes) remove(kept);
        std::vector<std::string> names;
        for (const KeptVolume& kept : facts_.volumes) names.push_back(kept.volume.name);
        if (!names.empty())
            add("wait-gone", "wait until the volumes are gone", "the storage has deleted them",
                WaitFor{kube::kVolumes, "", std::move(names), Condition::kGone, ""});
        if (!facts_.record_uid.empty())
            add("forget", "delete configmap/" + options_.space + "/" + plan::journal_name(options_.operation),
                "the record of " + options_.operation,
                plan::Delete{{kube::kConfigMaps, options_.space, plan::journal_name(options_.operation)},
                             {facts_.record_uid, ""}});
        plan_.asks = !facts_.volumes.empty();
        return std::move(plan_);
    }

  private:
    void remove(const KeptVolume& kept) {
        const kube::Volume& volume = kept.volume;
        plan_.notes.push_back("pv/" + volume.name + ", " + human_bytes(volume.capacity_bytes) + ", was pvc/" +
                              kept.mark.claim + " until " + span_text(kept.mark.at, now_) + (now_ ? " ago" : ""));
        if (volume.deleting) return;
        // Without a uid in its claimRef the controller takes it for reserved, and neither releases nor reclaims it.
        if (volume.phase == "Available") {
            add("release-" + volume.name, "give pv/" + volume.name + " its old claim's uid again",
                "so that the controller sees that its claim is gone", release(kept));
            add("wait-released-" + volume.name, "wait until pv/" + volume.name + " is Released", "",
                WaitFor{kube::kVolumes, "", {volume.name}, Condition::kVolumeReleased, ""});
        }
        // R18: only the volume as it was read: somebody may have taken it into use since. One that was Available is
        // given its old claim's uid by the step before, which names the version that was read.
        Patch destroy = patch(volume, {{"spec", {{"persistentVolumeReclaimPolicy", "Delete"}}}});
        if (volume.phase != "Available") destroy.preconditions.resource_version = kube::version_of(kept.object);
        Step& step = add("remove-" + volume.name, "set the reclaim policy of pv/" + volume.name + " to Delete",
                         "the storage then deletes it", std::move(destroy));
        step.replan = true;
        step.risk = plan::Risk::kFinal;
        step.risk_text =
            "destroys what pvc/" + kept.mark.claim + " held before " + options_.operation + ": cannot be taken back";
    }

    // Somebody may have taken the reservation off to look at the volume, so that any claim could be bound to it by now:
    // all of it is given, and only to the volume as it was read.
    Patch release(const KeptVolume& kept) const {
        Patch whole = patch(kept.volume, {{"spec",
                                           {{"claimRef",
                                             {{"apiVersion", "v1"},
                                              {"kind", "PersistentVolumeClaim"},
                                              {"namespace", options_.space},
                                              {"name", kept.mark.claim},
                                              {"uid", kept.mark.claim_uid}}}}}});
        whole.preconditions.resource_version = kube::version_of(kept.object);
        return whole;
    }

    static Patch patch(const kube::Volume& volume, Json body) {
        return {{kube::kVolumes, "", volume.name}, kube::PatchType::kMerge, std::move(body), {volume.uid, ""}, ""};
    }

    Step& add(std::string id, std::string title, std::string reason, plan::Action action) {
        return plan::append_step(plan_, std::move(id), std::move(title), std::move(reason), std::move(action));
    }

    const FinalizeOptions& options_;
    const FinalizeFacts& facts_;
    std::optional<SystemTime> now_;
    Plan plan_;
};

Status read_shared(kube::ClusterReader& reader, FinalizeFacts& facts) {
    if (facts.volumes.empty()) return {};
    TRY_ASSIGN(const kube::List volumes, reader.list(kube::kVolumes, ""));
    for (const Json& item : volumes.items) {
        const kube::Volume other = kube::volume_of(item);
        for (const KeptVolume& kept : facts.volumes) {
            const bool same_disk = !other.handle.empty() && other.handle == kept.volume.handle &&
                                   other.driver == kept.volume.driver && other.name != kept.volume.name;
            if (same_disk) facts.shared[kept.volume.name] = other.name;
        }
    }
    return {};
}

Result<FinalizeFacts> gather(kube::ClusterReader& reader, const FinalizeOptions& options) {
    FinalizeFacts facts;
    TRY_ASSIGN(const std::vector<KeptOperation> all, gather_kept(reader, options.space));
    for (const KeptOperation& one : all) {
        if (one.id == options.operation)
            facts.volumes = one.volumes;
        else
            facts.others.push_back(one.id);
    }
    TRY_ASSIGN(facts.undo, being_undone(reader, options.space, options.operation));
    if (!facts.undo.empty()) return facts;
    if (facts.volumes.empty()) {
        TRY_ASSIGN(facts.elsewhere, kept_where(reader, options.operation));
        if (!facts.elsewhere.empty()) return facts;
    }
    TRY_ASSIGN(const kube::List claims, reader.list(kube::kClaims, options.space));
    for (const Json& claim : claims.items) {
        const std::string volume = kube::volume_of_claim(claim);
        if (!volume.empty()) facts.live.push_back(volume);
        for (const KeptVolume& kept : facts.volumes) {
            if (!kept.volume.claim_uid.empty() && kept.volume.claim_uid == kube::uid_of(claim))
                facts.live.push_back(kept.volume.name);
        }
    }
    TRY(read_shared(reader, facts));
    TRY_ASSIGN(const kube::List attachments, reader.list(kube::kVolumeAttachments, ""));
    for (const Json& item : attachments.items) facts.attached.insert(kube::attachment_of(item).volume);
    auto journal = plan::read_journal(reader, options.space, options.operation);
    if (!journal.ok() && journal.error().kind == ErrorKind::kNotFound)
        journal = plan::read_or_rebuild(reader, options.space, options.operation, unfinished_swaps);
    if (journal.ok()) {
        facts.unfinished = journal->state != "done";
        facts.record_uid = journal->uid;
    } else if (journal.error().kind != ErrorKind::kNotFound) {
        return journal.error();
    }
    return facts;
}

}  // namespace

Result<Plan> plan_finalize(const FinalizeOptions& options, const FinalizeFacts& facts, std::optional<SystemTime> now) {
    if (!facts.undo.empty())
        return Error{ErrorKind::kConflict,
                     "operation " + facts.undo + " is putting back what " + options.operation +
                         " took out, and is unfinished; nothing was changed",
                     plan::lines_for("restore", facts.undo, options.space)};
    if (!facts.elsewhere.empty())
        return Error{ErrorKind::kNotFound,
                     "operation " + options.operation + " keeps no volumes in namespace " + options.space +
                         ", but in " + join(facts.elsewhere, ", ") + "; nothing was changed",
                     "kubectl restore finalize " + options.operation + " -n " + facts.elsewhere.front()};
    // A journal that is gone is made again from what the volumes say: such an operation has no record.
    if (facts.volumes.empty() && facts.record_uid.empty() && !facts.begun && !facts.unfinished)
        return Error{ErrorKind::kNotFound,
                     "there is no operation " + escape_line(options.operation) + " that keeps volumes in namespace " +
                         options.space + "; nothing was changed",
                     facts.others.empty() ? "no operation keeps any here; kubectl get pv -l " +
                                                std::string(labels::kKept) + " lists those of all namespaces"
                                          : "these do: " + join(facts.others, ", ")};
    if (facts.unfinished)
        return refuse("operation " + options.operation + " is unfinished: what it keeps may still be needed",
                      "kubectl restore resume " + options.operation + " -n " + options.space);
    for (const KeptVolume& kept : facts.volumes) TRY(check_removable(facts, kept));
    return FinalizePlanner(options, facts, now).build();
}

kube::ObjectRef Finalize::event_target() const {
    return {kube::kConfigMaps, options_.space, plan::journal_name(options_.operation)};
}

Result<std::vector<kube::ObjectRef>> Finalize::lock_targets(kube::ClusterReader& reader) {
    TRY_ASSIGN(const std::vector<KeptOperation> all, gather_kept(reader, options_.space));
    for (const KeptOperation& one : all) {
        if (one.id != options_.operation) continue;
        TRY_ASSIGN(const kube::ObjectRef target, target_of(one.volumes.front().mark));
        return std::vector<kube::ObjectRef>{target};
    }
    return std::vector<kube::ObjectRef>();
}

Result<Plan> Finalize::plan(kube::ClusterReader& reader, const plan::Input& input) {
    TRY_ASSIGN(FinalizeFacts facts, gather(reader, options_));
    facts.begun = input.resuming || input.round > 0;
    removed_.clear();
    for (const KeptVolume& kept : facts.volumes) removed_.push_back(kept.volume.name);
    return plan_finalize(options_, facts, kube::server_time(reader));
}

Result<std::optional<Plan>> Finalize::take_back(kube::ClusterReader& reader, const plan::Input& input) {
    TRY_ASSIGN(const std::vector<KeptOperation> all, gather_kept(reader, options_.space));
    Plan plan;
    plan.operation = input.operation;
    for (const KeptOperation& one : all) {
        if (one.id != options_.operation) continue;
        for (const KeptVolume& kept : one.volumes) {
            const kube::Volume& volume = kept.volume;
            if (volume.deleting) plan.notes.push_back("pv/" + volume.name + " is being deleted and cannot be kept");
            if (volume.deleting || volume.reclaim_policy == "Retain") continue;
            Step step;
            step.id = "keep-" + volume.name;
            step.title = "set the reclaim policy of pv/" + volume.name + " to Retain";
            step.reason = "the storage has not deleted it yet";
            step.action = Patch{{kube::kVolumes, "", volume.name},
                                kube::PatchType::kMerge,
                                {{"spec", {{"persistentVolumeReclaimPolicy", "Retain"}}}},
                                {volume.uid, ""},
                                ""};
            plan.steps.push_back(std::move(step));
        }
    }
    plan.asks = !plan.steps.empty();
    return std::optional(std::move(plan));
}

Result<plan::Report> Finalize::report(kube::ClusterReader& reader, const plan::Input& input) {
    for (const std::string& name : removed_) {
        TRY_ASSIGN(const auto left, reader.find({kube::kVolumes, "", name}));
        if (left) return Error{ErrorKind::kUnavailable, "pv/" + name + " is still there", "run the command again"};
    }
    plan::Report report;
    for (const std::string& name : removed_) {
        report.text += "persistentvolume/" + name + " removed\n";
        report.names.push_back("persistentvolume/" + name);
    }
    if (removed_.empty()) report.text = "operation " + options_.operation + " keeps no volumes: nothing to remove\n";
    report.json = {{"apiVersion", "holdfast.dev/v1"},
                   {"kind", "FinalizedOperation"},
                   {"operation", input.operation},
                   {"finalized", options_.operation},
                   {"volumes", removed_}};
    return report;
}

}  // namespace holdfast::restore
