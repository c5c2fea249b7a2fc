// The only file here that reads files.
#include "common/kubeconfig/load.h"

#include "common/core/text.h"
#include "common/kubeconfig/assemble.h"
#include "common/kubeconfig/in_cluster.h"
#include "common/kubeconfig/kuberc.h"
#include "common/kubeconfig/merge.h"
#include "common/kubeconfig/select.h"
#include "common/kubeconfig/validate.h"
#include "common/kubeconfig/yaml.h"
#include "common/os/files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace holdfast::kubeconfig {
namespace {

constexpr std::size_t kFileMax = std::size_t{8} << 20;

std::vector<std::string> places(const ConnectionFlags& flags, const Environment& environment) {
    if (flags.kubeconfig && !flags.kubeconfig->empty()) return {*flags.kubeconfig};
    const std::string variable = environment.get_or("KUBECONFIG", "");
    if (variable.empty()) return {environment.home + "/.kube/config"};
    std::vector<std::string> paths;
    for (std::string& path : split(variable, ':')) {
        if (!path.empty() && std::find(paths.begin(), paths.end(), path) == paths.end())
            paths.push_back(std::move(path));
    }
    return paths;
}

Result<RawConfig> load_file(const std::string& path, const std::string& absolute) {
    if (absolute == "/dev/null") return RawConfig{};  // the usual way to say "no kubeconfig"
    auto text = read_file_or_pipe(absolute, kFileMax);
    if (!text.ok()) return text.error().with_context("kubeconfig");
    const std::string subject = "kubeconfig " + escape_line(absolute);
    auto document = parse_yaml(*text);
    if (!document.ok()) return document.error().with_context(subject);
    return decode_config(*document, path).context(subject);
}

// Whether others than the owner may read the file, as a warning; "" if not. Links are followed: what counts is the
// target.
std::string exposure(const std::string& path, const char* what) {
    struct stat info {};
    if (path.empty() || ::stat(path.c_str(), &info) != 0) return "";
    const std::string subject = std::string(what) + " " + escape_line(path);
    if (info.st_uid != geteuid() && info.st_uid != 0)
        return subject + " belongs to another user (uid " + std::to_string(info.st_uid) + ")";
    if ((info.st_mode & 0044) == 0) return "";
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(info.st_mode & 07777));
    return subject + " can be read by other users (mode " + mode + "): chmod 600 it";
}

void warn_about_files(const Selection& selection, std::vector<std::string>& warnings) {
    for (const std::string& warning :
         {exposure(selection.user.client_key, "client key"), exposure(selection.user.token_file, "token file")}) {
        if (!warning.empty()) warnings.push_back(warning);
    }
}

Result<PluginPolicy> load_policy(const ConnectionFlags& flags, const Environment& environment,
                                 std::vector<std::string>& warnings) {
    TRY_ASSIGN(const KubercPlace place, kuberc_place(flags, environment));
    if (place.path.empty()) return PluginPolicy{};
    const std::string subject = "kuberc " + escape_line(place.path);
    const auto text = read_limited(place.path);
    if (!text.ok()) {
        if (place.is_explicit) return text.error().with_context("kuberc");
        if (text.error().kind != ErrorKind::kNotFound)
            warnings.push_back("kuberc: " + text.error().message + "; it is ignored");
        return PluginPolicy{};
    }
    auto policy = parse_kuberc(*text);
    if (policy.ok()) return policy->value_or(PluginPolicy{});
    // kubectl too ignores what it cannot read in the default place, but never a policy that contradicts itself.
    if (place.is_explicit || policy.error().kind == ErrorKind::kRefused) {
        Error error = policy.error().with_context(subject);
        error.kind = ErrorKind::kInvalid;
        return error;
    }
    warnings.push_back(subject + ": " + policy.error().message + "; it is ignored");
    return PluginPolicy{};
}

std::string default_server(const Environment& environment) {
    const std::string master = environment.get_or("KUBERNETES_MASTER", "");
    return master.empty() ? "http://localhost:8080" : master;
}

void name_searched_places(const MergedFiles& files, const Selection& selection, const Environment& environment,
                          ClientConfig& config) {
    if (!files.config.clusters.empty() || selection.cluster.server != default_server(environment)) return;
    std::vector<std::string> shown;
    for (const std::string& path : files.searched) shown.push_back(escape_line(path));
    const std::string state = files.any_found ? "kubeconfig names no cluster" : "no kubeconfig was found";
    config.warnings.push_back(state + " (looked at " + join(shown, ", ") + "); using " + config.server);
}

Result<ClientConfig> load(const ConnectionFlags& flags, const Environment& environment, SystemTime now,
                          const std::string& service_account_directory) {
    TRY_ASSIGN(const MergedFiles files, load_files(flags, environment));
    const std::string& directory = environment.working_directory;
    TRY_ASSIGN(Selection selection, select(files.config, flags, default_server(environment), directory));
    TRY(validate(selection));
    const InClusterFiles pod = find_in_cluster(environment, service_account_directory, read_limited);
    const bool inside = pod.possible && is_default(selection, default_server(environment));
    if (inside) use_in_cluster(pod, selection);
    if (selection.context.space.empty() && pod.possible) selection.context.space = pod.space;
    std::vector<std::string> warnings;
    if (!inside) warn_about_files(selection, warnings);
    TRY_ASSIGN(PluginPolicy policy, load_policy(flags, environment, warnings));
    TRY_ASSIGN(ClientConfig config, assemble(selection, flags, environment, read_limited, now));
    config.plugin_policy = std::move(policy);
    config.warnings.insert(config.warnings.begin(), warnings.begin(), warnings.end());
    if (!inside) name_searched_places(files, selection, environment, config);
    if (inside || files.any_piped || flags_hold_secrets(flags)) {
        TRY(flatten(selection.cluster, selection.cluster_name, read_limited));
        TRY(flatten(selection.user, selection.user_name, read_limited));
        config.kubectl_kubeconfig = child_kubeconfig(selection);
    } else {
        config.kubectl_arguments = child_arguments(flags, directory);
    }
    if (flags.kuberc && !flags.kuberc->empty())
        config.kubectl_arguments.push_back("--kuberc=" + join_path(directory, *flags.kuberc));
    config.kubectl_arguments.push_back("--namespace=" + config.space);
    return config;
}

}  // namespace

Result<std::string> read_limited(const std::string& path) { return read_file(path, kFileMax); }

Result<MergedFiles> load_files(const ConnectionFlags& flags, const Environment& environment) {
    MergedFiles found;
    std::vector<RawConfig> configs;
    for (const std::string& path : places(flags, environment)) {
        const std::string absolute = join_path(environment.working_directory, path);
        found.searched.push_back(absolute);
        auto config = load_file(path, absolute);
        const bool missing = !config.ok() && config.error().kind == ErrorKind::kNotFound;
        if (missing && (!flags.kubeconfig || flags.kubeconfig->empty())) continue;
        if (missing) {
            return Error{ErrorKind::kNotFound, "kubeconfig " + escape_line(absolute) + " does not exist",
                         std::string("check ") + flags.kubeconfig_flag, 0, ""};
        }
        if (!config.ok()) return config.error();
        found.any_found = true;
        found.any_piped = found.any_piped || is_pipe(absolute);
        configs.push_back(std::move(*config));
    }
    found.config = merge_configs(std::move(configs));
    resolve_paths(found.config, environment.working_directory);
    return found;
}

Result<ClientConfig> load_client_config(const ConnectionFlags& flags, const Environment& environment, SystemTime now,
                                        const std::string& service_account_directory) {
    auto config = load(flags, environment, now, service_account_directory);
    if (config.ok()) return config;
    // Whatever is wrong with files, the caller can do one thing: say that no connection can be made.
    Error error = config.error();
    const bool keeps =
        error.kind == ErrorKind::kUsage || error.kind == ErrorKind::kRefused || error.kind == ErrorKind::kUnauthorized;
    if (!keeps) {
        error.kind = ErrorKind::kConnect;
        error.reason = "Kubeconfig";
    }
    return error;
}

Result<ClientConfig> load_client_config(const ConnectionFlags& flags, const Environment& environment) {
    return load_client_config(flags, environment, std::chrono::system_clock::now(), kServiceAccountDirectory);
}

}  // namespace holdfast::kubeconfig
