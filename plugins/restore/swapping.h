// What restore in place and undo have in common as operations: rounds by the stage that the facts show, service brought
// back after a failure, the way back before the point of no return.
#pragma once

#include "common/plan/operation.h"
#include "plugins/restore/swap_facts.h"

#include <optional>
#include <string>

namespace holdfast::restore {

class Swapping : public plan::Operation {
  public:
    std::string space() const override { return target_.space; }
    std::string target() const override { return target_.name; }
    kube::ObjectRef event_target() const override { return target_; }
    // Its record is what status shows of it until it is undone or finalized.
    bool keeps_record() const override { return !nothing_to_do_; }
    Result<std::vector<kube::ObjectRef>> lock_targets(kube::ClusterReader& reader) override;
    Result<plan::Plan> plan(kube::ClusterReader& reader, const plan::Input& input) override;
    Result<plan::Plan> recover(kube::ClusterReader& reader, const plan::Input& input, const Error& error) override;
    bool past_return() const override { return past_return_; }
    std::vector<std::string> manner_flags() const override { return {"gitops-paused"}; }
    Result<std::optional<plan::Plan>> take_back(kube::ClusterReader& reader, const plan::Input& input) override;
    Result<std::vector<plan::Journal>> rebuild(kube::ClusterReader& reader) override;
    Result<plan::Report> report(kube::ClusterReader& reader, const plan::Input& input) override;

  protected:
    explicit Swapping(kube::ObjectRef target) : target_(std::move(target)) {}
    // The first look: what is swapped, every refusal, and what the user must know. Not asked when resuming.
    struct Opening {
        SwapRecord record;
        std::vector<std::string> notes;
        bool nothing_to_do = false;  // an earlier run has done all of it
    };
    virtual Result<Opening> open(kube::ClusterReader& reader, const plan::Input& input) = 0;
    // The round that makes the incoming volumes; undo has them.
    virtual Result<plan::Plan> prove(kube::ClusterReader& reader, const SwapRecord& record,
                                     const std::string& operation) = 0;
    // What is said at the end, with the record as it ended.
    virtual std::string done_text(const SwapRecord& record, const std::string& operation) const = 0;

    kube::ObjectRef target_;  // workload or claim
    std::optional<SwapRecord> record_;
    bool nothing_to_do_ = false;
    bool past_return_ = false;
    bool held_ = false;    // this process has planned what is done while the workload is held down
    std::string started_;  // the workload's resourceVersion when this process planned to start it

  private:
    Result<plan::Plan> round(kube::ClusterReader& reader, const plan::Input& input);
    Status recall(const plan::Input& input);
    Error unseen(kube::ClusterReader& reader, Error error) const;
    Result<plan::Plan> take_down(kube::ClusterReader& reader, SwapFacts facts, const std::string& operation) const;
    Result<plan::Plan> end_unready(const SwapFacts& facts, const std::string& operation, const Error& error);
};

}  // namespace holdfast::restore
