#include "tests/crash/branches.h"

#include "tests/crash/alike.h"
#include "tests/crash/heap.h"
#include "tests/crash/stage.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>

namespace holdfast::crash {
namespace {

constexpr unsigned kMostSeconds = 300;  // of one branch; most take milliseconds
constexpr std::string_view kCalls = "CALLS ";

void write_all(int file, const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t wrote = write(file, text.data() + at, text.size() - at);
        if (wrote < 0 && errno != EINTR) _exit(3);
        if (wrote > 0) at += static_cast<std::size_t>(wrote);
    }
}

std::string read_all(int file) {
    std::string text;
    std::array<char, 4096> buffer{};
    while (true) {
        const ssize_t got = read(file, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

std::string death_of(int status) {
    if (WIFSIGNALED(status)) return "it died of signal " + std::to_string(WTERMSIG(status));
    return WEXITSTATUS(status) == 0 ? "" : "it ended with " + std::to_string(WEXITSTATUS(status));
}

class Trunk {
  public:
    Trunk(const Reference& reference, const std::vector<const Work*>& works,
          const std::function<std::string(const Case&, const Judgement&)>& tell, const Listener& listen)
        : reference_(reference), tell_(tell), listen_(listen) {
        for (const Work* work : works) at_[work->first.first.boundary].push_back(work);
    }

    void run() {
        if (at_.empty()) return;
        Case trunk;
        trunk.entry = at_.begin()->second.front()->first.entry;
        trunk.mutation = at_.begin()->second.front()->first.mutation;
        Stage stage(reference_, trunk);
        stage_ = &stage;
        Injection injection;
        injection.branch = [this](int boundary, const sim::Call&) { return branch_at(boundary); };
        const Ending first = stage.once(reference_.line, injection, "first run", kFirst);
        if (judge_ == nullptr) return;
        end_branch(judge_->after(first));
    }

  private:
    // In the trunk nothing; in a branch its injection.
    std::optional<Injection> branch_at(int boundary) {
        for (const Work* work : at_[boundary]) {
            if (enough_) break;
            if (work->pick >= 0 ? branch_picked(*work) : branched(*work, work->doubles)) return judge_->injection();
        }
        if (enough_ || boundary >= at_.rbegin()->first) throw sim::Killed{};  // nothing comes after it
        return std::nullopt;
    }

    // How many requests the run after the fault makes is known only when it was seen.
    bool branch_picked(const Work& work) {
        counting_ = true;
        if (branched(work, false)) return true;
        counting_ = false;
        if (calls_ > 0) picked_ = {static_cast<int>(work.pick % calls_), Fault::kKillAfterCommit};
        const bool here = branched(work, false);
        picked_ = {};
        return here;
    }

    // True in the branch.
    bool branched(const Work& work, bool doubles) {
        std::array<int, 2> pipe_ends{};
        if (pipe(pipe_ends.data()) != 0) std::abort();
        const pid_t child = fork();
        if (child == 0) {
            begin_own_pages();
            close(pipe_ends[0]);
            alarm(kMostSeconds);
            begin_branch(work, doubles, pipe_ends[1]);
            return true;
        }
        close(pipe_ends[1]);
        const std::string text = read_all(pipe_ends[0]);
        close(pipe_ends[0]);
        int status = 0;
        waitpid(child, &status, 0);
        if (text.starts_with(kCalls)) calls_ = std::atoi(text.c_str() + kCalls.size());
        const std::string how = child < 0 ? "no process could be made for it" : death_of(status);
        if (!listen_((text.starts_with(kCalls) ? "" : text) + (how.empty() ? "" : told_dead(work.first, how))))
            enough_ = true;
        return false;
    }

    void begin_branch(const Work& work, bool doubles, int out) {
        case_ = work.first;
        out_ = out;
        silent_ = doubles;
        if (picked_.boundary >= 0) case_.second = picked_;
        if (doubles) case_.second.branch = [this](int at, const sim::Call& call) { return second_kill_at(at, call); };
        looks_ = stage_->invariants.looks();
        renewals_ = {};
        judge_ = make_judge(reference_, case_, *stage_);
    }

    // Of the run that follows a kill: killed in turn after each of its requests that can have changed anything.
    std::optional<Injection> second_kill_at(int boundary, const sim::Call& call) {
        if (renewals_.renews(call) || !may_change(call)) return std::nullopt;
        const pid_t child = fork();
        if (child == 0) {
            begin_own_pages();
            alarm(kMostSeconds);
            silent_ = false;
            case_.second = {boundary, Fault::kKillAfterCommit};
            return case_.second;
        }
        int status = 0;
        if (child > 0) waitpid(child, &status, 0);
        const std::string how = child < 0 ? "no process could be made for it" : death_of(status);
        Case dead = case_;
        dead.second = {boundary, Fault::kKillAfterCommit};
        if (!how.empty()) write_all(out_, told_dead(dead, how));
        return std::nullopt;
    }

    // A process that crashes or hangs is a violation like any other, and is counted as one.
    std::string told_dead(const Case& one, const std::string& how) {
        Judgement judgement;
        judgement.violations = {how};
        judgement.happened = true;
        return tell_(one, judgement);
    }

    [[noreturn]] void end_branch(Judgement judgement) {
        judgement.looks -= looks_;
        if (counting_)
            write_all(out_, std::string(kCalls) + std::to_string(judgement.second_calls));
        else if (!silent_)
            write_all(out_, tell_(case_, judgement));
        _exit(0);
    }

    const Reference& reference_;
    const std::function<std::string(const Case&, const Judgement&)>& tell_;
    const Listener& listen_;
    std::map<int, std::vector<const Work*>> at_;
    bool enough_ = false;
    int calls_ = 0;     // of the run after the fault, as a branch has counted them
    Injection picked_;  // the second kill of the next branch
    Stage* stage_ = nullptr;

    // In a branch only.
    std::unique_ptr<CaseJudge> judge_;
    Case case_;
    int out_ = -1;
    bool counting_ = false;  // it only counts the requests of the run after the fault
    bool silent_ = false;    // only the branches of its second run tell
    long long looks_ = 0;    // writes that were looked at before it began
    Renewals renewals_;      // of its second run
};

}  // namespace

void run_branches(const Reference& reference, const std::vector<const Work*>& works,
                  const std::function<std::string(const Case&, const Judgement&)>& tell, const Listener& listen) {
    Trunk(reference, works, tell, listen).run();
}

}  // namespace holdfast::crash
