#include "common/view/plan_view.h"

#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "common/view/wrap.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace holdfast::view {

namespace {

constexpr std::size_t kManyEqual = 8;  // so many equal steps become one line

template <class... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

const char* condition_text(plan::Condition condition) {
    switch (condition) {
        case plan::Condition::kSnapshotCut:
            return "cut";
        case plan::Condition::kSnapshotReady:
            return "ready to use";
        case plan::Condition::kClaimBound:
            return "bound";
        case plan::Condition::kPodReady:
            return "ready";
        case plan::Condition::kPodRunning:
            return "running";
        case plan::Condition::kPodStarted:
            return "started";
        case plan::Condition::kPodSucceeded:
            return "succeeded";
        case plan::Condition::kExists:
            return "existing";
        case plan::Condition::kGone:
            return "gone";
        case plan::Condition::kContentBound:
            return "bound to a handle";
        case plan::Condition::kResized:
            return "resized";
        case plan::Condition::kGrown:
            return "grown but for its filesystem";
        case plan::Condition::kAdopted:
            return "adopted";
        case plan::Condition::kVolumeAvailable:
            return "available";
        case plan::Condition::kVolumeReleased:
            return "released";
        case plan::Condition::kUnowned:
            return "owned by nobody";
        case plan::Condition::kObserved:
            return "seen by its controller";
        case plan::Condition::kNoReplicas:
            return "without pods";
        case plan::Condition::kAllReady:
            return "all ready";
    }
    return "";
}

std::string manifest_object(const Json& manifest) {
    const std::string api_version = kube::text_at(manifest, "/apiVersion");
    const auto slash = api_version.find('/');
    const std::string group = slash == std::string::npos ? "" : api_version.substr(0, slash);
    const std::string kind = kube::text_at(manifest, "/kind");
    if (const kube::Resource* resource = kube::find_kind(group, kind)) {
        return kube::ObjectRef{*resource, resource->namespaced ? kube::space_of(manifest) : "", kube::name_of(manifest)}
            .text();
    }
    return to_lower(kind) + "/" + kube::name_of(manifest);
}

std::string waited_object(const plan::WaitFor& wait) {
    if (wait.names.empty()) return kube::ObjectRef{wait.resource, wait.space, ""}.text();
    std::string text = kube::ObjectRef{wait.resource, wait.space, wait.names.front()}.text();
    if (wait.names.size() > 1) text += " and " + std::to_string(wait.names.size() - 1) + " more";
    return text;
}

std::string pod_object(const std::string& space, const std::string& pod) {
    return kube::ObjectRef{kube::kPods, space, pod}.text();
}

// Steps that can share one line: the same verb on the same resource for the same reason at the same risk. Of statements
// only the titles say what each does.
std::string likeness(const plan::Step& step) {
    const std::string object = object_of(step.action);
    return verb_of(step.action) + "\n" + object.substr(0, object.rfind('/')) + "\n" + step.reason + "\n" +
           risk_of(step) + "\n" + step.phase + (step.point_of_no_return ? "\n!" : "") +
           (std::holds_alternative<plan::Sql>(step.action) ? "\n" + step.title : "");
}

struct Group {
    std::size_t first = 0, count = 1;
};

std::vector<Group> groups_of(const std::vector<plan::Step>& steps) {
    std::vector<Group> groups;
    for (std::size_t i = 0; i < steps.size();) {
        std::size_t end = i + 1;
        while (end < steps.size() && likeness(steps[end]) == likeness(steps[i])) end++;
        if (end - i >= kManyEqual) {
            groups.push_back({i, end - i});
        } else {
            for (std::size_t j = i; j < end; j++) groups.push_back({j, 1});
        }
        i = end;
    }
    return groups;
}

std::string title_of(const plan::Plan& plan, const Group& group) {
    const plan::Step& first = plan.steps[group.first];
    if (group.count == 1) {
        return first.title.empty() ? verb_of(first.action) + " " + object_of(first.action) : first.title;
    }
    const std::string last = object_of(plan.steps[group.first + group.count - 1].action);
    return verb_of(first.action) + " " + std::to_string(group.count) + " objects: " + object_of(first.action) + " to " +
           last.substr(last.rfind('/') + 1);
}

std::string number_of(const Group& group) {
    const std::string first = std::to_string(group.first + 1);
    return group.count == 1 ? first : first + "-" + std::to_string(group.first + group.count);
}

std::string painted(const std::string& text, const char* code, bool color) {
    return color ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
}

std::string step_text(const plan::Plan& plan, const Group& group, std::size_t width, bool color) {
    const plan::Step& step = plan.steps[group.first];
    const std::string number = number_of(group);
    const std::string indent(width + 4, ' ');
    std::string out =
        std::string(width + 2 - number.size(), ' ') + number + ". " + escape_line(title_of(plan, group)) + "\n";
    if (step.point_of_no_return) {
        out += indent + painted("POINT OF NO RETURN: from here on the operation can only go forward", "1;31", color) +
               "\n";
    }
    const std::string risk = escape_line(risk_of(step));
    const bool harmless = step.risk == plan::Risk::kNone;
    out += indent + (step.reason.empty() ? "" : escape_line(step.reason) + "; ") +
           (harmless ? risk : painted(risk, "33", color)) + "\n";
    return out;
}

std::string section(const std::string& title, const std::vector<std::string>& lines) {
    if (lines.empty()) return "";
    std::string out = title + ":\n";
    for (const auto& line : lines) out += "  - " + indent_wrapped(escape_line(line), 4, 100).substr(4) + "\n";
    return out;
}

// "no effect on pods" only if that holds for every step.
std::string worst_risk(const plan::Plan& plan) {
    const auto worst = std::max_element(plan.steps.begin(), plan.steps.end(),
                                        [](const auto& a, const auto& b) { return a.risk < b.risk; });
    return worst == plan.steps.end() ? "nothing to do" : risk_of(*worst);
}

// verbs by "resource in namespace x", in order of first need.
std::vector<std::pair<std::string, std::vector<std::string>>> verbs_by_resource(const plan::Plan& plan) {
    std::vector<std::pair<std::string, std::vector<std::string>>> rows;
    for (const auto& check : plan::permissions(plan)) {
        std::string what = check.resource.qualified();
        if (!check.subresource.empty()) what += "/" + check.subresource;
        what += check.space.empty() ? " (cluster)" : " in " + check.space;
        if (check.site == kube::Site::kThere) what += " of the other cluster";
        auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& r) { return r.first == what; });
        if (row == rows.end()) row = rows.insert(rows.end(), {what, {}});
        if (std::find(row->second.begin(), row->second.end(), check.verb) == row->second.end())
            row->second.push_back(check.verb);
    }
    return rows;
}

Json step_json(const plan::Step& step, std::size_t number) {
    Json json = {{"number", number},
                 {"id", step.id},
                 {"title", step.title},
                 {"object", object_of(step.action)},
                 {"change", verb_of(step.action)},
                 {"reason", step.reason},
                 {"risk", risk_of(step)},
                 {"phase", step.phase},
                 {"after", step.after},
                 {"pointOfNoReturn", step.point_of_no_return},
                 {"always", step.always},
                 {"canBeUndone", step.undo.has_value()}};
    if (step.site == kube::Site::kThere) json["cluster"] = "other";
    return json;
}

}  // namespace

std::string verb_of(const plan::Action& action) {
    return std::visit(
        Overloaded{
            [](const plan::Create&) { return std::string("create"); },
            [](const plan::Patch& patch) {
                return patch.subresource.empty() ? "change" : "change " + patch.subresource + " of";
            },
            [](const plan::Delete& one) { return std::string(one.evict ? "evict" : "delete"); },
            [](const plan::Scale& scale) { return "scale to " + std::to_string(scale.replicas); },
            [](const plan::WaitFor& wait) { return std::string("wait until ") + condition_text(wait.condition); },
            [](const plan::Exec& exec) {
                return std::string(!exec.release_of.empty() ? "end the command in"
                                   : exec.hold              ? "hold a command in"
                                                            : "run a command in");
            },
            [](const plan::Sql&) { return std::string("run SQL in"); },
            [](const plan::Copy&) { return std::string("copy"); }},
        action);
}

std::string object_of(const plan::Action& action) {
    return std::visit(Overloaded{[](const plan::Create& create) { return manifest_object(create.manifest); },
                                 [](const plan::Patch& patch) { return patch.ref.text(); },
                                 [](const plan::Delete& gone) { return gone.ref.text(); },
                                 [](const plan::Scale& scale) { return scale.ref.text(); },
                                 [](const plan::WaitFor& wait) { return waited_object(wait); },
                                 [](const plan::Exec& exec) { return pod_object(exec.space, exec.pod); },
                                 [](const plan::Sql& sql) { return pod_object(sql.space, sql.pod); },
                                 [](const plan::Copy& copy) { return copy.target.text(); }},
                      action);
}

std::string risk_of(const plan::Step& step) {
    if (!step.risk_text.empty()) return step.risk_text;
    switch (step.risk) {
        case plan::Risk::kNone:
            return "no effect on pods";
        case plan::Risk::kRestartsPods:
            return "restarts pods";
        case plan::Risk::kStopsWrites:
            return "stops writes";
        case plan::Risk::kFinal:
            return "cannot be taken back";
    }
    return "";
}

std::string plan_text(const plan::Plan& plan, bool color) {
    const auto groups = groups_of(plan.steps);
    std::size_t width = 1;
    for (const auto& group : groups) width = std::max(width, number_of(group).size());
    std::string out = "Plan " + escape_line(plan.operation) +
                      (plan.round > 0 ? ", round " + std::to_string(plan.round + 1) : "") + ": " +
                      std::to_string(plan.steps.size()) + (plan.steps.size() == 1 ? " step, " : " steps, ") +
                      escape_line(worst_risk(plan)) + "\n";
    for (const auto& group : groups) out += step_text(plan, group, width, color);
    out += section("Then", plan.later);
    out += section("Notes", plan.notes);
    return out;
}

std::string permissions_text(const plan::Plan& plan) {
    std::vector<std::string> lines;
    for (const auto& [what, verbs] : verbs_by_resource(plan)) lines.push_back(join(verbs, ", ") + " " + what);
    return section("Permissions needed", lines);
}

Json plan_json(const plan::Plan& plan) {
    Json steps = Json::array();
    for (std::size_t i = 0; i < plan.steps.size(); i++) steps.push_back(step_json(plan.steps[i], i + 1));
    Json needed = Json::array();
    for (const auto& check : plan::permissions(plan)) {
        needed.push_back(Json{{"verb", check.verb},
                              {"resource", check.resource.qualified()},
                              {"subresource", check.subresource},
                              {"namespace", check.space},
                              {"name", check.name}});
        if (check.site == kube::Site::kThere) needed.back()["cluster"] = "other";
    }
    return Json{{"apiVersion", "holdfast.dev/v1"},
                {"kind", "Plan"},
                {"operation", plan.operation},
                {"round", plan.round},
                {"asks", plan.asks},
                {"last", plan.last},
                {"steps", std::move(steps)},
                {"later", plan.later},
                {"notes", plan.notes},
                {"permissions", needed}};
}

}  // namespace holdfast::view
