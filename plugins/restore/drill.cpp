#include "plugins/restore/drill.h"

#include "common/copies/database.h"
#include "common/core/percent.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/kube/sets.h"
#include "common/os/files.h"
#include "common/plan/gc.h"
#include "common/plan/wait.h"
#include "plugins/restore/shared.h"

#include <algorithm>

namespace holdfast::restore {
namespace {

Status gather_volumes(kube::ClusterReader& reader, Throwaways& made) {
    for (const kube::Claim& claim : made.claims) {
        if (claim.volume.empty()) continue;
        TRY_ASSIGN(const std::optional<Json> object, reader.find({kube::kVolumes, "", claim.volume}));
        if (!object) continue;
        kube::Volume volume = kube::volume_of(*object);
        // Only a volume that is this claim's, and was made for it: its reclaim policy is about to become Delete.
        if (volume.claim_uid != claim.uid) continue;
        if (volume.chosen)
            made.strangers[claim.name] = volume.name;
        else
            made.volumes.push_back(std::move(volume));
    }
    std::erase_if(made.claims, [&](const kube::Claim& claim) { return made.strangers.contains(claim.name); });
    return {};
}

// Between the look for free volumes and the claims somebody may have freed one.
Status check_strangers(const Throwaways& made, const std::string& space) {
    if (made.strangers.empty()) return {};
    const auto& [claim, volume] = *made.strangers.begin();
    return Error{ErrorKind::kConflict,
                 "pvc/" + space + "/" + claim + " was bound to pv/" + volume +
                     ", which was there before and holds somebody's data; both are left as they are, and the snapshot "
                     "was not judged",
                 "set that volume's reclaim policy to Retain before you delete the claim, then run the command again"};
}

// Claims that a run before this one has made are bound by now, or asked for.
Status check_free_volumes(const DrillFacts& facts, const DrillScene& scene, const Throwaways& made) {
    for (const Instance& instance : scene.instances) {
        for (const ThrowawayClaim& claim : instance.claims) {
            const bool there = std::any_of(made.claims.begin(), made.claims.end(),
                                           [&](const kube::Claim& one) { return one.name == claim.spec.name; });
            if (!there) TRY(check_rivals(facts.source.free_volumes, claim.spec));
        }
    }
    return {};
}

Result<DrillFacts> gather_facts(kube::ClusterReader& reader, const DrillOptions& options) {
    DrillFacts facts;
    TRY_ASSIGN(facts.source, gather_source(reader, options.space, options.name));
    auto services = reader.list(kube::kServices, options.space);
    if (!services.ok()) return services.error();
    facts.services = std::move(services->items);
    std::vector<kube::AccessCheck> checks;
    for (const char* verb : {"create", "get", "list", "watch", "delete"})
        checks.push_back({verb, kube::kNetworkPolicies, options.space, "", ""});
    TRY_ASSIGN(const std::vector<bool> allowed, reader.allowed(checks));
    facts.policies_allowed = std::all_of(allowed.begin(), allowed.end(), [](bool one) { return one; });
    return facts;
}

bool is_quota(const Error& error) {
    return error.kind == ErrorKind::kForbidden && error.message.find("exceeded quota") != std::string::npos;
}

// A pod that somebody deleted, a drained node, a connection that broke: nothing is known of the data.
bool is_of_infrastructure(const Error& error) {
    if (error.message.find("not judged") != std::string::npos) return false;
    return error.kind == ErrorKind::kFailed || error.kind == ErrorKind::kUnavailable ||
           error.kind == ErrorKind::kTimeout || error.reason == plan::kDeletedMeanwhile;
}

}  // namespace

Result<Throwaways> gather_throwaways(kube::ClusterReader& reader, const std::string& space,
                                     const std::string& operation, bool policies) {
    Throwaways made;
    kube::ListOptions mine;
    mine.label_selector = std::string(labels::kOperation) + "=" + operation;
    TRY_ASSIGN(const kube::List pods, reader.list(kube::kPods, space, mine));
    for (const Json& pod : pods.items) {
        if (plan::is_named_after(kube::name_of(pod), operation)) made.pods.push_back(kube::pod_state_of(pod));
    }
    TRY_ASSIGN(const kube::List claims, reader.list(kube::kClaims, space, mine));
    // Whoever copies a claim of an open set to keep it copies its labels along.
    for (const Json& claim : claims.items) {
        if (plan::is_named_after(kube::name_of(claim), operation)) made.claims.push_back(kube::claim_of(claim));
    }
    TRY(gather_volumes(reader, made));
    if (!policies) return made;
    TRY_ASSIGN(const std::optional<Json> policy, reader.find({kube::kNetworkPolicies, space, operation}));
    if (policy && kube::label_of(*policy, labels::kOperation) == operation) {
        made.policy = operation;
        made.policy_uid = kube::uid_of(*policy);
    }
    return made;
}

Drill::Stage Drill::stage(int round) const {
    constexpr Stage kStages[] = {Stage::kRestore, Stage::kStart, Stage::kCheck, Stage::kFinish};
    if (clear_first_ && round == 0) return Stage::kClear;
    const int index = round - (clear_first_ ? 1 : 0);
    return kStages[std::clamp(index, 0, 3)];
}

Result<plan::Plan> Drill::plan(kube::ClusterReader& reader, const plan::Input& input) {
    return input.round == 0 ? first_round(reader, input) : later_round(reader, input);
}

Result<plan::Plan> Drill::first_round(kube::ClusterReader& reader, const plan::Input& input) {
    TRY_ASSIGN(facts_, gather_facts(reader, options_));
    TRY_ASSIGN(scene_, set_scene(options_, *facts_, input.operation));
    clear_first_ = false;
    Throwaways made;
    if (input.resuming) {
        TRY_ASSIGN(made, gather_throwaways(reader, options_.space, input.operation, facts_->policies_allowed));
        TRY(check_strangers(made, options_.space));
        clear_first_ = made.deleting();
        if (clear_first_) {
            plan::Plan plan;
            plan.last = false;
            plan.steps = plan_teardown(options_, made);
            plan.later.push_back("restore the volumes again and go on from there");
            return plan;
        }
    }
    TRY(check_free_volumes(*facts_, *scene_, made));
    return plan_restore(options_, *facts_, *scene_, input.operation);
}

Result<plan::Plan> Drill::later_round(kube::ClusterReader& reader, const plan::Input& input) {
    TRY_ASSIGN(const Throwaways made,
               gather_throwaways(reader, options_.space, input.operation, facts_->policies_allowed));
    TRY(check_strangers(made, options_.space));
    switch (stage(input.round)) {
        case Stage::kClear:
        case Stage::kRestore:
            return plan_restore(options_, *facts_, *scene_, input.operation);
        case Stage::kStart:
            return plan_start(options_, *facts_, *scene_, made, input.operation);
        case Stage::kCheck:
            return plan_check(options_, *scene_, made);
        case Stage::kFinish:
            return finish(reader, input, made);
    }
    return Error{ErrorKind::kInternal, "no such round"};
}

Result<plan::Plan> Drill::finish(kube::ClusterReader& reader, const plan::Input& input, const Throwaways& made) {
    plan::Plan plan;
    verdict_ = judge(options_, *facts_, *scene_, input.progress.outputs);
    // recover() marks, takes down and tells: one way for data that disappoints, whenever that is seen.
    if (!verdict_.good && !options_.keep_open) return Error{ErrorKind::kMismatch, join(verdict_.problems, "; ")};
    if (!options_.keep_open) {
        TRY(refresh_record(reader));
        auto mark = mark_step(options_, *facts_, verdict_, input.operation, format_time(clock_.now()),
                              rto_seconds(input.progress.phases));
        if (mark) plan.steps.push_back(std::move(*mark));
    }
    if (options_.cleanup) {
        for (plan::Step& step : plan_teardown(options_, made)) plan.steps.push_back(std::move(step));
    }
    return plan;
}

// The set's record as it is now, so that the mark goes on what others may have written meanwhile.
Status Drill::refresh_record(kube::ClusterReader& reader) {
    Source& source = facts_->source;
    if (!source.is_set || !source.record || source.record->uid.empty()) return {};
    TRY_ASSIGN(kube::SnapshotSet fresh, kube::read_set(reader, source.space, source.name));
    if (fresh.uid != source.record->uid)
        return Error{ErrorKind::kConflict, source.text() + " was replaced by another set of the same name meanwhile"};
    source.record = std::move(fresh);
    return {};
}

Status Drill::attend(const plan::Input& input, plan::Attendant& attendant) {
    if (!options_.keep_open || stage(input.round) != Stage::kCheck) return {};
    const Verdict verdict = judge(options_, *facts_, *scene_, input.progress.outputs);
    for (const std::string& problem : verdict.problems) console_.err("warning: " + problem + "\n");
    const std::string user = options_.user.empty() ? scene_->engine.user : options_.user;
    const std::string database = options_.database.empty() ? scene_->engine.default_database : options_.database;
    int announced = 0;
    return attendant.serve(options_.space, scene_->instances[scene_->asked].pod, kDatabasePort, [&](int port) {
        if (port == announced) return;
        announced = port;
        console_.out("postgresql://" + percent_encode(user) + "@127.0.0.1:" + std::to_string(port) + "/" +
                     percent_encode(database) + "\n");
        console_.flush();
        console_.err(facts_->source.text() + " is open, read-only, as of " +
                     scene_->instances[scene_->asked].claims.front().member->facts.cut_at +
                     "; Ctrl-C ends it and removes it\n");
    });
}

// What is told and marked is good to have; that it could not be must never keep the throwaways from being taken down.
void Drill::told_of_data(kube::ClusterReader& reader, const plan::Input& input, const Error& error,
                         const std::string& problem, plan::Plan& plan) {
    plan.instead = error;
    plan.instead->kind = ErrorKind::kMismatch;
    plan.instead->message = facts_->source.text() + " is not as expected: " + problem;
    plan.instead->hint = "the live workload was not touched; an older set may still be good: `kubectl snap list`";
    if (options_.keep_open) return;
    const Verdict verdict = verdict_.good ? failed(problem) : verdict_;
    if (const Status fresh = refresh_record(reader); fresh.ok()) {
        auto mark = mark_step(options_, *facts_, verdict, input.operation, format_time(clock_.now()), 0);
        if (mark) {
            mark->optional = true;
            plan.steps.push_back(std::move(*mark));
        }
    } else {
        console_.err("warning: " + facts_->source.text() + " is not marked: " + fresh.error().message + "\n");
    }
    failed_report_ = drill_report(options_, *facts_, *scene_, verdict, input.progress.phases, input.operation);
    const Status written = write_report_file(*failed_report_);
    if (!written.ok()) console_.err("warning: the report was not written: " + written.error().message + "\n");
}

Result<plan::Plan> Drill::recover(kube::ClusterReader& reader, const plan::Input& input, const Error& error) {
    plan::Plan plan;
    // A resume that could not even read its source knows nothing of policies: an earlier run may have made one.
    bool policies = facts_ && facts_->policies_allowed;
    if (!facts_) {
        TRY_ASSIGN(const std::vector<bool> may,
                   reader.allowed({{"get", kube::kNetworkPolicies, options_.space, "", ""},
                                   {"delete", kube::kNetworkPolicies, options_.space, "", ""}}));
        policies = std::all_of(may.begin(), may.end(), [](bool one) { return one; });
    }
    TRY_ASSIGN(const Throwaways made, gather_throwaways(reader, options_.space, input.operation, policies));
    if (facts_ && scene_) {
        const std::optional<ContainerFailure> cause =
            error.kind == ErrorKind::kInterrupted ? std::nullopt : container_failure(made, *scene_);
        if (error.kind == ErrorKind::kMismatch || (cause && cause->of_data)) {
            told_of_data(reader, input, error, cause ? cause->text : error.message, plan);
        } else if (cause) {
            plan.instead = Error{ErrorKind::kUnavailable, cause->text + "; the data was not judged",
                                 "run the command again, perhaps with another --image"};
        } else if (is_of_infrastructure(error)) {
            plan.instead =
                Error{ErrorKind::kUnavailable, error.message + (options_.keep_open ? "" : "; the data was not judged"),
                      error.hint.empty() ? "run the command again" : error.hint};
        }
    }
    if (is_quota(error))
        plan.instead = Error{ErrorKind::kUnavailable, error.message + "; the data was not judged",
                             "make room in the quota, then run the command again"};
    if (options_.cleanup) {
        for (plan::Step& step : plan_teardown(options_, made)) plan.steps.push_back(std::move(step));
    } else if (!made.empty()) {
        plan.last = false;
        plan.notes.push_back("left there (--no-cleanup): `kubectl restore gc -n " + options_.space + "` removes it");
    }
    return plan;
}

Status Drill::write_report_file(const plan::Report& report) {
    if (options_.report_file.empty()) return {};
    return write_file_atomic(options_.report_file,
                             report.json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

Result<plan::Report> Drill::report(kube::ClusterReader& reader, const plan::Input& input) {
    if (options_.cleanup) {
        TRY_ASSIGN(const Throwaways left,
                   gather_throwaways(reader, options_.space, input.operation, facts_->policies_allowed));
        if (!left.empty())
            return Error{ErrorKind::kUnavailable, "throwaway objects of " + input.operation + " are still there",
                         "`kubectl restore gc -n " + options_.space + "` removes them"};
    }
    if (options_.keep_open) {
        plan::Report report;
        report.text = facts_->source.text() + " closed, everything of it removed\n";
        report.json = {{"apiVersion", "holdfast.dev/v1"}, {"kind", "OpenReport"}, {"source", facts_->source.text()}};
        return report;
    }
    plan::Report report = drill_report(options_, *facts_, *scene_, verdict_, input.progress.phases, input.operation);
    if (const Status written = write_report_file(report); !written.ok()) {
        console_.err(report.text);  // what took minutes to find out is not lost
        return Error{ErrorKind::kFailed, "the report was not written: " + written.error().message +
                                             "; the drill itself is done, and its result stands above"};
    }
    return report;
}

}  // namespace holdfast::restore
