#include "common/plan/drive.h"

#include "common/core/hash.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/plan/drive_parts.h"
#include "common/plan/heed.h"
#include "common/plan/holding.h"

#include <algorithm>
#include <map>

namespace holdfast::plan {
namespace {

constexpr int kMostRounds = 24;  // no operation has more; one that asks for more loops

// A lock lies in its workload's namespace. What outlives that, kept volumes, is still there.
Error in_no_space(Error error, const std::string& space) {
    const bool gone =
        error.kind == ErrorKind::kNotFound && error.message.find("namespaces \"" + space + "\"") != std::string::npos;
    const bool goes =
        error.kind == ErrorKind::kForbidden &&
        error.message.find("in namespace " + space + " because it is being terminated") != std::string::npos;
    if (!gone && !goes) return error;
    error.kind = ErrorKind::kNotFound;
    error.message = "namespace " + space + (goes ? " is being deleted" : " is not there any more") +
                    "; nothing was changed, and volumes that are kept stay";
    error.hint = (goes ? "once it is gone, make it again, then run the command again: kubectl create namespace "
                       : "make it again, then run the command again: kubectl create namespace ") +
                 space;
    error.reason.clear();
    error.http_status = 0;
    return error;
}

// What a recovery that failed has not brought back.
std::string still_down(const Plan& recovery) {
    if (!recovery.shielded) return "";
    const std::string what = recovery.left_down.empty() ? "the workload is still held down" : recovery.left_down;
    return "; " + what + ": resume brings it back";
}

class Drive {
  public:
    Drive(Operation& operation, World& world, const DriveOptions& options)
        : operation_(operation), world_(world), options_(options) {}

    DriveResult run() {
        result_.status = begin();
        if (result_.status.ok()) result_.status = rounds();
        if (result_.status.ok() && !options_.plan_only && !dry()) result_.status = finish();
        if (!result_.status.ok()) stop();
        return std::move(result_);
    }

  private:
    bool dry() const { return options_.limits.dry_run == kube::DryRun::kServer; }
    bool records() const { return !dry() && !options_.plan_only; }

    // Reads only. What the workload's lock says is heeded here already: whoever is kept out is told before anything is
    // decided.
    Status begin() {
        TRY_ASSIGN(std::optional<Journal> earlier, find_earlier(world_, operation_, options_));
        if (earlier) {
            journal_ = std::move(*earlier);
            if (!options_.line.resume) journal_.arguments = options_.line.arguments;
            TRY(adopt());
        } else {
            journal_.operation = new_operation_id(operation_);
            journal_.argument_hash = argument_hash(options_.line, operation_.manner_flags());
            journal_.started = world_.clock.now();
            journal_.kind = operation_.kind();
            journal_.target = operation_.target();
            journal_.space = operation_.space();
            journal_.plugin = options_.line.plugin;
            journal_.command = options_.line.command;
            journal_.arguments = options_.line.arguments;
            TRY_ASSIGN(const std::vector<kube::ObjectRef> targets, operation_.lock_targets(world_.cluster));
            TRY_ASSIGN(journal_.locks, resolve_locks(world_.cluster, targets));
        }
        if (!options_.plan_only) {
            TRY(check_free(world_, journal_));
            TRY(heed_locks(world_, operation_, journal_));
        }
        journal_.version = options_.line.version;
        input_.operation = journal_.operation;
        input_.line = {{"plugin", journal_.plugin},
                       {"command", journal_.command},
                       {"arguments", journal_.arguments},
                       {"hash", journal_.argument_hash}};
        input_.now = journal_.started;
        input_.resuming = resuming_;
        input_.record = journal_.record;
        return {};
    }

    // A live owner is told of at once; a silent one is waited for when the operation is taken hold of.
    Status adopt() {
        TRY_ASSIGN(const std::vector<Owner> owners,
                   look_at_owners(world_.cluster, {journal_}, world_.self, world_.clock.now()));
        if (owners.front().life == Life::kLive) return in_the_way(journal_.operation, owners.front());
        resuming_ = true;
        recorded_ = true;
        result_.operation = journal_.operation;
        result_.resumable = true;
        return {};
    }

    Status rounds() {
        for (input_.round = 0; input_.round < kMostRounds; ++input_.round) {
            auto planned = operation_.plan(world_.cluster, input_);
            if (!planned.ok())
                return input_.round == 0 && !resuming_ ? Status(planned.error()) : recovered(planned.error());
            // What the operation itself refuses is said first: it knows more of what it met.
            if (input_.round == 0 && !resuming_ && !options_.plan_only)
                TRY(heed_unfinished(world_, operation_, journal_));
            Plan plan = named(std::move(*planned));
            const Status approved = check(plan);
            // Before round 0 nothing is held, and so nothing is ours to take down.
            if (!approved.ok()) return input_.round == 0 ? approved : recovered(approved.error());
            if (options_.plan_only) return {};
            if (records()) {
                if (input_.round == 0) TRY(hold(plan));
                if (input_.round == 0 && !resuming_) TRY(rehearse(plan, world_, options_.limits));
                const Status written = record(plan);
                if (!written.ok()) return input_.round == 0 && !resuming_ ? written : recovered(written.error());
            }
            if (dry()) TRY(rehearse(plan, world_, options_.limits));
            Outcome outcome = carry_out(plan);
            if (outcome.replan && input_.round + 1 < kMostRounds) continue;
            if (!outcome.status.ok()) return recovered(outcome.status.error());
            if (dry()) return {};  // later rounds read what this one has not really made
            if (plan.last) return {};
            if (world_.attendant != nullptr) {
                const Status attended = operation_.attend(input_, *world_.attendant);
                if (!attended.ok()) return recovered(attended.error());
                // The signal that ended the service is spent: what follows cleans up, and only another one stops that.
                served_ = served_ || world_.signals.pending();
            }
        }
        return recovered(endless());
    }

    // Whatever is done is undone by somebody, or a stage asks for what no step brings about. What is held down must not
    // stay so.
    Error endless() const {
        std::string last;
        for (const Json& round : journal_.rounds) {
            const Json* steps = kube::find_at(round, "/steps");
            if (steps != nullptr && !steps->empty()) last = kube::text_at(steps->back(), "/title");
        }
        return {ErrorKind::kInternal,
                journal_.operation + " is no nearer its end after " + std::to_string(kMostRounds) +
                    " rounds: something undoes what it does" + (last.empty() ? "" : "; the last was: " + last),
                "see in `kubectl get events -n " + journal_.space + "` who that is, and stop them", 0, ""};
    }

    Plan named(Plan plan) const {
        plan.operation = journal_.operation;
        plan.round = input_.round;
        return plan;
    }

    // Shown, asked and allowed, in this order, before anything is written.
    Status check(const Plan& plan) {
        TRY(options_.approve(plan, resuming_));
        if (options_.plan_only || input_.round > 0) return {};
        std::vector<kube::AccessCheck> checks = permissions(plan);
        if (records()) {
            for (const char* verb : {"get", "create", "update", "delete"})
                checks.push_back({verb, kube::kConfigMaps, operation_.space(), "", ""});
            if (!operation_.event_target().name.empty())
                checks.push_back({"create", kube::kEvents, operation_.space(), "", ""});
            for (auto& check : holding_needs(journal_, plan)) checks.push_back(std::move(check));
        }
        return check_allowed(world_.cluster, checks, options_.line.plugin,
                             world_.other ? &world_.other->cluster : nullptr);
    }

    // Locks, Lease and takeover (safety R1-R3). What was shown was planned before the workload was ours: it is planned
    // again, and done only if it is still the same.
    Status hold(Plan& plan) {
        TRY(heed_locks(world_, operation_, journal_));
        auto held = Holding::take(world_, journal_, recorded_);
        if (!held.ok()) {
            if (held.error().kind == ErrorKind::kLocked) result_.resumable = false;  // somebody else goes on with it
            return in_no_space(held.error(), operation_.space());
        }
        holding_ = std::move(*held);
        input_.record = journal_.record;
        if (journal_.locks.empty()) return {};
        result_.wrote = resuming_;
        auto again = operation_.plan(world_.cluster, input_);
        if (!again.ok()) return again.error();
        Plan fresh = named(std::move(*again));
        // A resume goes on from wherever things are by now: they move while it is planned, and it was said yes to
        // before.
        if (!resuming_ && brief(fresh) != brief(plan)) {
            const std::optional<std::string> less = operation_.only_less(plan, fresh);
            if (!less)
                return Error{
                    ErrorKind::kConflict,
                    "what was to be done is not the same any more: somebody changed the cluster since the plan was "
                    "made; nothing was changed",
                    "run the command again and look at the new plan", 0, ""};
            world_.witness.message(*less);
        }
        plan = std::move(fresh);
        return {};
    }

    // Before the round's first write: whoever finds what we made finds out why, and how to go on.
    Status record(const Plan& plan) {
        journal_.round = plan.round;
        journal_.state = "open";
        journal_.message.clear();
        journal_.touched = world_.clock.now();
        Json mine = brief(plan);
        // A resume plans round 0 again: what earlier runs made stays listed, or abort would forget it.
        bool known = false;
        for (const Json& one : journal_.rounds) known = known || one == mine;
        if (!known) journal_.rounds.push_back(std::move(mine));
        if (plan.record.is_object()) {
            for (const auto& [key, value] : plan.record.items()) {
                if (!journal_.record.contains(key)) journal_.record[key] = value;
            }
        }
        if (plan.latest.is_object()) journal_.record.update(plan.latest);
        input_.record = journal_.record;
        // A first journal has no version to be compared: whoever slept since it took its locks asks whether they are
        // still its own.
        TRY(holding_->world().may_write());
        if (recorded_) {
            const Status changed = write_change(world_.cluster, journal_);
            return changed.ok() ? changed : unwritten(changed.error());
        }
        result_.operation = journal_.operation;
        Status written = write_new(world_.cluster, journal_);
        if (!written.ok()) return written;
        recorded_ = true;
        result_.resumable = true;
        result_.wrote = true;
        return holding_->recorded();
    }

    // Nobody has taken over, or it would have been seen before: whoever made what is there says so beside it.
    Error unwritten(const Error& error) {
        Error told = holding_->unwritten(error);
        result_.resumable = result_.resumable && !holding_->lost();
        if (holding_->lost()) leave_event(told);
        return told;
    }

    Outcome carry_out(const Plan& plan) {
        Limits limits = options_.limits;
        limits.cleaning = served_;
        world_.signals.shield(plan.shielded);
        Outcome outcome = execute(plan, working_world(), limits);
        result_.wrote = result_.wrote || outcome.wrote;
        result_.not_verified.insert(result_.not_verified.end(), outcome.not_verified.begin(),
                                    outcome.not_verified.end());
        remember(outcome.progress);
        return outcome;
    }

    World& working_world() { return holding_ ? holding_->world() : world_; }

    void remember(const Progress& progress) {
        for (const auto& [name, value] : progress.outputs) input_.progress.outputs[name] = value;
        input_.progress.phases.insert(input_.progress.phases.end(), progress.phases.begin(), progress.phases.end());
        result_.phases = input_.progress.phases;
    }

    // Takes down throwaways and brings service back, then gives the error that led here.
    // What is held down is looked at and brought back before a second signal counts.
    Status recovered(const Error& error) {
        Status status = recover(error);
        world_.signals.shield(false);
        return status;
    }

    Status recover(const Error& error) {
        if (!records() || !recorded_) return error;
        if (!holding_) {
            auto held = Holding::take(world_, journal_, true);
            if (!held.ok()) return error;
            holding_ = std::move(*held);
        }
        if (holding_->lost()) return error;
        input_.interrupted = error.kind == ErrorKind::kInterrupted;
        auto planned = operation_.recover(world_.cluster, input_, error);
        result_.can_abort = !operation_.past_return();
        Error all = error;
        if (!planned.ok()) {
            all.message += "; cleaning up was not possible: " + planned.error().message;
            return all;
        }
        if (planned->instead) all = *planned->instead;
        if (planned->steps.empty()) return all;
        planned->operation = journal_.operation;
        planned->round = input_.round;
        Limits limits = options_.limits;
        limits.cleaning = true;
        if (planned->shielded && input_.interrupted)
            world_.witness.message("service is brought back first; until then another Ctrl-C does not stop it");
        const Outcome outcome = execute(*planned, working_world(), limits);
        if (!outcome.status.ok())
            all.message += "; cleaning up stopped: " + outcome.status.error().message + still_down(*planned);
        else
            cleaned_ = planned->last;
        // Only now: until the workload is up again, what it was held down from must be found.
        if (outcome.status.ok() && planned->latest.is_object()) journal_.record.update(planned->latest);
        return all;
    }

    Status finish() {
        auto report = operation_.report(world_.cluster, input_);
        if (!report.ok()) {
            cleaned_ = report.error().kind == ErrorKind::kFailed;  // by its meaning nothing is left half-way
            return report.error();
        }
        result_.report = std::move(*report);
        if (recorded_) {
            TRY(holding_->world().may_write());
            // A journal that goes is the last to go: whoever was killed before that finds it, and the lock by it. One
            // that stays says that it is done before its lock is anybody's.
            if (operation_.keeps_record())
                holding_->release_own();
            else
                holding_->release(false);
            TRY(close());
            recorded_ = false;
            result_.resumable = false;
        }
        if (holding_) holding_->release(false);
        return {};
    }

    // The record of what was done stays where the operation wants it, else nothing does (safety R5).
    Status close() {
        if (!operation_.keeps_record()) return erase(world_.cluster, journal_);
        journal_.state = "done";
        journal_.touched = world_.clock.now();
        return write_change(world_.cluster, journal_);
    }

    // Whoever lost a name to another operation before making anything has nothing to resume or to take back.
    bool made_nothing() {
        return none_of(world_.cluster, created_objects(journal_)) &&
               (!world_.other || none_of(world_.other->cluster, created_objects(journal_, kube::Site::kThere)));
    }

    bool none_of(kube::ClusterReader& reader, const std::vector<kube::ObjectRef>& refs) {
        for (const auto& object : reader.get_all(refs)) {
            const bool gone = !object.ok() && object.error().kind == ErrorKind::kNotFound;
            if (!gone && !object.ok()) return false;
            if (!gone && kube::label_of(*object, labels::kOperation) == journal_.operation) return false;
        }
        return true;
    }

    // What holds is written down where the next person looks: in the journal, and as an Event on the workload. Whoever
    // does not hold the operation writes nothing.
    void stop() {
        if (!holding_) return;
        if (recorded_ && ended_with_its_space()) return holding_->release(true);
        if (!holding_->world().may_write().ok() && holding_->lost()) {
            result_.resumable = false;
            if (holding_->world().may_write().error().reason == kJournalGone)
                world_.witness.message("warning: " + lines_without_journal(journal_));
            return;
        }
        if (recorded_) write_down(result_.status.error());
        holding_->release(recorded_ && !cleaned_);
    }

    void write_down(const Error& error) {
        if (error.kind == ErrorKind::kLocked && !resuming_ && made_nothing()) cleaned_ = true;
        if (cleaned_) {  // nothing is left to resume or to abort
            holding_->release_own();
            const Status erased = erase(world_.cluster, journal_);
            if (erased.ok())
                result_.resumable = false;
            else
                world_.witness.message("warning: " + erased.error().message);
            return;
        }
        journal_.state = "stopped";
        journal_.message = error.message;
        journal_.touched = world_.clock.now();
        const Status written = write_change(world_.cluster, journal_);
        if (!written.ok() && written.error().kind == ErrorKind::kNotFound) {
            // resume and abort find it only where objects tell of it.
            result_.resumable = told_by_objects();
            world_.witness.message("warning: " + (result_.resumable
                                                      ? "somebody deleted the journal of " + journal_.operation + "; " +
                                                            lines_for(journal_, result_.can_abort)
                                                      : lines_without_journal(journal_)));
        } else if (!written.ok()) {
            world_.witness.message("warning: the journal could not be written: " + written.error().message);
        }
        leave_event(error);
    }

    bool ended_with_its_space() {
        const auto lost =
            lost_with_its_space(world_.cluster, journal_, result_.status.error(), [this] { return told_by_objects(); });
        if (!lost) return false;
        result_.status = *lost;
        result_.resumable = false;  // not before the namespace is there again
        return true;
    }

    bool told_by_objects() {
        const auto told = operation_.rebuild(world_.cluster);
        return told.ok() && std::any_of(told->begin(), told->end(),
                                        [&](const Journal& one) { return one.operation == journal_.operation; });
    }

    void leave_event(const Error& error) {
        const kube::ObjectRef on = operation_.event_target();
        if (on.name.empty()) return;
        auto target = world_.cluster.find(on);
        const std::string uid = target.ok() && target->has_value() ? kube::uid_of(**target) : "";
        const std::string lines =
            result_.resumable ? lines_for(journal_, result_.can_abort) : lines_without_journal(journal_);
        const auto made = world_.cluster.create(
            stop_event(journal_, on, uid, error.message + "; " + lines, format_time(world_.clock.now())));
        if (!made.ok()) log_event_failure(made.error());
    }

    void log_event_failure(const Error& error) {
        world_.witness.message("warning: no Event could be left on the workload: " + error.message);
    }

    Operation& operation_;
    World& world_;
    const DriveOptions& options_;
    Journal journal_;
    Input input_;
    DriveResult result_;
    std::unique_ptr<Holding> holding_;
    bool resuming_ = false;
    bool recorded_ = false;
    bool cleaned_ = false;
    bool served_ = false;
};

}  // namespace

DriveResult drive(Operation& operation, World& world, const DriveOptions& options) {
    return Drive(operation, world, options).run();
}

std::string argument_hash(const CommandLine& line, const std::vector<std::string>& manner) {
    // A std::map sorts the flags: their order on the command line means nothing.
    std::map<std::string, std::string> values;
    if (const Json* given = kube::find_at(line.arguments, "/values"); given != nullptr && given->is_object()) {
        for (const auto& [name, value] : given->items()) {
            if (std::find(manner.begin(), manner.end(), name) == manner.end()) values[name] = value.dump();
        }
    }
    Json canonical = {line.plugin, line.command};
    const Json* positionals = kube::find_at(line.arguments, "/positionals");
    canonical.push_back(positionals == nullptr ? Json::array() : *positionals);
    for (const auto& [name, value] : values) canonical.push_back(name + "=" + value);
    return short_hash(canonical.dump());
}

}  // namespace holdfast::plan
