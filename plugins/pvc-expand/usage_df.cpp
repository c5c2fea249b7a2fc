// How full volumes are, asked of df in the pods that mount them.
#include "plugins/pvc-expand/usage.h"

#include "common/core/text.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/mounts.h"
#include "common/kube/objects/workload.h"

#include <charconv>

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

}  // namespace

std::vector<ClaimUsage> measured_by_df(plan::PodRunner& pods, const std::string& space, const std::vector<Json>& live,
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
    tell_devices(live, all);
    return all;
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

}  // namespace holdfast::expand
