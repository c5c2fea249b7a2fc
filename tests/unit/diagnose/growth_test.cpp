#include "common/diagnose/claim_facts.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace holdfast;
using diagnose::Severity;

namespace {

// A claim of 10Gi that asks for 20Gi, on a volume of driver fast.example.
diagnose::ClaimFacts growing(const std::string& status = "") {
    const Json claim = {{"metadata", {{"name", "data-db-0"}, {"namespace", "shop"}}},
                        {"spec", {{"volumeName", "pv"}, {"resources", {{"requests", {{"storage", "20Gi"}}}}}}},
                        {"status",
                         {{"phase", "Bound"},
                          {"capacity", {{"storage", "10Gi"}}},
                          {"allocatedResources", {{"storage", "20Gi"}}},
                          {"allocatedResourceStatuses", status.empty() ? Json::object() : Json{{"storage", status}}}}}};
    diagnose::ClaimFacts facts;
    facts.space = "shop";
    facts.name = "data-db-0";
    facts.claim.sight = diagnose::Sight::kThere;
    facts.claim.value = kube::claim_state_of(claim);
    facts.growth = kube::resize_state_of(claim);
    facts.volume.value.driver = "fast.example";
    facts.driver = diagnose::Sight::kThere;
    return facts;
}

void add_pod(diagnose::ClaimFacts& facts) {
    kube::PodState pod;
    pod.name = "db-0";
    pod.phase = "Running";
    facts.pods.push_back(pod);
}

void add_event(diagnose::ClaimFacts& facts, const char* reason, const char* message) {
    kube::Event event;
    event.reason = reason;
    event.message = message;
    facts.events.push_back(event);
}

diagnose::Finding found(const diagnose::ClaimFacts& facts) {
    const auto findings = diagnose::judge_claim(facts);
    REQUIRE(findings.size() == 1);
    return findings.front();
}

bool holds(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a claim that has what it asks for is no case for the doctor") {
    diagnose::ClaimFacts facts = growing();
    facts.growth.capacity = facts.growth.requested;
    CHECK(diagnose::judge_claim(facts).empty());
}

TEST_CASE("an expansion that nobody has taken up names the container that should, or the driver that is missing") {
    diagnose::ClaimFacts facts = growing();
    CHECK(found(facts).code == "claim-growth-nobody");
    CHECK(holds(found(facts).remedy, "csi-resizer"));
    facts.driver = diagnose::Sight::kAbsent;
    CHECK(holds(found(facts).message, "no such CSI driver is installed"));
}

TEST_CASE("an expansion that is refused for good leads to recover") {
    diagnose::ClaimFacts facts = growing("ControllerResizeInfeasible");
    facts.growth.error = "rpc error: code = OutOfRange desc = no such size";
    CHECK(found(facts).code == "claim-growth-impossible");
    CHECK(holds(found(facts).message, "refuses 20Gi for good, it says: no such size (OutOfRange)"));
    CHECK(holds(found(facts).remedy, "kubectl pvc-expand recover pvc/data-db-0 -n shop"));
}

TEST_CASE("a status that was never closed is told before what it looks like") {
    diagnose::ClaimFacts facts = growing("NodeResizePending");
    facts.growth.allocated = facts.growth.capacity;
    CHECK(found(facts).code == "claim-growth-stale");
}

TEST_CASE("a grown volume whose filesystem has not says whether a pod mounts it") {
    diagnose::ClaimFacts facts = growing("NodeResizePending");
    facts.growth.resizing = true;  // the newer resizer leaves it
    CHECK(found(facts).code == "claim-growth-unmounted");
    add_pod(facts);
    CHECK(found(facts).code == "claim-growth-on-node");
    CHECK(holds(found(facts).remedy, "--restart if-needed"));
    add_event(facts, "FileSystemResizeFailed", "rpc error: code = Internal desc = resize2fs: bad superblock");
    CHECK(found(facts).code == "claim-growth-node-failed");
    CHECK(holds(found(facts).message, "resize2fs: bad superblock"));
}

TEST_CASE("a driver that grows only what nobody uses is told, with the flag that stops the workload meanwhile") {
    diagnose::ClaimFacts facts = growing("ControllerResizeInProgress");
    add_pod(facts);
    add_event(facts, "VolumeResizeFailed",
              "resize volume \"pv\" failed: driver only supports offline expansion and volume is currently in-use");
    CHECK(found(facts).code == "claim-growth-in-use");
    CHECK(holds(found(facts).remedy, "--restart offline"));
}

TEST_CASE(
    "CSI's code for a volume that is in use is enough, whatever the driver's words; of one that nobody uses it is "
    "not") {
    diagnose::ClaimFacts facts = growing("ControllerResizeInProgress");
    facts.growth.error = "rpc error: code = FailedPrecondition desc = published to node-a";
    CHECK(found(facts).code == "claim-growth-failed");
    add_pod(facts);
    CHECK(found(facts).code == "claim-growth-in-use");
    CHECK(holds(found(facts).message, "it says: published to node-a (FailedPrecondition)"));
}

TEST_CASE("an error that may pass is told with the driver's words, and that nothing mounts the volume") {
    diagnose::ClaimFacts facts = growing("ControllerResizeInProgress");
    facts.growth.error = "You've reached the maximum modification rate per volume limit. Wait at least 6 hours";
    CHECK(holds(found(facts).message, "some drivers grow only what is mounted"));
    add_pod(facts);
    CHECK(found(facts).severity == Severity::kWarning);
    CHECK(holds(found(facts).message, "the driver fast.example says: You've reached the maximum modification rate"));
    CHECK(holds(found(facts).remedy, "pass in hours"));
}

TEST_CASE("an expansion that goes on is no problem") {
    CHECK(found(growing("ControllerResizeInProgress")).severity == Severity::kInfo);
}
