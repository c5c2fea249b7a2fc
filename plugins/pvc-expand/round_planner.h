// Makes the steps of one round, a method a stage: growing.cpp, restarting.cpp, swapping.cpp, adopting.cpp. For
// rounds.cpp alone.
#pragma once

#include "plugins/pvc-expand/rounds.h"

#include <chrono>
#include <string>
#include <vector>

namespace holdfast::expand {

class Rounds {
  public:
    // All three must outlive it.
    Rounds(const ExpandRecord& record, const ExpandState& state, const std::string& operation)
        : record_(record), state_(state), operation_(operation) {
        plan_.operation = operation;
        plan_.last = false;
    }
    plan::Plan take() { return std::move(plan_); }

    Status check_sets() const;  // none was deleted by somebody else
    // Nor was a claim that was to grow. Before anything that goes on without it.
    Status check_claims(Stage stage) const;
    void grow(bool canary);
    void await_newcomers();
    void await_bound(std::vector<std::string> claims);
    void unmark();
    // Pods whose volumes have grown, and whose filesystems grow only when they are mounted anew: one at a time.
    Status restart(bool canary);
    // --restart offline: offline.cpp.
    void secure();
    void stop();
    Status drain();
    void start();
    void ready();
    void forget_numbers();  // of workloads that are up again: another number is its owner's from now on

    // Safety R11, as for a swap of volumes: whatever becomes of the set, its claims stay.
    Status release();
    Status swap(SystemTime now);
    void service();  // what is missing or held down, and nothing else
    Status adopt();
    void adopt_ours();  // those that this operation has made anew, whatever became of the others

  private:
    kube::ObjectRef claim_ref(const std::string& name) const { return {kube::kClaims, record_.space, name}; }
    // After the last step that there is.
    plan::Step& add(std::string id, std::string title, std::string reason, plan::Action action);

    void ask(const Growth& growth, bool point_of_no_return);
    void mark(const Growth& growth, Json& body) const;
    void settle_retention();
    void settle_retention(const Template& set);
    bool stopped_too(const Template& set) const;  // its policy is looked after as that of a workload that is stopped
    plan::Hold hold(const plan::HeldWorkload& workload) const;  // REQUIRES: it is there
    std::vector<const plan::HeldWorkload*> there() const;       // workloads to be stopped that are there
    void wait_grown(bool canary, bool mounted, const std::vector<std::string>& asked);
    bool by_volumes_first(bool canary) const;
    plan::WaitFor growing_claims(bool canary, bool mounted, plan::Condition condition) const;
    void as_read(plan::WaitFor& wait) const;  // of claims: those that are there now, and no others of their names
    bool nothing_to_restart(bool canary) const;
    void wait_for_nodes(bool canary);

    void restart(const PodToRestart& one);
    void wait_calm(const PodToRestart& one);
    void wait_lower(const PodToRestart& one);

    bool wait_observed();  // true: one of the sets is waited for, and nothing else is planned
    Status check_same(const Template& set, const Json& live) const;
    Status check_still(const Template& set, const Json& live) const;  // nothing speaks against its deletion by now
    bool rolls_out(const Template& set, const Json& live) const;
    void keep_claims(const Template& set, const Json& live);
    void let_go(const Template& set, const Json& live);
    void disown(const std::string& name, const std::string& uid);
    void set_owners(const std::string& name, Json owners, const char* id, const char* title, const char* reason);
    void remove(const Template& set, const Json& live, SystemTime now);
    void wait_gone(const Template& set, const Json& live);
    void make_anew(const Template& set, const Json& before);
    const Json& as_deleted(const Template& set) const;
    Error lost(const Template& set) const;
    Error unproven(const Template& set) const;
    static Error rolls(const Template& set);
    Error changed(const Template& set, const std::string& difference) const;

    void strip(const Template& set, const Json& live);
    void strip_claims(const Json& live);
    void wait_adopted(const Template& set, const Json& live);
    void wait_taken_up(const Template& set, const Json& live);
    void lend(const Template& set, const Json& live, const std::string& when_deleted);
    void adopt(const std::vector<const Template*>& sets);
    void give_back(const Template& set, const Json& live);

    const ExpandRecord& record_;
    const ExpandState& state_;
    const std::string& operation_;
    plan::Plan plan_;
    std::chrono::milliseconds paused_{0};  // by the steps that are planned already
};

}  // namespace holdfast::expand
