#include "common/kubeconfig/plugin_policy.h"

#include "common/core/text.h"
#include "common/kubeconfig/merge.h"
#include "common/os/subprocess.h"

#include <unistd.h>

#include <algorithm>

namespace holdfast::kubeconfig {
namespace {

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool list_allows(const PluginPolicy& policy, const std::string& command, const std::string& program,
                 const FindProgram& find) {
    return std::any_of(policy.allowlist.begin(), policy.allowlist.end(), [&](const std::string& entry) {
        if (entry == command || entry == program) return true;
        return base_name(entry) == base_name(program) && find(entry) == program;
    });
}

Error denied(const ExecPlugin& plugin, const std::string& why) {
    return Error{ErrorKind::kUnauthorized,
                 "credential plugin \"" + escape_line(plugin.command) + "\" is denied: " + why + "; it was not run",
                 "allow it in kuberc, or use credentials that need no plugin", 0, ""};
}

}  // namespace

Result<std::string> allowed_program(const ExecPlugin& plugin, const PluginPolicy& policy, const FindProgram& find) {
    if (policy.kind == PluginPolicy::Kind::kDenyAll) return denied(plugin, "credentialPluginPolicy is DenyAll");
    const std::string command = clean_path(plugin.command);
    const auto program = find(command);
    if (!program) {
        std::string message = "credential plugin \"" + escape_line(plugin.command) + "\" was not found";
        if (plugin.command != plugin.command_as_written) {
            message +=
                " (kubeconfig says \"" + escape_line(plugin.command_as_written) + "\", relative to its own directory)";
        } else if (plugin.command.find('/') == std::string::npos) {
            message += " in PATH";
        }
        return Error{ErrorKind::kUnauthorized, message, plugin.install_hint, 0, ""};
    }
    if (policy.kind == PluginPolicy::Kind::kAllowlist && !list_allows(policy, command, *program, find)) {
        return denied(plugin, "it is not in credentialPluginAllowlist");
    }
    return *program;
}

FindProgram program_finder(const Environment& environment) {
    return [path = environment.get_or("PATH", "")](const std::string& command) -> std::optional<std::string> {
        if (command.find('/') != std::string::npos) {
            if (::access(command.c_str(), X_OK) != 0) return std::nullopt;
            return command;
        }
        for (const std::string& hit : find_in_path(command, path)) {
            if (starts_with(hit, "/")) return hit;  // never a program of whatever directory we happen to be in
        }
        return std::nullopt;
    };
}

}  // namespace holdfast::kubeconfig
