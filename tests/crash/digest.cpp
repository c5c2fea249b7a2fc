#include "tests/crash/digest.h"

#include "common/kube/objects/claim.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/stateful_swap.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "tests/crash/command.h"
#include "tests/crash/state.h"

#include <algorithm>

namespace holdfast::crash {
namespace {

using Digest = std::map<std::string, std::string>;

bool throwaway(const Json& object) {
    const std::string role = kube::label_of(object, labels::kRole);
    return role == "drill" || role == "open" || role == "consumer" || role == "prove";
}

void add_claims(const sim::Sim& sim, const std::set<std::string>& disks, Digest& digest) {
    for (const sim::ObjectPtr& object : sim.store.list(kube::kClaims, kSpace)) {
        const kube::Claim& claim = object.claim();
        if (throwaway(*object)) continue;
        std::string data = "nothing";
        const sim::ObjectPtr volume = sim.store.find(kube::kVolumes, "", claim.volume);
        if (volume) {
            const std::string handle = kube::text_at(*volume, "/spec/csi/volumeHandle");
            const auto disk = sim.backend().disks.find(handle);
            if (disk != sim.backend().disks.end())
                data = disk->second.token.text() + (disks.contains(handle) ? "" : ", a copy");
            digest["policy of " + claim.name] = volume.volume().reclaim_policy;
        }
        digest["claim " + claim.name] = data;
        digest["size of " + claim.name] = (claim.requested ? claim.requested->text() : "?") + ", has " +
                                          (claim.capacity ? claim.capacity->text() : "?");
    }
}

void add_workloads(const sim::Sim& sim, Digest& digest) {
    for (const kube::Resource* resource : {&kube::kStatefulSets, &kube::kDeployments}) {
        for (const sim::ObjectPtr& object : sim.store.list(*resource, kSpace)) {
            const std::string name = kube::name_of(*object);
            digest["replicas of " + name] = std::to_string(kube::replicas_of(*object));
            digest["ready of " + name] = std::to_string(kube::number_at(*object, "/status/readyReplicas", 0));
            const Json* retention = kube::find_at(*object, "/spec/persistentVolumeClaimRetentionPolicy");
            if (retention != nullptr) digest["retention of " + name] = retention->dump();
            for (const auto& [part, size] : kube::template_sizes_of(*object))
                digest["template " + part + " of " + name] = size;
        }
    }
}

void add_left(const sim::Sim& sim, Digest& digest) {
    const auto open = open_operations(sim);
    for (const std::string& operation : open) digest["open " + operation] = "yes";
    for (const kube::Resource* resource : {&kube::kPods, &kube::kClaims, &kube::kLeases, &kube::kNetworkPolicies}) {
        for (const sim::ObjectPtr& object : sim.store.list(*resource, kSpace)) {
            const std::string operation = kube::label_of(*object, labels::kOperation);
            const bool ours = *resource == kube::kLeases ? !operation.empty() : throwaway(*object);
            if (!ours || std::find(open.begin(), open.end(), operation) != open.end()) continue;
            digest["left " + kube::ObjectRef{*resource, kSpace, kube::name_of(*object)}.text()] = operation;
        }
    }
}

bool is_ready(const Json& pod) {
    const Json* conditions = kube::find_at(pod, "/status/conditions");
    return conditions != nullptr && std::any_of(conditions->begin(), conditions->end(), [](const Json& one) {
               return kube::text_at(one, "/type") == "Ready" && kube::text_at(one, "/status") == "True";
           });
}

// A StatefulSet's pods by themselves: one that is made anew under them counts them a little later.
void add_unready(const sim::Sim& sim, std::set<std::string>& lines) {
    std::map<std::string, int> ready;  // by the controller's uid
    for (const sim::ObjectPtr& pod : sim.store.list(kube::kPods, "")) {
        if (throwaway(*pod)) lines.insert("a throwaway pod is there");
        if (is_ready(*pod)) ++ready[kube::text_at(*pod, "/metadata/ownerReferences/0/uid")];
    }
    for (const sim::ObjectPtr& set : sim.store.list(kube::kStatefulSets, "")) {
        if (ready[set.uid()] < kube::replicas_of(*set)) lines.insert(kube::name_of(*set) + " is not ready");
    }
    for (const sim::ObjectPtr& one : sim.store.list(kube::kDeployments, "")) {
        if (kube::number_at(*one, "/status/readyReplicas", 0) < kube::replicas_of(*one))
            lines.insert(kube::name_of(*one) + " is not ready");
    }
}

// A StatefulSet that was made anew under its pods takes up its revisions, too; by what it has none its pods would be
// taken for ones of another template.
void add_orphans(const sim::Sim& sim, std::set<std::string>& lines) {
    std::set<std::string> sets;  // uids
    for (const sim::ObjectPtr& set : sim.store.list(kube::kStatefulSets, "")) sets.insert(set.uid());
    for (const sim::ObjectPtr& revision : sim.store.list(kube::kControllerRevisions, "")) {
        if (!sets.contains(kube::text_at(*revision, "/metadata/ownerReferences/0/uid")))
            lines.insert("a ControllerRevision is nobody's");
    }
}

}  // namespace

std::set<std::string> not_up_in(const sim::Sim& sim) {
    std::set<std::string> lines;
    std::map<std::string, int> up;  // by the controller's uid
    for (const sim::ObjectPtr& pod : sim.store.list(kube::kPods, kSpace)) {
        if (pod.deleting()) lines.insert("pod/" + kube::name_of(*pod) + " is still stopping");
        if (is_ready(*pod) && !pod.deleting()) ++up[kube::text_at(*pod, "/metadata/ownerReferences/0/uid")];
    }
    for (const sim::ObjectPtr& set : sim.store.list(kube::kStatefulSets, kSpace)) {
        if (up[set.uid()] < kube::replicas_of(*set)) lines.insert(kube::name_of(*set) + " is not up");
    }
    for (const sim::ObjectPtr& one : sim.store.list(kube::kDeployments, kSpace)) {
        if (kube::number_at(*one, "/status/readyReplicas", 0) < kube::replicas_of(*one))
            lines.insert(kube::name_of(*one) + " is not up");
    }
    return lines;
}

std::set<std::string> unfinished_in(const sim::Sim& sim) {
    std::set<std::string> lines;
    add_unready(sim, lines);
    add_orphans(sim, lines);
    for (const sim::ObjectPtr& claim : sim.store.list(kube::kClaims, "")) {
        if (throwaway(*claim))
            lines.insert("a throwaway claim is there");
        else if (kube::phase_of(*claim) != "Bound")
            lines.insert("pvc/" + kube::name_of(*claim) + " is not bound");
    }
    for (const sim::ObjectPtr& volume : sim.store.list(kube::kVolumes, "")) {
        const bool reclaimed = volume.volume().phase == "Released" && volume.volume().reclaim_policy == "Delete";
        if (reclaimed || volume.deleting()) lines.insert(kVolumeGoes);
    }
    return lines;
}

Digest digest_of(const sim::Sim& sim, const std::set<std::string>& disks) {
    Digest digest;
    add_claims(sim, disks, digest);
    add_workloads(sim, digest);
    add_left(sim, digest);
    if (sim.other() == nullptr) return digest;
    Digest there;
    add_claims(*sim.other(), disks, there);
    add_workloads(*sim.other(), there);
    add_left(*sim.other(), there);
    for (auto& [key, value] : there) digest[key + " (other cluster)"] = std::move(value);
    return digest;
}

std::vector<std::string> digest_differences(const Digest& expected, const Digest& got,
                                            const std::set<std::string>& except) {
    const auto skipped = [&](const std::string& key) {
        return std::any_of(except.begin(), except.end(), [&](const std::string& one) { return key.starts_with(one); });
    };
    std::vector<std::string> lines;
    for (const auto& [key, value] : expected) {
        const auto found = got.find(key);
        if (skipped(key) || (found != got.end() && found->second == value)) continue;
        lines.push_back(key + ": expected " + value + ", got " + (found == got.end() ? "nothing" : found->second));
    }
    for (const auto& [key, value] : got) {
        if (!skipped(key) && !expected.contains(key)) lines.push_back(key + ": " + value);
    }
    return lines;
}

}  // namespace holdfast::crash
