// Whether what was recognised would join its source, and what is to be set so that it does not (safety R26).
#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/containers.h"
#include "plugins/clone/led.h"

#include <algorithm>

namespace holdfast::clone {
namespace {

// What names a replica set, or may, in a file or script that is not seen from here; "" : nothing does.
std::string names_replica_set(const Json& pod_spec) {
    for (const Placed& one : all_containers(pod_spec)) {
        for (const std::string& word : words_of(*one.container)) {
            if (has_any(word, {"replSet", "replicaSet", "rs.initiate", "rs.add"})) return "its arguments name it";
            if (starts_with(word, "-f") || has_any(word, {"--config", " -f", "mongod.conf"}))
                return "its arguments name a configuration file, which may name it";
            if (ends_with(word, "docker-entrypoint.sh")) continue;  // the image's own, which adds nothing
            if (ends_with(word, ".sh") || has_any(word, {".sh ", ".sh;", "/scripts/"}))
                return "its command runs a script, which may name it";
        }
    }
    const auto named = variables(pod_spec, {"MONGODB_REPLICA_SET", "MONGO_REPLICA_SET"});
    return named.empty() ? ""
                         : "variable " + named.begin()->first.substr(named.begin()->first.find('/') + 1) +
                               " tells its entrypoint of it";
}

// Settings on the server's command line are stronger than those that isolation writes.
std::string overriding_argument(const Json& pod_spec) {
    for (const Placed& one : all_containers(pod_spec)) {
        for (const std::string& word : words_of(*one.container)) {
            for (const char* setting : {"archive_mode", "archive_command", "archive_library", "primary_conninfo",
                                        "restore_command", "primary_slot_name"}) {
                if (word.find(setting) != std::string::npos) return setting;
            }
        }
    }
    return "";
}

// A container beside the database that pushes its backups and log to where the source's go; its path, "" : none.
// One that ends before the database starts may do so, too.
std::string backup_container(const Json& pod_spec, const std::string& database) {
    for (const Placed& one : all_containers(pod_spec)) {
        if (kube::text_at(*one.container, "/name") == database) continue;
        std::vector<std::string> words = words_of(*one.container);
        words.push_back(to_lower(kube::text_at(*one.container, "/image")));
        for (const std::string& word : words) {
            if (has_any(word, {"wal-g", "pgbackrest", "barman"})) return one.path;
        }
    }
    return "";
}

Status check_postgres(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made) {
    // By these the image's entrypoint writes primary_conninfo and standby.signal anew at every start.
    const std::string primary = kept_variable(source, made,
                                              {"REPMGR_PARTNER_NODES", "REPMGR_PRIMARY_HOST", "POSTGRESQL_MASTER_HOST",
                                               "POSTGRES_MASTER_HOST", "POSTGRES_PRIMARY_HOST"});
    if (!primary.empty())
        return would_join(options, joining,
                          "variable " + primary + " makes its entrypoint follow the source's primary at every start",
                          "give it another value: --env " + primary + "=...");
    if (const std::string at = backup_container(made, joining.recognised.container); !at.empty()) {
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
    const std::string& container = joining.recognised.container;
    const auto before = variables_in(source, container, prefixes), after = variables_in(made, container, prefixes);
    if (before != after && !after.empty()) return {};
    return would_join(options, joining, how, hint);
}

// Under a new scope Patroni takes its configuration from the copy (patroni.dynamic.json), commands that are in it too.
// ALTER SYSTEM is stronger than what it writes of archive_mode; restore_command it takes out of postgresql.auto.conf.
// by_variables: where its archive is stands in variables, of which the clone has others.
Status check_patroni_asked(const CloneOptions& options, const Joining& joining, bool by_variables) {
    const bool standbys = std::all_of(joining.ties.begin(), joining.ties.end(),
                                      [](const auto& one) { return one.second && one.second->standby; });
    if (!joining.ties.empty() && standbys)
        return would_join(options, joining,
                          "each of its pods that run is a standby, and so it may follow another cluster, as the clone "
                          "would by the same configuration",
                          std::string("let its leader run; if it is a standby cluster, ") + kByHand);
    if (options.isolated && by_variables) return {};
    const std::string isolated = "--isolated takes that out of the clone before it starts";
    const std::string let_run =
        "let a member of it run that psql can ask, or copy its claims by themselves: kubectl clone "
        "pvc/NAME COPY";
    for (const auto& [pod, ties] : joining.ties) {
        const std::string there = "in pod/" + pod + " ";
        if (!ties)
            return would_join(
                options, joining,
                "whether its own configuration has it archive, or read an archive, could not be asked in pod/" + pod,
                let_run);
        if (ties->fetches && !by_variables)
            return would_join(options, joining,
                              there +
                                  "restore_command is set: the clone would read its source's archive, and so its log "
                                  "from after the copy; Patroni writes it at every start, so that nothing takes it out",
                              "copy its claims by themselves: kubectl clone pvc/NAME COPY");
        if (options.isolated) continue;
        if (ties->archives && !by_variables)
            return would_join(options, joining, there + "it archives its WAL, and so would the clone", isolated);
        if (ties->subscriptions > 0)
            return would_join(options, joining, there + "it has subscriptions, and so would the clone", isolated);
    }
    if (!joining.ties.empty()) return {};
    return would_join(options, joining,
                      "no pod of it runs that could be asked whether its own configuration has it archive, or read an "
                      "archive",
                      let_run);
}

// Under another scope it is a cluster of its own, with the source's system identifier: what it archived would take the
// place of the source's log.
Status check_patroni(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made) {
    const std::vector<std::string> scopes = {"PATRONI_SCOPE", "SCOPE"};
    TRY(check_set_apart(options, joining, source, made, scopes,
                        "under the same scope the clone would join the source's cluster",
                        "give it one of its own: --env PATRONI_SCOPE=" + options.name));
    const std::string scope = kept_variable(source, made, scopes);
    if (!scope.empty())
        return would_join(options, joining, "variable " + scope + " has the scope of the source's cluster",
                          "give it one of its own: --env " + scope + "=" + options.name);
    const std::string standby = kept_variable(source, made, {"STANDBY_"});
    if (!standby.empty())
        return would_join(options, joining,
                          "variable " + standby + " makes it follow the cluster that its source follows", kByHand);
    const std::vector<std::string> archives = {"WALG_", "WALE_", "WAL_", "USE_WALG", "PGBACKREST_", "BARMAN_"};
    const std::string archive = kept_variable(source, made, archives);
    if (!archive.empty())
        return would_join(options, joining, "by variable " + archive + " it would archive to where its source does",
                          "give it another value: --env " + archive + "=...");
    if (const std::string at = backup_container(made, joining.recognised.container); !at.empty())
        return would_join(options, joining, at + " of its pods backs up to where the source's backups are",
                          "leave it out: --set spec.template.spec." + at + "=null");
    return check_patroni_asked(options, joining, !variables(source, archives).empty());
}

}  // namespace

Status check_joining(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made) {
    switch (joining.recognised.software) {
        case Software::kNone:
            return {};
        case Software::kPostgres:
            return check_postgres(options, joining, source, made);
        case Software::kPatroni:
            return check_patroni(options, joining, source, made);
        case Software::kMySql:
            return check_mysql(options, joining, source, made);
        case Software::kKafka:
            return check_kafka(options, joining, source, made);
        case Software::kRedis:
            return check_redis(options, joining, source, made);
        case Software::kEtcd:
        case Software::kCassandra:
        case Software::kZooKeeper:
        case Software::kElastic:
        case Software::kRabbit:
        case Software::kCockroach:
        case Software::kConsul:
            return check_member(options, joining, source, made);
        case Software::kMongo: {
            const std::string place = names_replica_set(made);
            if (place.empty()) return {};
            return would_join(options, joining,
                              "its replica set's configuration is on the disk, and with the set's name the clone would "
                              "join it; " +
                                  place,
                              "start it alone, by mongod without --replSet and --config: --set takes arguments and "
                              "variables out of the clone, PATH=null");
        }
    }
    return {};
}

}  // namespace holdfast::clone
