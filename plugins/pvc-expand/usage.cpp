#include "plugins/pvc-expand/usage.h"

#include "common/app/exit_code.h"
#include "common/core/names.h"
#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/missing.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/mounts.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"
#include "common/plan/actors.h"
#include "common/plan/drive_parts.h"
#include "common/view/table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

namespace holdfast::expand {
namespace {

Result<Json> named_object(kube::ClusterReader& reader, const kube::ObjectRef& ref) {
    TRY_ASSIGN(std::optional<Json> found, reader.find(ref));
    if (!found) return kube::missing_object(reader, ref);
    return std::move(*found);
}

Result<std::set<std::string>> claims_of_target(kube::ClusterReader& reader, const std::string& space,
                                               const std::string& word, const std::vector<Json>& pods) {
    TRY_ASSIGN(const TypedName typed, parse_typed_name(word));
    const kube::Resource* resource = kube::find_resource(typed.type);
    const auto named = [&](const kube::Resource& one) { return resource != nullptr && *resource == one; };
    if (named(kube::kClaims)) {
        TRY(named_object(reader, {kube::kClaims, space, typed.name}));
        return std::set<std::string>{typed.name};
    }
    std::set<std::string> claims;
    if (named(kube::kPods)) {
        TRY_ASSIGN(const Json pod, named_object(reader, {kube::kPods, space, typed.name}));
        for (const std::string& claim : kube::claims_of_pod(pod)) claims.insert(claim);
        return claims;
    }
    if (!named(kube::kStatefulSets) && !named(kube::kDeployments))
        return Error{ErrorKind::kUsage,
                     "\"" + escape_line(word) + "\": usage takes sts/NAME, deploy/NAME, pod/NAME or pvc/NAME", "", 0,
                     ""};
    TRY_ASSIGN(const Json object, named_object(reader, {*resource, space, typed.name}));
    const kube::WorkloadState workload = kube::workload_state_of(object);
    for (const std::string& claim : kube::template_claims_of(workload)) claims.insert(claim);
    for (const std::string& claim : workload.pod_claims) claims.insert(claim);
    (void)pods;
    return claims;
}

Result<std::vector<ClaimUsage>> look(app::Context& context, const app::Arguments& arguments) {
    TRY_ASSIGN(const std::string space, context.space());
    TRY_ASSIGN(auto* reader, context.reader());
    const bool by_kubelet = arguments.text("from") == "kubelet";
    if (arguments.given("from") && !by_kubelet && arguments.text("from") != "exec")
        return Error{ErrorKind::kUsage, "--from " + escape_line(arguments.text("from")) + ": it is exec or kubelet", "",
                     0, ""};
    std::vector<kube::AccessCheck> needs = {{"get", kube::kPods, space, "", ""}};
    if (by_kubelet)
        needs.push_back({"get", kube::kNodes, "", "proxy", ""});
    else
        needs.push_back({"create", kube::kPods, space, "exec", ""});
    TRY(plan::check_allowed(*reader, needs, "pvc-expand"));
    TRY_ASSIGN(const kube::List pods, reader->list(kube::kPods, space));
    std::set<std::string> claims;
    if (!arguments.positionals.empty()) {
        TRY_ASSIGN(claims, claims_of_target(*reader, space, arguments.positionals.front(), pods.items));
    }
    const std::string selector = arguments.text("selector");
    if (arguments.positionals.empty() || !selector.empty()) {
        TRY_ASSIGN(const kube::List all, reader->list(kube::kClaims, space, {selector, ""}));
        std::set<std::string> chosen;
        for (const Json& claim : all.items) chosen.insert(kube::name_of(claim));
        if (arguments.positionals.empty()) claims = chosen;
        std::erase_if(claims, [&](const std::string& claim) { return !chosen.contains(claim); });
    }
    std::vector<ClaimUsage> all;
    if (by_kubelet) {
        all = measured_by_kubelet(*reader, space, pods.items, claims);
    } else {
        TRY_ASSIGN(auto* runner, context.pod_runner());
        all = measured_by_df(*runner, space, pods.items, claims);
    }
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.percent() > b.percent(); });
    return all;
}

std::string bytes_text(long long bytes) { return bytes < 0 ? "<unknown>" : human_bytes(bytes); }
std::string percent_text(long long part, long long whole) {
    return part < 0 || whole <= 0 ? "<unknown>" : std::to_string((part * 100 + whole - 1) / whole) + "%";
}

Json usage_json(const ClaimUsage& one) {
    const auto known = [](long long value) { return value < 0 ? Json(nullptr) : Json(value); };
    return {{"claim", one.claim},
            {"pod", one.pod},
            {"capacityBytes", known(one.capacity_bytes)},
            {"usedBytes", known(one.used_bytes)},
            {"freeBytes", known(one.free_bytes)},
            {"usedPercent", known(one.percent())},
            {"inodes", known(one.inodes)},
            {"inodesUsed", known(one.inodes_used)},
            {"problem", one.problem}};
}

void print_usage(app::Context& context, const std::vector<ClaimUsage>& all) {
    const std::string& output = context.flags().output;
    if (output == "json" || output == "yaml") {
        Json list = {{"apiVersion", "holdfast.dev/v1"}, {"kind", "ClaimUsageList"}, {"items", Json::array()}};
        for (const ClaimUsage& one : all) list["items"].push_back(usage_json(one));
        return context.print_structured(list);
    }
    if (output == "name") {
        for (const ClaimUsage& one : all) context.console().out("persistentvolumeclaim/" + one.claim + "\n");
        return;
    }
    view::Table table({"NAME", "POD", "CAPACITY", "USED", "FREE", "USE%", "INODES%"});
    for (const ClaimUsage& one : all)
        table.row({one.claim, one.pod, bytes_text(one.capacity_bytes), bytes_text(one.used_bytes),
                   bytes_text(one.free_bytes), one.percent() < 0 ? "<unknown>" : std::to_string(one.percent()) + "%",
                   percent_text(one.inodes_used, one.inodes)});
    context.console().out(table.text());
}

}  // namespace

int ClaimUsage::percent() const {
    const long long whole = used_bytes + free_bytes;
    return used_bytes < 0 || free_bytes < 0 || whole <= 0 ? -1
                                                          : static_cast<int>((used_bytes * 100 + whole - 1) / whole);
}

// A kubelet says of one that nothing of it is used, and nothing is free.
void tell_devices(const std::vector<Json>& live, std::vector<ClaimUsage>& all) {
    for (const Json& pod : live) {
        if (kube::phase_of(pod) != "Running") continue;
        for (const std::string& claim : kube::device_claims_of(pod)) {
            for (ClaimUsage& one : all) {
                if (one.claim != claim) continue;
                one.pod = kube::name_of(pod);
                one.device = true;
                one.used_bytes = one.free_bytes = one.inodes = one.inodes_used = -1;
                one.problem =
                    "a raw block device of pod/" + one.pod + ": only what writes to it knows how much is used";
            }
        }
    }
}

int show_usage(app::Context& context, const app::Arguments& arguments) {
    const auto all = look(context, arguments);
    if (!all.ok()) return context.fail(all.error());
    print_usage(context, *all);
    bool known = all->empty(), denied = false, mounted = false;
    for (const ClaimUsage& one : *all) {
        known = known || one.problem.empty();
        denied = denied || one.denied;
        mounted = mounted || (!one.pod.empty() && !one.device);
        if (!one.problem.empty()) context.console().err("pvc/" + one.claim + ": " + escape_line(one.problem) + "\n");
    }
    if (all->empty()) context.console().err("No claims found.\n");
    if (known) return app::kDone;
    if (mounted && arguments.text("from") == "kubelet")
        context.console().err("df in the pods that mount them can tell: kubectl pvc-expand usage --from exec\n");
    return denied ? app::kNoAccess : app::kResumable;
}

// A filesystem keeps some of its volume for itself: what is used of it is a larger part of it than of the volume, and
// that part is what `usage` shows.
long long used_of_volume(const ClaimUsage& usage, const Json& claim) {
    const long long fillable = usage.used_bytes + usage.free_bytes;
    const auto capacity = kube::capacity_of(claim);
    if (!capacity || usage.free_bytes < 0 || fillable <= 0 || capacity->bytes() <= fillable) return usage.used_bytes;
    return static_cast<long long>(
        std::ceil(static_cast<long double>(usage.used_bytes) * static_cast<long double>(capacity->bytes()) /
                  static_cast<long double>(fillable)));
}

Result<Usage> used_bytes(app::Context& context, const ExpandFacts& facts) {
    std::set<std::string> claims = facts.chosen;
    for (const auto& [claim, place] : facts.places) {
        if (facts.mounted_by.contains(claim)) claims.insert(claim);
    }
    TRY_ASSIGN(const std::string space, context.space());
    TRY_ASSIGN(auto* runner, context.pod_runner());
    Usage used;
    for (const ClaimUsage& one : measured_by_df(*runner, space, facts.pods, claims)) {
        if (one.used_bytes < 0)
            return refused("pvc/" + space + "/" + one.claim + ": how much is used is not known: " + one.problem,
                           "give the size itself: --size");
        used[one.claim] = used_of_volume(one, facts.claims.at(one.claim));
    }
    return used;
}

}  // namespace holdfast::expand
