// kubectl clone delete: everything that a clone is made of, and nothing else.
#pragma once

#include "common/app/context.h"
#include "common/plan/operation.h"
#include "plugins/clone/known.h"
#include "plugins/clone/removal.h"

#include <string>
#include <vector>

namespace holdfast::clone {

struct DeleteOptions {
    std::vector<std::string> names;
    std::string space;
    std::string operation;  // of two clones of one name, the one that it made; "" : there is one
};
// kUsage: a name that no clone can have.
Result<DeleteOptions> delete_options(app::Context& context, const app::Arguments& arguments);

class Delete : public plan::Operation {
  public:
    explicit Delete(DeleteOptions options) : options_(std::move(options)) {}
    std::string kind() const override { return "delete"; }
    std::string target() const override { return options_.names.front(); }
    std::string space() const override { return options_.space; }
    // Of what is removed, the workload if there is one; before that is known, the claim of that name.
    kube::ObjectRef event_target() const override {
        return removed_.empty() ? kube::ObjectRef{kube::kClaims, options_.space, options_.names.front()}
                                : removed_.front();
    }
    Result<plan::Plan> plan(kube::ClusterReader& reader, const plan::Input& input) override;
    Result<std::optional<plan::Plan>> take_back(kube::ClusterReader& reader, const plan::Input& input) override;
    Result<plan::Report> report(kube::ClusterReader& reader, const plan::Input& input) override;

  private:
    Result<std::vector<KnownClone>> gather(kube::ClusterReader& reader, bool resuming, plan::Plan& plan) const;
    Result<std::optional<KnownClone>> find(kube::ClusterReader& reader, const std::string& name, bool resuming,
                                           plan::Plan& plan) const;

    DeleteOptions options_;
    std::vector<kube::ObjectRef> removed_;
    std::vector<std::string> removed_uids_;
};

}  // namespace holdfast::clone
