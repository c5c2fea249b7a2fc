#include "common/diagnose/pod_facts.h"

#include "common/kube/objects/workload.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace holdfast::diagnose {
namespace {

bool mounts(const kube::PodState& pod, const std::string& claim) {
    return std::find(pod.claims.begin(), pod.claims.end(), claim) != pod.claims.end();
}

std::vector<kube::Event> pod_refusals(Gatherer& gatherer, const std::string& space, const std::string& name) {
    std::vector<kube::Event> about;
    for (kube::Event& event : gatherer.warnings(space, "FailedCreate")) {
        const bool names_it = event.message.find("\"" + name + "\"") != std::string::npos ||
                              event.message.find("Pod " + name + " ") != std::string::npos;
        if (names_it) about.push_back(std::move(event));
    }
    return about;
}

void gather_attachments(Gatherer& gatherer, PodFacts& facts) {
    for (const Json& item : gatherer.list(kube::kVolumeAttachments, "").value) {
        kube::Attachment one = kube::attachment_of(item);
        const bool ours = std::any_of(facts.claims.begin(), facts.claims.end(), [&](const ClaimFacts& claim) {
            return claim.claim.there() && claim.claim->volume == one.volume;
        });
        if (ours) facts.attachments.push_back(std::move(one));
    }
}

void gather_rivals(Gatherer& gatherer, PodFacts& facts) {
    for (const Json& item : gatherer.list(kube::kPods, facts.space).value) {
        kube::PodState other = kube::pod_state_of(item);
        if (other.name == facts.name || other.finished()) continue;
        const auto& claims = facts.pod->claims;
        if (std::any_of(claims.begin(), claims.end(), [&](const auto& claim) { return mounts(other, claim); })) {
            facts.rivals.push_back(std::move(other));
        }
    }
}

Sight node_ready(Gatherer& gatherer, const std::string& name) {
    const auto node = gatherer.look(kube::kNodes, "", name);
    if (!node.there()) return node.sight;
    return kube::node_is_ready(node.value) ? Sight::kThere : Sight::kAbsent;
}

}  // namespace

PodFacts gather_pod(Gatherer& gatherer, const std::string& space, const std::string& name) {
    PodFacts facts;
    facts.space = space;
    facts.name = name;
    facts.pod = seen_as(gatherer.look(kube::kPods, space, name), kube::pod_state_of);
    if (facts.pod.absent()) facts.refusals = pod_refusals(gatherer, space, name);
    if (!facts.pod.there() || facts.pod->phase == "Succeeded") return facts;
    if (facts.pod->ready && !facts.pod->deleting) return facts;
    facts.events = gatherer.events(kube::kPods, space, name, facts.pod->uid);
    for (const std::string& claim : facts.pod->claims) facts.claims.push_back(gather_claim(gatherer, space, claim));
    if (facts.pod->node.empty()) return facts;
    if (!facts.claims.empty()) {
        gather_attachments(gatherer, facts);
        gather_rivals(gatherer, facts);
    }
    facts.node_ready = node_ready(gatherer, facts.pod->node);
    return facts;
}

}  // namespace holdfast::diagnose
