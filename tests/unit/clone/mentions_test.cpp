#include "plugins/clone/mentions.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace holdfast;
using namespace holdfast::clone;

using Places = std::vector<std::string>;

TEST_SUITE("clone mentions") {
    TEST_CASE("every place of a container that names a Service of the source is told of, each by itself") {
        const Json words = Json::array({"--follow", "db-0.db.shop.svc:5432"});
        const Json env = Json::array({{{"name", "PRIMARY"}, {"value", "db"}}, {{"name", "OTHER"}, {"value", "dbx"}}});
        const auto in = [](const char* kind, const char* key, const Json& value) {
            return places_that_name({{kind, Json::array({{{"name", "main"}, {key, value}}})}}, {"web", "db"});
        };
        for (const char* kind : {"containers", "initContainers"}) {
            CHECK(in(kind, "args", words) == Places{"args of container main names svc db"});
            CHECK(in(kind, "command", words) == Places{"command of container main names svc db"});
            CHECK(in(kind, "env", env) == Places{"env PRIMARY of container main names svc db"});
        }
        CHECK(in("containers", "args", Json::array({"db_old", "my-db", "--name=dbx"})).empty());
    }
}
