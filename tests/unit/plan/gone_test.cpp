// What counts as gone: found by the crash matrix (snap-create, last request; restore-drill, teardown).
#include "common/plan/journal.h"
#include "common/plan/perform.h"
#include "tests/unit/support/fake_cluster.h"

#include <doctest/doctest.h>

using namespace holdfast;        // NOLINT: a test of one header
using namespace holdfast::plan;  // NOLINT
using holdfast::testing::FakeClock;
using holdfast::testing::FakeCluster;

namespace {

const Error kLost{ErrorKind::kUnavailable, "the connection was reset", "", 0, ""};
const Error kNotServed{ErrorKind::kNotFound, "the server could not find the requested resource", "", 404, "NotFound"};

// The first call that begins so fails, before or after it was carried out.
auto failing_once(const std::string& call, bool afterwards, const Error& error) {
    return
        [call, afterwards, error, done = false](const std::string& made, bool after) mutable -> std::optional<Error> {
            if (done || after != afterwards || made.rfind(call, 0) != 0) return std::nullopt;
            done = true;
            return error;
        };
}

Journal written(FakeCluster& cluster) {
    Journal journal;
    journal.operation = "snap-postgres-7k2mx";
    journal.space = "bookstore";
    journal.kind = "snap";
    journal.target = "postgres";
    journal.plugin = "snap";
    journal.command = "create";
    journal.arguments = {{"positionals", {"sts/postgres"}}, {"values", Json::object()}};
    REQUIRE(write_new(cluster, journal).ok());
    return journal;
}

}  // namespace

TEST_CASE("a journal whose deletion was done and not answered is erased") {
    FakeClock clock;
    FakeCluster cluster(clock);
    const Journal journal = written(cluster);
    cluster.fault = failing_once("delete configmap/", true, kLost);
    CHECK(erase(cluster, journal).ok());
}

TEST_CASE("a journal that only seems to be missing is deleted nonetheless") {
    FakeClock clock;
    FakeCluster cluster(clock);
    const Journal journal = written(cluster);
    cluster.fault = failing_once("delete configmap/", false, kNotServed);
    CHECK(erase(cluster, journal).ok());
    CHECK(cluster.at({kube::kConfigMaps, "bookstore", journal_name(journal.operation)}) == nullptr);
}
