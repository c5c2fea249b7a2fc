#include "common/app/doctor.h"

#include "common/app/context.h"
#include "common/app/exit_code.h"
#include "common/app/path_check.h"
#include "common/core/text.h"
#include "common/diagnose/diagnose.h"
#include "common/view/findings.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <vector>

namespace holdfast::app {

namespace {

using diagnose::Severity;

Severity severity_of(const std::string& name) {
    if (name == "info") return Severity::kInfo;
    return name == "warning" ? Severity::kWarning : Severity::kError;
}

std::string counts_text(const std::vector<diagnose::Finding>& findings) {
    std::vector<std::string> parts;
    for (const Severity severity : {Severity::kError, Severity::kWarning, Severity::kInfo}) {
        const auto count = std::count_if(findings.begin(), findings.end(),
                                         [&](const diagnose::Finding& one) { return one.severity == severity; });
        const std::string name = view::severity_name(severity);
        if (count > 0) {
            parts.push_back(std::to_string(count) + " " + name + (count > 1 && severity != Severity::kInfo ? "s" : ""));
        }
    }
    return join(parts, ", ");
}

void print(Context& context, const diagnose::Examination& examined) {
    const std::string& output = context.flags().output;
    if (output == "json" || output == "yaml") {
        context.print_structured(view::findings_json(examined.findings));
        return;
    }
    if (examined.findings.empty()) {
        context.console().out("no findings (examined: " + escape_line(examined.looked_at) + ")\n");
        return;
    }
    context.console().out(view::findings_text(examined.findings, context.color_on_stdout()) + "\n" +
                          counts_text(examined.findings) + " (examined: " + escape_line(examined.looked_at) + ")\n");
}

int run_doctor(Context& context, const Arguments& arguments) {
    warn_of_namesakes(context);
    const auto space = context.space();
    if (!space.ok()) return context.fail(space.error());
    const auto reader = context.reader();
    if (!reader.ok()) return context.fail(reader.error());
    const std::string target = arguments.positionals.empty() ? "" : arguments.positionals.front();
    const auto examined = diagnose::examine(**reader, *space, target, context.clock().now());
    if (!examined.ok()) return context.fail(examined.error());
    print(context, *examined);
    const Severity limit = severity_of(arguments.text("fail-on", "error"));
    const bool reached = std::any_of(examined->findings.begin(), examined->findings.end(),
                                     [&](const diagnose::Finding& one) { return one.severity >= limit; });
    return reached ? kFindings : kDone;
}

// Without `when`: what a healthy StatefulSet takes. Whatever is missing is named in a finding.
std::vector<Rule> rules() {
    std::vector<Rule> all;
    const auto add = [&](std::vector<std::string> verbs, const kube::Resource& resource, const char* when = "") {
        all.push_back({std::move(verbs), resource, "", when, !resource.namespaced, ""});
    };
    add({"get"}, kube::kStatefulSets);
    add({"get"}, kube::kClaims);
    add({"get"}, kube::kVolumes);
    for (const auto* resource : {&kube::kPods, &kube::kSnapshots}) add({"get", "list"}, *resource);
    for (const auto* resource : {&kube::kEvents, &kube::kConfigMaps, &kube::kSnapshotClasses}) add({"list"}, *resource);
    add({"get"}, kube::kSnapshotContents);
    add({"get"}, kube::kDeployments, "deploy/NAME");
    add({"get"}, kube::kConfigMaps, "set/NAME");
    for (const auto* resource : {&kube::kStatefulSets, &kube::kDeployments}) add({"list"}, *resource, "no target");
    for (const auto* resource : {&kube::kClaims, &kube::kVolumes, &kube::kStorageClasses, &kube::kCsiDrivers,
                                 &kube::kCsiNodes, &kube::kVolumeAttachments}) {
        add({"list"}, *resource, "something to explain");
    }
    add({"get"}, kube::kNodes, "something to explain");
    return all;
}

}  // namespace

Command doctor_command() {
    Command command;
    command.name = "doctor";
    command.summary = "Say what is wrong with a workload's storage, and what to do";
    command.description =
        "Examines a StatefulSet, Deployment, claim, pod, snapshot or set; without a target the namespace and the "
        "cluster's classes "
        "and drivers. It says why a claim is Pending, a snapshot not ready or a pod not starting, and which settings "
        "lose data later. "
        "Nothing is changed. What may not be read is named and passed over.";
    command.usage = "[TYPE/NAME] [flags]";
    command.examples = {
        {"Why is this database not starting, and is its data safe", "kubectl snap doctor sts/postgres"},
        {"The namespace and the cluster; exit code 8 from warnings on", "kubectl snap doctor --fail-on warning"}};
    command.positionals_max = 1;
    command.completes = {Completes::kWorkload};
    Option fail_on;
    fail_on.name = "fail-on";
    fail_on.value_name = "SEVERITY";
    fail_on.help = "exit with 8 if there is a finding of this severity or above";
    fail_on.default_value = "error";
    fail_on.choices = {"info", "warning", "error"};
    command.options = {fail_on};
    command.rules = rules();
    command.outputs = {"table", "json", "yaml"};
    command.read = run_doctor;
    return command;
}

}  // namespace holdfast::app
