#include "common/plan/executor.h"

#include "common/core/overloaded.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"
#include "common/plan/perform.h"
#include "common/plan/shared_watches.h"
#include "common/plan/tenure.h"
#include "common/plan/wait.h"

#include <algorithm>
#include <map>

namespace holdfast::plan {
namespace {

using TimePoint = std::chrono::steady_clock::time_point;

// Whoever has to stop among a thousand patches sends no more than these.
constexpr std::size_t kPatchesAtOnce = 64;

enum class StepState { kPending, kDone, kFailed, kSkipped };

struct Span {
    TimePoint first, last;
};

class Execution {
  public:
    Execution(const Plan& plan, World& world, const Limits& limits)
        : plan_(plan),
          watches_(plan, world.clock),
          world_(world),
          limits_(limits),
          states_(plan.steps.size(), StepState::kPending) {
        world_.watches = &watches_;
        for (std::size_t i = 0; i < plan.steps.size(); ++i) index_[plan.steps[i].id] = i;
        if (!world.other) return;
        const OtherCluster& other = *world.other;
        there_ = std::make_unique<World>(World{other.cluster, world.clock, world.signals, world.witness, other.pods,
                                               other.sql, nullptr, other.explain, world.may_write, world.make_heart,
                                               world.self, std::nullopt, &watches_});
    }

    Outcome run() {
        while (true) {
            note_signal();
            const std::vector<std::size_t> batch = next();
            if (batch.empty()) break;
            if (std::holds_alternative<Create>(step(batch.front()).action))
                create(batch);
            else if (batch.size() > 1)
                patch(batch);
            else
                single(batch.front());
        }
        release_all();
        for (const auto& [name, span] : phases_) {
            outcome_.progress.phases.push_back({name, std::chrono::duration<double>(span.last - span.first).count()});
        }
        return std::move(outcome_);
    }

  private:
    const Step& step(std::size_t i) const { return plan_.steps[i]; }
    // As a step sees it that acts on this cluster. A plan with steps there is only made with a connection to it.
    World& at(kube::Site site) { return site == kube::Site::kThere && there_ ? *there_ : world_; }
    World& of(const Step& one) { return at(one.site); }
    bool dry() const { return limits_.dry_run == kube::DryRun::kServer; }
    bool failed() const { return !outcome_.status.ok(); }

    // A signal is an answer to "go on?" asked between steps: what runs is finished, what always runs still runs.
    void note_signal() {
        if (failed() || world_.signals.count() < (limits_.cleaning ? 2 : 1)) return;
        outcome_.status = Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
    }

    bool ready(std::size_t i) const {
        bool attempted = step(i).after.empty();
        for (const std::string& id : step(i).after) {
            const auto found = index_.find(id);
            if (found == index_.end()) continue;
            const StepState state = states_[found->second];
            if (state == StepState::kPending) return false;
            if (!step(i).always && state != StepState::kDone) return false;
            attempted = attempted || state != StepState::kSkipped;
        }
        return attempted;
    }

    // What may be sent beside the others of a batch: all creates of one cluster, or some patches that say so.
    bool joins(const std::vector<std::size_t>& batch, std::size_t i) const {
        const bool creates = std::holds_alternative<Create>(step(i).action);
        const bool patches = step(i).together && std::holds_alternative<Patch>(step(i).action);
        if (!creates && !patches) return false;
        if (batch.empty()) return true;
        const Step& first = step(batch.front());
        return first.site == step(i).site && first.action.index() == step(i).action.index() &&
               (creates || batch.size() < kPatchesAtOnce);
    }

    // The next steps that may run: all that are ready at once and may be sent together, or one other step. After a
    // failure only those that always run; the rest is skipped.
    std::vector<std::size_t> next() {
        if (failed()) {
            for (std::size_t i = 0; i < states_.size(); ++i) {
                if (states_[i] == StepState::kPending && !step(i).always) states_[i] = StepState::kSkipped;
            }
        }
        std::vector<std::size_t> batch;
        for (std::size_t i = 0; i < states_.size(); ++i) {
            if (states_[i] != StepState::kPending) continue;
            if (!ready(i)) {
                if (failed() && blocked_for_good(i)) states_[i] = StepState::kSkipped;
                continue;
            }
            const bool together = joins(batch, i);
            if (batch.empty() && !together) return {i};
            if (together) batch.push_back(i);
        }
        return batch;
    }

    bool blocked_for_good(std::size_t i) const {
        return std::all_of(step(i).after.begin(), step(i).after.end(), [&](const std::string& id) {
            const auto found = index_.find(id);
            return found == index_.end() || states_[found->second] != StepState::kPending;
        });
    }

    void begin(std::size_t i) {
        world_.witness.step_started(step(i));
        began_[i] = world_.clock.steady_now();
        if (!step(i).phase.empty()) {
            const auto found = std::find_if(phases_.begin(), phases_.end(),
                                            [&](const auto& one) { return one.first == step(i).phase; });
            if (found == phases_.end()) phases_.push_back({step(i).phase, {began_[i], began_[i]}});
        }
    }

    void finish(std::size_t i, const Status& status) {
        const TimePoint now = world_.clock.steady_now();
        for (auto& [name, span] : phases_) {
            if (name == step(i).phase) span.last = now;
        }
        if (status.ok()) {
            states_[i] = StepState::kDone;
            world_.witness.step_done(step(i), std::chrono::duration<double>(now - began_[i]).count());
            return;
        }
        const bool tolerated = step(i).optional && status.error().kind != ErrorKind::kInterrupted;
        states_[i] = tolerated ? StepState::kDone : StepState::kFailed;
        world_.witness.step_failed(step(i), status.error());
        if (tolerated) return;
        // The first failure is the reason; what fails while cleaning up after it is added to it.
        if (!failed()) {
            outcome_.status = status;
            outcome_.failed_step = step(i).id;
            // What is not found to be changed was there when the round was planned.
            const bool gone =
                status.error().kind == ErrorKind::kNotFound && std::holds_alternative<Patch>(step(i).action);
            outcome_.replan = step(i).replan && (status.error().kind == ErrorKind::kConflict || gone);
        } else {
            Error both = outcome_.status.error();
            both.message += "; then " + step(i).title + ": " + status.error().message;
            outcome_.status = both;
        }
    }

    void create(const std::vector<std::size_t>& batch) {
        std::vector<const Create*> creates;
        for (const std::size_t i : batch) {
            begin(i);
            creates.push_back(&std::get<Create>(step(i).action));
        }
        if (!dry()) outcome_.wrote = true;
        const std::vector<Status> results = perform_creates(creates, plan_.operation, of(step(batch.front())), limits_);
        for (std::size_t k = 0; k < batch.size(); ++k) finish(batch[k], results[k]);
    }

    void patch(const std::vector<std::size_t>& batch) {
        std::vector<const Patch*> patches;
        for (const std::size_t i : batch) {
            begin(i);
            patches.push_back(&std::get<Patch>(step(i).action));
        }
        if (!dry()) outcome_.wrote = true;
        const std::vector<Status> results = perform_patches(patches, of(step(batch.front())), limits_);
        for (std::size_t k = 0; k < batch.size(); ++k) finish(batch[k], results[k]);
    }

    void single(std::size_t i) {
        begin(i);
        const Step& one = step(i);
        if (dry() && !std::holds_alternative<Patch>(one.action) && !std::holds_alternative<Delete>(one.action) &&
            !std::holds_alternative<Scale>(one.action)) {
            outcome_.not_verified.push_back(one.title);
            finish(i, {});
            return;
        }
        if (const Status rested = rest(one); !rested.ok()) return finish(i, rested);
        const auto stall = one.limit.count() > 0 ? one.limit : limits_.stall;
        finish(i, std::visit(Overloaded{
                                 [&](const Create&) -> Status {
                                     return Error{ErrorKind::kInternal, "a create outside its batch", "", 0, ""};
                                 },
                                 [&](const Patch& action) { return changed(perform_patch(action, of(one), limits_)); },
                                 [&](const Delete& action) { return changed(remove(action, one, stall)); },
                                 [&](const Scale& action) { return changed(perform_scale(action, of(one), limits_)); },
                                 [&](const WaitFor& action) { return wait_for(action, one, of(one), limits_, stall); },
                                 [&](const Exec& action) { return exec(action, one, stall); },
                                 [&](const Sql& action) { return sql(action, of(one), stall); },
                                 [&](const Copy&) -> Status {
                                     return Error{ErrorKind::kInternal, "no mover to copy with", "", 0, ""};
                                 },
                             },
                             one.action));
    }

    // In short sleeps, between which signals are seen and the Lease is kept.
    Status rest(const Step& one) {
        constexpr std::chrono::milliseconds kTick{1000};
        for (auto left = dry() ? std::chrono::milliseconds(0) : one.pause; left.count() > 0; left -= kTick) {
            if (world_.signals.count() >= (limits_.cleaning ? 2 : 1))
                return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
            if (world_.may_write) TRY(world_.may_write());
            world_.clock.sleep_for(std::min(left, kTick));
        }
        return {};
    }

    // What the operation makes has no uid yet when the plan is made: by its label it is known, and by the uid that it
    // has got it is deleted, so that nobody else's object of that name goes. No delete is sent without a uid.
    Status remove(const Delete& action, const Step& one, std::chrono::milliseconds stall) {
        Delete pinned = action;
        if (action.preconditions.uid.empty() && !dry()) {
            TRY_ASSIGN(const std::optional<Json> found, of(one).cluster.find(action.ref));
            if (!found) return {};
            const std::string& made_by = action.made_by.empty() ? plan_.operation : action.made_by;
            if (kube::label_of(*found, labels::kOperation) != made_by)
                return Error{ErrorKind::kConflict,
                             action.ref.text() + ": object replaced: it is not the one that this operation made",
                             "nothing was done to the new one", 0, ""};
            pinned.preconditions.uid = kube::uid_of(*found);
        }
        return perform_delete(pinned, one, of(one), limits_, stall);
    }

    Status changed(Status status) {
        if (!dry()) outcome_.wrote = true;
        return status;
    }

    Status exec(const Exec& action, const Step& one, std::chrono::milliseconds stall) {
        PodRunner* pods = of(one).pods;
        if (pods == nullptr) return Error{ErrorKind::kInternal, "no way to run commands in pods", "", 0, ""};
        outcome_.wrote = true;
        if (!action.release_of.empty()) return release(action.release_of);
        Status may = world_.may_write ? world_.may_write() : Status();
        // What lets go of held writes is run by the process that goes on; where no journal is left, nobody else does.
        const bool only_we_can = one.always && !may.ok() && may.error().reason == kJournalGone;
        if (!may.ok() && !only_we_can) return may;
        if (action.hold) {
            TRY_ASSIGN(auto held, pods->hold(action));
            held_[one.id] = std::move(held);
            return {};
        }
        TRY_ASSIGN(std::string out, pods->run(action, stall));
        while (!out.empty() && out.back() == '\n') out.pop_back();
        if (!action.output.empty()) outcome_.progress.outputs[action.output] = out;
        return expected(action.expect, out, action.secret_output);
    }

    Status sql(const Sql& action, World& world, std::chrono::milliseconds stall) {
        if (world.sql == nullptr) return Error{ErrorKind::kInternal, "no way to run SQL", "", 0, ""};
        if (world_.may_write) TRY(world_.may_write());
        TRY_ASSIGN(const std::string out, world.sql->query(action, stall));
        if (!action.output.empty()) outcome_.progress.outputs[action.output] = out;
        return expected(action.expect, out, false);
    }

    static Status expected(const std::optional<std::string>& wanted, const std::string& got, bool secret) {
        if (!wanted || *wanted == got) return {};
        const std::string shown = secret ? "something else" : "\"" + escape_line(got.substr(0, 200)) + "\"";
        return Error{ErrorKind::kMismatch, "expected \"" + escape_line(wanted->substr(0, 200)) + "\" and read " + shown,
                     "", 0, ""};
    }

    // A hold that has ended by itself has not held: what was cut meanwhile is not quiesced.
    Status release(const std::string& id) {
        const auto found = held_.find(id);
        if (found == held_.end()) return {};
        const std::unique_ptr<HeldExec> held = std::move(found->second);
        held_.erase(found);
        if (!held->running()) {
            return Error{ErrorKind::kFailed,
                         "the held command ended before the cut was done: " + escape_line(held->error_output()), "", 0,
                         ""};
        }
        return held->release();
    }

    void release_all() {
        for (auto& [id, held] : held_) {
            const Status released = held->release();
            if (!released.ok())
                world_.witness.message("warning: held command of step " + id + ": " + released.error().message);
        }
        held_.clear();
    }

    const Plan& plan_;
    SharedWatches watches_;
    World world_;
    std::unique_ptr<World> there_;  // null: there is no other cluster
    const Limits& limits_;
    std::vector<StepState> states_;
    std::map<std::string, std::size_t> index_;
    std::map<std::size_t, TimePoint> began_;
    std::vector<std::pair<std::string, Span>> phases_;
    std::map<std::string, std::unique_ptr<HeldExec>> held_;
    Outcome outcome_;
};

}  // namespace

Self this_process() { return {process_identity(), host_name(), owner_state}; }

Outcome execute(const Plan& plan, World& world, const Limits& limits) { return Execution(plan, world, limits).run(); }

}  // namespace holdfast::plan
