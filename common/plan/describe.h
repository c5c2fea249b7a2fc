// What a step is about, in words and references. Pure.
#pragma once

#include "common/plan/step.h"

#include <string>

namespace holdfast::plan {

kube::ObjectRef ref_of_manifest(const Json& manifest);  // resource is empty for kinds that we do not know
kube::ObjectRef object_of(const Action& action);
std::string verb_of(
    const Action& action);          // "create", "recreate", "patch", "delete", "scale", "wait", "exec", "sql", "copy"
bool writes(const Action& action);  // whether it changes anything
std::string risk_text(const Step& step);  // "no effect on pods", ...

}  // namespace holdfast::plan
