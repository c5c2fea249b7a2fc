// MySQL and MariaDB: a copy has the settings of its source's replication in its tables, and MySQL's its server_uuid in
// auto.cnf: a replica's copy would begin to replicate, and its source would end the replica's own connection.
#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/containers.h"
#include "plugins/clone/led.h"

#include <algorithm>

namespace holdfast::clone {
namespace {

bool is_mariadb(const Json& container) {
    if (to_lower(kube::text_at(container, "/image")).find("mariadb") != std::string::npos) return true;
    const auto& env = list_of_container(container, "env");
    return std::any_of(env.begin(), env.end(),
                       [](const Json& one) { return starts_with(kube::text_at(one, "/name"), "MARIADB_"); });
}

// "--skip-replica-start", "--skip_slave_start=ON"; not "--skip-replica-start=OFF".
bool keeps_from_replicating(std::string word) {
    std::replace(word.begin(), word.end(), '_', '-');
    for (const char* flag : {"skip-replica-start", "skip-slave-start"}) {
        const std::size_t at = word.find(flag);
        if (at == std::string::npos) continue;
        const std::string rest = to_lower(word.substr(at + std::string(flag).size()));
        return !starts_with(rest, "=0") && !starts_with(rest, "=off") && !starts_with(rest, "=false");
    }
    return false;
}

bool starts_no_replica(const Json& container) {
    for (const std::string& word : words_of(container)) {
        if (keeps_from_replicating(word)) return true;
    }
    // Bitnami's entrypoint alone reads these.
    for (const Json& one : list_of_container(container, "env")) {
        const std::string name = kube::text_at(one, "/name");
        if (is_bitnami(container) && (name == "MYSQL_EXTRA_FLAGS" || name == "MARIADB_EXTRA_FLAGS") &&
            keeps_from_replicating(kube::text_at(one, "/value")))
            return true;
    }
    return false;
}

// Before the server starts, in its own command or in an init container's.
bool removes_uuid(const Json& pod_spec) {
    for (const Placed& one : all_containers(pod_spec)) {
        for (const std::string& word : words_of(*one.container)) {
            if (word.find("auto.cnf") != std::string::npos && has_any(word, {"rm ", "unlink ", "-delete"})) return true;
        }
    }
    return false;
}

std::string set_line(const std::string& path, const Json& words) {
    return "--set " + shell_quote("spec.template.spec." + path + "=" + words.dump());
}

std::string data_folder(const Json& container) {
    for (const std::string& word : words_of(container)) {
        if (starts_with(word, "--datadir=")) return word.substr(std::string("--datadir=").size());
    }
    return is_bitnami(container) ? "/bitnami/mysql/data" : "/var/lib/mysql";
}

// What starts it as it is started now, but for its identity.
std::string line_without_uuid(const Placed& database) {
    const Json& container = *database.container;
    Json command = {"sh", "-c", "rm -f " + data_folder(container) + "/auto.cnf; exec \"$@\"", "sh"};
    const Json& own = list_of_container(container, "command");
    if (own.empty() && is_bitnami(container))
        command.insert(command.end(),
                       {"/opt/bitnami/scripts/mysql/entrypoint.sh", "/opt/bitnami/scripts/mysql/run.sh"});
    else if (own.empty())
        command.push_back("docker-entrypoint.sh");
    for (const Json& word : own) command.push_back(word);
    return set_line(database.path + ".command", command);
}

std::string line_without_replica(const Placed& database, bool mariadb) {
    const Json& container = *database.container;
    // A MySQL before 8.0.26 knows the second one alone, a later one may know the first one alone.
    const std::vector<std::string> flags =
        mariadb ? std::vector<std::string>{"--skip-slave-start"}
                : std::vector<std::string>{"--loose-skip-replica-start", "--loose-skip-slave-start"};
    if (is_bitnami(container))
        return "--env " + shell_quote((mariadb ? "MARIADB_EXTRA_FLAGS=" : "MYSQL_EXTRA_FLAGS=") + join(flags, " "));
    Json args = list_of_container(container, "args");
    if (args.empty() && list_of_container(container, "command").empty())
        args.push_back(mariadb ? "mariadbd" : "mysqld");
    for (const std::string& flag : flags) args.push_back(flag);
    return set_line(database.path + ".args", args);
}

// Variables that were set in the hope of an identity of its own, and that nothing reads.
std::string vain_variable(const Json& source, const Json& made) {
    const std::vector<std::string> names = {"MYSQL_SERVER_ID", "MARIADB_SERVER_ID"};
    const auto before = variables(source, names);
    for (const auto& [name, value] : variables(made, names)) {
        const auto was = before.find(name);
        if (was == before.end() || was->second != value) return name.substr(name.find('/') + 1);
    }
    return "";
}

}  // namespace

Status check_mysql(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made) {
    const std::vector<Placed> all = all_containers(made);
    const Placed* database = placed_of(all, joining.recognised.container);
    if (database == nullptr) return {};  // --set has taken it out
    const bool mariadb = is_mariadb(*database->container);
    const bool same_uuid = !mariadb && !removes_uuid(made), replicates = !starts_no_replica(*database->container);
    if (same_uuid || replicates) {
        std::vector<std::string> lines;
        if (same_uuid) lines.push_back(line_without_uuid(*database));
        if (replicates) lines.push_back(line_without_replica(*database, mariadb));
        const std::string vain = vain_variable(source, made);
        return would_join(
            options, joining,
            (vain.empty() ? "" : "variable " + vain + " does nothing in its image; ") +
                std::string(same_uuid ? "the clone has the source's server_uuid (auto.cnf)" : "") +
                (same_uuid && replicates ? " and " : "") +
                (replicates ? "the clone would replicate as its source does, by what its tables say" : ""),
            "start it by itself: " + join(lines, " "));
    }
    return check_led_back(
        options, joining, source, made,
        {"MYSQL_MASTER_HOST", "MYSQL_SOURCE_HOST", "MYSQL_PRIMARY_HOST", "MARIADB_MASTER_HOST", "MARIADB_PRIMARY_HOST",
         "MARIADB_GALERA_CLUSTER_ADDRESS", "MYSQL_GROUP_SEEDS", "CLUSTER_JOIN", "WSREP_CLUSTER_ADDRESS"},
        {"wsrep_cluster_address", "wsrep-cluster-address", "gcomm://", "group_replication_group_seeds",
         "group-replication-group-seeds", "loose-group"});
}

}  // namespace holdfast::clone
