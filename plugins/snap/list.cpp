// kubectl snap list: sets and single snapshots, ours and foreign ones.
#include "plugins/snap/commands.h"

#include "common/app/context.h"
#include "common/app/exit_code.h"
#include "common/copies/targets.h"
#include "common/copies/workload_claims.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "plugins/snap/list_rows.h"
#include "plugins/snap/shared.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <map>
#include <optional>

namespace holdfast::snap {
namespace {

constexpr std::chrono::milliseconds kLook{500};  // how long one look at a watch may take: signals are seen this soon

struct Listing {
    std::string space;  // "" : every namespace
    RowFilter filter;
    RowStyle style;
};

// The claims of a target, so that foreign snapshots of them are shown too. A workload that is gone still has its sets.
Result<RowFilter> filter_for(kube::ClusterReader& reader, const std::string& space, const std::string& word) {
    TRY_ASSIGN(const Target target, parse_target(word));
    RowFilter filter;
    filter.active = true;
    filter.target = target.text();
    if (*target.resource == kube::kClaims) {
        filter.claims.push_back(target.name);
        return filter;
    }
    TRY_ASSIGN(const std::optional<Json> object, reader.find({*target.resource, space, target.name}));
    if (!object) return filter;
    for (const WorkloadClaim& claim : claims_of(*target.resource, *object)) filter.claims.push_back(claim.name);
    return filter;
}

struct Read {
    std::deque<Row> rows;
    std::vector<std::string> damaged;
    Versions versions;
};

Result<Read> read_rows(kube::ClusterReader& reader, const Listing& listing, bool with_drivers) {
    RowBuilder builder(listing.filter);
    if (with_drivers) {
        TRY_ASSIGN(const kube::List classes, reader.list(kube::kSnapshotClasses, ""));
        for (const Json& one : classes.items) builder.add_class(one);
    }
    Read read;
    TRY_ASSIGN(read.versions, collect_rows(reader, listing.space, builder));
    read.damaged = builder.damaged();
    read.rows = builder.take();
    return read;
}

std::string indented(const Json& value, const char* by) {
    std::string text = by;
    for (const char c : value.dump(4, ' ', false, Json::error_handler_t::replace)) {
        text += c;
        if (c == '\n') text += by;
    }
    return text;
}

// Item by item: fifty thousand rows as one JSON value would be a hundred megabytes.
void print_json(Console& console, const std::deque<Row>& rows) {
    console.out("{\n    \"apiVersion\": \"holdfast.dev/v1\",\n    \"kind\": \"SnapshotList\",\n    \"items\": [");
    const char* separator = "\n";
    for (const Row& row : rows) {
        console.out(separator + indented(row_json(row), "        "));
        separator = ",\n";
        if (console.out_broken()) return;
    }
    console.out(rows.empty() ? "]\n}\n" : "\n    ]\n}\n");
}

void print_yaml(app::Context& context, const std::deque<Row>& rows) {
    Json list = {{"apiVersion", "holdfast.dev/v1"}, {"kind", "SnapshotList"}, {"items", Json::array()}};
    for (const Row& row : rows) list["items"].push_back(row_json(row));
    context.print_structured(list);
}

void print_table(app::Context& context, const std::deque<Row>& rows, const RowTable& table) {
    context.console().out(table.header());
    for (const Row& row : rows) {
        context.console().out(table.line(row));
        if (context.console().out_broken()) return;
    }
}

void say_if_empty(app::Context& context, const Listing& listing, bool empty) {
    if (!empty) return;
    context.console().err(listing.filter.active ? "No snapshots of " + listing.filter.target + " found in " +
                                                      listing.space + " namespace.\n"
                          : listing.space.empty() ? "No snapshots found.\n"
                                                  : "No snapshots found in " + listing.space + " namespace.\n");
}

void print_rows(app::Context& context, const Listing& listing, const std::deque<Row>& rows) {
    const std::string& output = context.flags().output;
    if (output == "json") return print_json(context.console(), rows);
    if (output == "yaml") return print_yaml(context, rows);
    if (output == "name") {
        for (const Row& row : rows) context.console().out((row.is_set ? "set/" : "vs/") + row.name + "\n");
        return;
    }
    say_if_empty(context, listing, rows.empty());
    if (!rows.empty()) print_table(context, rows, RowTable(listing.style, rows));
}

// Blocks until something has changed in the namespace, a watch has ended, or a signal has come.
Status await_change(app::Context& context, kube::ClusterReader& reader, const std::string& space,
                    const Versions& from) {
    kube::ListOptions sets;
    sets.label_selector = std::string(labels::kRole) + "=set";
    TRY_ASSIGN(auto snapshots_watch, reader.watch(kube::kSnapshots, space, {}, from.snapshots));
    TRY_ASSIGN(auto sets_watch, reader.watch(kube::kConfigMaps, space, sets, from.sets));
    bool news = false;
    while (!context.signals().pending() && !context.console().out_broken()) {
        bool quiet = true;
        for (kube::Watch* watch : {snapshots_watch.get(), sets_watch.get()}) {
            auto event = watch->next(kLook);
            if (!event.ok()) {
                const ErrorKind kind = event.error().kind;
                if (kind != ErrorKind::kGone && kind != ErrorKind::kUnavailable) return event.error();
                context.clock().sleep_for(
                    kLook);  // a server that ends every watch at once is not asked in a tight loop
                return {};
            }
            if (event->has_value() && (**event).type != kube::WatchEvent::Type::kBookmark) news = true, quiet = false;
        }
        if (news && quiet) return {};
    }
    return {};
}

// A row is printed anew when what it says has changed; its age alone is no change.
int follow(app::Context& context, kube::ClusterReader& reader, Listing listing) {
    std::map<std::string, std::string> shown;
    std::optional<RowTable> table;
    while (true) {
        listing.style.now = context.clock().now();
        const auto read = read_rows(reader, listing, listing.style.wide);
        if (!read.ok()) return context.fail(read.error());
        if (!table && !read->rows.empty()) {
            table.emplace(listing.style, read->rows);
            context.console().out(table->header());
        }
        if (table) table->set_now(listing.style.now);
        for (const Row& row : read->rows) {
            std::string& last = shown[row.space + "/" + (row.is_set ? "" : "vs/") + row.name];
            std::string now = row_json(row).dump(-1, ' ', false, Json::error_handler_t::replace);
            if (last == now) continue;
            last = std::move(now);
            context.console().out(table->line(row));
        }
        if (!context.console().flush()) return app::kDone;
        if (context.signals().pending()) return 128 + context.signals().last();
        const Status waited = await_change(context, reader, listing.space, read->versions);
        if (!waited.ok()) return context.fail(waited.error());
    }
}

int run_list(app::Context& context, const app::Arguments& arguments) {
    auto reader = context.reader();
    if (!reader.ok()) return context.fail(reader.error());
    Listing listing;
    const bool all_spaces = arguments.flag("all-namespaces");
    if (!all_spaces) {
        auto space = context.space();
        if (!space.ok()) return context.fail(space.error());
        listing.space = *space;
    }
    if (!arguments.positionals.empty()) {
        auto filter = filter_for(**reader, listing.space, arguments.positionals.front());
        if (!filter.ok()) return context.fail(filter.error());
        listing.filter = *filter;
    }
    const std::string& output = context.flags().output;
    listing.style = {output == "wide", all_spaces, context.clock().now()};
    if (arguments.flag("watch")) {
        if (output != "table" && output != "wide")
            return context.fail(
                {ErrorKind::kUsage, "--watch prints a table; it cannot be combined with --output=" + output});
        return follow(context, **reader, listing);
    }
    const auto read = read_rows(**reader, listing, output != "table" && output != "name");
    if (!read.ok()) return context.fail(read.error());
    print_rows(context, listing, read->rows);
    for (const std::string& line : read->damaged) context.console().err("warning: " + line + "\n");
    context.console().flush();  // a reader that has seen enough ("| head") is no error
    return app::kDone;
}

}  // namespace

app::Command list_command() {
    app::Command command;
    command.name = "list";
    command.summary = "List snapshot sets and single snapshots";
    command.description =
        "Sets are shown under their name, single snapshots (also those that other tools made) as vs/NAME. READY counts "
        "the\n"
        "snapshots that can be restored; VERIFIED says what the last `kubectl restore drill` proved, and when.";
    command.usage = "[TYPE/NAME] [flags]";
    command.examples = {
        {"Everything in the namespace", "kubectl snap list"},
        {"What there is of one workload, with classes and drivers", "kubectl snap list sts/postgres -o wide"},
        {"Names of sets whose restore was never proven",
         "kubectl snap list -A -o json | jq -r '.items[] | select(.type==\"set\" and .verified.level==\"\") | .name'"}};
    command.positionals_max = 1;
    command.completes = {app::Completes::kWorkload};
    command.options = {
        short_named(flag_option("all-namespaces", "list the snapshots of every namespace"), 'A'),
        short_named(flag_option("watch", "after listing, print rows as they change, until interrupted"), 'w')};
    command.rules = {rule({"list"}, kube::kConfigMaps),
                     rule({"list"}, kube::kSnapshots),
                     rule({"watch"}, kube::kConfigMaps, "--watch"),
                     rule({"watch"}, kube::kSnapshots, "--watch"),
                     rule({"get"}, kube::kStatefulSets, "sts/NAME"),
                     rule({"get"}, kube::kDeployments, "deploy/NAME"),
                     rule({"get"}, kube::kPods, "pod/NAME"),
                     cluster_rule({"list"}, kube::kSnapshotClasses, "--output=wide|json|yaml")};
    command.outputs = {"table", "wide", "json", "yaml", "name"};
    command.read = run_list;
    return command;
}

}  // namespace holdfast::snap
