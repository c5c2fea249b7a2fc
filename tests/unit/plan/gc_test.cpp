// What gc takes and what it leaves.
#include "common/plan/gc.h"

#include "common/core/names.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lease.h"
#include "common/os/process_identity.h"
#include "tests/unit/plan/drive_scene.h"

#include <doctest/doctest.h>

#include <unistd.h>

#include <algorithm>

using namespace holdfast;           // NOLINT: a test of one header
using namespace holdfast::plan;     // NOLINT
using namespace holdfast::testing;  // NOLINT

namespace {

Result<Plan> gc(Fixture& f) { return plan_gc(f.cluster, "n", f.world.self, {f.clock, f.signals, {}}); }

// An operation's own Lease, or ("lock") one of a workload; holder "": let go.
void put_lease(Fixture& f, const std::string& name, const std::string& operation, const std::string& holder,
               const std::string& role = "alive") {
    kube::Lease one;
    one.space = "n";
    one.name = name;
    one.operation = operation;
    one.role = role;
    one.holder = holder;
    one.renewed = f.clock.now();
    f.cluster.put(kube::lease_manifest(one));
}

void put_throwaway(Fixture& f, const std::string& name, const std::string& operation, const std::string& role) {
    f.cluster.put(
        {{"apiVersion", "v1"},
         {"kind", "PersistentVolumeClaim"},
         {"metadata",
          {{"name", name},
           {"namespace", "n"},
           {"labels", {{labels::kManagedBy, "holdfast"}, {labels::kOperation, operation}, {labels::kRole, role}}}}}});
}

// A claim with these labels, bound to the volume pv-1.
void put_bound(Fixture& f, const std::string& claim, const Json& claim_labels, const char* reclaim_policy) {
    f.cluster.put({{"apiVersion", "v1"},
                   {"kind", "PersistentVolumeClaim"},
                   {"metadata", {{"name", claim}, {"namespace", "n"}, {"uid", "claim-uid"}, {"labels", claim_labels}}},
                   {"spec", {{"volumeName", "pv-1"}}}});
    f.cluster.put({{"apiVersion", "v1"},
                   {"kind", "PersistentVolume"},
                   {"metadata", {{"name", "pv-1"}}},
                   {"spec",
                    {{"persistentVolumeReclaimPolicy", reclaim_policy},
                     {"claimRef", {{"namespace", "n"}, {"name", claim}, {"uid", "claim-uid"}}}}}});
}

void put_retained(Fixture& f, const std::string& claim, const Json& claim_labels) {
    put_bound(f, claim, claim_labels, "Retain");
}

}  // namespace

TEST_CASE("gc takes throwaways whose operation is dead and nothing else") {
    Fixture f;
    put_throwaway(f, "drill-x-0-data-0", "drill-x", "drill");
    put_throwaway(f, "drill-x-restored", "drill-x", "restore");
    auto plan = gc(f);
    REQUIRE(plan.ok());
    REQUIRE(plan->steps.size() == 1);
    CHECK(plan->steps[0].title == "delete pvc/n/drill-x-0-data-0");
}

TEST_CASE("gc and abort leave a claim that was bound to a volume that was there before, which would go with it") {
    Fixture f;
    const Json ours = {{labels::kManagedBy, "holdfast"}, {labels::kOperation, "drill-x"}, {labels::kRole, "drill"}};
    put_retained(f, "drill-x-0-data-0", ours);
    const Json chosen = {{"metadata", {{"annotations", {{"pv.kubernetes.io/bound-by-controller", "yes"}}}}}};
    REQUIRE(f.cluster.patch({kube::kVolumes, "", "pv-1"}, kube::PatchType::kMerge, chosen, {}, kube::DryRun::kNone, "")
                .ok());
    const auto plan = gc(f);
    REQUIRE(plan.ok());
    CHECK(plan->steps.empty());
    REQUIRE(plan->notes.size() == 1);
    CHECK(plan->notes[0].find("pvc/n/drill-x-0-data-0 is left: it was bound to pv/pv-1") == 0);
}

TEST_CASE("gc sets kept volumes of throwaway claims to Delete, and leaves operations whose journal cannot be read") {
    Fixture f;
    const Json ours = {{labels::kManagedBy, "holdfast"}, {labels::kOperation, "drill-x"}, {labels::kRole, "drill"}};
    put_retained(f, "drill-x-0-data-0", ours);
    auto plan = gc(f);
    REQUIRE(plan.ok());
    REQUIRE(plan->steps.size() == 3);
    CHECK(plan->steps[0].title == "set the reclaim policy of pv/pv-1 to Delete");
    CHECK(plan->steps[1].title == "delete pvc/n/drill-x-0-data-0");
    CHECK(plan->steps[1].after == std::vector<std::string>{plan->steps[0].id});
    CHECK(plan->steps[2].title == "wait until the throwaway volumes are gone");

    const Json journal = {{labels::kManagedBy, "holdfast"}, {labels::kRole, "journal"}};
    f.cluster.put({{"apiVersion", "v1"},
                   {"kind", "ConfigMap"},
                   {"metadata", {{"name", "holdfast-op-drill-x"}, {"namespace", "n"}, {"labels", journal}}},
                   {"data", {{"journal.json", "{\"format\": 99}"}}}});
    plan = gc(f);
    REQUIRE(plan.ok());
    CHECK(plan->steps.empty());
    REQUIRE(plan->notes.size() == 2);
    CHECK(plan->notes[0] ==
          "configmap/n/holdfast-op-drill-x: a newer Holdfast wrote this journal (format 99); whatever carries the "
          "label of its operation is left");
    CHECK(plan->notes[1] == "operation drill-x is left: it may still run");
}

TEST_CASE("gc is done when the volumes of what it removes are gone too") {
    Fixture f;
    const Json ours = {{labels::kManagedBy, "holdfast"}, {labels::kOperation, "drill-x"}, {labels::kRole, "drill"}};
    put_bound(f, "drill-x-0-data-0", ours, "Delete");
    const auto plan = gc(f);
    REQUIRE(plan.ok());
    REQUIRE(plan->steps.size() == 2);
    CHECK(plan->steps[1].title == "wait until the throwaway volumes are gone");
    CHECK(std::get<WaitFor>(plan->steps[1].action).names == std::vector<std::string>{"pv-1"});
    CHECK(plan->steps[1].after == std::vector<std::string>{plan->steps[0].id});
}

TEST_CASE("gc leaves what only carries the labels of a throwaway") {
    Fixture f;
    const Json forged = {
        {labels::kManagedBy, "holdfast"}, {labels::kOperation, "drill-x-abcde"}, {labels::kRole, "drill"}};
    put_retained(f, "data-db-0", forged);
    const Json owners = Json::array({{{"kind", "ReplicaSet"}, {"name", "drill-x-abcde"}, {"controller", true}}});
    f.cluster.put(
        {{"apiVersion", "v1"},
         {"kind", "Pod"},
         {"metadata",
          {{"name", "drill-x-abcde-0"}, {"namespace", "n"}, {"labels", forged}, {"ownerReferences", owners}}}});
    const auto plan = gc(f);
    REQUIRE(plan.ok());
    CHECK(plan->steps.empty());
    CHECK(plan->notes.size() == 2);
}

TEST_CASE("an object is known for its operation's by its name, however long") {
    const std::string operation = "drill-" + std::string(38, 'a') + "-abcde";
    CHECK(is_named_after("drill-x-abcde", "drill-x-abcde"));
    CHECK(is_named_after("drill-x-abcde-0-data-0", "drill-x-abcde"));
    CHECK(is_named_after(bounded_name(operation, "-10000-data-10"), operation));
    CHECK_FALSE(is_named_after("data-db-0", "drill-x-abcde"));
    CHECK_FALSE(is_named_after("data-db-0", ""));
}

TEST_CASE("gc removes Leases of operations that are gone, and no other") {
    Fixture f;
    put_lease(f, "let-go", "op-let-go", "");
    put_lease(f, "elsewhere", "op-elsewhere", "other-boot/ns/1/2");
    auto plan = gc(f);
    REQUIRE(plan.ok());
    REQUIRE(plan->steps.size() == 1);
    CHECK(plan->steps[0].title == "delete lease/n/let-go");
    f.clock.sleep_for(std::chrono::seconds(61));
    CHECK(gc(f)->steps.size() == 2);
}

TEST_CASE("gc leaves what an operation has made whose journal says that somebody is at work") {
    Fixture f;
    put_throwaway(f, "drill-x-0-data-0", "drill-x", "drill");
    Journal journal;
    journal.operation = "drill-x";
    journal.kind = "drill";
    journal.target = "x";
    journal.space = "n";
    journal.plugin = "restore";
    journal.command = "drill";
    journal.started = journal.touched = f.clock.now();
    journal.owner = process_identity_of(getppid());  // whoever started this test waits for it
    f.cluster.put(journal_to_config_map(journal));
    const auto plan = gc(f);
    REQUIRE(plan.ok());
    CHECK(plan->steps.empty());
    CHECK(std::find(plan->notes.begin(), plan->notes.end(), "operation drill-x is left: it may still run") !=
          plan->notes.end());
}

TEST_CASE("gc leaves what an operation at work has made although somebody deleted its journal") {
    Fixture f;
    put_throwaway(f, "drill-x-abcde-0-data-0", "drill-x-abcde", "drill");
    put_lease(f, "holdfast-op-drill-x-abcde", "drill-x-abcde", "other-boot/ns/1/2");
    auto plan = gc(f);
    REQUIRE(plan.ok());
    CHECK(plan->steps.empty());
    REQUIRE(plan->notes.size() == 1);
    CHECK(plan->notes[0] == "operation drill-x-abcde is left: it may still run");
    f.clock.sleep_for(std::chrono::seconds(61));
    plan = gc(f);
    REQUIRE(plan.ok());
    CHECK(plan->steps.size() == 2);
}

TEST_CASE("gc leaves the lock of an operation whose journal is lost while a volume or a claim tells of it") {
    const auto marked = [](const std::string& kind, const char* label) {
        Json object = {{"apiVersion", "v1"},
                       {"kind", kind},
                       {"metadata", {{"name", "marked"}, {"labels", {{label, "in-place-db-abcde"}}}}}};
        if (kind == "PersistentVolumeClaim") object["metadata"]["namespace"] = "n";
        return object;
    };
    for (const Json& object : {marked("PersistentVolume", labels::kPutIn), marked("PersistentVolume", labels::kKept),
                               marked("PersistentVolumeClaim", labels::kExpanding)}) {
        CAPTURE(object.dump());
        Fixture f;
        put_lease(f, "holdfast-lock-1", "in-place-db-abcde", "", "lock");
        REQUIRE(gc(f).ok());
        CHECK(gc(f)->steps.size() == 1);
        f.cluster.put(object);
        const auto plan = gc(f);
        REQUIRE(plan.ok());
        CHECK(plan->steps.empty());
        REQUIRE(plan->notes.size() == 1);
        CHECK(plan->notes[0].find("lease/n/holdfast-lock-1 is left: ") == 0);
        CHECK(plan->notes[0].find("/marked carries operation in-place-db-abcde, whose journal is not there") !=
              std::string::npos);
    }
}

TEST_CASE("gc leaves a lock without a journal when it may not see the volumes that could tell of its operation") {
    Fixture f;
    put_lease(f, "holdfast-lock-1", "in-place-db-abcde", "", "lock");
    f.cluster.fault = [](const std::string& call, bool after) -> std::optional<Error> {
        if (after || call.rfind("list pv ", 0) != 0) return std::nullopt;
        return Error{ErrorKind::kForbidden, "you may not list persistentvolumes", "", 403, "Forbidden"};
    };
    const auto plan = gc(f);
    REQUIRE(plan.ok());
    CHECK(plan->steps.empty());
    REQUIRE(plan->notes.size() == 1);
    put_lease(f, "holdfast-op-1", "in-place-db-abcde", "");  // which keeps nobody away
    REQUIRE(gc(f)->steps.size() == 1);
    CHECK(gc(f)->steps[0].title == "delete lease/n/holdfast-op-1");
    CHECK(plan->notes[0] ==
          "lease/n/holdfast-lock-1 is left: whether volumes tell of operation in-place-db-abcde, whose journal is not "
          "there, could not be seen: you may not list persistentvolumes");
}
