// How findings are made: their texts are escaped here, in one place, whatever they were put together from.
#pragma once

#include "common/diagnose/diagnose.h"
#include "common/diagnose/gather.h"
#include "common/kube/objects/workload_state.h"

#include <string>
#include <vector>

namespace holdfast::diagnose {

using Findings = std::vector<Finding>;

// What every finding says; severity is chosen by the function.
struct Said {
    std::string code, object, layer, message, remedy;
};
Finding error(Said said);
Finding warning(Said said);
Finding info(Said said);

// A FailedCreate event: a controller was refused an object by quota, Pod Security, a webhook. `lead` begins the
// message: "there is no such pod, since ".
Finding judge_refusal(const kube::Event& event, const std::string& object, const std::string& lead);
// What a workload's controller was refused last and still is: it has fewer pods than it should. Nothing if all are
// ready.
Findings judge_refusals(Gatherer& gatherer, const kube::WorkloadState& workload, const std::string& object);

void append(Findings& all, Findings more);
// Most severe first, else in the order in which they were found; what is said twice of one object is said once.
void settle(Findings& findings);
// One finding that names all that could not be seen; none if all could.
Findings blind_spots(const std::vector<Gap>& gaps);

// The driver's own words out of what controllers wrap around them: `... "rpc error: code = Internal desc = no space"`
// becomes "no space (Internal)"; text without a gRPC error stays as it is.
std::string driver_words(const std::string& message);
// "1 claim", "3 claims".
std::string counted(std::size_t count, const std::string& noun);
// `"a", "b" and 3 more` of many names; "none" of no names.
std::string named(const std::vector<std::string>& names, std::size_t limit = 5);

}  // namespace holdfast::diagnose
