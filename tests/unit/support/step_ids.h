// The steps of a plan by their ids, as tests of plans name them.
#pragma once

#include "common/plan/step.h"

#include <algorithm>
#include <string>
#include <vector>

namespace holdfast::testing {

inline std::vector<std::string> ids(const plan::Plan& plan) {
    std::vector<std::string> all;
    for (const plan::Step& step : plan.steps) all.push_back(step.id);
    return all;
}

inline bool has(const plan::Plan& plan, const std::string& id) {
    return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const plan::Step& step) { return step.id == id; });
}

}  // namespace holdfast::testing
