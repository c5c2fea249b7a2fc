#include "common/plan/holding.h"

#include "tests/unit/plan/two_processes.h"

#include <doctest/doctest.h>

using namespace holdfast;           // NOLINT: a test of one header
using namespace holdfast::plan;     // NOLINT
using namespace holdfast::testing;  // NOLINT

namespace {

const Lock kDb{sts("db"), ""};

// Process a has taken the lock for an operation that is written down, as after its first record.
struct Held : TwoProcesses {
    Journal mine = journal_of("twice-db-aaaaa", {kDb});
    std::unique_ptr<Holding> holding = *Holding::take(a.world, mine, false);
    Held() {
        mine.owner = a.world.self.identity;
        mine.touched = mine.started = clock.now();
        REQUIRE(write_new(cluster, mine).ok());
        REQUIRE(holding->recorded().ok());
    }
    Journal read() { return *read_journal(cluster, "n", mine.operation); }
    kube::Lease lock() { return lease(lock_lease(sts("db"))); }
};

Step write_to(const kube::ObjectRef& ref, const kube::Preconditions& preconditions) {
    Step step;
    step.id = "patch";
    step.action = Patch{ref, kube::PatchType::kMerge, {{"spec", {{"replicas", 0}}}}, preconditions, ""};
    return step;
}

}  // namespace

TEST_CASE("R2: a live owner keeps its lock, and who is kept out has not waited and not written") {
    Held f;
    f.sleep(5);
    const std::size_t before = f.writes();
    const auto began = f.clock.steady_now();
    Journal other = journal_of("other-db-bbbbb", {kDb});
    for (Journal journal : {other, f.read()}) {
        const bool resumes = journal.operation == f.mine.operation;
        const auto taken = Holding::take(f.b.world, journal, resumes);
        REQUIRE_FALSE(taken.ok());
        CHECK(taken.error().kind == ErrorKind::kLocked);
        CHECK(taken.error().message.find("twice-db-aaaaa is being worked on by process 11 on host-11") !=
              std::string::npos);
    }
    CHECK(check_free(f.b.world, other).error().kind == ErrorKind::kLocked);
    CHECK(f.clock.steady_now() == began);
    CHECK(f.writes() == before);
}

TEST_CASE("somebody's label on the journal does not take the operation from its owner, as a later owner does") {
    Held f;
    kube::Cluster& cluster = f.holding->world().cluster;
    const kube::ObjectRef record{kube::kConfigMaps, "n", journal_name(f.mine.operation)};
    Json labelled = *f.cluster.at(record);
    labelled["metadata"]["labels"]["backup"] = "weekly";
    f.cluster.put(labelled);
    CHECK(cluster.create(object_at(pvc("data-0"))).ok());
    CHECK_FALSE(f.holding->lost());
    Journal later = f.read();
    ++later.epoch;
    REQUIRE(write_change(f.cluster, later).ok());
    const auto made = cluster.create(object_at(pvc("data-1")));
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().kind == ErrorKind::kLocked);
    CHECK(f.cluster.at(pvc("data-1")) == nullptr);
}

TEST_CASE("R2: an owner whose process is gone is dead at once") {
    Held f;
    f.a_is(OwnerState::kDead);
    const auto began = f.clock.steady_now();
    Journal journal = f.read();
    CHECK(look_at_owners(f.cluster, {journal}, f.b.world.self, f.clock.now())->front().life == Life::kDead);
    const auto taken = Holding::take(f.b.world, journal, true);
    REQUIRE(taken.ok());
    CHECK(f.clock.steady_now() == began);
    CHECK(f.lock().holder == f.b.world.self.identity);
    CHECK(f.read().epoch == 1);
}

TEST_CASE("R2: a silent owner is waited for, by name, 9 s in all") {
    Held f;
    f.sleep(7);
    const auto began = f.clock.steady_now();
    Journal journal = f.read();
    const auto taken = Holding::take(f.b.world, journal, true);
    REQUIRE(taken.ok());
    CHECK(f.clock.steady_now() - began >= std::chrono::seconds(9));
    CHECK(f.clock.steady_now() - began <= std::chrono::seconds(10));
    REQUIRE(f.b.witness.messages.size() == 1);
    CHECK(f.b.witness.messages[0].find("process 11 on host-11") != std::string::npos);
    CHECK(f.lock().holder == f.b.world.self.identity);
}

TEST_CASE("R2: a silent owner that renews while it is waited for stays the owner, whatever its clock says") {
    Held f;
    f.clock.wall_ahead = std::chrono::hours(-2);  // the clocks of the two machines differ by two hours
    const auto began = f.clock.steady_now();
    f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
        if (after || f.clock.steady_now() - began < std::chrono::seconds(2) || call.rfind("get lease", 0) != 0)
            return std::nullopt;
        f.cluster.fault = {};
        kube::Lease lease = f.lock();
        lease.renewed = f.clock.now() + std::chrono::hours(2);
        f.cluster.put(kube::lease_manifest(lease));
        return std::nullopt;
    };
    const std::size_t before = f.writes();
    Journal journal = f.read();
    const auto taken = Holding::take(f.b.world, journal, true);
    CHECK(taken.error().kind == ErrorKind::kLocked);
    CHECK(f.clock.steady_now() - began < std::chrono::seconds(5));
    CHECK(f.writes() == before);
    CHECK(f.lock().holder == f.a.world.self.identity);
}

TEST_CASE("R2: Ctrl-C ends the wait for a silent owner, and nothing is changed") {
    Held f;
    f.sleep(7);
    const std::size_t before = f.writes();
    f.b.signals.number = 1;
    Journal journal = f.read();
    CHECK(Holding::take(f.b.world, journal, true).error().kind == ErrorKind::kInterrupted);
    CHECK(f.writes() == before);
}

TEST_CASE("bad input 11: an unfinished operation keeps its lock although nobody works on it") {
    Held f;
    f.holding->release(true);
    CHECK(f.lock().holder.empty());
    CHECK(f.lock().operation == "twice-db-aaaaa");
    const std::size_t before = f.writes();
    Journal other = journal_of("other-db-bbbbb", {kDb});
    for (const Status& kept : {check_free(f.b.world, other), Status(Holding::take(f.b.world, other, false).error())}) {
        CHECK(kept.error().kind == ErrorKind::kLocked);
        CHECK(kept.error().message.find("twice-db-aaaaa") != std::string::npos);
        // Another plugin's perhaps, which alone knows whether an abort would be granted.
        CHECK(
            kept.error().hint ==
            "to go on: kubectl restore resume twice-db-aaaaa -n n; whether it can be taken back says: kubectl restore "
            "abort twice-db-aaaaa -n n --dry-run");
    }
    CHECK(f.writes() == before);
    Journal journal = f.read();
    CHECK(Holding::take(f.b.world, journal, true).ok());
}

TEST_CASE("a lock without a journal is nobody's") {
    Held f;
    f.a_is(OwnerState::kDead);
    REQUIRE(erase(f.cluster, f.mine).ok());  // killed between its last two writes
    Journal other = journal_of("other-db-bbbbb", {kDb});
    const auto taken = Holding::take(f.b.world, other, false);
    REQUIRE(taken.ok());
    CHECK(f.lock().operation == "other-db-bbbbb");
    (*taken)->release(false);
    CHECK(f.cluster.at(lock_lease(sts("db"))) == nullptr);
}

TEST_CASE("all locks or none: what was taken before the one that is held is let go") {
    TwoProcesses f;
    f.cluster.put(object_at(sts("web")));
    const auto both = *resolve_locks(f.cluster, {sts("db"), sts("web")});
    Journal first = journal_of("twice-x-aaaaa", {both[1]});
    const auto held = Holding::take(f.a.world, first, false);
    REQUIRE(held.ok());
    Journal second = journal_of("twice-y-bbbbb", both);
    CHECK(Holding::take(f.b.world, second, false).error().kind == ErrorKind::kLocked);
    CHECK(f.cluster.at(lock_lease(both[0].workload)) == nullptr);
    CHECK(f.lease(lock_lease(both[1].workload)).holder == f.a.world.self.identity);
}

TEST_CASE("I11: a Lease of the lock's name that Holdfast did not make is named, and neither replaced nor deleted") {
    // Also one that was copied of ours, holder and all.
    for (const char* holder : {"somebody", "boot/pid:[1]/11/77"}) {
        TwoProcesses f;
        Json theirs = object_at(lock_lease(sts("db")));
        theirs["spec"] = {{"holderIdentity", holder}};
        f.cluster.put(theirs);
        const Json before = *f.cluster.at(lock_lease(sts("db")));
        Journal journal = journal_of("twice-db-aaaaa", {kDb});
        for (const Status& kept :
             {check_free(f.a.world, journal), Status(Holding::take(f.a.world, journal, false).error())}) {
            CHECK(kept.error().kind == ErrorKind::kLocked);
            CHECK(kept.error().message.find("did not make") != std::string::npos);
            CHECK(kept.error().hint.find("kubectl get lease holdfast-lock-") != std::string::npos);
        }
        CHECK(f.writes() == 0);
        CHECK(*f.cluster.at(lock_lease(sts("db"))) == before);
    }
}

TEST_CASE("a lock whose making was answered by silence is found to be ours") {
    TwoProcesses f;
    f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
        if (!after || call.rfind("create lease", 0) != 0) return std::nullopt;
        f.cluster.fault = {};
        return Error{ErrorKind::kUnavailable, "connection reset", "", 0, ""};
    };
    Journal journal = journal_of("twice-db-aaaaa", {kDb});
    CHECK(Holding::take(f.a.world, journal, false).ok());
    CHECK(f.lease(lock_lease(sts("db"))).holder == f.a.world.self.identity);
}

TEST_CASE("an owner renews while its steps run, and a release leaves nothing") {
    Held f;
    const auto first = f.lock().renewed;
    f.sleep(3);
    REQUIRE(f.holding->world().cluster.get(sts("db")).ok());
    CHECK(f.lock().renewed > first);
    f.sleep(100);  // a machine that slept, and nobody came
    CHECK(f.holding->world().may_write().ok());
    f.holding->release(false);
    CHECK(f.cluster.at(lock_lease(sts("db"))) == nullptr);
}

TEST_CASE("R2: an owner that could not renew for 8 s sends no more writes; one that can, may") {
    Held f;
    f.cluster.fault = [](const std::string& call, bool) -> std::optional<Error> {
        if (call.rfind("replace lease", 0) != 0) return std::nullopt;
        return Error{ErrorKind::kUnavailable, "no route", "", 0, ""};
    };
    f.sleep(7);
    CHECK(f.holding->world().may_write().ok());
    f.sleep(1);
    const std::size_t before = f.writes();
    const auto patched = f.holding->world().cluster.patch(sts("db"), kube::PatchType::kMerge, {{"spec", {{"x", 1}}}},
                                                          {}, kube::DryRun::kNone, "");
    CHECK(patched.error().kind == ErrorKind::kUnavailable);
    for (std::size_t i = before; i < f.writes(); ++i) CHECK(f.cluster.writes()[i].rfind("replace lease", 0) == 0);
    f.cluster.fault = {};
    CHECK(f.holding->world().may_write().ok());
}

TEST_CASE("R2: a machine that slept counts the time by the wall clock") {
    Held f;
    f.cluster.fault = [](const std::string& call, bool) -> std::optional<Error> {
        if (call.rfind("replace lease", 0) != 0) return std::nullopt;
        return Error{ErrorKind::kUnavailable, "no route", "", 0, ""};
    };
    f.clock.wall_ahead = std::chrono::minutes(10);
    CHECK(f.holding->world().may_write().error().kind == ErrorKind::kUnavailable);
}

TEST_CASE("R3: after a takeover no write of the earlier owner succeeds, by whichever way it comes") {
    Held f;
    f.cluster.put(object_at(pvc("data")));
    Plan plan;
    plan.steps = {write_to(sts("db"), {}), write_to(pvc("data"), {})};
    f.mine.rounds.push_back(brief(plan));
    REQUIRE(write_change(f.cluster, f.mine).ok());
    const std::string old_version = kube::version_of(*f.cluster.at(sts("db")));
    const std::string uid = kube::uid_of(*f.cluster.at(sts("db")));
    Journal journal = f.read();

    // The earlier owner stops after its last look at the clock: its lease seems good to it for ever.
    f.a_is(OwnerState::kDead);
    const auto taken = Holding::take(f.b.world, journal, true);
    REQUIRE(taken.ok());
    CHECK(journal.epoch == 1);
    for (const auto& ref : {sts("db"), pvc("data")})
        CHECK(kube::annotation_of(*f.cluster.at(ref), labels::kEpoch) == "twice-db-aaaaa/1");

    kube::Cluster& old = f.holding->world().cluster;
    REQUIRE(f.holding->world().may_write().ok());
    const Json body = {{"spec", {{"replicas", 0}}}};
    const auto none = kube::DryRun::kNone;
    CHECK(old.patch(sts("db"), kube::PatchType::kMerge, body, {uid, old_version}, none, "").error().kind ==
          ErrorKind::kConflict);
    CHECK(old.patch(sts("db"), kube::PatchType::kMerge, body, {uid, ""}, none, "").error().kind == ErrorKind::kLocked);
    CHECK(old.remove(pvc("data"), {}, kube::Propagation::kBackground, none).error().kind == ErrorKind::kLocked);
    CHECK(old.create(object_at(pvc("new")), none).error().kind == ErrorKind::kLocked);
    CHECK(old.create_all({object_at(pvc("new"))}, none)[0].error().kind == ErrorKind::kLocked);
    CHECK(f.cluster.at(pvc("new")) == nullptr);
    CHECK(f.cluster.at(pvc("data")) != nullptr);
    // The new owner may do all of it.
    kube::Cluster& now = (*taken)->world().cluster;
    CHECK(now.patch(sts("db"), kube::PatchType::kMerge, body, {uid, ""}, none, "").ok());
    CHECK(now.create(object_at(pvc("new")), none).ok());
    CHECK(now.remove(pvc("data"), {}, kube::Propagation::kBackground, none).ok());
    CHECK(f.holding->lost());
    CHECK_FALSE(f.holding->world().may_write().ok());
}

TEST_CASE("R3: creates alone are stopped by the journal, which a takeover has written") {
    Held f;
    f.a_is(OwnerState::kDead);
    Journal journal = f.read();
    REQUIRE(Holding::take(f.b.world, journal, true).ok());
    CHECK(f.holding->world().cluster.create(object_at(pvc("new")), kube::DryRun::kNone).error().kind ==
          ErrorKind::kLocked);
    CHECK(f.holding->lost());
    CHECK(f.cluster.at(pvc("new")) == nullptr);
}

TEST_CASE("an earlier owner learns of a takeover with its next renewal") {
    Held f;
    f.a_is(OwnerState::kDead);
    Journal journal = f.read();
    REQUIRE(Holding::take(f.b.world, journal, true).ok());
    f.sleep(3);
    REQUIRE(f.holding->world().cluster.get(sts("db")).ok());
    CHECK(f.holding->lost());
    CHECK(f.holding->world().may_write().error().message.find("taken over by process 22 on host-22") !=
          std::string::npos);
}

TEST_CASE("R3: a takeover does not mark what another operation made under a name that this one planned") {
    Held f;
    Plan plan;
    Step step;
    step.id = "create";
    step.action = Create{object_at(pvc("wanted")), {}};
    plan.steps = {step};
    f.mine.rounds.push_back(brief(plan));
    REQUIRE(write_change(f.cluster, f.mine).ok());
    f.cluster.put(object_at(pvc("wanted")));
    f.a_is(OwnerState::kDead);
    Journal journal = f.read();
    REQUIRE(Holding::take(f.b.world, journal, true).ok());
    CHECK(kube::annotation_of(*f.cluster.at(pvc("wanted")), labels::kEpoch).empty());
}

TEST_CASE("of two who take over, one is told") {
    Held f;
    f.holding->release(true);
    Journal first = f.read(), second = f.read();
    REQUIRE(Holding::take(f.a.world, first, true).ok());
    CHECK(Holding::take(f.b.world, second, true).error().kind == ErrorKind::kLocked);
}

TEST_CASE("R3: who slept while it marked its targets, and was taken over, marks nothing over the later owner's") {
    Held f;
    f.holding->release(true);
    Journal first = f.read();
    f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
        if (after || call.rfind("patch sts/n/db", 0) != 0) return std::nullopt;
        f.cluster.fault = {};
        f.sleep(20);
        f.a_is(OwnerState::kDead);
        Journal second = f.read();
        REQUIRE(Holding::take(f.b.world, second, true).ok());
        return std::nullopt;
    };
    const auto taken = Holding::take(f.a.world, first, true);
    REQUIRE_FALSE(taken.ok());
    CHECK(taken.error().kind == ErrorKind::kLocked);
    CHECK(kube::annotation_of(*f.cluster.at(sts("db")), labels::kEpoch) == epoch_mark(f.mine.operation, 2));
}

TEST_CASE("R3: who was stopped among many creates sends no more than were in flight") {
    Held f;
    int made = 0;
    f.cluster.fault = [&](const std::string& call, bool) -> std::optional<Error> {
        if (call.rfind("create pvc", 0) != 0 || made++ > 0) return std::nullopt;
        f.sleep(20);
        f.a_is(OwnerState::kDead);
        Journal journal = f.read();
        REQUIRE(Holding::take(f.b.world, journal, true).ok());
        return std::nullopt;
    };
    std::vector<Json> manifests;
    for (int i = 0; i < 30; ++i) manifests.push_back(object_at(pvc("new-" + std::to_string(i))));
    const auto answers = f.holding->world().cluster.create_all(manifests, kube::DryRun::kNone);
    REQUIRE(answers.size() == 30);
    CHECK(answers[29].error().kind == ErrorKind::kLocked);
    CHECK(f.cluster.at(pvc("new-7")) != nullptr);
    CHECK(f.cluster.at(pvc("new-8")) == nullptr);
}

TEST_CASE("a journal is removed by its owner only, whoever has annotated it") {
    Held f;
    Json map = *f.cluster.at({kube::kConfigMaps, "n", journal_name(f.mine.operation)});
    map["metadata"]["annotations"] = {{"seen", "yes"}};
    f.cluster.put(map);
    Journal earlier = f.mine;
    f.a_is(OwnerState::kDead);
    Journal journal = f.read();
    REQUIRE(Holding::take(f.b.world, journal, true).ok());
    CHECK_FALSE(erase(f.cluster, earlier).ok());
    CHECK(f.cluster.at({kube::kConfigMaps, "n", journal_name(f.mine.operation)}) != nullptr);
    map = *f.cluster.at({kube::kConfigMaps, "n", journal_name(f.mine.operation)});
    map["metadata"]["annotations"] = {{"seen", "again"}};
    f.cluster.put(map);
    CHECK(erase(f.cluster, journal).ok());
}
