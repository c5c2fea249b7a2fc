#include "plugins/pvc-expand/usage.h"

#include "common/app/exit_code.h"
#include "common/core/names.h"
#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/mounts.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"
#include "common/plan/actors.h"
#include "common/plan/drive_parts.h"
#include "common/view/table.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace holdfast::expand {
namespace {

constexpr std::chrono::milliseconds kPatience{20000};

std::vector<std::string> words_of(const std::string& line) {
    std::vector<std::string> words;
    for (const std::string& word : split(line, ' ')) {
        if (!word.empty()) words.push_back(word);
    }
    return words;
}

long long number_in(const std::string& text) {
    long long number = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? number : -1;
}

// One container asks for all of its claims at once. A claim that several mount is asked for once.
struct Question {
    std::string pod, container;
    std::vector<ClaimUsage> claims;
};

std::vector<Question> questions_for(const std::vector<Json>& pods, const std::set<std::string>& claims,
                                    std::set<std::string>& asked) {
    std::vector<Question> questions;
    for (const Json& pod : pods) {
        if (kube::phase_of(pod) != "Running" || kube::deleting(pod)) continue;
        for (const kube::ClaimMount& mount : kube::claim_mounts_of(pod)) {
            if (!claims.contains(mount.claim) || !asked.insert(mount.claim).second) continue;
            const bool same = !questions.empty() && questions.back().pod == kube::name_of(pod) &&
                              questions.back().container == mount.container;
            if (!same) questions.push_back({kube::name_of(pod), mount.container, {}});
            ClaimUsage usage;
            usage.claim = mount.claim;
            usage.pod = kube::name_of(pod);
            usage.container = mount.container;
            usage.path = mount.path;
            questions.back().claims.push_back(std::move(usage));
        }
    }
    return questions;
}

Result<std::string> df(plan::PodRunner& pods, const std::string& space, const Question& question, const char* flag) {
    plan::Exec exec;
    exec.space = space;
    exec.pod = question.pod;
    exec.container = question.container;
    exec.argv = {"df", flag};
    for (const ClaimUsage& claim : question.claims) exec.argv.push_back(claim.path);
    return pods.run(exec, kPatience);
}

std::vector<ClaimUsage> answers(plan::PodRunner& pods, const std::string& space, const Question& question) {
    const auto bytes = df(pods, space, question, "-Pk");
    if (!bytes.ok()) {
        std::vector<ClaimUsage> unknown = question.claims;
        for (ClaimUsage& one : unknown) one.problem = bytes.error().message;
        return unknown;
    }
    std::vector<ClaimUsage> known = parse_df(*bytes, question.claims, false);
    // Small versions of df, and filesystems without a table of inodes, do not tell of them.
    const auto inodes = df(pods, space, question, "-Pi");
    return inodes.ok() ? parse_df(*inodes, std::move(known), true) : known;
}

std::vector<ClaimUsage> measured(plan::PodRunner& pods, const std::string& space, const std::vector<Json>& live,
                                 const std::set<std::string>& claims) {
    std::set<std::string> asked;
    std::vector<ClaimUsage> all;
    for (const Question& question : questions_for(live, claims, asked)) {
        for (ClaimUsage& one : answers(pods, space, question)) all.push_back(std::move(one));
    }
    for (const std::string& claim : claims) {
        if (asked.contains(claim)) continue;
        ClaimUsage unknown;
        unknown.claim = claim;
        unknown.problem = "no running pod mounts it";
        all.push_back(std::move(unknown));
    }
    return all;
}

Result<std::set<std::string>> claims_of_target(kube::ClusterReader& reader, const std::string& space,
                                               const std::string& word, const std::vector<Json>& pods) {
    TRY_ASSIGN(const TypedName typed, parse_typed_name(word));
    const kube::Resource* resource = kube::find_resource(typed.type);
    const auto named = [&](const kube::Resource& one) { return resource != nullptr && *resource == one; };
    if (named(kube::kClaims)) return std::set<std::string>{typed.name};
    std::set<std::string> claims;
    if (named(kube::kPods)) {
        TRY_ASSIGN(const Json pod, reader.get({kube::kPods, space, typed.name}));
        for (const std::string& claim : kube::claims_of_pod(pod)) claims.insert(claim);
        return claims;
    }
    if (!named(kube::kStatefulSets) && !named(kube::kDeployments))
        return Error{ErrorKind::kUsage,
                     "\"" + escape_line(word) + "\": usage takes sts/NAME, deploy/NAME, pod/NAME or pvc/NAME", "", 0,
                     ""};
    TRY_ASSIGN(const Json object, reader.get({*resource, space, typed.name}));
    const kube::WorkloadState workload = kube::workload_state_of(object);
    for (const std::string& claim : kube::template_claims_of(workload)) claims.insert(claim);
    for (const std::string& claim : workload.pod_claims) claims.insert(claim);
    (void)pods;
    return claims;
}

Result<std::vector<ClaimUsage>> look(app::Context& context, const app::Arguments& arguments) {
    TRY_ASSIGN(const std::string space, context.space());
    TRY_ASSIGN(auto* reader, context.reader());
    TRY(plan::check_allowed(*reader, {{"get", kube::kPods, space, "", ""}, {"create", kube::kPods, space, "exec", ""}},
                            "pvc-expand"));
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
    TRY_ASSIGN(auto* runner, context.pod_runner());
    std::vector<ClaimUsage> all = measured(*runner, space, pods.items, claims);
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

// A mount path may hold spaces: only the numbers before it count, and they stand after the first word.
std::vector<ClaimUsage> parse_df(const std::string& printed, std::vector<ClaimUsage> asked, bool inodes) {
    std::vector<std::vector<std::string>> lines;
    for (const std::string& line : split(printed, '\n')) {
        std::vector<std::string> words = words_of(line);
        if (words.size() >= 6 && number_in(words[1]) >= 0) lines.push_back(std::move(words));
    }
    for (std::size_t i = 0; i < asked.size(); ++i) {
        if (lines.size() != asked.size()) {
            if (!inodes) asked[i].problem = "df printed what cannot be read";
            continue;
        }
        const long long whole = number_in(lines[i][1]), used = number_in(lines[i][2]), left = number_in(lines[i][3]);
        if (inodes) {
            asked[i].inodes = whole > 0 ? whole : -1;
            asked[i].inodes_used = whole > 0 ? used : -1;
        } else {
            asked[i].capacity_bytes = whole * 1024;
            asked[i].used_bytes = used * 1024;
            asked[i].free_bytes = left * 1024;
        }
    }
    return asked;
}

int show_usage(app::Context& context, const app::Arguments& arguments) {
    const auto all = look(context, arguments);
    if (!all.ok()) return context.fail(all.error());
    print_usage(context, *all);
    bool known = all->empty();
    for (const ClaimUsage& one : *all) {
        known = known || one.problem.empty();
        if (!one.problem.empty()) context.console().err("pvc/" + one.claim + ": " + escape_line(one.problem) + "\n");
    }
    if (all->empty()) context.console().err("No claims found.\n");
    return known ? app::kDone : app::kResumable;
}

Result<Usage> used_bytes(app::Context& context, const ExpandFacts& facts) {
    std::set<std::string> claims = facts.chosen;
    for (const auto& [claim, place] : facts.places) {
        if (facts.mounted_by.contains(claim)) claims.insert(claim);
    }
    TRY_ASSIGN(const std::string space, context.space());
    TRY_ASSIGN(auto* runner, context.pod_runner());
    Usage used;
    for (const ClaimUsage& one : measured(*runner, space, facts.pods, claims)) {
        if (one.used_bytes < 0)
            return refused("pvc/" + space + "/" + one.claim + ": how much is used is not known: " + one.problem,
                           "give the size itself: --size");
        used[one.claim] = one.used_bytes;
    }
    return used;
}

}  // namespace holdfast::expand
