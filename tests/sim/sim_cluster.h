// The simulator as a client sees it: the interface of the HTTP client.
#pragma once

#include "common/kube/cluster.h"
#include "tests/sim/api.h"
#include "tests/sim/gate.h"

#include <functional>

namespace holdfast::sim {

class SimCluster : public kube::Cluster {
  public:
    // there: it is the second cluster of a world with two.
    SimCluster(Sim& sim, Gate& gate, bool there = false) : sim_(sim), gate_(gate), there_(there) {}

    Result<Json> get(const kube::ObjectRef& ref) override;
    std::vector<Result<Json>> get_all(const std::vector<kube::ObjectRef>& refs) override;
    Result<std::string> for_each(const kube::Resource& resource, const std::string& space,
                                 const kube::ListOptions& options, const std::function<bool(Json&&)>& each,
                                 const std::function<void()>& restart) override;
    Result<std::unique_ptr<kube::Watch>> watch(const kube::Resource& resource, const std::string& space,
                                               const kube::ListOptions& options,
                                               const std::string& resource_version) override;
    Result<kube::Discovery> discover() override;
    Result<std::string> server_version() override { return std::string("v1.36.0-simulated"); }
    Result<std::vector<bool>> allowed(const std::vector<kube::AccessCheck>& checks) override;
    Result<Json> create(const Json& manifest, kube::DryRun dry_run) override;
    std::vector<Result<Json>> create_all(const std::vector<Json>& manifests, kube::DryRun dry_run,
                                         const std::function<void(std::size_t)>& on_done) override;
    Result<Json> patch(const kube::ObjectRef& ref, kube::PatchType type, const Json& body,
                       const kube::Preconditions& preconditions, kube::DryRun dry_run,
                       const std::string& subresource) override;
    std::vector<Result<Json>> patch_all(const std::vector<kube::PatchCall>& calls, kube::DryRun dry_run) override;
    Result<Json> replace(const kube::ObjectRef& ref, const Json& object, kube::DryRun dry_run) override;
    Status remove(const kube::ObjectRef& ref, const kube::Preconditions& preconditions, kube::Propagation propagation,
                  kube::DryRun dry_run) override;
    Status evict(const kube::ObjectRef& pod, const kube::Preconditions& preconditions, kube::DryRun dry_run) override;

    // Of this client alone; asked besides Sim::may.
    std::function<bool(const kube::AccessCheck&)> may;

  private:
    Result<Json> request(const Call& of, const std::function<Result<Json>()>& act);
    bool permits(const kube::AccessCheck& check) const;
    Result<Json> create_in(int batch, const Json& manifest, kube::DryRun dry_run);
    Result<Json> patch_in(int batch, const kube::PatchCall& one, kube::DryRun dry_run);
    std::vector<std::size_t> sent_at_once(std::size_t count);

    Sim& sim_;
    Gate& gate_;
    const bool there_;
    std::optional<kube::Discovery> discovery_;
    int batches_ = 0;  // of creates and patches that were sent at once
};

}  // namespace holdfast::sim
