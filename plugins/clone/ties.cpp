// Whether a clone would join what it is a copy of (safety R26): asked of the running source, before anything is made.
#include "common/core/text.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/clone.h"
#include "plugins/clone/containers.h"
#include "plugins/clone/mentions.h"
#include "plugins/clone/variables.h"

#include <algorithm>

namespace holdfast::clone {
namespace {

constexpr std::chrono::milliseconds kPatience{30000};  // to ask a database what ties it to others

// Pods of the workload that mount what is to be copied.
std::vector<const Json*> running_pods(const LiveFacts& live) {
    std::vector<const Json*> pods;
    for (const Json& pod : live.pods) {
        if (kube::phase_of(pod) == "Running" && !kube::deleting(pod)) pods.push_back(&pod);
    }
    return pods;
}

std::optional<Ties> ask(plan::PodRunner& runner, const std::string& space, const Json& pod,
                        const std::string& container) {
    plan::Exec exec;
    exec.space = space;
    exec.pod = kube::name_of(pod);
    exec.pod_uid = kube::uid_of(pod);
    exec.container = container;
    exec.argv = {"sh", "-c", ties_script()};
    const auto answer = runner.run(exec, kPatience);
    return answer.ok() ? parse_ties(*answer) : std::nullopt;
}

// Of what a command in a pod needs, the first that is not allowed; "" : all is. kubectl reads the pod before it
// connects.
Result<std::string> missing_to_ask(kube::ClusterReader& reader, const std::string& space) {
    TRY_ASSIGN(const std::vector<bool> allowed,
               reader.allowed({{"get", kube::kPods, space, "", ""}, {"create", kube::kPods, space, "exec", ""}}));
    if (allowed.empty() || !allowed[0]) return std::string("get pods");
    return std::string(allowed.size() < 2 || !allowed[1] ? "create pods/exec" : "");
}

// What each container is by its looks; where none says anything, or another one has the claims, their files may.
// running: as its pods are, with the claims of a StatefulSet's templates.
std::vector<Recognised> suspects(const Json& pod_spec, const Json& running) {
    std::vector<Recognised> all = recognise_all(pod_spec);
    const auto known = [&](const std::string& container) {
        return std::any_of(all.begin(), all.end(), [&](const Recognised& one) { return one.container == container; });
    };
    for (const Json& one : containers_in(running)) {
        const std::string name = kube::text_at(one, "/name");
        if (mounts_of_claims(running, name).container != name || known(name)) continue;
        Recognised unknown;
        unknown.container = name;
        all.push_back(unknown);
    }
    if (all.empty()) all.push_back(Recognised{});
    return all;
}

// Volumes of claims that a container has.
std::set<std::string> volumes_of(const Json& running, const std::string& container) {
    std::set<std::string> volumes;
    const auto claims = kube::claims_of_pod_spec(running);
    for (const Json& one : containers_in(running)) {
        if (kube::text_at(one, "/name") != container) continue;
        for (const Json& mount : list_of_container(one, "volumeMounts")) {
            const std::string name = kube::text_at(mount, "/name");
            if (claims.contains(name)) volumes.insert(name);
        }
    }
    return volumes;
}

bool shares(const Json& running, const std::string& one, const std::string& other) {
    const std::set<std::string> mine = volumes_of(running, one), theirs = volumes_of(running, other);
    return std::any_of(mine.begin(), mine.end(), [&](const std::string& name) { return theirs.contains(name); });
}

// By its files a container beside the database is one, too, in which nothing can be asked.
std::optional<Ties> ask_any(plan::PodRunner& runner, const std::string& space, const Json& pod,
                            const Recognised& recognised) {
    std::optional<Ties> ties = ask(runner, space, pod, recognised.container);
    if (ties || !recognised.by_files()) return ties;
    const Json running = kube::pod_spec_of_workload(pod);
    for (const Json& one : containers_in(running)) {
        const std::string name = kube::text_at(one, "/name");
        if (!ties && name != recognised.container && shares(running, name, recognised.container))
            ties = ask(runner, space, pod, name);
    }
    return ties;
}

// The names of the files that its volumes have, of those that tell software: looked for in one of its pods.
struct Seen {
    std::string container;
    std::vector<std::string> files;
};
Result<Seen> look_at_files(plan::PodRunner& runner, const std::string& space, const Json& pod,
                           const std::string& container) {
    const Mounted mounted = mounts_of_claims(kube::pod_spec_of_workload(pod), container);
    if (mounted.container.empty()) return Seen{};
    plan::Exec exec;
    exec.space = space;
    exec.pod = kube::name_of(pod);
    exec.pod_uid = kube::uid_of(pod);
    exec.container = mounted.container;
    exec.argv = {"sh", "-c", files_script(mounted.folders)};
    TRY_ASSIGN(const std::string printed, runner.run(exec, kPatience));
    return Seen{mounted.container, split(printed, '\n')};
}

}  // namespace

// Each is read once, though source and clone mostly name the same ones.
class Clone::ConfigMaps {
  public:
    ConfigMaps(kube::ClusterReader& here, kube::ClusterReader& there, const CloneOptions& options)
        : here_(here), there_(there), options_(options) {}

    Result<std::optional<Json>> of_source(const std::string& name) {
        return read(here_, options_.space, name, source_);
    }
    // A clone elsewhere has those of its own namespace, or, where they are still to be copied, the source's.
    Result<std::optional<Json>> of_clone(const std::string& name) {
        if (!options_.elsewhere()) return of_source(name);
        auto found = read(there_, options_.to_space, name, clone_);
        return found.ok() && !*found ? of_source(name) : found;
    }

  private:
    using Seen = std::map<std::string, Result<std::optional<Json>>>;
    static Result<std::optional<Json>> read(kube::ClusterReader& reader, const std::string& space,
                                            const std::string& name, Seen& seen) {
        const auto known = seen.find(name);
        if (known != seen.end()) return known->second;
        return seen.emplace(name, reader.find({kube::kConfigMaps, space, name})).first->second;
    }

    kube::ClusterReader& here_;
    kube::ClusterReader& there_;
    const CloneOptions& options_;
    Seen source_, clone_;
};

// Before anything is made: whether the clone would join what it is a copy of (safety R26).
Status Clone::check_ties(kube::ClusterReader& reader) {
    if (!options_.whole()) return {};
    ConfigMaps maps(reader, there(reader), options_);
    TRY_ASSIGN(const Json source, spelled(maps, kube::pod_spec_of_workload(live_->workloads.front()), false));
    TRY_ASSIGN(const Json made, spelled(maps, kube::pod_spec_of_workload(workload_.manifest), true));
    tell_mentions(made);
    const std::vector<const Json*> pods = running_pods(*live_);
    const Json running = pods.empty() ? source : kube::pod_spec_of_workload(*pods.front());
    const std::vector<Recognised> all = suspects(source, running);
    for (const Recognised& one : all) TRY(check_one(reader, maps, one, source, made, all));
    return {};
}

Status Clone::check_one(kube::ClusterReader& reader, ConfigMaps& maps, const Recognised& suspect, const Json& source,
                        const Json& made, const std::vector<Recognised>& all) {
    Joining joining;
    joining.replicas = kube::replicas_of(live_->workloads.front());
    joining.recognised = suspect;
    joining.source_names = workload_.source_names;
    TRY(look_on_volumes(reader, joining));
    const Software software = joining.recognised.software;
    // What has the files of a database that another container runs is looked at as that one.
    for (const Recognised& other : all) {
        const std::vector<const Json*> pods = running_pods(*live_);
        const bool same = suspect.software == Software::kNone && joining.recognised.by_files() &&
                          other.software == software && !pods.empty() &&
                          shares(kube::pod_spec_of_workload(*pods.front()), other.container, suspect.container);
        if (same) return {};
    }
    if ((software == Software::kPostgres && !options_.isolated) || software == Software::kPatroni) {
        TRY(check_may_ask(reader));
        for (const Json* pod : running_pods(*live_))
            joining.ties[kube::name_of(*pod)] =
                pods_ == nullptr ? std::nullopt : ask_any(*pods_, options_.space, *pod, joining.recognised);
    }
    const bool database = software == Software::kPostgres || software == Software::kPatroni;
    if (software != Software::kNone && !database) TRY(read_mounted(maps, made, joining));
    treats_ = treats_ || (options_.isolated && database);
    return check_joining(options_, joining, source, made);
}

// With the variables that its containers take from ConfigMaps.
Result<Json> Clone::spelled(ConfigMaps& all, const Json& pod_spec, bool made) {
    const VariableSources sources = sources_of_variables(pod_spec);
    std::map<std::string, Json> maps;
    for (const std::string& name : sources.config_maps) {
        auto found = made ? all.of_clone(name) : all.of_source(name);
        if (!found.ok() && found.error().kind != ErrorKind::kForbidden) return found.error();
        if (!found.ok())
            unspelled_.insert("configmap/" + name + " (not allowed)");
        else if (*found)
            maps[name] = std::move(**found);
    }
    for (const std::string& name : sources.secrets) unspelled_.insert("secret/" + name + " (no Secret is read)");
    return written_out(pod_spec, maps);
}

// What is set in files that it has from ConfigMaps; of one that may not be read nothing is known.
Status Clone::read_mounted(ConfigMaps& all, const Json& made, Joining& joining) {
    std::map<std::string, Json> maps;
    for (const std::string& name : config_maps_mounted(made, joining.recognised.container)) {
        auto found = all.of_clone(name);
        if (!found.ok() && found.error().kind != ErrorKind::kForbidden) return found.error();
        if (found.ok() && *found) maps[name] = std::move(**found);
    }
    joining.mounted = mounted_files(made, joining.recognised.container, maps);
    return {};
}

// Those in env itself are told of with the workload.
void Clone::tell_mentions(const Json& spelled) {
    const std::vector<std::string> told =
        places_that_name(kube::pod_spec_of_workload(workload_.manifest), workload_.source_names);
    for (const std::string& place : places_that_name(spelled, workload_.source_names)) {
        if (std::find(told.begin(), told.end(), place) == told.end()) mentions_.push_back(place);
    }
}

Status Clone::check_may_ask(kube::ClusterReader& reader) const {
    TRY_ASSIGN(const std::string missing, missing_to_ask(reader, options_.space));
    if (missing.empty()) return {};
    return Error{
        ErrorKind::kForbidden,
        "not allowed to " + missing + " in namespace " + options_.space + ", by which " + options_.source.text() +
            " is asked whether it archives or replicates; nothing was changed",
        "have it granted (`kubectl clone rbac create`)" +
            std::string(options_.isolated ? "" : ", or --isolated, which takes that out of a PostgreSQL's clone")};
}

// Where nobody can look, the plan says so: an image that names no database is most often none. What one container keeps
// from being seen another one may show.
Status Clone::look_on_volumes(kube::ClusterReader& reader, Joining& joining) {
    Recognised& recognised = joining.recognised;
    const bool tells = recognised.software == Software::kNone || recognised.software == Software::kPostgres ||
                       recognised.software == Software::kRedis || recognised.software == Software::kMySql ||
                       !recognised.sure;
    if (!tells) return {};
    const std::vector<const Json*> pods = running_pods(*live_);
    TRY_ASSIGN(const std::string missing, missing_to_ask(reader, options_.space));
    if (pods.empty() || pods_ == nullptr || !missing.empty()) {
        unlooked_ = pods.empty() ? "no pod of it runs" : "commands in its pods are not allowed";
        return {};
    }
    auto seen = look_at_files(*pods_, options_.space, *pods.front(), recognised.container);
    if (!seen.ok()) {
        unlooked_ = "pod/" + kube::name_of(*pods.front()) + " has no shell" +
                    (recognised.container.empty() ? "" : " in container " + recognised.container) +
                    ", or did not answer";
        return {};
    }
    recognised = with_files(recognised, seen->container, seen->files);
    joining.files = std::move(seen->files);
    joining.looked_in = seen->container;
    return {};
}

}  // namespace holdfast::clone
