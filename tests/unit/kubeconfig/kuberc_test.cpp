#include "common/kubeconfig/kuberc.h"
#include "common/kubeconfig/plugin_policy.h"

#include <doctest/doctest.h>

namespace holdfast::kubeconfig {
namespace {

std::string preference(const std::string& rest) {
    return "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n" + rest;
}
std::string error_of(const std::string& rest) {
    const auto policy = parse_kuberc(preference(rest));
    return policy.ok() ? "ok" : policy.error().message;
}

TEST_CASE("a policy that contradicts itself is refused, not ignored") {
    CHECK(error_of("credentialPluginPolicy: Allowlist\n") ==
          "credential plugin policy: it is Allowlist, but credentialPluginAllowlist is not given");
    CHECK(error_of("credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: []\n").find("say DenyAll instead") !=
          std::string::npos);
    CHECK(error_of("credentialPluginAllowlist: [{command: x}]\n").find("is not Allowlist") != std::string::npos);
    CHECK(error_of("credentialPluginPolicy: Sometimes\n").find("is not AllowAll, DenyAll or Allowlist") !=
          std::string::npos);
    CHECK(error_of("credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: /a/../b}]\n")
              .find("not a normalised path") != std::string::npos);
    CHECK(error_of("credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{}]\n")
              .find("entry 1 of credentialPluginAllowlist is empty") != std::string::npos);
    CHECK(error_of("credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: x, name: other}]\n")
              .find("has both a name") != std::string::npos);
    CHECK(error_of("") == "ok");
}

TEST_CASE("the first usable document counts") {
    const auto policy =
        parse_kuberc("kind: Other\n---\n" + preference("credentialPluginPolicy: DenyAll\n") + "---\n" + preference(""));
    REQUIRE(policy.ok());
    REQUIRE(policy->has_value());
    CHECK((*policy)->kind == PluginPolicy::Kind::kDenyAll);
    CHECK(parse_kuberc("kind: Other\n").error().kind == ErrorKind::kNotFound);
    CHECK_FALSE(parse_kuberc("# nothing\n")->has_value());
}

TEST_CASE("kuberc is found by flag, variable, home, in this order, and can be off") {
    Environment environment;
    environment.home = "/home/user";
    environment.working_directory = "/cwd";
    ConnectionFlags flags;
    CHECK(kuberc_place(flags, environment)->path == "/home/user/.kube/kuberc");
    CHECK_FALSE(kuberc_place(flags, environment)->is_explicit);
    environment.variables["KUBERC"] = "rc";
    CHECK(kuberc_place(flags, environment)->path == "/cwd/rc");
    flags.kuberc = "/x";
    CHECK(kuberc_place(flags, environment)->path == "/x");
    environment.variables["KUBERC"] = "off";
    CHECK(kuberc_place(flags, environment).error().kind == ErrorKind::kUsage);
    flags.kuberc.reset();
    CHECK(kuberc_place(flags, environment)->path.empty());
}

TEST_CASE("bad input 19: a plugin that the policy does not allow is not run") {
    ExecPlugin plugin;
    plugin.command = plugin.command_as_written = "helper";
    const FindProgram find = [](const std::string& command) -> std::optional<std::string> {
        if (command == "helper") return "/usr/bin/helper";
        if (command == "/opt/helper" || command == "/usr/bin/helper") return command;
        return std::nullopt;
    };
    const auto allowed = [&](PluginPolicy::Kind kind, std::vector<std::string> list) {
        return allowed_program(plugin, PluginPolicy{kind, std::move(list)}, find);
    };
    CHECK(*allowed(PluginPolicy::Kind::kAllowAll, {}) == "/usr/bin/helper");
    CHECK(*allowed(PluginPolicy::Kind::kAllowlist, {"helper"}) == "/usr/bin/helper");
    CHECK(*allowed(PluginPolicy::Kind::kAllowlist, {"other", "/usr/bin/helper"}) == "/usr/bin/helper");
    CHECK(allowed(PluginPolicy::Kind::kAllowlist, {"/opt/helper"}).error().message ==
          "credential plugin \"helper\" is denied: it is not in credentialPluginAllowlist; it was not run");
    CHECK(allowed(PluginPolicy::Kind::kDenyAll, {}).error().message ==
          "credential plugin \"helper\" is denied: credentialPluginPolicy is DenyAll; it was not run");
    plugin.command = "/opt/helper";
    CHECK_FALSE(allowed(PluginPolicy::Kind::kAllowlist, {"helper"}).ok());  // another program of the same name
    plugin.command = "/usr/bin/helper";
    CHECK(allowed(PluginPolicy::Kind::kAllowlist, {"helper"}).ok());
    plugin.command = "absent";
    plugin.install_hint = "apt install absent";
    const auto missing = allowed(PluginPolicy::Kind::kAllowAll, {});
    CHECK(missing.error().kind == ErrorKind::kUnauthorized);
    CHECK(missing.error().hint == "apt install absent");
}

}  // namespace
}  // namespace holdfast::kubeconfig
