#include "common/kube/objects/pod_state.h"

#include "common/core/text.h"
#include "common/kube/objects/event.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"

#include <nlohmann/json.hpp>

namespace holdfast::kube {
namespace {

void read_end(const Json& status, const char* where, ContainerState& container) {
    const Json* ended = find_at(status, where);
    if (ended == nullptr || !ended->is_object()) return;
    container.ended_reason = escape_line(text_at(*ended, "/reason"));
    container.ended_message = message_text(text_at(*ended, "/message"));
    container.ended_at = text_at(*ended, "/finishedAt");
    container.exit_code = static_cast<int>(number_at(*ended, "/exitCode", -1));
}

ContainerState container_of(const Json& status, bool init) {
    ContainerState container;
    container.name = text_at(status, "/name");
    container.image = escape_line(text_at(status, "/image"));
    container.image_id = escape_line(text_at(status, "/imageID"));
    container.init = init;
    container.ready = bool_at(status, "/ready", false);
    container.running = find_at(status, "/state/running") != nullptr;
    container.restarts = number_at(status, "/restartCount", 0);
    container.waiting_reason = escape_line(text_at(status, "/state/waiting/reason"));
    container.waiting_message = message_text(text_at(status, "/state/waiting/message"));
    read_end(status, "/lastState/terminated", container);
    read_end(status, "/state/terminated", container);  // the newer of the two, where there is one
    return container;
}

void read_containers(const Json& pod, const char* where, bool init, PodState& state) {
    const Json* statuses = find_at(pod, where);
    if (statuses == nullptr || !statuses->is_array()) return;
    for (const Json& status : *statuses) state.containers.push_back(container_of(status, init));
}

// "0/2 nodes are available: 2 Insufficient memory. no new claims to deallocate, preemption: 0/2 nodes are available:
// ..."
std::string scheduler_words(const std::string& message) {
    std::string words = message.substr(0, message.find(" preemption:"));
    words = words.substr(0, words.find(" no new claims to deallocate"));
    while (!words.empty() && (words.back() == '.' || words.back() == ',' || words.back() == ' ')) words.pop_back();
    return words;
}

void read_conditions(const Json& pod, PodState& state) {
    const Json* conditions = find_at(pod, "/status/conditions");
    if (conditions == nullptr || !conditions->is_array()) return;
    for (const Json& condition : *conditions) {
        const std::string type = text_at(condition, "/type"), status = text_at(condition, "/status");
        if (type == "Ready") state.ready = status == "True";
        if (type == "PodScheduled" && status == "False") {
            state.unschedulable = scheduler_words(message_text(text_at(condition, "/message")));
            state.gated = text_at(condition, "/reason") == "SchedulingGated";
        }
    }
}

}  // namespace

PodState pod_state_of(const Json& pod) {
    PodState state;
    state.space = space_of(pod);
    state.name = name_of(pod);
    state.uid = uid_of(pod);
    state.phase = text_at(pod, "/status/phase");
    state.node = text_at(pod, "/spec/nodeName");
    state.scheduler = text_at(pod, "/spec/schedulerName");
    state.deleting = deleting(pod);
    state.reason = escape_line(text_at(pod, "/status/reason"));
    state.message = message_text(text_at(pod, "/status/message"));
    state.claims = claims_of_pod(pod);
    read_conditions(pod, state);
    read_containers(pod, "/status/initContainerStatuses", true, state);
    read_containers(pod, "/status/containerStatuses", false, state);
    state.controller = controller_of(pod);
    return state;
}

bool node_is_ready(const Json& node) {
    const Json* conditions = find_at(node, "/status/conditions");
    if (conditions == nullptr || !conditions->is_array()) return false;
    for (const Json& condition : *conditions) {
        if (text_at(condition, "/type") == "Ready") return text_at(condition, "/status") == "True";
    }
    return false;
}

}  // namespace holdfast::kube
