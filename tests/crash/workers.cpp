#include "tests/crash/workers.h"

#include "tests/crash/branches.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <sstream>

namespace holdfast::crash {
namespace {

constexpr long long kMostViolations = 30;
constexpr char kEnd[] = "END\n";

std::string tally_line(const std::string& name, const Tally& tally) {
    std::ostringstream out;
    out << "TALLY " << name << ' ' << tally.cases << ' ' << tally.doubles << ' ' << tally.violations << ' '
        << tally.looks << ' ' << tally.with_actors << ' ' << tally.refused << ' ' << tally.unseen << ' '
        << tally.as_another;
    for (const std::string& fault : tally.faults) out << ' ' << fault;
    out << '\n';
    return out.str();
}

// One case as it is told: its tally, and what is wrong.
std::string told(const Reference& reference, const Case& one, const Judgement& judgement, bool tell_all) {
    if (one.actor && !judgement.happened && !tell_all) return "";  // there was nothing for them to do there
    Tally tally;
    tally.cases = 1;
    tally.looks = judgement.looks;
    tally.doubles = one.second.boundary >= 0 ? 1 : 0;
    tally.with_actors = one.actor ? 1 : 0;
    tally.refused = judgement.refused ? 1 : 0;
    tally.unseen = judgement.unseen_deletions;
    tally.as_another = judgement.as_another ? 1 : 0;
    if (judgement.happened) tally.faults.insert(one.what());
    const bool good = judgement.violations.empty();
    tally.violations = good ? 0 : 1;
    std::ostringstream out;
    out << tally_line(one.entry->name, tally);
    if (good && !tell_all) return out.str();
    out << (good ? "ok " : "VIOLATION ") << one.id() << " ("
        << reference.calls[static_cast<std::size_t>(one.first.boundary)].text() << ")\n";
    for (const std::string& what : judgement.violations) out << "  " << what << '\n';
    if (tell_all) out << judgement.told;
    out << "  replay: build/dev/tests/crash/crash_tests --case " << one.id() << "\n";
    return out.str();
}

bool is_violation(const std::string& text) {
    return text.rfind("VIOLATION ", 0) == 0 || text.find("\nVIOLATION ") != std::string::npos;
}

// Spread evenly, whichever multiples have second kills or actors.
int worker_of(const Work& work, int workers) {
    const auto mixed = static_cast<std::uint32_t>(work.first.first.boundary) * 2654435761U;  // Knuth, 6.4
    return static_cast<int>((mixed >> 16) % static_cast<std::uint32_t>(workers));
}

// Every case of a boundary is one worker's.
void work(const std::vector<Work>& all, const std::map<std::string, Reference>& references, int number, int workers,
          std::FILE* file) {
    std::map<std::string, std::vector<const Work*>> mine;
    for (const Work& one : all) {
        if (worker_of(one, workers) == number) mine[one.first.entry->name].push_back(&one);
    }
    long long violations = 0;
    const Listener listen = [&](const std::string& text) {
        std::fwrite(text.data(), 1, text.size(), file);
        if (is_violation(text)) ++violations;
        std::fflush(file);  // a branch must not write it once more
        return violations < kMostViolations;
    };
    for (const auto& [name, works] : mine) {
        const Reference& reference = references.at(name);
        if (violations >= kMostViolations) break;
        run_branches(
            reference, works,
            [&](const Case& one, const Judgement& judgement) { return told(reference, one, judgement, false); },
            listen);
    }
}

std::string text_of(std::FILE* file) {
    std::rewind(file);
    std::string text;
    std::array<char, 65536> buffer{};
    for (std::size_t read = 0; (read = std::fread(buffer.data(), 1, buffer.size(), file)) > 0;)
        text.append(buffer.data(), read);
    return text;
}

void take(Outcome& outcome, const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line + "\n" == kEnd) continue;
        if (line.rfind("TALLY ", 0) != 0) {
            outcome.told += line + "\n";
            continue;
        }
        std::istringstream words(line.substr(6));
        std::string name;
        Tally tally;
        words >> name >> tally.cases >> tally.doubles >> tally.violations >> tally.looks >> tally.with_actors >>
            tally.refused >> tally.unseen >> tally.as_another;
        for (std::string fault; words >> fault;) tally.faults.insert(fault);
        outcome.tallies[name] += tally;
    }
}

}  // namespace

Outcome& Outcome::operator+=(const Outcome& more) {
    for (const auto& [name, tally] : more.tallies) tallies[name] += tally;
    told += more.told;
    died = died || more.died;
    return *this;
}

Outcome tell_one(const std::vector<Work>& work, const std::map<std::string, Reference>& references) {
    Outcome outcome;
    for (const Work& one : work) {
        const Reference& reference = references.at(one.first.entry->name);
        take(outcome, told(reference, one.first, judge(reference, one.first), true));
    }
    return outcome;
}

Outcome work_off(const std::vector<Work>& all, const std::map<std::string, Reference>& references, int workers) {
    std::vector<std::FILE*> files;
    std::vector<pid_t> children;
    std::fflush(nullptr);
    for (int number = 0; number < workers; ++number) {
        files.push_back(std::tmpfile());
        const pid_t child = fork();
        if (child == 0) {
            work(all, references, number, workers, files.back());
            std::fputs(kEnd, files.back());
            std::fflush(files.back());
            _exit(0);
        }
        children.push_back(child);
    }
    Outcome outcome;
    for (std::size_t i = 0; i < children.size(); ++i) {
        int status = 0;
        waitpid(children[i], &status, 0);
        const std::string text = text_of(files[i]);
        take(outcome, text);
        outcome.died = outcome.died || !text.ends_with(kEnd);
        std::fclose(files[i]);
    }
    return outcome;
}

}  // namespace holdfast::crash
