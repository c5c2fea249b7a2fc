// What drive does with locks, records and journals that cannot be trusted.
#include "common/kube/objects/lease.h"
#include "common/plan/lock.h"
#include "common/plan/operations.h"
#include "tests/unit/plan/drive_scene.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace holdfast;           // NOLINT: a test of one header
using namespace holdfast::plan;     // NOLINT
using namespace holdfast::testing;  // NOLINT

namespace {

// Scales a workload that it locks, to 0 and back in a second round.
struct Locking : TwoClaims {
    int rounds = 1;
    std::function<void()> while_planning;
    Result<std::vector<kube::ObjectRef>> lock_targets(kube::ClusterReader&) override {
        return std::vector<kube::ObjectRef>{{kube::kStatefulSets, "n", "db"}};
    }
    bool keeps_record() const override { return true; }
    Result<Plan> plan(kube::ClusterReader& reader, const Input& input) override {
        TRY_ASSIGN(const Json live, reader.get({kube::kStatefulSets, "n", "db"}));
        Plan plan;
        Step step;
        step.id = "scale";
        step.title = "scale to " + kube::text_at(live, "/metadata/annotations/to");
        step.action = Patch{{kube::kStatefulSets, "n", "db"},
                            kube::PatchType::kMerge,
                            {{"spec", {{"replicas", input.round}}}},
                            {kube::uid_of(live), kube::version_of(live)},
                            ""};
        plan.steps.push_back(step);
        plan.last = input.round + 1 == rounds;
        plan.record = {{"round", input.round}, {"manifest", live}};
        if (while_planning) while_planning();
        return plan;
    }
    Result<Report> report(kube::ClusterReader&, const Input&) override { return Report{"done\n", Json::object(), {}}; }
};

struct LockingFixture : Fixture {
    Locking locking;
    kube::ObjectRef db{kube::kStatefulSets, "n", "db"};
    LockingFixture() {
        cluster.put({{"apiVersion", "apps/v1"},
                     {"kind", "StatefulSet"},
                     {"metadata", {{"name", "db"}, {"namespace", "n"}, {"annotations", {{"to", "0"}}}}}});
    }
    DriveResult run() { return drive(locking, world, options); }
    const Json* lease() { return cluster.at(lock_lease(db)); }
};

}  // namespace

TEST_CASE("R1, R5: an operation that locks lets go at its end, and its record stays") {
    LockingFixture f;
    f.locking.rounds = 2;
    bool locked = false;
    f.cluster.react = [&](FakeCluster&) { locked = locked || f.lease() != nullptr; };
    REQUIRE(f.run().status.ok());
    CHECK(locked);
    CHECK(f.lease() == nullptr);
    REQUIRE(f.journals().size() == 1);
    const Journal journal = f.journals()[0];
    CHECK(journal.state == "done");
    CHECK(journal.locks[0].workload == f.db);
    CHECK(journal.record["round"] == 0);  // the first round's word stays
    CHECK(journal.record["manifest"]["kind"] == "StatefulSet");
    CHECK(f.cluster.writes().front().rfind("create lease/n/holdfast-lock-", 0) == 0);
    // A record is in nobody's way, and nothing of it is gone on with.
    REQUIRE(f.run().status.ok());
    CHECK(f.journals().size() == 2);
    f.options.line.resume = journal.operation;
    CHECK(f.run().status.error().kind == ErrorKind::kRefused);
    CHECK(plan_abort(f.cluster, journal).error().kind == ErrorKind::kRefused);
}

TEST_CASE("a plan that is not the same any more once the lock is held is not carried out, and leaves nothing") {
    LockingFixture f;
    f.locking.while_planning = [&] {
        Json changed = *f.cluster.at(f.db);
        changed["metadata"]["annotations"]["to"] = "7";
        f.cluster.put(changed);
    };
    const DriveResult result = f.run();
    CHECK(result.status.error().kind == ErrorKind::kConflict);
    CHECK(f.journals().empty());
    CHECK(f.lease() == nullptr);
    for (const std::string& call : f.cluster.writes()) CHECK(call.find("sts/n/db") == std::string::npos);
}

TEST_CASE("a plan that is only less of what was shown is carried out, and what it lacks is told") {
    struct Lessened : Locking {
        std::optional<std::string> only_less(const Plan& shown, const Plan& fresh) const override {
            CHECK(shown.steps[0].title == "scale to 0");
            CHECK(fresh.steps[0].title == "scale to 7");
            return "less is to be done";
        }
    };
    LockingFixture f;
    Lessened lessened;
    lessened.while_planning = [&] {
        Json changed = *f.cluster.at(f.db);
        changed["metadata"]["annotations"]["to"] = "7";
        f.cluster.put(changed);
        lessened.while_planning = {};
    };
    CHECK(drive(lessened, f.world, f.options).status.ok());
    CHECK(std::find(f.witness.messages.begin(), f.witness.messages.end(), "less is to be done") !=
          f.witness.messages.end());
    CHECK(f.journals()[0].rounds[0]["steps"][0]["title"] == "scale to 7");
}

TEST_CASE("a change of the workload that leaves the plan as it was does not stop it") {
    LockingFixture f;
    f.locking.while_planning = [&] {
        Json changed = *f.cluster.at(f.db);
        changed["status"]["replicas"] = 3;
        f.cluster.put(changed);
        f.locking.while_planning = {};
    };
    CHECK(f.run().status.ok());
}

TEST_CASE("R2: who slept between its lock and its journal, and was taken over, writes no journal") {
    LockingFixture f;
    f.locking.while_planning = [&] {
        if (f.lease() == nullptr) return;
        f.clock.sleep_for(std::chrono::seconds(20));
        Json theirs = *f.lease();
        theirs["spec"]["holderIdentity"] = "another-boot/1/2/3";
        f.cluster.put(std::move(theirs));
    };
    CHECK(f.run().status.error().kind == ErrorKind::kLocked);
    CHECK(f.journals().empty());
    CHECK(kube::lease_of(*f.lease()).holder == "another-boot/1/2/3");
}

TEST_CASE("a stopped operation keeps its lock without a holder, resumes, and is aborted") {
    for (const bool aborts : {false, true}) {
        LockingFixture f;
        f.fail_at("patch sts/n/db");
        CHECK(f.run().resumable);
        REQUIRE(f.lease() != nullptr);
        CHECK(kube::lease_of(*f.lease()).holder.empty());
        f.cluster.fault = {};
        if (aborts) {
            Journal journal = f.journals()[0];
            const WayBack back = [&](kube::ClusterReader& reader) { return plan_abort(reader, journal); };
            CHECK(take_back(f.world, journal, *plan_abort(f.cluster, journal), back, f.options.limits).status.ok());
            CHECK(f.journals().empty());
        } else {
            CHECK(f.run().status.ok());
            CHECK(f.journals()[0].epoch == 1);
        }
        CHECK(f.lease() == nullptr);
    }
}

TEST_CASE("R1: an unfinished operation keeps others off its workload also when somebody has deleted its lock") {
    struct Other : Locking {
        std::string kind() const override { return "other"; }
        std::string target() const override { return "db's claims"; }
    };
    struct Heeding : Other {
        Result<std::vector<kube::ObjectRef>> lock_targets(kube::ClusterReader&) override {
            return std::vector<kube::ObjectRef>();
        }
        Result<std::vector<kube::ObjectRef>> heed_targets(kube::ClusterReader& reader) override {
            return Other::lock_targets(reader);
        }
    };
    LockingFixture f;
    f.fail_at("patch sts/n/db");
    const std::string id = f.run().operation;
    f.cluster.fault = {};
    f.cluster.drop(lock_lease(f.db));
    f.options.line.arguments = {{"positionals", {"of another command"}}, {"values", Json::object()}};
    Other other;
    Heeding heeding;
    for (Operation* one : {static_cast<Operation*>(&other), static_cast<Operation*>(&heeding)}) {
        const std::size_t writes = f.cluster.writes().size();
        const Error error = drive(*one, f.world, f.options).status.error();
        CHECK(error.kind == ErrorKind::kLocked);
        CHECK(error.message == "sts/n/db is being changed by operation " + id +
                                   ", which is unfinished, and whose lock somebody deleted; nothing was changed");
        CHECK(f.cluster.writes().size() == writes);
    }
}

TEST_CASE("what a recovery makes of the record stands in the journal once it has succeeded") {
    struct Recovering : Locking {
        Result<Plan> recover(kube::ClusterReader&, const Input&, const Error&) override {
            Plan plan;
            Step step;
            step.id = "label";
            step.action = Patch{{kube::kStatefulSets, "n", "db"},
                                kube::PatchType::kMerge,
                                {{"metadata", {{"labels", {{"up", "again"}}}}}},
                                {},
                                ""};
            plan.steps.push_back(step);
            plan.latest = {{"round", 99}};
            plan.last = false;
            return plan;
        }
    };
    for (const bool succeeds : {true, false}) {
        LockingFixture f;
        Recovering recovering;
        int patches = 0;
        f.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
            const bool fails = call == "patch sts/n/db" && !after && (++patches == 1 || !succeeds);
            return fails ? std::optional(Error{ErrorKind::kForbidden, "no", "", 403, "Forbidden"}) : std::nullopt;
        };
        CHECK_FALSE(drive(recovering, f.world, f.options).status.ok());
        f.cluster.fault = {};
        REQUIRE(f.journals().size() == 1);
        CHECK(f.journals()[0].record["round"] == (succeeds ? 99 : 0));
    }
}

TEST_CASE("R1: a workload that is held down keeps others off also when its operation's journal and lock are gone") {
    LockingFixture f;
    Json held = *f.cluster.at(f.db);
    held["metadata"]["annotations"][labels::kReplicas] = "3";
    held["spec"]["replicas"] = 0;
    f.cluster.put(held);
    const Error error = f.run().status.error();
    CHECK(error.kind == ErrorKind::kLocked);
    CHECK(error.message ==
          "sts/n/db is held at 0 replicas by an operation that is not at its end (it had 3), and whose journal is not "
          "there; nothing was changed");
    CHECK(f.cluster.writes().empty());
}

TEST_CASE("bad input 49: a journal of a workload that was made anew is refused") {
    LockingFixture f;
    f.fail_at("patch sts/n/db");
    const std::string id = f.run().operation;
    f.cluster.fault = {};
    Json again = *f.cluster.at(f.db);
    again["metadata"].erase("uid");
    f.cluster.drop(f.db);
    f.cluster.put(again);
    const std::size_t writes = f.cluster.writes().size();
    const DriveResult result = f.run();
    CHECK(result.status.error().kind == ErrorKind::kRefused);
    CHECK(result.status.error().message.find("sts/n/db: it is not the object that operation " + id) == 0);
    CHECK(f.cluster.writes().size() == writes);
    // Unless the operation itself made it anew.
    again = *f.cluster.at(f.db);
    again["metadata"]["labels"] = {{labels::kOperation, id}};
    f.cluster.put(again);
    CHECK(f.run().status.ok());
}

TEST_CASE("a claim that is locked, and that the operation itself deletes and makes anew, is no other one") {
    for (const bool deletes : {true, false}) {
        LockingFixture f;
        const kube::ObjectRef loose{kube::kClaims, "n", "loose"};
        f.cluster.put({{"apiVersion", "v1"},
                       {"kind", "PersistentVolumeClaim"},
                       {"metadata", {{"name", "loose"}, {"namespace", "n"}}}});
        f.fail_at("patch sts/n/db");
        const std::string id = f.run().operation;
        f.cluster.fault = {};
        Journal journal = *read_journal(f.cluster, "n", id);
        journal.locks = {{loose, "uid-before"}};
        Step step;
        step.id = "swap";
        step.action = deletes ? Action(Delete{loose, {"uid-before", ""}})
                              : Action(Patch{loose, kube::PatchType::kMerge, Json::object(), {}, ""});
        Plan swap;
        swap.steps = {step};
        journal.rounds.push_back(brief(swap));
        REQUIRE(write_change(f.cluster, journal).ok());
        CHECK(f.run().status.ok() == deletes);
    }
}

TEST_CASE("bad input 47: an edited journal of the same command stops it, and nothing is written") {
    Fixture f;
    f.fail_at("create pvc/n/claim-1");
    const std::string id = f.run().operation;
    f.cluster.fault = {};
    Json map = *f.cluster.at({kube::kConfigMaps, "n", journal_name(id)});
    std::string text = map["data"]["journal.json"];
    text.replace(text.find("\"claim-0\""), 9, "\"claim-9\"");
    map["data"]["journal.json"] = text;
    f.cluster.put(map);
    const std::size_t writes = f.cluster.writes().size();
    const DriveResult result = f.run();
    CHECK(result.status.error().kind == ErrorKind::kRefused);
    CHECK(result.status.error().message.find("differs in rounds") != std::string::npos);
    CHECK(f.cluster.writes().size() == writes);
}
