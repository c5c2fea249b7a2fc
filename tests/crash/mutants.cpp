#include "tests/crash/mutants.h"

#include "tests/crash/mutate.h"
#include "tests/crash/plan_cases.h"
#include "tests/crash/survivors.h"
#include "tests/crash/world.h"
#include "tests/sim/random.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <map>

namespace holdfast::crash {
namespace {

// Enough that what a safeguard is for comes about, and few enough that one which nothing needs is known in seconds.
constexpr std::size_t kMostCases = 200;

struct Mutant {
    const Entry* entry;
    Mutation mutation;
    std::string name() const { return entry->name + " " + mutation.id(); }
};

// One kill, or somebody else, at each request: what a safeguard is there for.
bool worth_trying(const Case& one) {
    if (one.actor) return true;
    switch (one.first.fault) {
        case Fault::kKillBefore:
        case Fault::kKillAfterCommit:
        case Fault::kDelay:
        case Fault::kSomebodyChanges:
        case Fault::kSomebodyReplaces:
        case Fault::kSomebodyTakes:
            return true;
        default:
            return false;
    }
}

std::uint64_t number_of(const std::string& text) {
    std::uint64_t number = 1469598103934665603ULL;
    for (const char c : text) number = (number ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return number;
}

// Drawn for each mutant by its name, so that together they try all, and each the same ones every time.
std::vector<Case> cases_for(const Mutant& mutant, const Reference& reference) {
    std::vector<Case> all;
    for (const Work& work : all_work(*mutant.entry, reference)) {
        if (!work.doubles && worth_trying(work.first) && work.first.way == Way::kRerun) all.push_back(work.first);
    }
    sim::Dice dice(number_of(mutant.name()));
    for (std::size_t i = all.size(); i > 1; --i)
        std::swap(all[i - 1], all[static_cast<std::size_t>(dice.between(0, static_cast<std::int64_t>(i) - 1))]);
    all.resize(std::min(all.size(), kMostCases));
    return all;
}

// The first case that fails with the mutant, and what it violates; "" : none does.
std::string caught_by(const Mutant& mutant, const Reference& reference) {
    Case without;
    without.entry = mutant.entry;
    without.first = {-1, Fault::kDelay};
    without.mutation = &mutant.mutation;
    const auto told = [](const std::string& by, const Judgement& judgement) {
        const std::string& what = judgement.violations.front();
        return by + ": " + what.substr(0, what.find('\n'));
    };
    if (const Judgement plain = judge(reference, without); !plain.violations.empty())
        return told("a run without any fault", plain);
    for (Case& one : cases_for(mutant, reference)) {
        one.mutation = &mutant.mutation;
        const Judgement judgement = judge(reference, one);
        if (judgement.violations.empty()) continue;
        one.mutation = nullptr;
        if (judge(reference, one).violations.empty()) return told(one.id(), judgement);  // it is the mutant's doing
    }
    return "";
}

std::string verdict(const Mutant& mutant, const Reference& reference) {
    const std::string by = caught_by(mutant, reference);
    if (!by.empty()) return "caught    " + mutant.name() + " by " + by;
    const std::string reason = reason_to_survive(*mutant.entry, mutant.mutation);
    return (reason.empty() ? "SURVIVED  " : "listed    ") + mutant.name() + ": " + reason;
}

std::string text_of(std::FILE* file) {
    std::rewind(file);
    std::string text;
    std::array<char, 65536> buffer{};
    for (std::size_t read = 0; (read = std::fread(buffer.data(), 1, buffer.size(), file)) > 0;)
        text.append(buffer.data(), read);
    return text;
}

// On every processor; the lines in no order.
std::string verdicts(const std::vector<Mutant>& mutants, const std::map<std::string, Reference>& references) {
    const auto workers = static_cast<std::size_t>(sysconf(_SC_NPROCESSORS_ONLN));
    std::vector<std::FILE*> files;
    std::vector<pid_t> children;
    std::fflush(nullptr);
    for (std::size_t number = 0; number < workers; ++number) {
        files.push_back(std::tmpfile());
        const pid_t child = fork();
        if (child == 0) {
            for (std::size_t i = number; i < mutants.size(); i += workers) {
                const std::string line = verdict(mutants[i], references.at(mutants[i].entry->name)) + "\n";
                std::fwrite(line.data(), 1, line.size(), files.back());
                std::fflush(files.back());
            }
            _exit(0);
        }
        children.push_back(child);
    }
    std::string all;
    for (std::size_t i = 0; i < workers; ++i) {
        int status = 0;
        waitpid(children[i], &status, 0);
        all += text_of(files[i]);
        std::fclose(files[i]);
    }
    return all;
}

void draw(std::vector<Mutant>& mutants, std::size_t count, std::uint64_t seed) {
    sim::Dice dice(seed);
    for (std::size_t i = mutants.size(); i > 1; --i)
        std::swap(mutants[i - 1], mutants[static_cast<std::size_t>(dice.between(0, static_cast<std::int64_t>(i) - 1))]);
    mutants.resize(std::min(mutants.size(), count));
}

void add_new(std::vector<Mutation>& mutations, Mutation one) {
    const bool known =
        std::any_of(mutations.begin(), mutations.end(), [&](const Mutation& other) { return other.id() == one.id(); });
    if (!known) mutations.push_back(std::move(one));
}

}  // namespace

int run_mutants(std::uint64_t seed, const MutantChoice& choice) {
    const sim::Sim world = make_world(seed);
    std::vector<Mutant> mutants;
    std::map<std::string, Reference> references;
    for (const Entry& entry : matrix()) {
        if (entry.plugin.empty() || (!choice.only.empty() && choice.only != entry.name)) continue;
        std::vector<Mutation> mutations;
        const auto note = [&](Mutation one) { add_new(mutations, std::move(one)); };
        references[entry.name] = make_reference(world, entry,
                                                {[&](const plan::Plan& plan) {
                                                     for (Mutation& one : mutations_of(plan)) note(std::move(one));
                                                 },
                                                 [&](const std::set<std::string>& resources) {
                                                     for (const std::string& resource : resources)
                                                         note({"no-reread", resource});
                                                 }});
        for (Mutation& mutation : mutations) mutants.push_back({&entry, std::move(mutation)});
    }
    if (choice.sample > 0) draw(mutants, choice.sample, choice.sample_seed);
    std::string told = verdicts(mutants, references);
    std::vector<std::string> lines;
    for (std::size_t at = 0, end = 0; (end = told.find('\n', at)) != std::string::npos; at = end + 1)
        lines.push_back(told.substr(at, end - at));
    std::sort(lines.begin(), lines.end());
    std::size_t good = 0;
    for (const std::string& line : lines) {
        std::cout << line << "\n";
        if (!line.starts_with("SURVIVED")) ++good;
    }
    // One that gave no line took its worker down: that is a failure too.
    const std::size_t bad = mutants.size() - good;
    std::cout << good << " passed, " << bad << " failed\n";
    return bad == 0 && good > 0 ? 0 : 1;
}

}  // namespace holdfast::crash
