// What is this operation's own, and what only has the name of it.
#include "plugins/clone/removal.h"
#include "plugins/clone/seeds.h"
#include "scene.h"
#include "tests/unit/support/fake_cluster.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::clone;
using namespace holdfast::clone::testing;
using holdfast::testing::FakeClock;
using holdfast::testing::FakeCluster;

namespace {

kube::Claim bound_copy(const std::string& name) {
    kube::Claim one;
    one.name = name;
    one.uid = "uid-" + name;
    one.phase = "Bound";
    one.operation = kOperation;
    return one;
}

// Two ordinals of two templates, as they are copied under the same numbers.
Choice of_two_templates() {
    Choice choice;
    for (const int ordinal : {0, 1}) {
        for (const char* name : {"data", "wal"}) {
            Member source;
            source.facts.claim_template = name;
            source.facts.ordinal = ordinal;
            source.facts.claim = std::string(name) + "-postgres-" + std::to_string(ordinal);
            Copy copy;
            copy.of = choice.sources.size();
            copy.ordinal = ordinal;
            copy.spec.name = std::string(name) + "-copy-" + std::to_string(ordinal);
            choice.sources.push_back(std::move(source));
            choice.copies.push_back(std::move(copy));
        }
    }
    choice.replicas = 2;
    return choice;
}

Json claim_on(const std::string& name, const std::string& volume) {
    return {{"apiVersion", "v1"},
            {"kind", "PersistentVolumeClaim"},
            {"metadata", {{"name", name}, {"namespace", "shop"}}},
            {"spec", {{"volumeName", volume}}},
            {"status", {{"phase", "Bound"}}}};
}

}  // namespace

TEST_SUITE("clone owned") {
    TEST_CASE("with several templates each claim of another ordinal is a copy of the masked one of its own template") {
        CloneOptions wanted = whole();
        wanted.sql = "select 1";
        const Choice choice = of_two_templates();
        const Spread spread = spread_of(wanted, choice, live_for(wanted), {}, kOperation);
        REQUIRE(spread.choice.copies.size() == 2);
        for (const Copy& copy : spread.choice.copies) {
            const std::string name = copy.spec.name.substr(0, copy.spec.name.find('-'));
            CHECK(spread.choice.sources[copy.of].facts.claim == name + "-copy-0");
        }
        CHECK(seeds_of(wanted, choice).copies.size() == 2);
    }

    TEST_CASE("a claim that another operation made, that waits or that goes is none that this one has bound") {
        const Choice choice = *chosen(options());
        Now now;
        CHECK_FALSE(now.all_bound(choice, kOperation));
        now.claims["copy"] = bound_copy("copy");
        CHECK(now.all_bound(choice, kOperation));
        now.claims["copy"].operation = "clone-copy-other";
        CHECK_FALSE(now.all_bound(choice, kOperation));
        CHECK_FALSE(now.any_made(kOperation));
        now.claims["copy"] = bound_copy("copy");
        now.claims["copy"].deleting = true;
        CHECK_FALSE(now.all_bound(choice, kOperation));
        now.claims["copy"] = bound_copy("copy");
        now.claims["copy"].phase = "Pending";
        CHECK_FALSE(now.all_bound(choice, kOperation));
        now.prepared["copy"] = "masked:other";
        CHECK_FALSE(now.all_prepared(choice, "masked:this"));
    }

    TEST_CASE("what has a name of the clone's and is somebody else's is no part of what is removed") {
        FakeClock clock;
        FakeCluster cluster(clock);
        cluster.put(claim_on("theirs", "pv-theirs"));
        cluster.put(claim_on("ours", "pv-ours"));
        // The volume of a claim that was deleted and made again: its reclaim policy is not ours to change.
        cluster.put({{"apiVersion", "v1"},
                     {"kind", "PersistentVolume"},
                     {"metadata", {{"name", "pv-ours"}}},
                     {"spec",
                      {{"claimRef", {{"namespace", "shop"}, {"name", "ours"}, {"uid", "of-another"}}},
                       {"persistentVolumeReclaimPolicy", "Retain"}}}});
        const auto removal =
            gather_removal(cluster, {{kube::kClaims, "shop", "theirs"}, {kube::kClaims, "shop", "ours"}},
                           [](const Json& object) { return kube::name_of(object) == "ours"; });
        REQUIRE(removal.ok());
        REQUIRE(removal->belongings.size() == 1);
        CHECK(removal->belongings.front().ref.name == "ours");
        CHECK(removal->volumes.empty());
        for (const plan::Step& step : plan_removal(*removal).steps) CHECK_FALSE(says(step.id, "reclaim-"));
    }

    TEST_CASE("a copied Secret that something names stays, and so does one of which nobody may see that") {
        const kube::ObjectRef secret{kube::kSecrets, "shop", "password"}, map{kube::kConfigMaps, "shop", "settings"};
        const auto removal = [&](const Json& user, const std::string& forbidden = "",
                                 ErrorKind kind = ErrorKind::kForbidden) {
            FakeClock clock;
            FakeCluster cluster(clock);
            for (const char* name : {"Secret", "ConfigMap"})
                cluster.put(
                    {{"apiVersion", "v1"},
                     {"kind", name},
                     {"metadata",
                      {{"name", std::string(name) == "Secret" ? "password" : "settings"}, {"namespace", "shop"}}}});
            if (!user.empty()) cluster.put(user);
            cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
                if (after || forbidden.empty() || call.find("list " + forbidden + " shop") != 0) return std::nullopt;
                return Error{kind, "may not"};
            };
            return gather_removal(cluster, {secret, map}, [](const Json&) { return true; });
        };
        const Json pod_spec = {{"volumes", Json::array({{{"name", "a"}, {"secret", {{"secretName", "password"}}}},
                                                        {{"name", "b"}, {"configMap", {{"name", "settings"}}}}})}};
        const auto object = [](const kube::Resource& resource, const Json& rest) {
            Json made = {{"apiVersion", resource.api_version()},
                         {"kind", resource.kind},
                         {"metadata", {{"name", "other"}, {"namespace", "shop"}}}};
            made.update(rest);
            return made;
        };
        const Json in_template = {{"spec", {{"template", {{"spec", pod_spec}}}}}};
        for (const kube::Resource* one : {&kube::kDaemonSets, &kube::kJobs, &kube::kStatefulSets}) {
            const auto found = removal(object(*one, in_template));
            REQUIRE(found.ok());
            CHECK(found->needed.at(secret.text()) == one->short_name + "/shop/other");
            CHECK(found->needed.at(map.text()) == one->short_name + "/shop/other");
            CHECK(plan_removal(*found).steps.empty());
        }
        const auto cron = removal(object(kube::kCronJobs, {{"spec", {{"jobTemplate", in_template}}}}));
        CHECK(cron->needed.size() == 2);
        // These name Secrets alone.
        for (const Json& user :
             {object(kube::kServiceAccounts, {{"secrets", Json::array({{{"name", "password"}}})}}),
              object(kube::kServiceAccounts, {{"imagePullSecrets", Json::array({{{"name", "password"}}})}}),
              object(kube::kIngresses, {{"spec", {{"tls", Json::array({{{"secretName", "password"}}})}}}})}) {
            const auto found = removal(user);
            REQUIRE(found.ok());
            CHECK(found->needed.size() == 1);
            CHECK(found->needed.contains(secret.text()));
        }
        Json ended = object(kube::kJobs, in_template);
        ended["status"]["conditions"] = Json::array({{{"type", "Failed"}, {"status", "True"}}});
        CHECK(removal(ended)->needed.empty());
        for (const char* kind : {"daemonset", "job", "cronjob"}) CHECK(removal(Json(), kind)->unseen.size() == 2);
        for (const char* kind : {"serviceaccount", "ingress"}) {
            const auto unseen = removal(Json(), kind);
            CHECK(unseen->unseen.size() == 1);
            CHECK(unseen->unseen.contains(secret.text()));
            const plan::Plan plan = plan_removal(*unseen);
            REQUIRE(plan.notes.size() == 1);
            CHECK(says(plan.notes.front(), "whether something else needs it could not be seen (not allowed to list"));
            CHECK(plan.steps.size() == 1);
        }
        // An API server without them has none; pods and workloads are no question of being allowed.
        CHECK(removal(Json(), "ingress", ErrorKind::kNotFound)->unseen.empty());
        CHECK(removal(Json(), "cronjob", ErrorKind::kUnavailable).error().kind == ErrorKind::kUnavailable);
        CHECK(removal(Json(), "pod").error().kind == ErrorKind::kForbidden);
    }
}
