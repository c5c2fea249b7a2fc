// What is told of a finished clone, after a fresh look at it.
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"
#include "common/plan/describe.h"
#include "plugins/clone/clone.h"
#include "plugins/clone/known.h"
#include "plugins/clone/seeds.h"

namespace holdfast::clone {
namespace {

std::string size_text(const kube::Claim& claim) {
    if (claim.capacity) return claim.capacity->text();
    return claim.requested ? claim.requested->text() : "";
}

Error changed_meanwhile(const kube::ObjectRef& ref, const std::string& what) {
    return {ErrorKind::kConflict,
            ref.text() + " is not " + what + " any more: somebody else changed it; the source is intact"};
}

}  // namespace

// The source is named, not pointed at: one that was deleted and made again before the driver made the copy has other
// data. A volume that is older than the claim which has the name now cannot be a copy of that. Of one that is gone
// nobody can say whether another had its name.
Status Clone::check_driver_cloned(kube::ClusterReader& reader, const Choice& cloned,
                                  const std::string& operation) const {
    if (cloned.method != Method::kClone) return {};
    for (const Copy& copy : cloned.copies) {
        const Member& source = cloned.sources[copy.of];
        TRY_ASSIGN(const auto now, reader.find({kube::kClaims, options_.space, source.facts.claim}));
        if (now && kube::uid_of(*now) == source.facts.claim_uid) continue;
        const kube::ObjectRef ref{kube::kClaims, options_.to_space, copy.spec.name};
        TRY_ASSIGN(const auto made, reader.find(ref));
        const std::string name = made ? kube::claim_of(*made).volume : "";
        TRY_ASSIGN(const auto volume, reader.find({kube::kVolumes, "", name}));
        if (now && volume && kube::created_of(*volume) < kube::created_of(*now)) continue;
        return Error{
            ErrorKind::kConflict,
            source.called + (now ? " was deleted and made again meanwhile, and " : " was deleted meanwhile, and ") +
                ref.text() + " may be a copy of " +
                (now ? "the new one: object replaced" : "another one that had its name: object gone"),
            "take this clone back and make a new one: kubectl clone abort " + operation + " -n " + options_.space};
    }
    return {};
}

Status Clone::report_claim(kube::ClusterReader& reader, const Copy& copy, const std::string& operation,
                           plan::Report& report) const {
    const kube::ObjectRef ref{kube::kClaims, options_.to_space, copy.spec.name};
    const Member& source = choice_->sources[copy.of];
    TRY_ASSIGN(const std::optional<Json> object, reader.find(ref));
    const kube::Claim claim = object ? kube::claim_of(*object) : kube::Claim{};
    std::string kind = choice_->method == Method::kClone ? kube::kClaims.kind : kube::kSnapshots.kind;
    if (!options_.sql.empty() && is_seed(options_, *choice_, copy)) kind.clear();  // filled by files
    if (claim.operation != operation || claim.phase != "Bound" || claim.source_kind != kind || claim.volume.empty())
        return changed_meanwhile(ref, "bound to a copied volume");
    TRY_ASSIGN(const Json volume_object, reader.get({kube::kVolumes, "", claim.volume}));
    const kube::Volume volume = kube::volume_of(volume_object);
    if (volume.chosen || volume.claim_uid != claim.uid || volume.driver != source.driver ||
        volume.capacity_bytes < source.least_bytes())
        return Error{ErrorKind::kMismatch, ref.text() + " is bound to pv/" + volume.name + ", which the driver of " +
                                               source.called + " did not make for it"};
    const std::string cut_at = kube::annotation_of(*object, labels::kCutAt);
    report.text += "persistentvolumeclaim/" + claim.name + " cloned from " + source.called + ": " + size_text(claim) +
                   ", class " + claim.storage_class + ", volume " + volume.name +
                   (cut_at.empty() ? "" : ", data as of " + cut_at) + "\n";
    report.names.push_back("persistentvolumeclaim/" + claim.name);
    report.json["claims"].push_back({{"name", claim.name},
                                     {"uid", claim.uid},
                                     {"from", source.facts.claim},
                                     {"size", size_text(claim)},
                                     {"storageClassName", claim.storage_class},
                                     {"volume", volume.name},
                                     {"cutAt", cut_at}});
    return {};
}

Status Clone::report_workload(kube::ClusterReader& reader, const std::string& operation, plan::Report& report) const {
    const kube::ObjectRef ref = plan::ref_of_manifest(workload_.manifest);
    TRY_ASSIGN(const std::optional<Json> object, reader.find(ref));
    const int wanted = object ? kube::replicas_of(*object) : 0;
    const int ready = object ? kube::workload_state_of(*object).ready : 0;
    if (!object || kube::label_of(*object, labels::kOperation) != operation || ready < wanted)
        return changed_meanwhile(ref, "ready");
    const std::string name = typed_name(ref);
    report.text += name + " cloned from " + options_.source_ref().text() + ": " + std::to_string(ready) +
                   (ready == 1 ? " pod is ready\n" : " pods are ready\n");
    report.names.push_back(name);
    report.json["workload"] = {{"name", name}, {"ready", ready}};
    return {};
}

Result<plan::Report> Clone::report(kube::ClusterReader& reader, const plan::Input& input) {
    plan::Report report;
    report.json = {{"apiVersion", "holdfast.dev/v1"},
                   {"kind", "Clone"},
                   {"name", options_.name},
                   {"namespace", options_.to_space},
                   {"from", options_.source_ref().text()},
                   {"method", method_name(choice_->method)},
                   {"operation", input.operation},
                   {"prepared", treats_ ? mark_of(options_) : ""},
                   {"expires", options_.lifetime ? format_time(input.now + *options_.lifetime) : ""},
                   {"claims", Json::array()}};
    if (!workload_.empty()) TRY(report_workload(there(reader), input.operation, report));
    if (options_.sql.empty()) TRY(check_driver_cloned(reader, *choice_, input.operation));
    for (const Copy& copy : choice_->copies) TRY(report_claim(there(reader), copy, input.operation, report));
    if (const std::string emptied = emptied_views(input.progress.outputs); !emptied.empty()) {
        report.text += "left without data, as they reach outside the database or could not be made anew: " +
                       join(split(emptied, '\n'), ", ") + "\n";
        report.json["withoutData"] = split(emptied, '\n');
    }
    if (options_.other) report.json["context"] = options_.other_context;
    const std::string context =
        options_.other_context.empty() ? "" : " --context " + shell_quote(options_.other_context);
    report.text += "to remove it: kubectl clone delete " + options_.name + " -n " + options_.to_space + context + "\n";
    return report;
}

}  // namespace holdfast::clone
