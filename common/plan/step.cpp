#include "common/plan/step.h"

#include "common/core/overloaded.h"
#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"
#include "common/plan/observe.h"

namespace holdfast::plan {

kube::ObjectRef ref_of_manifest(const Json& manifest) {
    const std::string version = kube::text_at(manifest, "/apiVersion");
    const std::size_t slash = version.find('/');
    const std::string group = slash == std::string::npos ? "" : version.substr(0, slash);
    const kube::Resource* resource = kube::find_kind(group, kube::text_at(manifest, "/kind"));
    return {resource == nullptr ? kube::Resource{} : *resource, kube::space_of(manifest), kube::name_of(manifest)};
}

kube::ObjectRef object_of(const Action& action) {
    const kube::Resource& pods = kube::kPods;
    return std::visit(
        Overloaded{
            [](const Create& one) { return ref_of_manifest(one.manifest); },
            [](const Patch& one) { return one.ref; },
            [](const Delete& one) { return one.ref; },
            [](const Scale& one) { return one.ref; },
            [](const WaitFor& one) {
                return kube::ObjectRef{one.resource, one.space, one.names.empty() ? "" : one.names.front()};
            },
            [&](const Exec& one) {
                return kube::ObjectRef{pods, one.space, one.pod};
            },
            [&](const Sql& one) {
                return kube::ObjectRef{pods, one.space, one.pod};
            },
            [](const Copy& one) { return one.target; },
        },
        action);
}

std::string verb_of(const Action& action) {
    return std::visit(Overloaded{
                          [](const Create& one) { return std::string(one.anybodys ? "recreate" : "create"); },
                          [](const Patch&) { return std::string("patch"); },
                          [](const Delete& one) { return std::string(one.evict ? "evict" : "delete"); },
                          [](const Scale&) { return std::string("scale"); },
                          [](const WaitFor&) { return std::string("wait"); },
                          [](const Exec&) { return std::string("exec"); },
                          [](const Sql&) { return std::string("sql"); },
                          [](const Copy&) { return std::string("copy"); },
                      },
                      action);
}

bool writes(const Action& action) {
    const std::string verb = verb_of(action);
    return verb != "wait" && verb != "sql";
}

namespace {

std::string risk_name(Risk risk) {
    switch (risk) {
        case Risk::kNone:
            return "no effect on pods";
        case Risk::kRestartsPods:
            return "restarts pods";
        case Risk::kStopsWrites:
            return "stops writes";
        case Risk::kFinal:
            return "cannot be taken back";
    }
    return "";
}

// A Secret's values are nobody's to read in a plan.
Json without_secrets(Json manifest) {
    if (kube::text_at(manifest, "/kind") != kube::kSecrets.kind) return manifest;
    for (const char* part : {"data", "stringData"}) {
        if (!manifest.contains(part)) continue;
        for (auto& [key, value] : manifest[part].items()) value = "(not shown)";
    }
    return manifest;
}

Json action_json(const Action& action) {
    Json json = {{"verb", verb_of(action)}, {"object", object_of(action).text()}};
    std::visit(Overloaded{
                   [&](const Create& one) { json["manifest"] = without_secrets(one.manifest); },
                   [&](const Patch& one) { json["patch"] = one.body; },
                   [&](const Delete& one) { json["uid"] = one.preconditions.uid; },
                   [&](const Scale& one) {
                       json["replicas"] = one.replicas;
                       if (one.from) json["from"] = *one.from;
                       if (!one.annotations.is_null()) json["annotations"] = one.annotations;
                   },
                   [&](const WaitFor& one) {
                       json["condition"] = condition_name(one.condition);
                       if (one.generation > 0) json["generation"] = one.generation;
                       json["names"] = one.names;
                       if (!one.bound_to.empty()) json["boundTo"] = one.bound_to;
                       if (!one.sizes.empty()) json["sizes"] = one.sizes;
                       if (!one.owner.empty()) json["owner"] = one.owner;
                   },
                   [&](const Exec& one) {
                       json["container"] = one.container;
                       json["command"] = one.argv;
                       if (one.hold) json["held"] = true;
                       if (!one.release_of.empty()) json["releases"] = one.release_of;
                   },
                   [&](const Sql& one) {
                       json["database"] = one.database;
                       json["statement"] = one.statement;
                   },
                   [&](const Copy& one) { json["source"] = one.source.text(); },
               },
               action);
    return json;
}

}  // namespace

std::string risk_text(const Step& step) { return step.risk_text.empty() ? risk_name(step.risk) : step.risk_text; }

Json to_json(const Plan& plan) {
    Json steps = Json::array();
    for (const Step& step : plan.steps) {
        Json one = {{"id", step.id},
                    {"title", step.title},
                    {"reason", step.reason},
                    {"after", step.after},
                    {"risk", risk_text(step)}};
        if (step.site == kube::Site::kThere) one["site"] = "other";
        if (!step.phase.empty()) one["phase"] = step.phase;
        if (step.point_of_no_return) one["pointOfNoReturn"] = true;
        if (step.always) one["always"] = true;
        one["action"] = action_json(step.action);
        steps.push_back(std::move(one));
    }
    Json needs = Json::array();
    for (const kube::AccessCheck& need : permissions(plan)) {
        needs.push_back(
            {{"verb", need.verb},
             {"resource", need.resource.qualified() + (need.subresource.empty() ? "" : "/" + need.subresource)},
             {"namespace", need.space}});
        if (need.site == kube::Site::kThere) needs.back()["site"] = "other";
    }
    return {
        {"operation", plan.operation}, {"round", plan.round}, {"steps", std::move(steps)},      {"notes", plan.notes},
        {"later", plan.later},         {"asks", plan.asks},   {"permissions", std::move(needs)}};
}

}  // namespace holdfast::plan
