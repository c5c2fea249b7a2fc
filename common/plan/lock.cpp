#include "common/plan/lock.h"

#include "common/core/hash.h"
#include "common/core/text.h"
#include "common/kube/objects/claim_state.h"
#include "common/kube/objects/pod_state.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"

#include <algorithm>
#include <map>

namespace holdfast::plan {
namespace {

// "data-postgres-12" is a claim of template "data" of postgres, whatever the number of replicas now.
bool is_template_claim(const kube::WorkloadState& workload, const std::string& claim) {
    return std::any_of(workload.templates.begin(), workload.templates.end(), [&](const kube::ClaimTemplate& one) {
        const std::string prefix = one.name + "-" + workload.name + "-";
        if (!starts_with(claim, prefix)) return false;
        const std::string ordinal = claim.substr(prefix.size());
        return !ordinal.empty() &&
               std::all_of(ordinal.begin(), ordinal.end(), [](char c) { return c >= '0' && c <= '9'; });
    });
}

class Resolver {
  public:
    explicit Resolver(kube::ClusterReader& reader) : reader_(reader) {}

    Status add(const kube::ObjectRef& target) {
        if (target.resource == kube::kClaims) return add_claim(target);
        if (target.resource == kube::kPods) {
            TRY_ASSIGN(const std::optional<Json> pod, reader_.find(target));
            return add_pod(pod ? kube::pod_state_of(*pod) : kube::PodState{}, target);
        }
        found_.push_back(target);
        return {};
    }

    std::vector<kube::ObjectRef> take() { return std::move(found_); }

  private:
    Status add_claim(const kube::ObjectRef& claim) {
        const std::size_t before = found_.size();
        for (const kube::Resource* resource : {&kube::kStatefulSets, &kube::kDeployments}) {
            TRY_ASSIGN(const kube::List* list, all(*resource, claim.space));
            for (const Json& item : list->items) {
                const kube::WorkloadState workload = kube::workload_state_of(item);
                const auto& named = workload.pod_claims;
                if (is_template_claim(workload, claim.name) ||
                    std::find(named.begin(), named.end(), claim.name) != named.end())
                    found_.push_back({*resource, claim.space, workload.name});
            }
        }
        TRY_ASSIGN(const kube::List* pods, all(kube::kPods, claim.space));
        for (const Json& pod : pods->items) {
            const kube::PodState state = kube::pod_state_of(pod);
            const bool mounts = std::find(state.claims.begin(), state.claims.end(), claim.name) != state.claims.end();
            if (mounts) TRY(add_owner(state.controller, claim));
        }
        if (found_.size() == before) found_.push_back(claim);
        return {};
    }

    // A pod that nobody controls comes and goes: its claims are what lasts.
    Status add_pod(const kube::PodState& pod, const kube::ObjectRef& ref) {
        if (!pod.controller.empty() || pod.claims.empty()) return add_owner(pod.controller, ref);
        for (const std::string& claim : pod.claims) TRY(add_claim({kube::kClaims, ref.space, claim}));
        return {};
    }

    Status add_owner(const kube::Owner& owner, const kube::ObjectRef& self) {
        const kube::Resource* resource = owner.empty() ? nullptr : kube::find_kind(owner.group, owner.kind);
        if (resource == nullptr) {
            found_.push_back(self);
            return {};
        }
        const kube::ObjectRef ref{*resource, self.space, owner.name};
        if (*resource != kube::kReplicaSets) {
            found_.push_back(ref);
            return {};
        }
        TRY_ASSIGN(const std::optional<Json> set, reader_.find(ref));
        return add_owner(set ? kube::controller_of(*set) : kube::Owner{}, ref);
    }

    // Each list once, however many claims there are.
    Result<const kube::List*> all(const kube::Resource& resource, const std::string& space) {
        const std::string key = space + "/" + resource.plural;
        const auto known = lists_.find(key);
        if (known != lists_.end()) return &known->second;
        TRY_ASSIGN(kube::List list, reader_.list(resource, space));
        return &lists_.emplace(key, std::move(list)).first->second;
    }

    kube::ClusterReader& reader_;
    std::map<std::string, kube::List> lists_;
    std::vector<kube::ObjectRef> found_;
};

}  // namespace

kube::ObjectRef lock_lease(const kube::ObjectRef& workload) {
    const std::string what = workload.space + "/" + workload.resource.qualified() + "/" + workload.name;
    return {kube::kLeases, workload.space, "holdfast-lock-" + short_hash(what)};
}

Result<std::vector<Lock>> resolve_locks(kube::ClusterReader& reader, const std::vector<kube::ObjectRef>& targets) {
    Resolver resolver(reader);
    for (const kube::ObjectRef& target : targets) TRY(resolver.add(target));
    // One order for everybody: two processes that want the same two locks cannot each hold one.
    std::map<std::pair<std::string, std::string>, kube::ObjectRef> sorted;
    for (kube::ObjectRef& one : resolver.take()) {
        const kube::ObjectRef lease = lock_lease(one);
        sorted.try_emplace({lease.space, lease.name}, std::move(one));
    }
    std::vector<Lock> locks;
    for (const auto& [lease, workload] : sorted) {
        TRY_ASSIGN(const std::optional<Json> live, reader.find(workload));
        locks.push_back({workload, live ? kube::uid_of(*live) : ""});
    }
    return locks;
}

}  // namespace holdfast::plan
