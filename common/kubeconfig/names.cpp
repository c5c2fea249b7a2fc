#include "common/kubeconfig/names.h"

#include "common/kubeconfig/load.h"

namespace holdfast::kubeconfig {
namespace {

template <typename Value>
std::vector<std::string> keys(const std::map<std::string, Value>& values) {
    std::vector<std::string> names;
    for (const auto& [name, value] : values) names.push_back(name);
    return names;
}

}  // namespace

Result<ConfigNames> config_names(const ConnectionFlags& flags, const Environment& environment) {
    TRY_ASSIGN(const MergedFiles files, load_files(flags, environment));
    return ConfigNames{keys(files.config.contexts), keys(files.config.clusters), keys(files.config.users)};
}

}  // namespace holdfast::kubeconfig
