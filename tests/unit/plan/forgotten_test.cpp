// A workload that an operation has marked is told of also when nothing else tells of that operation any more.
#include "common/plan/forgotten.h"

#include "common/kube/objects/labels.h"
#include "tests/unit/plan/drive_scene.h"

#include <doctest/doctest.h>

using namespace holdfast;           // NOLINT: a test of one header
using namespace holdfast::plan;     // NOLINT
using namespace holdfast::testing;  // NOLINT

namespace {

kube::ObjectRef db() { return {kube::kStatefulSets, "n", "db"}; }

void put_marked(Fixture& f, const char* kind, const std::string& name, const Json& annotations, int replicas = 0) {
    f.cluster.put({{"apiVersion", "apps/v1"},
                   {"kind", kind},
                   {"metadata", {{"name", name}, {"namespace", "n"}, {"annotations", annotations}}},
                   {"spec", {{"replicas", replicas}}}});
}

std::vector<Forgotten> look(Fixture& f, const std::vector<Journal>& known = {}) {
    return forgotten_workloads(f.cluster, "n", known).value();
}

Journal open_on_db(const std::string& state) {
    Journal journal;
    journal.locks = {{db(), "uid"}};
    journal.state = state;
    return journal;
}

}  // namespace

TEST_CASE("a workload that is held down is told of without a journal, with the lines that bring it back") {
    Fixture f;
    put_marked(f, "StatefulSet", "db", {{labels::kReplicas, "3"}});
    put_marked(f, "Deployment", "web", {{labels::kReplicas, "2"}});
    put_marked(f, "StatefulSet", "calm", {{"team", "books"}}, 1);
    const auto found = look(f);
    REQUIRE(found.size() == 2);
    CHECK(found[0].workload == db());
    CHECK(found[0].message.find("sts/n/db is held at 0 replicas (it had 3)") == 0);
    CHECK(found[0].hint.find("kubectl get pvc -n n") != std::string::npos);  // before it is scaled up
    CHECK(found[0].hint.find("kubectl scale statefulsets.apps/db -n n --replicas=3") != std::string::npos);
    CHECK(found[0].hint.find("kubectl annotate statefulsets.apps/db -n n holdfast.dev/replicas-") != std::string::npos);
    CHECK(found[1].message.find("deploy/n/web is held at 0 replicas (it had 2)") == 0);
}

TEST_CASE("a set that was made anew, and one whose claim retention was set aside, are told of too") {
    Fixture f;
    put_marked(f, "StatefulSet", "db", {{labels::kRemade, "expand-db-abcde"}, {labels::kRetention, "Delete/Retain"}},
               2);
    const auto found = look(f);
    REQUIRE(found.size() == 2);
    CHECK(found[0].mark == labels::kRemade);
    CHECK(found[0].message.find("sts/n/db was made anew by expand-db-abcde") == 0);
    CHECK(found[1].mark == labels::kRetention);
    CHECK(found[1].message.find("and had Delete/Retain before") != std::string::npos);
}

TEST_CASE("of a workload that an open operation has locked that operation tells; one that has ended tells nothing") {
    Fixture f;
    put_marked(f, "StatefulSet", "db", {{labels::kReplicas, "3"}});
    CHECK(look(f, {open_on_db("stopped")}).empty());
    CHECK(look(f, {open_on_db("done")}).size() == 1);
}

TEST_CASE("what anybody has written into a mark comes neither onto a terminal nor into a command line as it is") {
    Fixture f;
    put_marked(f, "StatefulSet", "db", {{labels::kReplicas, "3; rm -rf x\x1b[31m"}});
    const auto found = look(f);
    REQUIRE(found.size() == 1);
    CHECK(found[0].message.find('\x1b') == std::string::npos);
    CHECK(found[0].hint.find("rm -rf") == std::string::npos);
}

TEST_CASE("who may not list workloads is told of what has a journal; a list that fails is no empty one") {
    Fixture f;
    put_marked(f, "StatefulSet", "db", {{labels::kReplicas, "3"}});
    ErrorKind kind = ErrorKind::kForbidden;
    f.cluster.fault = [&](const std::string& call, bool) -> std::optional<Error> {
        if (call.find("list") != 0) return std::nullopt;
        return Error{kind, "no", "", 0, ""};
    };
    CHECK(look(f).empty());
    kind = ErrorKind::kUnavailable;
    CHECK_FALSE(forgotten_workloads(f.cluster, "n", {}).ok());
}
