// Blocks of a file with what they should hold, as reading back compares them.
#pragma once

#include "plugins/migrate/mover/index.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::mover {

struct RunCheck {
    std::string path;
    Run run;
    std::uint32_t block_size = 0;
    std::uint64_t size = 0;  // of the file
    // Where a block begins, no further than at the file's end, whatever its number.
    std::uint64_t byte_of(std::uint64_t block) const;
};

// Whether at least half of its blocks were not read back since they were written.
bool is_mostly_unread(const Run& run);
// How many bytes such blocks have.
std::uint64_t bytes_to_read_back(const RunCheck& check);

void encode(Encoder& out, const RunCheck& check);
// nullopt: what no encoder wrote, or runs without hashes.
std::optional<std::vector<RunCheck>> decode_run_checks(std::string_view input);
// Of all that is in it.
Digest identity_of(const RunCheck& check);

}  // namespace holdfast::mover
