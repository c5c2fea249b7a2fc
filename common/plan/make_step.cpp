#include "common/plan/make_step.h"

namespace holdfast::plan {

Step make_step(std::string id, std::string title, std::string reason, Action action, std::vector<std::string> after) {
    Step step;
    step.id = std::move(id);
    step.title = std::move(title);
    step.reason = std::move(reason);
    step.action = std::move(action);
    step.after = std::move(after);
    return step;
}

Step& append_step(Plan& plan, std::string id, std::string title, std::string reason, Action action) {
    std::vector<std::string> after;
    if (!plan.steps.empty()) after = {plan.steps.back().id};
    plan.steps.push_back(
        make_step(std::move(id), std::move(title), std::move(reason), std::move(action), std::move(after)));
    return plan.steps.back();
}

Step delete_step(std::string id, const kube::ObjectRef& ref, const std::string& uid, std::string reason,
                 std::vector<std::string> after) {
    Delete action;
    action.ref = ref;
    action.preconditions.uid = uid;
    return make_step(std::move(id), "delete " + ref.text(), std::move(reason), std::move(action), std::move(after));
}

Step patch_step(std::string id, std::string title, std::string reason, const kube::ObjectRef& ref,
                const std::string& uid, Json body, std::vector<std::string> after) {
    Patch action;
    action.ref = ref;
    action.body = std::move(body);
    action.preconditions.uid = uid;
    return make_step(std::move(id), std::move(title), std::move(reason), std::move(action), std::move(after));
}

}  // namespace holdfast::plan
