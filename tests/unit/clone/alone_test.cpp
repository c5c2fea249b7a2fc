// Software of clusters that runs by itself, as charts and manifests have it: it is cloned where a copy provably speaks
// with nobody else, and is not where it might.
#include "plugins/clone/software.h"
#include "runs.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::clone;
using namespace holdfast::clone::testing;

namespace {

struct Kept {
    int replicas = 1;
    std::map<std::string, std::string> files = {};  // of a ConfigMap that is mounted at /conf
};

std::string why(const std::string& source, const Runs& was, const Runs& made, const Kept& kept = {}) {
    CloneOptions wanted = options(kube::kStatefulSets, source);
    Json spec = pod(made);
    if (!kept.files.empty()) {
        spec["volumes"] = Json::array({{{"name", "c"}, {"configMap", {{"name", "c"}}}}});
        spec["containers"][0]["volumeMounts"] = Json::array({{{"name", "c"}, {"mountPath", "/conf"}}});
    }
    Joining joining{recognise(pod(was)), {}};
    joining.replicas = kept.replicas;
    joining.source_names = {source, source + "-headless"};
    joining.mounted = mounted_files(spec, "node", {{"c", {{"data", kept.files}}}});
    const Status joined = check_joining(wanted, joining, pod(was), spec);
    return joined.ok() ? "" : joined.error().message + " | " + joined.error().hint;
}
std::string why(const std::string& source, const Runs& runs, const Kept& kept = {}) {
    return why(source, runs, runs, kept);
}

Runs with(Runs runs, const std::string& variable) {
    const std::string name = variable.substr(0, variable.find('=') + 1);
    std::erase_if(runs.env, [&](const std::string& one) { return one.compare(0, name.size(), name) == 0; });
    runs.env.push_back(variable);
    return runs;
}

// bitnami/cassandra, replicaCount 1.
const Runs kCassandra{"docker.io/bitnami/cassandra:5.0",
                      {"CASSANDRA_CLUSTER_NAME=cassandra", "CASSANDRA_ENDPOINT_SNITCH=SimpleSnitch",
                       "CASSANDRA_SEEDS=cassandra-0.cassandra-headless.shop.svc.cluster.local"},
                      {"-ec",
                       "export CASSANDRA_PASSWORD_SEEDER=yes\n/opt/bitnami/scripts/cassandra/entrypoint.sh "
                       "/opt/bitnami/scripts/cassandra/run.sh"}};
// bitnami/zookeeper, replicaCount 1.
const Runs kZooKeeper{
    "docker.io/bitnami/zookeeper:3.9",
    {"ZOO_DATA_LOG_DIR=", "ZOO_PORT_NUMBER=2181", "ZOO_TICK_TIME=2000",
     "ZOO_SERVERS=zookeeper-0.zookeeper-headless.shop.svc.cluster.local:2888:3888::1 ", "ZOO_ENABLE_AUTH=no"},
    {"/scripts/setup.sh"}};
// One broker that is its own controller, as Apache's and Confluent's images document it.
const Runs kKafka{
    "apache/kafka:3.9.0",
    {"KAFKA_NODE_ID=1", "KAFKA_PROCESS_ROLES=broker,controller", "KAFKA_CONTROLLER_QUORUM_VOTERS=1@localhost:9093",
     "KAFKA_LISTENERS=PLAINTEXT://:9092,CONTROLLER://:9093", "KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:9092"},
    {}};
// confluentinc/cp-kafka-connect.
const Runs kConnect{
    "confluentinc/cp-kafka-connect:7.6.0",
    {"CONNECT_BOOTSTRAP_SERVERS=kafka:9092", "CONNECT_GROUP_ID=shop", "CONNECT_CONFIG_STORAGE_TOPIC=shop-config",
     "CONNECT_OFFSET_STORAGE_TOPIC=shop-offset", "CONNECT_STATUS_STORAGE_TOPIC=shop-status"},
    {}};

}  // namespace

TEST_SUITE("clone of one alone") {
    TEST_CASE("a Cassandra that is its own only seed needs another seed, and nothing else") {
        const auto joined = [](const Runs& was, const Runs& made, const Kept& kept = {}) {
            return why("cassandra", was, made, kept);
        };
        const std::string own = "the clone would speak with its source, which is its only seed";
        CHECK(says(joined(kCassandra, kCassandra), own));
        CHECK(says(joined(kCassandra, kCassandra), "--env CASSANDRA_SEEDS=copy-0..."));
        const Runs apart = with(kCassandra, "CASSANDRA_SEEDS=copy-0.copy");
        CHECK(joined(kCassandra, apart).empty());
        // The same host under another name, or beside it.
        for (const char* vain : {"CASSANDRA_SEEDS=CASSANDRA-0.cassandra-headless.shop.svc.cluster.local",
                                 "CASSANDRA_SEEDS=cassandra-0.cassandra-headless",
                                 "CASSANDRA_SEEDS=copy-0.copy,cassandra-0.cassandra-headless.shop.svc.cluster.local",
                                 "CASSANDRA_SEEDS=cassandra", "CASSANDRA_SEEDS="}) {
            CAPTURE(std::string(vain));
            CHECK(says(joined(kCassandra, with(kCassandra, vain)), own));
        }
        // Under its name in another namespace, of which the seed says that it is.
        CloneOptions there = options(kube::kStatefulSets, "cassandra");
        there.name = "cassandra";
        there.to_space = "staging";
        const auto staged = [&](const char* seeds) {
            return check_joining(there, {recognise(pod(kCassandra)), {}}, pod(kCassandra),
                                 pod(with(kCassandra, std::string("CASSANDRA_SEEDS=") + seeds)))
                .ok();
        };
        CHECK(staged("cassandra-0.cassandra-headless.staging.svc.cluster.local"));
        CHECK_FALSE(staged("cassandra-0.cassandra-headless.shop.svc"));
        CHECK_FALSE(staged("cassandra-0.cassandra-headless"));
        const std::string others = "the addresses of the other nodes stand in its data";
        CHECK(says(joined(kCassandra, apart, {3}), others));
        // Its seed is another node, or it has more.
        CHECK(says(joined(with(kCassandra, "CASSANDRA_SEEDS=db-0.db"), apart), others));
        CHECK(says(joined(with(kCassandra, "CASSANDRA_SEEDS=cassandra-0.c,cassandra-1.c"), apart), others));
        CHECK(says(joined(kCassandra, apart,
                          {1, {{"cassandra.yaml", "seed_provider:\n  - parameters:\n      - seeds: \"db-0\"\n"}}}),
                   others));
        CHECK(joined(with(kCassandra, "CASSANDRA_SEEDS=127.0.0.1"), with(kCassandra, "CASSANDRA_SEEDS=127.0.0.1"))
                  .empty());
    }

    TEST_CASE("a ZooKeeper that is told of one server runs by itself") {
        CHECK(why("zookeeper", kZooKeeper).empty());
        const Runs official{"zookeeper:3.9", {"ZOO_SERVERS=server.1=zoo-0:2888:3888;2181"}, {}};
        CHECK(why("zoo", official).empty());
        CHECK(why("zoo", {"zookeeper:3.9", official.env, {"zkServer.sh", "start-foreground"}}).empty());
        const std::string told = "it is told the servers of the source's ensemble";
        CHECK(says(why("zookeeper", kZooKeeper, Kept{3}), told));
        for (const char* more : {"ZOO_SERVERS=a:2888:3888::1 b:2888:3888::2", "ZOO_SERVERS=a:2888:3888,b:2888:3888",
                                 "ZOO_SERVERS=$(ALL)", "ZOO_CFG_server_2=b:2888:3888"}) {
            CAPTURE(std::string(more));
            CHECK(says(why("zookeeper", with(kZooKeeper, more)), told));
        }
        CHECK(says(why("zoo", with(official, "ZOO_STANDALONE_ENABLED=false")), told));
        CHECK(says(why("zoo", with(official, "ZOO_CFG_EXTRA=server.2=b:2888:3888")), told));
        CHECK(says(why("zoo", {"zookeeper:3.9", official.env, {"/start.sh"}}), told));
        const Kept file{1, {{"zoo.cfg", "dataDir=/data\nserver.1=zoo-a:2888:3888\n"}}};
        const std::string in_file = "the other servers of their ensemble stands in a file";
        CHECK(says(why("zoo", {"zookeeper:3.9", {}, {}}, file), in_file));
        // Where there is one its image writes none after the variable.
        CHECK(says(why("zookeeper", kZooKeeper, file), in_file));
    }

    TEST_CASE("a Kafka whose controllers are in its own pod is cloned if it advertises itself") {
        CHECK(why("kafka", kKafka).empty());
        const std::string controllers = "and controllers the clone would register with the source's cluster";
        CHECK(says(why("kafka", kKafka, Kept{3}), controllers));
        for (const char* other :
             {"KAFKA_CONTROLLER_QUORUM_VOTERS=1@kafka-0.kafka:9093",
              "KAFKA_CONTROLLER_QUORUM_VOTERS=1@localhost:9093,2@kafka-1:9093", "KAFKA_ZOOKEEPER_CONNECT=zoo:2181",
              "KAFKA_CONTROLLER_QUORUM_BOOTSTRAP_SERVERS=localhost:9093",
              "KAFKA_CONTROLLER_QUORUM_VOTERS=1@$(HOST):9093", "KAFKA_CONTROLLER_QUORUM_VOTERS="}) {
            CAPTURE(std::string(other));
            CHECK(says(why("kafka", with(kKafka, other)), controllers));
        }
        // What its command does with them nobody knows.
        CHECK(says(
            why("kafka", {kKafka.image, kKafka.env, {"sh", "-c", "kafka-server-start.sh /conf/server.properties"}}),
            controllers));
        CHECK(why("kafka", {"confluentinc/cp-kafka:7.6.0", kKafka.env, {"/etc/confluent/docker/run"}}).empty());
        const Runs led = with(kKafka, "KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://kafka-0.kafka:9092");
        CHECK(says(why("kafka", led), "variable KAFKA_ADVERTISED_LISTENERS has it connect to the source"));
        CHECK(says(why("kafka", led), "--env KAFKA_ADVERTISED_LISTENERS=..."));
        CHECK(why("kafka", led, with(led, "KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://copy-0.copy:9092")).empty());
        Runs unsaid = kKafka;
        unsaid.env.pop_back();
        CHECK(why("kafka", unsaid).empty());
        // Its own address; of another variable nothing is known.
        Json own = pod(with(kKafka, "KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://$(POD_IP):9092"));
        const auto joined = [&] { return check_joining(whole(), {recognise(own), {}}, own, own).ok(); };
        CHECK_FALSE(joined());
        Json& env = own["containers"][0]["env"];
        env.push_back({{"name", "POD_IP"}, {"value", "10.0.0.7"}});
        CHECK_FALSE(joined());
        env.back() = {{"name", "POD_IP"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "status.podIP"}}}}}};
        CHECK(joined());
    }

    TEST_CASE("a worker of Kafka Connect is no broker, and has a group and topics of its own or other brokers") {
        const std::string group = "takes connectors over from the source's workers";
        CHECK(says(why("connect", kConnect), group));
        CHECK(says(why("connect", kConnect), "--env CONNECT_GROUP_ID=... --env CONNECT_CONFIG_STORAGE_TOPIC=..."));
        Runs apart = kConnect;
        for (const char* one : {"CONNECT_GROUP_ID=copy", "CONNECT_CONFIG_STORAGE_TOPIC=copy-config",
                                "CONNECT_OFFSET_STORAGE_TOPIC=copy-offset"}) {
            apart = with(apart, one);
            CHECK(says(why("connect", kConnect, apart), group));
        }
        CHECK(why("connect", kConnect, with(apart, "CONNECT_STATUS_STORAGE_TOPIC=copy-status")).empty());
        CHECK(why("connect", kConnect, with(kConnect, "CONNECT_BOOTSTRAP_SERVERS=copy:9092")).empty());
        const Runs two = with(kConnect, "CONNECT_PRODUCER_BOOTSTRAP_SERVERS=kafka:9092");
        CHECK(says(why("connect", two, with(two, "CONNECT_BOOTSTRAP_SERVERS=copy:9092")),
                   "CONNECT_PRODUCER_BOOTSTRAP_SERVERS leads it"));
        CHECK(says(why("connect", {"confluentinc/cp-kafka-connect:7.6.0", {}, {}}), group));
    }

    TEST_CASE("others that a mounted file tells of are seen") {
        CHECK(says(
            why("es", {"elasticsearch:8", {}, {}}, Kept{1, {{"elasticsearch.yml", "discovery.seed_hosts: [a, b]\n"}}}),
            "under the same cluster.name"));
        CHECK(says(why("mq", {"rabbitmq:3", {}, {}},
                       Kept{1, {{"rabbitmq.conf", "# x\ncluster_formation.peer_discovery_backend = k8s\n"}}}),
                   "is RabbitMQ"));
        CHECK(
            says(why("consul", {"consul:1.19", {}, {"agent"}}, Kept{1, {{"server.json", "{\"retry_join\": [\"a\"]}"}}}),
                 "is Consul"));
        CHECK(why("mq", {"rabbitmq:3", {}, {}},
                  Kept{1, {{"rabbitmq.conf", "# cluster_formation.x = y\nlog.console = true\n"}}})
                  .empty());
    }
}
