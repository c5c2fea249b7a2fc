#include "tests/crash/run.h"

#include "tests/crash/mutants.h"
#include "tests/crash/workers.h"
#include "tests/crash/world.h"
#include "tests/sim/random.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>

namespace holdfast::crash {
namespace {

struct Options {
    std::uint64_t seed = 4;  // of the world
    std::string only, one;   // a command, a case
    std::string fault;       // or an actor
    std::size_t sample = 0;  // 0: everything
    std::uint64_t sample_seed = 0;
    std::size_t part = 0, parts = 1;  // of the mutants
    bool list = false, requests = false, mutants = false, actors = false;
    bool every = false;       // actors before each request, where else some lines have them before every nth
    bool to_the_end = false;  // also cases that come to a state from which another one has gone on
};

bool parse(const std::vector<std::string>& words, Options& options) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::size_t left = words.size() - i - 1;
        if (words[i] == "--list") {
            options.list = true;
        } else if (words[i] == "--requests") {
            options.requests = true;
        } else if (words[i] == "--every") {
            options.every = true;
        } else if (words[i] == "--to-the-end") {
            options.to_the_end = true;
        } else if (words[i] == "--mutants") {
            options.mutants = true;
        } else if (words[i] == "--actors") {
            options.actors = true;
        } else if (words[i] == "--only" && left >= 1) {
            options.only = words[++i];
        } else if (words[i] == "--fault" && left >= 1) {
            options.fault = words[++i];
        } else if (words[i] == "--case" && left >= 1) {
            options.one = words[++i];
        } else if (words[i] == "--seed" && left >= 1) {
            options.seed = std::strtoull(words[++i].c_str(), nullptr, 10);
        } else if (words[i] == "--part" && left >= 2) {
            options.part = std::strtoull(words[++i].c_str(), nullptr, 10);
            options.parts = std::max(1ULL, std::strtoull(words[++i].c_str(), nullptr, 10));
        } else if (words[i] == "--sample" && left >= 2) {
            options.sample = std::strtoull(words[++i].c_str(), nullptr, 10);
            options.sample_seed = sim::seed_of(words[++i]);
        } else {
            return false;
        }
    }
    return true;
}

class Run {
  public:
    explicit Run(const Options& options) : options_(options) {}

    int all() {
        const bool works = !options_.requests && !options_.list;
        Outcome outcome;
        for (const Entry& entry : matrix()) {
            if (!wanted(entry)) continue;
            prepare(entry);
            // One command line after the other: what a fork need not copy makes each of a hundred thousand cheaper.
            if (works && options_.sample == 0) finish(entry, outcome);
        }
        if (options_.requests) return 0;
        if (options_.list) return tell_names();
        if (options_.sample > 0) {
            work_ = sample(std::move(work_), options_.sample, options_.sample_seed);
            outcome = work_off(work_, references_, processors());
        }
        std::cout << outcome.told;
        if (outcome.died) problem("a worker of the matrix crashed");
        if (whole()) check_coverage(outcome);
        return tell(outcome);
    }

  private:
    bool whole() const {
        return options_.only.empty() && options_.one.empty() && options_.fault.empty() && !options_.actors;
    }

    void problem(const std::string& text) {
        ++problems_;
        std::cout << "VIOLATION " << text << "\n";
    }

    bool wanted(const Entry& entry) const {
        if (!options_.one.empty()) return options_.one.starts_with(entry.name + "/");
        return options_.only.empty() || entry.name == options_.only;
    }

    static int processors() { return static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)); }

    void prepare(const Entry& entry) {
        Reference reference = make_reference(world_, entry);
        for (const std::string& what : reference.problems) problem(entry.name + ": " + what);
        if (make_reference(world_, entry).trace != reference.trace)
            problem(entry.name + ": the same seed does not give the same trace");
        if (options_.requests) tell_requests(reference);
        for (Work& work : all_work(entry, reference, options_.every)) {
            const bool wanted = options_.fault.empty() || work.first.what() == options_.fault;
            if (wanted && (!options_.actors || work.first.actor)) add(std::move(work));
        }
        reference.trace.clear();
        if (!options_.every && !options_.to_the_end) reference.seen = std::make_shared<Seen>();
        references_[entry.name] = std::move(reference);
    }

    static double processor_seconds() {
        rusage used{};
        getrusage(RUSAGE_CHILDREN, &used);
        const auto seconds = [](const timeval& time) {
            return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
        };
        return seconds(used.ru_utime) + seconds(used.ru_stime);
    }

    void finish(const Entry& entry, Outcome& outcome) {
        const double before = processor_seconds();
        outcome += options_.one.empty() ? work_off(work_, references_, processors()) : tell_one(work_, references_);
        seconds_[entry.name] = processor_seconds() - before;
        work_ = {};
        Reference& reference = references_.at(entry.name);
        Reference counted;  // what the coverage asks for
        counted.calls = std::move(reference.calls);
        reference = std::move(counted);
        malloc_trim(0);
    }

    // A case that is asked for by its id may be a second kill: its request is in the id.
    void add(Work work) {
        if (options_.one.empty()) {
            work_.push_back(std::move(work));
            return;
        }
        const std::string id = work.first.id();
        if (!work.doubles && id == options_.one) work_.push_back(work);
        if (!work.doubles || !options_.one.starts_with(id + "/")) return;
        work.doubles = false;
        work.first.second = {std::atoi(options_.one.c_str() + id.size() + 1), Fault::kKillAfterCommit};
        work_.push_back(work);
    }

    static void tell_requests(const Reference& reference) {
        for (std::size_t i = 0; i < reference.calls.size(); ++i)
            std::cout << i << " " << reference.calls[i].text() << "\n";
    }

    int tell_names() const {
        for (const Work& work : work_) {
            if (!work.doubles) std::cout << work.first.id() << "\n";
        }
        return 0;
    }

    void check_coverage(const Outcome& outcome) {
        std::vector<const Reference*> references;
        for (const auto& [name, reference] : references_) references.push_back(&reference);
        for (const std::string& what : missing_commands()) problem(what);
        for (const std::string& what : missing_steps(references)) problem(what);
        for (const std::string& what : missing_in_plans(make_world(options_.seed))) problem(what);
        if (options_.sample > 0) return;  // a sample need not have every fault
        for (const std::string& what : missing_faults(outcome.tallies)) problem(what);
    }

    static std::string count_faults(const Tally& all) {
        std::size_t actors = 0;
        for (const Actor actor : all_actors()) actors += all.faults.count(actor_name(actor));
        return std::to_string(all.faults.size() - actors) + " kinds of faults, " + std::to_string(actors) +
               " kinds of actors";
    }

    int tell(const Outcome& outcome) const {
        Tally all;
        std::size_t requests = 0;
        for (const auto& [name, tally] : outcome.tallies) {
            const std::size_t own = references_.at(name).calls.size();
            std::cout << name << ": " << own << " requests, " << tally.faults.size() << " faults and actors, "
                      << tally.cases << " cases, " << tally.doubles << " with a second kill, " << tally.with_actors
                      << " with an actor (" << tally.refused << " refused), " << tally.as_another
                      << " that go on as another one";
            if (seconds_.contains(name)) std::cout << ", " << std::lround(seconds_.at(name)) << " s of processor time";
            std::cout << "\n";
            all += tally;
            requests += own;
        }
        const long long cases = all.cases, violations = problems_ + all.violations;
        std::cout << requests << " boundaries of " << outcome.tallies.size() << " command lines; " << count_faults(all)
                  << "; " << all.doubles << " second kills, " << all.with_actors << " cases with an actor, of which "
                  << all.refused << " ended in a refusal and " << all.unseen
                  << " in the gap that no precondition closes; " << all.as_another
                  << " came to a state from which another one had gone on in the same way\n";
        std::cout << "seed " << options_.seed << "; invariants looked at after " << all.looks << " writes\n";
        std::cout << std::max(0LL, cases - violations) << " passed, " << violations << " failed\n";
        std::cout << cases << " cases, " << violations << " violations\n";
        return violations == 0 && cases > 0 ? 0 : 1;
    }

    const Options& options_;
    const sim::Sim world_ = make_world(options_.seed);
    std::map<std::string, Reference> references_;
    std::vector<Work> work_;
    std::map<std::string, double> seconds_;  // of processor time, of each line
    long long problems_ = 0;
};

}  // namespace

int run_matrix(const std::vector<std::string>& words) {
    Options options;
    if (!parse(words, options)) {
        std::cerr << "usage: crash_tests [--seed N] [--only NAME] [--fault NAME] [--actors] [--sample N HASH] [--case "
                     "ID] [--list] "
                     "[--requests] [--every] [--to-the-end] [--mutants [--part I N]]\n";
        return 2;
    }
    if (options.mutants)
        return run_mutants(options.seed, {options.only, options.sample, options.sample_seed, options.part,
                                          options.parts, options.list});
    return Run(options).all();
}

}  // namespace holdfast::crash
