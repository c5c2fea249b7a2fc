#include "tests/contract/run.h"

#include "tests/contract/case.h"
#include "tests/contract/ground.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <mutex>
#include <thread>

namespace holdfast::contract {
namespace {

struct Options {
    std::string against, kubeconfig, only;
    bool list = false, times = false;
};

bool parse(const std::vector<std::string>& words, Options& options) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        const bool more = i + 1 < words.size();
        if (words[i] == "--list")
            options.list = true;
        else if (words[i] == "--times")
            options.times = true;
        else if (words[i] == "--against" && more)
            options.against = words[++i];
        else if (words[i] == "--kubeconfig" && more)
            options.kubeconfig = words[++i];
        else if (words[i] == "--only" && more)
            options.only = words[++i];
        else
            return false;
    }
    return options.list || options.against == "simulator" || options.against == "cluster";
}

class Run {
  public:
    Run(World& world, std::vector<Case> cases, bool times) : world_(world), cases_(std::move(cases)), times_(times) {}

    // How many failed.
    std::size_t all() {
        std::vector<std::thread> threads;
        const auto workers = std::min(static_cast<std::size_t>(world_.workers()), cases_.size());
        for (std::size_t i = 1; i < workers; ++i) threads.emplace_back([this] { work(); });
        work();
        for (std::thread& thread : threads) thread.join();
        return failed_;
    }

  private:
    void work() {
        while (true) {
            const std::size_t i = next_++;
            if (i >= cases_.size()) return;
            play(cases_[i], "contract-" + stamp_ + "-" + std::to_string(i));
        }
    }

    void play(const Case& one, const std::string& space) {
        const auto began = std::chrono::steady_clock::now();
        std::vector<std::string> failures;
        auto ground = world_.open(space);
        if (ground.ok()) {
            Stage stage(**ground, space);
            try {
                one.body(stage);
            } catch (const CaseEnded&) {  // noted where it was thrown
            } catch (const std::exception& error) {
                stage.note(0, std::string("threw ") + error.what());
            }
            failures = stage.failures();
            world_.close(**ground, space);
        } else {
            failures.push_back("no place to play: " + ground.error().message);
        }
        tell(one, failures, std::chrono::steady_clock::now() - began);
    }

    void tell(const Case& one, const std::vector<std::string>& failures, std::chrono::steady_clock::duration took) {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (!failures.empty()) ++failed_;
        if (times_) std::cout << std::chrono::duration_cast<milliseconds>(took).count() << " ms  ";
        if (times_ || !failures.empty()) std::cout << (failures.empty() ? "ok " : "FAILED ") << one.id() << "\n";
        for (const std::string& failure : failures) std::cout << "    " << failure << "\n";
        std::cout.flush();
    }

    World& world_;
    std::vector<Case> cases_;
    bool times_;
    std::string stamp_ =
        std::to_string(std::chrono::system_clock::now().time_since_epoch().count() / 1000000 % 100000000);
    std::atomic<std::size_t> next_ = 0;
    std::mutex mutex_;
    std::size_t failed_ = 0;
};

// Those that wait longest for the cluster begin first.
std::vector<Case> chosen_cases(const std::string& only) {
    std::vector<Case> cases;
    for (const Case& one : all_cases()) {
        if (one.id().find(only) != std::string::npos) cases.push_back(one);
    }
    const auto weight = [](const Case& one) {
        return one.group == "watches"                                    ? 0
               : one.group == "statefulsets" || one.group == "retention" ? 1
               : one.group == "snapshots"                                ? 2
                                                                         : 3;
    };
    std::stable_sort(cases.begin(), cases.end(), [&](const Case& a, const Case& b) { return weight(a) < weight(b); });
    return cases;
}

}  // namespace

int run_contract(const std::vector<std::string>& words) {
    Options options;
    if (!parse(words, options)) {
        std::cerr << "usage: contract_tests --against simulator|cluster [--only WORDS] [--kubeconfig FILE] [--times], "
                     "or --list\n";
        return 2;
    }
    const std::vector<Case> cases = chosen_cases(options.only);
    if (options.list) {
        for (const Case& one : all_cases()) std::cout << one.id() << "\n";
        std::cout << all_cases().size() << " cases\n";
        return 0;
    }
    std::unique_ptr<World> world;
    if (options.against == "simulator") {
        world = make_simulated_world();
    } else {
        auto made = make_real_world(options.kubeconfig);
        if (!made.ok()) {
            std::cerr << made.error().message << "\n";
            return 1;
        }
        world = std::move(*made);
    }
    std::size_t failed = Run(*world, cases, options.times).all();
    const std::size_t passed = cases.size() - failed;
    if (const Status clean = world->finish(); !clean.ok()) {
        ++failed;
        std::cout << "FAILED " << clean.error().message << "\n";
    }
    std::cout << passed << " passed, " << failed << " failed\n";
    return failed == 0 && !cases.empty() ? 0 : 1;
}

}  // namespace holdfast::contract
