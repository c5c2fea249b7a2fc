#include "plugins/restore/verdict.h"

#include "common/copies/database.h"
#include "common/core/text.h"
#include "common/db/postgres.h"
#include "common/kube/objects/labels.h"
#include "plugins/restore/shared.h"

namespace holdfast::restore {
namespace {

constexpr std::size_t kShown = 200;

std::string in_quotes(const std::string& text) {
    return "\"" + escape_line(text.substr(0, kShown)) + (text.size() > kShown ? "…" : "") + "\"";
}

void compare(Verdict& verdict, const std::string& who, const char* what, const std::string& read,
             const std::string& recorded) {
    if (recorded.empty() || read == recorded) return;
    verdict.problems.push_back(who + ": " + what + " is " + escape_line(read) + ", recorded was " +
                               escape_line(recorded));
}

void judge_identities(Verdict& verdict, const DrillFacts& facts, const DrillScene& scene,
                      const std::map<std::string, std::string>& outputs) {
    for (std::size_t i = 0; i < scene.instances.size(); ++i) {
        const std::string who = scene.instances[i].text();
        const auto output = outputs.find("identity-" + std::to_string(i));
        const auto identity = db::parse_identity(output == outputs.end() ? "" : output->second);
        if (!identity.ok()) {
            verdict.problems.push_back(who + ": " + identity.error().message);
            continue;
        }
        verdict.instances.push_back({who, identity->version, identity->system_identifier, identity->timeline});
        if (!facts.source.record) continue;
        const kube::AppFacts& app = facts.source.record->app;
        compare(verdict, who, "the major version", db::major_version(identity->version).value_or(""),
                app.major_version);
        // What was recorded is what the first ordinal said; others may be databases of their own.
        if (i > 0) continue;
        compare(verdict, who, "the system identifier", identity->system_identifier, app.system_identifier);
        compare(verdict, who, "the timeline", identity->timeline, app.timeline);
    }
}

void judge_answer(Verdict& verdict, const DrillOptions& options) {
    if (!options.expect || !verdict.answer || *verdict.answer == *options.expect) return;
    verdict.problems.push_back(std::string(options.query.empty() ? "the command printed " : "the query gave ") +
                               in_quotes(*verdict.answer) + ", expected was " + in_quotes(*options.expect));
}

// The whole record is written again, as it was read: by its resourceVersion nobody else's change is lost.
plan::Patch mark_on_set(const kube::SnapshotSet& record, const Verdict& verdict, const std::string& operation,
                        const std::string& at, const std::string& detail) {
    kube::SnapshotSet set = record;
    set.verified_level = verdict.level;
    set.verified_at = at;
    set.verified_by = operation;
    set.verified_detail = detail;
    plan::Patch patch;
    patch.ref = {kube::kConfigMaps, set.space, kube::set_config_map_name(set.name)};
    patch.body = {{"data", {{"set.json", kube::set_record(set)}}}};
    patch.preconditions = {set.uid, set.resource_version};
    return patch;
}

plan::Patch mark_on_snapshot(const kube::Snapshot& snapshot, const Verdict& verdict, const std::string& operation,
                             const std::string& at, const std::string& detail) {
    const Json mark = {{"level", verdict.level}, {"at", at}, {"by", operation}, {"detail", detail}};
    plan::Patch patch;
    patch.ref = {kube::kSnapshots, snapshot.space, snapshot.name};
    patch.body = {
        {"metadata",
         {{"annotations", {{labels::kVerified, mark.dump(-1, ' ', false, Json::error_handler_t::replace)}}}}}};
    patch.preconditions = {snapshot.uid, ""};
    return patch;
}

std::string phases_text(const std::vector<plan::Phase>& phases) {
    std::string text;
    for (const plan::Phase& phase : summed(phases))
        text += "  " + phase.name + std::string(phase.name.size() < 18 ? 18 - phase.name.size() : 1, ' ') +
                human_elapsed(phase.seconds) + "\n";
    return text + "  RTO               " + human_elapsed(rto_seconds(phases)) +
           "   (excludes hydration: some storage brings the data in only when it is read)\n";
}

std::string instance_text(const InstanceFacts& facts) {
    return "  " + facts.name + ": PostgreSQL " + escape_line(facts.version) + ", system identifier " +
           facts.system_identifier + ", timeline " + facts.timeline + "\n";
}

}  // namespace

Verdict judge(const DrillOptions& options, const DrillFacts& facts, const DrillScene& scene,
              const std::map<std::string, std::string>& outputs) {
    Verdict verdict;
    if (scene.engine.database) {
        judge_identities(verdict, facts, scene, outputs);
        if (const auto found = outputs.find("query"); found != outputs.end()) verdict.answer = found->second;
    } else {
        const auto found = outputs.find("exec");
        const CheckOutput check = parse_check(found == outputs.end() ? "" : found->second);
        verdict.answer = check.out;
        if (check.exit_code != 0) {
            verdict.problems.push_back(check.exit_code < 0
                                           ? "the command was cut off"
                                           : "the command ended with exit code " + std::to_string(check.exit_code) +
                                                 (check.out.empty() ? "" : ": " + in_quotes(check.out)));
        }
    }
    judge_answer(verdict, options);
    verdict.good = verdict.problems.empty();
    const bool asked = !options.query.empty() || !options.command.empty();
    verdict.level = !verdict.good ? "failed" : asked ? "checked" : "started";
    return verdict;
}

Verdict failed(const std::string& problem) {
    Verdict verdict;
    verdict.good = false;
    verdict.level = "failed";
    verdict.problems = {problem};
    return verdict;
}

std::optional<ContainerFailure> container_failure(const Throwaways& made, const DrillScene& scene) {
    constexpr std::size_t kTail = 600;
    for (const kube::PodState& pod : made.pods) {
        for (const kube::ContainerState& container : pod.containers) {
            const int code = container.exit_code;
            if (container.running || code < 0 || pod.deleting) continue;
            // 126 and 127: the shell is not there; over 128: killed, by memory or by the node.
            const bool around =
                code == kOtherImage || code == kCannotRunAs || code >= 126 || container.ended_reason == "OOMKilled";
            const std::string& said = container.ended_message;
            ContainerFailure failure;
            failure.of_data = scene.engine.database && !around;
            failure.text =
                "pod/" + pod.space + "/" + pod.name +
                (failure.of_data ? ": PostgreSQL did not start on the restored data" : ": the container did not run") +
                " (" + container.ended_reason + ", exit code " + std::to_string(code) +
                "): " + said.substr(said.size() > kTail ? said.size() - kTail : 0);
            return failure;
        }
    }
    return std::nullopt;
}

std::optional<plan::Step> mark_step(const DrillOptions& options, const DrillFacts& facts, const Verdict& verdict,
                                    const std::string& operation, const std::string& at, double rto) {
    const Source& source = facts.source;
    const bool on_set = source.is_set && source.record && !source.record->uid.empty();
    if (on_set && verdict.level == "started" && source.record->verified_level == "checked") return std::nullopt;
    std::string detail = verdict.good ? (verdict.level == "checked"
                                             ? (options.query.empty() ? "command as expected" : "query as expected")
                                             : "accepted connections")
                                      : join(verdict.problems, "; ").substr(0, 500);
    if (verdict.good) detail += "; RTO " + human_elapsed(rto);
    plan::Step step;
    step.id = "mark";
    step.title = "write \"" + verdict.level + "\" on " + source.text();
    step.reason = "only a checked one protects from prune";
    if (on_set) {
        step.action = mark_on_set(*source.record, verdict, operation, at, detail);
    } else {
        // A lost set is marked on its first snapshot; a single one on itself.
        if (source.members.empty() || !source.members.front().snapshot) return std::nullopt;
        step.action = mark_on_snapshot(*source.members.front().snapshot, verdict, operation, at, detail);
    }
    return step;
}

std::vector<plan::Phase> summed(const std::vector<plan::Phase>& phases) {
    std::vector<plan::Phase> sums;
    for (const plan::Phase& phase : phases) {
        auto found = sums.begin();
        while (found != sums.end() && found->name != phase.name) ++found;
        if (found == sums.end())
            sums.push_back(phase);
        else
            found->seconds += phase.seconds;
    }
    return sums;
}

double rto_seconds(const std::vector<plan::Phase>& phases) {
    double sum = 0;
    for (const plan::Phase& phase : phases) sum += phase.name == "query" ? 0 : phase.seconds;
    return sum;
}

plan::Report drill_report(const DrillOptions& options, const DrillFacts& facts, const DrillScene& scene,
                          const Verdict& verdict, const std::vector<plan::Phase>& phases,
                          const std::string& operation) {
    plan::Report report;
    const std::string text = facts.source.text();
    report.text = text + " drilled: " + verdict.level + "\n";
    for (const InstanceFacts& facts_of_one : verdict.instances) report.text += instance_text(facts_of_one);
    if (verdict.answer)
        report.text += std::string("  ") + (options.query.empty() ? "the command printed " : "the query gave ") +
                       in_quotes(*verdict.answer) + (options.expect && verdict.good ? ", as expected" : "") + "\n";
    for (const std::string& problem : verdict.problems) report.text += "  not as expected: " + problem + "\n";
    report.text += phases_text(phases);
    if (!options.cleanup) {
        report.text += "  left there: pods and claims with label holdfast.dev/operation=" + operation +
                       " in namespace " + options.space + "; `kubectl restore gc -n " + options.space +
                       "` removes them\n";
    }
    Json list = Json::array(), times = Json::array();
    for (const InstanceFacts& one : verdict.instances)
        list.push_back({{"name", one.name},
                        {"version", one.version},
                        {"systemIdentifier", one.system_identifier},
                        {"timeline", one.timeline}});
    for (const plan::Phase& phase : summed(phases)) times.push_back({{"name", phase.name}, {"seconds", phase.seconds}});
    report.json = {{"apiVersion", "holdfast.dev/v1"},   {"kind", "DrillReport"},   {"source", text},
                   {"namespace", options.space},        {"operation", operation},  {"level", verdict.level},
                   {"image", scene.engine.image},       {"instances", list},       {"phases", times},
                   {"rtoSeconds", rto_seconds(phases)}, {"excludes", "hydration"}, {"problems", verdict.problems}};
    if (verdict.answer) report.json["answer"] = *verdict.answer;
    if (options.expect) report.json["expected"] = *options.expect;
    report.names = {text};
    return report;
}

}  // namespace holdfast::restore
