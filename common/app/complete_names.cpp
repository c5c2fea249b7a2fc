#include "common/app/complete_names.h"

#include "common/app/flags.h"
#include "common/app/version.h"
#include "common/app/words.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/kubeconfig/names.h"
#include "common/os/quiet_console.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>

namespace holdfast::app {

namespace {

constexpr std::chrono::milliseconds kPatience{900};
constexpr std::size_t kMost = 500;  // nobody chooses among more

kubeconfig::ConnectionFlags flags_in(const std::vector<std::string>& words) {
    Arguments arguments;
    const std::vector<std::string> before(words.begin(), words.end() - (words.empty() ? 0 : 1));
    const auto split = split_words(before, all_options(Command{}), Strictness::kLenient);
    for (std::size_t i = 0; split.ok() && i + 1 < split->options.size(); i += 2) {
        arguments.values[split->options[i].substr(2)].push_back(split->options[i + 1]);
    }
    return connection_flags(arguments);
}

using Naming = std::function<Candidate(const Json&)>;

std::vector<Candidate> listed(kube::ClusterReader& reader, const kube::Resource& resource, const std::string& space,
                              const std::string& selector, const Naming& naming) {
    std::vector<Candidate> names;
    const auto each = [&](Json&& object) {
        names.push_back(naming(object));
        return names.size() < kMost;
    };
    const auto ended =
        reader.for_each(resource, resource.namespaced ? space : "", {selector, ""}, each, [&] { names.clear(); });
    return ended.ok() ? names : std::vector<Candidate>{};
}

Naming with_prefix(std::string prefix, std::size_t cut = 0) {
    return [prefix = std::move(prefix), cut](const Json& object) {
        const std::string name = kube::name_of(object);
        return Candidate{prefix + name.substr(std::min(cut, name.size())), ""};
    };
}

constexpr std::size_t kSetPrefix = std::string_view("holdfast-set-").size();
constexpr std::size_t kOperationPrefix = std::string_view("holdfast-op-").size();

std::string role(const char* value) { return std::string(labels::kRole) + "=" + value; }

// TYPE/NAME: types first, names of a type once its slash is typed.
std::vector<Candidate> typed(kube::ClusterReader& reader, const std::string& space, const std::string& partial,
                             const std::vector<Candidate>& types) {
    const auto slash = partial.find('/');
    if (slash == std::string::npos) return types;
    const kube::Resource* resource = kube::find_resource(partial.substr(0, slash));
    if (resource == nullptr) return {};
    return listed(reader, *resource, space, "", with_prefix(partial.substr(0, slash + 1)));
}

std::vector<Candidate> sets(kube::ClusterReader& reader, const std::string& space, const std::string& prefix) {
    return listed(reader, kube::kConfigMaps, space, role("set"), with_prefix(prefix, kSetPrefix));
}

std::vector<Candidate> sets_or_snapshots(kube::ClusterReader& reader, const std::string& space,
                                         const std::string& partial) {
    if (starts_with(partial, "set/")) return sets(reader, space, "set/");
    if (starts_with(partial, "vs/")) return listed(reader, kube::kSnapshots, space, "", with_prefix("vs/"));
    auto names = sets(reader, space, "");
    names.push_back({"vs/", ""});
    return names;
}

// Several claims may be of one clone.
std::vector<Candidate> clones(kube::ClusterReader& reader, const std::string& space) {
    auto names = listed(reader, kube::kClaims, space, role("clone"), [](const Json& object) {
        return Candidate{kube::label_of(object, labels::kClone), ""};
    });
    const auto less = [](const Candidate& a, const Candidate& b) { return a.word < b.word; };
    const auto same = [](const Candidate& a, const Candidate& b) { return a.word == b.word; };
    std::sort(names.begin(), names.end(), less);
    names.erase(std::unique(names.begin(), names.end(), same), names.end());
    return names;
}

const std::vector<Candidate> kWorkloadTypes = {{"sts/", "the claims of a StatefulSet"},
                                               {"deploy/", "the claims of a Deployment"},
                                               {"pod/", "the claims of a pod"},
                                               {"pvc/", "one claim"}};

std::vector<Candidate> from_cluster(kube::ClusterReader& reader, const std::string& space, Completes what,
                                    const std::string& partial) {
    switch (what) {
        case Completes::kNothing:
        case Completes::kChoices:
        case Completes::kFile:
        case Completes::kContext:
        case Completes::kCluster:
        case Completes::kUser:
        case Completes::kShell:
            return {};
        case Completes::kNamespace:
            return listed(reader, kube::kNamespaces, "", "", with_prefix(""));
        case Completes::kWorkload:
            return typed(reader, space, partial, kWorkloadTypes);
        case Completes::kNewClaim:
            return {{"pvc/", "a new claim"}};
        case Completes::kClone:
            return clones(reader, space);
        case Completes::kClaim:
            return listed(reader, kube::kClaims, space, "", with_prefix(""));
        case Completes::kSet:
            return sets(reader, space, "");
        case Completes::kSetOrSnapshot:
            return sets_or_snapshots(reader, space, partial);
        case Completes::kSnapshot:
            return listed(reader, kube::kSnapshots, space, "", with_prefix(""));
        case Completes::kStorageClass:
            return listed(reader, kube::kStorageClasses, "", "", with_prefix(""));
        case Completes::kSnapshotClass:
            return listed(reader, kube::kSnapshotClasses, "", "", with_prefix(""));
        case Completes::kOperation:
            return listed(reader, kube::kConfigMaps, space, role("journal"), with_prefix("", kOperationPrefix));
    }
    return {};
}

bool needs_cluster(Completes what) {
    return what != Completes::kNothing && what != Completes::kChoices && what != Completes::kFile &&
           what != Completes::kContext && what != Completes::kCluster && what != Completes::kUser &&
           what != Completes::kShell;
}

std::vector<Candidate> from_kubeconfig(const kubeconfig::ConnectionFlags& flags, const Environment& environment,
                                       Completes what) {
    const auto names = kubeconfig::config_names(flags, environment);
    if (!names.ok()) return {};
    const auto& chosen = what == Completes::kContext   ? names->contexts
                         : what == Completes::kCluster ? names->clusters
                                                       : names->users;
    std::vector<Candidate> all;
    for (const auto& name : chosen) all.push_back({name, ""});
    return all;
}

}  // namespace

std::vector<Candidate> names_for(const Plugin& plugin, const std::vector<std::string>& words, Completes what,
                                 const std::string& partial, const Process& process) {
    exit_after(kPatience);  // a hanging credential plugin or server must not hang the shell
    const auto flags = flags_in(words);
    if (what == Completes::kContext || what == Completes::kCluster || what == Completes::kUser) {
        return from_kubeconfig(flags, process.environment, what);
    }
    if (!needs_cluster(what)) return {};
    if ((what == Completes::kWorkload) && partial.find('/') == std::string::npos) return kWorkloadTypes;
    auto config = kubeconfig::load_client_config(flags, process.environment);
    if (!config.ok()) return {};
    QuietConsole mute;  // server warnings and the like would break the line that is being typed
    const auto connector = kube::make_connector(*config, {"kubectl-" + plugin.name, version_text(), false},
                                                process.clock, mute, process.signals);
    const auto cluster = connector->connect(process.signals, mute, kPatience);
    if (!cluster.ok()) return {};
    return from_cluster(**cluster, config->space, what, partial);
}

}  // namespace holdfast::app
