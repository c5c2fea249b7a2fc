// Software whose nodes are members of a cluster by what is in their data: a copy of one would be taken for it, or would
// push it out. Each rule says by what one that is alone is told, and what cuts the others off, where anything does.
#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/containers.h"
#include "plugins/clone/led.h"

#include <algorithm>

namespace holdfast::clone {
namespace {

// What is looked at, of the source and of what is to be made of it.
class ClusterNode {
  public:
    ClusterNode(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made)
        : options_(options), joining_(joining), source_(source), made_(made) {}

    Status check() const {
        switch (joining_.recognised.software) {
            case Software::kEtcd:
                return etcd();
            case Software::kCassandra:
                return cassandra();
            case Software::kZooKeeper:
                return zookeeper();
            case Software::kElastic:
                return elastic();
            case Software::kRabbit:
                return rabbit();
            case Software::kCockroach:
                return cockroach();
            default:
                return consul();
        }
    }

  private:
    static std::vector<std::string> words_in(const Json& pod_spec) {
        std::vector<std::string> words;
        for (const Placed& one : all_containers(pod_spec)) {
            for (std::string& word : words_of(*one.container)) words.push_back(std::move(word));
        }
        return words;
    }
    static bool says(const Json& pod_spec, std::initializer_list<const char*> parts) {
        const std::vector<std::string> words = words_in(pod_spec);
        return std::any_of(words.begin(), words.end(), [&](const std::string& word) { return has_any(word, parts); });
    }
    static bool has(const Json& pod_spec, const std::vector<std::string>& names) {
        return !variables(pod_spec, names).empty();
    }
    bool several() const { return joining_.replicas > 1; }
    Status joins(const std::string& how, const std::string& hint) const {
        return would_join(options_, joining_, how, hint);
    }
    // What "--flag VALUE" or "--flag=VALUE" says, all of it; "" : nothing.
    static std::string value_of(const Json& pod_spec, const std::string& flag) {
        const std::vector<std::string> words = words_in(pod_spec);
        for (std::size_t i = 0; i < words.size(); ++i) {
            if (words[i] == flag && i + 1 < words.size()) return words[i + 1];
            const std::size_t at = words[i].find(flag + "=");
            if (at != std::string::npos) return words[i].substr(at + flag.size() + 1);
        }
        return "";
    }

    bool bitnami(const Json& pod_spec) const {
        const std::vector<Placed> all = all_containers(pod_spec);
        const Placed* own = placed_of(all, joining_.recognised.container);
        return own != nullptr && is_bitnami(*own->container);
    }
    // A command that its pods run when they start or end, and that speaks with its members, or may.
    bool hooked(const Json& pod_spec) const {
        for (const Placed& one : all_containers(pod_spec)) {
            const Json* hooks = kube::find_at(*one.container, "/lifecycle");
            if (hooks != nullptr && has_any(hooks->dump(), {".sh", "etcd"})) return true;
        }
        return false;
    }

    // Its members stand in its data directory; --initial-cluster is not read again (etcd: Clustering Guide). Scripts,
    // such as those of Bitnami's image, update and remove members by etcdctl, at the endpoints that variables name.
    Status etcd() const {
        const std::string members = value_of(source_, "--initial-cluster") +
                                    value_in(source_, joining_.recognised.container, "ETCD_INITIAL_CLUSTER");
        const bool told = says(source_, {"--initial-cluster ", "--discovery"}) || has(source_, {"ETCD_DISCOVERY"});
        const std::vector<std::string> endpoints = {"ETCD_CLUSTER_DOMAIN", "ETCD_INITIAL_CLUSTER", "ETCDCTL_ENDPOINTS"};
        const bool scripted = has(source_, {"ETCD_CLUSTER_DOMAIN", "ETCDCTL_ENDPOINTS"}) || hooked(made_);
        const bool by_file = says(made_, {"--config-file"}) || has(made_, {"ETCD_CONFIG_FILE"});
        if (by_file)
            return joins(
                "its members stand in its data or in its configuration file, beside which etcd reads neither arguments "
                "nor variables, and the clone would be one of them",
                kByHand);
        if (!several() && !told && !scripted && members.find_first_of(",$") == std::string::npos) return {};
        const bool forced = says(made_, {"--force-new-cluster"}) ||
                            value_in(made_, joining_.recognised.container, "ETCD_FORCE_NEW_CLUSTER") == "true";
        const bool led = bitnami(made_) || hooked(made_) || !kept_variable(source_, made_, endpoints).empty();
        if (led)
            return joins(
                "the members of its cluster stand in its data, and its image's scripts, its hooks or what its "
                "variables "
                "name would have the clone speak with the source's members, update and remove them",
                kByHand);
        if (forced) return {};
        return joins("the members of its cluster stand in its data, and the clone would be one of them",
                     "make each pod of the clone a cluster of its own: --env ETCD_FORCE_NEW_CLUSTER=true");
    }

    // Cluster name, host id and the other nodes stand in its tables system.local and system.peers; a configured name
    // that is another one keeps it from starting (SystemKeyspace.checkHealth). One whose only seed is itself knows
    // nobody, and a copy speaks first with its seeds.
    Status cassandra() const {
        const std::string& container = joining_.recognised.container;
        const std::vector<std::string> was = hosts_in(value_in(source_, container, "CASSANDRA_SEEDS")),
                                       now = hosts_in(value_in(made_, container, "CASSANDRA_SEEDS"));
        const bool named = has(source_, {"CASSANDRA_SEEDS"});
        const bool file = joining_.mounted.say({"seeds:"}) || says(source_, {"seeds"});
        if (!several() && !named && !file) return {};
        const bool alone =
            !several() && !file && was.size() == 1 && (is_loopback(was.front()) || is_own_pod(was.front()));
        if (alone && is_loopback(was.front()) && now == was) return {};
        const bool apart = !now.empty() && std::none_of(now.begin(), now.end(), [&](const std::string& host) {
            return names_source(host) || std::find(was.begin(), was.end(), host) != was.end();
        });
        if (alone && apart) return {};
        if (alone)
            return joins("the clone would speak with its source, which is its only seed, and has the host id of that",
                         "name its own pod: --env CASSANDRA_SEEDS=" + options_.name + "-0...");
        return joins(
            "its host id and the addresses of the other nodes stand in its data, and no setting keeps a copy from "
            "speaking with them",
            kByHand);
    }

    // A single server in its configuration makes it run by itself, and what that names is not connected to
    // (QuorumPeerConfig: "only one server specified (ignoring)"); Bitnami's image leaves it out.
    bool is_standalone(const std::string& servers) const {
        const std::string& container = joining_.recognised.container;
        if (servers.empty() || servers.find('$') != std::string::npos) return false;
        const std::vector<Placed> placed = all_containers(made_);
        const Placed* own = placed_of(placed, container);
        if (own == nullptr) return false;
        for (const std::string& word : words_of(*own->container)) {
            // A script of somebody's own may do anything with it.
            if (!bitnami(made_) && !has_any(word, {"docker-entrypoint.sh", "zkServer.sh", "start-foreground"}))
                return false;
        }
        const std::vector<std::string> all = parts_of(servers, bitnami(made_) ? " ,;\t\n" : " \t\n");
        const std::string standalone = value_in(made_, container, "ZOO_STANDALONE_ENABLED");
        return all.size() == 1 && (standalone.empty() || standalone == "true") && !has(made_, {"ZOO_CFG_"});
    }

    Status zookeeper() const {
        const std::vector<std::string> servers = {"ZOO_SERVERS", "ZOOKEEPER_SERVERS"};
        const bool file = joining_.mounted.say({"server."});
        if (!several() && !has(source_, servers) && !file) return {};
        const std::string& container = joining_.recognised.container;
        const bool one = is_standalone(value_in(source_, container, "ZOO_SERVERS")) &&
                         is_standalone(value_in(made_, container, "ZOO_SERVERS"));
        if (!several() && !file && one && !has(made_, {"ZOOKEEPER_SERVERS"})) return {};
        if (!file && sets_anew(source_, made_, container, servers) && kept_variable(source_, made_, servers).empty())
            return {};
        if (has(source_, servers) && !file)
            return joins("it is told the servers of the source's ensemble",
                         "name the clone's own: --env ZOO_SERVERS='server.1=" + options_.name + "-0...'");
        return joins(
            "what tells its pods the other servers of their ensemble stands in a file or script that is not seen "
            "from here",
            kByHand);
    }

    // It looks for the nodes that it knew last, whatever seed_hosts says, and joins those with its cluster's name
    // alone.
    Status elastic() const {
        const auto alone = [&](const Json& pod_spec) {
            for (const auto& [name, value] :
                 variables_in(pod_spec, joining_.recognised.container, {"discovery.type", "DISCOVERY_TYPE"})) {
                if (!bitnami(pod_spec) && value.find("single-node") != std::string::npos) return true;
            }
            return says(pod_spec, {"discovery.type=single-node"});
        };
        const bool told = has(source_, {"discovery.", "cluster.initial_", "DISCOVERY_", "ES_SETTING_DISCOVERY",
                                        "ELASTICSEARCH_CLUSTER_HOSTS", "OPENSEARCH_CLUSTER_HOSTS"}) ||
                          says(source_, {"discovery."}) || joining_.mounted.say({"discovery.", "cluster.initial_"});
        if (alone(made_) || (!several() && !told)) return {};
        const std::vector<std::string> names = {"cluster.name", "CLUSTER_NAME", "ES_SETTING_CLUSTER_NAME",
                                                "ELASTICSEARCH_CLUSTER_NAME", "OPENSEARCH_CLUSTER_NAME"};
        if (sets_anew(source_, made_, joining_.recognised.container, names) &&
            kept_variable(source_, made_, names).empty())
            return {};
        // Of a variable that the source does not set nothing says that its image reads it.
        const auto named = variables_in(source_, joining_.recognised.container, names);
        return joins(
            "the nodes of its cluster stand in its data, and under the same cluster.name the clone would join them",
            named.empty()
                ? std::string(kByHand)
                : "give it a name of its own: --env " +
                      named.begin()->first.substr(joining_.recognised.container.size() + 1) + "=" + options_.name);
    }

    Status rabbit() const {
        const bool told = has(source_, {"RABBITMQ_CLUSTER", "RABBITMQ_PEER", "K8S_SERVICE_NAME"}) ||
                          says(source_, {"join_cluster", "peer_discovery"}) ||
                          joining_.mounted.say({"cluster_formation."});
        if (!several() && !told) return {};
        return joins(
            "the other nodes of its cluster stand in its data or are looked for in Kubernetes, and with the same "
            "cookie the clone would join them",
            kByHand);
    }

    Status cockroach() const {
        if (says(source_, {"start-single-node"})) return {};
        return joins(
            "its node id, its cluster's id and the addresses of other nodes stand in its data, and no setting takes "
            "them out",
            kByHand);
    }

    Status consul() const {
        const std::string expected = value_of(source_, "-bootstrap-expect") +
                                     value_in(source_, joining_.recognised.container, "CONSUL_BOOTSTRAP_EXPECT");
        const bool told = says(source_, {"-retry-join", "-join"}) || has_text(source_, "CONSUL_LOCAL_CONFIG", "join") ||
                          (!expected.empty() && expected != "1") || has_file_with("_join");
        if (!several() && !told) return {};
        return joins(
            "its node id and the addresses of the other agents stand in its data, and it would speak with them",
            kByHand);
    }

    bool has_file_with(const std::string& part) const {
        const auto& files = joining_.mounted.files;
        return std::any_of(files.begin(), files.end(),
                           [&](const MountedFile& one) { return one.text.find(part) != std::string::npos; });
    }
    // By a Service that means the source's pods, or as one of them.
    bool names_source(const std::string& host) const {
        const std::vector<std::string> labels = split(host, '.');
        const auto service = std::find(labels.begin(), labels.end(), "svc");
        if (options_.to_space != options_.space && service - labels.begin() > 1 && service != labels.end() &&
            *(service - 1) == options_.to_space)
            return false;  // one of the clone's namespace
        const auto& names = joining_.source_names;
        return is_own_pod(host) || std::any_of(labels.begin(), labels.end(), [&](const std::string& label) {
                   return std::find(names.begin(), names.end(), label) != names.end();
               });
    }
    // "cassandra-0.cassandra.shop.svc" of sts/cassandra
    bool is_own_pod(const std::string& host) const {
        const std::string pod = host.substr(0, host.find('.')), name = options_.source.name + "-";
        return starts_with(pod, name) && pod.size() > name.size() &&
               pod.find_first_not_of("0123456789", name.size()) == std::string::npos;
    }

    static bool has_text(const Json& pod_spec, const std::string& variable, const std::string& part) {
        for (const auto& [name, value] : variables(pod_spec, {variable})) {
            if (value.find(part) != std::string::npos) return true;
        }
        return false;
    }

    const CloneOptions& options_;
    const Joining& joining_;
    const Json& source_;
    const Json& made_;
};

}  // namespace

Status check_member(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made) {
    return ClusterNode(options, joining, source, made).check();
}

}  // namespace holdfast::clone
