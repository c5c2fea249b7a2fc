// kubectl restore drill and open: throwaway databases on claims restored from a set, taken down again.
#pragma once

#include "common/kube/sets.h"
#include "common/os/clock.h"
#include "common/os/console.h"
#include "common/plan/operation.h"
#include "plugins/restore/drill_plan.h"
#include "plugins/restore/verdict.h"

#include <optional>
#include <string>

namespace holdfast::restore {

// The claims, pods, volumes and policy that carry this operation's label. Reading policies is tried only where allowed.
Result<Throwaways> gather_throwaways(kube::ClusterReader& reader, const std::string& space,
                                     const std::string& operation, bool policies);

class Drill : public plan::Operation {
  public:
    // Both outlive the operation. The console gets open's URI line; the clock stamps the mark.
    Drill(DrillOptions options, Console& console, Clock& clock)
        : options_(std::move(options)), console_(console), clock_(clock) {}

    std::string kind() const override { return options_.role(); }
    std::string target() const override { return options_.name; }
    std::string space() const override { return options_.space; }
    kube::ObjectRef event_target() const override { return kube::object_named(options_.space, options_.name); }
    Result<plan::Plan> plan(kube::ClusterReader& reader, const plan::Input& input) override;
    Result<plan::Plan> recover(kube::ClusterReader& reader, const plan::Input& input, const Error& error) override;
    Status attend(const plan::Input& input, plan::Attendant& attendant) override;
    Result<plan::Report> report(kube::ClusterReader& reader, const plan::Input& input) override;
    std::optional<plan::Report> failed_report() const override { return failed_report_; }

  private:
    enum class Stage { kClear, kRestore, kStart, kCheck, kFinish };
    Stage stage(int round) const;
    Result<plan::Plan> first_round(kube::ClusterReader& reader, const plan::Input& input);
    Result<plan::Plan> later_round(kube::ClusterReader& reader, const plan::Input& input);
    Result<plan::Plan> finish(kube::ClusterReader& reader, const plan::Input& input, const Throwaways& made);
    // The mark and the report of data that was not as expected, and what is told instead of `error`.
    void told_of_data(kube::ClusterReader& reader, const plan::Input& input, const Error& error,
                      const std::string& problem, plan::Plan& plan);
    Status refresh_record(kube::ClusterReader& reader);
    Status write_report_file(const plan::Report& report);

    DrillOptions options_;
    Console& console_;
    Clock& clock_;
    bool clear_first_ = false;  // an earlier run had begun to take down what it made
    std::optional<DrillFacts> facts_;
    std::optional<DrillScene> scene_;
    Verdict verdict_;
    std::optional<plan::Report> failed_report_;
};

}  // namespace holdfast::restore
