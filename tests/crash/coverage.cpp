#include "tests/crash/coverage.h"

#include "common/plan/observe.h"
#include "common/plan/waits.h"
#include "tests/crash/plugins.h"

#include <algorithm>
#include <array>
#include <variant>

namespace holdfast::crash {
namespace {

// In the order of plan::Action; Copy has no way to be carried out before there is a mover.
constexpr std::array kKinds = {"create", "patch", "delete", "scale", "wait", "exec", "sql", "", "evict"};
static_assert(kKinds.size() == std::variant_size_v<plan::Action> + 1);

std::string kind_of(const plan::Step& step) {
    const auto* gone = std::get_if<plan::Delete>(&step.action);
    return gone != nullptr && gone->evict ? kKinds.back() : kKinds.at(step.action.index());
}

}  // namespace

Tally& Tally::operator+=(const Tally& other) {
    cases += other.cases;
    doubles += other.doubles;
    violations += other.violations;
    looks += other.looks;
    with_actors += other.with_actors;
    refused += other.refused;
    unseen += other.unseen;
    as_another += other.as_another;
    faults.insert(other.faults.begin(), other.faults.end());
    return *this;
}

std::vector<std::string> missing_commands() {
    std::vector<std::string> missing;
    for (const TestedPlugin& tested : plugins()) {
        const app::Plugin plugin = tested.make();
        std::set<std::string> covered;
        for (const Entry& entry : matrix()) {
            if (entry.plugin == plugin.name || entry.plugin.empty()) covered.insert(entry.command);
        }
        for (const app::Command& command : plugin.commands) {
            if ((command.operation || command.act) && !covered.contains(command.name))
                missing.push_back("kubectl " + plugin.name + " " + command.name + " has no case");
        }
    }
    return missing;
}

std::vector<std::string> missing_steps(const std::vector<const Reference*>& references) {
    std::set<sim::Verb> seen;
    for (const Reference* reference : references) {
        for (const sim::Call& call : reference->calls) seen.insert(call.verb);
    }
    std::vector<std::string> missing;
    // What the kinds of steps become; Copy has no way to be carried out before there is a mover.
    for (const sim::Verb verb : {sim::Verb::kCreate, sim::Verb::kPatch, sim::Verb::kDelete, sim::Verb::kWatch,
                                 sim::Verb::kExec, sim::Verb::kHold, sim::Verb::kSql}) {
        if (!seen.contains(verb)) missing.push_back("no case has a step that becomes " + sim::verb_name(verb));
    }
    return missing;
}

std::vector<std::string> missing_in_plans(const sim::Sim& world) {
    std::set<std::string> missing, kinds;
    for (const Entry& entry : matrix()) {
        if (entry.plugin.empty()) continue;
        const std::string command = entry.plugin + " " + entry.command;
        const auto look = [&](const kube::Resource& resource, plan::Condition condition) {
            for (const plan::Waiting& row : plan::waits()) {
                const bool named = std::find(row.commands.begin(), row.commands.end(), command) != row.commands.end();
                if (named && row.condition == condition && *row.resource == resource) return;
            }
            missing.insert("docs/waits.md does not say what " + command + " waits for: " + resource.plural + " " +
                           plan::condition_name(condition));
        };
        const auto see = [&](const plan::Plan& plan) {
            for (const plan::Step& step : plan.steps) {
                kinds.insert(kind_of(step));
                if (const auto* wait = std::get_if<plan::WaitFor>(&step.action)) look(wait->resource, wait->condition);
                const auto* gone = std::get_if<plan::Delete>(&step.action);
                if (gone != nullptr && gone->wait) look(gone->ref.resource, plan::Condition::kGone);
            }
        };
        make_reference(world, entry, {see});
    }
    for (const char* kind : kKinds) {
        if (*kind != 0 && !kinds.contains(kind)) missing.insert(std::string("no case has a step of the kind ") + kind);
    }
    return {missing.begin(), missing.end()};
}

std::vector<std::string> missing_faults(const std::map<std::string, Tally>& tallies) {
    std::set<std::string> seen;
    for (const auto& [entry, tally] : tallies) seen.insert(tally.faults.begin(), tally.faults.end());
    std::vector<std::string> missing;
    for (const Fault fault : all_faults()) {
        if (!seen.contains(fault_name(fault))) missing.push_back("the fault " + fault_name(fault) + " never happened");
    }
    for (const Actor actor : all_actors()) {
        if (!seen.contains(actor_name(actor))) missing.push_back("the actor " + actor_name(actor) + " never acted");
    }
    for (const auto& [entry, tally] : tallies) {
        if (tally.with_actors == 0) missing.push_back(entry + " has no case with somebody else in it");
    }
    return missing;
}

}  // namespace holdfast::crash
