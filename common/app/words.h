// argv in canonical form, as pflag reads it, before CLI11 sees it: CLI11 2.1 silently misreads "-n=foo", "-v=6",
// "-A=false" and "--namespace= x", and splits positionals such as "[a,b]". Pure.
#pragma once

#include "common/app/command.h"

#include <string>
#include <vector>

namespace holdfast::app {

struct Words {
    std::vector<std::string> options;      // "--name", "value", "--yes=true", ...: long names, one value a word
    std::vector<std::string> positionals;  // in order, those after "--" too
    bool wants_help = false, wants_version = false;
};

// Unknown and incomplete flags are kUsage in pflag's words, with the nearest names as hint. Lenient: they are skipped
// instead, for finding out which command is meant.
enum class Strictness { kStrict, kLenient };
Result<Words> split_words(const std::vector<std::string>& argv, const std::vector<Option>& table,
                          Strictness strictness);

}  // namespace holdfast::app
