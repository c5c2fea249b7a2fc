// Files of the mover's own: state that outlives it, and what is too large for memory.
#pragma once

#include "plugins/migrate/mover/tree.h"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::mover {

// A new file in `folder` that has no name and is gone with its descriptor.
Result<Descriptor> nameless_file(const std::string& folder);
// What opens the very file that is held, also one without a name.
std::string held_path(const Descriptor& file);
// Opened for reading and writing, made or emptied: a file of that name, which may be no link, or one of held_path().
Descriptor open_anew(const std::string& path);
Status write_all(int file, std::string_view bytes, const std::string& shown);
Status write_all_at(int file, std::string_view bytes, std::uint64_t offset, const std::string& shown);
// Where the file has data at or after `from`: nullopt if only a hole follows. Devices have no holes.
Result<std::optional<std::uint64_t>> next_data(int file, std::uint64_t from, const std::string& shown);
// Whether most of the stretch is in the page cache; also when nobody says.
bool is_cached(int file, std::uint64_t offset, std::size_t length);
// Up to `length` bytes from `offset`; fewer only at the end of the file.
Result<std::string> read_at(int file, std::uint64_t offset, std::size_t length, const std::string& shown);

}  // namespace holdfast::mover
