// Redis and Valkey: whom they follow and whether they are nodes of a cluster, as far as that is seen from here.
#include "plugins/clone/software.h"
#include "runs.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::clone;
using namespace holdfast::clone::testing;

namespace {

// ConfigMaps, each one's keys and texts.
using Maps = std::map<std::string, std::map<std::string, std::string>>;

// They are mounted at /MAP of the container, unless "map=path" says where.
Json with_maps(Json spec, const Words& mounts) {
    for (const std::string& one : mounts) {
        const std::string map = one.substr(0, one.find('=')),
                          at = one.find('=') == std::string::npos ? "/" + map : one.substr(one.find('=') + 1);
        spec["volumes"].push_back({{"name", map}, {"configMap", {{"name", map}}}});
        spec["containers"][0]["volumeMounts"].push_back({{"name", map}, {"mountPath", at}});
    }
    return spec;
}
Json with_command(Json spec, const Words& command) {
    spec["containers"][0]["command"] = command;
    return spec;
}

Status redis_joins(const Json& source, const Json& made, const Maps& maps = {}, const Words& files = {}) {
    Joining joining{recognise(source), {}};
    joining.files = files;
    std::map<std::string, Json> read;
    for (const auto& [name, data] : maps) read[name] = {{"data", data}};
    joining.mounted = mounted_files(made, joining.recognised.container, read);
    return check_joining(whole(), joining, source, made);
}
std::string why(const Json& spec, const Maps& maps = {}) {
    const Status joined = redis_joins(spec, spec, maps);
    return joined.ok() ? "" : joined.error().message;
}
std::string hint(const Json& spec, const Maps& maps = {}) {
    const Status joined = redis_joins(spec, spec, maps);
    return joined.ok() ? "" : joined.error().hint;
}

const Words kByFile = {"redis-server", "/conf/redis.conf"};
constexpr char kUnseen[] =
    " is not seen from here: by what stands there the clone may follow the source's pods, or be a node of their "
    "cluster";

}  // namespace

TEST_SUITE("clone redis") {
    TEST_CASE("one that nothing leads to another is cloned as it is") {
        for (const Runs& alone : {Runs{"redis:7", {}, {}},
                                  {"redis:7", {}, {"--appendonly", "yes"}},
                                  {"valkey/valkey:8", {}, {"valkey-server", "--save", "60 1"}},
                                  {"redis:7", {}, {"sh", "-c", "exec redis-server --requirepass \"$REDIS_PASSWORD\""}},
                                  {"bitnami/redis:7", {"REDIS_REPLICATION_MODE=master"}, {}}}) {
            CAPTURE(alone.image);
            CHECK(why(pod(alone)).empty());
        }
    }

    TEST_CASE("a configuration file from a ConfigMap is read, with what it includes") {
        const Json spec = with_maps(pod({"redis:7", {}, kByFile}), {"conf"});
        const auto told = [&](const std::string& text) { return why(spec, {{"conf", {{"redis.conf", text}}}}); };
        CHECK(told("appendonly yes\n# replicaof redis-0 6379\ncluster-enabled no\n").empty());
        CHECK(told("replicaof redis-0 6379\nreplicaof no one\n").empty());
        const std::string follows = "what sets it has it follow redis-0.redis 6379, as the source does";
        CHECK(says(told("  ReplicaOf\tredis-0.redis 6379\r\n"), follows));
        CHECK(says(told("slaveof redis-0.redis \"6379\"\n"), follows));
        CHECK(says(told("cluster-enabled yes\n"), "its own id stand in its data (nodes.conf)"));
        CHECK(says(told("sentinel monitor x redis-0 6379 2\n"), "Sentinel would take"));
        CHECK(says(told("include /conf/more.conf\n"), "its configuration file /conf/more.conf" + std::string(kUnseen)));
        const Maps more = {
            {"conf", {{"redis.conf", "include /conf/more.conf"}, {"more.conf", "replicaof redis-0.redis 6379"}}}};
        CHECK(says(why(spec, more), follows));
        const Maps rounds = {{"conf", {{"redis.conf", "include /conf/redis.conf"}}}};
        CHECK(says(why(spec, rounds), "its configuration file /conf/redis.conf"));
        // One file of it, at another place.
        Json part = pod({"redis:7", {}, {"redis-server", "/etc/r.conf"}});
        part["volumes"] = Json::array(
            {{{"name", "c"},
              {"projected",
               {{"sources",
                 Json::array({{{"configMap",
                                {{"name", "conf"},
                                 {"items", Json::array({{{"key", "redis.conf"}, {"path", "a/r.conf"}}})}}}}})}}}}});
        part["containers"][0]["volumeMounts"] =
            Json::array({{{"name", "c"}, {"mountPath", "/etc/r.conf"}, {"subPath", "a/r.conf"}}});
        CHECK(why(part, {{"conf", {{"redis.conf", "save 60 1"}}}}).empty());
        CHECK(says(why(part, {{"conf", {{"redis.conf", "replicaof redis-0.redis 6379"}}}}), follows));
        CHECK(hint(spec, more) ==
              "let it follow nobody: --set "
              "'spec.template.spec.containers[0].args=[\"redis-server\",\"/conf/"
              "redis.conf\",\"--replicaof\",\"no\",\"one\"]'");
    }

    TEST_CASE("one whose configuration is not seen from here is refused until its arguments settle that") {
        const Json image = pod({"redis:7", {}, {"redis-server", "/etc/redis.conf"}});
        Json secret = pod({"redis:7", {}, kByFile});
        secret["volumes"] = Json::array({{{"name", "conf"}, {"secret", {{"secretName", "conf"}}}}});
        secret["containers"][0]["volumeMounts"] = Json::array({{{"name", "conf"}, {"mountPath", "/conf"}}});
        const Json unread = with_maps(pod({"redis:7", {}, kByFile}), {"conf"});  // not allowed, or not there
        CHECK(says(why(image), "its configuration file /etc/redis.conf" + std::string(kUnseen)));
        for (const Json& one : {secret, unread})
            CHECK(says(why(one), "its configuration file /conf/redis.conf" + std::string(kUnseen)));
        CHECK(says(why(pod({"redis:7", {}, {"/usr/local/bin/start"}})),
                   "what its command starts" + std::string(kUnseen)));
        CHECK(says(why(pod({"redis:7", {}, {"redis-server", "$(CONF)"}})), "its configuration file $(CONF)"));
        CHECK(
            says(why(pod({"redis:7", {}, {"sh", "-c", "exec redis-server --port 6379 $FLAGS"}})), "what $FLAGS means"));
        const std::string line =
            "let it follow nobody, and be in no cluster: --set 'spec.template.spec.containers[0].args=";
        CHECK(
            hint(image) ==
            line +
                "[\"redis-server\",\"/etc/redis.conf\",\"--replicaof\",\"no\",\"one\",\"--cluster-enabled\",\"no\"]'");
        const auto by = [&](const Words& args) { return redis_joins(image, pod({"redis:7", {}, args})).ok(); };
        CHECK(by({"redis-server", "/etc/redis.conf", "--replicaof", "no", "one", "--cluster-enabled", "no"}));
        CHECK(by({"redis-server", "/etc/redis.conf", "--replicaof", "no one", "--cluster-enabled", "no"}));
        CHECK(by({"/etc/redis.conf", "--slaveof", "NO", "ONE", "--cluster-enabled=no"}));
        CHECK_FALSE(by({"redis-server", "/etc/redis.conf", "--replicaof", "no", "one"}));
        CHECK_FALSE(by({"redis-server", "/etc/redis.conf", "--cluster-enabled", "no"}));
        // The last word is the strongest.
        CHECK_FALSE(by(
            {"redis-server", "--replicaof", "no", "one", "--cluster-enabled", "no", "--include", "/etc/redis.conf"}));
        CHECK_FALSE(by({"redis-server", "/etc/redis.conf", "--cluster-enabled", "no", "--replicaof", "no", "one",
                        "--cluster-enabled", "yes"}));
        // They do not reach the server.
        const Json script = with_command(image, {"sh", "-c", "exec redis-server /etc/redis.conf"});
        Json vain = script;
        vain["containers"][0]["args"] = {"--replicaof", "no", "one", "--cluster-enabled", "no"};
        CHECK_FALSE(redis_joins(script, vain).ok());
        CHECK(says(hint(script), "give the clone a command that starts redis-server itself"));
    }

    TEST_CASE("a script from a ConfigMap is read; what it names has to be seen, too") {
        const Words mounts = {"scripts", "config=/opt/bitnami/redis/mounted-etc"};
        const Json spec = with_maps(
            with_command(
                pod({"bitnami/redis:7.2", {"REDIS_REPLICATION_MODE=master"}, {"-c", "/scripts/start-master.sh"}}),
                {"/bin/bash"}),
            mounts);
        // As Bitnami's chart has it of one that is alone.
        const std::string start =
            "#!/bin/bash\n# no replicaof here\nif [[ -f /opt/bitnami/redis/mounted-etc/redis.conf ]];then\n"
            "  cp /opt/bitnami/redis/mounted-etc/redis.conf /opt/bitnami/redis/etc/redis.conf\nfi\n"
            "ARGS=(\"--port\" \"${REDIS_PORT}\")\nARGS+=(\"--include\" \"/opt/bitnami/redis/etc/redis.conf\")\n"
            "exec redis-server \"${ARGS[@]}\"\n";
        const auto told = [&](const std::string& script, const std::string& text) {
            return why(spec, {{"scripts", {{"start-master.sh", script}}}, {"config", {{"redis.conf", text}}}});
        };
        CHECK(told(start, "appendonly yes\nsave \"\"\n").empty());
        CHECK(says(told(start, "replicaof redis-0 6379"), "has it follow redis-0 6379"));
        CHECK(says(told(start + "ARGS+=(\"--replicaof\" \"${HOST}\")", ""), "has it follow HOST"));
        CHECK(says(told(start + "ARGS+=(--cluster-enabled yes)", ""), "nodes.conf"));
        CHECK(says(told(start + "cp /other.conf x", ""), "its configuration file /other.conf"));
        CHECK(says(told(start + ". /other.sh", ""), "its script /other.sh"));
        CHECK(says(told("exec start-it", ""), "what its command starts"));
        CHECK(says(why(spec, {{"config", {{"redis.conf", ""}}}}), "its script /scripts/start-master.sh"));
        // Without a script the image takes in what is mounted there.
        const Json plain = with_maps(pod({"bitnami/redis:7.2", {}, {}}), {"config=/opt/bitnami/redis/mounted-etc"});
        CHECK(why(plain, {{"config", {{"redis.conf", "appendonly yes"}}}}).empty());
        CHECK(says(why(plain, {{"config", {{"overrides.conf", "replicaof redis-0 6379"}}}}),
                   "has it follow redis-0 6379"));
        CHECK(says(why(plain), "its configuration in /opt/bitnami/redis/mounted-etc"));
        // A folder that is empty when it starts, unless another container has filled it.
        Json scratch = pod({"bitnami/redis:7.2", {}, {}});
        scratch["volumes"] = Json::array({{{"name", "tmp"}, {"emptyDir", Json::object()}}});
        const Json mount = {{"name", "tmp"}, {"mountPath", "/opt/bitnami/redis/etc"}};
        scratch["containers"][0]["volumeMounts"] = Json::array({mount});
        CHECK(why(scratch).empty());
        scratch["initContainers"] = Json::array({{{"name", "fill"}, {"volumeMounts", Json::array({mount})}}});
        CHECK(says(why(scratch), "its configuration in /opt/bitnami/redis/etc"));
    }

    TEST_CASE("a node of a Redis Cluster is taken for the source's until it has a file of its own for the others") {
        const std::string how = "its own id stand in its data (nodes.conf)",
                          line = "\"--cluster-config-file\",\"copy.conf\"";
        const Runs node{"redis:7", {}, {"redis-server", "--cluster-enabled", "yes"}};
        refused(same(node), how, line);
        refused(same({"redis:7", {}, {"redis-server"}}, 1, {"/data/nodes.conf", "/data/dump.rdb"}), how, line);
        refused(same({"bitnami/redis-cluster:7", {}, {}}), how, line);
        Runs apart = node;
        apart.args.insert(apart.args.end(), {"--cluster-config-file", "copy.conf"});
        CHECK(joins({node, apart}).ok());
        refused(same(apart), how, line);
        apart = node;
        apart.args.back() = "no";
        CHECK(joins({node, apart}).ok());
        const Runs told{"bitnami/redis-cluster:7",
                        {"REDIS_NODES=redis-0,redis-1"},
                        {"redis-server", "--cluster-config-file", "copy.conf"}};
        refused({{"bitnami/redis-cluster:7", told.env, {}}, told},
                "variable REDIS_NODES leads it to the source's servers", "--env REDIS_NODES=...");
    }

    TEST_CASE("what Sentinel watches, and a Redis that follows another, is not started beside it") {
        const std::string how = "Sentinel would take the clone's pods for replicas of the source's";
        refused(same({"redis:7", {}, {"redis-sentinel", "/etc/sentinel.conf"}}), how, kByHand);
        refused(same({"bitnami/redis:7", {"REDIS_SENTINEL_ENABLED=true"}, {}}), how, kByHand);
        const Runs replica{"redis:7", {}, {"redis-server", "--replicaof", "redis-0 6379"}};
        refused(same(replica), "its arguments lead it to the source's servers: --replicaof", "with --set");
        CHECK(joins({replica, {"redis:7", {}, {"redis-server", "--replicaof", "no one"}}}).ok());
        CHECK(joins({replica, {"redis:7", {}, {"redis-server"}}}).ok());
        const Runs bitnami{"bitnami/redis:7", {"REDIS_REPLICATION_MODE=replica", "REDIS_MASTER_HOST=redis-0"}, {}};
        refused(same(bitnami), "variable REDIS_MASTER_HOST leads it", "--env REDIS_MASTER_HOST=...");
        const Runs file{"redis:7", {}, {"redis-server", "/etc/redis.conf"}};
        refused(same(file, 3), "by what stands there the clone may follow the source's pods",
                R"("--replicaof","no","one")");
        CHECK(joins(same({"redis:7", {}, {}}, 3)).ok());  // three by themselves
    }
}
