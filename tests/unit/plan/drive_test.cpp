#include "common/plan/drive.h"

#include "common/core/names.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lease.h"
#include "common/kube/objects/workload.h"
#include "common/os/process_identity.h"
#include "common/plan/lock.h"
#include "common/plan/operations.h"
#include "tests/unit/plan/drive_scene.h"
#include "tests/unit/support/counting_cluster.h"

#include <doctest/doctest.h>

#include <unistd.h>

using namespace holdfast;           // NOLINT: a test of one header
using namespace holdfast::plan;     // NOLINT
using namespace holdfast::testing;  // NOLINT

TEST_CASE("an operation that ends well leaves its result and no journal") {
    Fixture f;
    const DriveResult result = f.run();
    REQUIRE(result.status.ok());
    CHECK(result.report.text == "made\n");
    CHECK(f.approvals == 2);
    CHECK(f.operation.reports == 1);
    CHECK(f.journals().empty());
    CHECK(f.cluster.writes().front().rfind("create configmap/n/holdfast-op-twice-db-", 0) == 0);
}

TEST_CASE("a stopped operation is gone on with by the same command line, under the same id") {
    Fixture f;
    f.fail_at("create pvc/n/claim-1");
    const DriveResult first = f.run();
    CHECK_FALSE(first.status.ok());
    CHECK(first.resumable);
    REQUIRE(f.journals().size() == 1);
    CHECK(f.journals()[0].state == "stopped");
    CHECK(created_objects(f.journals()[0]).size() == 2);
    f.cluster.fault = {};
    f.owner_dies();
    const DriveResult second = f.run();
    REQUIRE(second.status.ok());
    CHECK(second.operation == first.operation);
    CHECK(kube::label_of(*f.cluster.at(claim_ref("claim-0")), labels::kOperation) == first.operation);
    CHECK(f.journals().empty());
}

TEST_CASE("an operation whose rounds never end takes down what it holds, and says what it did last") {
    Fixture f;
    f.operation.endless = f.operation.takes_down = true;
    const DriveResult result = f.run();
    REQUIRE_FALSE(result.status.ok());
    CHECK(f.cluster.at(claim_ref("claim-0")) == nullptr);
    CHECK(f.cluster.at(claim_ref("claim-23")) != nullptr);
    CHECK(result.status.error().message.find("the last was: create claim-23") != std::string::npos);
}

TEST_CASE("bad input 11: an unfinished operation with other arguments is in the way, and nothing is written") {
    Fixture f;
    f.fail_at("create pvc/n/claim-1");
    const std::string id = f.run().operation;
    f.cluster.fault = {};
    f.options.line.arguments["values"]["wait"] = {"ready"};
    const std::size_t writes = f.cluster.writes().size();
    const DriveResult other = f.run();
    CHECK(other.status.error().kind == ErrorKind::kLocked);
    CHECK(other.status.error().message.find(id) != std::string::npos);
    CHECK(other.status.error().hint.find(" abort " + id) != std::string::npos);
    CHECK(f.cluster.writes().size() == writes);
    f.options.can_abort = [&](kube::ClusterReader&, const Journal& open) { return open.operation != id; };
    const Error error = f.run().status.error();  // past its point of no return
    CHECK(error.hint.find(" resume " + id) != std::string::npos);
    CHECK(error.hint.find(" abort ") == std::string::npos);
}

TEST_CASE("status names, in every form of output, the abort that says whether it would be granted") {
    Journal journal;
    journal.operation = "in-place-db-abcde";
    journal.plugin = "restore";
    journal.space = "shop";
    CHECK(describe(journal, {}).resume == "kubectl restore resume in-place-db-abcde -n shop");
    CHECK(describe(journal, {}).abort == "kubectl restore abort in-place-db-abcde -n shop --dry-run");
}

TEST_CASE("what an operation is on is told as it was asked for: by a name, or by the selector and not by its hash") {
    Journal journal;
    journal.target = "selected-1f2e3d4c";
    journal.arguments = {{"positionals", Json::array()}, {"values", {{"selector", {"app in (db,files)"}}}}};
    CHECK(target_text(journal) == "-l 'app in (db,files)'");
    CHECK(describe(journal, {}).target == "-l 'app in (db,files)'");
    journal.target = "db";
    journal.arguments = {{"positionals", {"sts/db"}}, {"values", Json::object()}};
    CHECK(target_text(journal) == "db");
}

TEST_CASE("a live owner on this machine keeps a second process out, without a write") {
    Fixture f;
    f.fail_at("create pvc/n/claim-1");
    CHECK_FALSE(f.run().status.ok());
    f.cluster.fault = {};
    Journal journal = f.journals()[0];
    journal.owner = process_identity_of(getppid());  // whoever started this test waits for it
    journal.state = "open";
    journal.touched = f.clock.now();
    REQUIRE(write_change(f.cluster, journal).ok());
    const std::size_t writes = f.cluster.writes().size();
    const DriveResult second = f.run();
    CHECK(second.status.error().kind == ErrorKind::kLocked);
    CHECK(f.cluster.writes().size() == writes);
    CHECK(look_at_owners(f.cluster, {journal}, f.world.self, f.clock.now())->front().life == Life::kLive);
    const WayBack back = [&](kube::ClusterReader& reader) { return plan_abort(reader, journal); };
    Outcome taken_back = take_back(f.world, journal, *plan_abort(f.cluster, journal), back, f.options.limits);
    CHECK(taken_back.status.error().kind == ErrorKind::kLocked);
    CHECK(f.cluster.writes().size() == writes);
    f.clock.sleep_for(std::chrono::seconds(7));
    CHECK(f.run().status.ok());
}

TEST_CASE("a missing permission stops before the first write and is named") {
    Fixture f;
    f.cluster.may = [](const kube::AccessCheck& check) {
        return !(check.verb == "create" && check.resource == kube::kClaims);
    };
    const DriveResult result = f.run();
    CHECK(result.status.error().kind == ErrorKind::kForbidden);
    CHECK(result.status.error().message ==
          "not allowed: create persistentvolumeclaims in namespace n; nothing was changed");
    CHECK(f.cluster.writes().empty());
    CHECK_FALSE(result.resumable);
}

TEST_CASE("what is tried beside the object that it is to replace may be one too many for a quota, and nothing else") {
    const auto refused_with = [](const std::string& words, bool beside) {
        Fixture f;
        Create create{{{"apiVersion", "apps/v1"},
                       {"kind", "StatefulSet"},
                       {"metadata", {{"name", "db-holdfast-dry-run"}, {"namespace", "n"}}}},
                      {},
                      true};
        create.beside = beside;
        Step step;
        step.id = "try-remake-db";
        step.title = "make sts/n/db anew";
        step.action = std::move(create);
        f.operation.rehearsal = {step};
        f.cluster.fault = [words](const std::string& made, bool) -> std::optional<Error> {
            if (made.find("sts/n/db-holdfast-dry-run") == std::string::npos) return std::nullopt;
            return Error{ErrorKind::kForbidden, "statefulsets.apps is forbidden: exceeded quota: q, " + words, "", 403,
                         "Forbidden"};
        };
        const DriveResult result = f.run();
        CHECK(f.witness.messages.size() == (result.status.ok() ? 1 : 0));
        return !result.status.ok() && result.status.error().kind == ErrorKind::kRefused;
    };
    const std::string full =
        "requested: count/statefulsets.apps=1, used: count/statefulsets.apps=3, limited: count/statefulsets.apps=3";
    CHECK_FALSE(refused_with(full, true));
    CHECK(refused_with(full, false));
    CHECK(refused_with(
        "requested: count/statefulsets.apps=1, used: count/statefulsets.apps=4, limited: count/statefulsets.apps=3",
        true));
    CHECK(
        refused_with("requested: count/statefulsets.apps=1,pods=1, used: count/statefulsets.apps=3,pods=9, limited: "
                     "count/statefulsets.apps=3,pods=9",
                     true));
}

TEST_CASE("what is tried hangs on nothing, so it is sent together; the first that would be refused is named") {
    Fixture f;
    CountingCluster cluster(f.clock);
    World world{cluster, f.clock, f.signals, f.witness, nullptr, nullptr, nullptr, {}};
    for (int i = 0; i < 70; ++i) {
        const std::string name = "c" + std::to_string(i);
        cluster.put({{"apiVersion", "v1"},
                     {"kind", "PersistentVolumeClaim"},
                     {"metadata", {{"name", name}, {"namespace", "n"}}}});
        Step step;
        step.id = "try-" + name;
        step.title = "grow " + name;
        step.action = Patch{claim_ref(name), kube::PatchType::kMerge, {{"spec", {{"x", 1}}}}, {}, ""};
        f.operation.rehearsal.push_back(step);
    }
    cluster.fault = [](const std::string& call, bool) -> std::optional<Error> {
        if (call != "patch pvc/n/c3" && call != "patch pvc/n/c66") return std::nullopt;
        return Error{ErrorKind::kForbidden, "no", "", 403, "Forbidden"};
    };
    const DriveResult result = drive(f.operation, world, f.options);
    CHECK(cluster.batches == std::vector<std::size_t>{64, 6});
    CHECK(result.status.error().message.rfind("the API server would refuse to grow c3: ", 0) == 0);
    CHECK(cluster.at(claim_ref("claim-0")) == nullptr);
}

TEST_CASE("a plan that nobody wanted leaves nothing") {
    Fixture f;
    f.options.approve = [](const Plan&, bool) { return Status(Error{ErrorKind::kRefused, "no", "", 0, ""}); };
    CHECK(f.run().status.error().kind == ErrorKind::kRefused);
    CHECK(f.cluster.writes().empty());
    f.options.approve = [](const Plan&, bool) { return Status(); };
    f.options.plan_only = true;
    CHECK(f.run().status.ok());
    CHECK(f.cluster.writes().empty());
}

TEST_CASE("what recovery takes down leaves no journal; what it cannot, stays resumable") {
    Fixture f;
    f.operation.takes_down = true;
    f.fail_at("create pvc/n/claim-1");
    const DriveResult result = f.run();
    CHECK_FALSE(result.status.ok());
    CHECK_FALSE(result.resumable);
    CHECK(result.wrote);
    CHECK(f.cluster.at(claim_ref("claim-0")) == nullptr);
    CHECK(f.journals().empty());
}

TEST_CASE("abort removes what carries the operation's id, and leaves what others made or use") {
    Fixture f;
    f.fail_at("create pvc/n/claim-1");
    CHECK_FALSE(f.run().status.ok());
    f.cluster.fault = {};
    Json foreign = {{"apiVersion", "v1"},
                    {"kind", "PersistentVolumeClaim"},
                    {"metadata", {{"name", "claim-1"}, {"namespace", "n"}}}};
    f.cluster.put(foreign);
    f.owner_dies();
    auto plan = plan_abort(f.cluster, f.journals()[0]);
    REQUIRE(plan.ok());
    REQUIRE(plan->steps.size() == 1);
    CHECK(plan->steps[0].title == "delete pvc/n/claim-0");
    CHECK(plan->notes == std::vector<std::string>{"pvc/n/claim-1 is left: another operation or user made it"});
    f.cluster.put({{"apiVersion", "v1"},
                   {"kind", "Pod"},
                   {"metadata", {{"name", "p"}, {"namespace", "n"}}},
                   {"spec", {{"volumes", {{{"name", "v"}, {"persistentVolumeClaim", {{"claimName", "claim-0"}}}}}}}}});
    plan = plan_abort(f.cluster, f.journals()[0]);
    REQUIRE(plan.ok());
    CHECK(plan->steps.empty());
}

TEST_CASE("who finds a name taken before making anything leaves no journal; who has made something keeps it") {
    for (const char* taken : {"claim-0", "claim-1"}) {
        Fixture f;
        f.cluster.put({{"apiVersion", "v1"},
                       {"kind", "PersistentVolumeClaim"},
                       {"metadata",
                        {{"name", taken}, {"namespace", "n"}, {"labels", {{labels::kOperation, "twice-db-other"}}}}}});
        const DriveResult result = f.run();
        CHECK(result.status.error().kind == ErrorKind::kLocked);
        const bool first = std::string(taken) == "claim-0";
        CHECK(result.resumable != first);
        CHECK(f.journals().empty() == first);
        CHECK(f.cluster.find(claim_ref(taken)).value().has_value());
    }
}

TEST_CASE("what two runs have planned to make is taken back once") {
    Journal journal;
    const Json step = {{"verb", "create"},
                       {"group", "snapshot.storage.k8s.io"},
                       {"resource", "volumesnapshots"},
                       {"namespace", "n"},
                       {"name", "x"}};
    Json other = step;
    other["name"] = "y";
    journal.rounds = {{{"round", 0}, {"steps", {step}}}, {{"round", 0}, {"steps", {other, step}}}};
    CHECK(created_objects(journal).size() == 2);
}

TEST_CASE("whose journal somebody deleted is told what it made, and no line that cannot work") {
    Fixture f;
    f.cluster.put(
        {{"apiVersion", "apps/v1"}, {"kind", "StatefulSet"}, {"metadata", {{"name", "db"}, {"namespace", "n"}}}});
    std::vector<std::string> said;
    struct Listening : Silent {
        std::vector<std::string>& said;
        explicit Listening(std::vector<std::string>& lines) : said(lines) {}
        void message(const std::string& line) override { said.push_back(line); }
    } witness{said};
    World world{f.cluster, f.clock, f.signals, witness, nullptr, nullptr, nullptr, {}};
    f.cluster.fault = [&](const std::string& call, bool) -> std::optional<Error> {
        if (call != "create pvc/n/claim-0") return std::nullopt;
        f.cluster.fault = {};
        f.cluster.drop({kube::kConfigMaps, "n", journal_name(f.journals().at(0).operation)});
        return std::nullopt;
    };
    const DriveResult result = drive(f.operation, world, f.options);
    REQUIRE_FALSE(result.status.ok());
    CHECK_FALSE(result.resumable);
    REQUIRE(said.size() == 1);
    const std::string line = "kubectl get persistentvolumeclaims -n n -l holdfast.dev/operation=" + result.operation;
    CHECK(said[0].find(line) != std::string::npos);
    auto events = f.cluster.list(kube::kEvents, "n", {});
    REQUIRE(events->items.size() == 1);
    const std::string message = kube::text_at(events->items[0], "/message");
    CHECK(message.find(line) != std::string::npos);
    CHECK(message.find("resume") == std::string::npos);
}
