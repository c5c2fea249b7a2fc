#include "common/plan/observe.h"

#include "common/core/text.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/resize.h"
#include "common/kube/objects/workload.h"

#include <array>
#include <utility>

namespace holdfast::plan {
namespace {

using State = Verdict::State;
using kube::bool_at;
using kube::find_at;
using kube::text_at;

std::string storage_error(const Json& object) {
    const std::string message = text_at(object, "/status/error/message");
    return message.empty() ? "" : "driver says: " + escape_line(message.substr(0, 400));
}

// Cut: the point in time is fixed and the content is bound. Ready may come much later, after an upload.
Verdict snapshot(const Json& object, bool ready) {
    if (kube::deleting(object)) return {State::kFailed, "it is being deleted"};
    const bool bound = !text_at(object, "/status/boundVolumeSnapshotContentName").empty();
    const bool cut = bound && find_at(object, "/status/creationTime") != nullptr;
    if (cut && (!ready || bool_at(object, "/status/readyToUse", false))) return {State::kDone, ""};
    std::string error = storage_error(object);
    if (!error.empty()) return {State::kWaiting, std::move(error)};
    if (cut) return {State::kWaiting, "cut, not ready yet (the storage still works on it)"};
    return {State::kWaiting, bound ? "content bound, not cut yet" : "no answer from the snapshot controller yet"};
}

Verdict claim_bound(const Json& claim) {
    const std::string phase = text_at(claim, "/status/phase");
    if (kube::deleting(claim)) return {State::kFailed, "it is being deleted"};
    if (phase == "Bound") return {State::kDone, ""};
    if (phase == "Lost") return {State::kFailed, "its volume is gone (phase Lost)"};
    return {State::kWaiting, phase.empty() ? "no phase yet" : "phase " + escape_line(phase)};
}

// The table of docs/pvc-expand.md, in its order.
Verdict claim_resized(const Json& claim, const Quantity& wanted, bool node_may_wait) {
    const kube::ResizeState state = kube::resize_state_of(claim);
    const std::string has = "capacity " + (state.capacity ? escape_line(state.capacity->text()) : "unknown");
    if (state.capacity && *state.capacity >= wanted) return {State::kDone, ""};
    if (state.deleting) return {State::kFailed, "it is being deleted", ErrorKind::kConflict};
    const std::string said = state.error.empty() ? "" : ": " + state.error;
    // One that is left of a larger or smaller attempt says nothing about what is asked for now.
    const bool current = state.allocated && state.requested && *state.allocated == *state.requested;
    if (state.infeasible() && current)
        return {State::kFailed, "the storage cannot make it " + wanted.text() + " (" + state.status + ")" + said,
                ErrorKind::kUnavailable};
    if (state.waits_for_node()) {
        if (node_may_wait) return {State::kDone, ""};
        return {State::kWaiting,
                has + ", the volume has grown, its filesystem grows on the node of a pod that mounts it" + said};
    }
    if (!state.error.empty()) return {State::kWaiting, has + ", an error that may pass" + said};
    if (state.resizing || !state.status.empty()) return {State::kWaiting, has + ", the storage is at it"};
    return {State::kWaiting, has + ", no resizer has taken it up"};
}

Verdict claim_resized(const Json& claim, bool node_may_wait) {
    const auto wanted = kube::requested_of(claim);
    if (!wanted.ok()) return {State::kFailed, wanted.error().message};
    return claim_resized(claim, *wanted, node_may_wait);
}

Verdict volume(const Json& object, const char* wanted) {
    const std::string phase = text_at(object, "/status/phase");
    if (kube::deleting(object)) return {State::kFailed, "it is being deleted"};
    if (phase == wanted) return {State::kDone, ""};
    if (phase == "Failed")
        return {State::kFailed, "its phase is Failed: " + escape_line(text_at(object, "/status/message"))};
    return {State::kWaiting, "phase " + escape_line(phase)};
}

// Protection of claims and volumes in use is the ordinary case, told of by whoever uses them; what the garbage
// collector holds it lets go of in a moment.
std::string going(const Json& object) {
    const Json* finalizers = find_at(object, "/metadata/finalizers");
    std::vector<std::string> held_by;
    if (finalizers != nullptr && finalizers->is_array()) {
        for (const Json& one : *finalizers) {
            const std::string name = one.is_string() ? one.get<std::string>() : "";
            const bool ordinary = name == "kubernetes.io/pvc-protection" || name == "kubernetes.io/pv-protection" ||
                                  name == "orphan" || name == "foregroundDeletion";
            if (!ordinary) held_by.push_back(escape_line(name));
        }
    }
    return held_by.empty() ? "being deleted" : "being deleted, held by its finalizer " + join(held_by, ", ");
}

Verdict unowned(const Json& object) {
    const Json* owners = find_at(object, "/metadata/ownerReferences");
    if (owners == nullptr || !owners->is_array() || owners->empty()) return {State::kDone, ""};
    return {State::kWaiting,
            "owned by " + escape_line(text_at(owners->front(), "/kind") + "/" + text_at(owners->front(), "/name"))};
}

Verdict workload(const Json& object, Condition condition) {
    const long long generation = kube::generation_of(object);
    if (kube::deleting(object)) return {State::kFailed, "it is being deleted"};
    if (kube::number_at(object, "/status/observedGeneration", -1) < generation)
        return {State::kWaiting, "its controller has not seen the change yet"};
    const long long there = kube::number_at(object, "/status/replicas", 0);
    const long long ready = kube::number_at(object, "/status/readyReplicas", 0);
    const int wanted = kube::replicas_of(object);
    if (condition == Condition::kNoReplicas && there > 0)
        return {State::kWaiting, std::to_string(there) + " pods are still there"};
    if (condition == Condition::kAllReady && ready < wanted)
        return {State::kWaiting, std::to_string(ready) + " of " + std::to_string(wanted) + " pods are ready"};
    return {State::kDone, ""};
}

std::string waiting_reason(const Json& statuses) {
    for (const Json& one : statuses) {
        const std::string reason = text_at(one, "/state/waiting/reason");
        if (!reason.empty() && reason != "ContainerCreating" && reason != "PodInitializing") {
            return "container " + escape_line(text_at(one, "/name")) + ": " + escape_line(reason);
        }
    }
    return "";
}

// The kubelet has tried once and will try for ever.
bool image_is_missing(const Json& statuses) {
    for (const Json& one : statuses) {
        const std::string reason = text_at(one, "/state/waiting/reason");
        if (reason == "ImagePullBackOff" || reason == "ErrImageNeverPull" || reason == "InvalidImageName") return true;
    }
    return false;
}

Verdict pod(const Json& object, Condition condition) {
    const std::string phase = text_at(object, "/status/phase");
    const bool may_end = condition == Condition::kPodSucceeded || condition == Condition::kPodStarted;
    if (may_end && phase == "Succeeded") return {State::kDone, ""};
    if (phase == "Failed" || phase == "Succeeded") {
        const std::string reason = text_at(object, "/status/reason");
        return {State::kFailed,
                "the pod ended (phase " + phase + (reason.empty() ? "" : ", " + escape_line(reason)) + ")"};
    }
    if (kube::deleting(object)) return {State::kFailed, "it is being deleted"};
    const Json* statuses = find_at(object, "/status/containerStatuses");
    if (statuses == nullptr || !statuses->is_array() || statuses->empty()) {
        return {State::kWaiting,
                phase == "Pending" || phase.empty() ? "not started yet" : "phase " + escape_line(phase)};
    }
    bool all = true;
    for (const Json& one : *statuses) {
        const bool ended = condition == Condition::kPodStarted && find_at(one, "/state/terminated") != nullptr;
        const bool running = ended || find_at(one, "/state/running") != nullptr;
        all = all && running && (condition != Condition::kPodReady || bool_at(one, "/ready", false));
    }
    if (all && condition != Condition::kPodSucceeded) return {State::kDone, ""};
    std::string reason = waiting_reason(*statuses);
    if (image_is_missing(*statuses)) return {State::kFailed, std::move(reason), ErrorKind::kUnavailable};
    return {State::kWaiting, reason.empty() ? "starting" : std::move(reason)};
}

constexpr std::array<std::pair<Condition, const char*>, 19> kNames = {
    {{Condition::kSnapshotCut, "snapshot-cut"},
     {Condition::kSnapshotReady, "snapshot-ready"},
     {Condition::kClaimBound, "claim-bound"},
     {Condition::kPodReady, "pod-ready"},
     {Condition::kPodRunning, "pod-running"},
     {Condition::kPodStarted, "pod-started"},
     {Condition::kPodSucceeded, "pod-succeeded"},
     {Condition::kExists, "exists"},
     {Condition::kGone, "gone"},
     {Condition::kContentBound, "content-bound"},
     {Condition::kResized, "resized"},
     {Condition::kGrown, "grown"},
     {Condition::kAdopted, "adopted"},
     {Condition::kVolumeAvailable, "volume-available"},
     {Condition::kVolumeReleased, "volume-released"},
     {Condition::kUnowned, "unowned"},
     {Condition::kObserved, "observed"},
     {Condition::kNoReplicas, "no-replicas"},
     {Condition::kAllReady, "all-ready"}}};

}  // namespace

Verdict observe(Condition condition, const Json* object) {
    if (condition == Condition::kGone) {
        if (object == nullptr) return {State::kDone, ""};
        return {State::kWaiting, kube::deleting(*object) ? going(*object) : "still there"};
    }
    if (object == nullptr) return {State::kWaiting, "not there yet"};
    switch (condition) {
        case Condition::kSnapshotCut:
            return snapshot(*object, false);
        case Condition::kSnapshotReady:
            return snapshot(*object, true);
        case Condition::kClaimBound:
            return claim_bound(*object);
        case Condition::kResized:
            return claim_resized(*object, false);
        case Condition::kGrown:
            return claim_resized(*object, true);
        case Condition::kVolumeAvailable:
            return volume(*object, "Available");
        case Condition::kVolumeReleased:
            return volume(*object, "Released");
        case Condition::kUnowned:
            return unowned(*object);
        case Condition::kObserved:
        case Condition::kNoReplicas:
        case Condition::kAllReady:
            return workload(*object, condition);
        case Condition::kPodReady:
        case Condition::kPodRunning:
        case Condition::kPodStarted:
        case Condition::kPodSucceeded:
            return pod(*object, condition);
        case Condition::kContentBound: {
            if (!text_at(*object, "/status/snapshotHandle").empty()) return {State::kDone, ""};
            std::string error = storage_error(*object);
            return {State::kWaiting, error.empty() ? "no snapshot handle yet" : std::move(error)};
        }
        case Condition::kAdopted:
        case Condition::kExists:
        case Condition::kGone:
            break;
    }
    return {State::kDone, ""};
}

Verdict observe_bound_to(const Json* claim, const std::string& volume) {
    Verdict verdict = observe(Condition::kClaimBound, claim);
    if (claim == nullptr) return verdict;
    const std::string has = text_at(*claim, "/spec/volumeName");
    if (has.empty() || has == volume) return verdict;
    return {State::kFailed, "it is bound to pv/" + escape_line(has) + " and not to pv/" + volume, ErrorKind::kConflict};
}

Verdict observe_resized(const Json* claim, const std::string& size, bool node_may_wait) {
    const auto wanted = Quantity::parse(size);
    if (claim == nullptr || !wanted.ok()) return observe(Condition::kResized, claim);
    return claim_resized(*claim, *wanted, node_may_wait);
}

Verdict observe_adopted(const Json* object, const std::string& owner) {
    if (object == nullptr) return {State::kWaiting, "not there"};
    for (const kube::OwnerReference& one : kube::owners_of(*object)) {
        if (one.controller && one.uid == owner) return {State::kDone, ""};
    }
    return {State::kWaiting, "its controller has not taken it up yet"};
}

std::string condition_name(Condition condition) {
    for (const auto& [value, name] : kNames) {
        if (value == condition) return name;
    }
    return "";
}

std::optional<Condition> condition_from(const std::string& name) {
    for (const auto& [value, text] : kNames) {
        if (name == text) return value;
    }
    return std::nullopt;
}

}  // namespace holdfast::plan
