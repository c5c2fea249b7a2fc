#include "plugins/clone/pod_security.h"
#include "plugins/clone/set_path.h"
#include "scene.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"

#include <doctest/doctest.h>

#include <set>

using namespace holdfast;
using namespace holdfast::clone;
using namespace holdfast::clone::testing;

namespace {

Surroundings around() {
    Surroundings made;
    made.services = {{{"apiVersion", "v1"},
                      {"kind", "Service"},
                      {"metadata", {{"name", "postgres"}, {"namespace", "shop"}, {"uid", "svc-uid"}}},
                      {"spec",
                       {{"clusterIP", "None"},
                        {"clusterIPs", Json::array({"None"})},
                        {"publishNotReadyAddresses", true},
                        {"ports", Json::array({{{"port", 5432}}})},
                        {"selector", {{"app", "postgres"}}}}}}};
    made.there = made.services;
    made.there.push_back(base_facts()["workloads"][0]);
    return made;
}

Result<Workload> workload(const CloneOptions& wanted, const Surroundings& surroundings, Json facts = base_facts()) {
    const auto choice = chosen(wanted, facts);
    if (!choice.ok()) return choice.error();
    return workload_of(wanted, live_for(wanted, facts), *choice, surroundings, input());
}

bool noted(const Workload& made, const std::string& part) {
    for (const std::string& note : made.notes) {
        if (says(note, part)) return true;
    }
    return false;
}

}  // namespace

TEST_SUITE("clone workload") {
    TEST_CASE("the clone's StatefulSet, its Service, and the plan that makes them") {
        const auto made = workload(whole(), around());
        REQUIRE(made.ok());
        auto choice = chosen(whole());
        cut(*choice);
        const auto plan = plan_workload(whole(), live_for(whole()), *choice, *made, input(2));
        REQUIRE(plan.ok());
        check_golden("workload.json", *plan);
    }

    TEST_CASE("the network and the ports of its node are not the clone's, unless the line asks for them") {
        Json facts = base_facts();
        Json& spec = facts["workloads"][0]["spec"]["template"]["spec"];
        spec["hostNetwork"] = true;
        spec["containers"][0]["ports"] =
            Json::array({{{"containerPort", 5432}, {"hostPort", 5432}}, {{"containerPort", 80}}});
        spec["initContainers"] =
            Json::array({{{"name", "init"}, {"ports", Json::array({{{"containerPort", 1}, {"hostPort", 1}}})}}});
        const auto made = workload(whole(), around(), facts);
        REQUIRE(made.ok());
        const Json& pods = made->manifest["spec"]["template"]["spec"];
        CHECK_FALSE(pods.contains("hostNetwork"));
        CHECK(pods["containers"][0]["ports"] == Json::array({{{"containerPort", 5432}}, {{"containerPort", 80}}}));
        CHECK(pods["initContainers"][0]["ports"] == Json::array({{{"containerPort", 1}}}));
        CHECK(noted(*made, "hostNetwork is taken off: the clone would answer at its node's address"));
        CHECK(noted(*made, "hostPort of container init is taken off"));
        CHECK_FALSE(noted(*workload(whole(), around()), "is taken off"));
        CloneOptions wanted = whole();
        wanted.sets = {{"spec.template.spec.hostNetwork", "true"}};
        CHECK(workload(wanted, around(), facts)->manifest["spec"]["template"]["spec"]["hostNetwork"] == true);
    }

    TEST_CASE("a source whose ordinals do not begin at 0 has a clone that begins where it does") {
        Json facts = base_facts();
        facts["workloads"][0]["spec"]["ordinals"] = {{"start", 1}};
        facts["workloads"][0]["spec"]["replicas"] = 1;
        const auto choice = chosen(whole(), facts);
        REQUIRE(choice.ok());
        REQUIRE(choice->copies.size() == 1);
        CHECK(choice->copies[0].spec.name == "data-copy-1");
        const auto made = workload(whole(), around(), facts);
        REQUIRE(made.ok());
        CHECK(made->manifest["spec"]["ordinals"]["start"] == 1);
        CHECK(made->manifest["spec"]["replicas"] == 1);
    }

    TEST_CASE("the clone's StatefulSet begins at the ordinal that the line asks for, whatever its source's does") {
        CloneOptions wanted = whole();
        wanted.ordinals = {{1, 4}};
        const auto later = workload(wanted, around());
        REQUIRE(later.ok());
        CHECK(later->manifest["spec"]["ordinals"]["start"] == 4);
        CHECK(later->manifest["spec"]["replicas"] == 1);
        Json facts = base_facts();
        facts["workloads"][0]["spec"]["ordinals"] = {{"start", 1}};
        facts["workloads"][0]["spec"]["replicas"] = 1;
        wanted.ordinals = {{1, 0}};
        const auto first = workload(wanted, around(), facts);
        REQUIRE(first.ok());
        CHECK(first->manifest["spec"]["ordinals"]["start"] == 0);
    }

    TEST_CASE("nothing that selects the source selects the clone") {
        const auto made = workload(whole(), around());
        REQUIRE(made.ok());
        const auto labels = kube::label_map(made->manifest["spec"]["template"]["metadata"]["labels"]);
        for (const auto& one : around().selectors(whole(), kOperation))
            CHECK_FALSE(kube::selector_matches(one.selector, labels));
        CHECK(kube::selector_matches(made->manifest["spec"]["selector"], labels));
    }

    TEST_CASE("nor what selects it by a label that its controller or the software in it puts on its pods") {
        const auto with_service = [](const Json& selector) {
            Surroundings surroundings = around();
            surroundings.there.push_back({{"apiVersion", "v1"},
                                          {"kind", "Service"},
                                          {"metadata", {{"name", "primary"}, {"namespace", "shop"}}},
                                          {"spec", {{"selector", selector}}}});
            return surroundings;
        };
        CloneOptions wanted = whole();
        wanted.sets = {{"spec.template.metadata.labels.tier", "data"}};
        for (const Json& more :
             {Json{{"apps.kubernetes.io/pod-index", "1"}}, Json{{"statefulset.kubernetes.io/pod-name", "copy-0"}}}) {
            Json selector = more;
            selector["tier"] = "data";
            const auto made = workload(wanted, with_service(selector));
            REQUIRE_FALSE(made.ok());
            CHECK(says(made.error().message, "the selector of service/shop/primary would pick the clone's pods"));
        }
        CHECK(workload(wanted, with_service({{"tier", "data"}, {"apps.kubernetes.io/pod-index", "2"}})).ok());
        // Patroni labels the pod that is the primary.
        Json facts = base_facts();
        for (Json& pod : facts["pods"]) pod["metadata"]["labels"] = {{"app", "backup"}, {"role", "master"}};
        // Not of a pod that is somebody else's and mounts a claim of the source.
        CHECK(workload(wanted, with_service({{"tier", "data"}, {"role", "master"}}), facts).ok());
        for (Json& pod : facts["pods"]) pod["metadata"]["labels"] = {{"app", "postgres"}, {"role", "master"}};
        const auto made = workload(wanted, with_service({{"tier", "data"}, {"role", "master"}}), facts);
        REQUIRE_FALSE(made.ok());
        CHECK(says(made.error().message, "the selector of service/shop/primary would pick the clone's pods"));
    }

    TEST_CASE("storage that the source mounts without a claim is not written to by its clone") {
        CloneOptions wanted = whole();
        const auto with = [&](const std::string& volume, const std::string& mount) {
            wanted.sets = {{"spec.template.spec.volumes", volume},
                           {"spec.template.spec.containers[0].volumeMounts", mount}};
            return workload(wanted, around());
        };
        const std::string nfs = R"([{"name":"share","nfs":{"server":"files","path":"/export"}}])";
        const auto refused = with(nfs, R"([{"name":"data","mountPath":"/data"},{"name":"share","mountPath":"/s"}])");
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.error().kind == ErrorKind::kRefused);
        CHECK(refused.error().message ==
              "the clone would write to volume share (nfs) of its source, which is no claim; nothing was changed");
        CHECK(refused.error().hint ==
              "mount it read-only: --set spec.template.spec.containers[0].volumeMounts[1].readOnly=true, or give the "
              "clone another one with --set");
        CHECK(with(nfs, R"([{"name":"share","mountPath":"/s","readOnly":true}])").ok());
        CHECK(with(R"([{"name":"share","nfs":{"server":"files","path":"/export","readOnly":true}}])",
                   R"([{"name":"share","mountPath":"/s"}])")
                  .ok());
        CHECK_FALSE(
            with(R"([{"name":"share","hostPath":{"path":"/x"}}])", R"([{"name":"share","mountPath":"/s"}])").ok());
        CHECK_FALSE(with(R"([{"name":"share","rbd":{"image":"x"}}])", R"([{"name":"share","mountPath":"/s"}])").ok());
        CHECK(with(R"([{"name":"share","emptyDir":{}}])", R"([{"name":"share","mountPath":"/s"}])").ok());
        CHECK(with(nfs, "[]").ok());
        // A driver of such storage, without a claim in between.
        const std::string bucket = R"([{"name":"share","csi":{"driver":"gcsfuse.csi.storage.gke.io"}}])";
        CHECK_FALSE(with(bucket, R"([{"name":"share","mountPath":"/s"}])").ok());
        CHECK(with(bucket, R"([{"name":"share","mountPath":"/s","readOnly":true}])").ok());
        CHECK(with(R"([{"name":"keys","csi":{"driver":"secrets-store.csi.k8s.io","readOnly":true}}])",
                   R"([{"name":"keys","mountPath":"/s"}])")
                  .ok());
    }

    TEST_CASE("of a Service with an address of its own nothing is left in the copy that is none of a headless one") {
        Surroundings surroundings = around();
        Json& spec = surroundings.services[0]["spec"];
        for (const char* key : {"externalTrafficPolicy", "loadBalancerClass", "externalName"}) spec[key] = "Cluster";
        spec["type"] = "LoadBalancer";
        spec["allocateLoadBalancerNodePorts"] = true;
        spec["loadBalancerSourceRanges"] = Json::array({"10.0.0.0/8"});
        spec["sessionAffinity"] = "ClientIP";
        const auto made = workload(whole(), surroundings);
        REQUIRE(made.ok());
        std::set<std::string> keys;
        for (const auto& [key, value] : made->before.at(0)["spec"].items()) keys.insert(key);
        CHECK(keys == std::set<std::string>{"clusterIP", "type", "publishNotReadyAddresses", "sessionAffinity", "ports",
                                            "selector"});
    }

    TEST_CASE("a selector that means every pod is listed in the plan, and stands in no way") {
        Surroundings surroundings = around();
        surroundings.there.push_back({{"apiVersion", "networking.k8s.io/v1"},
                                      {"kind", "NetworkPolicy"},
                                      {"metadata", {{"name", "deny"}, {"namespace", "shop"}}},
                                      {"spec", {{"podSelector", Json::object()}}}});
        const auto made = workload(whole(), surroundings);
        REQUIRE(made.ok());
        CHECK(noted(*made, "these mean every pod of namespace shop, the clone's too: netpol/shop/deny"));
        CHECK_FALSE(noted(*workload(whole(), around()), "these mean every pod"));
    }

    TEST_CASE("claims that a template mounts by name are the copies, under the volumes' own names") {
        Json facts = base_facts();
        Json& template_spec = facts["workloads"][0]["spec"]["template"]["spec"];
        template_spec["volumes"] =
            Json::array({{{"name", "shared"}, {"persistentVolumeClaim", {{"claimName", "data-postgres-1"}}}}});
        facts["workloads"][0]["spec"]["replicas"] = 1;
        const auto made = workload(whole(), around(), facts);
        REQUIRE(made.ok());
        CHECK(made->manifest["spec"]["template"]["spec"]["volumes"] ==
              Json::array({{{"name", "shared"}, {"persistentVolumeClaim", {{"claimName", "copy-data-postgres-1"}}}}}));
    }

    TEST_CASE("network policies that protect the source and not the clone are told of") {
        Surroundings surroundings = around();
        const auto policy = [](const char* name, const char* app) {
            return Json{{"apiVersion", "networking.k8s.io/v1"},
                        {"kind", "NetworkPolicy"},
                        {"metadata", {{"name", name}, {"namespace", "shop"}}},
                        {"spec", {{"podSelector", {{"matchLabels", {{"app", app}}}}}}}};
        };
        Json everybody = policy("everybody", "");
        everybody["spec"]["podSelector"] = Json::object();
        surroundings.policies = {policy("only-web", "postgres"), policy("others", "web"), everybody};
        surroundings.there.insert(surroundings.there.end(), surroundings.policies.begin(), surroundings.policies.end());
        const auto told = [&](const CloneOptions& wanted) {
            const auto made = workload(wanted, surroundings);
            REQUIRE(made.ok());
            for (const std::string& note : made->notes) {
                if (says(note, "who may connect")) return note;
            }
            return std::string();
        };
        CHECK(
            told(whole()) ==
            "what restricts who may connect to the source's pods does not restrict the clone's: netpol/shop/only-web; "
            "make a policy for label holdfast.dev/clone=copy");
        CloneOptions wanted = whole();
        wanted.isolated = true;  // that keeps the clone from connecting, and nobody from connecting to it
        CHECK_FALSE(told(wanted).empty());
        wanted = whole();
        wanted.to_space = "staging";
        CHECK(says(told(wanted), "netpol/shop/everybody, netpol/shop/only-web;"));
    }

    TEST_CASE("a network policy that has the name of the clone's own is found before anything is made") {
        CloneOptions wanted = whole();
        wanted.isolated = true;
        Surroundings surroundings = around();
        surroundings.there.push_back({{"apiVersion", "networking.k8s.io/v1"},
                                      {"kind", "NetworkPolicy"},
                                      {"metadata", {{"name", "copy-isolated"}, {"namespace", "shop"}}},
                                      {"spec", {{"podSelector", {{"matchLabels", {{"app", "web"}}}}}}}});
        const auto made = workload(wanted, surroundings);
        REQUIRE_FALSE(made.ok());
        CHECK(made.error().kind == ErrorKind::kRefused);
        CHECK(says(made.error().message, "netpol/shop/copy-isolated exists already"));
    }

    TEST_CASE("marks of whoever deploys the source are not copied") {
        Json facts = base_facts();
        Json& metadata = facts["workloads"][0]["metadata"];
        metadata["labels"] = {{"argocd.argoproj.io/instance", "shop"}, {"app.kubernetes.io/instance", "shop"}};
        metadata["annotations"]["meta.helm.sh/release-name"] = "shop";
        metadata["ownerReferences"] = Json::array({{{"kind", "Cluster"}, {"name", "x"}, {"controller", true}}});
        const auto made = workload(whole(), around(), facts);
        REQUIRE(made.ok());
        const std::string text = made->manifest["metadata"].dump();
        for (const char* mark : {"argocd", "helm", "last-applied", "ownerReferences", "hunter2"})
            CHECK_FALSE(says(text, mark));
        CHECK(kube::label_of(made->manifest, "app.kubernetes.io/instance") == "copy");
    }

    TEST_CASE("its own anti-affinity keeps the clone's pods apart, not from the source's") {
        Json facts = base_facts();
        facts["workloads"][0]["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"]
             ["requiredDuringSchedulingIgnoredDuringExecution"] =
                 Json::array({{{"labelSelector", {{"matchLabels", {{"app", "postgres"}}}}}, {"topologyKey", "host"}}});
        const auto made = workload(whole(), around(), facts);
        REQUIRE(made.ok());
        const std::string affinity = made->manifest["spec"]["template"]["spec"]["affinity"].dump();
        CHECK(says(affinity, "\"app\":\"copy\""));
        CHECK_FALSE(says(affinity, "postgres"));
    }

    TEST_CASE("what its pods need in another namespace is named before anything is made") {
        CloneOptions wanted = whole();
        wanted.to_space = "staging";
        Surroundings surroundings = around();
        surroundings.there.clear();
        surroundings.missing.config_maps = {"settings"};
        surroundings.missing.secrets = {"password"};
        surroundings.missing.service_account = "db";
        const auto made = workload(wanted, surroundings);
        REQUIRE_FALSE(made.ok());
        CHECK(made.error().kind == ErrorKind::kRefused);
        for (const char* one : {"configmap/settings", "secret/password", "serviceaccount/db"})
            CHECK(says(made.error().message, one));
        CHECK(says(made.error().hint, "--copy-secrets password"));
    }

    TEST_CASE("a Secret is copied when it is named, and its values are in no plan") {
        CloneOptions wanted = whole();
        wanted.to_space = "staging";
        wanted.copy_secrets = {"password"};
        Surroundings surroundings = around();
        surroundings.there.clear();
        surroundings.secrets["password"] = {{"apiVersion", "v1"},
                                            {"kind", "Secret"},
                                            {"metadata", {{"name", "password"}, {"namespace", "shop"}}},
                                            {"type", "Opaque"},
                                            {"data", {{"password", "aHVudGVyMw=="}}}};
        const auto made = workload(wanted, surroundings);
        REQUIRE(made.ok());
        auto choice = chosen(wanted);
        cut(*choice);
        const auto plan = plan_workload(wanted, live_for(wanted), *choice, *made, input(2));
        REQUIRE(plan.ok());
        CHECK_FALSE(says(plan::to_json(*plan).dump(), "aHVudGVyMw"));
        CHECK(kube::annotation_of(made->manifest, labels::kSecrets) == "password");
    }

    TEST_CASE("env and arguments that name the source's Service are told of") {
        Json facts = base_facts();
        Json& container = facts["workloads"][0]["spec"]["template"]["spec"]["containers"][0];
        container["env"].push_back({{"name", "PRIMARY"}, {"value", "postgres-0.postgres.shop.svc"}});
        container["args"] = Json::array({"--name=postgresql"});
        auto made = workload(whole(), around(), facts);
        REQUIRE(made.ok());
        CHECK(noted(*made, "env PRIMARY of container postgres names svc postgres"));
        CHECK_FALSE(noted(*made, "args of container postgres"));
        CloneOptions wanted = whole();
        wanted.env = {{"PRIMARY", "copy-0.copy"}};
        made = workload(wanted, around(), facts);
        CHECK_FALSE(noted(*made, "PRIMARY"));
    }

    TEST_CASE("a name that is taken, and an autoscaler that waits for it, are refused") {
        Surroundings surroundings = around();
        Json other = base_facts()["workloads"][0];
        other["metadata"]["name"] = "copy";
        other["spec"]["selector"]["matchLabels"] = {{"app", "other"}};
        other["spec"]["template"]["metadata"]["labels"] = {{"app", "other"}};
        surroundings.there.push_back(other);
        CHECK(says(workload(whole(), surroundings).error().message, "sts/shop/copy exists already"));
        surroundings = around();
        surroundings.there.push_back({{"apiVersion", "autoscaling/v2"},
                                      {"kind", "HorizontalPodAutoscaler"},
                                      {"metadata", {{"name", "h"}, {"namespace", "shop"}}},
                                      {"spec", {{"scaleTargetRef", {{"kind", "StatefulSet"}, {"name", "copy"}}}}}});
        CHECK(says(workload(whole(), surroundings).error().message, "hpa/shop/h"));
    }

    TEST_CASE("--set changes what it names, and never what makes it this clone") {
        CloneOptions wanted = whole();
        wanted.sets = {{"spec.template.spec.containers[0].image", "registry.test/postgres:16"}};
        const auto made = workload(wanted, around());
        REQUIRE(made.ok());
        CHECK(made->manifest["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.test/postgres:16");
        wanted.sets = {{"metadata.name", "postgres"}};
        CHECK(workload(wanted, around()).error().kind == ErrorKind::kRefused);
        // Another kind of workload, and one that takes pods of others for its own.
        for (const auto& [path, value] : {std::pair<std::string, std::string>{"kind", "Deployment"},
                                          {"apiVersion", "batch/v1"},
                                          {"spec.selector", R"({"matchLabels":{"tier":"db"}})"},
                                          {"spec.selector.matchLabels", "null"}}) {
            CAPTURE(path);
            wanted.sets = {{path, value}};
            const auto other = workload(wanted, around());
            REQUIRE_FALSE(other.ok());
            CHECK(says(other.error().message, "--set must not change the clone's kind, name, namespace"));
        }
        wanted.sets = {{"spec.template.metadata.labels.app", "postgres"}};
        CHECK(says(workload(wanted, around()).error().message, "service/shop/postgres"));
    }

    TEST_CASE("--set does not make pods for which no claims were made") {
        for (const auto& [path, value] : {std::pair<std::string, std::string>{"spec.replicas", "7"},
                                          {"spec.ordinals.start", "3"},
                                          {"spec.volumeClaimTemplates[0].metadata.name", "wal"}}) {
            CloneOptions wanted = whole();
            wanted.sets = {{path, value}};
            const auto made = workload(wanted, around());
            REQUIRE_FALSE(made.ok());
            CHECK(
                says(made.error().message, "--set must not change the clone's replicas, ordinals or claim templates"));
        }
    }

    TEST_CASE("--set does not make the clone mount its source's claims") {
        CloneOptions wanted = whole();
        const std::string mount = R"([{"name":"more","persistentVolumeClaim":{"claimName":"data-postgres-0"}}])";
        wanted.sets = {{"spec.template.spec.volumes", mount}};
        const auto refused = workload(wanted, around());
        REQUIRE_FALSE(refused.ok());
        CHECK(says(refused.error().message, "pvc/shop/data-postgres-0, which its source uses"));
        wanted.sets = {
            {"spec.template.spec.volumes", R"([{"name":"more","persistentVolumeClaim":{"claimName":"data-copy-0"}}])"}};
        CHECK(workload(wanted, around()).ok());
    }

    TEST_CASE("later ordinals of a clone are not made of what its source was made of") {
        Json facts = base_facts();
        Json& asked = facts["workloads"][0]["spec"]["volumeClaimTemplates"][0]["spec"];
        asked["dataSource"] = {{"kind", "VolumeSnapshot"}, {"name", "prod-seed"}};
        asked["dataSourceRef"] = asked["dataSource"];
        asked["volumeName"] = "pv-of-production";
        const auto made = workload(whole(), around(), facts);
        REQUIRE(made.ok());
        const Json& kept = made->manifest["spec"]["volumeClaimTemplates"][0]["spec"];
        for (const char* origin : {"dataSource", "dataSourceRef", "volumeName"}) CHECK_FALSE(kept.contains(origin));
        CHECK(kept.contains("resources"));
    }

    TEST_CASE("paths of --set") {
        Json object = {{"a", {{"b", Json::array({1, 2})}}}};
        CHECK(set_path(object, "a.b[1]", "3").ok());
        CHECK(object["a"]["b"] == Json::array({1, 3}));
        CHECK(set_path(object, R"(a.x\.y/z)", "text").ok());
        CHECK(object["a"]["x.y/z"] == "text");
        CHECK(set_path(object, "a.b", "null").ok());
        CHECK_FALSE(object["a"].contains("b"));
        CHECK(set_path(object, "n.m", R"({"k":true})").ok());
        CHECK(object["n"]["m"]["k"] == true);
        CHECK(set_path(object, "a..b", "1").error().kind == ErrorKind::kUsage);
        CHECK(set_path(object, "a[x]", "1").error().kind == ErrorKind::kUsage);
        CHECK(set_path(object, "a[0]", "1").error().kind == ErrorKind::kRefused);
        CHECK(set_path(object, "", "1").error().kind == ErrorKind::kUsage);
    }

    TEST_CASE("pods that the namespace's level does not admit are refused with each reason") {
        const Json pod = {{"containers", Json::array({{{"name", "db"}}})}};
        CHECK(check_pod_security("", "staging", pod).ok());
        CHECK(check_pod_security("baseline", "staging", pod).ok());
        const Status restricted = check_pod_security("restricted", "staging", pod);
        REQUIRE_FALSE(restricted.ok());
        for (const char* one : {"runAsNonRoot", "allowPrivilegeEscalation", "drop", "seccompProfile"})
            CHECK(says(restricted.error().message, one));
        const Json host = {
            {"hostNetwork", true},
            {"volumes", Json::array({{{"name", "v"}, {"hostPath", {{"path", "/"}}}}})},
            {"containers", Json::array({{{"name", "db"}, {"securityContext", {{"privileged", true}}}}})}};
        const Status baseline = check_pod_security("baseline", "staging", host);
        REQUIRE_FALSE(baseline.ok());
        for (const char* one : {"hostNetwork", "hostPath volume v", "privileged of container db"})
            CHECK(says(baseline.error().message, one));
        const Status throwaway = check_throwaway_security("baseline", "staging", host);
        REQUIRE_FALSE(throwaway.ok());
        CHECK(throwaway.error().kind == ErrorKind::kRefused);
        CHECK(says(throwaway.error().message, "does not admit the throwaway database that prepares the data"));
    }
}
