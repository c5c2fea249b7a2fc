// The clone's workload: the source's manifest under another name, with labels that nothing of the source selects, on
// the clone's claims; its headless Service; what else its pods need. Pure.
#pragma once

#include "common/plan/operation.h"
#include "plugins/clone/choice.h"
#include "plugins/clone/relabel.h"
#include "plugins/clone/surroundings.h"

#include <string>
#include <vector>

namespace holdfast::clone {

struct Workload {
    std::vector<Json> before;  // what its pods need, and who may speak with them: made first
    Json manifest;             // the StatefulSet or Deployment
    std::vector<std::string> notes;
    std::vector<std::string> source_names;  // by which its pods would reach the source's
    bool empty() const { return manifest.is_null(); }
};

// kRefused: its name or its Service's is taken, what its pods need is missing in the namespace, a selector would pick
// them, --set or --env names nothing that is there, the namespace's pod security forbids the pods.
Result<Workload> workload_of(const CloneOptions& options, const LiveFacts& live, const Choice& choice,
                             const Surroundings& around, const plan::Input& input);

}  // namespace holdfast::clone
