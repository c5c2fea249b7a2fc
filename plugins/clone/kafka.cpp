// Kafka: a broker registers with the controllers, or the ZooKeeper, that it is told, under the cluster.id of its data.
// A worker of Kafka Connect joins the group that it is told, and has nothing of it in its data.
#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/containers.h"
#include "plugins/clone/led.h"

#include <algorithm>

namespace holdfast::clone {
namespace {

const std::vector<std::string> kControllers = {"KAFKA_ZOOKEEPER_CONNECT",
                                               "KAFKA_CONTROLLER_QUORUM_VOTERS",
                                               "KAFKA_CONTROLLER_QUORUM_BOOTSTRAP_SERVERS",
                                               "KAFKA_CFG_ZOOKEEPER_CONNECT",
                                               "KAFKA_CFG_CONTROLLER_QUORUM_VOTERS",
                                               "KAFKA_CFG_CONTROLLER_QUORUM_BOOTSTRAP_SERVERS"};
const std::vector<std::string> kAdvertised = {"KAFKA_ADVERTISED_", "KAFKA_CFG_ADVERTISED_"};
// What the workers of one Connect cluster share.
const std::vector<std::string> kConnectNames = {"CONNECT_GROUP_ID", "CONNECT_CONFIG_STORAGE_TOPIC",
                                                "CONNECT_OFFSET_STORAGE_TOPIC", "CONNECT_STATUS_STORAGE_TOPIC"};

class Broker {
  public:
    Broker(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made)
        : options_(options),
          joining_(joining),
          source_(source),
          made_(made),
          container_(joining.recognised.container) {}

    Status check() const {
        if (is_connect()) return connect();
        if (speaks_with_itself(source_) && speaks_with_itself(made_)) return advertised();
        // Of variables that the source does not set nothing says that its image reads them: it may have a file.
        const auto told = variables_in(source_, container_, kControllers);
        const bool other_seeds = seeds(source_) && seeds(made_) && kept_word(source_, made_, {"--seeds"}).empty();
        if (!other_seeds && !sets_anew(source_, made_, container_, kControllers))
            return would_join(options_, joining_,
                              "with the source's cluster.id (meta.properties) and controllers the clone would register "
                              "with the source's cluster",
                              told.empty() ? std::string(kByHand)
                                           : "name controllers of its own: --env " +
                                                 told.begin()->first.substr(container_.size() + 1) + "=...");
        return check_led_back(options_, joining_, source_, made_, kControllers,
                              {"zookeeper.connect", "controller.quorum", "--seeds"});
    }

  private:
    static bool seeds(const Json& pod_spec) {
        for (const Placed& one : all_containers(pod_spec)) {
            for (const std::string& word : words_of(*one.container)) {
                if (has_any(word, {"--seeds"})) return true;
            }
        }
        return false;
    }

    // Its image's own command, which makes its configuration of variables.
    bool runs_by_variables(const Json& pod_spec) const {
        const std::vector<Placed> all = all_containers(pod_spec);
        const Placed* own = placed_of(all, container_);
        if (own == nullptr) return false;
        const std::vector<std::string> words = words_of(*own->container);
        return std::all_of(words.begin(), words.end(), [](const std::string& word) {
            return word == "/etc/confluent/docker/run" || word == "/etc/kafka/docker/run";
        });
    }

    // One by itself, whose controllers are in its own pod. With bootstrap servers the voters stand in its data
    // (KIP-853), and not in what it is told.
    bool speaks_with_itself(const Json& pod_spec) const {
        if (joining_.replicas > 1 || !runs_by_variables(pod_spec)) return false;
        bool told = false;
        for (const std::string& name : kControllers) {
            if (variables_in(pod_spec, container_, {name}).empty()) continue;
            const std::vector<std::string> hosts = hosts_in(value_in(pod_spec, container_, name));
            const bool own = !hosts.empty() && std::all_of(hosts.begin(), hosts.end(), is_loopback);
            if (!own || ends_with(name, "BOOTSTRAP_SERVERS")) return false;
            told = true;
        }
        return told;
    }

    // It connects to itself, too, by the address that it tells its clients: markers of transactions would go to its
    // source.
    Status advertised() const {
        const auto before = variables(source_, kAdvertised), after = variables_in(made_, container_, kAdvertised);
        for (const auto& [name, value] : after) {
            const std::string variable = name.substr(container_.size() + 1);
            const std::vector<std::string> hosts = hosts_in(value_in(made_, container_, variable));
            const auto was = before.find(name);
            const bool kept = was != before.end() && was->second == value;
            if (!kept || (!hosts.empty() && std::all_of(hosts.begin(), hosts.end(), [&](const std::string& host) {
                    return host.empty() || is_loopback(host) || is_own_address(host);
                })))
                continue;
            return would_join(options_, joining_,
                              "variable " + variable +
                                  " has it connect to the source for what it sends itself, and sends its clients there",
                              "give it another value: --env " + variable + "=...");
        }
        return {};
    }

    // "$(POD_IP)" of a variable that is the pod's own address or name.
    bool is_own_address(const std::string& host) const {
        if (!starts_with(host, "$(") || host.find(')') != host.size() - 1) return false;
        const std::string wanted = host.substr(2, host.size() - 3);
        for (const auto& [name, value] : variables_in(made_, container_, {""})) {
            if (to_lower(name.substr(container_.size() + 1)) != wanted) continue;
            return has_any(value, {"\"status.podIP\"", "\"metadata.name\""});
        }
        return false;
    }

    bool is_connect() const {
        return joining_.recognised.by.find("kafka-connect") != std::string::npos ||
               !variables_in(source_, container_, {"CONNECT_GROUP_ID"}).empty();
    }

    Status connect() const {
        const std::vector<std::string> brokers = {"CONNECT_BOOTSTRAP_SERVERS"};
        const auto all = variables_in(made_, container_, {"CONNECT_"});
        const bool led = std::any_of(all.begin(), all.end(), [](const auto& one) {
            return one.first.find("BOOTSTRAP_SERVERS") != std::string::npos;
        });
        if (led && sets_anew(source_, made_, container_, brokers)) {
            std::vector<std::string> names;
            for (const auto& [name, value] : all) {
                if (name.find("BOOTSTRAP_SERVERS") != std::string::npos)
                    names.push_back(name.substr(container_.size() + 1));
            }
            return check_led_back(options_, joining_, source_, made_, names, {"bootstrap.servers"});
        }
        std::vector<std::string> kept;
        for (const std::string& name : kConnectNames) {
            if (!sets_anew(source_, made_, container_, {name})) kept.push_back("--env " + name + "=...");
        }
        if (kept.empty()) return {};
        const bool told = variables_in(source_, container_, kConnectNames).size() == kConnectNames.size();
        return would_join(options_, joining_,
                          "a worker of Kafka Connect that has the source's group and topics takes connectors over from "
                          "the source's workers",
                          told ? "give it a group and topics of its own: " + join(kept, " ") : std::string(kByHand));
    }

    const CloneOptions& options_;
    const Joining& joining_;
    const Json& source_;
    const Json& made_;
    const std::string& container_;
};

}  // namespace

Status check_kafka(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made) {
    return Broker(options, joining, source, made).check();
}

}  // namespace holdfast::clone
