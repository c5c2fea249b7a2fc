// kuberc: which credential plugins may run. Its other parts (aliases, defaults) are for kubectl's own commands.
// Source: kubectl pkg/kuberc/kuberc.go, marshal.go, pkg/config/v1beta1; client-go exec.go (ValidatePluginPolicy). Pure.
#pragma once

#include "common/core/result.h"
#include "common/kubeconfig/client_config.h"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::kubeconfig {

// Where it would be, and whether the user asked for it. kUsage: --kuberc together with KUBERC=off.
struct KubercPlace {
    std::string path;  // "" : off
    bool is_explicit = false;
};
Result<KubercPlace> kuberc_place(const ConnectionFlags& flags, const Environment& environment);

// The policy of the first usable Preference document; nullopt for a file without documents. kNotFound: documents, but
// none is a Preference. kInvalid: no YAML. kRefused: the policy contradicts itself, which is always an error since it
// guards.
Result<std::optional<PluginPolicy>> parse_kuberc(std::string_view text);

}  // namespace holdfast::kubeconfig
