// A pod whose volumes are there: images, configuration, crashes, readiness.
#include "common/core/text.h"
#include "common/diagnose/pod_facts.h"
#include "common/diagnose/remedies.h"

#include <algorithm>
#include <array>

namespace holdfast::diagnose {
namespace {

constexpr std::array kImageReasons{
    "ErrImagePull",      "ImagePullBackOff",    "ErrImageNeverPull",        "InvalidImageName",
    "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"};

bool is_image_reason(const std::string& reason) {
    return std::find(kImageReasons.begin(), kImageReasons.end(), reason) != kImageReasons.end();
}

std::string logs_command(const PodFacts& facts, const kube::ContainerState& one, bool previous) {
    return "`kubectl logs " + facts.name + " -n " + facts.space + " -c " + one.name + (previous ? " --previous`" : "`");
}

std::string end_text(const kube::ContainerState& one) {
    std::string text = one.ended_reason.empty() ? "ended" : one.ended_reason;
    if (one.exit_code >= 0) text += ", exit code " + std::to_string(one.exit_code);
    if (!one.ended_at.empty() && !starts_with(one.ended_at, "1970")) text += ", at " + one.ended_at;
    if (!one.ended_message.empty()) text += ": " + one.ended_message;
    return text;
}

Finding judge_crash(const PodFacts& facts, const kube::ContainerState& one) {
    const std::string object = pod_object(facts), who = "container " + one.name;
    if (one.ended_reason == "OOMKilled") {
        return error({"pod-out-of-memory", object, "pod",
                      who + " was ended for want of memory (" +
                          counted(static_cast<std::size_t>(one.restarts), "restart") + "): " + end_text(one),
                      "raise its memory limit, or lower what it takes (for a database: shared buffers, work memory)"});
    }
    if (one.ended_reason == "StartError" || one.ended_reason == "ContainerCannotRun") {
        return error({"pod-container-create", object, "pod", who + " cannot be started: " + end_text(one),
                      "correct its command, mounts or security context"});
    }
    if (one.restarts == 0) {
        return error({"pod-container-failed", object, "pod", who + " has failed: " + end_text(one),
                      logs_command(facts, one, false)});
    }
    return error({"pod-crashes", object, "pod",
                  who + " ends again and again (" + counted(static_cast<std::size_t>(one.restarts), "restart") +
                      "), last: " + end_text(one),
                  logs_command(facts, one, true) + " has its last words"});
}

Findings judge_waiting(const PodFacts& facts, const kube::ContainerState& one) {
    const std::string object = pod_object(facts), who = "container " + one.name;
    const std::string words = one.waiting_message.empty() ? one.waiting_reason : one.waiting_message;
    if (is_image_reason(one.waiting_reason)) {
        const bool never = one.waiting_reason == "ErrImageNeverPull";
        return {error({"pod-image", object, "pod", who + " has no image (" + one.waiting_reason + "): " + words,
                       never ? "put the image on node " + facts.pod->node + ", or allow pulling it (imagePullPolicy)"
                             : "check the image's name, the registry, and the pod's imagePullSecrets"})};
    }
    if (one.waiting_reason == "CreateContainerConfigError") {
        return {error({"pod-configuration", object, "pod", who + " cannot be configured: " + words,
                       "make what it names in namespace " + facts.space +
                           ", or correct the reference; it then goes on by itself"})};
    }
    if (one.waiting_reason == "CreateContainerError" || one.waiting_reason == "RunContainerError") {
        return {error({"pod-container-create", object, "pod", who + " cannot be started: " + words,
                       "correct its command, mounts or security context"})};
    }
    if (one.waiting_reason == "CrashLoopBackOff") return {judge_crash(facts, one)};
    return {};
}

Findings judge_readiness(const PodFacts& facts) {
    for (const kube::ContainerState& one : facts.pod->containers) {
        if (!one.running || one.ready || one.init) continue;
        const kube::Event* unhealthy = kube::newest(facts.events, "Unhealthy");
        if (unhealthy == nullptr) {
            return {info({"pod-not-ready", pod_object(facts), "pod",
                          "container " + one.name + " runs and is not ready yet", logs_command(facts, one, false)})};
        }
        return {warning({"pod-not-ready", pod_object(facts), "pod",
                         "container " + one.name + " runs and does not pass its probe: " + unhealthy->message,
                         logs_command(facts, one, false)})};
    }
    return {};
}

}  // namespace

Findings judge_containers(const PodFacts& facts) {
    Findings found;
    for (const kube::ContainerState& one : facts.pod->containers) {
        append(found, judge_waiting(facts, one));
        const bool ended_badly = one.exit_code > 0 && !one.running && one.waiting_reason.empty();
        if (ended_badly && found.empty()) found.push_back(judge_crash(facts, one));
    }
    if (found.empty()) append(found, judge_readiness(facts));
    return found;
}

}  // namespace holdfast::diagnose
