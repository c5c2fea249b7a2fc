// The steps of a swap that its rounds and its way back share, each after the one before. Pure.
#pragma once

#include "common/plan/step.h"
#include "plugins/restore/swap_facts.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::restore {

// R1: a claim that two workloads mount has a lock at each of them. What its volume says of a swap that is under way for
// the other one counts as a lock: kLocked, with `unchanged` said of the data.
Status unswapped(const SwapRecord& record, const Swap& swap, const Json& old_volume, const std::string& unchanged);

class SwapSteps {
  public:
    SwapSteps(const SwapRecord& record, const SwapFacts& facts, const std::string& operation);
    plan::Plan take() { return std::move(plan_); }

    // Nothing if the workload is not held down. Right before, every claim is looked at that is on its incoming volume,
    // and those that still have their old one if it is these that the pods are to start on.
    void scale_up(bool on_old);
    void remove_provers();
    void restore_retention();
    // Before a volume's policy goes back to what it was: its claim is still there and has it. One that is being deleted
    // (a namespace is, somebody tidies up) would take it along under Delete; under Retain it stays.
    void look_again(const Swap& swap, const std::string& volume);
    // The volume is the claim's ordinary one again: without our marks, under the policy that the old one had. Nothing
    // if it carries no mark of this operation.
    void give_policy_back(const Swap& swap, const std::string& volume, const std::string& uid, const char* step,
                          const char* reason);
    // Of a claim that is somebody else's by now the volumes stay, under Retain and without our marks; one without a
    // mark is settled already.
    void let_go_old(const Swap& swap);
    void let_go_incoming(const Swap& swap);

  protected:
    void look_before_start(bool on_old);
    plan::Hold hold() const;  // REQUIRES: the workload is there
    plan::Step& add(std::string id, std::string title, std::string reason, plan::Action action);
    plan::Step& phased(std::string id, std::string title, std::string reason, plan::Action action, const char* phase);
    std::vector<std::string> after_last() const;
    static kube::ObjectRef volume_ref(const std::string& name) { return {kube::kVolumes, "", name}; }
    // A claimRef for a merge patch; uid "" : reserved for whoever makes that claim.
    Json reference(const std::string& claim, const std::string& uid) const;
    static Json unmarked(const std::string& policy);  // for a merge patch
    // A volume whose data is nowhere else stays, under Retain and without our marks. mark: that of an earlier
    // operation, which keeps it again. claim_ref: of a claim that is gone, so that no later one of the workload's gets
    // it.
    void keep(const std::string& name, const std::string& uid, const std::string& which,
              const std::optional<std::string>& mark, Json claim_ref = nullptr);

    const SwapRecord& record_;
    const SwapFacts& facts_;
    const std::string& operation_;
    plan::Plan plan_;
};

}  // namespace holdfast::restore
