#include "tests/unit/diagnose/recorded.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace holdfast;
using testing::Recorded;

namespace {

diagnose::Finding explained_pod(Recorded& recorded, const std::string& name, const std::string& space = "diag-a") {
    const auto findings = diagnose::explain_pod(recorded.cluster, space, name);
    REQUIRE(findings.size() == 1);
    return findings.front();
}

}  // namespace

TEST_CASE("a pod on a node that does not answer is never to be force-deleted without thought") {
    Recorded recorded;
    recorded.change("Node", "", "node-a", [](Json& object) {
        for (Json& one : object["status"]["conditions"]) {
            if (one["type"] == "Ready") one["status"] = "Unknown";
        }
    });
    recorded.change("Pod", "diag-a", "p-first",
                    [](Json& object) { object["metadata"]["deletionTimestamp"] = "2026-11-21T05:00:00Z"; });
    const auto found = explained_pod(recorded, "p-first");
    CHECK(found.code == "pod-node-lost");
    CHECK(found.remedy.find("a second time") != std::string::npos);
}

TEST_CASE("a volume that cannot be detached elsewhere names the driver's words") {
    Recorded recorded;
    for (const Json& object : recorded.objects) {
        if (object["kind"] != "VolumeAttachment") continue;
        Json changed = object;
        changed["status"]["detachError"]["message"] = "the node is on fire";
        recorded.cluster.put(changed);
    }
    const auto found = explained_pod(recorded, "p-second");
    CHECK(found.code == "pod-multi-attach");
    CHECK(found.message.find("the node is on fire") != std::string::npos);
    CHECK(found.remedy.find("stop the other pod first") == 0);
}

TEST_CASE("a volume of a dead node is waited for, or the node is declared out of service") {
    Recorded recorded;
    recorded.cluster.drop({kube::kPods, "diag-a", "p-first"});
    CHECK(explained_pod(recorded, "p-second").remedy.find("out-of-service") != std::string::npos);
}

TEST_CASE("an old attach error says nothing of a pod whose containers run") {
    Recorded recorded;
    recorded.change("Pod", "diag-a", "p-second", [](Json& object) {
        object["status"]["containerStatuses"][0]["state"] = Json::parse(R"({"running": {}})");
    });
    CHECK(explained_pod(recorded, "p-second").code == "pod-not-ready");
}

TEST_CASE("an attachment that fails is told without any event") {
    Recorded recorded;
    for (const Json& object : recorded.objects) {
        if (object["kind"] == "Event")
            recorded.cluster.drop({kube::kEvents, object["metadata"]["namespace"], object["metadata"]["name"]});
        if (object["kind"] != "VolumeAttachment") continue;
        Json changed = object;
        changed["spec"]["nodeName"] = "node-b";
        changed["status"] = Json::parse(R"({"attached": false, "attachError": {"message": "no free slot"}})");
        recorded.cluster.put(changed);
    }
    const auto found = explained_pod(recorded, "p-second");
    CHECK(found.code == "pod-attach-failed");
    CHECK(found.message.find("no free slot") != std::string::npos);
}

TEST_CASE("a pod that Pod Security or a webhook refuses is explained by its owner's event") {
    Recorded recorded;
    CHECK(explained_pod(recorded, "psa-0", "diag-psa").code == "refused-by-pod-security");
    CHECK(explained_pod(recorded, "q2-0", "diag-quota").code == "refused-by-quota");
    recorded.cluster.put(
        Json::parse(R"({"apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": "FailedCreate",
        "metadata": {"name": "e", "namespace": "diag-psa"}, "lastTimestamp": "2027-01-01T00:00:00Z",
        "involvedObject": {"kind": "StatefulSet", "namespace": "diag-psa", "name": "psa"},
        "message": "create Pod psa-0 in StatefulSet psa failed error: admission webhook \"policy.example.com\" denied the request: no"})"));
    CHECK(explained_pod(recorded, "psa-0", "diag-psa").code == "refused-by-webhook");
    CHECK(explained_pod(recorded, "psa-01", "diag-psa").code == "pod-missing");
}

TEST_CASE("an evicted pod says why") {
    Recorded recorded;
    recorded.change("Pod", "diag-a", "p-mount", [](Json& object) {
        object["status"] = Json::parse(
            R"({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."})");
    });
    const auto found = explained_pod(recorded, "p-mount");
    CHECK(found.code == "pod-failed");
    CHECK(found.message.find("Evicted: The node was low on resource") != std::string::npos);
}

TEST_CASE("a pod that nobody has scheduled names its scheduler") {
    Recorded recorded;
    recorded.change("Pod", "diag-a", "p-big", [](Json& object) {
        object["spec"]["schedulerName"] = "mine";
        object["status"].erase("conditions");
    });
    const auto found = explained_pod(recorded, "p-big");
    CHECK(found.code == "pod-not-looked-at");
    CHECK(found.message.find("scheduler mine") != std::string::npos);
}

TEST_CASE("the headline of a wait is the most severe cause, and never that something could not be read") {
    Recorded recorded;
    CHECK(diagnose::why(recorded.cluster, {kube::kPods, "diag-a", "p-pendingclaim"})
              .text.find("pvc/diag-a/c-noclass: there is no storage class nosuch") == 0);
    CHECK(diagnose::why(recorded.cluster, {kube::kPods, "diag-a", "p-first"}).text == "");
    CHECK(diagnose::why(recorded.cluster, {kube::kServices, "diag-a", "x"}).text == "");
    recorded.cluster.fault = [](const std::string& call, bool) -> std::optional<Error> {
        return testing::forbidden(call);
    };
    CHECK(diagnose::why(recorded.cluster, {kube::kPods, "diag-a", "p-pendingclaim"}).text == "");
}
