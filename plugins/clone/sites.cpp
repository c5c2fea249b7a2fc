#include "plugins/clone/sites.h"

#include "common/core/text.h"
#include "common/plan/journal.h"
#include "common/plan/make_step.h"

namespace holdfast::clone {

kube::Site site_of(const CloneOptions& options) { return options.other ? kube::Site::kThere : kube::Site::kHere; }

std::string where(const CloneOptions& options) {
    if (!options.other) return "";
    return options.other_context.empty() ? " in the other cluster"
                                         : " in context " + escape_line(options.other_context);
}

plan::Step in_place(const CloneOptions& options, plan::Step step) {
    step.site = site_of(options);
    step.title += where(options);
    return step;
}

void move_to_place(const CloneOptions& options, plan::Plan& plan) {
    for (plan::Step& step : plan.steps) step = in_place(options, std::move(step));
    for (kube::AccessCheck& need : plan.later_needs) need.site = site_of(options);
}

kube::ObjectRef signpost_ref(const CloneOptions& options, const std::string& operation) {
    return {kube::kConfigMaps, options.to_space, plan::journal_name(operation)};
}

plan::Step put_signpost(const CloneOptions& options, const std::string& operation) {
    const plan::Signpost signpost{operation, "clone", options.space, options.home_server, options.home_context};
    return in_place(options,
                    plan::make_step("put-signpost", "create " + signpost_ref(options, operation).text(),
                                    "it says where the journal is to whoever looks there while the clone is made",
                                    plan::Create{plan::signpost_manifest(signpost, options.to_space), {}}));
}

void take_signpost(const CloneOptions& options, plan::Plan& plan, const std::string& operation) {
    std::vector<std::string> after;
    for (const plan::Step& step : plan.steps) after.push_back(step.id);
    plan::Step step = plan::delete_step("take-signpost", signpost_ref(options, operation), "",
                                        "nothing is left to be gone on with", std::move(after));
    std::get<plan::Delete>(step.action).wait = false;  // nothing holds it, and to watch it would need more rights
    plan.steps.push_back(in_place(options, std::move(step)));
}

void need_signpost(const CloneOptions& options, plan::Plan& plan) {
    for (const char* verb : {"get", "create", "delete"})
        plan.later_needs.push_back({verb, kube::kConfigMaps, options.to_space, "", "", site_of(options)});
}

}  // namespace holdfast::clone
