#include "common/copies/database.h"
#include "common/copies/pods.h"
#include "plugins/restore/drill.h"
#include "plugins/restore/drill_plan.h"
#include "plugins/restore/restore_pvc.h"
#include "plugins/restore/verdict.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/provisioning.h"
#include "plugins/restore/shared.h"
#include "scene.h"
#include "tests/golden/golden.h"
#include "tests/unit/support/fake_cluster.h"

#include <doctest/doctest.h>

#include <variant>

using namespace holdfast;
using testing::drill_options;
using testing::source;
using testing::storage_class;

namespace {

restore::PvcOptions pvc_options() {
    restore::PvcOptions options;
    options.name = "copy";
    options.space = options.from_space = "shop";
    options.from = "nightly";
    return options;
}

void check_golden(const std::string& name, const plan::Plan& plan) {
    golden::check("restore/" + name, plan::to_json(plan).dump(2) + "\n");
}

const plan::Step* find_step(const plan::Plan& plan, const std::string& id) {
    for (const plan::Step& step : plan.steps) {
        if (step.id == id) return &step;
    }
    return nullptr;
}

restore::DrillFacts facts(int ordinals = 1) {
    restore::DrillFacts made;
    made.source = source(ordinals);
    made.policies_allowed = true;
    return made;
}

restore::Throwaways throwaways() {
    restore::Throwaways made;
    kube::PodState pod;
    pod.name = "drill-nightly-abcde-0";
    pod.space = "shop";
    pod.uid = "uid-pod";
    kube::ContainerState container;
    container.name = "database";
    container.image_id = "docker.io/library/postgres@sha256:abc";
    container.running = true;
    pod.containers = {container};
    made.pods = {pod};
    kube::Claim claim;
    claim.name = "drill-nightly-abcde-0-data-0";
    claim.uid = "uid-claim";
    claim.volume = "pvc-1";
    made.claims = {claim};
    kube::Volume volume;
    volume.name = "pvc-1";
    volume.uid = "uid-volume";
    volume.reclaim_policy = "Retain";
    made.volumes = {volume};
    made.policy = "drill-nightly-abcde";
    made.policy_uid = "uid-policy";
    return made;
}

}  // namespace

TEST_CASE("the volumes of one throwaway database are placed together by a class that binds at once") {
    restore::Source made = source(2);
    for (int ordinal = 0; ordinal < 2; ++ordinal) {
        restore::Member wal = testing::member(ordinal);
        wal.facts.claim_template = "wal";
        wal.facts.claim = "wal-db-" + std::to_string(ordinal);
        made.members.push_back(wal);
    }
    const auto engine = copies::choose_engine(made, "", true);
    REQUIRE(engine.ok());
    const auto instances = copies::instances_of(made, *engine, "drill-nightly-abcde", "shop");
    REQUIRE(instances.ok());
    REQUIRE(instances->size() == 2);
    for (const copies::Instance& instance : *instances) {
        REQUIRE(instance.claims.size() == 2);
        CHECK_FALSE(instance.claims[0].spec.name == instance.claims[1].spec.name);
        CHECK(kube::provisioning_place(instance.claims[0].spec.name) ==
              kube::provisioning_place(instance.claims[1].spec.name));
    }
}

TEST_CASE("restore pvc: the whole plan") {
    restore::PvcFacts here{source(), std::nullopt};
    check_golden("pvc.json", restore::plan_pvc(pvc_options(), here, "restore-copy-abcde").value());
}

TEST_CASE("restore pvc from another namespace imports the snapshot under Retain and removes the import") {
    restore::PvcFacts here{source(), std::nullopt};
    auto options = pvc_options();
    options.space = "staging";
    check_golden("pvc-other-namespace.json", restore::plan_pvc(options, here, "restore-copy-abcde").value());
}

TEST_CASE("restore pvc with a class that waits for a pod makes one where the workload could run, and removes it") {
    restore::PvcFacts here{source(), std::nullopt};
    here.source.classes = {storage_class("fast", "fast.example", true, true)};
    kube::Volume old;
    old.topology = Json::parse(R"([{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}])");
    here.source.members[0].old_volume = old;
    const auto plan = restore::plan_pvc(pvc_options(), here, "restore-copy-abcde").value();
    check_golden("pvc-waits.json", plan);
    const auto* create = std::get_if<plan::Create>(&find_step(plan, "create-consumer")->action);
    REQUIRE(create != nullptr);
    CHECK_FALSE(create->manifest["spec"].contains("nodeName"));
    CHECK_FALSE(create->manifest["spec"]["securityContext"].contains("fsGroup"));
    CHECK(create->manifest["spec"]["containers"][0]["volumeMounts"][0]["readOnly"] == true);
}

TEST_CASE("restore pvc waits for a snapshot that is still being uploaded") {
    restore::PvcFacts here{source(), std::nullopt};
    here.source.members[0].snapshot->ready = false;
    CHECK(restore::plan_pvc(pvc_options(), here, "restore-copy-abcde").value().steps.front().id == "wait-ready");
}

TEST_CASE("a claim of that name is refused unless this very operation made it") {
    restore::PvcFacts here{source(), kube::Claim{}};
    here.existing->name = "copy";
    auto refused = restore::plan_pvc(pvc_options(), here, "restore-copy-abcde");
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == ErrorKind::kRefused);
    here.existing->operation = "restore-copy-abcde";
    here.existing->phase = "Bound";
    const auto resumed = restore::plan_pvc(pvc_options(), here, "restore-copy-abcde");
    REQUIRE(resumed.ok());
    CHECK(find_step(*resumed, "create-claim") == nullptr);
    CHECK(find_step(*resumed, "wait-bound") != nullptr);
}

TEST_CASE("the same command line again, after it was finished, makes nothing and is no error") {
    restore::PvcFacts here{source(), kube::Claim{}};
    kube::Claim& claim = *here.existing;
    claim.name = "copy";
    claim.operation = "restore-copy-older";
    claim.phase = "Bound";
    claim.source_kind = "VolumeSnapshot";
    claim.restored_from = restore::source_text(here.source.members[0]);
    claim.storage_class = "fast";
    claim.volume_mode = "Filesystem";
    claim.access_modes = {"ReadWriteOnce"};
    claim.requested = Quantity::parse("2Gi").value();
    const auto again = restore::plan_pvc(pvc_options(), here, "restore-copy-abcde");
    REQUIRE(again.ok());
    CHECK(again->steps.size() == 1);
    claim.restored_from = "vs/shop/another uid=x";
    CHECK(restore::plan_pvc(pvc_options(), here, "restore-copy-abcde").error().kind == ErrorKind::kRefused);
}

TEST_CASE("drill: its rounds") {
    const auto here = facts(2);
    auto options = drill_options();
    options.query = "select x from snap_demo";
    options.expect = "7";
    const auto scene = restore::set_scene(options, here, "drill-nightly-abcde").value();
    check_golden("drill-restore.json", restore::plan_restore(options, here, scene, "drill-nightly-abcde"));
    check_golden("drill-start.json", restore::plan_start(options, here, scene, throwaways(), "drill-nightly-abcde"));
    check_golden("drill-check.json", restore::plan_check(options, scene, throwaways()).value());
    plan::Plan teardown;
    teardown.steps = restore::plan_teardown(options, throwaways());
    check_golden("drill-teardown.json", teardown);
}

TEST_CASE("R23: the start script and its settings are read in review") {
    golden::check("restore/start-script.sh", restore::start_script());
    CHECK(restore::start_script().find("$$") == std::string::npos);  // the kubelet would make it $
}

TEST_CASE(
    "R23: a throwaway pod runs neither entrypoint nor arguments nor environment of the workload, and no privileges") {
    const auto here = facts();
    const auto scene = restore::set_scene(drill_options(), here, "drill-nightly-abcde").value();
    const Json pod = restore::throwaway_pod_manifest(scene.instances[0], scene.engine, here.source, "shop", "drill");
    const Json& container = pod["spec"]["containers"][0];
    CHECK(container["command"][0] == "/bin/sh");
    CHECK_FALSE(container.contains("args"));
    CHECK(container["image"] == "docker.io/library/postgres@sha256:abc");
    for (const Json& variable : container["env"]) CHECK(variable["name"].get<std::string>().rfind("HOLDFAST_", 0) == 0);
    CHECK_FALSE(container["securityContext"].contains("privileged"));
    CHECK_FALSE(container["securityContext"]["capabilities"].contains("add"));
    CHECK(container["securityContext"]["runAsUser"] == 999);
    CHECK(pod["spec"]["securityContext"]["fsGroup"] == 999);
    CHECK_FALSE(pod["spec"]["securityContext"].contains("sysctls"));
    CHECK(pod["spec"]["automountServiceAccountToken"] == false);
    CHECK_FALSE(pod["spec"].contains("serviceAccountName"));
    REQUIRE(pod["spec"]["volumes"].size() == 2);  // the claim and our scratch: not the workload's settings
    CHECK(container["volumeMounts"][1]["mountPath"] == "/data");
    CHECK(container["volumeMounts"][1]["readOnly"] == false);
}

TEST_CASE("R23: an image that was only loaded, or a policy of Never, goes by tag and is checked by imageID") {
    auto here = facts();
    here.source.record->containers[0].pull_policy = "Never";
    auto engine = restore::choose_engine(here.source, "", true).value();
    CHECK(engine.image == "postgres:15");
    CHECK(engine.pull_policy == "Never");
    here.source.record->containers[0].pull_policy = "IfNotPresent";
    here.source.record->containers[0].image_id = "sha256:def";
    engine = restore::choose_engine(here.source, "", true).value();
    CHECK(engine.image == "postgres:15");
    CHECK(engine.expected_image == "sha256:def");

    const auto scene = restore::set_scene(drill_options(), here, "drill-nightly-abcde").value();
    const auto moved = restore::plan_check(drill_options(), scene, throwaways());  // runs sha256:abc
    REQUIRE_FALSE(moved.ok());
    CHECK(moved.error().kind == ErrorKind::kUnavailable);
    auto right = throwaways();
    right.pods[0].containers[0].image_id = "docker.io/library/postgres@sha256:def";
    CHECK(restore::plan_check(drill_options(), scene, right).ok());
}

TEST_CASE("a foreign snapshot needs an image") {
    auto here = facts();
    here.source.record.reset();
    here.source.is_set = false;
    const auto refused = restore::set_scene(drill_options(), here, "drill-nightly-abcde");
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().hint.find("--image") != std::string::npos);
    auto options = drill_options();
    options.image = "postgres:15";
    CHECK(restore::set_scene(options, here, "drill-nightly-abcde").ok());
}

TEST_CASE("R25: a Service that would select the throwaway pods is named and refused; one without a selector is not") {
    auto here = facts();
    here.services = {
        Json::parse(R"({"metadata": {"name": "all", "namespace": "shop"}, "spec": {"selector": {}}})"),
        Json::parse(R"({"metadata": {"name": "db", "namespace": "shop"}, "spec": {"selector": {"app": "db"}}})")};
    CHECK(restore::set_scene(drill_options(), here, "drill-nightly-abcde").ok());
    here.services.push_back(Json::parse(
        R"({"metadata": {"name": "greedy", "namespace": "shop"}, "spec": {"selector": {"app.kubernetes.io/managed-by": "holdfast"}}})"));
    const auto refused = restore::set_scene(drill_options(), here, "drill-nightly-abcde");
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("svc/shop/greedy") != std::string::npos);
}

TEST_CASE("R24: a throwaway volume under Retain is told to be deleted before its claim goes") {
    plan::Plan plan;
    plan.steps = restore::plan_teardown(drill_options(), throwaways());
    REQUIRE(plan.steps.front().id == "reclaim-pvc-1");
    for (const plan::Step& step : plan.steps) {
        if (step.id != "reclaim-pvc-1") CHECK_FALSE(step.after.empty());
        if (const auto* removal = std::get_if<plan::Delete>(&step.action))
            CHECK_FALSE(removal->preconditions.uid.empty());
    }
    CHECK(find_step(plan, "wait-volumes-gone") != nullptr);
}

TEST_CASE("the verdict compares version, system identifier, timeline and answer") {
    const auto here = facts(2);
    auto options = drill_options();
    options.query = "select 7";
    options.expect = "7";
    const auto scene = restore::set_scene(options, here, "drill-nightly-abcde").value();
    const std::map<std::string, std::string> good = {
        {"identity-0", "15.14|7556312345678901234|3"}, {"identity-1", "15.14|99|1"}, {"query", "7"}};
    CHECK(restore::judge(options, here, scene, good).level == "checked");
    for (const auto& [name, wrong] : std::map<std::string, std::string>{
             {"identity-0", "16.1|7556312345678901234|3"}, {"identity-1", "nonsense"}, {"query", "8"}}) {
        auto outputs = good;
        outputs[name] = wrong;
        CHECK(restore::judge(options, here, scene, outputs).level == "failed");
    }
    auto other_system = good;
    other_system["identity-0"] = "15.14|1|3";
    CHECK(restore::judge(options, here, scene, other_system)
              .problems[0]
              .find("system identifier is 1, recorded was 7556312345678901234") != std::string::npos);
    auto later = good;
    later["identity-0"] = "15.14|7556312345678901234|4";
    CHECK_FALSE(restore::judge(options, here, scene, later).good);
    options.query.clear();
    options.expect.reset();
    CHECK(restore::judge(options, here, scene, good).level == "started");
}

TEST_CASE("R22: a mere start does not lower a checked set, a failure does") {
    auto here = facts();
    here.source.record->verified_level = "checked";
    restore::Verdict verdict;
    verdict.level = "started";
    CHECK_FALSE(restore::mark_step(drill_options(), here, verdict, "op", "2026-11-21T03:00:00Z", 1).has_value());
    const auto mark = restore::mark_step(drill_options(), here, restore::failed("x"), "op", "2026-11-21T03:00:00Z", 1);
    REQUIRE(mark.has_value());
    const auto& patch = std::get<plan::Patch>(mark->action);
    CHECK(patch.preconditions == kube::Preconditions{"uid-set", "41"});
    CHECK(patch.body["data"]["set.json"].get<std::string>().find("\"level\":\"failed\"") != std::string::npos);
}

TEST_CASE("a foreign snapshot keeps its mark as an annotation") {
    auto here = facts();
    here.source.is_set = false;
    here.source.record.reset();
    restore::Verdict verdict;
    verdict.level = "checked";
    const auto mark = restore::mark_step(drill_options(), here, verdict, "op", "2026-11-21T03:00:00Z", 1);
    REQUIRE(mark.has_value());
    CHECK(std::get<plan::Patch>(mark->action).ref.resource == kube::kSnapshots);
}

TEST_CASE("what ended a container says whether the data is to blame") {
    const auto here = facts();
    const auto scene = restore::set_scene(drill_options(), here, "drill-nightly-abcde").value();
    const auto ended = [&](int code, const std::string& reason) {
        auto made = throwaways();
        made.pods[0].containers[0].running = false;
        made.pods[0].containers[0].exit_code = code;
        made.pods[0].containers[0].ended_reason = reason;
        return restore::container_failure(made, scene);
    };
    CHECK_FALSE(restore::container_failure(throwaways(), scene).has_value());
    CHECK(ended(1, "Error")->of_data);
    CHECK(ended(restore::kNoDataDirectory, "Error")->of_data);
    CHECK(ended(restore::kOtherMajor, "Error")->of_data);
    CHECK_FALSE(ended(restore::kOtherImage, "Error")->of_data);
    CHECK_FALSE(ended(restore::kCannotRunAs, "Error")->of_data);
    CHECK_FALSE(ended(137, "OOMKilled")->of_data);
    CHECK_FALSE(ended(127, "Error")->of_data);
}

TEST_CASE("a check's output and exit code come back") {
    CHECK(restore::parse_check("15\n\n\nholdfast-exit 0").exit_code == 0);
    CHECK(restore::parse_check("15\n\n\nholdfast-exit 0").out == "15");
    CHECK(restore::parse_check("\nbad\nholdfast-exit 3").out == "bad");
    CHECK(restore::parse_check("\nbad\nholdfast-exit 3").exit_code == 3);
    CHECK(restore::parse_check("cut off in the mid").exit_code == -1);
    CHECK(restore::parse_check("not a line holdfast-exit 0").exit_code == -1);
}

TEST_CASE("two lists of topology terms give every pair, and nothing stands for anywhere") {
    const Json zone =
        Json::parse(R"([{"matchExpressions": [{"key": "zone"}]}, {"matchExpressions": [{"key": "region"}]}])");
    const Json disk = Json::parse(R"([{"matchExpressions": [{"key": "disk"}]}])");
    const Json both = kube::both_topologies(zone, disk);
    REQUIRE(both.size() == 2);
    CHECK(both[0]["matchExpressions"].size() == 2);
    CHECK(kube::both_topologies(Json(), disk) == disk);
    CHECK(kube::both_topologies(zone, Json::array()) == zone);
    CHECK(kube::both_topologies(Json(), Json()).is_null());
}

TEST_CASE("a drill of one snapshot of a set is compared with what was recorded of its own ordinal") {
    testing::FakeClock clock;
    const kube::SnapshotSet set = [] {
        kube::SnapshotSet made = *source(2).record;
        made.operation = "snap-db-abcde";
        return made;
    }();
    const std::map<std::string, std::string> own = {{"identity-0", "15.14|7556312345678901234|3"}};
    const std::map<std::string, std::string> another = {{"identity-0", "15.14|99|1"}};
    const std::map<std::string, std::string> newer = {{"identity-0", "16.1|99|1"}};
    for (int ordinal : {0, 1}) {
        testing::FakeCluster cluster(clock);
        for (const kube::SetMember& member : set.members) {
            cluster.put({{"apiVersion", "snapshot.storage.k8s.io/v1"},
                         {"kind", "VolumeSnapshot"},
                         {"metadata",
                          {{"name", member.snapshot},
                           {"namespace", "shop"},
                           {"labels", {{labels::kSet, "nightly"}}},
                           {"annotations", {{labels::kRecord, kube::member_record(set, member).dump()}}}}},
                         {"spec", {{"source", {{"persistentVolumeClaimName", member.claim}}}}}});
        }
        auto here = facts();
        const auto single = restore::gather_source(cluster, "shop", "vs/nightly-data-db-" + std::to_string(ordinal));
        REQUIRE(single.ok());
        REQUIRE(single->members.size() == 1);
        CHECK(single->members[0].facts.ordinal == ordinal);
        here.source.is_set = false;
        here.source.record = single->record;
        here.source.members = {testing::member(ordinal)};
        const auto options = drill_options();
        const auto scene = restore::set_scene(options, here, "drill-nightly-abcde").value();
        CHECK(restore::judge(options, here, scene, own).good);
        // Which database the other ordinals hold was not recorded; the set's own answer was the first one's.
        CHECK(restore::judge(options, here, scene, another).good == (ordinal == 1));
        CHECK_FALSE(restore::judge(options, here, scene, newer).good);
    }
}

TEST_CASE("a copy that somebody made of a throwaway claim, labels and all, is not torn down with it") {
    testing::FakeClock clock;
    testing::FakeCluster cluster(clock);
    for (const char* name : {"open-nightly-abcde-0-data-0", "kept"}) {
        for (const char* kind : {"PersistentVolumeClaim", "Pod"}) {
            cluster.put({{"apiVersion", "v1"},
                         {"kind", kind},
                         {"metadata",
                          {{"name", name},
                           {"namespace", "shop"},
                           {"labels", {{labels::kOperation, "open-nightly-abcde"}, {labels::kRole, "open"}}}}}});
        }
    }
    const auto made = restore::gather_throwaways(cluster, "shop", "open-nightly-abcde", true);
    REQUIRE(made.ok());
    REQUIRE(made->claims.size() == 1);
    CHECK(made->claims[0].name == "open-nightly-abcde-0-data-0");
    CHECK(made->pods.size() == 1);
}
