// Merge, selection, overrides, validation and what becomes of them.
#include "common/kubeconfig/assemble.h"
#include "common/kubeconfig/in_cluster.h"
#include "common/kubeconfig/merge.h"
#include "common/kubeconfig/select.h"
#include "common/kubeconfig/server_url.h"
#include "common/kubeconfig/validate.h"
#include "common/kubeconfig/yaml.h"

#include <doctest/doctest.h>

#include <map>

// GCC 12 takes the empty optional strings of ConnectionFlags for uninitialised ones (GCC bug 80635).
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace holdfast::kubeconfig {
namespace {

RawConfig config_of(const std::string& yaml, const std::string& origin = "/home/user/.kube/config") {
    const auto document = parse_yaml(yaml);
    REQUIRE(document.ok());
    auto config = decode_config(*document, origin);
    REQUIRE(config.ok());
    return *config;
}

const char* const kBase = R"(
current-context: a
contexts:
- {name: a, context: {cluster: c, user: u, namespace: shop}}
- {name: b, context: {cluster: d, user: v}}
clusters:
- {name: c, cluster: {server: "https://one:6443", certificate-authority-data: Y2E=, tls-server-name: inner}}
- {name: d, cluster: {server: "https://two/prefix/"}}
users:
- {name: u, user: {token: secret-token}}
- {name: v, user: {client-certificate-data: Y2VydA==, client-key-data: a2V5}}
)";

Result<ClientConfig> load(const std::string& yaml, const ConnectionFlags& flags = {},
                          const std::map<std::string, std::string>& files = {}) {
    Environment environment;
    environment.working_directory = "/cwd";
    RawConfig config = config_of(yaml);
    resolve_paths(config, environment.working_directory);
    TRY_ASSIGN(const Selection selection,
               select(config, flags, "http://localhost:8080", environment.working_directory));
    TRY(validate(selection));
    return assemble(
        selection, flags, environment,
        [&](const std::string& path) -> Result<std::string> {
            const auto found = files.find(path);
            if (found == files.end())
                return Error{ErrorKind::kNotFound, path + ": No such file or directory", "", 0, ""};
            return found->second;
        },
        SystemTime{});
}

std::string with_user(const std::string& user) {
    return "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: "
           "{server: \"https://h\"}}]\n"
           "users: [{name: u, user: " +
           user + "}]\n";
}
std::string with_cluster(const std::string& cluster, const std::string& user = "{token: t}") {
    return "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: " +
           cluster +
           "}]\n"
           "users: [{name: u, user: " +
           user + "}]\n";
}

std::string error_of(const Result<ClientConfig>& result) { return result.ok() ? "ok" : result.error().message; }

TEST_CASE("the first file wins for whole entries, the first non-empty for scalars") {
    const RawConfig merged = merge_configs({
        config_of("clusters: [{name: c, cluster: {server: one}}]\n", "/a/x"),
        config_of("current-context: k\nclusters: [{name: c, cluster: {server: two, proxy-url: p}}, {name: d, cluster: "
                  "{server: three}}]\n",
                  "/b/y"),
        config_of("current-context: l\npreferences: {colors: true}\n", "/c/z"),
    });
    CHECK(merged.clusters.at("c").server == "one");
    CHECK(merged.clusters.at("c").proxy_url.empty());
    CHECK(merged.clusters.at("c").origin == "/a/x");
    CHECK(merged.clusters.at("d").server == "three");
    CHECK(merged.current_context == "k");
    CHECK(merged.preferences_colors);
}

TEST_CASE("relative paths belong to their file's directory, and commands only with a slash") {
    RawConfig config = config_of(
        "clusters: [{name: c, cluster: {certificate-authority: ../ca.pem}}]\n"
        "users: [{name: u, user: {tokenFile: t, client-key: /k, exec: {command: ./p}}}, {name: v, user: {exec: "
        "{command: p}}}]\n",
        "sub/dir/config");
    resolve_paths(config, "/cwd");
    CHECK(config.clusters.at("c").certificate_authority == "/cwd/sub/ca.pem");
    CHECK(config.users.at("u").token_file == "/cwd/sub/dir/t");
    CHECK(config.users.at("u").client_key == "/k");
    CHECK(config.users.at("u").exec->command == "/cwd/sub/dir/p");
    CHECK(config.users.at("u").exec->command_as_written == "./p");
    CHECK(config.users.at("v").exec->command == "p");
    CHECK(clean_path("/a/./b//../c/") == "/a/c");
    CHECK(clean_path("../../x") == "../../x");
    CHECK(clean_path("/../x") == "/x");
}

TEST_CASE("the current context decides, and flags decide over it") {
    const auto plain = load(kBase);
    REQUIRE(plain.ok());
    CHECK(plain->server == "https://one:6443");
    CHECK(plain->token == "secret-token");
    CHECK(plain->space == "shop");
    CHECK(plain->ca_pem == "ca");
    CHECK(plain->tls_server_name == "inner");
    ConnectionFlags flags;
    flags.context = "b";
    flags.space = "ns/other";
    const auto other = load(kBase, flags);
    REQUIRE(other.ok());
    CHECK(other->server == "https://two/prefix");
    CHECK(other->client_cert_pem == "cert");
    CHECK(other->client_key_pem == "key");
    CHECK(other->space == "other");
    CHECK(other->space_from_flag);
    flags = {};
    flags.user = "v";
    flags.cluster = "d";
    const auto mixed = load(kBase, flags);
    REQUIRE(mixed.ok());
    CHECK(mixed->server == "https://two/prefix");
    CHECK(mixed->token.empty());
    CHECK(mixed->space == "shop");
}

TEST_CASE("flags that name nothing are wrong usage, with the nearest name") {
    for (auto set : {+[](ConnectionFlags& f) { f.context = "aa"; }, +[](ConnectionFlags& f) { f.cluster = "cc"; },
                     +[](ConnectionFlags& f) { f.user = "uu"; }}) {
        ConnectionFlags flags;
        set(flags);
        const auto config = load(kBase, flags);
        REQUIRE_FALSE(config.ok());
        CHECK(config.error().kind == ErrorKind::kUsage);
        CHECK(config.error().message.find("does not exist") != std::string::npos);
        CHECK(config.error().hint.find("did you mean") == 0);
    }
    ConnectionFlags empty;
    empty.context = "";
    CHECK(load(kBase, empty).ok());
}

TEST_CASE("a server by flag drops the name that belonged to kubeconfig's server") {
    ConnectionFlags flags;
    flags.server = "https://three";
    CHECK(load(kBase, flags)->tls_server_name.empty());
    flags.tls_server_name = "other";
    CHECK(load(kBase, flags)->tls_server_name == "other");
}

TEST_CASE("CA and insecure are one group") {
    ConnectionFlags flags;
    flags.insecure_skip_tls_verify = true;
    const auto insecure = load(kBase, flags);
    REQUIRE(insecure.ok());
    CHECK(insecure->insecure);
    CHECK(insecure->insecure_from_flag);
    CHECK(insecure->ca_pem.empty());
    flags = {};
    flags.certificate_authority = "my.pem";
    const auto own =
        load(with_cluster("{server: \"https://h\", insecure-skip-tls-verify: true}"), flags, {{"/cwd/my.pem", "pem"}});
    REQUIRE(own.ok());
    CHECK_FALSE(own->insecure);
    CHECK(own->ca_pem == "pem");
    const auto from_file = load(with_cluster("{server: \"https://h\", insecure-skip-tls-verify: true}"));
    CHECK(from_file->insecure);
    CHECK_FALSE(from_file->insecure_from_flag);
    CHECK(error_of(load(with_cluster(
              "{server: \"https://h\", insecure-skip-tls-verify: true, certificate-authority-data: YQ==}"))) ==
          "invalid configuration: cluster \"c\": a certificate authority and insecure-skip-tls-verify are both "
          "specified");
}

TEST_CASE("certificate flags replace the data of kubeconfig") {
    ConnectionFlags flags;
    flags.context = "b";
    flags.client_certificate = "c.pem";
    flags.client_key = "/k.pem";
    const auto config = load(kBase, flags, {{"/cwd/c.pem", "C"}, {"/k.pem", "K"}});
    REQUIRE(config.ok());
    CHECK(config->client_cert_pem == "C");
    CHECK(config->client_key_pem == "K");
    CHECK(error_of(load(kBase, flags)) ==
          "user \"v\": unable to read client-certificate /cwd/c.pem: No such file or directory");
}

TEST_CASE("contradictions of a user are named, all at once") {
    CHECK(error_of(load(with_user("{token: a, username: b}"))) ==
          "invalid configuration: user \"u\": more than one authentication method: token and username/password");
    CHECK(error_of(load(with_user("{client-certificate-data: YQ==}")))
              .find("client-key or client-key-data must be specified") != std::string::npos);
    CHECK(error_of(load(with_user("{client-certificate: f, client-certificate-data: YQ==, client-key-data: YQ==}")))
              .find("are both specified") != std::string::npos);
    CHECK(error_of(load(with_user("{as-groups: [g]}"))).find("without as") != std::string::npos);
    CHECK(error_of(load(with_user("{exec: {command: p, apiVersion: client.authentication.k8s.io/v1}, as-uid: x}"))) ==
          "invalid configuration: user \"u\": exec.interactiveMode must be specified; user \"u\": as-uid, as-groups or "
          "as-user-extra "
          "without as: whom to impersonate is missing");
    CHECK(error_of(load(with_user("{exec: {command: p, apiVersion: client.authentication.k8s.io/v1alpha1}}")))
              .find("is not client.authentication.k8s.io/v1 or") != std::string::npos);
    CHECK(
        load(with_user("{exec: {command: p, apiVersion: client.authentication.k8s.io/v1beta1}}"))->exec->interactive ==
        ExecPlugin::Interactive::kIfAvailable);
    CHECK(
        error_of(
            load(with_user(
                "{exec: {command: p, apiVersion: client.authentication.k8s.io/v1beta1}, auth-provider: {name: oidc}}")))
            .find("cannot be combined") != std::string::npos);
}

TEST_CASE("bad input 28: a context or user that is not defined is named") {
    CHECK(error_of(load("current-context: gone\nclusters: []\n")) ==
          "invalid configuration: context was not found for specified context: gone");
    ConnectionFlags flags;
    flags.user = "nobody";
    CHECK(error_of(load(kBase, flags)) == "user \"nobody\" does not exist (--user)");
}

TEST_CASE("a token on the command line wins over a token file, and a certificate or token over a plugin") {
    ConnectionFlags flags;
    flags.token = "typed";
    const auto config = load(with_user("{tokenFile: /t}"), flags);
    REQUIRE(config.ok());
    CHECK(config->token == "typed");
    CHECK(config->token_file.empty());
    const std::string exec = "exec: {command: p, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}";
    CHECK(load(with_user("{" + exec + "}"))->exec);
    CHECK_FALSE(load(with_user("{" + exec + ", token: t}"))->exec);
    CHECK_FALSE(load(with_user("{" + exec + ", client-certificate-data: YQ==, client-key-data: YQ==}"))->exec);
    CHECK(error_of(load(with_user("{tokenFile: /t}"))) ==
          "user \"u\": unable to read tokenFile: /t: No such file or directory");
}

TEST_CASE("bad input 26: credentials do not go over plain HTTP") {
    const auto refused = load(with_cluster("{server: \"http://10.0.0.1:8080\"}"));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == ErrorKind::kRefused);
    CHECK(refused.error().message ==
          "refusing to use credentials over plain HTTP: the server is http://10.0.0.1:8080, and user \"u\" has "
          "credentials; nothing was sent");
    const auto local = load(with_cluster("{server: \"http://127.0.0.1:8001\"}"));
    REQUIRE(local.ok());
    CHECK(local->token.empty());
    REQUIRE(local->warnings.size() == 1);
    CHECK(local->warnings[0].find("are not sent over plain HTTP") != std::string::npos);
    ConnectionFlags flags;
    flags.token = "typed";
    CHECK(load(with_cluster("{server: \"http://127.0.0.1:8001\"}"), flags).error().kind == ErrorKind::kRefused);
    const auto impersonates = load(with_cluster("{server: \"http://10.0.0.1\"}", "{as: me}"));
    REQUIRE(impersonates.ok());
    CHECK(impersonates->as == "me");
    CHECK(load(with_cluster("{server: \"10.0.0.1:6443\"}")).error().kind == ErrorKind::kRefused);
}

TEST_CASE("a key without a certificate is not used") {
    const auto config = load(with_cluster("{server: \"http://10.0.0.1\"}", "{client-key-data: a2V5}"));
    REQUIRE(config.ok());
    CHECK(config->client_key_pem.empty());
}

TEST_CASE("a server is a URL, or host:port over plain HTTP") {
    CHECK(parse_server("HTTPS://h:6443/a/b//?q#f")->text == "https://h:6443/a/b");
    CHECK(parse_server("1.2.3.4:6443")->text == "http://1.2.3.4:6443");
    CHECK(parse_server("host")->text == "http://host");
    CHECK(parse_server("https://[::1]:6443")->host == "::1");
    CHECK_FALSE(parse_server("ftp://h").ok());
    CHECK_FALSE(parse_server("host/path").ok());
    CHECK_FALSE(parse_server("https://h:99x").ok());
    const auto user = parse_server("https://me:hunter2@h");
    REQUIRE_FALSE(user.ok());
    CHECK(user.error().message.find("hunter2") == std::string::npos);
}

TEST_CASE("header values have no control characters, and messages no values") {
    for (const char* user :
         {"{token: \"se\\ncret\"}", "{username: \"se\\rcret\", password: x}", "{as: \"se\\ncret\"}"}) {
        const auto config = load(with_user(user));
        REQUIRE_FALSE(config.ok());
        CHECK(config.error().message.find("control character") != std::string::npos);
        CHECK(config.error().message.find("cret") == std::string::npos);
    }
}

TEST_CASE("auth-provider: a valid id-token of oidc, nothing else") {
    // {"exp": 9999999999} and {"exp": 1}
    const auto valid = load(with_user(
        "{auth-provider: {name: oidc, config: {id-token: eyJhbGciOiJub25lIn0.eyJleHAiOiA5OTk5OTk5OTk5fQ.x}}}"));
    REQUIRE(valid.ok());
    CHECK(valid->token == "eyJhbGciOiJub25lIn0.eyJleHAiOiA5OTk5OTk5OTk5fQ.x");
    const auto expired =
        load(with_user("{auth-provider: {name: oidc, config: {id-token: eyJhbGciOiJub25lIn0.eyJleHAiOiAxfQ.x}}}"));
    REQUIRE_FALSE(expired.ok());
    CHECK(expired.error().message == "user \"u\": the id-token of auth-provider oidc has expired");
    CHECK(expired.error().kind == ErrorKind::kUnauthorized);
    CHECK(error_of(load(with_user("{auth-provider: {name: gcp}}"))) ==
          "user \"u\": auth-provider \"gcp\" is no longer supported");
}

TEST_CASE("types are checked as kubectl checks them, and the field is named") {
    const auto decode = [](const char* yaml) {
        const auto config = decode_config(*parse_yaml(yaml), "f");
        return config.ok() ? std::string("ok") : config.error().message;
    };
    CHECK(decode("users: [{name: u, user: {token: 123}}]") == "users[0].user.token: a string is expected");
    CHECK(decode("clusters: [{name: c, cluster: {insecure-skip-tls-verify: 1}}]") ==
          "clusters[0].cluster.insecure-skip-tls-verify: true or false is expected");
    CHECK(decode("clusters: {}") == "clusters: a list is expected");
    CHECK(decode("clusters: [{name: c}, {name: c}]") == "clusters[1]: the name \"c\" stands twice in the list");
    CHECK(decode("users: [{name: u, user: {client-key-data: 'no base64'}}]") ==
          "users[0].user.client-key-data: base64 is expected");
    CHECK(decode("apiVersion: v2") == "apiVersion \"v2\" is not v1");
    CHECK(decode("kind: Pod") == "kind \"Pod\" is not Config");
    CHECK(decode("[1]") == "a mapping is expected");
    CHECK(decode("unknown: {x: 1}\nusers: null") == "ok");
}

TEST_CASE("a pod's service account is used where nothing else is configured") {
    const std::map<std::string, std::string> files = {
        {"/sa/token", "pod-token"}, {"/sa/ca.crt", "pem"}, {"/sa/namespace", "shop\n"}};
    const ReadFile read = [&](const std::string& path) -> Result<std::string> {
        const auto found = files.find(path);
        if (found == files.end()) return Error{ErrorKind::kNotFound, path, "", 0, ""};
        return found->second;
    };
    Environment environment;
    CHECK_FALSE(find_in_cluster(environment, "/sa", read).possible);
    environment.variables = {{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}};
    CHECK_FALSE(find_in_cluster(environment, "/elsewhere", read).possible);
    const InClusterFiles pod = find_in_cluster(environment, "/sa", read);
    REQUIRE(pod.possible);
    CHECK(pod.server == "https://[fd00::1]:443");
    CHECK(pod.space == "shop");
    ConnectionFlags flags;
    flags.as = "me";
    auto selection = select(RawConfig{}, flags, "http://localhost:8080", "/");
    REQUIRE(selection.ok());
    REQUIRE(is_default(*selection, "http://localhost:8080"));
    use_in_cluster(pod, *selection);
    const auto config = assemble(*selection, flags, environment, read, SystemTime{});
    REQUIRE(config.ok());
    CHECK(config->token_file == "/sa/token");
    CHECK(config->ca_pem == "pem");
    CHECK(config->as == "me");
    environment.variables["POD_NAMESPACE"] = "from-env";
    CHECK(find_in_cluster(environment, "/sa", read).space == "from-env");
    const auto chosen = select(config_of(kBase), {}, "http://localhost:8080", "/");
    CHECK_FALSE(is_default(*chosen, "http://localhost:8080"));
}

TEST_CASE("a child kubectl gets the same choice by arguments, and secrets only by file") {
    ConnectionFlags flags;
    flags.kubeconfig = "my/config";
    flags.context = "b";
    flags.as = "me";
    flags.as_groups = {"g", "h"};
    CHECK(child_arguments(flags, "/cwd") == std::vector<std::string>{"--kubeconfig=/cwd/my/config", "--context=b",
                                                                     "--as=me", "--as-group=g", "--as-group=h"});
    flags.token = "hunter2";
    flags.password = "hunter3";
    CHECK(flags_hold_secrets(flags));
    for (const std::string& argument : child_arguments(flags, "/cwd"))
        CHECK(argument.find("hunter") == std::string::npos);
    auto selection = select(config_of(kBase), flags, "", "/cwd");
    REQUIRE(selection.ok());
    const RawConfig child = config_of(child_kubeconfig(*selection));
    CHECK(child.current_context == "b");
    CHECK(child.users.at("v").token == "hunter2");
    CHECK(child.users.at("v").as == "me");
    CHECK(child.clusters.at("d").server == "https://two/prefix/");
}

}  // namespace
}  // namespace holdfast::kubeconfig
