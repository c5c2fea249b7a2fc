#include "tests/unit/diagnose/recorded.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace holdfast;
using diagnose::Severity;
using testing::has_code;
using testing::Recorded;

namespace {

diagnose::Finding only(const std::vector<diagnose::Finding>& findings) {
    REQUIRE(findings.size() == 1);
    return findings.front();
}

std::vector<diagnose::Finding> broken(Recorded& recorded) {
    return diagnose::explain_snapshot(recorded.cluster, "diag-a", "s-broken");
}

constexpr const char* kBrokenContent = "snapcontent-651109df-ff04-4e7f-9516-23526c19c48d";

}  // namespace

TEST_CASE("a cluster without the snapshot API says how to get it") {
    Recorded recorded;
    std::erase_if(recorded.cluster.discovery.resources,
                  [](const auto& one) { return one.find("snapshot.storage.k8s.io") == 0; });
    const auto found = only(broken(recorded));
    CHECK(found.code == "snapshot-api-missing");
    CHECK(found.layer == "discovery");
    CHECK(found.remedy.find("external-snapshotter") != std::string::npos);
    CHECK(only(diagnose::explain_claim(recorded.cluster, "diag-a", "c-snapnotready")).code == "snapshot-api-missing");
}

TEST_CASE("a snapshot without status and events means that no snapshot controller runs") {
    Recorded recorded;
    recorded.change("VolumeSnapshot", "diag-a", "s-broken", [](Json& object) { object.erase("status"); });
    recorded.cluster.drop({kube::kSnapshotContents, "", kBrokenContent});
    for (const Json& object : recorded.objects) {
        if (object["kind"] == "Event")
            recorded.cluster.drop({kube::kEvents, object["metadata"]["namespace"], object["metadata"]["name"]});
    }
    const auto found = only(broken(recorded));
    CHECK(found.code == "snapshot-unanswered");
    CHECK(found.message.find("2026-11-21T04:50:33Z") != std::string::npos);
}

TEST_CASE("a snapshot that is cut and still uploading is no error, and says since when writes are not in it") {
    Recorded recorded;
    recorded.change("VolumeSnapshot", "diag-a", "s-delayed",
                    [](Json& object) { object["status"]["readyToUse"] = false; });
    const auto found = only(diagnose::explain_snapshot(recorded.cluster, "diag-a", "s-delayed"));
    CHECK(found.code == "snapshot-uploading");
    CHECK(found.severity == Severity::kInfo);
    CHECK(found.message.find("cut at 2026-11-21T04:50:33Z") != std::string::npos);
}

TEST_CASE("a driver that has been asked and has not answered is told from one that was never asked") {
    Recorded recorded;
    recorded.change("VolumeSnapshotContent", "", kBrokenContent, [](Json& object) {
        object.erase("status");
        object["metadata"]["annotations"]["snapshot.storage.kubernetes.io/volumesnapshot-being-created"] = "yes";
    });
    CHECK(only(broken(recorded)).code == "snapshot-being-cut");
    recorded.change("VolumeSnapshotContent", "", kBrokenContent,
                    [](Json& object) { object["metadata"].erase("annotations"); });
    CHECK(only(broken(recorded)).code == "content-unanswered");
}

TEST_CASE("bad input 37 and 58: a driver's words cannot drive the terminal") {
    Recorded recorded;
    recorded.change("VolumeSnapshotContent", "", kBrokenContent, [](Json& object) {
        object["status"]["error"]["message"] = "\x1b]52;c;aGk=\x07\r\nall is well \xe2\x80\xae";
    });
    const auto found = only(broken(recorded));
    CHECK(found.code == "driver-refused");
    for (const std::string& text : {found.message, found.remedy, found.object}) {
        for (const char c : text) CHECK(static_cast<unsigned char>(c) >= 0x20);
    }
    CHECK(found.message.find("^[]52;c;aGk=^G^M\\nall is well \\u202e") != std::string::npos);
}

TEST_CASE("who may not read contents gets the controller's words instead") {
    Recorded recorded;
    recorded.forbid("get vsc/");
    const auto findings = broken(recorded);
    REQUIRE(findings.size() == 2);
    CHECK(findings[0].code == "snapshot-not-ready");
    CHECK(findings[0].message.find("the array refused the snapshot") != std::string::npos);
    CHECK(findings[1].code == "not-visible");
}

TEST_CASE("an imported content that belongs to another snapshot never binds") {
    Recorded recorded;
    recorded.change("VolumeSnapshot", "diag-a", "s-import",
                    [](Json& object) { object["spec"]["source"]["volumeSnapshotContentName"] = kBrokenContent; });
    const auto found = only(diagnose::explain_snapshot(recorded.cluster, "diag-a", "s-import"));
    CHECK(found.code == "content-of-another");
    CHECK(found.message.find("diag-a/s-broken") != std::string::npos);
}

TEST_CASE("a snapshot's deletion names the pending claims that hold it") {
    Recorded recorded;
    recorded.change("VolumeSnapshot", "diag-a", "s-broken",
                    [](Json& object) { object["metadata"]["deletionTimestamp"] = "2026-11-21T05:00:00Z"; });
    const auto found = only(broken(recorded));
    CHECK(found.code == "snapshot-deletion-held");
    CHECK(found.message.find("c-snapnotready") != std::string::npos);
}

TEST_CASE("a class of the right driver that has gone since does not hide what the driver says") {
    Recorded recorded;
    recorded.cluster.drop({kube::kSnapshotClasses, "", "broken"});
    CHECK(only(broken(recorded)).code == "driver-refused");
}

TEST_CASE("a driver without a default class is an error for a snapshot that names none") {
    Recorded recorded;
    recorded.change("VolumeSnapshotClass", "", "diag-two-a",
                    [](Json& object) { object["metadata"].erase("annotations"); });
    recorded.change("VolumeSnapshotClass", "", "diag-two-b",
                    [](Json& object) { object["metadata"].erase("annotations"); });
    const auto found = only(diagnose::explain_snapshot(recorded.cluster, "diag-b", "s-two"));
    CHECK(found.code == "snapshot-class-no-default");
    CHECK(found.message.find("diag-two-a, diag-two-b") != std::string::npos);
}

TEST_CASE("a snapshot that is not there is said to be missing") {
    Recorded recorded;
    CHECK(has_code(diagnose::explain_snapshot(recorded.cluster, "diag-a", "never"), "snapshot-missing"));
}
