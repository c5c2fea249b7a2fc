#include "common/copies/live_members.h"

#include "common/copies/snapshot_class.h"
#include "common/copies/workload_claims.h"
#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/claim.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/snapshot.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <map>

namespace holdfast::copies {
namespace {

class Choice {
  public:
    Choice(const LiveFacts& facts, const CutRequest& options) : facts_(facts), options_(options) {
        for (const Json& claim : facts.claims) claims_[kube::name_of(claim)] = &claim;
    }

    Result<std::vector<WorkloadClaim>> run() {
        for (std::size_t i = 0; i < options_.targets.size(); ++i) take_target(i);
        for (const std::string& name : facts_.selected) take({name, "", -1});
        TRY(take_extra());
        if (chosen_.empty()) return nothing();
        return std::move(chosen_);
    }

    const Json* claim(const std::string& name) const {
        const auto found = claims_.find(name);
        return found == claims_.end() ? nullptr : found->second;
    }
    std::vector<std::string> notes;

  private:
    void take(const WorkloadClaim& one) {
        const auto same = [&](const WorkloadClaim& other) { return other.name == one.name; };
        const auto found = std::find_if(chosen_.begin(), chosen_.end(), same);
        if (found == chosen_.end())
            chosen_.push_back(one);
        else if (found->ordinal < 0)
            *found = one;
    }

    void take_target(std::size_t i) {
        const Target& target = options_.targets[i];
        const Json& object = facts_.workloads[i];
        for (const WorkloadClaim& one : claims_of(*target.resource, object)) take(one);
        if (*target.resource != kube::kStatefulSets) return;
        std::vector<WorkloadClaim> leftover;
        for (const Json& one : facts_.claims) {
            const auto own = stateful_claim(object, kube::name_of(one));
            if (own && (own->ordinal < kube::start_ordinal_of(object) ||
                        own->ordinal >= kube::start_ordinal_of(object) + kube::replicas_of(object)))
                leftover.push_back(*own);
        }
        if (leftover.empty() || (!options_.as_set && kube::replicas_of(object) > 0)) return;
        std::sort(leftover.begin(), leftover.end(), [](const auto& a, const auto& b) { return a.ordinal < b.ordinal; });
        // Scaled to zero means stopped, not empty: its data lies in the claims that are there.
        if (kube::replicas_of(object) == 0) {
            for (const WorkloadClaim& one : leftover) take(one);
            notes.push_back(target.text() + " has no replicas: every claim that it has left is taken");
            return;
        }
        std::vector<std::string> names;
        for (const WorkloadClaim& one : leftover) names.push_back(one.name);
        notes.push_back("not taken, since " + target.text() + " has only " + std::to_string(kube::replicas_of(object)) +
                        " replicas: " + join(names, ", ") + " (add one with --claim)");
    }

    Status take_extra() {
        std::vector<std::string> mounted;
        bool any_workload = false;
        for (std::size_t i = 0; i < options_.targets.size(); ++i) {
            any_workload = any_workload || *options_.targets[i].resource != kube::kClaims;
            for (std::string& name : mounted_by_name(*options_.targets[i].resource, facts_.workloads[i]))
                mounted.push_back(std::move(name));
        }
        for (const std::string& name : options_.claims) {
            if (any_workload && !belongs(name, mounted)) {
                return refused("--claim " + name + ": " + target_text(options_) + " does not mount it",
                               mounted.empty()
                                   ? "its pod template mounts no claim by name; name it as a target: pvc/" + name
                                   : "it mounts " + join(mounted, ", "));
            }
            take({name, "", -1});
        }
        if (!mounted.empty()) note_unmounted(mounted);
        return {};
    }

    bool belongs(const std::string& name, const std::vector<std::string>& mounted) const {
        if (std::find(mounted.begin(), mounted.end(), name) != mounted.end()) return true;
        for (std::size_t i = 0; i < options_.targets.size(); ++i) {
            if (*options_.targets[i].resource == kube::kStatefulSets && stateful_claim(facts_.workloads[i], name))
                return true;
        }
        return false;
    }

    void note_unmounted(const std::vector<std::string>& mounted) {
        for (const std::string& name : mounted) {
            const auto same = [&](const WorkloadClaim& one) { return one.name == name; };
            if (std::none_of(chosen_.begin(), chosen_.end(), same))
                notes.push_back("not taken: pvc/" + name +
                                ", which the pod template mounts by name (add it with --claim " + name + ")");
        }
    }

    Error nothing() const {
        if (options_.targets.empty())
            return {ErrorKind::kNotFound,
                    "no claim in namespace " + facts_.space + " matches -l " + escape_line(options_.selector) +
                        "; nothing was changed",
                    "see: kubectl get pvc -n " + facts_.space + " --show-labels"};
        return refused(
            target_text(options_) + " has no claims: there is nothing to " + (options_.as_set ? "snapshot" : "copy"),
            options_.as_set ? "claims that its pod template mounts by name are added with --claim NAME" : "");
    }

    const LiveFacts& facts_;
    const CutRequest& options_;
    std::map<std::string, const Json*> claims_;
    std::vector<WorkloadClaim> chosen_;
};

std::string called(const std::string& space, const WorkloadClaim& one) {
    std::string text = "pvc/" + space + "/" + one.name;
    if (one.ordinal >= 0) text += " (ordinal " + std::to_string(one.ordinal) + ")";
    return text;
}

Status check_bound(const LiveFacts& facts, const WorkloadClaim& one, const Json* claim, const std::string& plugin) {
    const std::string doctor = "see: kubectl " + plugin + " doctor pvc/" + one.name + " -n " + facts.space;
    const std::string what = called(facts.space, one);
    const auto why = facts.explanations.find(one.name);
    std::string reason = why == facts.explanations.end() ? "" : why->second;
    const std::string repeated = "pvc/" + facts.space + "/" + one.name + ": ";
    if (starts_with(reason, repeated)) reason.erase(0, repeated.size());
    if (!reason.empty()) reason.insert(0, ": ");
    if (claim == nullptr) {
        return refused(what + " does not exist" + reason,
                       (plugin == "snap" ? "a set without it could not be restored; " : "") + doctor);
    }
    const std::string phase = kube::text_at(*claim, "/status/phase");
    if (phase != "Bound") {
        return refused(what + " is not bound but " + (phase.empty() ? "without a phase" : escape_line(phase)) + reason,
                       doctor);
    }
    if (kube::deleting(*claim)) return refused(what + " is being deleted", "a snapshot of it would never be made");
    // What a set records of a claim is what a restore relies on.
    if (const Status readable = kube::check_readable(*claim); !readable.ok())
        return refused(readable.error().message,
                       "look at the claim's own fields: kubectl get pvc " + one.name + " -o yaml");
    return {};
}

Result<const Json*> volume_of(const LiveFacts& facts, const WorkloadClaim& one, const Json& claim) {
    const std::string name = kube::text_at(claim, "/spec/volumeName");
    const auto found = facts.volumes.find(name);
    if (found == facts.volumes.end())
        return refused(called(facts.space, one) + ": its volume pv/" + name + " is not there",
                       "the claim's data is not reachable; see: kubectl describe pvc " + one.name);
    const std::string holder = kube::text_at(found->second, "/spec/claimRef/uid");
    if (holder != kube::uid_of(claim))
        return refused(called(facts.space, one) + ": its volume pv/" + name + " belongs to another claim",
                       "see: kubectl describe pv " + name);
    const kube::VolumeSource source = kube::volume_source_of(found->second);
    if (source.driver.empty()) {
        return refused(called(facts.space, one) + ": its volume pv/" + name + " is of type " +
                           (source.kind.empty() ? "unknown" : source.kind) +
                           ", not a CSI volume: only CSI drivers make snapshots",
                       "copy the data to a claim whose storage class has a CSI driver, or dump the database");
    }
    return &found->second;
}

std::vector<std::string> texts_at(const Json& object, const std::string& pointer) {
    std::vector<std::string> texts;
    const Json* list = kube::find_at(object, pointer);
    if (list == nullptr || !list->is_array()) return texts;
    for (const Json& item : *list) {
        if (item.is_string()) texts.push_back(item.get<std::string>());
    }
    return texts;
}

kube::SetMember describe(const LiveFacts& facts, const WorkloadClaim& one, const Json& claim, const Json& volume) {
    kube::SetMember member;
    member.claim = one.name;
    member.claim_uid = kube::uid_of(claim);
    member.claim_template = one.claim_template;
    member.ordinal = one.ordinal;
    member.volume = kube::name_of(volume);
    member.driver = kube::volume_source_of(volume).driver;
    member.storage_class = kube::text_at(claim, "/spec/storageClassName");
    member.volume_mode = kube::text_at(claim, "/spec/volumeMode");
    if (member.volume_mode.empty()) member.volume_mode = "Filesystem";
    member.access_modes = texts_at(claim, "/spec/accessModes");
    const Result<Quantity> requested = kube::requested_of(claim);
    const std::optional<Quantity> capacity = kube::capacity_of(claim);
    member.size_bytes = std::max(requested.ok() ? requested->bytes() : 0, capacity ? capacity->bytes() : 0);
    for (const Json& pod : facts.pods) {
        for (const std::string& mounted : kube::claims_of_pod(pod)) {
            if (mounted != one.name || !member.pod.empty()) continue;
            member.pod = kube::name_of(pod);
            member.node = kube::node_of(pod);
        }
    }
    return member;
}

}  // namespace

Result<Members> choose_members(const LiveFacts& facts, const CutRequest& options, const std::string& set) {
    Choice choice(facts, options);
    TRY_ASSIGN(const std::vector<WorkloadClaim> chosen, choice.run());
    Members result;
    ClassChooser classes(facts.classes, options.snapshot_class);
    for (const WorkloadClaim& one : chosen) {
        const Json* claim = choice.claim(one.name);
        TRY(check_bound(facts, one, claim, options.plugin));
        TRY_ASSIGN(const Json* volume, volume_of(facts, one, *claim));
        kube::SetMember member = describe(facts, one, *claim, *volume);
        if (options.as_set) {
            TRY_ASSIGN(member.snapshot_class, classes.choose(member.driver, called(facts.space, one)));
            member.snapshot = snapshot_name(set, one.name);
        }
        result.members.push_back(std::move(member));
    }
    result.notes = std::move(choice.notes);
    for (const std::string& note : classes.notes()) result.notes.push_back(note);
    return result;
}

}  // namespace holdfast::copies
