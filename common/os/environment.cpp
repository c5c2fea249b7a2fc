#include "common/os/environment.h"

#include <pwd.h>
#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace holdfast {

std::optional<std::string> Environment::get(const std::string& name) const {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
}

std::string Environment::get_or(const std::string& name, std::string fallback) const {
    return get(name).value_or(std::move(fallback));
}

Environment Environment::of_process() {
    Environment result;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const std::size_t equals = text.find('=');
        if (equals != std::string_view::npos) result.variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    result.home = result.get_or("HOME", "");
    if (result.home.empty()) {
        const passwd* user = getpwuid(getuid());
        if (user != nullptr && user->pw_dir != nullptr) result.home = user->pw_dir;
    }
    std::error_code ignored;
    result.working_directory = std::filesystem::current_path(ignored).string();
    result.executable = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
    return result;
}

}  // namespace holdfast
