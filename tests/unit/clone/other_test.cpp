// A clone in another cluster on the same storage.
#include "plugins/clone/guards.h"
#include "plugins/clone/imports.h"
#include "plugins/clone/removal.h"
#include "plugins/clone/sites.h"
#include "scene.h"
#include "tests/unit/support/fake_cluster.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <variant>

using namespace holdfast;
using namespace holdfast::clone;
using namespace holdfast::clone::testing;
using holdfast::testing::FakeClock;
using holdfast::testing::FakeCluster;

namespace {

CloneOptions over_there() {
    CloneOptions wanted = options();
    wanted.other = true;
    wanted.other_context = "staging";
    wanted.home_server = "https://prod.example";
    wanted.home_context = "prod";
    return wanted;
}

Choice cut_choice() {
    Choice choice = *chosen(over_there());
    cut(choice);
    choice.sources.front().content->cut_at = "2026-11-21T04:30:01.000000Z";
    choice.sources.front().content->restore_size = 1 << 30;
    return choice;
}

std::vector<Imported> imported(const std::string& cut_at, long long size) { return {{"import", true, cut_at, size}}; }

Json snapshot_class(const std::string& name, const std::string& driver) {
    return {
        {"apiVersion", "snapshot.storage.k8s.io/v1"},
        {"kind", "VolumeSnapshotClass"},
        {"metadata", {{"name", name}, {"annotations", {{"snapshot.storage.kubernetes.io/is-default-class", "true"}}}}},
        {"driver", driver},
        {"deletionPolicy", "Delete"}};
}

Json volume(const std::string& name, const std::string& claim_uid, bool was_there) {
    Json made = {{"apiVersion", "v1"},
                 {"kind", "PersistentVolume"},
                 {"metadata", {{"name", name}, {"uid", "uid-" + name}}},
                 {"spec",
                  {{"claimRef", {{"namespace", "shop"}, {"name", "copy"}, {"uid", claim_uid}}},
                   {"persistentVolumeReclaimPolicy", "Retain"}}},
                 {"status", {{"phase", "Bound"}}}};
    if (was_there) made["metadata"]["annotations"] = {{"pv.kubernetes.io/bound-by-controller", "yes"}};
    return made;
}

}  // namespace

TEST_SUITE("clone in another cluster") {
    TEST_CASE("the snapshots are made known there, with the class left out that is not there") {
        const auto plan = plan_import(over_there(), live_for(over_there()), cut_choice(), input(1));
        REQUIRE(plan.ok());
        check_golden("import-other.json", *plan);
    }

    TEST_CASE("a class of the same name and driver is named there too") {
        Choice choice = cut_choice();
        const std::string name = choice.sources.front().content->snapshot_class;
        choice.classes_there = {snapshot_class(name, choice.sources.front().driver)};
        const auto plan = plan_import(over_there(), live_for(over_there()), choice, input(1));
        REQUIRE(plan.ok());
        const auto& content = std::get<plan::Create>(plan->steps.at(1).action).manifest;
        CHECK(kube::text_at(content, "/spec/volumeSnapshotClassName") == name);
    }

    TEST_CASE("claims are made there, the source's snapshot is deleted here, last") {
        const auto plan = plan_make(over_there(), live_for(over_there()), cut_choice(), input(2), false);
        REQUIRE(plan.ok());
        check_golden("make-other.json", *plan);
        for (const plan::Step& step : plan->steps)
            CHECK((step.site == kube::Site::kHere) == (step.id == "delete-vs-0"));
        CHECK(plan->steps.back().id == "delete-vs-0");
    }

    TEST_CASE("another snapshot under the same handle is another storage") {
        const Choice choice = cut_choice();
        CHECK(check_imported(over_there(), choice, imported("2026-11-21T04:30:01.000000Z", 1 << 30)).ok());
        CHECK(check_imported(over_there(), choice, imported("2026-11-21T04:30:02.400000Z", 1 << 30)).ok());  // rounded
        for (const auto& found : {imported("2026-11-21T04:30:04.000000Z", 1 << 30),
                                  imported("2026-11-21T04:30:01.000000Z", 2 << 20), imported("", 2 << 20)}) {
            const Status status = check_imported(over_there(), choice, found);
            REQUIRE(!status.ok());
            CHECK(status.error().kind == ErrorKind::kMismatch);
            CHECK(status.error().reason == kForeignSnapshot);
            CHECK(says(status.error().message, "the storage in context staging is not that of the source"));
        }
    }

    TEST_CASE("a driver that tells nothing of its snapshots cannot be held against it") {
        CHECK(check_imported(over_there(), cut_choice(), imported("", 0)).ok());
    }

    TEST_CASE("Go's zero time is no time") {
        FakeClock clock;
        FakeCluster there(clock);
        const std::string name = import_name(over_there(), kOperation, 0);
        there.put({{"apiVersion", "snapshot.storage.k8s.io/v1"},
                   {"kind", "VolumeSnapshot"},
                   {"metadata", {{"name", name}, {"namespace", "shop"}}},
                   {"status", {{"boundVolumeSnapshotContentName", name}, {"readyToUse", true}}}});
        there.put({{"apiVersion", "snapshot.storage.k8s.io/v1"},
                   {"kind", "VolumeSnapshotContent"},
                   {"metadata", {{"name", name}}},
                   {"spec", {{"volumeSnapshotRef", {{"namespace", "shop"}, {"name", name}}}}},
                   {"status", {{"creationTime", -6795364578871345152LL}, {"readyToUse", true}}}});
        const auto imports = gather_imports(there, over_there(), cut_choice(), kOperation);
        REQUIRE(imports.ok());
        CHECK(imports->front().cut_at.empty());
    }

    TEST_CASE("this cluster under another address is no other one") {
        const Json shop = {
            {"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "shop"}, {"uid", "u1"}}}};
        Json of_another = shop;
        of_another["metadata"]["uid"] = "u2";
        FakeClock clock;
        FakeCluster here(clock), there(clock);
        here.put(shop);
        CHECK(check_another(here, there, over_there()).ok());  // that the namespace is missing there is told later
        there.put(of_another);
        CHECK(check_another(here, there, over_there()).ok());
        const Status same = check_another(here, here, over_there());
        REQUIRE_FALSE(same.ok());
        CHECK(same.error().kind == ErrorKind::kUsage);
        CHECK(same.error().message ==
              "the other cluster is this one: namespace shop is the same in context staging, uid u1; nothing was "
              "changed");
    }

    TEST_CASE("a cluster without a snapshot API is refused") {
        FakeClock clock;
        FakeCluster there(clock);
        there.discovery.resources.erase("snapshot.storage.k8s.io/v1/volumesnapshots");
        Choice choice = cut_choice();
        const Status classes = gather_classes_there(there, over_there(), false, choice);
        REQUIRE(!classes.ok());
        CHECK(classes.error().kind == ErrorKind::kRefused);
        CHECK(says(classes.error().message, "the cluster in context staging has no snapshot API"));
    }

    TEST_CASE("what is copied there is cut with a class of that cluster, which must be there") {
        FakeClock clock;
        FakeCluster there(clock);
        Choice choice = cut_choice();
        const Status none = gather_classes_there(there, over_there(), true, choice);
        REQUIRE(!none.ok());
        CHECK(none.error().kind == ErrorKind::kRefused);
        CHECK(says(none.error().message, "in context staging"));
        CHECK(gather_classes_there(there, over_there(), false, choice).ok());
        there.put(snapshot_class("theirs", choice.sources.front().driver));
        REQUIRE(gather_classes_there(there, over_there(), true, choice).ok());
        CHECK(choice.cut_there.at(choice.sources.front().driver) == "theirs");
    }

    TEST_CASE("nodes of one cluster say nothing of another's") {
        Json facts = base_facts();
        const auto here = chosen(options(), facts);
        const auto there = chosen(over_there(), facts);
        REQUIRE(there.ok());
        CHECK(here->sources.front().old_volume.has_value());
        CHECK(!there->sources.front().old_volume.has_value());
    }

    TEST_CASE("the first plan names the cluster, and asks it for its permissions") {
        const Choice choice = *chosen(over_there());
        const plan::Plan plan = plan_cut(over_there(), choice, kOperation);
        CHECK(std::any_of(plan.later.begin(), plan.later.end(), [](const auto& line) {
            return says(line, "make the same snapshots known in context staging");
        }));
        for (const kube::AccessCheck& need : plan.later_needs) {
            const bool source = need.resource == kube::kSnapshots || need.resource == kube::kSnapshotContents;
            if (need.resource == kube::kClaims) CHECK(need.site == kube::Site::kThere);
            if (source && need.verb == "create") CHECK(need.site == kube::Site::kThere);
        }
        for (const plan::Step& step : plan.steps) CHECK(step.site == kube::Site::kHere);
    }
}

TEST_SUITE("clone and free volumes") {
    TEST_CASE("a claim that was bound to a volume which was there is no copy") {
        const Choice choice = *chosen(options());
        Now now;
        kube::Claim claim;
        claim.name = "copy";
        claim.operation = kOperation;
        claim.volume = "spare";
        now.claims["copy"] = claim;
        now.volumes["spare"] = volume("spare", "uid-copy", true);
        const Status status = check_copied(options(), choice, now, kOperation);
        REQUIRE(!status.ok());
        CHECK(status.error().kind == ErrorKind::kMismatch);
        CHECK(says(status.error().message, "pvc/shop/copy is bound to pv/spare, which was free and is no copy"));
        now.volumes["spare"] = volume("spare", "uid-copy", false);
        CHECK(check_copied(options(), choice, now, kOperation).ok());
    }

    TEST_CASE("what takes a clone back leaves a volume that was there before, and its claim") {
        for (const bool was_there : {true, false}) {
            FakeClock clock;
            FakeCluster cluster(clock);
            Json claim = {{"apiVersion", "v1"},
                          {"kind", "PersistentVolumeClaim"},
                          {"metadata", {{"name", "copy"}, {"namespace", "shop"}, {"uid", "uid-copy"}}},
                          {"spec", {{"volumeName", "spare"}}},
                          {"status", {{"phase", "Bound"}}}};
            cluster.put(claim);
            const std::string uid = kube::uid_of(*cluster.at({kube::kClaims, "shop", "copy"}));
            cluster.put(volume("spare", uid, was_there));
            const auto removal =
                gather_removal(cluster, {{kube::kClaims, "shop", "copy"}}, [](const Json&) { return true; });
            REQUIRE(removal.ok());
            const plan::Plan plan = plan_removal(*removal);
            CHECK(plan.steps.empty() == was_there);
            CHECK((plan.notes.size() == 1) == was_there);
        }
    }
}
