// A journal that somebody deletes between two rounds of an operation without locks.
#include "tests/unit/plan/drive_scene.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace holdfast;           // NOLINT: a test of one header
using namespace holdfast::plan;     // NOLINT
using namespace holdfast::testing;  // NOLINT

namespace {

bool starts(const std::string& call, const char* with) { return call.find(with) == 0; }

// slow: the operation has a Lease of its own by then.
DriveResult run_and_lose_journal(Fixture& f, bool slow) {
    f.cluster.fault = [&f, slow](const std::string& call, bool applied) -> std::optional<Error> {
        if (slow && applied && starts(call, "create configmap/n/")) f.clock.sleep_for(std::chrono::seconds(3));
        if (!applied || call != "create pvc/n/claim-0") return std::nullopt;
        f.cluster.drop({kube::kConfigMaps, "n", journal_name(f.journals().at(0).operation)});
        return std::nullopt;
    };
    return f.run();
}

}  // namespace

TEST_CASE("whose journal somebody deleted between two rounds is told so, makes nothing more and leaves no Lease") {
    for (const bool slow : {false, true}) {
        CAPTURE(slow);
        Fixture f;
        const DriveResult result = run_and_lose_journal(f, slow);
        REQUIRE_FALSE(result.status.ok());
        CHECK(result.status.error().kind == ErrorKind::kLocked);
        CHECK(result.status.error().message.find("its journal is gone") != std::string::npos);
        CHECK_FALSE(result.resumable);
        CHECK_FALSE(f.cluster.find(claim_ref("claim-1")).value().has_value());
        const auto& calls = f.cluster.calls;
        const bool had_lease = std::any_of(calls.begin(), calls.end(),
                                           [](const std::string& call) { return starts(call, "create lease/n/"); });
        CHECK(had_lease == slow);
        CHECK(f.cluster.list(kube::kLeases, "n", {})->items.empty());
    }
}

TEST_CASE("a journal that only seems to be gone between two rounds is still ours") {
    Fixture f;
    f.cluster.fault = [&](const std::string& call, bool) -> std::optional<Error> {
        if (!starts(call, "replace configmap/n/")) return std::nullopt;
        f.cluster.fault = {};
        return Error{ErrorKind::kNotFound, "not found", "", 404, "NotFound"};
    };
    const DriveResult result = f.run();
    REQUIRE_FALSE(result.status.ok());
    CHECK(result.status.error().kind == ErrorKind::kNotFound);
    CHECK(result.resumable);
}
