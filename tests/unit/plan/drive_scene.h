// An operation of two rounds on a fake cluster, and what drives it.
#pragma once

#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/os/process_identity.h"
#include "common/plan/drive.h"
#include "tests/unit/plan/claim_ref.h"
#include "tests/unit/support/fake_cluster.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace holdfast::testing {

using namespace plan;  // NOLINT: a scene for tests of one header

struct FakeSignals : Signals {
    int number = 0;
    int count() const override { return number; }
    int last() const override { return 2; }
};

struct Silent : Witness {
    void step_started(const Step&) override {}
    void step_waits(const Step&, const std::string&) override {}
    void step_done(const Step&, double) override {}
    void step_failed(const Step&, const Error&) override {}
    void message(const std::string& text) override { messages.push_back(text); }
    std::vector<std::string> messages;
};

// Makes a claim in each of two rounds; taken down again by recover() if asked.
struct TwoClaims : Operation {
    bool takes_down = false, endless = false;
    int reports = 0;
    std::vector<Step> rehearsal;
    std::string kind() const override { return "twice"; }
    std::string target() const override { return "db"; }
    std::string space() const override { return "n"; }
    kube::ObjectRef event_target() const override { return {kube::kStatefulSets, "n", "db"}; }
    Result<Plan> plan(kube::ClusterReader&, const Input& input) override {
        Plan plan;
        const std::string name = "claim-" + std::to_string(input.round);
        Step step;
        step.id = "create-" + name;
        step.title = "create " + name;
        step.action = Create{{{"apiVersion", "v1"},
                              {"kind", "PersistentVolumeClaim"},
                              {"metadata", {{"name", name}, {"namespace", "n"}}}},
                             {}};
        plan.steps.push_back(step);
        plan.last = input.round == 1 && !endless;
        plan.rehearsal = rehearsal;
        return plan;
    }
    Result<Plan> recover(kube::ClusterReader&, const Input&, const Error&) override {
        Plan plan;
        if (!takes_down) return plan;
        Step step;
        step.id = "down";
        step.action = Delete{claim_ref("claim-0"), {}, kube::Propagation::kBackground, true};
        plan.steps.push_back(step);
        return plan;
    }
    Result<Report> report(kube::ClusterReader& reader, const Input&) override {
        ++reports;
        TRY(reader.get(claim_ref("claim-1")));
        return Report{"made\n", Json::object(), {}};
    }
};

struct Fixture {
    FakeClock clock;
    FakeCluster cluster{clock};
    FakeSignals signals;
    Silent witness;
    World world{cluster, clock, signals, witness, nullptr, nullptr, nullptr, {}};
    TwoClaims operation;
    DriveOptions options;
    int approvals = 0;
    Fixture() {
        options.line = {"snap", "twice", "v0", {{"positionals", {"sts/db"}}, {"values", Json::object()}}, std::nullopt};
        options.approve = [this](const Plan&, bool) {
            ++approvals;
            return Status();
        };
    }
    DriveResult run() { return drive(operation, world, options); }
    std::vector<Journal> journals() {
        std::vector<std::string> damaged;
        return *list_journals(cluster, "n", damaged);
    }
    // The process that wrote the journal is no longer there.
    void owner_dies() {
        for (Journal journal : journals()) {
            journal.owner.replace(journal.owner.rfind('/') + 1, std::string::npos, "1");
            REQUIRE(write_change(cluster, journal).ok());
        }
    }
    void fail_at(const std::string& call) {
        cluster.fault = [call](const std::string& made, bool) -> std::optional<Error> {
            if (made != call) return std::nullopt;
            return Error{ErrorKind::kForbidden, "no", "", 403, "Forbidden"};
        };
    }
};

}  // namespace holdfast::testing
