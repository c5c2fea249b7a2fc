// kubectl snap delete: the operation, and its entry of the table.
#include "plugins/snap/commands.h"

#include "common/app/context.h"
#include "common/core/text.h"
#include "common/plan/operation.h"
#include "plugins/snap/delete_plan.h"
#include "plugins/snap/set_view.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace holdfast::snap {
namespace {

class DeleteOperation : public plan::Operation {
  public:
    DeleteOperation(DeleteOptions options, std::string space)
        : options_(std::move(options)), space_(std::move(space)) {}

    std::string kind() const override { return "delete"; }
    std::string target() const override {
        const auto name = kube::parse_snapshot_name(options_.names.front());
        return name.ok() ? name->name : "snapshots";
    }
    std::string space() const override { return space_; }
    kube::ObjectRef event_target() const override { return kube::object_named(space_, options_.names.front()); }

    Result<plan::Plan> plan(kube::ClusterReader& reader, const plan::Input& input) override {
        TRY_ASSIGN(facts_, gather_delete(reader, space_, options_, input.resuming));
        TRY_ASSIGN(plan::Plan plan, plan_delete(facts_, options_, input.resuming));
        plan.record = {{"deletes", options_.names}};  // so that no other plugin takes it back in its own way
        return plan;
    }

    // What is deleted stays deleted: taken back is only a deletion that has not begun.
    Result<std::optional<plan::Plan>> take_back(kube::ClusterReader& reader, const plan::Input& input) override {
        TRY_ASSIGN(facts_, gather_delete(reader, space_, options_, true));
        if (facts_.subjects.size() < options_.names.size()) return too_late("all", input);
        for (const Subject& subject : facts_.subjects) {
            for (const Link& link : subject.links) {
                if (!link.snapshot || link.snapshot->deleting) return too_late(link_text(space_, link), input);
            }
        }
        return std::optional<plan::Plan>();
    }

    Result<plan::Report> report(kube::ClusterReader& reader, const plan::Input&) override {
        plan::Report report;
        report.json = {
            {"apiVersion", "holdfast.dev/v1"}, {"kind", "Deleted"}, {"namespace", space_}, {"items", Json::array()}};
        for (const Subject& subject : facts_.subjects) TRY(tell(reader, subject, report));
        if (facts_.subjects.empty()) report.text = "already deleted\n";
        return report;
    }

  private:
    static Error too_late(const std::string& what, const plan::Input& input) {
        return {ErrorKind::kRefused,
                "refusing to abort " + input.operation + ": " + what +
                    " is deleted already, and that cannot be taken back; nothing was changed",
                "finish it: kubectl snap resume " + input.operation};
    }

    Status tell(kube::ClusterReader& reader, const Subject& subject, plan::Report& report) const {
        std::vector<std::string> kept;
        std::size_t gone = 0;
        for (const Link& link : subject.links) {
            if (!link.snapshot) continue;
            TRY_ASSIGN(const auto left, reader.find({kube::kSnapshots, space_, link.snapshot_name}));
            if (left && kube::snapshot_of(*left).uid == link.snapshot->uid)
                return Error{ErrorKind::kUnavailable, link_text(space_, link) + " is still there",
                             "run the same command again"};
            ++gone;
            if (link.content && link.content->deletion_policy != "Delete" && !options_.storage)
                kept.push_back(link.content->name);
        }
        report.text += subject.text() + " deleted";
        if (subject.set) report.text += " (" + std::to_string(gone) + (gone == 1 ? " snapshot)" : " snapshots)");
        report.text += "\n";
        if (!kept.empty())
            report.text += "the storage keeps " + std::to_string(kept.size()) +
                           (kept.size() == 1 ? " copy" : " copies") + ": volumesnapshotcontent/" + some_of(kept) + "\n";
        report.json["items"].push_back({{"name", subject.text()}, {"snapshots", gone}, {"keptContents", kept}});
        report.names.push_back(subject.text());
        return {};
    }

    DeleteOptions options_;
    std::string space_;
    DeleteFacts facts_;
};

Result<std::unique_ptr<plan::Operation>> make_delete(app::Context& context, const app::Arguments& arguments) {
    DeleteOptions options;
    options.names = arguments.positionals;
    options.force = arguments.flag("force");
    options.storage = arguments.flag("storage");
    for (const std::string& name : options.names) TRY(kube::parse_snapshot_name(name));
    TRY_ASSIGN(std::string space, context.space());
    return std::unique_ptr<plan::Operation>(std::make_unique<DeleteOperation>(std::move(options), std::move(space)));
}

}  // namespace

app::Command delete_command() {
    app::Command command;
    command.name = "delete";
    command.summary = "Delete snapshot sets or single snapshots";
    command.description =
        "Asks first. Refuses the last set of a workload that can be restored, the last one whose restore was checked, "
        "and one\n"
        "that a claim still needs, unless --force is given. Where deletionPolicy is Retain the storage keeps its copy, "
        "and this\n"
        "is said; --storage removes it too.";
    command.usage = "NAME... [flags]";
    command.examples = {
        {"Delete a set and its snapshots", "kubectl snap delete first"},
        {"From a script: without a question", "kubectl snap delete first --yes"},
        {"A snapshot of another tool, with the storage's copy", "kubectl snap delete vs/nightly-20260101 --storage"}};
    command.positionals_min = 1;
    command.positionals_max = 64;
    command.completes = {app::Completes::kSetOrSnapshot};
    command.options = {
        flag_option("force", "delete even the last one that is ready or checked, or that a claim still needs"),
        flag_option("storage", "remove what deletionPolicy Retain would keep on the storage, too")};
    command.rules = {rule({"get", "list", "watch", "delete"}, kube::kSnapshots),
                     rule({"get", "list", "watch", "delete"}, kube::kConfigMaps), rule({"list"}, kube::kClaims),
                     cluster_rule({"get"}, kube::kSnapshotContents),
                     cluster_rule({"list", "watch", "patch", "delete"}, kube::kSnapshotContents, "--storage")};
    command.outputs = {"table", "json", "yaml", "name"};
    command.operation = make_delete;
    return command;
}

}  // namespace holdfast::snap
