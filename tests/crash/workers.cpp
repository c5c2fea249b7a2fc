#include "tests/crash/workers.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <sstream>

namespace holdfast::crash {
namespace {

constexpr long long kMostViolations = 30;
constexpr char kEnd[] = "END";

class Worker {
  public:
    Worker(const std::map<std::string, Reference>& references, bool tell_all)
        : references_(references), tell_all_(tell_all) {}

    void run(const Work& work) {
        const Reference& reference = references_.at(work.first.entry->name);
        if (!work.doubles) {
            judge_one(reference, work.first);
            return;
        }
        // How many requests the run after the fault makes is known only when it was seen.
        const int requests = judge(reference, work.first).second_calls;
        Case one = work.first;
        if (requests == 0) {
            if (work.pick >= 0) judge_one(reference, one);  // a sample has as many cases as it was asked for
            return;
        }
        if (work.pick >= 0) {
            one.second = {static_cast<int>(work.pick % requests), Fault::kKillAfterCommit};
            judge_one(reference, one);
            return;
        }
        for (int i = 0; i < requests && violations_ < kMostViolations; ++i) {
            one.second = {i, Fault::kKillAfterCommit};
            judge_one(reference, one);
        }
    }

    bool enough() const { return violations_ >= kMostViolations; }

    std::string result() const {
        std::ostringstream out;
        for (const auto& [name, tally] : tallies_) {
            out << "TALLY " << name << ' ' << tally.cases << ' ' << tally.doubles << ' ' << tally.violations << ' '
                << tally.looks << ' ' << tally.with_actors << ' ' << tally.refused << ' ' << tally.unseen;
            for (const std::string& fault : tally.faults) out << ' ' << fault;
            out << '\n';
        }
        out << told_.str() << kEnd << '\n';
        return out.str();
    }

  private:
    void judge_one(const Reference& reference, const Case& one) {
        const Judgement judgement = judge(reference, one);
        if (one.actor && !judgement.happened && !tell_all_) return;  // there was nothing for them to do there
        Tally& tally = tallies_[one.entry->name];
        ++tally.cases;
        tally.looks += judgement.looks;
        if (one.second.boundary >= 0) ++tally.doubles;
        if (one.actor) ++tally.with_actors;
        if (judgement.refused) ++tally.refused;
        tally.unseen += judgement.unseen_deletions;
        if (judgement.happened) tally.faults.insert(one.what());
        if (judgement.violations.empty() && !tell_all_) return;
        if (!judgement.violations.empty()) {
            ++tally.violations;
            ++violations_;
        }
        told_ << (judgement.violations.empty() ? "ok " : "VIOLATION ") << one.id() << " ("
              << reference.calls[static_cast<std::size_t>(one.first.boundary)].text() << ")\n";
        for (const std::string& what : judgement.violations) told_ << "  " << what << '\n';
        if (tell_all_) told_ << judgement.told;
        told_ << "  replay: build/dev/tests/crash/crash_tests --case " << one.id() << "\n";
    }

    const std::map<std::string, Reference>& references_;
    bool tell_all_;
    std::map<std::string, Tally> tallies_;
    std::ostringstream told_;
    long long violations_ = 0;
};

void take(Outcome& outcome, std::FILE* file) {
    std::rewind(file);
    std::string text;
    char buffer[65536];
    for (std::size_t read = 0; (read = std::fread(buffer, 1, sizeof buffer, file)) > 0;) text.append(buffer, read);
    std::istringstream lines(text);
    bool ended = false;
    for (std::string line; std::getline(lines, line);) {
        if (line == kEnd) {
            ended = true;
        } else if (line.rfind("TALLY ", 0) == 0) {
            std::istringstream words(line.substr(6));
            std::string name;
            Tally tally;
            words >> name >> tally.cases >> tally.doubles >> tally.violations >> tally.looks >> tally.with_actors >>
                tally.refused >> tally.unseen;
            for (std::string fault; words >> fault;) tally.faults.insert(fault);
            outcome.tallies[name] += tally;
        } else {
            outcome.told += line + "\n";
        }
    }
    outcome.died = outcome.died || !ended;
}

}  // namespace

Outcome work_off(const std::vector<Work>& work, const std::map<std::string, Reference>& references, int workers,
                 bool tell_all) {
    std::vector<std::FILE*> files;
    std::vector<pid_t> children;
    std::fflush(nullptr);
    for (int number = 0; number < workers; ++number) {
        files.push_back(std::tmpfile());
        const pid_t child = fork();
        if (child == 0) {
            Worker worker(references, tell_all);
            for (std::size_t i = static_cast<std::size_t>(number); i < work.size() && !worker.enough();
                 i += static_cast<std::size_t>(workers))
                worker.run(work[i]);
            const std::string result = worker.result();
            std::fwrite(result.data(), 1, result.size(), files.back());
            std::fflush(files.back());
            _exit(0);
        }
        children.push_back(child);
    }
    Outcome outcome;
    for (std::size_t i = 0; i < children.size(); ++i) {
        int status = 0;
        waitpid(children[i], &status, 0);
        take(outcome, files[i]);
        std::fclose(files[i]);
    }
    return outcome;
}

}  // namespace holdfast::crash
