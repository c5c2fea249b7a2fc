// Steps as most plans need them. Pure.
#pragma once

#include "common/plan/step.h"

#include <string>
#include <vector>

namespace holdfast::plan {

Step make_step(std::string id, std::string title, std::string reason, Action action,
               std::vector<std::string> after = {});
// At the plan's end, after the step that stands there. The reference lives until the next one is appended.
Step& append_step(Plan& plan, std::string id, std::string title, std::string reason, Action action);
// Deletes and waits until it is gone. uid "" : whatever has this name, which must then be made of the operation's id.
Step delete_step(std::string id, const kube::ObjectRef& ref, const std::string& uid, std::string reason,
                 std::vector<std::string> after = {});
// A merge patch of the object with this uid.
Step patch_step(std::string id, std::string title, std::string reason, const kube::ObjectRef& ref,
                const std::string& uid, Json body, std::vector<std::string> after = {});

}  // namespace holdfast::plan
