#include "plugins/clone/surroundings.h"

#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/placement.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/pod_security.h"

#include <algorithm>

namespace holdfast::clone {
namespace {

// Pods are made by the clone's workload and carry its name alone; all else says by which operation it was made, and
// another clone can have the same name.
bool is_own(const CloneOptions& options, const std::string& operation, const Json& object) {
    if (kube::label_of(object, labels::kClone) != options.name) return false;
    return kube::text_at(object, "/kind") == kube::kPods.kind ||
           kube::label_of(object, labels::kOperation) == operation;
}

bool names(const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
}

class Looking {
  public:
    Looking(kube::ClusterReader& here, kube::ClusterReader& there, const CloneOptions& options,
            const std::string& operation)
        : here_(here), there_(there), options_(options), operation_(operation) {}

    Result<Surroundings> run(const Json& workload) {
        TRY(read_neighbours());
        TRY(read_levels());
        const Json pod_spec = kube::pod_spec_of_workload(workload);
        // Beside its source they are seen there; in another cluster they reach nobody.
        if (options_.elsewhere() && !options_.other)
            found_.far = kube::far_terms_of(pod_spec, options_.source_ref().text(), options_.to_space);
        const kube::PodReferences needed = kube::references_of(pod_spec);
        TRY(read_copies(kube::kConfigMaps, options_.copy_config_maps, found_.config_maps));
        TRY(read_copies(kube::kSecrets, options_.copy_secrets, found_.secrets));
        if (options_.elsewhere()) TRY(look_for_missing(needed));
        return std::move(found_);
    }

  private:
    Status read_neighbours() {
        for (const kube::Resource* resource :
             {&kube::kServices, &kube::kNetworkPolicies, &kube::kPodDisruptionBudgets, &kube::kStatefulSets,
              &kube::kDeployments, &kube::kPods, &kube::kHorizontalPodAutoscalers}) {
            TRY_ASSIGN(kube::List list, there_.list(*resource, options_.to_space));
            for (Json& item : list.items) found_.there.push_back(std::move(item));
        }
        TRY_ASSIGN(kube::List services, here_.list(kube::kServices, options_.space));
        found_.services = std::move(services.items);
        auto policies = here_.list(kube::kNetworkPolicies, options_.space);
        if (!policies.ok() && policies.error().kind != ErrorKind::kForbidden) return policies.error();
        if (policies.ok()) found_.policies = std::move(policies->items);
        return {};
    }

    Status read_levels() {
        TRY_ASSIGN(const Json there, there_.get({kube::kNamespaces, "", options_.to_space}));
        found_.level = kube::label_of(there, kEnforcedLevel);
        TRY_ASSIGN(const Json here, here_.get({kube::kNamespaces, "", options_.space}));
        found_.source_level = kube::label_of(here, kEnforcedLevel);
        return {};
    }

    // Named by flag: only so a Secret is read (safety R30). One that the namespace has already is left as it is.
    Status read_copies(const kube::Resource& resource, const std::vector<std::string>& wanted,
                       std::map<std::string, Json>& copies) {
        for (const std::string& name : wanted) {
            TRY_ASSIGN(const std::optional<Json> there, there_.find({resource, options_.to_space, name}));
            if (there && !is_own(options_, operation_, *there)) {
                found_.kept.insert(resource.short_name + "/" + name);
                continue;
            }
            TRY_ASSIGN(std::optional<Json> from, here_.find({resource, options_.space, name}));
            if (!from)
                return refused(
                    resource.short_name + "/" + options_.space + "/" + name + " is to be copied and does not exist",
                    "");
            if (kube::text_at(*from, "/type") == "kubernetes.io/service-account-token")
                return refused(resource.short_name + "/" + options_.space + "/" + name +
                                   " is the token of a service account, which only the API server makes, and a key to "
                                   "that namespace",
                               "make one there: kubectl create token, or a Secret of that type");
            copies[name] = std::move(*from);
        }
        return {};
    }

    Status look_for_missing(const kube::PodReferences& needed) {
        for (const std::string& name : needed.config_maps) {
            if (names(options_.copy_config_maps, name)) continue;
            TRY_ASSIGN(const auto there, there_.find({kube::kConfigMaps, options_.to_space, name}));
            if (!there) found_.missing.config_maps.insert(name);
        }
        for (const std::string& name : needed.secrets) {
            if (!names(options_.copy_secrets, name)) found_.missing.secrets.insert(name);
        }
        if (needed.service_account.empty()) return {};
        TRY_ASSIGN(const auto account,
                   there_.find({kube::kServiceAccounts, options_.to_space, needed.service_account}));
        if (!account) found_.missing.service_account = needed.service_account;
        return {};
    }

    kube::ClusterReader &here_, &there_;
    const CloneOptions& options_;
    const std::string& operation_;
    Surroundings found_;
};

}  // namespace

std::vector<kube::NamedSelector> Surroundings::selectors(const CloneOptions& options,
                                                         const std::string& operation) const {
    std::vector<kube::NamedSelector> all = far;
    for (const Json& object : there) {
        if (is_own(options, operation, object)) continue;
        for (kube::NamedSelector& one : kube::selectors_of(object)) all.push_back(std::move(one));
    }
    return all;
}

Result<Surroundings> gather_surroundings(kube::ClusterReader& here, kube::ClusterReader& there,
                                         const CloneOptions& options, const Json& workload,
                                         const std::string& operation) {
    return Looking(here, there, options, operation).run(workload);
}

}  // namespace holdfast::clone
