// A pod as the diagnosis needs it: where it is, what it waits for, how its containers ended. Pure.
#pragma once

#include "common/core/json.h"
#include "common/kube/objects/claim_state.h"

#include <string>
#include <vector>

namespace holdfast::kube {

struct ContainerState {
    std::string name, image;
    std::string image_id;  // as the node reports it: "registry/x@sha256:…" or a bare "sha256:…"; "" until known
    bool init = false;
    bool ready = false, running = false;
    long long restarts = 0;
    std::string waiting_reason, waiting_message;  // "CrashLoopBackOff", ...; message escaped
    // How it ended last; exit_code -1 if it never did.
    std::string ended_reason, ended_message, ended_at;
    int exit_code = -1;
};

struct PodState {
    std::string space, name, uid, phase, node, scheduler;
    bool deleting = false, ready = false;
    bool gated = false;                      // scheduling gates hold it
    std::string reason, message;             // of the status: "Evicted", ...
    std::string unschedulable;               // the scheduler's words without those on preemption, which never
                                             // concern storage; "" if it is scheduled or was never looked at
    std::vector<std::string> claims;         // that it mounts
    std::vector<ContainerState> containers;  // init containers first
    Owner controller;

    bool finished() const { return phase == "Succeeded" || phase == "Failed"; }
};
PodState pod_state_of(const Json& pod);

// A node whose kubelet answers: its condition Ready is True.
bool node_is_ready(const Json& node);

}  // namespace holdfast::kube
