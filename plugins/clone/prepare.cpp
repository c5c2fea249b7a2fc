#include "plugins/clone/prepare.h"

#include "common/copies/database.h"
#include "common/copies/live_members.h"
#include "common/copies/live_pods.h"
#include "common/core/hash.h"
#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/placement.h"
#include "common/kube/objects/redact.h"
#include "common/kube/objects/workload.h"
#include "common/plan/make_step.h"
#include "plugins/clone/held.h"
#include "plugins/clone/sites.h"
#include "plugins/clone/statements.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace holdfast::clone {
namespace {

using plan::Condition;
using plan::Create;
using plan::Step;
using plan::WaitFor;

constexpr std::chrono::hours kLongest{
    48};  // a statement says nothing until it ends; a large table is rewritten as a whole
constexpr char kVersionQuery[] = "select current_setting('server_version_num')";

std::string version_output(std::size_t instance) { return "version-" + std::to_string(instance); }

std::string emptied_output(std::size_t instance) { return "emptied-" + std::to_string(instance); }

// "150014" -> 15
std::optional<int> major_of(const std::string& number) {
    int value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error != std::errc() || end != number.data() + number.size() || value < 90000) return std::nullopt;
    return value / 10000;
}

plan::Sql sql_on(const CloneOptions& options, const Treatment& treatment, const Instance& instance,
                 const std::string& statement) {
    plan::Sql sql;
    sql.space = options.to_space;
    sql.pod = instance.pod;
    sql.container = "database";
    sql.port = kDatabasePort;
    sql.user = options.user.empty() ? treatment.engine.user : options.user;
    sql.database = options.database.empty() ? treatment.engine.default_database : options.database;
    sql.statement = statement;
    return sql;
}

const Json* place_of_pods(const CloneOptions& options, const LiveFacts& live) {
    if (!(*options.source.resource == kube::kClaims)) return &live.workloads.front();
    return live.pods.empty() ? nullptr : &live.pods.front();
}

}  // namespace

Source recorded_source(const CloneOptions& options, const LiveFacts& live, const Choice& choice) {
    Source source;
    source.space = options.space;
    source.name = options.source.text();
    source.members = choice.sources;
    kube::SnapshotSet record;
    std::vector<kube::SetMember> members;
    for (const Member& one : choice.sources) members.push_back(one.facts);
    record.members = members;
    record.containers = containers_of(live, cut_request(options, {}), members);
    if (const Json* workload = place_of_pods(options, live); workload != nullptr) {
        record.workload_kind = kube::text_at(*workload, "/kind");
        record.workload_name = kube::name_of(*workload);
        record.workload_manifest = kube::manifest_to_keep(*workload);
    }
    for (const kube::ContainerFacts& container : record.containers) {
        const std::string folder = kube::literal_env(container.env, "PGDATA");
        if (record.app.data_directory.empty()) record.app.data_directory = folder;
    }
    source.record = std::move(record);
    return source;
}

Result<Treatment> treatment_of(const CloneOptions& options, Source source, const std::vector<const Copy*>& copies,
                               const Choice& choice, const std::string& operation) {
    Treatment treatment;
    treatment.source = std::move(source);
    TRY_ASSIGN(treatment.engine, choose_engine(treatment.source, options.image, true));
    treatment.engine.lasting = true;
    treatment.engine.masks = !options.sql.empty();
    std::map<int, std::vector<ThrowawayClaim>> by_ordinal;
    for (const Copy* copy : copies) {
        ThrowawayClaim claim;
        claim.member = &choice.sources[copy->of];
        claim.spec = copy->spec;
        by_ordinal[copy->ordinal].push_back(std::move(claim));
    }
    for (auto& [ordinal, claims] : by_ordinal) {
        const std::string pod = treatment_pod(operation, treatment.instances.size());
        treatment.instances.push_back(instance_on(treatment.source, treatment.engine, pod, std::move(claims)));
        treatment.instances.back().ordinal = ordinal;
        treatment.instances.back().waits_for_pod = false;  // they are bound
    }
    return treatment;
}

std::string treatment_pod(const std::string& operation, std::size_t instance) {
    return bounded_name(operation, "-db-" + std::to_string(instance));
}

std::vector<std::string> pods_of_treatment(const Treatment& treatment) {
    std::vector<std::string> pods;
    for (const Instance& one : treatment.instances) pods.push_back(one.pod);
    return pods;
}

plan::Plan plan_ask(const CloneOptions& options, const Treatment& treatment) {
    plan::Plan plan;
    plan.last = false;
    std::vector<std::string> made, first;
    if (!treatment.policy.empty()) {
        first = {"create-policy"};
        plan.steps.push_back(
            plan::make_step(first.front(), "create networkpolicy/" + options.to_space + "/" + treatment.policy,
                            "denies the throwaway pods all traffic, where the network heeds it",
                            Create{throwaway_policy_manifest(treatment.policy, options.to_space, kTreatmentRole), {}}));
    }
    for (const Instance& instance : treatment.instances) {
        plan.steps.push_back(plan::make_step(
            "create-db-" + instance.pod, "create pod/" + options.to_space + "/" + instance.pod,
            "a throwaway PostgreSQL, loopback only, its own configuration: nobody else can connect",
            Create{
                throwaway_pod_manifest(instance, treatment.engine, treatment.source, options.to_space, kTreatmentRole),
                {}},
            first));
        made.push_back(plan.steps.back().id);
    }
    plan.steps.push_back(plan::make_step(
        "wait-db", "wait until the databases accept connections", "",
        WaitFor{kube::kPods, options.to_space, pods_of_treatment(treatment), Condition::kPodReady, ""}, made));
    for (std::size_t i = 0; i < treatment.instances.size(); ++i) {
        plan::Sql sql = sql_on(options, treatment, treatment.instances[i], kVersionQuery);
        const std::string id = sql.output = version_output(i);
        plan.steps.push_back(plan::make_step(id, "ask pod/" + treatment.instances[i].pod + " for its version", "",
                                             std::move(sql), {"wait-db"}));
    }
    return plan;
}

bool was_asked(const Treatment& treatment, const std::map<std::string, std::string>& outputs) {
    for (std::size_t i = 0; i < treatment.instances.size(); ++i) {
        if (!outputs.contains(version_output(i))) return false;
    }
    return true;
}

std::string emptied_views(const std::map<std::string, std::string>& outputs) {
    const auto told = outputs.find(emptied_output(0));
    return told == outputs.end() ? "" : told->second;
}

std::optional<plan::Step> take_policy(const CloneOptions& options, const Treatment& treatment,
                                      std::vector<std::string> after) {
    if (treatment.policy.empty()) return std::nullopt;
    plan::Step step = plan::delete_step("delete-policy", {kube::kNetworkPolicies, options.to_space, treatment.policy},
                                        "", "no throwaway pod is left", std::move(after));
    std::get<plan::Delete>(step.action).wait = false;  // nothing holds it
    return step;
}

plan::Step mark_prepared(const CloneOptions& options, const std::string& claim, const std::string& mark, const Now& now,
                         std::vector<std::string> after) {
    const auto there = now.claims.find(claim);
    return plan::patch_step("mark-" + claim, "mark pvc/" + options.to_space + "/" + claim + " as prepared",
                            starts_with(mark, "draft:") ? "its statements have run" : "from here on it may be used",
                            {kube::kClaims, options.to_space, claim},
                            there == now.claims.end() ? "" : there->second.uid,
                            {{"metadata", {{"annotations", {{labels::kPrepared, mark}}}}}}, std::move(after));
}

Result<plan::Plan> plan_treat(const CloneOptions& options, const Treatment& treatment, const std::string& mark,
                              const Now& now, const std::map<std::string, std::string>& outputs) {
    plan::Plan plan;
    plan.last = false;
    std::vector<std::string> treated;
    for (std::size_t i = 0; i < treatment.instances.size(); ++i) {
        const Instance& instance = treatment.instances[i];
        const auto told = outputs.find(version_output(i));
        const auto major = told == outputs.end() ? std::nullopt : major_of(told->second);
        if (!major)
            return Error{ErrorKind::kMismatch,
                         "pod/" + options.to_space + "/" + instance.pod + " did not tell its version"};
        if (!options.sql.empty() && *major < 12)
            return Error{ErrorKind::kFailed, "PostgreSQL " + std::to_string(*major) +
                                                 " uses the segments of its log again, with old rows in them: masking "
                                                 "needs 12 or later"};
        std::vector<std::string> after;
        for (const Statement& one : statements_for(options)) {
            if (!fits(one, *major)) continue;
            plan::Sql sql = sql_on(options, treatment, instance, one.text);
            sql.writes = true;
            sql.rerunnable = one.id != "mask";
            if (one.id == kRefreshId) sql.output = emptied_output(i);
            Step step = plan::make_step(one.id + "-" + std::to_string(i),
                                        one.title + " in pod/" + options.to_space + "/" + instance.pod, "",
                                        std::move(sql), after);
            step.phase = "prepare";
            step.limit = kLongest;
            after = {step.id};
            plan.steps.push_back(std::move(step));
        }
        treated.push_back(after.front());
    }
    std::vector<std::string> gone;
    for (const Instance& instance : treatment.instances) {
        gone.push_back("delete-db-" + instance.pod);
        plan.steps.push_back(plan::delete_step(gone.back(), {kube::kPods, options.to_space, instance.pod}, "",
                                               "it shuts down with a checkpoint", treated));
    }
    // The policy is the copying pods', too, where drafts are treated.
    if (auto step = options.sql.empty() ? take_policy(options, treatment, gone) : std::nullopt) {
        gone = {step->id};
        plan.steps.push_back(std::move(*step));
    }
    // Last of all: who finds the mark finds a copy that was closed well.
    for (const Instance& instance : treatment.instances) {
        for (const ThrowawayClaim& claim : instance.claims)
            plan.steps.push_back(mark_prepared(options, claim.spec.name, mark, now, gone));
    }
    return plan;
}

std::string mark_of(const CloneOptions& options) {
    std::vector<std::string> parts;
    if (!options.sql.empty()) parts.push_back("masked:" + short_hash(options.sql));
    if (options.isolated) parts.push_back("isolated");
    return join(parts, ",");
}

void foretell_treatment(const CloneOptions& options, const Choice& seeds, bool shielded, plan::Plan& plan) {
    const std::string where = seeds.copies.size() == 1 ? "a throwaway PostgreSQL on the clone's volume"
                                                       : "throwaway PostgreSQLs on the clone's volumes";
    plan.later.push_back("start " + where + ", on loopback alone" +
                         (options.sql.empty() ? "" : ", run the masking statements, and rewrite what they changed") +
                         (options.isolated ? ", take archiving, replication and subscriptions out" : ""));
    const auto need = [&](std::initializer_list<const char*> verbs, const kube::Resource& resource,
                          const std::string& subresource = "") {
        for (const char* verb : verbs)
            plan.later_needs.push_back({verb, resource, options.to_space, subresource, "", site_of(options)});
    };
    need({"create", "get", "list", "watch", "delete"}, kube::kPods);
    need({"create"}, kube::kPods, "portforward");
    need({"patch"}, kube::kClaims);
    if (shielded)
        need({"create", "get", "list", "watch", "delete"}, kube::kNetworkPolicies);
    else
        plan.notes.push_back(
            "no NetworkPolicy is made around the throwaway pods (not allowed here): they listen on loopback only and "
            "no Service selects them, but what the statements call could reach others");
    if (options.sql.empty()) return;
    plan.later.push_back(
        "copy every file of what is masked onto fresh volumes and compare them, since blocks that the source or the "
        "masking has freed may still hold old rows; then remove the drafts: until then as much room again is needed");
    const auto need_volumes = [&](const char* verb) {
        plan.later_needs.push_back({verb, kube::kVolumes, "", "", "", site_of(options)});
    };
    for (const char* verb : {"get", "list", "watch"}) need_volumes(verb);
    const bool kept = std::any_of(seeds.copies.begin(), seeds.copies.end(),
                                  [](const Copy& one) { return one.spec.storage_class.reclaim_policy == "Retain"; });
    if (kept) need_volumes("patch");
}

}  // namespace holdfast::clone
