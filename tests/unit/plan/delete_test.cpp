#include "tests/unit/plan/executor_scene.h"

#include <doctest/doctest.h>

using namespace holdfast;                      // NOLINT: a test of one header
using namespace holdfast::plan;                // NOLINT
using namespace holdfast::testing::executing;  // NOLINT
using holdfast::testing::FakeCluster;

TEST_CASE("a delete never touches the successor of what it names") {
    ExecutorScene f;
    f.cluster.put(claim("a"));
    f.plan.steps = {step("d", Delete{claim_ref("a"), {"uid-of-another", ""}, kube::Propagation::kBackground, true})};
    CHECK(f.run().status.error().kind == ErrorKind::kConflict);
    CHECK(f.cluster.at(claim_ref("a")) != nullptr);
    f.cluster.drop(claim_ref("a"));
    CHECK(f.run().status.ok());
}

TEST_CASE("a delete of what the plan itself makes leaves somebody else's object of that name") {
    ExecutorScene f;
    f.plan.steps = {step("c", Create{claim("a"), {}}),
                    step("d", Delete{claim_ref("a"), {}, kube::Propagation::kBackground, true}, {"c"})};
    f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
        if (after || call.rfind("get", 0) != 0) return std::nullopt;
        f.cluster.drop(claim_ref("a"));
        f.cluster.put(claim("a"));
        return std::nullopt;
    };
    CHECK(f.run().status.error().kind == ErrorKind::kConflict);
    CHECK(f.cluster.at(claim_ref("a")) != nullptr);
}

TEST_CASE("a delete without a uid, of what an earlier round has made, takes only what carries its operation's label") {
    for (const std::string label : {"", "op-2", "op-1"}) {
        ExecutorScene f;
        Json there = claim("a");
        if (!label.empty()) there["metadata"]["labels"][labels::kOperation] = label;
        f.cluster.put(there);
        f.plan.steps = {step("d", Delete{claim_ref("a"), {}})};
        CHECK(f.run().status.ok() == (label == "op-1"));
        CHECK((f.cluster.at(claim_ref("a")) == nullptr) == (label == "op-1"));
    }
}

TEST_CASE("a delete that is told \"not found\" looks whether that is true") {
    ExecutorScene f;
    f.cluster.put(claim("a"));
    int answers = 0;
    f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
        if (after || call.rfind("delete", 0) != 0 || ++answers > 1) return std::nullopt;
        return Error{ErrorKind::kNotFound, "the server could not find the requested resource", "", 404, "NotFound"};
    };
    f.plan.steps = {step("d", Delete{claim_ref("a"), {kube::uid_of(*f.cluster.at(claim_ref("a"))), ""}})};
    CHECK(f.run().status.ok());
    CHECK(f.cluster.at(claim_ref("a")) == nullptr);
}

TEST_CASE("a delete ends when the one that was meant is gone, whoever has its name by then") {
    ExecutorScene f;
    f.cluster.put(claim("a"));
    Delete action{claim_ref("a"), {(*f.cluster.at(claim_ref("a")))["metadata"]["uid"], ""}};
    bool again = false;
    f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
        if (after && call == "delete pvc/n/a" && !again) {
            again = true;
            f.cluster.put(claim("a"));  // somebody makes it anew at once
        }
        return std::nullopt;
    };
    f.plan.steps = {step("gone", action)};
    CHECK(f.run().status.ok());
    CHECK(again);
    CHECK(f.cluster.at(claim_ref("a")) != nullptr);
}
