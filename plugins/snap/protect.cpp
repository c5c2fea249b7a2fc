// kubectl snap protect: the operation, and its entry of the table.
#include "plugins/snap/commands.h"

#include "common/app/context.h"
#include "common/plan/operation.h"
#include "plugins/snap/protect_plan.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace holdfast::snap {
namespace {

class ProtectOperation : public plan::Operation {
  public:
    ProtectOperation(std::vector<std::string> names, std::string space)
        : names_(std::move(names)), space_(std::move(space)) {}

    std::string kind() const override { return "protect"; }
    std::string target() const override {
        const auto name = kube::parse_snapshot_name(names_.front());
        return name.ok() ? name->name : "snapshots";
    }
    std::string space() const override { return space_; }
    kube::ObjectRef event_target() const override { return kube::object_named(space_, names_.front()); }

    Result<plan::Plan> plan(kube::ClusterReader& reader, const plan::Input&) override {
        TRY_ASSIGN(const std::vector<Subject> subjects, read_subjects(reader, space_, names_, {}));
        TRY_ASSIGN(plan::Plan plan, plan_protect(space_, subjects));
        changes_ = !plan.steps.empty();
        plan.record = {{"protects", names_}};  // so that no other plugin takes it back in its own way
        return plan;
    }

    // Which policy a content had before is not known once it is Retain: taken back is only what has not begun.
    Result<std::optional<plan::Plan>> take_back(kube::ClusterReader& reader, const plan::Input& input) override {
        TRY_ASSIGN(const std::vector<Subject> subjects, read_subjects(reader, space_, names_, {}));
        for (const Subject& subject : subjects) {
            for (const Link& link : subject.links) {
                if (!is_protected(link)) continue;
                return Error{ErrorKind::kRefused,
                             "refusing to abort " + input.operation + ": " + link_text(space_, link) +
                                 " is protected already, and that is not taken back; nothing was changed",
                             "finish it: kubectl snap resume " + input.operation};
            }
        }
        return std::optional<plan::Plan>();
    }

    Result<plan::Report> report(kube::ClusterReader& reader, const plan::Input&) override {
        TRY_ASSIGN(const std::vector<Subject> subjects, read_subjects(reader, space_, names_, {}));
        plan::Report report;
        report.json = {
            {"apiVersion", "holdfast.dev/v1"}, {"kind", "Protected"}, {"namespace", space_}, {"items", Json::array()}};
        for (const Subject& subject : subjects) {
            std::vector<std::string> contents;
            for (const Link& link : subject.links) {
                if (!is_protected(link))
                    return Error{ErrorKind::kConflict,
                                 link_text(space_, link) + " is not protected: someone changed its content back",
                                 "see: kubectl snap describe " + subject.text()};
                contents.push_back(link.content->name);
            }
            report.text += subject.text() + (changes_ ? " protected" : " unchanged") + " (" +
                           std::to_string(contents.size()) +
                           (contents.size() == 1 ? " snapshot outlives" : " snapshots outlive") + " the namespace)\n";
            report.json["items"].push_back({{"name", subject.text()}, {"contents", contents}});
            report.names.push_back(subject.text());
        }
        return report;
    }

  private:
    std::vector<std::string> names_;
    std::string space_;
    bool changes_ = false;
};

Result<std::unique_ptr<plan::Operation>> make_protect(app::Context& context, const app::Arguments& arguments) {
    for (const std::string& name : arguments.positionals) TRY(kube::parse_snapshot_name(name));
    TRY_ASSIGN(std::string space, context.space());
    return std::unique_ptr<plan::Operation>(
        std::make_unique<ProtectOperation>(arguments.positionals, std::move(space)));
}

}  // namespace

app::Command protect_command() {
    app::Command command;
    command.name = "protect";
    command.summary = "Keep snapshots even if their namespace is deleted";
    command.description =
        "Sets deletionPolicy Retain on the contents, and writes the set's record on them, so that the storage's copies "
        "outlive\n"
        "the VolumeSnapshots and the namespace. `kubectl snap delete --storage` removes them.";
    command.usage = "NAME... [flags]";
    command.examples = {{"Protect a set", "kubectl snap protect before-migration"}};
    command.positionals_min = 1;
    command.positionals_max = 64;
    command.completes = {app::Completes::kSetOrSnapshot};
    command.rules = {rule({"get"}, kube::kSnapshots), rule({"get"}, kube::kConfigMaps), rule({"list"}, kube::kClaims),
                     cluster_rule({"get", "patch"}, kube::kSnapshotContents)};
    command.outputs = {"table", "json", "yaml", "name"};
    command.operation = make_protect;
    return command;
}

}  // namespace holdfast::snap
