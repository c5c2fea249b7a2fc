// What a container's command starts, followed through shells and entrypoints. A flag that never reaches the server, and
// a line that runs after it or on a condition, do nothing: only what surely has its effect counts (safety R26). Pure.
#pragma once

#include "common/core/json.h"

#include <initializer_list>
#include <string>
#include <vector>

namespace holdfast::clone {

using Words = std::vector<std::string>;

struct Started {
    std::vector<Words> runs;    // what the server is given, each time that it is started; none: nothing shows it
    std::vector<Words> before;  // commands that surely run before it; all that surely run, where there is none
    bool own = false;           // the image's own command starts it
    bool scripted = false;      // by the run.sh of Bitnami's image, which reads variables
};
Started started_by(const Json& container, std::initializer_list<const char*> servers);

// Every time that the server is started, and it is, these words have this.
template <typename Has>
bool always(const Started& started, const Has& has) {
    for (const Words& run : started.runs) {
        if (!has(run)) return false;
    }
    return !started.runs.empty();
}

// "/usr/bin/mysqld" -> "mysqld"
std::string base_name(const std::string& path);

// The file that this path of the container is, as a volume of the pod has it; volume "" : it is on none that this
// container could change, or nothing tells.
struct Located {
    std::string volume, path;
    friend bool operator==(const Located&, const Located&) = default;
};
Located locate(const Json& container, const std::string& path);

}  // namespace holdfast::clone
