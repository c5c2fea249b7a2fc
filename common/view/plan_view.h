// A plan as people and programs read it, before it is executed. Pure.
#pragma once

#include "common/core/json.h"
#include "common/plan/step.h"

#include <string>

namespace holdfast::view {

// Numbered steps with change, reason and risk; the point of no return; notes; what later rounds decide. Many equal
// steps are one line. `color`: the risky words are coloured.
std::string plan_text(const plan::Plan& plan, bool color);
// The permissions that the plan needs, one line for each verb and resource.
std::string permissions_text(const plan::Plan& plan);
// docs/schemas/plan.json. Every step, whatever their number; manifests, statements and commands' output stay out of it,
// since they may hold what is secret.
Json plan_json(const plan::Plan& plan);

// What a step does to which object: "create", "snapshots/bookstore/x". For tables and messages.
std::string verb_of(const plan::Action& action);
std::string object_of(const plan::Action& action);
// "no effect on pods", "restarts pods", "stops writes", "cannot be taken back", or the step's own words.
std::string risk_of(const plan::Step& step);

}  // namespace holdfast::view
