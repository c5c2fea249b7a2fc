#include "common/core/names.h"
#include "tests/unit/snap/snap_support.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::snap;
using namespace holdfast::snap::testing;

namespace {

using Values = std::map<std::string, std::vector<std::string>>;

void is_wrong(std::vector<std::string> positionals, Values values, ErrorKind kind, const char* part) {
    const auto options = options_of(std::move(positionals), std::move(values));
    REQUIRE_FALSE(options.ok());
    CAPTURE(options.error().message);
    CHECK(options.error().kind == kind);
    CHECK(options.error().message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("bad input 2: another kind is answered with those that can be taken") {
    is_wrong({"svc/x"}, {}, ErrorKind::kUsage,
             "statefulset (sts), deployment (deploy), pod, persistentvolumeclaim (pvc)");
    is_wrong({"nonsense/x"}, {}, ErrorKind::kUsage, "is none of");
}

TEST_CASE("bad input 3: names that no object can have") {
    is_wrong({"pvc/../x"}, {}, ErrorKind::kUsage, "");
    is_wrong({"sts/" + std::string(254, 'a')}, {}, ErrorKind::kUsage, "");
    is_wrong({"sts/x"}, {{"name", {"No Good"}}}, ErrorKind::kUsage, "--name");
    is_wrong({"sts/x"}, {{"name", {std::string(64, 'a')}}}, ErrorKind::kUsage, "63");
}

TEST_CASE("bad input 4: an empty selector would mean everything") {
    is_wrong({}, {{"selector", {" "}}}, ErrorKind::kRefused, "refusing an empty --selector");
    is_wrong({}, {}, ErrorKind::kUsage, "nothing to snapshot");
}

TEST_CASE("bad input 6: contradictory flags name both") {
    is_wrong({"sts/x"}, {{"quiesce", {"none"}}, {"pre", {"x"}}}, ErrorKind::kUsage, "--quiesce=none contradicts --pre");
    is_wrong({"sts/x"}, {{"quiesce", {"exec"}}}, ErrorKind::kUsage, "--quiesce=exec needs");
    is_wrong({"sts/x"}, {{"post", {"x"}}}, ErrorKind::kUsage, "--post without --pre");
    is_wrong({"sts/x"}, {{"container", {"x"}}}, ErrorKind::kUsage, "--container without");
    is_wrong({"sts/x"}, {{"label", {"x"}}}, ErrorKind::kUsage, "KEY=VALUE");
    is_wrong({"sts/x"}, {{"label", {"holdfast.dev/set=y"}}}, ErrorKind::kUsage, "Holdfast's own");
}

TEST_CASE("a set's default name is that of the workload and the operation's start, the same on every resume") {
    const SystemTime start = *parse_time("2026-11-21T04:30:05Z");
    CHECK(set_name(*options_of({"sts/postgres"}), start) == "postgres-20261121-043005");
    CHECK(set_name(*options_of({}, {{"selector", {"app=x"}}}), start) == "claims-20261121-043005");
    const std::string name = set_name(*options_of({"sts/" + std::string(100, 'a')}), start);
    CHECK(name.size() <= 63);
    CHECK(name.substr(name.size() - 16) == "-20261121-043005");
    CHECK(snapshot_name("first", "data-postgres-0") == "first-data-postgres-0");
}

TEST_CASE("targets are taken in kubectl's spellings, once each") {
    const auto options = options_of({"statefulset/a", "sts/a", "deployments.apps/b", "pvc/c"});
    REQUIRE(options.ok());
    CHECK(target_text(*options) == "sts/a,deploy/b,pvc/c");
}

TEST_CASE("hooks never hold longer than two minutes, or than --timeout") {
    CHECK(options_of({"sts/a"})->quiesce_limit == std::chrono::minutes(2));
    CHECK(parse_create(words({"sts/a"}), std::chrono::seconds(5))->quiesce_limit == std::chrono::seconds(5));
}

TEST_CASE("names of 63 and 253 characters make a snapshot's name that the API server takes") {
    const std::string set(63, 's'), claim = std::string(63, 'c') + "." + std::string(63, 'd') + "." +
                                            std::string(63, 'e') + "." + std::string(61, 'f');
    REQUIRE(claim.size() == 253);
    const std::string name = snapshot_name(set, claim);
    CHECK(check_dns_subdomain(name, "name").ok());
    CHECK(name.starts_with(set + "-c"));
    CHECK(name != snapshot_name(set, claim.substr(0, 252) + "g"));
}
