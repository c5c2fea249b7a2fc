#include "tests/unit/diagnose/recorded.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace holdfast;
using diagnose::Severity;
using testing::Recorded;

namespace {

diagnose::Finding explained_claim(Recorded& recorded, const std::string& name, const std::string& space = "diag-a") {
    const auto findings = diagnose::explain_claim(recorded.cluster, space, name);
    REQUIRE(findings.size() == 1);
    return findings.front();
}

void no_events(Recorded& recorded) {
    for (const Json& object : recorded.objects) {
        if (object["kind"] == "Event")
            recorded.cluster.drop({kube::kEvents, object["metadata"]["namespace"], object["metadata"]["name"]});
    }
}

}  // namespace

TEST_CASE("a claim without a class waits for a default class that does not exist") {
    Recorded recorded;
    recorded.change("StorageClass", "", "fast", [](Json& object) { object["metadata"].erase("annotations"); });
    recorded.change("PersistentVolumeClaim", "diag-a", "c-noclass",
                    [](Json& object) { object["spec"].erase("storageClassName"); });
    const auto found = explained_claim(recorded, "c-noclass");
    CHECK(found.code == "claim-no-default-class");
    CHECK(found.remedy.find("is-default-class=true") != std::string::npos);
}

TEST_CASE("of several default classes the newest is the claim's") {
    Recorded recorded;
    recorded.change("StorageClass", "", "broken", [](Json& object) {
        object["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] = "true";
        object["metadata"]["creationTimestamp"] = "2027-01-01T00:00:00Z";
    });
    recorded.change("PersistentVolumeClaim", "diag-a", "c-broken",
                    [](Json& object) { object["spec"].erase("storageClassName"); });
    CHECK(explained_claim(recorded, "c-broken").message.find("slow.csi.hf.test says") != std::string::npos);
}

TEST_CASE("an installed driver that says nothing is told from one that is not there") {
    Recorded recorded;
    no_events(recorded);
    CHECK(explained_claim(recorded, "c-broken").code == "claim-not-taken-up");
    CHECK(explained_claim(recorded, "c-nobody").code == "claim-nobody-provisions");
}

TEST_CASE("who may not list drivers is not told that one is missing") {
    Recorded recorded;
    no_events(recorded);
    recorded.forbid("list csidriver");
    const auto findings = diagnose::explain_claim(recorded.cluster, "diag-a", "c-nobody");
    REQUIRE(findings.size() == 2);
    CHECK(findings[0].message.find("no such CSI driver is installed") == std::string::npos);
    CHECK(findings[1].code == "not-visible");
    CHECK(findings[1].message.find("list csidrivers.storage.k8s.io") != std::string::npos);
}

TEST_CASE("an event of an earlier claim of the same name is no cause") {
    Recorded recorded;
    recorded.change("PersistentVolumeClaim", "diag-a", "c-broken",
                    [](Json& object) { object["metadata"]["uid"] = "another"; });
    CHECK(explained_claim(recorded, "c-broken").code == "claim-not-taken-up");
}

TEST_CASE("a claim that we restored and whose source was dropped is empty, also once it is bound") {
    Recorded recorded;
    recorded.change("PersistentVolumeClaim", "diag-a", "c-ok", [](Json& object) {
        object["metadata"]["annotations"]["holdfast.dev/source"] = "vs/diag-a/s-ok uid=1";
    });
    const auto found = explained_claim(recorded, "c-ok");
    CHECK(found.code == "claim-source-dropped");
    CHECK(found.message.find("EMPTY") != std::string::npos);
}

TEST_CASE("a claim whose volume is gone is lost for ever") {
    Recorded recorded;
    recorded.change("PersistentVolumeClaim", "diag-a", "c-ok",
                    [](Json& object) { object["status"]["phase"] = "Lost"; });
    CHECK(explained_claim(recorded, "c-ok").code == "claim-lost");
}

TEST_CASE("a claim's deletion names the pods and snapshots that hold it") {
    Recorded recorded;
    recorded.change("PersistentVolumeClaim", "diag-a", "c-slow", [](Json& object) {
        object["metadata"]["deletionTimestamp"] = "2026-11-21T05:00:00Z";
        object["metadata"]["finalizers"].push_back("snapshot.storage.kubernetes.io/pvc-as-source-protection");
    });
    const auto found = explained_claim(recorded, "c-slow");
    CHECK(found.code == "claim-deleting");
    CHECK(found.message.find("pod p-first") != std::string::npos);
    CHECK(found.message.find("a snapshot of it that is not ready") != std::string::npos);
}

TEST_CASE("a clone of a claim that is not bound, or on another driver, says so") {
    Recorded recorded;
    const auto from = [](const char* name) {
        return [name](Json& object) {
            object["spec"]["dataSource"]["name"] = name;
            object["spec"]["dataSourceRef"]["name"] = name;
        };
    };
    recorded.change("PersistentVolumeClaim", "diag-a", "c-clonemissing", from("c-noclass"));
    CHECK(explained_claim(recorded, "c-clonemissing").code == "claim-source-not-ready");
    recorded.change("PersistentVolumeClaim", "diag-a", "c-clonemissing", from("c-slow"));
    CHECK(explained_claim(recorded, "c-clonemissing").code == "claim-source-other-driver");
}

TEST_CASE("a source of another volume mode is named") {
    Recorded recorded;
    recorded.change("PersistentVolumeClaim", "diag-a", "c-small", [](Json& object) {
        object["spec"]["volumeMode"] = "Block";
        object["spec"]["resources"]["requests"]["storage"] = "1Gi";
    });
    CHECK(explained_claim(recorded, "c-small").code == "claim-source-other-mode");
}

TEST_CASE("a volume with room, mode and access waits for nothing but its claim") {
    Recorded recorded;
    recorded.change("PersistentVolume", "", "diag-pv-small",
                    [](Json& object) { object["spec"]["capacity"]["storage"] = "1Gi"; });
    CHECK(explained_claim(recorded, "c-toobig", "diag-b").code == "claim-binding");
    recorded.change("PersistentVolume", "", "diag-pv-small",
                    [](Json& object) { object["spec"]["volumeMode"] = "Block"; });
    CHECK(explained_claim(recorded, "c-toobig", "diag-b").message.find("diag-pv-small has volumeMode Block") !=
          std::string::npos);
}

TEST_CASE("a missing claim whose StatefulSet was refused it names the quota, any other is missing") {
    Recorded recorded;
    const auto found = explained_claim(recorded, "data-q-0", "diag-quota");
    CHECK(found.code == "refused-by-quota");
    CHECK(found.message.find("exceeded quota: small") != std::string::npos);
    CHECK(explained_claim(recorded, "data-q-00", "diag-quota").code == "claim-missing");
}

TEST_CASE("explaining a claim costs a bounded number of reads") {
    Recorded recorded;
    explained_claim(recorded, "c-broken");
    CHECK(recorded.cluster.calls.size() <= 6);
}
