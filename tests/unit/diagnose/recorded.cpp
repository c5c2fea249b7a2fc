#include "tests/unit/diagnose/recorded.h"

#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"
#include "tests/golden/golden.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include <algorithm>

namespace holdfast::testing {

Recorded::Recorded() {
    for (const Json& object : Json::parse(golden::read("diagnose/world.json"))) {
        objects.push_back(object);
        cluster.put(object);
    }
}

std::vector<std::string> Recorded::names(const std::string& kind) const {
    std::vector<std::string> names;
    for (const Json& object : objects) {
        if (kube::text_at(object, "/kind") == kind)
            names.push_back(kube::space_of(object) + "/" + kube::name_of(object));
    }
    std::sort(names.begin(), names.end());
    return names;
}

void Recorded::change(const std::string& kind, const std::string& space, const std::string& name,
                      const std::function<void(Json&)>& edit) {
    for (Json& object : objects) {
        if (kube::text_at(object, "/kind") != kind || kube::space_of(object) != space || kube::name_of(object) != name)
            continue;
        edit(object);
        cluster.put(object);
        return;
    }
    FAIL("no " << kind << " " << space << "/" << name << " was recorded");
}

void Recorded::forget(const std::string& kind) {
    for (const Json& object : objects) {
        const bool event = kube::text_at(object, "/involvedObject/kind") == kind;
        if (kube::text_at(object, "/kind") == kind || event) cluster.drop(plan::ref_of_manifest(object));
    }
}

void Recorded::forbid(const std::string& call) {
    const auto before = cluster.fault;
    cluster.fault = [=](const std::string& line, bool after) -> std::optional<Error> {
        if (line.compare(0, call.size(), call) == 0) return forbidden(line);
        return before ? before(line, after) : std::nullopt;
    };
}

std::string text_of(const std::vector<diagnose::Finding>& findings) {
    static const char* const kSeverities[] = {"info", "warning", "error"};
    if (findings.empty()) return "  nothing\n";
    std::string text;
    for (const diagnose::Finding& one : findings) {
        text += std::string("  ") + kSeverities[static_cast<int>(one.severity)] + " " + one.code + " [" + one.layer +
                "] " + one.object + "\n" + "    " + one.message + "\n    -> " + one.remedy + "\n";
    }
    return text;
}

bool has_code(const std::vector<diagnose::Finding>& findings, const std::string& code) {
    return std::any_of(findings.begin(), findings.end(), [&](const auto& one) { return one.code == code; });
}

Error forbidden(const std::string& what) {
    return {ErrorKind::kForbidden, what + " is forbidden: User \"dev\" cannot do this", "", 403, "Forbidden"};
}

}  // namespace holdfast::testing
