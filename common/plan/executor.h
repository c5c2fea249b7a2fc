// The one loop that carries out plans. It observes, acts, observes again: the first run and a resume are the same loop.
#pragma once

#include "common/kube/cluster.h"
#include "common/os/clock.h"
#include "common/os/signals.h"
#include "common/plan/actors.h"
#include "common/plan/operation.h"
#include "common/plan/step.h"

#include <functional>
#include <string>

namespace holdfast::plan {

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

// Why does this object not get where we wait for it to be? One line, "" if nothing is known. Asked at most every 5 s,
// only while nothing moves, and once when a wait fails.
using Explain = std::function<std::string(const kube::ObjectRef&)>;

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
};

struct Limits {
    std::chrono::milliseconds stall{600000};  // --timeout: time without progress, for steps that name no limit
    kube::DryRun dry_run = kube::DryRun::kNone;
    bool cleaning = false;  // a recovery: one signal does not stop it, a second one does
};

struct Outcome {
    Status status;                          // the first failure, if any; always-steps and releases have run nonetheless
    std::string failed_step;                // id
    bool wrote = false;                     // at least one write was sent that may have been carried out
    Progress progress;                      // outputs and phases of this round
    std::vector<std::string> not_verified;  // server dry run: what could not be tried
};

// Carries out one round. Errors: kLocked (a name is taken by another operation or object), kConflict (replaced or
// changed meanwhile), kTimeout (nothing moved for the limit: the message says why), kMismatch, kInterrupted, and the
// server's. Waits as long as things move. Never deletes anything that no step names.
Outcome execute(const Plan& plan, World& world, const Limits& limits);

}  // namespace holdfast::plan
