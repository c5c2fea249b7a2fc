// The command line of `clone create` as a value.
#pragma once

#include "common/app/command.h"
#include "common/app/context.h"
#include "common/copies/claims.h"
#include "common/copies/targets.h"
#include "plugins/clone/shared.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::clone {

enum class Method { kAuto, kClone, kSnapshot };
std::string method_name(Method method);

struct CloneOptions {
    Target source;
    std::string space;     // of the source
    std::string name;      // of the clone
    std::string to_space;  // where it is made
    // It is made in another cluster, that of this context; kubeconfig "" : the context is one of the source's.
    bool other = false;
    std::string other_context, other_kubeconfig;
    std::string home_server, home_context;  // of the source's cluster, where the journal lies
    Method method = Method::kAuto;
    ClaimWishes wishes;
    std::string snapshot_class;  // "" : the default one of the volume's driver
    std::string image;           // of throwaway pods; "" : the workload's
    std::optional<std::chrono::milliseconds> lifetime;

    // Of whole workloads.
    std::optional<int> replicas;
    std::vector<std::pair<int, int>> ordinals;  // of the source, of the clone
    std::vector<std::pair<std::string, std::string>> sets, env;
    std::vector<std::string> copy_secrets, copy_config_maps;
    std::string sql;                // masking statements; "" : none
    std::optional<Error> unread;    // why they could not be read (sql is their file then): nothing but abort goes on
    std::string database, user;     // that they run in, and as whom; "" : what the container's env says
    bool disable_triggers = false;  // of the database, while sql runs; otherwise one that has some is refused
    bool isolated = false;          // what ties the data to its source is taken out of the copy before it starts

    bool prepares() const { return isolated || !sql.empty(); }
    bool whole() const { return *source.resource == kube::kStatefulSets || *source.resource == kube::kDeployments; }
    bool elsewhere() const { return other || to_space != space; }
    kube::ObjectRef source_ref() const { return {*source.resource, space, source.name}; }
};

// kUsage: not TYPE/NAME and a name, a size or time that is none; kRefused: --method copy, which needs the mover.
Result<CloneOptions> clone_options(app::Context& context, const app::Arguments& arguments);

}  // namespace holdfast::clone
