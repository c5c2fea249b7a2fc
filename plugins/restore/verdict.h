// What a drill found, against what was recorded and expected. Pure.
#pragma once

#include "plugins/restore/drill_plan.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::restore {

struct InstanceFacts {
    std::string name;                                  // "ordinal 0"
    std::string version, system_identifier, timeline;  // "" : not asked
};

struct Verdict {
    bool good = true;
    std::string level;                  // "started", "checked", "failed"
    std::vector<std::string> problems;  // each a sentence: what was read, what was expected
    std::vector<InstanceFacts> instances;
    std::optional<std::string> answer;  // of the query or command
};

// outputs: identity-N, query, exec, as the steps of plan_check name them.
Verdict judge(const DrillOptions& options, const DrillFacts& facts, const DrillScene& scene,
              const std::map<std::string, std::string>& outputs);
// The data was at fault before any question could be asked: nothing started, or a statement failed.
Verdict failed(const std::string& problem);
// Why a container of ours ended, and whether the data is to blame or what is around it: the image, the user, memory.
// nullopt: none has ended by itself.
struct ContainerFailure {
    bool of_data = false;
    std::string text;
};
std::optional<ContainerFailure> container_failure(const Throwaways& made, const DrillScene& scene);

// The step that writes the result where the next person looks: on the set's record, or on the snapshot. nullopt where a
// better level stands there already ("checked" is not lowered to "started").
std::optional<plan::Step> mark_step(const DrillOptions& options, const DrillFacts& facts, const Verdict& verdict,
                                    const std::string& operation, const std::string& at, double rto_seconds);

// Phases by name, and their sum without the query: what a restore would have taken until the database answered.
std::vector<plan::Phase> summed(const std::vector<plan::Phase>& phases);
double rto_seconds(const std::vector<plan::Phase>& phases);

// text and json of the report.
plan::Report drill_report(const DrillOptions& options, const DrillFacts& facts, const DrillScene& scene,
                          const Verdict& verdict, const std::vector<plan::Phase>& phases, const std::string& operation);

}  // namespace holdfast::restore
