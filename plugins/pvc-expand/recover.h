// kubectl pvc-expand recover: claims that asked for more than the storage can give ask for less (KEP-1790), and a
// status that keeps the resizer from acting is closed.
#pragma once

#include "common/plan/operation.h"
#include "plugins/pvc-expand/facts.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::expand {

struct Recovery {
    std::string claim, uid;
    std::string from, to;  // storage request; to "" : only its status is closed
};

struct RecoveryChoice {
    std::vector<Recovery> claims;
    std::vector<std::string> notes;  // of claims for which nothing is left to be done: why
};
// Which of the meant claims are to be recovered, and to what: just above what each has, or options.size. One that the
// storage has given what it asks for, a recovery of a moment ago, needs none. kRefused: a claim is still being tried
// (asking for less has no effect before a final error), or the size is not between what the claim has and what it asks
// for. Pure.
Result<RecoveryChoice> choose_recovery(const ExpandOptions& options, const ExpandFacts& facts);

class Recover : public plan::Operation {
  public:
    explicit Recover(ExpandOptions options) : options_(std::move(options)) {}

    std::string kind() const override { return "recover"; }
    std::string target() const override;
    std::string space() const override { return options_.space; }
    kube::ObjectRef event_target() const override { return options_.target.value_or(kube::ObjectRef{}); }
    Result<std::vector<kube::ObjectRef>> lock_targets(kube::ClusterReader& reader) override;
    Result<plan::Plan> plan(kube::ClusterReader& reader, const plan::Input& input) override;
    Result<std::optional<plan::Plan>> take_back(kube::ClusterReader& reader, const plan::Input& input) override;
    Result<plan::Report> report(kube::ClusterReader& reader, const plan::Input& input) override;

  private:
    ExpandOptions options_;
    std::vector<Recovery> claims_;
    std::vector<std::string> notes_;
};

}  // namespace holdfast::expand
