#include "plugins/clone/spoken.h"
#include "scene.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::clone;
using namespace holdfast::clone::testing;

namespace {

Status taken(const CloneOptions& wanted) {
    Json manifest = base_facts()["workloads"][0];
    return take_from_line(wanted, manifest);
}

}  // namespace

TEST_SUITE("clone spoken") {
    TEST_CASE("a value that looks like a secret is not taken from a command line, and not repeated") {
        for (const auto& [name, value] : {std::pair<std::string, std::string>{"APP_PASSWORD", "hunter2-canary"},
                                          {"DATABASE_URL", "postgres://app:hunter2-canary@db/shop"}}) {
            CloneOptions wanted = whole();
            wanted.env = {{name, value}};
            const Status copy = taken(wanted);
            REQUIRE_FALSE(copy.ok());
            CHECK(copy.error().kind == ErrorKind::kRefused);
            CHECK(says(copy.error().message, "--env " + name + ": its value looks like a secret"));
            CHECK_FALSE(says(copy.error().message + copy.error().hint, "hunter2"));
        }
        CloneOptions wanted = whole();
        wanted.sets = {{"spec.template.spec.containers[0].args", R"(["--password=hunter2-canary"])"}};
        CHECK_FALSE(taken(wanted).ok());
        wanted.sets = {{"spec.template.metadata.annotations.token", "hunter2-canary"}};
        CHECK_FALSE(taken(wanted).ok());
    }

    TEST_CASE("what names a Secret, and what the source has itself, is no secret on the command line") {
        CloneOptions wanted = whole();
        wanted.env = {{"ROLE", "copy"}};
        wanted.sets = {{"spec.template.spec.containers[0].env",
                        R"([{"name":"PASSWORD","valueFrom":{"secretKeyRef":{"name":"login","key":"password"}}}])"}};
        CHECK(taken(wanted).ok());
    }
}
