#include "common/app/rbac.h"

#include "tests/golden/golden.h"
#include "tests/unit/app/sample_plugin.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::app;

TEST_CASE("roles have one rule per resource, with the commands that need each verb") {
    golden::check("rbac/sample.yaml", *rbac_yaml(sample::plugin(), {{}, false, "bookstore"}));
}

TEST_CASE("roles can be limited to commands and to what is always needed") {
    const std::string list = *rbac_yaml(sample::plugin(), {{"list"}, false, "default"});
    CHECK(list.find("persistentvolumeclaims") != std::string::npos);
    CHECK(list.find("volumesnapshots") == std::string::npos);
    CHECK(list.find("ClusterRole") == std::string::npos);
    const std::string minimal = *rbac_yaml(sample::plugin(), {{}, true, "default"});
    CHECK(minimal.find("pods/exec") == std::string::npos);
    CHECK((*rbac_yaml(sample::plugin(), {{"describe"}, false, "default"})).find("no request is made") !=
          std::string::npos);
}

TEST_CASE("an unknown command is wrong usage") {
    const auto result = rbac_yaml(sample::plugin(), {{"lst"}, false, "default"});
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().kind == ErrorKind::kUsage);
    CHECK(result.error().hint == "did you mean list?");
}
