#include "plugins/restore/prove.h"

#include "common/copies/database.h"
#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/claim.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/pod_state.h"
#include "common/kube/objects/workload.h"
#include "plugins/restore/shared.h"

#include <algorithm>

namespace holdfast::restore {
namespace {

using kube::text_at;
using plan::Condition;
using plan::Create;
using plan::Plan;
using plan::Step;
using plan::WaitFor;

constexpr char kRole[] = "prove";
constexpr char kPhase[] = "prove";

Json value_at(const Json& object, const std::string& pointer) {
    const Json* found = kube::find_at(object, pointer);
    return found == nullptr ? Json() : *found;
}

std::string image_id_of(const std::vector<Json>& pods, const std::string& container) {
    for (const Json& pod : pods) {
        for (const kube::ContainerState& one : kube::pod_state_of(pod).containers) {
            if (one.name == container && !one.init && !one.image_id.empty()) return one.image_id;
        }
    }
    return "";
}

std::vector<kube::ContainerFacts> containers_of(const Json& pod_spec, const std::vector<Json>& pods) {
    std::vector<kube::ContainerFacts> containers;
    const Json list = value_at(pod_spec, "/containers");
    if (!list.is_array()) return containers;
    for (const Json& one : list) {
        kube::ContainerFacts facts;
        facts.name = text_at(one, "/name");
        facts.image = text_at(one, "/image");
        facts.image_id = image_id_of(pods, facts.name);
        facts.pull_policy = text_at(one, "/imagePullPolicy");
        const Json secrets = value_at(pod_spec, "/imagePullSecrets");
        if (secrets.is_array()) {
            for (const Json& secret : secrets) facts.image_pull_secrets.push_back(text_at(secret, "/name"));
        }
        facts.volume_mounts = value_at(one, "/volumeMounts");
        facts.volume_devices = value_at(one, "/volumeDevices");
        facts.security_context = value_at(one, "/securityContext");
        facts.pod_security_context = value_at(pod_spec, "/securityContext");
        containers.push_back(std::move(facts));
    }
    return containers;
}

const Swap* swap_of_member(const SwapRecord& record, const Member& member) {
    for (const Swap& swap : record.swaps) {
        if (swap.claim == member.facts.claim) return &swap;
    }
    return nullptr;
}

Json temporary_manifest(const ThrowawayClaim& claim, const Swap& swap) {
    Json manifest = throwaway_claim_manifest(claim, "incoming");
    const std::string attributes = kube::attributes_class_of(swap.manifest);
    if (!attributes.empty()) manifest["spec"]["volumeAttributesClassName"] = attributes;
    return manifest;
}

// Looks and goes: nothing on the volumes changes, so neither fsGroup nor a writable mount.
Json prover_manifest(const Proof& proof, const Instance& instance, const Source& source, const std::string& space,
                     bool first) {
    Json pod = throwaway_pod_manifest(instance, proof.engine, source, space, kRole);
    Json& spec = pod["spec"];
    spec["securityContext"].erase("fsGroup");
    spec["securityContext"].erase("fsGroupChangePolicy");
    for (Json& volume : spec["volumes"]) {
        if (volume.contains("persistentVolumeClaim")) volume["persistentVolumeClaim"]["readOnly"] = true;
    }
    Json& container = spec["containers"][0];
    container["name"] = "look";
    container["command"] = Json::array({"/bin/sh", "-c", look_script()});
    container.erase("readinessProbe");
    for (Json& mount : container["volumeMounts"]) {
        if (mount["name"] != "holdfast") mount["readOnly"] = true;
    }
    const kube::AppFacts app = source.record ? source.record->app : kube::AppFacts{};
    // What was recorded is what the first ordinal said; others may be databases of their own.
    container["env"].push_back({{"name", "HOLDFAST_SYSTEM"}, {"value", first ? app.system_identifier : ""}});
    container["env"].push_back({{"name", "HOLDFAST_ANY"}, {"value", app.kind == "postgres" ? "" : "yes"}});
    return pod;
}

// The recorded system identifier is that of the set's first ordinal.
bool recorded_first(const Source& source, const Instance& instance) {
    const bool whole = source.is_set && source.record && !source.record->members.empty();
    return whole ? instance.ordinal == source.record->members.front().ordinal : instance.ordinal <= 0;
}

Step proof_step(std::string id, std::string title, std::string reason, plan::Action action,
                std::vector<std::string> after) {
    Step step;
    step.id = std::move(id);
    step.title = std::move(title);
    step.reason = std::move(reason);
    step.phase = kPhase;
    step.action = std::move(action);
    step.after = std::move(after);
    return step;
}

}  // namespace

Source live_source(const Source& source, const std::vector<const Member*>& members, const Json& workload,
                   const std::vector<Json>& pods) {
    Source live = source;
    live.members.clear();
    for (const Member* member : members) live.members.push_back(*member);
    if (!workload.is_object()) return live;
    if (!live.record) live.record = kube::SnapshotSet{};
    live.record->workload_kind = text_at(workload, "/kind");
    live.record->workload_manifest = workload;
    live.record->containers = containers_of(kube::pod_spec_of_workload(workload), pods);
    return live;
}

Result<Proof> prepare_proof(const Source& source, const SwapRecord& record, const std::string& operation,
                            const std::string& image) {
    Proof proof;
    TRY_ASSIGN(proof.engine, choose_engine(source, image, true));
    TRY_ASSIGN(proof.instances, instances_of(source, proof.engine, operation, record.space));
    for (Instance& instance : proof.instances) {
        instance.pod = bounded_name(instance.pod, "-look");
        for (ThrowawayClaim& claim : instance.claims) {
            const Swap* swap = swap_of_member(record, *claim.member);
            if (swap == nullptr) return Error{ErrorKind::kInternal, "a member without its claim"};
            ClaimWishes wishes;
            const std::string wanted = kube::class_of_claim(swap->manifest);
            const bool fits = std::any_of(source.classes.begin(), source.classes.end(), [&](const auto& one) {
                return one.name == wanted && one.provisioner == claim.member->driver;
            });
            if (fits) wishes.storage_class = wanted;
            TRY_ASSIGN(wishes.size, Quantity::parse(swap->request));
            TRY_ASSIGN(claim.spec, choose_claim(source, *claim.member, wishes));
            claim.spec.name = swap->temporary;
            claim.spec.space = record.space;
            claim.spec.access_modes = kube::claim_of(swap->manifest).access_modes;
            if (!record.incoming.contains(swap->claim)) TRY(check_rivals(source.free_volumes, claim.spec));
        }
        instance.waits_for_pod = std::any_of(instance.claims.begin(), instance.claims.end(), [](const auto& claim) {
            return claim.spec.storage_class.waits_for_pod();
        });
    }
    return proof;
}

Plan plan_proof(const Proof& proof, const Source& source, const SwapRecord& record, const std::string& operation) {
    Plan plan;
    plan.operation = operation;
    plan.last = false;
    std::vector<std::string> not_ready, first, claims, claim_steps, pods, pod_steps;
    for (const Member& member : source.members) {
        if (!member.snapshot->ready) not_ready.push_back(member.facts.snapshot);
    }
    if (!not_ready.empty()) {
        plan.steps.push_back(
            proof_step("wait-snapshots", "wait until the snapshots can be restored", "the storage still works on them",
                       WaitFor{kube::kSnapshots, source.space, not_ready, Condition::kSnapshotReady, ""}, {}));
        first = {"wait-snapshots"};
    }
    for (const Instance& instance : proof.instances) {
        for (const ThrowawayClaim& claim : instance.claims) {
            const Swap& swap = *swap_of_member(record, *claim.member);
            plan.steps.push_back(proof_step("create-" + swap.temporary,
                                            "create pvc/" + record.space + "/" + swap.temporary,
                                            "from " + claim.member->text() + ", " + claim.spec.size.text() +
                                                ", class " + claim.spec.storage_class.name,
                                            Create{temporary_manifest(claim, swap), {"/spec/dataSource"}}, first));
            claims.push_back(swap.temporary);
            claim_steps.push_back(plan.steps.back().id);
        }
    }
    for (const Instance& instance : proof.instances) {
        const bool lowest = recorded_first(source, instance);
        plan.steps.push_back(
            proof_step("look-" + instance.pod, "create pod/" + record.space + "/" + instance.pod,
                       "mounts the new volumes read-only and looks at them with the workload's own image",
                       Create{prover_manifest(proof, instance, source, record.space, lowest), {}}, claim_steps));
        pods.push_back(instance.pod);
        pod_steps.push_back(plan.steps.back().id);
    }
    plan.steps.push_back(proof_step("wait-bound", "wait until the new claims are Bound", "",
                                    WaitFor{kube::kClaims, record.space, claims, Condition::kClaimBound, ""},
                                    pod_steps));
    plan.steps.push_back(proof_step("wait-proof", "wait until the pods have seen what was recorded",
                                    "a snapshot that cannot be restored must not be discovered with the database down",
                                    WaitFor{kube::kPods, record.space, pods, Condition::kPodSucceeded, ""},
                                    {"wait-bound"}));
    return plan;
}

std::optional<Error> proof_failure(const SwapFacts& facts) {
    for (const Json& object : facts.provers) {
        const kube::PodState pod = kube::pod_state_of(object);
        for (const kube::ContainerState& container : pod.containers) {
            if (container.exit_code <= 0) continue;
            std::string said = container.ended_message;
            if (const std::size_t at = said.find("holdfast: "); at != std::string::npos) said = said.substr(at + 10);
            while (!said.empty() && said.back() == '\n') said.pop_back();
            const bool of_data = container.exit_code == kNoDataDirectory || container.exit_code == kOtherMajor ||
                                 container.exit_code == kOtherSystem;
            const bool of_image = container.exit_code == kOtherImage;
            const std::string where = escape_line(said) + " (pod/" + pod.space + "/" + pod.name + ")";
            if (of_data || of_image)
                return Error{ErrorKind::kMismatch, "the restored volumes are not as expected: " + where,
                             "the workload was not touched and runs on"};
            return Error{
                ErrorKind::kUnavailable,
                "the restored volumes could not be looked at: " + where + "; the data was not judged",
                "the workload was not touched and runs on; run the command again, perhaps with --image of one that "
                "has a shell"};
        }
    }
    return std::nullopt;
}

}  // namespace holdfast::restore
