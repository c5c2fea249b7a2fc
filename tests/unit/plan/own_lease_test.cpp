#include "common/plan/holding.h"

#include "tests/unit/plan/two_processes.h"

#include <doctest/doctest.h>

using namespace holdfast;           // NOLINT: a test of one header
using namespace holdfast::plan;     // NOLINT
using namespace holdfast::testing;  // NOLINT

namespace {

// An operation without locks, as `snap create` is.
struct Adding : TwoProcesses {
    Journal mine = journal_of("snap-db-aaaaa", {});
    std::unique_ptr<Holding> holding = *Holding::take(a.world, mine, false);
    kube::ObjectRef own{kube::kLeases, "n", journal_name("snap-db-aaaaa")};
    Adding() {
        mine.touched = mine.started = clock.now();
        REQUIRE(write_new(cluster, mine).ok());
        REQUIRE(holding->recorded().ok());
    }
    Journal read() { return *read_journal(cluster, "n", mine.operation); }
    Life life() { return look_at_owners(cluster, {read()}, b.world.self, clock.now())->front().life; }
};

}  // namespace

TEST_CASE("what only adds objects costs no Lease in its first 2 s, and is known to be live all the same") {
    Adding f;
    CHECK(f.life() == Life::kLive);
    CHECK(f.writes() == 1);
    f.sleep(1);
    REQUIRE(f.holding->world().cluster.get(sts("db")).ok());
    CHECK(f.cluster.at(f.own) == nullptr);
    f.sleep(2);
    REQUIRE(f.holding->world().cluster.get(sts("db")).ok());
    CHECK(f.lease(f.own).holder == f.a.world.self.identity);
    for (int i = 0; i < 10; ++i) {
        f.sleep(3);
        REQUIRE(f.holding->world().cluster.get(sts("db")).ok());
        CHECK(f.life() == Life::kLive);
    }
    f.holding->release(true);
    CHECK(f.cluster.at(f.own) == nullptr);
}

TEST_CASE("the Lease of what only adds objects goes before the journal, and is not made anew by what follows") {
    Adding f;
    f.sleep(3);
    REQUIRE(f.holding->world().cluster.get(sts("db")).ok());
    REQUIRE(f.cluster.at(f.own) != nullptr);
    f.holding->release_own();
    CHECK(f.cluster.at(f.own) == nullptr);
    f.sleep(3);
    REQUIRE(f.holding->world().cluster.get(sts("db")).ok());
    CHECK(f.holding->world().may_write().ok());
    CHECK(f.cluster.at(f.own) == nullptr);
    f.holding->release(false);
    CHECK(f.cluster.at(f.own) == nullptr);
}

TEST_CASE("a Lease whose deletion was not answered is deleted all the same") {
    Adding f;
    f.sleep(3);
    REQUIRE(f.holding->world().cluster.get(sts("db")).ok());
    int unanswered = 2;
    f.cluster.fault = [&](const std::string& call, bool) -> std::optional<Error> {
        if (call.rfind("delete lease/", 0) != 0 || unanswered-- <= 0) return std::nullopt;
        return Error{ErrorKind::kUnavailable, "apiserver is shutting down", "", 503, "ServiceUnavailable"};
    };
    f.holding->release(false);
    CHECK(f.cluster.at(f.own) == nullptr);
}

TEST_CASE("a Lease that somebody has annotated is deleted all the same, one that another owner has is left") {
    for (const bool ours : {true, false}) {
        Adding f;
        f.sleep(3);
        REQUIRE(f.holding->world().cluster.get(sts("db")).ok());
        Json lease = *f.cluster.at(f.own);
        lease["metadata"]["annotations"] = {{"seen", "yes"}};
        if (!ours) lease["spec"]["holderIdentity"] = "another";
        f.cluster.put(lease);
        f.holding->release(false);
        CHECK((f.cluster.at(f.own) == nullptr) == ours);
    }
}

TEST_CASE("what only adds objects is taken over after 9 s of silence, and its earlier owner learns of it") {
    for (const int lasted : {0, 3}) {
        Adding f;
        f.sleep(lasted);
        REQUIRE(f.holding->world().cluster.get(sts("db")).ok());
        CHECK((f.cluster.at(f.own) != nullptr) == (lasted > 2));
        f.sleep(7);
        CHECK(f.life() == Life::kSilent);
        Journal journal = f.read();
        const auto began = f.clock.steady_now();
        const auto taken = Holding::take(f.b.world, journal, true);
        REQUIRE(taken.ok());
        CHECK(f.clock.steady_now() - began >= std::chrono::seconds(9));
        const std::size_t before = f.writes();
        CHECK(f.holding->world().may_write().error().kind == ErrorKind::kLocked);
        CHECK(f.holding->world().cluster.create(object_at(pvc("late")), kube::DryRun::kNone).error().kind ==
              ErrorKind::kLocked);
        CHECK(f.cluster.at(pvc("late")) == nullptr);
        CHECK(f.writes() - before <= 1);  // at most an attempt to renew, which the new owner's Lease refuses
    }
}

TEST_CASE("an earlier owner that wakes after the new one has ended makes no Lease anew") {
    Adding f;
    f.a_is(OwnerState::kDead);
    Journal journal = f.read();
    auto taken = Holding::take(f.b.world, journal, true);
    REQUIRE(taken.ok());
    REQUIRE(erase(f.cluster, journal).ok());
    (*taken)->release(false);
    f.sleep(20);
    const std::size_t before = f.writes();
    CHECK(f.holding->world().may_write().error().kind == ErrorKind::kLocked);
    CHECK(f.writes() == before);
}

TEST_CASE("I11: an operation whose own Lease's name somebody has taken ends, and leaves that Lease alone") {
    for (const bool before : {true, false}) {
        Adding f;
        Json theirs = object_at(f.own);
        theirs["spec"] = {{"holderIdentity", f.a.world.self.identity}};
        f.sleep(3);
        if (!before) REQUIRE(f.holding->world().cluster.get(sts("db")).ok());  // makes its own
        f.cluster.drop(f.own);
        f.cluster.put(theirs);
        const Json there = *f.cluster.at(f.own);
        f.sleep(9);
        const Status may = f.holding->world().may_write();
        CHECK(may.error().kind == ErrorKind::kLocked);
        CHECK(may.error().message.find("did not make") != std::string::npos);
        f.holding->release(false);
        REQUIRE(f.cluster.at(f.own) != nullptr);
        CHECK(*f.cluster.at(f.own) == there);
    }
}

TEST_CASE("R3: a Lease that is made late, when another owner has come and gone, is not believed") {
    Adding f;
    f.a_is(OwnerState::kDead);
    f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
        if (after || call.rfind("create lease", 0) != 0) return std::nullopt;
        f.cluster.fault = {};
        f.sleep(20);  // the process was stopped with its request in flight
        Journal journal = f.read();
        auto taken = Holding::take(f.b.world, journal, true);
        REQUIRE(taken.ok());
        REQUIRE(erase(f.cluster, journal).ok());
        (*taken)->release(false);
        return std::nullopt;
    };
    f.sleep(3);
    REQUIRE(f.holding->world().cluster.get(sts("db")).ok());
    REQUIRE(f.cluster.at(f.own) != nullptr);
    const std::size_t before = f.writes();
    CHECK(f.holding->world().may_write().error().kind == ErrorKind::kLocked);
    CHECK(f.writes() == before);
}

TEST_CASE("R3: who slept between its journal and its Lease, and was taken over, writes nothing") {
    TwoProcesses f;
    Journal mine = journal_of("twice-db-aaaaa", {});
    auto holding = *Holding::take(f.a.world, mine, false);
    mine.owner = f.a.world.self.identity;
    mine.touched = mine.started = f.clock.now();
    REQUIRE(write_new(f.cluster, mine).ok());
    f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
        if (after || call.rfind("get lease", 0) != 0) return std::nullopt;
        f.cluster.fault = {};
        f.sleep(20);
        f.a_is(OwnerState::kDead);
        Journal journal = *read_journal(f.cluster, "n", mine.operation);
        auto taken = Holding::take(f.b.world, journal, true);
        REQUIRE(taken.ok());
        REQUIRE(erase(f.cluster, journal).ok());
        (*taken)->release(false);
        return std::nullopt;
    };
    REQUIRE(holding->recorded().ok());
    const std::size_t before = f.writes();
    CHECK(holding->world().cluster.create(object_at(pvc("late")), kube::DryRun::kNone).error().kind ==
          ErrorKind::kLocked);
    CHECK(f.writes() == before);
}

TEST_CASE("R3: who slept before it took its locks, and whose operation was ended meanwhile, leaves no Lease") {
    TwoProcesses f;
    Journal mine = journal_of("restore-db-aaaaa", {{sts("db"), ""}});
    mine.touched = mine.started = f.clock.now();
    REQUIRE(write_new(f.cluster, mine).ok());
    f.cluster.drop({kube::kConfigMaps, "n", journal_name(mine.operation)});
    CHECK_FALSE(Holding::take(f.a.world, mine, true).ok());
    CHECK(f.cluster.at(lock_lease(sts("db"))) == nullptr);
}

TEST_CASE("R3: a Lease that somebody has deleted and made anew is not ours, whatever it says") {
    Adding f;
    f.sleep(3);
    REQUIRE(f.holding->world().cluster.get(sts("db")).ok());
    Json copy = *f.cluster.at(f.own);
    f.cluster.drop(f.own);
    copy["metadata"].erase("uid");
    f.cluster.put(copy);
    const std::string theirs = kube::uid_of(*f.cluster.at(f.own));
    f.sleep(9);
    CHECK(f.holding->world().may_write().error().kind == ErrorKind::kLocked);
    f.holding->release(false);
    REQUIRE(f.cluster.at(f.own) != nullptr);
    CHECK(kube::uid_of(*f.cluster.at(f.own)) == theirs);
}

TEST_CASE("who takes an operation on, and is not told that the Lease is theirs, sees that it is") {
    Adding f;
    f.sleep(3);
    REQUIRE(f.holding->world().cluster.get(sts("db")).ok());
    REQUIRE(f.cluster.at(f.own) != nullptr);
    f.sleep(60);  // dead
    bool unanswered = false;
    f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
        if (!after || unanswered || call.rfind("replace lease/", 0) != 0) return std::nullopt;
        unanswered = true;
        return Error{ErrorKind::kUnavailable, "request did not complete within the time", "", 504, "Timeout"};
    };
    Journal theirs = f.read();
    const auto taken = Holding::take(f.b.world, theirs, true);
    CHECK(unanswered);
    REQUIRE(taken.ok());
    CHECK(f.lease(f.own).holder == f.b.world.self.identity);
}
