// TYPE/NAME of a workload or claim, as the commands that copy volumes take it. Pure.
#pragma once

#include "common/core/result.h"
#include "common/kube/resource.h"

#include <string>

namespace holdfast::copies {

struct Target {
    const kube::Resource* resource = nullptr;  // StatefulSet, Deployment, claim or pod
    std::string name;
    std::string text() const { return resource->short_name + "/" + name; }  // "sts/postgres"
};

// kUsage: not TYPE/NAME, a kind that is not taken (the message lists those that are), an impossible name.
// what: what is done with it, and a command line to learn from.
Result<Target> parse_target(const std::string& word, const std::string& what = "snapshot",
                            const std::string& example = "kubectl snap create sts/postgres");

}  // namespace holdfast::copies
