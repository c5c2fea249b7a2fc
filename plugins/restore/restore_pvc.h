// kubectl restore pvc/NEW --from …: a new claim from a snapshot, of this namespace or another.
#pragma once

#include "common/copies/claims.h"
#include "common/kube/objects/claim.h"
#include "common/plan/operation.h"
#include "plugins/restore/shared.h"

#include <optional>
#include <string>

namespace holdfast::restore {

struct PvcOptions {
    std::string name, space;       // of the new claim
    std::string from, from_space;  // from_space: namespace of the snapshot
    Selection selection;
    ClaimWishes wishes;
    std::string image;  // of the consumer pod; "" : the recorded one
};

// What is there already, besides the source.
struct PvcFacts {
    Source source;
    std::optional<kube::Claim> existing;  // under the new name
};

// The whole plan, in one round. kRefused, kLocked; see claims.h and source.h for the refusals.
Result<plan::Plan> plan_pvc(const PvcOptions& options, const PvcFacts& facts, const std::string& operation);

class RestorePvc : public plan::Operation {
  public:
    explicit RestorePvc(PvcOptions options) : options_(std::move(options)) {}
    std::string kind() const override { return "restore"; }
    std::string target() const override { return options_.name; }
    std::string space() const override { return options_.space; }
    kube::ObjectRef event_target() const override { return {kube::kClaims, options_.space, options_.name}; }
    Result<plan::Plan> plan(kube::ClusterReader& reader, const plan::Input& input) override;
    // Takes the consumer away, and a claim that the API server made without its data source: it holds nothing.
    Result<plan::Plan> recover(kube::ClusterReader& reader, const plan::Input& input, const Error& error) override;
    Result<plan::Report> report(kube::ClusterReader& reader, const plan::Input& input) override;

  private:
    PvcOptions options_;
    std::string what_;  // "set/before-migration (vs/…)": of the last plan, for the report
    std::string driver_, snapshot_;
};

}  // namespace holdfast::restore
