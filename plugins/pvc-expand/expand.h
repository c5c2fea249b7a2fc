// kubectl pvc-expand: claims grow, and then the StatefulSet is made anew so that its template says so too.
#pragma once

#include "common/os/clock.h"
#include "common/plan/operation.h"
#include "plugins/pvc-expand/choose.h"
#include "plugins/pvc-expand/state.h"

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace holdfast::expand {

// What is used now, of the claims that pods mount: asked only for --until-usage.
using MeasureUsage = std::function<Result<Usage>(const ExpandFacts& facts)>;

class Expand : public plan::Operation {
  public:
    // clock outlives the operation. folder: where each StatefulSet's manifest is also kept, as a file, until the end;
    // "" : nowhere.
    Expand(ExpandOptions options, Clock& clock, std::string folder, MeasureUsage measure)
        : options_(std::move(options)), clock_(clock), folder_(std::move(folder)), measure_(std::move(measure)) {}

    std::string kind() const override { return "expand"; }
    std::string target() const override;
    std::string space() const override { return options_.space; }
    kube::ObjectRef event_target() const override { return options_.target.value_or(kube::ObjectRef{}); }
    bool replaces_workload() const override { return true; }
    std::vector<std::string> manner_flags() const override { return {"restart", "gitops-paused"}; }
    Result<std::vector<kube::ObjectRef>> lock_targets(kube::ClusterReader& reader) override;
    std::optional<std::string> only_less(const plan::Plan& shown, const plan::Plan& fresh) const override;
    Result<plan::Plan> plan(kube::ClusterReader& reader, const plan::Input& input) override;
    Result<plan::Plan> recover(kube::ClusterReader& reader, const plan::Input& input, const Error& error) override;
    bool past_return() const override { return past_return_; }
    Result<std::optional<plan::Plan>> take_back(kube::ClusterReader& reader, const plan::Input& input) override;
    Result<std::vector<plan::Journal>> rebuild(kube::ClusterReader& reader) override;
    Result<plan::Report> report(kube::ClusterReader& reader, const plan::Input& input) override;

  private:
    // What plan() and recover() see of an operation before its first journal, after which the record speaks.
    static bool recorded(const plan::Input& input);
    Result<plan::Plan> first_plan(kube::ClusterReader& reader, const plan::Input& input);
    Result<plan::Plan> otherwise(kube::ClusterReader& reader, const plan::Input& input);
    Result<plan::Plan> round(kube::ClusterReader& reader, const plan::Input& input);
    SystemTime certain_now(const ExpandState& state);
    Error unseen(Error error, const std::string& operation) const;
    void ask_for_told(plan::Plan& plan, const ExpandState& state) const;
    std::string gone_text(const std::string& operation) const;
    bool brings_back(const ExpandState& state, const std::string& operation) const;
    bool refuses_abort(kube::ClusterReader& reader, ExpandState& state, const std::string& operation) const;
    void keep_file(const std::string& operation, const plan::Plan& plan) const;
    void drop_file(const std::string& operation) const;

    ExpandOptions options_;
    Clock& clock_;
    std::string folder_;
    MeasureUsage measure_;
    std::optional<SystemTime> first_look_;  // by our clock
    std::optional<ExpandRecord> record_;
    std::map<std::string, Json> claims_;  // of the namespace, as first_plan() has last read them
    bool nothing_to_do_ = false;
    bool past_return_ = false;
};

}  // namespace holdfast::expand
