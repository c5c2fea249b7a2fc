// The one loop that carries out plans. It observes, acts, observes again: the first run and a resume are the same loop.
#pragma once

#include "common/kube/cluster.h"
#include "common/os/clock.h"
#include "common/os/process_identity.h"
#include "common/os/signals.h"
#include "common/plan/actors.h"
#include "common/plan/operation.h"
#include "common/plan/step.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace holdfast::plan {

class SharedWatches;

// Told what happens; shows it (view/progress.h) and never influences it.
class Witness {
  public:
    virtual ~Witness() = default;
    virtual void step_started(const Step& step) = 0;
    virtual void step_waits(const Step& step, const std::string& detail) = 0;  // often
    virtual void step_done(const Step& step, double seconds) = 0;
    virtual void step_failed(const Step& step, const Error& error) = 0;
    virtual void message(const std::string& text) = 0;
};

// Why does this object not get where we wait for it to be? Asked at most every 5 s, only while nothing moves, and once
// when a wait fails.
struct Explanation {
    Explanation() = default;
    Explanation(std::string said) : text(std::move(said)) {}  // NOLINT(google-explicit-constructor): of tests, mostly

    std::string text;  // one line, "" if nothing is known
    // Waiting longer is in vain: what a claim is to be made from is gone or goes, or the whole namespace.
    bool no_source = false, no_space = false;
};
using Explain = std::function<Explanation(const kube::ObjectRef&)>;

// Who this process is to others, and what it can tell of them from here. Tests and the simulator give their own.
struct Self {
    std::string identity;  // os/process_identity.h
    std::string host;
    std::function<OwnerState(const std::string& identity)> state_of;
};
Self this_process();

// Calls something again and again beside the execution, with a connection of its own, until it is destroyed.
class Heart {
  public:
    virtual ~Heart() = default;
};
using MakeHeart =
    std::function<std::unique_ptr<Heart>(std::chrono::milliseconds every, std::function<void(kube::Cluster&)> beat)>;

// The other cluster, for steps of Site::kThere.
struct OtherCluster {
    kube::Cluster& cluster;
    PodRunner* pods = nullptr;
    SqlRunner* sql = nullptr;
    Explain explain = {};
};

// Whatever execution needs of the world. All references outlive the executor; pods and sql may be null where no step of
// the plan uses them.
struct World {
    kube::Cluster& cluster;
    Clock& clock;
    const Signals& signals;
    Witness& witness;
    PodRunner* pods = nullptr;
    SqlRunner* sql = nullptr;
    Attendant* attendant = nullptr;
    Explain explain;
    // May a write, a command or a statement still be sent (tenure.h)? Empty: always.
    std::function<Status()> may_write = {};
    // Empty: leases are renewed between the calls of the execution itself (tests, the simulator: no threads).
    MakeHeart make_heart = {};
    Self self = this_process();
    std::optional<OtherCluster> other = std::nullopt;
    SharedWatches* watches = nullptr;  // the executor's own, for the waits of its round; null: each wait has a watch
};

struct Limits {
    std::chrono::milliseconds stall{600000};  // --timeout: time without progress, for steps that name no limit
    kube::DryRun dry_run = kube::DryRun::kNone;
    bool cleaning = false;  // a recovery: one signal does not stop it, a second one does
};

struct Outcome {
    Status status;                          // the first failure, if any; always-steps and releases have run nonetheless
    std::string failed_step;                // id
    bool replan = false;                    // that step met somebody's change and asks for another round
    bool wrote = false;                     // at least one write was sent that may have been carried out
    Progress progress;                      // outputs and phases of this round
    std::vector<std::string> not_verified;  // server dry run: what could not be tried
};

// Carries out one round. Errors: kLocked (a name is taken by another operation or object), kConflict (replaced or
// changed meanwhile), kTimeout (nothing moved for the limit: the message says why), kMismatch, kInterrupted, and the
// server's. Waits as long as things move. Never deletes anything that no step names.
Outcome execute(const Plan& plan, World& world, const Limits& limits);

}  // namespace holdfast::plan
