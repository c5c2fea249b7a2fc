#include "common/kubeconfig/merge.h"

#include "common/core/text.h"

namespace holdfast::kubeconfig {
namespace {

template <typename Value>
void add_missing(std::map<std::string, Value>& into, std::map<std::string, Value>&& from) {
    into.merge(std::move(from));  // keeps what is there
}

std::string directory_of(std::string_view file) {
    const std::size_t slash = file.rfind('/');
    return slash == std::string_view::npos ? "." : std::string(file.substr(0, slash == 0 ? 1 : slash));
}

Error missing(const std::string& what, const std::string& name) {
    return Error{ErrorKind::kInvalid, what + " \"" + escape_line(name) + "\" does not exist", "", 0, ""};
}

template <typename Value>
void keep_only(std::map<std::string, Value>& values, const std::string& name) {
    std::map<std::string, Value> kept;
    const auto found = values.find(name);
    if (found != values.end()) kept.insert(values.extract(found));
    values = std::move(kept);
}

}  // namespace

RawConfig merge_configs(std::vector<RawConfig> files) {
    RawConfig merged;
    for (RawConfig& file : files) {
        add_missing(merged.clusters, std::move(file.clusters));
        add_missing(merged.users, std::move(file.users));
        add_missing(merged.contexts, std::move(file.contexts));
        add_missing(merged.extensions, std::move(file.extensions));
        add_missing(merged.preferences_extensions, std::move(file.preferences_extensions));
        if (merged.current_context.empty()) merged.current_context = file.current_context;
        merged.preferences_colors = merged.preferences_colors || file.preferences_colors;
    }
    return merged;
}

std::string clean_path(std::string_view path) {
    const bool absolute = starts_with(path, "/");
    std::vector<std::string> parts;
    for (std::string& part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        const bool up = part == "..";
        const bool below = !parts.empty() && parts.back() != "..";
        if (up && below) {
            parts.pop_back();
        } else if (!up || !absolute) {
            parts.push_back(std::move(part));
        }
    }
    std::string cleaned = (absolute ? "/" : "") + join(parts, "/");
    return cleaned.empty() ? "." : cleaned;
}

std::string join_path(std::string_view directory, std::string_view path) {
    if (starts_with(path, "/")) return std::string(path);
    return clean_path(std::string(directory) + "/" + std::string(path));
}

void resolve_paths(RawConfig& config, const std::string& working_directory) {
    const auto resolve = [&](std::string& path, const std::string& origin) {
        if (path.empty() || origin.empty()) return;
        path = join_path(join_path(working_directory, directory_of(origin)), path);
    };
    for (auto& [name, cluster] : config.clusters) resolve(cluster.certificate_authority, cluster.origin);
    for (auto& [name, user] : config.users) {
        resolve(user.client_certificate, user.origin);
        resolve(user.client_key, user.origin);
        resolve(user.token_file, user.origin);
        if (user.exec && user.exec->command.find('/') != std::string::npos) resolve(user.exec->command, user.origin);
    }
}

Result<RawConfig> minify(RawConfig config, const std::string& name) {
    if (!name.empty()) config.current_context = name;
    if (config.current_context.empty()) {
        return Error{ErrorKind::kInvalid, "no context is chosen: kubeconfig has no current-context", "", 0, ""};
    }
    const auto context = config.contexts.find(config.current_context);
    if (context == config.contexts.end()) return missing("context", config.current_context);
    const std::string cluster = context->second.cluster, user = context->second.user;
    if (!cluster.empty() && config.clusters.count(cluster) == 0) return missing("cluster", cluster);
    if (!user.empty() && config.users.count(user) == 0) return missing("user", user);
    keep_only(config.contexts, config.current_context);
    if (cluster.empty())
        config.clusters.clear();
    else
        keep_only(config.clusters, cluster);
    if (user.empty())
        config.users.clear();
    else
        keep_only(config.users, user);
    return config;
}

}  // namespace holdfast::kubeconfig
