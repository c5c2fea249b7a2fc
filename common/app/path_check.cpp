#include "common/app/path_check.h"

#include "common/core/text.h"
#include "common/os/subprocess.h"

#include <algorithm>
#include <filesystem>

namespace holdfast::app {

std::vector<std::string> namesakes(const std::vector<std::string>& found, const std::string& own) {
    std::vector<std::string> others;
    for (const auto& path : found) {
        std::error_code failure;
        const bool same = std::filesystem::equivalent(path, own, failure);
        if (!same && std::find(others.begin(), others.end(), path) == others.end()) others.push_back(path);
    }
    return others;
}

void warn_of_namesakes(Context& context) {
    std::string word = context.plugin().name;
    std::replace(word.begin(), word.end(), '-', '_');  // kubectl pvc-expand is kubectl-pvc_expand
    const std::string name = "kubectl-" + word;
    const auto found = find_in_path(name, context.environment().get_or("PATH", ""));
    for (const auto& path : namesakes(found, context.environment().executable)) {
        const bool first = path == found.front();
        context.console().err(
            "warning: " + escape_line(path) + " is another program named " + name +
            (first ? " and comes first in PATH: `kubectl " + context.plugin().name + "` runs that one, not this"
                   : ", further back in PATH") +
            "\n  a program published under the name kubectl-snap deletes pods: remove it or put this one first\n");
    }
}

}  // namespace holdfast::app
