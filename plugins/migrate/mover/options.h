// The mover's command line.
#pragma once

#include "common/core/result.h"
#include "plugins/migrate/mover/report.h"

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::mover {

struct Options {
    std::string command;  // "" with help or version
    std::vector<std::string> words;
    bool help = false, version = false;
    bool live = false;      // passes until what changes stops shrinking; the source may be written to
    bool paranoid = false;  // the final pass reads everything
    bool verify = true;
    bool used_blocks = false;  // of an image: only what its filesystem has allocated
    bool json = false;
    ProgressMode progress = ProgressMode::kNone;
    bool progress_given = false;
    std::string state, manifest, operation = "copy", key_file, listen, to;
    bool stay = false;  // receive: go on after a pass that was not the last
    std::uint64_t bandwidth = 0;
    std::uint64_t group_bytes = 0;  // 0: the default
    int threads = 0;                // 0: as many as the cgroup's limits allow
};

// kUsage with what is wrong.
Result<Options> parse_options(int argc, char** argv);
// "": of the whole program.
std::string help_text(const std::string& command);

}  // namespace holdfast::mover
