#include "tests/unit/diagnose/recorded.h"

#include "tests/golden/golden.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace holdfast;
using testing::Recorded;
using testing::text_of;

namespace {

using Explain = std::vector<diagnose::Finding> (*)(kube::ClusterReader&, const std::string&, const std::string&);

std::string explain_all(const std::string& kind, Explain explain) {
    Recorded recorded;
    std::string text;
    for (const std::string& full : recorded.names(kind)) {
        const std::size_t slash = full.find('/');
        text += full + "\n" + text_of(explain(recorded.cluster, full.substr(0, slash), full.substr(slash + 1)));
    }
    CHECK(recorded.cluster.writes().empty());
    return text;
}

std::string examined(const std::string& space, const std::string& target) {
    Recorded recorded;
    const auto now = parse_time("2026-11-21T06:00:00Z");
    const auto found = diagnose::examine(recorded.cluster, space, target, *now);
    REQUIRE(found.ok());
    return space + " " + target + "\n" + text_of(found->findings) + "  examined: " + found->looked_at + "\n";
}

}  // namespace

TEST_CASE("every recorded claim is explained") {
    golden::check("diagnose/claims.txt", explain_all("PersistentVolumeClaim", diagnose::explain_claim));
}

TEST_CASE("every recorded snapshot is explained") {
    golden::check("diagnose/snapshots.txt", explain_all("VolumeSnapshot", diagnose::explain_snapshot));
}

TEST_CASE("every recorded pod is explained") {
    golden::check("diagnose/pods.txt", explain_all("Pod", diagnose::explain_pod));
}

TEST_CASE("workloads, claims and namespaces are examined whole") {
    std::string text;
    for (const char* target : {"sts/db", "sts/ok", "deploy/web", "pvc/shared", ""}) text += examined("diag-w", target);
    text += examined("diag-quota", "sts/q") + examined("diag-quota", "pvc/data-q-0") + examined("diag-quota", "sts/q2");
    text += examined("diag-quota", "pod/q2-0") + examined("diag-psa", "sts/psa") + examined("diag-a", "vs/s-broken");
    golden::check("diagnose/examined.txt", text);
    CHECK(text.find("canary") == std::string::npos);  // a literal password is in the recorded StatefulSet
}
