// A sum over all entries of a tree, in whatever order they come: two trees of which it is the same have the same
// entries, but for what 128 bits do not tell apart. It says that nothing differs; what differs only a comparison with
// the index says. Pure.
#pragma once

#include "plugins/migrate/mover/attributes.h"

#include <cstdint>
#include <string_view>

namespace holdfast::mover {

struct Fingerprint {
    std::uint64_t entries = 0;
    std::uint64_t high = 0, low = 0;
    friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};
Fingerprint operator+(const Fingerprint& a, const Fingerprint& b);

// Of one entry: what shows whether a source was written to since it was looked at: name, inode, all times, size, links.
Fingerprint source_fingerprint(std::string_view path, const Meta& meta, const Facts& facts);
// Of one entry: what a copy has in common with its source at a glance (difference_at_a_glance()), and its name.
Fingerprint glance_fingerprint(std::string_view path, const Meta& meta);

}  // namespace holdfast::mover
