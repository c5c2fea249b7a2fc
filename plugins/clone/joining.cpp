// Whether what was recognised would join its source, and what is to be set so that it does not (safety R26).
#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/containers.h"
#include "plugins/clone/software.h"

#include <algorithm>

namespace holdfast::clone {
namespace {

// Literal values of variables that one of these prefixes names, of all containers.
std::map<std::string, std::string> variables(const Json& pod_spec, const std::vector<std::string>& prefixes) {
    std::map<std::string, std::string> found;
    for (const Json& container : containers_in(pod_spec)) {
        for (const Json& one : list_of_container(container, "env")) {
            const std::string name = kube::text_at(one, "/name");
            const bool wanted = std::any_of(prefixes.begin(), prefixes.end(),
                                            [&](const std::string& prefix) { return starts_with(name, prefix); });
            if (wanted) found[kube::text_at(container, "/name") + "/" + name] = one.dump();
        }
    }
    return found;
}

// Or may, in a file that is not seen from here.
bool names_replica_set(const Json& pod_spec) {
    for (const Json& container : containers_in(pod_spec)) {
        for (const std::string& word : words_of(container)) {
            if (word.find("replSet") != std::string::npos || starts_with(word, "-f") || starts_with(word, "--config"))
                return true;
        }
    }
    return !variables(pod_spec, {"MONGODB_REPLICA_SET", "MONGO_REPLICA_SET"}).empty();
}

// Settings on the server's command line are stronger than those that isolation writes.
std::string overriding_argument(const Json& pod_spec) {
    for (const Json& container : containers_in(pod_spec)) {
        for (const std::string& word : words_of(container)) {
            for (const char* setting : {"archive_mode", "archive_command", "archive_library", "primary_conninfo",
                                        "restore_command", "primary_slot_name"}) {
                if (word.find(setting) != std::string::npos) return setting;
            }
        }
    }
    return "";
}

// What makes the image's entrypoint write primary_conninfo and standby.signal anew at every start: unchanged, else "".
std::string kept_primary(const Json& source, const Json& made) {
    const std::vector<std::string> names = {"REPMGR_PARTNER_NODES", "REPMGR_PRIMARY_HOST", "POSTGRESQL_MASTER_HOST"};
    const auto before = variables(source, names), after = variables(made, names);
    for (const auto& [name, value] : after) {
        const auto was = before.find(name);
        if (was != before.end() && was->second == value) return name.substr(name.find('/') + 1);
    }
    return "";
}

// A container beside the database that pushes its backups and log to where the source's go; its place, -1: none.
int backup_container(const Json& pod_spec, const std::string& database) {
    const Json& all = containers_in(pod_spec);
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (kube::text_at(all[i], "/name") == database) continue;
        std::vector<std::string> words = words_of(all[i]);
        words.push_back(to_lower(kube::text_at(all[i], "/image")));
        for (const std::string& word : words) {
            for (const char* tool : {"wal-g", "pgbackrest", "barman"}) {
                if (word.find(tool) != std::string::npos) return static_cast<int>(i);
            }
        }
    }
    return -1;
}

Error would_join(const CloneOptions& options, const Joining& joining, const std::string& how, const std::string& hint) {
    return refused(options.source.text() + " is " + software_name(joining.recognised.software) + " (" +
                       joining.recognised.by + " of container " + joining.recognised.container + "): " + how,
                   hint);
}

Status check_postgres(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made) {
    const std::string primary = kept_primary(source, made);
    if (!primary.empty())
        return would_join(options, joining,
                          "variable " + primary + " makes its entrypoint follow the source's primary at every start",
                          "give it another value: --env " + primary + "=...");
    if (const int place = backup_container(made, joining.recognised.container); place >= 0) {
        const std::string at = "containers[" + std::to_string(place) + "]";
        return would_join(options, joining, at + " of its pods backs up to where the source's backups are",
                          "leave it out: --set spec.template.spec." + at + "=null");
    }
    if (options.isolated) {
        const std::string setting = overriding_argument(made);
        if (setting.empty()) return {};
        return would_join(options, joining,
                          "its arguments set " + setting + ", which is stronger than what --isolated writes",
                          "take it out of the clone's arguments with --set");
    }
    for (const auto& [pod, ties] : joining.ties) {
        if (!ties)
            return would_join(
                options, joining,
                "whether it archives, follows a primary, has replication slots or subscriptions could not be "
                "asked in pod/" +
                    pod + ", and a clone would have them too",
                "--isolated takes them out of the clone before it starts");
        if (!ties->text().empty())
            return would_join(options, joining, "in pod/" + pod + " " + ties->text() + ", and so would the clone",
                              "--isolated takes them out of the clone before it starts");
    }
    if (!joining.ties.empty()) return {};
    return would_join(options, joining, "no pod of it runs that could be asked whether it archives or replicates",
                      "--isolated takes archiving, slots and subscriptions out of the clone before it starts");
}

Status check_set_apart(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made,
                       const std::vector<std::string>& prefixes, const std::string& how, const std::string& hint) {
    const auto before = variables(source, prefixes), after = variables(made, prefixes);
    if (before != after && !after.empty()) return {};
    return would_join(options, joining, how, hint);
}

}  // namespace

Status check_joining(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made) {
    switch (joining.recognised.software) {
        case Software::kNone:
            return {};
        case Software::kPostgres:
            return check_postgres(options, joining, source, made);
        case Software::kPatroni:
            return check_set_apart(options, joining, source, made, {"PATRONI_SCOPE", "SCOPE"},
                                   "under the same scope the clone would join the source's cluster",
                                   "give it one of its own: --env PATRONI_SCOPE=" + options.name);
        case Software::kMySql:
            return check_set_apart(options, joining, source, made, {"MYSQL_SERVER_ID", "MYSQL_REPLICATION_MODE"},
                                   "the clone has the source's server_uuid (auto.cnf) and its replication settings",
                                   "remove auto.cnf in a copy of its claims, or say how it is to start: --env "
                                   "MYSQL_SERVER_ID=N");
        case Software::kKafka:
            return check_set_apart(
                options, joining, source, made,
                {"KAFKA_ZOOKEEPER_CONNECT", "KAFKA_CONTROLLER_QUORUM_VOTERS", "KAFKA_CFG_ZOOKEEPER_CONNECT",
                 "KAFKA_CFG_CONTROLLER_QUORUM_VOTERS"},
                "with the source's cluster.id (meta.properties) and controllers the clone would register "
                "with the source's cluster",
                "name controllers of its own, for example --env KAFKA_CONTROLLER_QUORUM_VOTERS=...");
        case Software::kMongo:
            if (!names_replica_set(made)) return {};
            return would_join(options, joining,
                              "its replica set's configuration is on the disk, and with the set's name the clone would "
                              "join it",
                              "start it alone: take --replSet and --config out of the clone's arguments with --set");
    }
    return {};
}

}  // namespace holdfast::clone
