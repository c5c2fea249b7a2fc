#include "plugins/clone/relabel.h"

#include "common/kube/objects/labels.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace holdfast;
using namespace holdfast::clone;

namespace {

const kube::LabelMap kWas = {{"app", "postgres"}, {"tier", "data"}, {"team", "shop"}};
const Json kOwn = {{"matchLabels", {{"app", "postgres"}}}};
const Names kNames = {"postgres", "staging"};

kube::NamedSelector by_labels(const std::string& owner, const Json& labels) {
    return {owner, {{"matchLabels", labels}}};
}
kube::NamedSelector by_rule(const std::string& owner, const std::string& key, const std::string& word,
                            const Json& values) {
    Json rule = {{"key", key}, {"operator", word}};
    if (!values.empty()) rule["values"] = values;
    return {owner, {{"matchExpressions", Json::array({rule})}}};
}

Result<Relabelled> relabelled(const std::vector<kube::NamedSelector>& selectors) {
    return relabel(kWas, kOwn, selectors, kNames);
}

}  // namespace

TEST_SUITE("clone labels") {
    TEST_CASE("the label that has the source's name becomes the clone's, the others stay") {
        const auto made = relabelled({by_labels("svc/shop/postgres", {{"app", "postgres"}}),
                                      by_labels("svc/shop/all", {{"app", "postgres"}, {"tier", "data"}})});
        REQUIRE(made.ok());
        CHECK(made->now.at("app") == "staging");
        CHECK(made->now.at("tier") == "data");
        CHECK(made->now.at("team") == "shop");
        CHECK(made->now.at(labels::kClone) == "staging");
    }

    TEST_CASE("a selector that is not escaped so changes one label more") {
        const auto made = relabelled({by_labels("svc/shop/postgres", {{"app", "postgres"}}),
                                      by_labels("netpol/shop/data (ingress)", {{"tier", "data"}})});
        REQUIRE(made.ok());
        CHECK(made->now.at("tier") == "data-staging");
    }

    TEST_CASE(
        "a selector that asks for a label, too, which the pods get from others is escaped by one that is theirs") {
        const kube::NamedSelector primary =
            by_labels("svc/shop/primary", {{"tier", "data"}, {"apps.kubernetes.io/pod-index", "0"}});
        CHECK(relabelled({primary})->now.at("tier") == "data");
        const Beside beside = {{{"apps.kubernetes.io/pod-index", "0"}}, {{"apps.kubernetes.io/pod-index", "1"}}};
        const auto made = relabel(kWas, kOwn, {primary}, kNames, beside);
        REQUIRE(made.ok());
        CHECK(made->now.at("tier") == "data-staging");
        CHECK_FALSE(made->now.contains("apps.kubernetes.io/pod-index"));
        const auto stuck =
            relabel(kWas, kOwn, {by_labels("svc/shop/first", {{"apps.kubernetes.io/pod-index", "0"}})}, kNames, beside);
        REQUIRE_FALSE(stuck.ok());
        CHECK(stuck.error().message ==
              "the selector of svc/shop/first would pick the clone's pods whatever their labels; nothing was changed");
    }

    TEST_CASE("a selector that asks for a label's presence loses it") {
        const auto made = relabelled({by_rule("pdb/shop/teams", "team", "Exists", Json::array())});
        REQUIRE(made.ok());
        CHECK_FALSE(made->now.contains("team"));
    }

    TEST_CASE("a selector that no label can escape is refused by its name") {
        for (const auto& one : {by_rule("netpol/shop/x", "env", "DoesNotExist", Json::array()),
                                by_rule("netpol/shop/x", "app", "NotIn", Json::array({"web"})),
                                by_rule("netpol/shop/x", "app", "Newer", Json::array({"web"}))}) {
            const auto made = relabelled({one});
            REQUIRE_FALSE(made.ok());
            CHECK(made.error().kind == ErrorKind::kRefused);
            CHECK(made.error().message.find("netpol/shop/x") != std::string::npos);
        }
    }

    TEST_CASE("an empty selector is told of and stands in no way") {
        const auto made = relabelled({{"netpol/shop/deny", Json::object()}});
        REQUIRE(made.ok());
        CHECK(made->everywhere == std::vector<std::string>{"netpol/shop/deny"});
    }

    TEST_CASE("a Service that waits for the new name stops it") {
        const auto made = relabelled(
            {by_labels("svc/shop/postgres", {{"app", "postgres"}}), by_labels("svc/shop/other", {{"app", "staging"}})});
        REQUIRE_FALSE(made.ok());
        CHECK(made.error().message.find("svc/shop/other") != std::string::npos);
    }

    TEST_CASE("In a list of values counts as naming one") {
        const auto made = relabelled({by_rule("pdb/shop/x", "app", "In", Json::array({"web", "postgres"}))});
        REQUIRE(made.ok());
        CHECK(made->now.at("app") == "staging");
    }

    TEST_CASE("selectors are found wherever the API has them") {
        const Json term = {{"labelSelector", {{"matchLabels", {{"app", "postgres"}}}}}, {"topologyKey", "host"}};
        const Json set = {{"apiVersion", "apps/v1"},
                          {"kind", "StatefulSet"},
                          {"metadata", {{"name", "web"}, {"namespace", "shop"}}},
                          {"spec",
                           {{"selector", {{"matchLabels", {{"app", "web"}}}}},
                            {"template",
                             {{"spec",
                               {{"affinity",
                                 {{"podAntiAffinity",
                                   {{"requiredDuringSchedulingIgnoredDuringExecution", Json::array({term})},
                                    {"preferredDuringSchedulingIgnoredDuringExecution",
                                     Json::array({{{"weight", 1}, {"podAffinityTerm", term}}})}}}}}}}}}}}};
        CHECK(kube::selectors_of(set).size() == 3);
        const Json policy = {{"apiVersion", "networking.k8s.io/v1"},
                             {"kind", "NetworkPolicy"},
                             {"metadata", {{"name", "p"}, {"namespace", "shop"}}},
                             {"spec",
                              {{"podSelector", Json::object()},
                               {"ingress", Json::array({{{"from", Json::array({{{"podSelector", kOwn}}})}}})}}}};
        const auto found = kube::selectors_of(policy);
        REQUIRE(found.size() == 2);
        CHECK(found[1].owner == "netpol/shop/p (ingress)");
        CHECK(kube::selectors_of({{"apiVersion", "v1"}, {"kind", "Service"}, {"spec", Json::object()}}).empty());
    }
}
