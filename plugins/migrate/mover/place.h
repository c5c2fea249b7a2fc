// Where a directory lies, whichever mount it is reached through.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::mover {

// A directory within its filesystem. The same one has the same place through every bind mount of it.
struct Place {
    std::string device;  // major:minor of the filesystem
    std::string path;    // from the filesystem's own root: "/a/b"
};

// `mountinfo`: the text of /proc/self/mountinfo; `mount`: the number of the mount that a directory was opened through,
// and `seen` its path there, as /proc/self/fd shows it. nullopt: that does not tell.
std::optional<Place> place_in(std::string_view mountinfo, std::uint64_t mount, std::string_view seen);
bool lies_in(const Place& inside, const Place& outer);

// Of open directories: whether `inside` is `outer` or lies beneath it. To take such two for source and target would
// copy without end, and remove from the source what the target "has too much".
bool lies_in(int inside, int outer);

// Paths beneath a place that is reached through the mount of this number, where something else is mounted: no file of
// the place can be there. From its own path on, as is seen at `seen`.
std::vector<std::string> mounted_beneath(std::string_view mountinfo, std::uint64_t mount, std::string_view seen);
// Of an open directory. None are found where /proc says nothing.
std::vector<std::string> mounted_beneath(int directory);

}  // namespace holdfast::mover
