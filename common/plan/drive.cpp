#include "common/plan/drive.h"

#include "common/core/hash.h"
#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/os/process_identity.h"
#include "common/os/random.h"

#include <algorithm>
#include <map>

namespace holdfast::plan {
namespace {

constexpr int kMostRounds = 16;  // no operation has more; one that asks for more loops

std::string new_id(const Operation& operation) {
    std::string target = to_lower(operation.target());
    for (char& c : target) {
        if (c == '.' || c == '/' || c == '_') c = '-';
    }
    return bounded_name(operation.kind() + "-" + target, "-" + random_letters(5), 50);
}

std::string lines_for(const Journal& journal) {
    const std::string base = "kubectl " + journal.plugin;
    return "to go on: " + base + " resume " + journal.operation + " -n " + journal.space +
           "; to take it back: " + base + " abort " + journal.operation + " -n " + journal.space;
}

// Without a journal nothing can be resumed or aborted: this finds what was made.
std::string lines_without_journal(const Journal& journal) {
    std::vector<std::string> kinds;
    for (const kube::ObjectRef& ref : created_objects(journal)) {
        const std::string kind = ref.resource.qualified();
        if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
    }
    return "somebody deleted the journal of " + journal.operation + "; what it made is still there: kubectl get " +
           join(kinds, ",") + " -n " + journal.space + " -l " + labels::kOperation + "=" + journal.operation;
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

    Status begin() {
        // The lock of the workload, its Lease and the takeover of a dead owner's operation come in here, before
        // anything is decided (safety R1-R3). Until then the journal's owner field keeps two processes of one machine
        // apart.
        journal_.argument_hash = argument_hash(options_.line);
        TRY(find_earlier());
        if (!resuming_) {
            journal_.operation = new_id(operation_);
            journal_.started = world_.clock.now();
            journal_.kind = operation_.kind();
            journal_.target = operation_.target();
            journal_.space = operation_.space();
            journal_.plugin = options_.line.plugin;
            journal_.command = options_.line.command;
            journal_.arguments = options_.line.arguments;
        }
        journal_.version = options_.line.version;
        journal_.owner = process_identity();
        input_.operation = journal_.operation;
        input_.now = journal_.started;
        input_.resuming = resuming_;
        input_.record = journal_.record;
        return {};
    }

    // An open operation with the same arguments is gone on with; one of the same kind and target with others is in the
    // way.
    Status find_earlier() {
        if (options_.line.resume) {
            TRY_ASSIGN(journal_, read_journal(world_.cluster, operation_.space(), *options_.line.resume));
            return adopt();
        }
        std::vector<std::string> damaged;
        TRY_ASSIGN(const std::vector<Journal> journals, list_journals(world_.cluster, operation_.space(), damaged));
        for (const Journal& one : journals) {
            if (one.argument_hash == journal_.argument_hash) {
                journal_ = one;
                return adopt();
            }
        }
        for (const Journal& one : journals) {
            if (one.kind == operation_.kind() && one.target == operation_.target()) {
                return Error{ErrorKind::kLocked,
                             "operation " + one.operation + " on " + one.target +
                                 " is unfinished and was begun with other arguments; nothing was changed",
                             lines_for(one), 0, ""};
            }
        }
        return {};
    }

    Status adopt() {
        if (owner_state(journal_.owner) == OwnerState::kAlive) {
            return Error{ErrorKind::kLocked,
                         "operation " + journal_.operation + " is being worked on by process " +
                             split(journal_.owner, '/').at(2) + " of this machine; nothing was changed",
                         "wait for it, or end that process", 0, ""};
        }
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
            planned->operation = journal_.operation;
            planned->round = input_.round;
            const Status checked = check(*planned);
            if (!checked.ok()) return input_.round == 0 && !resuming_ ? checked : recovered(checked.error());
            if (options_.plan_only) return {};
            Outcome outcome = carry_out(*planned);
            if (!outcome.status.ok()) return recovered(outcome.status.error());
            if (dry()) return {};  // later rounds read what this one has not really made
            if (planned->last) return {};
            if (world_.attendant != nullptr) {
                const Status attended = operation_.attend(input_, *world_.attendant);
                if (!attended.ok()) return recovered(attended.error());
                // The signal that ended the service is spent: what follows cleans up, and only another one stops that.
                served_ = served_ || world_.signals.pending();
            }
        }
        return Error{ErrorKind::kInternal, "the operation does not come to an end", "", 0, ""};
    }

    // Shown, asked, allowed and recorded, in this order: a journal must not be the first sign of a plan that nobody
    // wanted.
    Status check(const Plan& plan) {
        TRY(options_.approve(plan, resuming_));
        if (options_.plan_only) return {};
        if (input_.round == 0) TRY(may_do(plan));
        if (records()) TRY(record(plan));
        return {};
    }

    Status may_do(const Plan& plan) {
        std::vector<kube::AccessCheck> checks = permissions(plan);
        if (records()) {
            for (const char* verb : {"create", "update", "delete"})
                checks.push_back({verb, kube::kConfigMaps, operation_.space(), "", ""});
            if (!operation_.event_target().name.empty())
                checks.push_back({"create", kube::kEvents, operation_.space(), "", ""});
        }
        TRY_ASSIGN(const std::vector<bool> allowed, world_.cluster.allowed(checks));
        std::vector<std::string> missing;
        for (std::size_t i = 0; i < checks.size() && i < allowed.size(); ++i) {
            const kube::AccessCheck& check = checks[i];
            if (allowed[i]) continue;
            missing.push_back(check.verb + " " + check.resource.qualified() +
                              (check.subresource.empty() ? "" : "/" + check.subresource) +
                              (check.space.empty() ? "" : " in namespace " + check.space));
        }
        if (missing.empty()) return {};
        return Error{ErrorKind::kForbidden, "not allowed: " + join(missing, ", ") + "; nothing was changed",
                     "`kubectl " + options_.line.plugin + " rbac` prints the role that is needed", 0, ""};
    }

    // Before the round's first write: whoever finds what we made finds out why, and how to go on.
    Status record(const Plan& plan) {
        journal_.round = plan.round;
        journal_.state = "open";
        journal_.message.clear();
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
        input_.record = journal_.record;
        if (recorded_) return write_change(world_.cluster, journal_);
        result_.operation = journal_.operation;
        Status written = write_new(world_.cluster, journal_);
        if (!written.ok()) return written;
        recorded_ = true;
        result_.resumable = true;
        result_.wrote = true;
        return {};
    }

    Outcome carry_out(const Plan& plan) {
        Limits limits = options_.limits;
        limits.cleaning = served_;
        Outcome outcome = execute(plan, world_, limits);
        result_.wrote = result_.wrote || outcome.wrote;
        result_.not_verified.insert(result_.not_verified.end(), outcome.not_verified.begin(),
                                    outcome.not_verified.end());
        remember(outcome.progress);
        return outcome;
    }

    void remember(const Progress& progress) {
        for (const auto& [name, value] : progress.outputs) input_.progress.outputs[name] = value;
        input_.progress.phases.insert(input_.progress.phases.end(), progress.phases.begin(), progress.phases.end());
        result_.phases = input_.progress.phases;
    }

    // Takes down throwaways and brings service back, then gives the error that led here.
    Status recovered(const Error& error) {
        if (!records() || !recorded_) return error;
        input_.interrupted = error.kind == ErrorKind::kInterrupted;
        auto planned = operation_.recover(world_.cluster, input_, error);
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
        const Outcome outcome = execute(*planned, world_, limits);
        if (!outcome.status.ok())
            all.message += "; cleaning up stopped: " + outcome.status.error().message;
        else
            cleaned_ = planned->last;
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
            TRY(erase(world_.cluster, journal_));
            recorded_ = false;
            result_.resumable = false;
        }
        return {};
    }

    // Whoever lost a name to another operation before making anything has nothing to resume or to take back.
    bool made_nothing() {
        for (const auto& object : world_.cluster.get_all(created_objects(journal_))) {
            const bool gone = !object.ok() && object.error().kind == ErrorKind::kNotFound;
            if (!gone && !object.ok()) return false;
            if (!gone && kube::label_of(*object, labels::kOperation) == journal_.operation) return false;
        }
        return true;
    }

    // What holds is written down where the next person looks: in the journal, and as an Event on the workload.
    void stop() {
        if (!records() || !recorded_) return;
        if (result_.status.error().kind == ErrorKind::kLocked) {
            if (resuming_ || !made_nothing()) return;
            cleaned_ = true;
        }
        const Error& error = result_.status.error();
        if (cleaned_) {  // nothing is left to resume or to abort
            const Status erased = erase(world_.cluster, journal_);
            if (erased.ok())
                result_.resumable = false;
            else
                world_.witness.message("warning: " + erased.error().message);
            return;
        }
        journal_.state = "stopped";
        journal_.message = error.message;
        const Status written = write_change(world_.cluster, journal_);
        if (!written.ok() && written.error().kind == ErrorKind::kNotFound) {
            // resume and abort would not find it either.
            result_.resumable = false;
            world_.witness.message("warning: " + lines_without_journal(journal_));
        } else if (!written.ok()) {
            world_.witness.message("warning: the journal could not be written: " + written.error().message);
        }
        leave_event(error);
    }

    void leave_event(const Error& error) {
        const kube::ObjectRef on = operation_.event_target();
        if (on.name.empty()) return;
        const std::string time = format_time(world_.clock.now());
        auto target = world_.cluster.find(on);
        const Json event = {{"apiVersion", "v1"},
                            {"kind", "Event"},
                            {"metadata",
                             {{"name", bounded_name("holdfast." + journal_.operation, "." + random_letters(5), 253)},
                              {"namespace", operation_.space()}}},
                            {"involvedObject",
                             {{"apiVersion", on.resource.api_version()},
                              {"kind", on.resource.kind},
                              {"namespace", on.space},
                              {"name", on.name},
                              {"uid", target.ok() && target->has_value() ? kube::uid_of(**target) : ""}}},
                            {"type", "Warning"},
                            {"reason", "HoldfastStopped"},
                            {"message", (journal_.operation + " stopped: " + error.message + "; " +
                                         (result_.resumable ? lines_for(journal_) : lines_without_journal(journal_)))
                                            .substr(0, 1000)},
                            {"source", {{"component", "kubectl-" + journal_.plugin}}},
                            {"firstTimestamp", time},
                            {"lastTimestamp", time},
                            {"count", 1}};
        const auto made = world_.cluster.create(event);
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
    bool resuming_ = false;
    bool recorded_ = false;
    bool cleaned_ = false;
    bool served_ = false;
};

}  // namespace

DriveResult drive(Operation& operation, World& world, const DriveOptions& options) {
    return Drive(operation, world, options).run();
}

std::string argument_hash(const CommandLine& line) {
    // A std::map sorts the flags: their order on the command line means nothing.
    std::map<std::string, std::string> values;
    if (const Json* given = kube::find_at(line.arguments, "/values"); given != nullptr && given->is_object()) {
        for (const auto& [name, value] : given->items()) values[name] = value.dump();
    }
    Json canonical = {line.plugin, line.command};
    const Json* positionals = kube::find_at(line.arguments, "/positionals");
    canonical.push_back(positionals == nullptr ? Json::array() : *positionals);
    for (const auto& [name, value] : values) canonical.push_back(name + "=" + value);
    return short_hash(canonical.dump());
}

}  // namespace holdfast::plan
