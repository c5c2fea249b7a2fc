// Facts about one pod that should run: its claims and their volumes, where they are attached, what the scheduler and
// the kubelet say.
#pragma once

#include "common/diagnose/claim_facts.h"

#include <string>
#include <vector>

namespace holdfast::diagnose {

struct PodFacts {
    std::string space, name;
    Seen<kube::PodState> pod;
    std::vector<kube::Event> events;            // newest first
    std::vector<kube::Event> refusals;          // FailedCreate of whoever should have made it; only if it is absent
    std::vector<ClaimFacts> claims;             // that it mounts
    std::vector<kube::Attachment> attachments;  // of their volumes
    std::vector<kube::PodState> rivals;         // other pods that mount one of its claims
    Sight node_ready = Sight::kUnknown;         // kAbsent: its node does not answer, or is gone
};

PodFacts gather_pod(Gatherer& gatherer, const std::string& space, const std::string& name);
// Why it does not run or is not ready; nothing if all is well.
Findings judge_pod(const PodFacts& facts);
// Whether an event or a state of a container has these words.
inline bool says(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// The parts of it, one file each. REQUIRES: the pod is there.
Findings judge_scheduling(const PodFacts& facts);  // it has no node
Findings judge_mounting(const PodFacts& facts);    // it has a node, and its volumes do not get there
Findings judge_containers(const PodFacts& facts);  // image, configuration, crashes, readiness
std::string pod_object(const PodFacts& facts);     // "pod/db/postgres-0"

}  // namespace holdfast::diagnose
