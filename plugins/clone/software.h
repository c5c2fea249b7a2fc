// Software that joins its source by what is on its disk (safety R26): recognised by image, environment and arguments,
// for Postgres asked itself. A copy of it that starts beside the original must first be kept from joining. Pure.
#pragma once

#include "common/copies/live_facts.h"
#include "common/core/json.h"
#include "common/core/result.h"
#include "plugins/clone/choice.h"
#include "plugins/clone/mounted.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::clone {

enum class Software {
    kNone,
    kPostgres,
    kPatroni,
    kMySql,
    kKafka,
    kMongo,
    kEtcd,
    kRedis,
    kCassandra,
    kZooKeeper,
    kElastic,
    kRabbit,
    kCockroach,
    kConsul
};
std::string software_name(Software software);

struct Recognised {
    Software software = Software::kNone;
    std::string container;
    std::string by;         // "image", "env PATRONI_SCOPE", "argument --replSet": for messages
    bool sure = true;       // false: it may be a client of it, if there is nothing of it on the volumes
    bool by_files() const;  // nothing else told
};
// Each container that looks like one of them; not the Postgres that a Patroni runs, nor what may be a client of
// software that another container is. What only speaks with one, an application or a container that runs psql, is none.
std::vector<Recognised> recognise_all(const Json& pod_spec);
// The first of these that is sure, else the first.
Recognised recognise(const Json& pod_spec);
// The same by the names of files on a volume, as `find` prints them: for software whose image says nothing.
Software recognise_files(const std::vector<std::string>& paths);
// The container that mounts claims, if it can be this one, and the folders where it does; container "" : none mounts
// one.
struct Mounted {
    std::string container;
    std::vector<std::string> folders;
};
Mounted mounts_of_claims(const Json& pod_spec, const std::string& container = "");
// For sh -c in that container: prints those paths that recognise_files knows; only reads names, four folders deep.
std::string files_script(const std::vector<std::string>& folders);
// The script has come to its end, and was kept out of no folder.
bool saw_everything(const std::vector<std::string>& paths);
// What its files in this container make of it: software whose image says nothing, or a Postgres that is Patroni's; and
// what was not sure and has nothing of it on its volumes is none.
Recognised with_files(const Recognised& recognised, const std::string& container,
                      const std::vector<std::string>& files);

// What a running Postgres says of its ties to others, by the script's output; nullopt: it could not be asked.
struct Ties {
    bool standby = false, archives = false, follows = false;  // follows: primary_conninfo or restore_command is set
    bool fetches = false;                                     // restore_command is set
    int slots = 0, subscriptions = 0;
    std::string text() const;  // "it archives its WAL, it has 1 replication slot"; "" : none
};
std::string ties_script();  // for sh -c in its container; only reads
std::optional<Ties> parse_ties(const std::string& printed);

// The facts on which the decision rests.
struct Joining {
    Recognised recognised;
    std::map<std::string, std::optional<Ties>> ties;  // by pod, of a Postgres
    std::vector<std::string> files = {};              // on its volumes, as files_script prints them
    int replicas = 1;                                 // of the source
    MountedFiles mounted = {};                        // of the clone's container that runs it
    std::vector<std::string> source_names = {};       // of Services that mean the source's pods
    std::string looked_in = {};                       // the container whose volumes these are; "" : none was
};
// `made`: the clone's pod spec, --set and --env applied. kRefused unless nothing ties it, --isolated takes the ties
// away, or what ties it was set to something else.
Status check_joining(const CloneOptions& options, const Joining& joining, const Json& source_spec, const Json& made);

}  // namespace holdfast::clone
