// trace_tests check [--seeds N] FILE...    whether the simulator can do what each file was recorded to do
// trace_tests simulate FILE [--seed N]     what the simulator does at that seed, as a trace
// trace_tests reduce                       events of a recording ("> COMMAND" lines and JSON) from stdin, as a trace
#include "common/core/text.h"
#include "common/os/files.h"
#include "tests/traces/compare.h"
#include "tests/traces/simulate.h"

#include <cstdlib>
#include <iostream>

namespace holdfast::traces {
namespace {

constexpr std::size_t kLimit = std::size_t(1) << 24;

std::string folder_of(const std::string& file) {
    const std::size_t slash = file.rfind('/');
    return slash == std::string::npos ? "." : file.substr(0, slash);
}

Result<Trace> read_trace(const std::string& file) {
    TRY_ASSIGN(const std::string text, read_file(file, kLimit));
    return parse_trace(text);
}

// False: some order that was recorded is none of the simulator's.
Result<bool> check_file(const std::string& file, std::uint64_t seeds) {
    TRY_ASSIGN(const Trace recorded, read_trace(file));
    if (recorded.phases.empty()) return Error{ErrorKind::kInvalid, "no command", "", 0, ""};
    Comparison comparison(recorded);
    for (std::uint64_t seed = 1; seed <= seeds && !comparison.satisfied(); ++seed) {
        TRY_ASSIGN(const Trace simulated, simulate(recorded, folder_of(file), seed));
        comparison.add(simulated);
    }
    const bool good = comparison.satisfied();
    std::cout << (good ? "ok  " : "NOT ") << file << ": " << recorded.phases.size() << " commands, "
              << comparison.orders() << " orders of two changes, " << comparison.runs() << " runs\n";
    for (const std::string& line : comparison.problems()) std::cout << line << "\n";
    return good;
}

int check(const std::vector<std::string>& words) {
    std::uint64_t seeds = 2000;  // it ends as soon as everything was seen
    int good = 0, bad = 0;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i] == "--seeds" && i + 1 < words.size()) {
            seeds = std::strtoull(words[++i].c_str(), nullptr, 10);
            continue;
        }
        const auto result = check_file(words[i], seeds);
        if (!result.ok()) std::cout << "NOT " << words[i] << ": " << result.error().message << "\n";
        ++(result.ok() && *result ? good : bad);
    }
    std::cout << good << " passed, " << bad << " failed\n";
    return bad == 0 && good > 0 ? 0 : 1;
}

int show(const std::string& file, std::uint64_t seed) {
    const auto story = read_trace(file);
    const auto told = story.ok() ? simulate(*story, folder_of(file), seed) : Result<Trace>(story.error());
    if (!told.ok()) {
        std::cerr << told.error().message << "\n";
        return 1;
    }
    std::cout << text_of(*told);
    return 0;
}

kube::WatchEvent::Type type_of(const std::string& name) {
    using Type = kube::WatchEvent::Type;
    return name == "DELETED" ? Type::kDeleted : name == "ADDED" ? Type::kAdded : Type::kModified;
}

int reduce_stdin() {
    Reducer reducer;
    Trace trace;
    for (std::string line; std::getline(std::cin, line);) {
        if (line.starts_with('#')) {
            trace.heading.push_back(line);
        } else if (line.starts_with("> ")) {
            trace.phases.push_back({line.substr(2), {}});
        } else {
            const Json event = Json::parse(line);
            const auto reduced = reducer.reduce(type_of(event["type"].get<std::string>()), event["object"]);
            if (reduced) trace.phases.back().events.push_back(*reduced);
        }
    }
    std::cout << text_of(trace);
    return 0;
}

int run(const std::vector<std::string>& words) {
    if (words.size() > 1 && words[0] == "check") return check({words.begin() + 1, words.end()});
    if (words.size() == 2 && words[0] == "simulate") return show(words[1], 1);
    if (words.size() == 4 && words[0] == "simulate" && words[2] == "--seed")
        return show(words[1], std::strtoull(words[3].c_str(), nullptr, 10));
    if (words.size() == 1 && words[0] == "reduce") return reduce_stdin();
    std::cerr << "usage: trace_tests check [--seeds N] FILE... | simulate FILE [--seed N] | reduce\n";
    return 2;
}

}  // namespace
}  // namespace holdfast::traces

int main(int argc, char** argv) { return holdfast::traces::run(std::vector<std::string>(argv + 1, argv + argc)); }
