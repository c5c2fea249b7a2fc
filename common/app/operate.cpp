#include "common/app/operate.h"

#include "common/app/approve.h"
#include "common/app/exit_code.h"
#include "common/app/operation_commands.h"
#include "common/app/sentence.h"
#include "common/app/version.h"
#include "common/app/witness.h"
#include "common/core/text.h"
#include "common/plan/drive.h"
#include "common/plan/holding.h"
#include "common/plan/permissions.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>

namespace holdfast::app {

namespace {

using DryRun = CommonFlags::DryRun;

// What the journal keeps of a command line: the command's own flags. Connection flags may hold secrets and belong to
// whoever resumes.
Json recorded_arguments(const Command& command, const Arguments& arguments) {
    Json values = Json::object();
    for (const auto& option : command.options) {
        if (arguments.given(option.name)) values[option.name] = arguments.list(option.name);
    }
    return Json{{"positionals", arguments.positionals}, {"values", std::move(values)}};
}

ShownProgress make_witness(Session& session) {
    return ShownProgress(view::make_progress(session.flags().progress, session.console(), session.clock()),
                         session.flags().dry_run == DryRun::kServer);
}

plan::DriveOptions drive_options(Session& session, const Command& command, const Arguments& arguments,
                                 const std::optional<std::string>& resume) {
    plan::DriveOptions options;
    options.line.plugin = session.plugin().name;
    options.line.command = command.name;
    options.line.version = version_text();
    options.line.arguments = recorded_arguments(command, arguments);
    options.line.resume = resume;
    options.limits.stall = session.flags().timeout;
    options.limits.dry_run = session.flags().dry_run == DryRun::kServer ? kube::DryRun::kServer : kube::DryRun::kNone;
    options.plan_only = session.flags().dry_run == DryRun::kClient;
    options.approve = [&session](const plan::Plan& plan, bool resuming) { return approve(session, plan, resuming); };
    options.can_abort = [&session](kube::ClusterReader& reader, const plan::Journal& open) {
        return can_be_aborted(session, reader, open);
    };
    return options;
}

bool structured(Session& session) { return session.flags().output == "json" || session.flags().output == "yaml"; }

void print_report(Session& session, const plan::Report& report) {
    if (structured(session)) return session.print_structured(report.json);
    if (session.flags().output == "name") {
        for (const auto& name : report.names) session.console().out(escape_line(name) + "\n");
        return;
    }
    session.console().out(report.text);
    if (!report.text.empty() && report.text.back() != '\n') session.console().out("\n");
}

void print_not_verified(Session& session, const std::vector<std::string>& what) {
    for (const auto& line : what) session.console().err("not verified: " + escape_line(line) + "\n");
}

// Server warnings under --warnings-as-errors, and results that nobody could read.
int finish(Session& session) {
    if (!session.console().flush()) {
        session.console().err(
            "error: standard output was closed before the result could be written; the operation itself is done\n");
        return kResumable;
    }
    return kDone;
}

int tell_success(Session& session, const plan::DriveResult& result) {
    print_not_verified(session, result.not_verified);
    if (session.flags().dry_run == DryRun::kServer) {
        session.console().err("server dry run: the writes that could be tried were accepted; nothing was changed\n");
    } else if (session.flags().dry_run == DryRun::kNone) {
        print_report(session, result.report);
    }
    return finish(session);
}

int tell_failure(Session& session, const plan::DriveResult& result, const std::string& space) {
    print_not_verified(session, result.not_verified);
    const int code = fail_started(session, result.status.error(), result.wrote);
    if (result.resumable && !result.operation.empty()) {
        const std::string& plugin = session.plugin().name;
        const std::string ways = result.can_abort ? "can go on or be taken back" : "can only go on";
        session.console().err("operation " + result.operation + " is unfinished and " + ways + ":\n  " +
                              resume_line(plugin, result.operation, space) + "\n" +
                              (result.can_abort ? "  " + abort_line(plugin, result.operation, space) + "\n" : ""));
    }
    return code;
}

Status check_access(Session& session, const plan::Plan& plan, const std::vector<kube::AccessCheck>& more) {
    TRY_ASSIGN(auto* reader, session.reader());
    auto checks = plan::permissions(plan);
    checks.insert(checks.end(), more.begin(), more.end());
    TRY_ASSIGN(const auto allowed, plan::allowed_at(*reader, session.other(), checks));
    for (std::size_t i = 0; i < checks.size() && i < allowed.size(); i++) {
        if (allowed[i]) continue;
        const std::string where = checks[i].space.empty() ? "in the whole cluster" : "in namespace " + checks[i].space;
        const std::string which = checks[i].site == kube::Site::kThere ? " of the other cluster" : "";
        return Error{ErrorKind::kForbidden,
                     "not allowed to " + checks[i].verb + " " + checks[i].resource.qualified() +
                         (checks[i].subresource.empty() ? "" : "/" + checks[i].subresource) + " " + where + which +
                         "; nothing was changed",
                     "`kubectl " + session.plugin().name + " rbac` prints the role that is needed"};
    }
    return {};
}

PlanResult approved_and_done(Session& session, const plan::Plan& plan, const std::vector<kube::AccessCheck>& more,
                             const std::function<plan::Outcome(plan::World&, const plan::Limits&)>& act) {
    PlanResult result;
    result.status = approve(session, plan, false);
    if (!result.status.ok() || session.flags().dry_run == DryRun::kClient) return result;
    result.status = check_access(session, plan, more);
    if (!result.status.ok()) return result;
    auto witness = make_witness(session);
    auto world = session.world(witness);
    if (!world.ok()) {
        result.status = world.error();
        return result;
    }
    plan::Limits limits;
    limits.stall = session.flags().timeout;
    if (session.flags().dry_run == DryRun::kServer) limits.dry_run = kube::DryRun::kServer;
    const auto outcome = act(*world, limits);
    witness.close();
    print_not_verified(session, outcome.not_verified);
    result.status = outcome.status;
    result.wrote = outcome.wrote;
    result.acted = session.flags().dry_run == DryRun::kNone;
    return result;
}

}  // namespace

std::string resume_line(const std::string& plugin, const std::string& operation, const std::string& space) {
    return "kubectl " + plugin + " resume " + operation + " -n " + space;
}

std::string abort_line(const std::string& plugin, const std::string& operation, const std::string& space) {
    return "kubectl " + plugin + " abort " + operation + " -n " + space;
}

int fail_started(Session& session, const Error& error, bool wrote) {
    const int code = session.fail(error);
    return error.kind == ErrorKind::kInterrupted ? code : exit_code(error, wrote);
}

int operate(Session& session, const Command& command, const Arguments& arguments,
            const std::optional<std::string>& resume) {
    auto operation = command.operation(session, arguments);
    if (!operation.ok()) return session.fail(operation.error());
    auto witness = make_witness(session);
    auto world = session.world(witness);
    if (!world.ok()) return session.fail(world.error());
    const auto result = plan::drive(**operation, *world, drive_options(session, command, arguments, resume));
    witness.close();
    if (result.status.ok()) return tell_success(session, result);
    if (const auto report = (*operation)->failed_report(); report && structured(session))
        session.print_structured(report->json);
    return tell_failure(session, result, (*operation)->space());
}

PlanResult carry_out(Session& session, const plan::Plan& plan) {
    if (plan.steps.empty()) return {};
    return approved_and_done(session, plan, {}, [&](plan::World& world, const plan::Limits& limits) {
        return plan::execute(plan, world, limits);
    });
}

PlanResult carry_out_abort(Session& session, const plan::Plan& plan, plan::Journal& journal,
                           const plan::WayBack& back) {
    auto needs = plan::holding_needs(journal, plan);
    for (const char* verb : {"update", "delete"}) needs.push_back({verb, kube::kConfigMaps, journal.space, "", ""});
    return approved_and_done(session, plan, needs, [&](plan::World& world, const plan::Limits& limits) {
        const bool dry = limits.dry_run != kube::DryRun::kNone;
        return dry ? plan::execute(plan, world, limits) : plan::take_back(world, journal, plan, back, limits);
    });
}

}  // namespace holdfast::app
