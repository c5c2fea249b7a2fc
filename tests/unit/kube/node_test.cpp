#include "common/kube/objects/node.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace holdfast;

namespace {

Json terms(const char* text) { return Json::parse(text); }

kube::Node node() { return {"node-a", {{"zone", "a"}, {"cores", "8"}, {"disk", "ssd"}}, true, false}; }

}  // namespace

TEST_CASE("a volume's node affinity picks nodes as the scheduler's does") {
    const std::vector<std::pair<const char*, bool>> cases{
        {R"([{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["b", "a"]}]}])", true},
        {R"([{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["b"]}]}])", false},
        {R"([{"matchExpressions": [{"key": "region", "operator": "In", "values": ["b"]}]}])", false},
        {R"([{"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["b"]}]}])", true},
        {R"([{"matchExpressions": [{"key": "region", "operator": "NotIn", "values": ["b"]}]}])", true},
        {R"([{"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}])", false},
        {R"([{"matchExpressions": [{"key": "disk", "operator": "Exists"}]}])", true},
        {R"([{"matchExpressions": [{"key": "region", "operator": "Exists"}]}])", false},
        {R"([{"matchExpressions": [{"key": "region", "operator": "DoesNotExist"}]}])", true},
        {R"([{"matchExpressions": [{"key": "cores", "operator": "Gt", "values": ["7"]}]}])", true},
        {R"([{"matchExpressions": [{"key": "cores", "operator": "Gt", "values": ["8"]}]}])", false},
        {R"([{"matchExpressions": [{"key": "cores", "operator": "Lt", "values": ["9"]}]}])", true},
        {R"([{"matchExpressions": [{"key": "zone", "operator": "Gt", "values": ["7"]}]}])", false},
        {R"([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-a"]}]}])", true},
        {R"([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-b"]}]}])", false},
        // All of a term, any of the terms; one that asks for nothing picks nothing.
        {R"([{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}, {"key": "disk", "operator": "In", "values": ["hdd"]}]}])",
         false},
        {R"([{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["b"]}]}, {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}])",
         true},
        {R"([{}])", false},
        {R"([])", true},
        {R"(null)", true},
        {R"([{"matchExpressions": [{"key": "zone", "operator": "Resembles", "values": ["b"]}]}])", true},
    };
    for (const auto& [text, picked] : cases) {
        CAPTURE(text);
        CHECK(kube::picks_node(terms(text), node()) == picked);
    }
}

TEST_CASE("a node says whether it is ready and takes new pods") {
    const Json object = Json::parse(R"({"metadata": {"name": "node-a", "labels": {"zone": "a"}},
        "spec": {"unschedulable": true}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}})");
    const kube::Node one = kube::node_state_of(object);
    CHECK(one.name == "node-a");
    CHECK(one.labels.at("zone") == "a");
    CHECK(one.ready);
    CHECK(one.cordoned);
    CHECK_FALSE(kube::node_state_of(Json::parse(R"({"metadata": {"name": "x"}})")).ready);
}

TEST_CASE("a node's taints that keep pods away, without those that repeat its state") {
    const Json object = Json::parse(R"({"metadata": {"name": "n"}, "spec": {"taints": [
        {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"},
        {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"},
        {"key": "soft", "effect": "PreferNoSchedule"},
        {"key": "disk", "value": "bad", "effect": "NoExecute"}]}})");
    const kube::Node one = kube::node_state_of(object);
    REQUIRE(one.taints.size() == 1);
    CHECK(one.taints[0].key == "disk");
    CHECK(one.taints[0].value == "bad");
    CHECK(one.taints[0].effect == "NoExecute");
}

TEST_CASE("a taint is tolerated as the scheduler has it") {
    const kube::Taint taint{"disk", "bad", "NoSchedule"};
    const auto by = [&](const char* text) { return kube::tolerates(Json::array({Json::parse(text)}), taint); };
    CHECK_FALSE(kube::tolerates(nullptr, taint));
    CHECK_FALSE(kube::tolerates(Json::array(), taint));
    CHECK(by(R"({"operator": "Exists"})"));
    CHECK(by(R"({"key": "disk", "operator": "Exists"})"));
    CHECK(by(R"({"key": "disk", "operator": "Exists", "effect": "NoSchedule"})"));
    CHECK_FALSE(by(R"({"key": "disk", "operator": "Exists", "effect": "NoExecute"})"));
    CHECK_FALSE(by(R"({"key": "other", "operator": "Exists"})"));
    CHECK(by(R"({"key": "disk", "value": "bad"})"));
    CHECK(by(R"({"key": "disk", "operator": "Equal", "value": "bad"})"));
    CHECK_FALSE(by(R"({"key": "disk", "value": "good"})"));
    CHECK_FALSE(by(R"({"key": "disk"})"));
    CHECK(by(R"({"key": "disk", "operator": "Later", "value": "1"})"));
}
