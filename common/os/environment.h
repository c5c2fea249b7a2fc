// What the process finds around it, as a value: pure code takes this instead of calling getenv.
#pragma once

#include <map>
#include <optional>
#include <string>

namespace holdfast {

struct Environment {
    std::map<std::string, std::string> variables;
    std::string home;  // $HOME, else the passwd entry's
    std::string working_directory;
    std::string executable;  // /proc/self/exe

    std::optional<std::string> get(const std::string& name) const;  // nullopt: not set; "" : set and empty
    std::string get_or(const std::string& name, std::string fallback) const;
    static Environment of_process();
};

}  // namespace holdfast
