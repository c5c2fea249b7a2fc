// Software whose nodes are members of a cluster by what is in their data: what lets a clone of it start, and what does
// not.
#include "runs.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::clone;
using namespace holdfast::clone::testing;

TEST_SUITE("clone members") {
    TEST_CASE("one that is alone is cloned as it is") {
        for (const Runs& alone :
             {Runs{"etcd:3.5", {}, {}},
              {"etcd:3.5", {"ETCD_INITIAL_CLUSTER=a=http://a:2380"}, {}},
              {"etcd:3.5", {}, {"--initial-cluster=a=http://a:2380", "--initial-cluster-state=new"}},
              {"cassandra:4.1", {"CASSANDRA_CLUSTER_NAME=shop"}, {}},
              {"zookeeper:3.9", {}, {}},
              {"elasticsearch:8", {}, {}},
              {"elasticsearch:8", {"discovery.type=single-node"}, {}},
              {"rabbitmq:3", {"RABBITMQ_ERLANG_COOKIE=x"}, {}},
              {"cockroach:v24", {}, {"start-single-node", "--insecure"}},
              {"consul:1.19", {}, {"agent", "-server", "-bootstrap-expect=1"}}}) {
            CAPTURE(alone.image);
            const Status joined = joins(same(alone));
            CHECK_MESSAGE(joined.ok(), (joined.ok() ? "" : joined.error().message));
        }
    }

    TEST_CASE("a member of an etcd cluster is one until each pod is made a cluster of its own") {
        const std::string how = "stand in its data, and the clone would be one of them";
        const std::string line = "--env ETCD_FORCE_NEW_CLUSTER=true";
        const Runs three{"etcd:3.5", {"ETCD_INITIAL_CLUSTER=a=http://a:2380,b=http://b:2380"}, {}};
        refused(same(three), "speak with the source's members", kByHand);
        refused(same({"etcd:3.5", {}, {}}, 3), how, line);
        refused(same({"etcd:3.5", {}, {"--initial-cluster", "a=http://a:2380,b=http://b:2380"}}), how, line);
        refused(same({"etcd:3.5", {}, {"sh", "-c", "exec etcd --initial-cluster ${PEERS}"}}), how, line);
        refused(same({"etcd:3.5", {}, {"--discovery-srv=example.test"}}), how, line);
        const Runs words{"etcd:3.5", {"ETCD_DATA_DIR=/d"}, {"--initial-cluster=a=http://a:2380,b=http://b:2380"}};
        Runs apart = words;
        apart.env.push_back("ETCD_FORCE_NEW_CLUSTER=true");
        CHECK(joins({words, apart, 3}).ok());
        apart.env.back() = "ETCD_FORCE_NEW_CLUSTER=false";
        CHECK_FALSE(joins({words, apart, 3}).ok());
        apart = words;
        apart.args = {"--force-new-cluster"};
        CHECK(joins({words, apart, 3}).ok());
    }

    TEST_CASE("an etcd that a script or a file tells its members is one, whatever forces a new cluster") {
        const std::string scripts = "speak with the source's members";
        for (const char* kept : {"ETCD_CLUSTER_DOMAIN=etcd.shop.svc", "ETCD_INITIAL_CLUSTER=a=http://a:2380,b=http://b",
                                 "ETCDCTL_ENDPOINTS=etcd-0:2379"}) {
            CAPTURE(kept);
            const Runs told{"etcd:3.5", {kept}, {}};
            Runs apart = told;
            apart.env.push_back("ETCD_FORCE_NEW_CLUSTER=true");
            refused({told, apart, 3}, scripts, kByHand);
            refused({told, apart}, scripts, kByHand);
        }
        const Runs bitnami{"bitnami/etcd:3.5", {}, {}};
        CHECK(joins(same(bitnami)).ok());
        refused({bitnami, {"bitnami/etcd:3.5", {"ETCD_FORCE_NEW_CLUSTER=true"}, {}}, 3}, scripts, kByHand);
        for (const Runs& by_file : {Runs{"etcd:3.5", {"ETCD_FORCE_NEW_CLUSTER=true"}, {"--config-file=/etc/etcd.yml"}},
                                    Runs{"etcd:3.5", {"ETCD_CONFIG_FILE=/etc/e"}, {"--force-new-cluster"}}})
            refused(same(by_file), "its configuration file, beside which etcd reads neither arguments nor variables",
                    kByHand);
        for (const char* when : {"preStop", "postStart"}) {
            Json hooked = pod({"etcd:3.5", {"ETCD_FORCE_NEW_CLUSTER=true"}, {}});
            hooked["containers"][0]["lifecycle"][when]["exec"]["command"] = {"/scripts/prestop.sh"};
            const Status joined = check_joining(whole(), {recognise(hooked), {}}, hooked, hooked);
            REQUIRE_FALSE(joined.ok());
            CHECK(says(joined.error().message, scripts));
        }
    }

    TEST_CASE("servers of a ZooKeeper ensemble are told others, or are not cloned") {
        const Runs told{"zookeeper:3.9", {"ZOO_SERVERS=server.1=zoo-0:2888:3888;2181"}, {}};
        refused(same(told, 3), "the servers of the source's ensemble", "--env ZOO_SERVERS='server.1=copy-0");
        CHECK(joins({told, {"zookeeper:3.9", {"ZOO_SERVERS=server.1=copy-0:2888:3888;2181"}, {}}, 3}).ok());
        refused({told, {"zookeeper:3.9", {}, {}}}, "the servers of the source's ensemble", "--env ZOO_SERVERS");
        refused(same({"zookeeper:3.9", {}, {"start-zookeeper", "--servers=3"}}, 3), "is not seen from here", kByHand);
    }

    TEST_CASE("an Elasticsearch joins those whose cluster has the name of its own") {
        const std::string how = "under the same cluster.name the clone would join them";
        const Runs unnamed{"elasticsearch:8", {"discovery.seed_hosts=es-0,es-1"}, {}};
        refused(same(unnamed), how, kByHand);
        refused(same({"opensearch:2", {}, {}}, 3), how, kByHand);
        const Runs named{"elasticsearch:8", {"discovery.seed_hosts=es-0,es-1", "cluster.name=shop"}, {}};
        refused(same(named), how, "--env cluster.name=copy");
        // Whether its image reads a variable that the source has not, nothing says.
        refused({unnamed, named}, how, kByHand);
        const Runs bitnami{"bitnami/elasticsearch:8", {"ELASTICSEARCH_CLUSTER_HOSTS=a,b"}, {}};
        for (const char* vain : {"cluster.name=copy", "discovery.type=single-node"}) {
            Runs made = bitnami;
            made.env.push_back(vain);
            refused({bitnami, made}, how, kByHand);
        }
        CHECK(joins({named, {"elasticsearch:8", {"discovery.seed_hosts=es-0,es-1", "cluster.name=copy"}, {}}, 3}).ok());
        CHECK(joins({named, {"elasticsearch:8", {"discovery.type=single-node", "cluster.name=shop"}, {}}}).ok());
        refused(same({"bitnami/elasticsearch:8",
                      {"ELASTICSEARCH_CLUSTER_HOSTS=a,b", "ELASTICSEARCH_CLUSTER_NAME=shop"},
                      {}}),
                how, "--env ELASTICSEARCH_CLUSTER_NAME=copy");
    }

    TEST_CASE("where nothing cuts the tie it is refused, and what is to be done instead is said") {
        refused(same({"cassandra:4.1", {"CASSANDRA_SEEDS=cassandra-0.cassandra"}, {}}), "is Cassandra", kByHand);
        refused(same({"cassandra:4.1", {}, {}}, 3), "no setting keeps a copy from speaking with them", kByHand);
        refused(same({"rabbitmq:3", {"RABBITMQ_CLUSTER_PARTITION_HANDLING=x"}, {}}), "is RabbitMQ", kByHand);
        refused(same({"rabbitmq:3", {}, {}}, 3), "with the same cookie the clone would join them", kByHand);
        refused(same({"cockroach:v24", {}, {"start", "--join=a,b"}}), "is CockroachDB", kByHand);
        refused(same({"consul:1.19", {}, {"agent", "-retry-join=consul-0"}}), "is Consul", kByHand);
        refused(same({"consul:1.19", {}, {"agent", "-bootstrap-expect=3"}}), "is Consul", kByHand);
        refused(same({"consul:1.19", {"CONSUL_LOCAL_CONFIG={\"retry_join\":[\"a\"]}"}, {}}), "is Consul", kByHand);
        refused(same({"consul:1.19", {}, {}}, 3), "the addresses of the other agents stand in its data", kByHand);
    }
}
