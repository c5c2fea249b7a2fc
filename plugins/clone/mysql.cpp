// MySQL and MariaDB: a copy has the settings of its source's replication in its tables, and MySQL's its server_uuid in
// auto.cnf: a replica's copy would begin to replicate, and its source would end the replica's own connection.
#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/containers.h"
#include "plugins/clone/led.h"
#include "plugins/clone/started.h"

#include <algorithm>
#include <set>

namespace holdfast::clone {
namespace {

constexpr std::initializer_list<const char*> kMySqlServers = {"mysqld", "mysqld_safe", "mariadbd", "mariadbd-safe"};
constexpr char kUuidFile[] = "/auto.cnf";

// Its data was looked at, and nothing of it is beside the folder of its system tables: it has no server_uuid.
bool is_without_uuid(const Joining& joining) {
    if (joining.looked_in != joining.recognised.container || !saw_everything(joining.files)) return false;
    const std::set<std::string> files(joining.files.begin(), joining.files.end());
    const std::string tables = "/ibdata1";
    bool any = false;
    for (const std::string& path : files) {
        if (ends_with(path, kUuidFile)) return false;
        const bool data =
            ends_with(path, tables) && files.contains(path.substr(0, path.size() - tables.size()) + "/mysql");
        any = any || data;
    }
    return any;
}

// Which of them it is says the image that runs, and no variable that is given to it; else its data, and what the source
// has.
bool is_mariadb(const Joining& joining, const Json& made, const Json& source) {
    const std::string image = to_lower(kube::text_at(made, "/image"));
    if (image.find("mariadb") != std::string::npos) return true;
    if (image.find("mysql") != std::string::npos || image.find("percona") != std::string::npos) return false;
    if (is_without_uuid(joining)) return true;
    const auto has = [&](const char* prefix) {
        const auto& env = list_of_container(source, "env");
        return std::any_of(env.begin(), env.end(),
                           [&](const Json& one) { return starts_with(kube::text_at(one, "/name"), prefix); });
    };
    return has("MARIADB_") && !has("MYSQL_");
}

std::string variable_of(const Json& container, const std::string& name) {
    for (const Json& one : list_of_container(container, "env")) {
        if (kube::text_at(one, "/name") == name) return kube::text_at(one, "/value");
    }
    return "";
}

const char* extra_flags(bool mariadb) { return mariadb ? "MARIADB_EXTRA_FLAGS" : "MYSQL_EXTRA_FLAGS"; }

// With the flags that Bitnami's run.sh takes from a variable, before its own: of one that runs another command nothing
// reads them.
Started started(const Json& container, bool mariadb) {
    Started found = started_by(container, kMySqlServers);
    if (!found.scripted) return found;
    const Words more = split(variable_of(container, extra_flags(mariadb)), ' ');
    for (Words& run : found.runs) run.insert(run.begin(), more.begin(), more.end());
    return found;
}

// "--skip_slave_start=ON" -> "--skip-slave-start" and "=on".
struct Flag {
    std::string name, value;
};
Flag flag_of(const std::string& word) {
    const std::size_t equals = std::min(word.find('='), word.size());
    Flag flag{word.substr(0, equals), to_lower(word.substr(equals))};
    std::replace(flag.name.begin(), flag.name.end(), '_', '-');
    return flag;
}

// A server passes over a loose flag that it does not know: a MySQL before 8.0.26 knows the one with slave alone, a
// later one may know the other alone, and a MariaDB knows slave's in every version. One that takes it back may be
// stronger.
bool starts_no_replica(const Started& started, bool mariadb) {
    return always(started, [&](const Words& run) {
        std::set<std::string> set;
        for (const std::string& word : run) {
            const auto [name, value] = flag_of(word);
            if (!ends_with(name, "skip-slave-start") && !ends_with(name, "skip-replica-start")) continue;
            const bool plain = name.find("-skip-") == name.rfind("-skip-") && !starts_with(name, "--disable-");
            if (!plain || value == "=0" || value == "=off" || value == "=false") return false;
            set.insert(name);
        }
        if (set.contains("--skip-slave-start")) return true;
        if (mariadb) return set.contains("--loose-skip-slave-start");
        return set.contains("--skip-replica-start") ||
               (set.contains("--loose-skip-slave-start") && set.contains("--loose-skip-replica-start"));
    });
}

bool is_plain_path(const std::string& path) {
    return starts_with(path, "/") && path.find_first_of("$*?[`") == std::string::npos;
}

std::string without_doubles(std::string path) {
    for (std::size_t at = path.find("//"); at != std::string::npos; at = path.find("//")) path.erase(at, 1);
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return path;
}

// "" : no word says it; unclear where it is not one folder alone.
struct Told {
    std::string folder;
    bool unclear = false;
};
Told told_folder(const Started& started) {
    std::set<std::string> folders;
    for (const Words& run : started.runs) {
        std::string folder;
        for (std::size_t i = 0; i < run.size(); ++i) {
            if (starts_with(run[i], "--datadir="))
                folder = run[i].substr(std::string("--datadir=").size());
            else if ((run[i] == "--datadir" || run[i] == "-h") && i + 1 < run.size())
                folder = run[i + 1];
        }
        folders.insert(folder);
    }
    if (folders.size() > 1) return {"", true};
    if (folders.empty() || folders.begin()->empty()) return {};
    if (!is_plain_path(*folders.begin())) return {"", true};
    return {without_doubles(*folders.begin()), false};
}

// A file that may say where the data is, other than the image's own.
bool has_configuration(const Json& container, const Started& started) {
    for (const Words& run : started.runs) {
        for (const std::string& word : run) {
            if (starts_with(word, "--defaults-") || starts_with(word, "--login-path")) return true;
        }
    }
    for (const Json& mount : list_of_container(container, "volumeMounts")) {
        const std::string at = without_doubles(kube::text_at(mount, "/mountPath"));
        if (at == "/" || at == "/etc" || starts_with(at, "/etc/my") || ends_with(at, "/.my.cnf") ||
            starts_with(at, "/usr/etc"))
            return true;
    }
    return false;
}

// Images whose own configuration is known to say nothing of it: Docker's MySQL and Percona's.
bool is_usual_image(const Json& container) {
    std::string word = to_lower(kube::text_at(container, "/image"));
    word = base_name(word.substr(0, word.find('@')));
    word = word.substr(0, word.find(':'));
    return word == "mysql" || word == "mysql-server" || word == "percona-server" || word == "percona";
}

// Where its data is, and with that its identity: as its arguments say, else where auto.cnf lies on its claims, else
// where its image has it. "" : that cannot be known.
std::string data_folder(const Joining& joining, const Json& container, const Started& started) {
    const Told told = told_folder(started);
    if (told.unclear || !told.folder.empty()) return told.folder;
    std::set<std::string> seen;
    for (const std::string& path : joining.files) {
        const bool own = joining.looked_in == joining.recognised.container;
        if (own && ends_with(path, kUuidFile))
            seen.insert(without_doubles(path.substr(0, path.size() - std::string(kUuidFile).size())));
    }
    if (seen.size() == 1) return *seen.begin();
    if (!seen.empty()) return "";
    if (started.scripted || (started.own && is_bitnami(container))) return "/bitnami/mysql/data";
    if (!is_usual_image(container) || started.runs.empty() || has_configuration(container, started)) return "";
    return "/var/lib/mysql";
}

bool removes(const Words& command, const auto& wanted) {
    if (command.empty()) return false;
    const std::string program = base_name(command.front());
    if (program != "rm" && program != "unlink") return false;
    return std::any_of(command.begin() + 1, command.end(),
                       [&](const std::string& word) { return is_plain_path(word) && wanted(without_doubles(word)); });
}

// Before the server starts, in its own command or in an init container that ends before it. The file is the same one
// wherever its volume is mounted.
bool removes_uuid(const std::vector<Placed>& all, const Json& container, const Started& started,
                  const std::string& folder) {
    const std::string path = folder + kUuidFile;
    const bool own = std::any_of(started.before.begin(), started.before.end(), [&](const Words& command) {
        return removes(command, [&](const std::string& word) { return word == path; });
    });
    if (own && !started.runs.empty()) return true;
    const Located place = locate(container, path);
    if (place.volume.empty()) return false;
    for (const Placed& one : all) {
        if (one.stays || list_of_container(*one.container, "command").empty()) continue;
        const Started first = started_by(*one.container, kMySqlServers);
        for (const Words& command : first.before) {
            if (removes(command, [&](const std::string& word) { return locate(*one.container, word) == place; }))
                return true;
        }
    }
    return false;
}

// What starts it as it is started now, but for its identity and its replication.
struct Remedy {
    Json container;
    std::vector<std::string> lines;
};

void line_without_uuid(const Placed& database, const std::string& folder, Remedy& remedy) {
    const Json& container = *database.container;
    Json command = {"sh", "-c", "rm -f " + folder + kUuidFile + "; exec \"$@\"", "sh"};
    const Json& own = list_of_container(container, "command");
    const bool bitnami = own.empty() && is_bitnami(container);
    if (bitnami) command.push_back("/opt/bitnami/scripts/mysql/entrypoint.sh");
    if (bitnami && list_of_container(container, "args").empty())
        command.push_back("/opt/bitnami/scripts/mysql/run.sh");
    else if (own.empty() && !bitnami)
        command.push_back("docker-entrypoint.sh");
    for (const Json& word : own) command.push_back(word);
    remedy.container["command"] = command;
    remedy.lines.push_back("--set " +
                           shell_quote("spec.template.spec." + database.path + ".command=" + command.dump()));
}

// folder: that has to be said with them, "" : none.
void line_without_replica(const Placed& database, const Started& now, bool mariadb, bool replicates,
                          const std::string& folder, Remedy& remedy) {
    const Json& container = *database.container;
    Words flags;
    if (!folder.empty()) flags.push_back("--datadir=" + folder);
    if (replicates && !mariadb) flags.push_back("--loose-skip-replica-start");
    if (replicates) flags.push_back(mariadb ? "--skip-slave-start" : "--loose-skip-slave-start");
    const bool scripted = now.scripted || (now.own && is_bitnami(container));
    if (scripted) {
        const std::string name = extra_flags(mariadb), was = variable_of(container, name);
        const std::string value = (was.empty() ? "" : was + " ") + join(flags, " ");
        remedy.lines.push_back("--env " + shell_quote(name + "=" + value));
        Json env = Json::array();
        for (const Json& one : list_of_container(container, "env")) {
            if (kube::text_at(one, "/name") != name) env.push_back(one);
        }
        env.push_back({{"name", name}, {"value", value}});
        remedy.container["env"] = std::move(env);
        return;
    }
    Json args = list_of_container(container, "args");
    if (args.empty() && list_of_container(container, "command").empty())
        args.push_back(mariadb ? "mariadbd" : "mysqld");
    for (const std::string& flag : flags) args.push_back(flag);
    remedy.container["args"] = args;
    remedy.lines.push_back("--set " + shell_quote("spec.template.spec." + database.path + ".args=" + args.dump()));
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

constexpr char kAsk[] = "DIR";  // stands in a line for what its reader has to put there

// What leaves it as it is in the source, and by which line it does not.
struct Needs {
    bool uuid = false, replica = false;
    bool any() const { return uuid || replica; }
};
Needs needs_of(const Joining& joining, const std::vector<Placed>& all, const Json& container, bool mariadb) {
    const Started now = started(container, mariadb);
    Needs needs;
    needs.replica = !starts_no_replica(now, mariadb);
    const std::string folder = mariadb ? "" : data_folder(joining, container, now);
    needs.uuid = !mariadb && (folder.empty() || !removes_uuid(all, container, now, folder));
    return needs;
}

std::string remedy_for(const Joining& joining, const std::vector<Placed>& all, const Placed& database, bool mariadb,
                       const Needs& needs) {
    const Started now = started(*database.container, mariadb);
    const std::string folder = data_folder(joining, *database.container, now);
    const bool unknown = needs.uuid && folder.empty();
    Remedy remedy{*database.container, {}};
    if (needs.uuid) line_without_uuid(database, unknown ? std::string("/") + kAsk : folder, remedy);
    if (needs.replica || unknown)
        line_without_replica(database, now, mariadb, needs.replica, unknown ? std::string("/") + kAsk : "", remedy);
    // A command that hides how it starts the server passes nothing on.
    if (needs_of(joining, all, remedy.container, mariadb).any())
        return std::string(
                   "its command does not show how it starts the server, so that no flag added to it surely "
                   "reaches that: give the clone one that does, in .command and .args, with --set, or ") +
               kByHand;
    return "start it by itself: " + join(remedy.lines, " ") +
           (unknown ? ", where /DIR is what the source says: select @@datadir" : "");
}

}  // namespace

Status check_mysql(const CloneOptions& options, const Joining& seen, const Json& source, const Json& made) {
    const std::vector<Placed> all = all_containers(made), before = all_containers(source);
    const Placed* database = placed_of(all, seen.recognised.container);
    if (database == nullptr) return {};  // --set has taken it out
    const Placed* was = placed_of(before, seen.recognised.container);
    // What was seen in the source's pods is there in the clone's if they have their volumes there.
    Joining joining = seen;
    if (was == nullptr ||
        list_of_container(*was->container, "volumeMounts") != list_of_container(*database->container, "volumeMounts"))
        joining.files.clear();
    const bool mariadb = is_mariadb(joining, *database->container, was == nullptr ? Json::object() : *was->container);
    const Needs needs = needs_of(joining, all, *database->container, mariadb);
    if (needs.any()) {
        const bool known =
            mariadb || !data_folder(joining, *database->container, started(*database->container, mariadb)).empty();
        const std::string vain = vain_variable(source, made);
        return would_join(
            options, joining,
            (vain.empty() ? "" : "variable " + vain + " does nothing in its image; ") +
                std::string(needs.uuid ? "the clone has the source's server_uuid (auto.cnf)" : "") +
                (needs.uuid && !known ? ", and where that lies, in its data folder, cannot be known from here" : "") +
                (needs.uuid && needs.replica ? " and " : "") +
                (needs.replica ? "the clone would replicate as its source does, by what its tables say" : ""),
            remedy_for(joining, all, *database, mariadb, needs));
    }
    return check_led_back(
        options, joining, source, made,
        {"MYSQL_MASTER_HOST", "MYSQL_SOURCE_HOST", "MYSQL_PRIMARY_HOST", "MARIADB_MASTER_HOST", "MARIADB_PRIMARY_HOST",
         "MARIADB_GALERA_CLUSTER_ADDRESS", "MYSQL_GROUP_SEEDS", "CLUSTER_JOIN", "WSREP_CLUSTER_ADDRESS"},
        {"wsrep_cluster_address", "wsrep-cluster-address", "gcomm://", "group_replication_group_seeds",
         "group-replication-group-seeds", "loose-group"});
}

}  // namespace holdfast::clone
