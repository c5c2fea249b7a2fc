#include "plugins/clone/list.h"

#include "common/app/context.h"
#include "common/app/exit_code.h"
#include "common/core/duration.h"
#include "common/core/text.h"
#include "common/view/table.h"
#include "plugins/clone/known.h"

#include <algorithm>

namespace holdfast::clone {
namespace {

long long seconds_between(SystemTime from, SystemTime to) {
    return std::chrono::duration_cast<std::chrono::seconds>(to - from).count();
}

std::string age_of(const std::string& created, SystemTime now) {
    const auto time = parse_time(created);
    return time.ok() ? human_age(std::max(0LL, seconds_between(*time, now))) : "<unknown>";
}

bool is_past(const KnownClone& clone, SystemTime now) {
    const auto time = parse_time(clone.expires);
    return time.ok() && *time < now;
}

// "in 3d", "2h ago": nothing removes a clone by itself (safety R18).
std::string expiry_of(const KnownClone& clone, SystemTime now) {
    const auto time = parse_time(clone.expires);
    if (!time.ok()) return clone.expires;
    const long long seconds = seconds_between(now, *time);
    return is_past(clone, now) ? "expired " + human_age(-seconds) + " ago" : "in " + human_age(seconds);
}

std::string objects_of(const KnownClone& clone) {
    std::vector<std::string> names;
    for (const KnownObject& one : clone.objects) names.push_back(one.ref.resource.short_name + "/" + one.ref.name);
    return join(names, ",");
}

Json json_of(const KnownClone& clone, SystemTime now) {
    Json objects = Json::array(), claims = Json::array();
    for (const KnownObject& one : clone.objects) {
        objects.push_back(typed_name(one.ref));
        if (one.ref.resource == kube::kClaims)
            claims.push_back({{"name", one.ref.name}, {"from", source_told_by(one.object)}});
    }
    return {{"name", clone.name},
            {"namespace", clone.space},
            {"from", clone.from},
            {"operation", clone.operation},
            {"created", clone.created},
            {"expires", clone.expires},
            {"expired", is_past(clone, now)},
            {"bytes", clone.claimed_bytes()},
            {"claims", std::move(claims)},
            {"objects", std::move(objects)}};
}

void print_table(app::Context& context, const std::vector<KnownClone>& clones, bool all_spaces, SystemTime now) {
    std::vector<std::string> header = {"NAME", "FROM", "CLAIMS", "SIZE", "EXPIRES", "AGE"};
    const bool wide = context.flags().output == "wide";
    if (wide) header = {"NAME", "FROM", "CLAIMS", "SIZE", "EXPIRES", "OPERATION", "OBJECTS", "AGE"};
    if (all_spaces) header.insert(header.begin(), "NAMESPACE");
    view::Table table(header);
    for (const KnownClone& clone : clones) {
        std::vector<std::string> cells = {clone.name, clone.from, std::to_string(clone.count(kube::kClaims)),
                                          human_bytes(clone.claimed_bytes()), expiry_of(clone, now)};
        if (wide) cells.insert(cells.end(), {clone.operation, objects_of(clone)});
        cells.push_back(age_of(clone.created, now));
        if (all_spaces) cells.insert(cells.begin(), clone.space);
        table.row(std::move(cells));
    }
    context.console().out(table.text());
}

void print(app::Context& context, const std::vector<KnownClone>& clones, const std::string& space) {
    const SystemTime now = context.clock().now();
    const std::string& output = context.flags().output;
    if (output == "json" || output == "yaml") {
        Json list = {{"apiVersion", "holdfast.dev/v1"}, {"kind", "CloneList"}, {"items", Json::array()}};
        for (const KnownClone& clone : clones) list["items"].push_back(json_of(clone, now));
        return context.print_structured(list);
    }
    if (output == "name") {
        for (const KnownClone& clone : clones) context.console().out("clone/" + escape_line(clone.name) + "\n");
        return;
    }
    if (clones.empty()) {
        context.console().err(space.empty() ? "No clones found.\n" : "No clones found in " + space + " namespace.\n");
        return;
    }
    print_table(context, clones, space.empty(), now);
    const auto past =
        std::count_if(clones.begin(), clones.end(), [&](const KnownClone& one) { return is_past(one, now); });
    if (past > 0)
        context.console().err(std::to_string(past) +
                              (past == 1 ? " clone is past its time" : " clones are past their time") +
                              ": kubectl clone delete NAME removes one\n");
}

}  // namespace

int run_list(app::Context& context, const app::Arguments& arguments) {
    const auto reader = context.reader();
    if (!reader.ok()) return context.fail(reader.error());
    std::string space;
    if (!arguments.flag("all-namespaces")) {
        const auto own = context.space();
        if (!own.ok()) return context.fail(own.error());
        space = *own;
    }
    auto clones = known_clones(**reader, space, "");
    if (!clones.ok()) return context.fail(clones.error());
    std::erase_if(*clones, [](const KnownClone& one) { return one.only_left(); });
    print(context, *clones, space);
    context.console().flush();
    return app::kDone;
}

}  // namespace holdfast::clone
