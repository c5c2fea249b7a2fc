#include "common/kube/objects/redact.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace holdfast;
using kube::hash_secrets;
using kube::looks_like_secret_name;
using kube::looks_like_secret_value;

TEST_CASE("names of secrets are told from names of other things") {
    for (const char* name : {"POSTGRES_PASSWORD", "dbPassword", "PGPASSWD", "AWS_SECRET_ACCESS_KEY", "API_KEY",
                             "apiKey", "KEY", "GITHUB_TOKEN", "X-Auth-Token", "Authorization", "DB_PWD", "MYSQL_PASS",
                             "--requirepass", "encryption.key", "AZURE_CREDENTIALS", "SSH_KEYS"}) {
        CAPTURE(name);
        CHECK(looks_like_secret_name(name));
    }
    for (const char* name : {"PGDATA", "POSTGRES_USER", "POSTGRES_DB", "PWD", "OLDPWD", "KEYSPACE", "MONKEY",
                             "BYPASS_CACHE", "KEYCLOAK_URL", "HOSTNAME", ""}) {
        CAPTURE(name);
        CHECK_FALSE(looks_like_secret_name(name));
    }
}

TEST_CASE("values that give themselves away are found under any name") {
    CHECK(looks_like_secret_value("postgres://app:hunter2@db:5432/shop"));
    CHECK(looks_like_secret_value("see amqp://u:p@mq/ for more"));
    CHECK(looks_like_secret_value("host=db user=app password=hunter2"));
    CHECK(looks_like_secret_value("-----BEGIN RSA PRIVATE KEY-----\nMII"));
    CHECK(looks_like_secret_value("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"));
    CHECK_FALSE(looks_like_secret_value("https://example.org:8443/path"));
    CHECK_FALSE(looks_like_secret_value("postgres://app@db/shop"));
    CHECK_FALSE(looks_like_secret_value("https://example.org/?mail=a:b@c"));
    CHECK_FALSE(looks_like_secret_value("/var/lib/postgresql/data"));
}

TEST_CASE("env, arguments, headers and annotations lose their secrets and keep the rest") {
    Json pod = Json::parse(R"({"metadata": {"annotations": {"note": "plain", "vault.example/token": "s.abc"}},
      "spec": {"containers": [{"name": "db",
        "env": [{"name": "PGDATA", "value": "/data/pgdata"}, {"name": "POSTGRES_PASSWORD", "value": "hunter2"},
                {"name": "PASSWORD_FILE", "value": "/run/secrets/pw"},
                {"name": "SECRET_REF", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}],
        "command": ["sh", "-c", "exec app --db-password=hunter2"],
        "args": ["--port=5432", "--auth-token", "hunter2", "--api-key=hunter2", "DSN=postgres://a:hunter2@h/d"],
        "livenessProbe": {"httpGet": {"httpHeaders": [{"name": "Authorization", "value": "Basic hunter2"}]}}}]}})");
    hash_secrets(pod);
    const std::string text = pod.dump();
    CHECK(text.find("hunter2") == std::string::npos);
    CHECK(text.find("s.abc") == std::string::npos);
    CHECK(text.find("/data/pgdata") != std::string::npos);
    CHECK(text.find("/run/secrets/pw") != std::string::npos);
    CHECK(text.find(R"("secretKeyRef":{"name":"db","key":"password"})") != std::string::npos);
    CHECK(text.find("--port=5432") != std::string::npos);
    CHECK(text.find("plain") != std::string::npos);

    const Json once = pod;
    hash_secrets(pod);
    CHECK(pod == once);
}

TEST_CASE("a hash shows that a value changed and no more") {
    CHECK(kube::hashed_value("hunter2") == kube::hashed_value("hunter2"));
    CHECK(kube::hashed_value("hunter2") != kube::hashed_value("hunter3"));
    CHECK(kube::hashed_value("hunter2").size() == std::string("hashed:").size() + 6);
}

TEST_CASE("a kept manifest drops kubectl's copy of itself, which repeats every literal") {
    const Json live =
        Json::parse(R"({"kind": "StatefulSet", "metadata": {"name": "db", "managedFields": [{"manager": "x"}],
      "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"value\":\"hunter2\"}", "team": "a"}},
      "spec": {"replicas": 1}, "status": {"replicas": 1}})");
    const Json kept = kube::manifest_to_keep(live);
    CHECK(kept.dump().find("hunter2") == std::string::npos);
    CHECK_FALSE(kept.contains("status"));
    CHECK_FALSE(kept["metadata"].contains("managedFields"));
    CHECK(kept["metadata"]["annotations"]["team"] == "a");
    CHECK(kept["spec"] == live["spec"]);
}
