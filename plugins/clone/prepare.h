// What is done to the data of a clone before anybody can reach it (safety R26, R27): a throwaway database that listens
// on loopback only is started on the clone's own claims, masks, and takes out what ties the data to its source. Pure.
//
//   ask       a NetworkPolicy around the pods, the pods, until they accept connections; which version is it
//   treat     the statements; the pods go, with a checkpoint, and the policy; a mark on every claim
#pragma once

#include "common/copies/throwaway.h"
#include "common/plan/operation.h"
#include "plugins/clone/facts.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::clone {

// The source as the throwaway databases need it: how its containers are made, where its data is.
Source recorded_source(const CloneOptions& options, const LiveFacts& live, const Choice& choice);

inline constexpr char kTreatmentRole[] = "mask";  // of the throwaway pods

struct Treatment {
    Source source;
    Engine engine;
    std::vector<Instance> instances;  // one an ordinal
    std::string policy;               // the NetworkPolicy around their pods; "" : none may be made
};
// `copies`: those that are treated. kRefused: nothing says which image.
Result<Treatment> treatment_of(const CloneOptions& options, Source source, const std::vector<const Copy*>& copies,
                               const Choice& choice, const std::string& operation);
std::vector<std::string> pods_of_treatment(const Treatment& treatment);
std::string treatment_pod(const std::string& operation, std::size_t instance);

plan::Plan plan_ask(const CloneOptions& options, const Treatment& treatment);
// outputs: of the round before. mark: of claims that are treated. kMismatch: no version was told.
Result<plan::Plan> plan_treat(const CloneOptions& options, const Treatment& treatment, const std::string& mark,
                              const Now& now, const std::map<std::string, std::string>& outputs);
// It goes before the marks, so that what is unfinished still knows of it. nullopt: there is none.
std::optional<plan::Step> take_policy(const CloneOptions& options, const Treatment& treatment,
                                      std::vector<std::string> after);
plan::Step mark_prepared(const CloneOptions& options, const std::string& claim, const std::string& mark, const Now& now,
                         std::vector<std::string> after);
// Materialized views that masking has left without data, as told by a run of plan_treat in this process.
std::string emptied_views(const std::map<std::string, std::string>& outputs);
bool was_asked(const Treatment& treatment, const std::map<std::string, std::string>& outputs);

// What stands in the annotation holdfast.dev/prepared afterwards: what was done, and by which statements.
std::string mark_of(const CloneOptions& options);

// In words, for the first plan.
void foretell_treatment(const CloneOptions& options, const Choice& seeds, bool shielded, plan::Plan& plan);

}  // namespace holdfast::clone
