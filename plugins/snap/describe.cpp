// kubectl snap describe: the chain from claim to storage, and which layer is stuck.
#include "plugins/snap/commands.h"

#include "common/app/context.h"
#include "common/app/exit_code.h"
#include "common/core/text.h"
#include "common/diagnose/diagnose.h"
#include "common/view/findings.h"
#include "common/view/table.h"
#include "plugins/snap/chain.h"
#include "plugins/snap/list_rows.h"
#include "plugins/snap/set_view.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace holdfast::snap {
namespace {

constexpr std::size_t kMostExplained = 5;

struct Described {
    Subject subject;
    std::vector<diagnose::Finding> findings;  // of members that cannot be restored
};

std::string field(const std::string& name, const std::string& value) {
    std::string line = name + ":";
    line.append(line.size() < 16 ? 16 - line.size() : 1, ' ');
    return line + escape_line(or_none(value)) + "\n";
}

bool is_ready(const Link& link) { return link.snapshot && link.snapshot->ready && !link.snapshot->deleting; }

std::string ready_text(const Link& link) {
    if (!link.snapshot) return "gone";
    if (link.snapshot->deleting) return "being deleted";
    if (link.snapshot->ready) return "yes";
    return kube::is_cut(*link.snapshot) ? "no (cut)" : "no";
}

std::string mark_of(const Link& link) {
    if (!link.snapshot || link.snapshot->verified_level.empty()) return "";
    return link.snapshot->verified_level + " at " + link.snapshot->verified_at + " by " + link.snapshot->verified_by;
}

std::string app_text(const kube::AppFacts& app) {
    if (app.kind.empty()) return "";
    std::string text = app.kind;
    if (!app.major_version.empty()) text += " " + app.major_version;
    if (!app.system_identifier.empty()) text += ", system identifier " + app.system_identifier;
    if (!app.timeline.empty()) text += ", timeline " + app.timeline;
    return text;
}

std::string set_header(const kube::SnapshotSet& set, const Subject& subject) {
    const auto ready = std::count_if(subject.links.begin(), subject.links.end(), is_ready);
    std::string text = field("Name", "set/" + set.name) + field("Namespace", set.space) + field("Target", set.target);
    if (!set.workload_kind.empty()) text += field("Workload", set.workload_kind + "/" + set.workload_name);
    text += field("Created", set.created_at);
    text += field("Complete", set.complete ? "yes" : "no: it cannot be restored");
    text += field("Ready", std::to_string(ready) + "/" + std::to_string(set.members.size()));
    text += field("Consistency",
                  set.consistency + (set.members.size() > 1 && set.complete
                                         ? ", cut within " + human_elapsed(static_cast<double>(set.skew_ms) / 1000)
                                         : ""));
    text += field("Verified", set.verified_level.empty()
                                  ? ""
                                  : set.verified_level + " at " + set.verified_at + " by " + set.verified_by);
    if (!set.verified_detail.empty()) text += field("", set.verified_detail);
    text += field("Database", app_text(set.app));
    for (const kube::ContainerFacts& container : set.containers)
        text += field("Image", container.name + ": " + container.image +
                                   (container.image_id.empty() ? "" : " (" + container.image_id + ")"));
    text += field("Operation", set.operation);
    if (set.uid.empty()) text += "its ConfigMap is lost or damaged: this is what its snapshots remember\n";
    return text;
}

// One block a snapshot: the layers below each other, as one looks for the one that is stuck.
std::string link_block(const Link& link, const kube::SetMember* member) {
    std::string text = "\n" + field("Snapshot", "vs/" + link.snapshot_name);
    std::string claim = member != nullptr ? member->claim : link.snapshot ? link.snapshot->claim : "";
    if (!claim.empty()) claim = "pvc/" + claim;
    if (member != nullptr && member->ordinal >= 0) claim += " (ordinal " + std::to_string(member->ordinal) + ")";
    text += field("  Claim", claim);
    text += field("  Ready", ready_text(link));
    if (!link.snapshot) return text;
    const kube::Snapshot& snapshot = *link.snapshot;
    text += field("  Cut", member != nullptr && !member->cut_at.empty() ? member->cut_at : snapshot.cut_at);
    text += field("  Size", snapshot.restore_size ? human_bytes(*snapshot.restore_size) : "<unknown>");
    text += field("  Class", snapshot.snapshot_class);
    if (!snapshot.error.empty()) text += field("  Error", snapshot.error);
    text += field("  Content", snapshot.content);
    if (link.content) {
        const kube::SnapshotContent& content = *link.content;
        text +=
            field("  Policy", content.deletion_policy == "Delete" ? "Delete: dies with the snapshot or its namespace"
                                                                  : content.deletion_policy);
        text += field("  Driver", content.driver);
        text += field("  Handle", content.handle.empty() ? content.source_handle : content.handle);
        if (!content.error.empty() && content.error != snapshot.error) text += field("  Content error", content.error);
        if (!kube::bound_both_ways(snapshot, content))
            text += field("  Binding", "the content does not point back at this snapshot");
    } else if (!snapshot.content.empty()) {
        text += field("  Policy", "<unknown>: the content is gone or may not be read");
    }
    std::vector<std::string> restored;
    for (const std::string& one : link.restored) {
        const bool pending = std::find(link.pending.begin(), link.pending.end(), one) != link.pending.end();
        restored.push_back("pvc/" + one + (pending ? " (still needs it)" : ""));
    }
    return text + field("  Restored to", join(restored, ", "));
}

std::string described_text(const std::string& space, const Described& described, bool color) {
    const Subject& subject = described.subject;
    std::string text;
    if (subject.set)
        text += set_header(*subject.set, subject);
    else
        text += field("Name", subject.text()) + field("Namespace", space) +
                field("Verified", mark_of(subject.links.front()));
    for (std::size_t i = 0; i < subject.links.size(); ++i)
        text += link_block(subject.links[i], subject.set ? &subject.set->members[i] : nullptr);
    if (!described.findings.empty()) text += "\nFindings:\n" + view::findings_text(described.findings, color);
    return text;
}

Json link_json(const Link& link) {
    Json json = {{"snapshot", link.snapshot_name}, {"exists", link.snapshot.has_value()}, {"ready", is_ready(link)}};
    if (link.snapshot) {
        const kube::Snapshot& snapshot = *link.snapshot;
        json["uid"] = snapshot.uid;
        json["claim"] = snapshot.claim;
        json["class"] = snapshot.snapshot_class;
        json["cutAt"] = snapshot.cut_at;
        if (snapshot.restore_size) json["restoreSizeBytes"] = *snapshot.restore_size;
        if (!snapshot.error.empty()) json["error"] = snapshot.error;
        json["content"] = snapshot.content;
        json["verified"] = {
            {"level", snapshot.verified_level}, {"at", snapshot.verified_at}, {"by", snapshot.verified_by}};
    }
    if (link.content) {
        json["driver"] = link.content->driver;
        json["handle"] = link.content->handle.empty() ? link.content->source_handle : link.content->handle;
        json["deletionPolicy"] = link.content->deletion_policy;
        if (!link.content->error.empty()) json["contentError"] = link.content->error;
    }
    json["restoredTo"] = link.restored;
    json["stillNeededBy"] = link.pending;
    return json;
}

Json described_json(const std::string& space, const Described& described) {
    Json json;
    if (described.subject.set) {
        SetState state;
        state.set = *described.subject.set;
        for (const Link& link : described.subject.links) {
            state.snapshots.push_back(link.snapshot);
            if (is_ready(link)) ++state.ready;
        }
        json = state_json(state);
    } else {
        json = {{"apiVersion", "holdfast.dev/v1"},
                {"kind", "Snapshot"},
                {"namespace", space},
                {"name", described.subject.name.name}};
    }
    json["snapshots"] = Json::array();
    for (const Link& link : described.subject.links) json["snapshots"].push_back(link_json(link));
    json["findings"] = view::findings_json(described.findings);
    return json;
}

Described describe(kube::ClusterReader& reader, const std::string& space, Subject subject) {
    Described described;
    std::size_t explained = 0;
    for (const Link& link : subject.links) {
        if (is_ready(link) || ++explained > kMostExplained) continue;
        for (diagnose::Finding& finding : diagnose::explain_snapshot(reader, space, link.snapshot_name))
            described.findings.push_back(std::move(finding));
    }
    described.subject = std::move(subject);
    return described;
}

int run_describe(app::Context& context, const app::Arguments& arguments) {
    auto reader = context.reader();
    if (!reader.ok()) return context.fail(reader.error());
    auto space = context.space();
    if (!space.ok()) return context.fail(space.error());
    ChainOptions options;
    options.must = false;  // who may not read contents still sees the rest
    auto subjects = read_subjects(**reader, *space, arguments.positionals, options);
    if (!subjects.ok()) return context.fail(subjects.error());
    const std::string& output = context.flags().output;
    Json list = Json::array();
    bool first = true;
    for (Subject& subject : *subjects) {
        const Described described = describe(**reader, *space, std::move(subject));
        if (output == "json" || output == "yaml") {
            list.push_back(described_json(*space, described));
            continue;
        }
        if (!std::exchange(first, false)) context.console().out("\n\n");
        const bool color = context.flags().color == "always" ||
                           (context.flags().color == "auto" && context.console().out_is_terminal());
        context.console().out(described_text(*space, described, color));
    }
    if (output == "json" || output == "yaml") {
        if (list.size() == 1)
            context.print_structured(list.front());
        else
            context.print_structured({{"apiVersion", "holdfast.dev/v1"}, {"kind", "SnapshotList"}, {"items", list}});
    }
    context.console().flush();
    return app::kDone;
}

}  // namespace

app::Command describe_command() {
    app::Command command;
    command.name = "describe";
    command.summary = "Show a snapshot from claim to storage, what was restored from it, and what it waits for";
    command.description =
        "NAME is a set (NAME or set/NAME) or a single snapshot (vs/NAME), also one that another tool made.";
    command.usage = "NAME... [flags]";
    command.examples = {
        {"A set, and why it is not ready yet", "kubectl snap describe before-migration"},
        {"A single snapshot of another tool", "kubectl snap describe vs/nightly-20260101"},
        {"The storage's own handles", "kubectl snap describe before-migration -o json | jq -r '.snapshots[].handle'"}};
    command.positionals_min = 1;
    command.positionals_max = 64;
    command.completes = {app::Completes::kSetOrSnapshot};
    command.rules = {rule({"get"}, kube::kSnapshots),
                     rule({"get"}, kube::kConfigMaps),
                     rule({"list"}, kube::kClaims),
                     rule({"list"}, kube::kSnapshots, "a set whose ConfigMap is lost"),
                     rule({"list"}, kube::kConfigMaps, "a name that is not found"),
                     cluster_rule({"get"}, kube::kSnapshotContents, "the storage's side")};
    command.outputs = {"table", "json", "yaml"};
    command.read = run_describe;
    return command;
}

}  // namespace holdfast::snap
