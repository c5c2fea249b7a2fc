#include "plugins/clone/needed.h"

#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/placement.h"
#include "common/kube/objects/pod_references.h"
#include "common/kube/objects/workload.h"
#include "common/plan/hold_down.h"

#include <algorithm>
#include <set>

namespace holdfast::clone {
namespace {

bool is_copied(const kube::Resource& resource) { return resource == kube::kConfigMaps || resource == kube::kSecrets; }

struct Named {
    std::set<std::string> config_maps, secrets;
};
Named named_by(const kube::Resource& resource, const Json& user) {
    if (resource == kube::kServiceAccounts) return {{}, kube::secrets_of_account(user)};
    if (resource == kube::kIngresses) return {{}, kube::secrets_of_ingress(user)};
    if (resource == kube::kJobs && kube::job_ended(user)) return {};
    const kube::PodReferences references = kube::references_of(kube::pod_spec_of_workload(user), true);
    return {references.config_maps, references.secrets};
}

// These name Secrets alone.
bool names_secrets_only(const kube::Resource& resource) {
    return resource == kube::kServiceAccounts || resource == kube::kIngresses;
}

class Needed {
  public:
    Needed(kube::ClusterReader& reader, Removal& removal, const std::string& space)
        : reader_(reader), removal_(removal), space_(space) {}

    // must: whoever may not list them may not do this at all.
    Status look(const kube::Resource& resource, bool must) {
        if (names_secrets_only(resource) && !any(kube::kSecrets)) return {};
        auto users = reader_.list(resource, space_);
        if (!users.ok() && users.error().kind == ErrorKind::kNotFound) return {};  // not served: there are none
        if (!users.ok() && (must || users.error().kind != ErrorKind::kForbidden)) return users.error();
        if (!users.ok()) {
            for (const Belonging& one : removal_.belongings) {
                if (concerns(resource, one)) removal_.unseen.emplace(one.ref.text(), resource.qualified());
            }
            return {};
        }
        for (const Json& user : users->items) take(resource, user);
        return {};
    }

  private:
    bool any(const kube::Resource& kind) const {
        return std::any_of(removal_.belongings.begin(), removal_.belongings.end(),
                           [&](const Belonging& one) { return one.ref.space == space_ && one.ref.resource == kind; });
    }
    bool concerns(const kube::Resource& resource, const Belonging& one) const {
        return one.ref.space == space_ && is_copied(one.ref.resource) &&
               (one.ref.resource == kube::kSecrets || !names_secrets_only(resource));
    }

    void take(const kube::Resource& resource, const Json& user) {
        const kube::ObjectRef self{resource, space_, kube::name_of(user)};
        if (resource == kube::kPods ? goes_along(removal_.belongings, user) : is_among(removal_.belongings, self))
            return;
        const Named named = named_by(resource, user);
        for (const Belonging& one : removal_.belongings) {
            if (!concerns(resource, one)) continue;
            const auto& names = one.ref.resource == kube::kSecrets ? named.secrets : named.config_maps;
            if (names.contains(one.ref.name)) removal_.needed.emplace(one.ref.text(), self.text());
        }
    }

    kube::ClusterReader& reader_;
    Removal& removal_;
    const std::string& space_;
};

}  // namespace

bool is_among(const std::vector<Belonging>& belongings, const kube::ObjectRef& ref) {
    return std::any_of(belongings.begin(), belongings.end(), [&](const Belonging& one) { return one.ref == ref; });
}

bool goes_along(const std::vector<Belonging>& belongings, const Json& pod) {
    if (is_among(belongings, {kube::kPods, kube::space_of(pod), kube::name_of(pod)})) return true;
    for (const Belonging& one : belongings) {
        const bool workload = one.ref.resource == kube::kStatefulSets || one.ref.resource == kube::kDeployments;
        if (workload && plan::is_pod_of(plan::held_workload(one.ref, one.object), pod)) return true;
    }
    return false;
}

Status gather_needed(kube::ClusterReader& reader, Removal& removal) {
    std::set<std::string> spaces;
    for (const Belonging& one : removal.belongings) {
        if (is_copied(one.ref.resource)) spaces.insert(one.ref.space);
    }
    for (const std::string& space : spaces) {
        Needed needed(reader, removal, space);
        for (const kube::Resource* resource : {&kube::kPods, &kube::kStatefulSets, &kube::kDeployments})
            TRY(needed.look(*resource, true));
        for (const kube::Resource* resource :
             {&kube::kDaemonSets, &kube::kJobs, &kube::kCronJobs, &kube::kServiceAccounts, &kube::kIngresses})
            TRY(needed.look(*resource, false));
    }
    return {};
}

}  // namespace holdfast::clone
