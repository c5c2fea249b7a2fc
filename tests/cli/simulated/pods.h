// Commands in simulated pods, for tests/cli/simulated/kubectl, which stands where the plugins look for kubectl. Not a
// part of Kubernetes' API: POST /simulated/exec {space, pod, argv, hold} answers {exit, out, err, held}, and POST
// /simulated/release {held} lets a held command go.
#pragma once

#include "tests/cli/double/engine.h"
#include "tests/cli/simulated/live.h"

#include <memory>

namespace holdfast::simulated {

std::unique_ptr<double_::Engine> make_pods(Live& live);

}  // namespace holdfast::simulated
