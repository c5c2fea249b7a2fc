// A plan that the executor carries out on a fake cluster, and what is told of it.
#pragma once

#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/plan/executor.h"
#include "tests/unit/plan/claim_ref.h"
#include "tests/unit/support/fake_cluster.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::testing::executing {

using namespace plan;  // NOLINT: a scene for tests of one header
using testing::claim_ref;

struct ExecutorSignals : Signals {
    int number = 0;
    int count() const override { return number; }
    int last() const override { return number > 0 ? 2 : 0; }
};

struct Notes : Witness {
    std::vector<std::string> lines;
    void step_started(const Step& step) override { lines.push_back("start " + step.id); }
    void step_waits(const Step&, const std::string& detail) override { lines.push_back("wait " + detail); }
    void step_done(const Step& step, double) override { lines.push_back("done " + step.id); }
    void step_failed(const Step& step, const Error& error) override {
        lines.push_back("fail " + step.id + ": " + error.message);
    }
    void message(const std::string& text) override { lines.push_back(text); }
    bool saw(const std::string& line) const { return std::find(lines.begin(), lines.end(), line) != lines.end(); }
};

struct FakePods : PodRunner {
    std::vector<std::string> ran;
    std::string fails;
    bool held_running = true;
    struct Held : HeldExec {
        FakePods& pods;
        explicit Held(FakePods& owner) : pods(owner) {}
        bool running() override { return pods.held_running; }
        std::string error_output() override { return "gone"; }
        Status release() override {
            pods.ran.push_back("release");
            return {};
        }
    };
    Result<std::string> run(const Exec& exec, std::chrono::milliseconds) override {
        ran.push_back(exec.argv.back());
        if (exec.argv.back() == fails) return Error{ErrorKind::kFailed, "exit code 1", "", 0, ""};
        return std::string("out of " + exec.argv.back() + "\n");
    }
    Result<std::unique_ptr<HeldExec>> hold(const Exec& exec) override {
        ran.push_back("hold " + exec.argv.back());
        return std::unique_ptr<HeldExec>(std::make_unique<Held>(*this));
    }
};

inline Json claim(const std::string& name) {
    return {{"apiVersion", "v1"},
            {"kind", "PersistentVolumeClaim"},
            {"metadata", {{"name", name}, {"namespace", "n"}}},
            {"spec", {{"dataSource", {{"name", "s"}}}}}};
}

inline Step step(const std::string& id, Action action, std::vector<std::string> after = {}) {
    Step one;
    one.id = id;
    one.title = id;
    one.action = std::move(action);
    one.after = std::move(after);
    return one;
}

inline Exec exec(const std::string& command) {
    Exec one;
    one.space = "n";
    one.pod = "p";
    one.argv = {"sh", "-c", command};
    return one;
}

struct ExecutorScene {
    FakeClock clock;
    FakeCluster cluster{clock};
    ExecutorSignals signals;
    Notes notes;
    FakePods pods;
    World world{cluster, clock, signals, notes, &pods, nullptr, nullptr, {}};
    Limits limits;
    Plan plan;
    ExecutorScene() { plan.operation = "op-1"; }
    Outcome run() { return execute(plan, world, limits); }
};

}  // namespace holdfast::testing::executing
