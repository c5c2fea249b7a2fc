#include "common/kubeconfig/kuberc.h"

#include "common/core/text.h"
#include "common/kubeconfig/merge.h"
#include "common/kubeconfig/yaml.h"

namespace holdfast::kubeconfig {
namespace {

Error refuse(std::string message) {
    return Error{ErrorKind::kRefused, "credential plugin policy: " + std::move(message), "", 0, ""};
}

std::string text_of(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// Are the types such that kubectl would decode it?
bool is_preference(const Json& document) {
    if (!document.is_object() || text_of(document, "kind") != "Preference") return false;
    const std::string version = text_of(document, "apiVersion");
    if (version != "kubectl.config.k8s.io/v1beta1" && version != "kubectl.config.k8s.io/v1alpha1") return false;
    const auto policy = document.find("credentialPluginPolicy");
    const auto list = document.find("credentialPluginAllowlist");
    return (policy == document.end() || policy->is_string() || policy->is_null()) &&
           (list == document.end() || list->is_array() || list->is_null());
}

Result<std::string> allowed_command(const Json& entry, std::size_t number) {
    const std::string name = entry.is_object() ? text_of(entry, "name") : "";
    const std::string command = entry.is_object() ? text_of(entry, "command") : "";
    if (!name.empty() && !command.empty() && name != command) {
        return refuse("entry " + std::to_string(number) +
                      " of credentialPluginAllowlist has both a name and another command");
    }
    const std::string wanted = command.empty() ? name : command;
    if (wanted.empty()) return refuse("entry " + std::to_string(number) + " of credentialPluginAllowlist is empty");
    if (clean_path(wanted) != wanted) {
        return refuse("\"" + escape_line(wanted) + "\" in credentialPluginAllowlist is not a normalised path: \"" +
                      escape_line(clean_path(wanted)) + "\"");
    }
    return wanted;
}

Result<PluginPolicy> policy_of(const Json& preference) {
    PluginPolicy policy;
    const std::string kind = text_of(preference, "credentialPluginPolicy");
    const auto list = preference.find("credentialPluginAllowlist");
    const bool has_list = list != preference.end() && !list->is_null();
    if (kind != "Allowlist") {
        if (!kind.empty() && kind != "AllowAll" && kind != "DenyAll") {
            return refuse("\"" + escape_line(kind) + "\" is not AllowAll, DenyAll or Allowlist");
        }
        if (has_list) return refuse("credentialPluginAllowlist is given, but credentialPluginPolicy is not Allowlist");
        policy.kind = kind == "DenyAll" ? PluginPolicy::Kind::kDenyAll : PluginPolicy::Kind::kAllowAll;
        return policy;
    }
    // A misspelt field name must not open the door.
    if (!has_list) return refuse("it is Allowlist, but credentialPluginAllowlist is not given");
    if (list->empty()) return refuse("it is Allowlist with an empty list; say DenyAll instead");
    policy.kind = PluginPolicy::Kind::kAllowlist;
    for (const Json& entry : *list) {
        TRY_ASSIGN(std::string command, allowed_command(entry, policy.allowlist.size() + 1));
        policy.allowlist.push_back(std::move(command));
    }
    return policy;
}

}  // namespace

Result<KubercPlace> kuberc_place(const ConnectionFlags& flags, const Environment& environment) {
    const std::string flag = flags.kuberc.value_or(""), variable = environment.get_or("KUBERC", "");
    if (variable == "off") {
        if (!flag.empty()) return Error{ErrorKind::kUsage, "KUBERC=off and --kuberc exclude each other", "", 0, ""};
        return KubercPlace{};
    }
    const std::string disabled = to_lower(environment.get_or("KUBECTL_KUBERC", ""));
    if (disabled == "false") return KubercPlace{};
    if (!flag.empty()) return KubercPlace{join_path(environment.working_directory, flag), true};
    if (!variable.empty()) return KubercPlace{join_path(environment.working_directory, variable), true};
    return KubercPlace{environment.home + "/.kube/kuberc", false};
}

Result<std::optional<PluginPolicy>> parse_kuberc(std::string_view text) {
    TRY_ASSIGN(const auto documents, parse_yaml_documents(text));
    bool any = false;
    for (const Json& document : documents) {
        if (document.is_null()) continue;
        any = true;
        if (!is_preference(document)) continue;
        TRY_ASSIGN(PluginPolicy policy, policy_of(document));
        return std::optional<PluginPolicy>(std::move(policy));
    }
    if (any)
        return Error{ErrorKind::kNotFound, "no document in it is a kubectl.config.k8s.io/v1beta1 Preference", "", 0,
                     ""};
    return std::optional<PluginPolicy>();
}

}  // namespace holdfast::kubeconfig
