#include "common/kube/objects/pod_references.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace holdfast;
using namespace holdfast::kube;

using Names = std::set<std::string>;

namespace {

Json named(const char* name, bool optional = false) {
    Json reference = {{"name", name}};
    if (optional) reference["optional"] = true;
    return reference;
}

Json container(const std::string& mark) {
    return {
        {"name", mark},
        {"envFrom", Json::array({{{"configMapRef", named((mark + "-cm-all").c_str())}},
                                 {{"secretRef", named((mark + "-secret-all").c_str())}},
                                 {{"configMapRef", named("optional", true)}}})},
        {"env", Json::array({{{"name", "A"}, {"valueFrom", {{"configMapKeyRef", named((mark + "-cm-key").c_str())}}}},
                             {{"name", "B"}, {"valueFrom", {{"secretKeyRef", named((mark + "-secret-key").c_str())}}}},
                             {{"name", "C"}, {"valueFrom", {{"secretKeyRef", named("optional", true)}}}},
                             {{"name", "D"}, {"value", "plain"}}})}};
}

}  // namespace

TEST_SUITE("pod references") {
    TEST_CASE("every place of a pod that needs a ConfigMap, a Secret or an account is seen") {
        const Json projected =
            Json::array({{{"configMap", named("cm-projected")}}, {{"secret", named("secret-projected")}}});
        const Json spec = {
            {"initContainers", Json::array({container("init")})},
            {"containers", Json::array({container("main")})},
            {"imagePullSecrets", Json::array({named("secret-pull")})},
            {"serviceAccountName", "keeper"},
            {"volumes", Json::array({{{"name", "a"}, {"configMap", named("cm-volume")}},
                                     {{"name", "b"}, {"secret", {{"secretName", "secret-volume"}}}},
                                     {{"name", "c"}, {"projected", {{"sources", projected}}}},
                                     {{"name", "d"}, {"csi", {{"nodePublishSecretRef", named("secret-csi")}}}},
                                     {{"name", "e"}, {"configMap", named("optional", true)}},
                                     {{"name", "f"}, {"emptyDir", Json::object()}}})}};
        const PodReferences found = references_of(spec);
        CHECK(found.config_maps ==
              Names{"cm-projected", "cm-volume", "init-cm-all", "init-cm-key", "main-cm-all", "main-cm-key"});
        CHECK(found.secrets == Names{"init-secret-all", "init-secret-key", "main-secret-all", "main-secret-key",
                                     "secret-csi", "secret-projected", "secret-pull", "secret-volume"});
        CHECK(found.service_account == "keeper");
    }

    TEST_CASE("credentials of storage that is mounted without a claim, and of a container that came later") {
        const Json spec = {
            {"ephemeralContainers", Json::array({container("debug")})},
            {"volumes", Json::array({{{"name", "a"}, {"azureFile", {{"secretName", "secret-azure"}}}},
                                     {{"name", "b"}, {"flexVolume", {{"secretRef", named("secret-flex")}}}}})}};
        CHECK(references_of(spec).secrets ==
              Names{"debug-secret-all", "debug-secret-key", "secret-azure", "secret-flex"});
    }

    TEST_CASE("what accounts and ingresses name") {
        CHECK(secrets_of_account({{"secrets", Json::array({named("token")})},
                                  {"imagePullSecrets", Json::array({named("pull"), named("")})}}) ==
              Names{"pull", "token"});
        const auto to = [](const char* service) {
            return Json{{"path", "/"}, {"backend", {{"service", {{"name", service}}}}}};
        };
        const Json ingress = {
            {"spec",
             {{"defaultBackend", {{"service", named("fallback")}}},
              {"tls", Json::array({{{"secretName", "certificate"}}, {{"hosts", Json::array({"a.test"})}}})},
              {"rules",
               Json::array({{{"http", {{"paths", Json::array({to("one"), to("two")})}}}}, {{"host", "a.test"}}})}}}};
        CHECK(secrets_of_ingress(ingress) == Names{"certificate"});
        CHECK(services_of_ingress(ingress) == Names{"fallback", "one", "two"});
        CHECK(secrets_of_ingress(Json::object()).empty());
        CHECK(services_of_ingress(Json::object()).empty());
    }

    TEST_CASE("the account that every namespace has, and a pod that needs nothing") {
        CHECK(references_of({{"serviceAccountName", "default"}}).service_account.empty());
        CHECK(references_of(Json::object()).config_maps.empty());
    }
}
