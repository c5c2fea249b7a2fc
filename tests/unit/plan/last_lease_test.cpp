// The order at an operation's end: its own Lease is gone before its journal goes or says that it is done. Whoever runs
// the command again finds a journal; a Lease whose journal is gone is found by nobody but gc.
#include "common/plan/operations.h"
#include "tests/unit/plan/drive_scene.h"

using namespace holdfast;           // NOLINT: a test of one order
using namespace holdfast::plan;     // NOLINT
using namespace holdfast::testing;  // NOLINT

namespace {

// Takes more than 2 s, so that there is a Lease; counts what is done to journals while there is one.
struct Ending : Fixture {
    int made = 0, leases = 0, early = 0;
    std::string refused;  // a call
    Ending() {
        cluster.fault = [this](const std::string& call, bool after) { return look(call, after); };
    }
    std::optional<Error> look(const std::string& call, bool after) {
        if (after) return std::nullopt;
        if (call.starts_with("create pvc/")) clock.sleep_for(std::chrono::seconds(3));
        if (call.starts_with("create lease/")) ++leases, ++made;
        if (call.starts_with("delete lease/")) --leases;
        if (call.starts_with("delete configmap/") && leases > 0) ++early;
        if (call != refused) return std::nullopt;
        return Error{ErrorKind::kForbidden, "no", "", 403, "Forbidden"};
    }
};

}  // namespace

TEST_CASE("an operation that has ended well lets its own Lease go before its journal") {
    Ending f;
    REQUIRE(f.run().status.ok());
    CHECK(f.made == 1);
    CHECK(f.leases == 0);
    CHECK(f.early == 0);
}

TEST_CASE("what was taken down lets its own Lease go before its journal") {
    Ending f;
    f.operation.takes_down = true;
    f.refused = "create pvc/n/claim-1";
    CHECK_FALSE(f.run().resumable);
    CHECK(f.made == 1);
    CHECK(f.leases == 0);
    CHECK(f.early == 0);
}

TEST_CASE("what abort takes back lets its own Lease go before its journal") {
    Ending f;
    f.refused = "create pvc/n/claim-1";
    CHECK(f.run().resumable);
    f.owner_dies();
    f.made = f.leases = 0;
    Journal journal = f.journals()[0];
    const Plan shown = *plan_abort(f.cluster, journal);
    const WayBack back = [&](kube::ClusterReader& reader) {
        f.clock.sleep_for(std::chrono::seconds(3));
        return plan_abort(reader, journal);
    };
    REQUIRE(take_back(f.world, journal, shown, back, {}).status.ok());
    CHECK(f.made == 1);
    CHECK(f.leases == 0);
    CHECK(f.early == 0);
    CHECK(f.journals().empty());
}
