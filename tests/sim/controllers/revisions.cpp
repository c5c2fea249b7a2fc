#include "tests/sim/controllers/revisions.h"

#include "common/kube/objects/workload.h"
#include "tests/sim/controllers/workloads.h"

#include <algorithm>

namespace holdfast::sim {
namespace {

constexpr char kHash[] = "controller.kubernetes.io/hash";

// HashControllerRevision: history/controller_history.go:134, without the count of collisions.
std::string hash_of(const Json& set) {
    std::uint64_t hash = 1469598103934665603ULL;  // FNV-1a
    for (const char c : set["spec"]["template"].dump())
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return std::to_string(hash % 10000000000ULL);
}

bool is_nobodys(const Json& revision) { return kube::find_at(revision, "/metadata/ownerReferences/0") == nullptr; }

long long number_of(const Json& revision) { return kube::number_at(revision, "/revision", 0); }

// Its own and nobody's, the latest last.
// ListControllerRevisions: history/controller_history.go:249; SortControllerRevisions: 149.
std::vector<ObjectPtr> revisions_of(const Sim& sim, const Json& set) {
    std::vector<ObjectPtr> own;
    for (const ObjectPtr& one : sim.store.list(kube::kControllerRevisions, kube::space_of(set))) {
        const bool its = kube::text_at(*one, "/metadata/ownerReferences/0/uid") == kube::uid_of(set);
        if ((its || is_nobodys(*one)) && selects(set, *one)) own.push_back(one);
    }
    std::stable_sort(own.begin(), own.end(),
                     [](const ObjectPtr& a, const ObjectPtr& b) { return number_of(*a) < number_of(*b); });
    return own;
}

// NewControllerRevision: history/controller_history.go:108; newRevision: stateful_set_utils.go:572; getPatch: 547.
Json revision_of(Sim& sim, const Json& set, const std::string& hash, long long number) {
    Json made = {{"apiVersion", "apps/v1"}, {"kind", "ControllerRevision"}, {"revision", number}};
    made["metadata"] = {{"name", kube::name_of(set) + "-" + hash},
                        {"namespace", kube::space_of(set)},
                        {"uid", sim.new_uid()},
                        {"creationTimestamp", format_time(sim.now())},
                        {"labels", set["spec"]["template"]["metadata"]["labels"]},
                        {"ownerReferences", owner_of(set)}};
    made["metadata"]["labels"][kHash] = hash;
    if (const Json* annotations = kube::find_at(set, "/metadata/annotations"))
        made["metadata"]["annotations"] = *annotations;
    made["data"]["spec"]["template"] = set["spec"]["template"];
    made["data"]["spec"]["template"]["$patch"] = "replace";
    return made;
}

}  // namespace

bool selects(const Json& set, const Json& object) {
    const Json* labels = kube::find_at(set, "/spec/selector/matchLabels");
    if (labels == nullptr) return false;
    for (const auto& [key, value] : labels->items()) {
        if (kube::label_of(object, key) != value.get<std::string>()) return false;
    }
    return true;
}

// adoptOrphanRevisions: statefulset/stateful_set.go:418; AdoptControllerRevision: history/controller_history.go:360.
bool adopt_revisions(Sim& sim, const Json& set) {
    for (const ObjectPtr& one : revisions_of(sim, set)) {
        if (!is_nobodys(*one)) continue;
        if (kube::deleting(set)) return false;
        sim.edit(one.ref(), [&](Json& revision) { revision["metadata"]["ownerReferences"] = owner_of(set); });
    }
    return true;
}

// One that the set had earlier becomes the latest again.
// getStatefulSetRevisions: statefulset/stateful_set_control.go:266; UpdateControllerRevision:
// history/controller_history.go:323; CreateControllerRevision: 293.
std::string keep_revision(Sim& sim, const Json& set) {
    const std::vector<ObjectPtr> all = revisions_of(sim, set);
    const std::string hash = hash_of(set);
    const auto same = std::find_if(all.rbegin(), all.rend(),
                                   [&](const ObjectPtr& one) { return kube::label_of(*one, kHash) == hash; });
    const long long next = all.empty() ? 1 : number_of(*all.back()) + 1;
    if (same == all.rend()) {
        const Json made = revision_of(sim, set, hash, next);
        sim.put(made);
        return kube::name_of(made);
    }
    if (same != all.rbegin()) sim.edit(same->ref(), [&](Json& one) { one["revision"] = next; });
    return kube::name_of(**same);
}

}  // namespace holdfast::sim
