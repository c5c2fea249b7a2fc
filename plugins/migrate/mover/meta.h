// What is known of one entry of a tree besides its content: all that a copy must keep. Pure.
#pragma once

#include "common/core/result.h"
#include "plugins/migrate/mover/bytes.h"

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::mover {

enum class Kind : std::uint8_t { kFile, kDirectory, kSymlink, kFifo, kSocket, kCharDevice, kBlockDevice };
std::string kind_text(Kind kind);  // "file", "directory", ...

// Since 1970; seconds may be negative.
struct Time {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;
    friend auto operator<=>(const Time&, const Time&) = default;
};

struct Xattr {
    std::string name;
    std::string value;
    friend bool operator==(const Xattr&, const Xattr&) = default;
};

struct Meta {
    Kind kind = Kind::kFile;
    std::uint32_t mode = 0;  // permission bits with setuid, setgid and sticky
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    Time mtime;
    std::uint64_t size = 0;    // of files, in bytes; 0 for others
    std::uint64_t device = 0;  // of device nodes: major << 32 | minor
    std::uint32_t flags = 0;   // FS_IOC_GETFLAGS, the kept ones
    std::uint32_t project = 0;
    std::string link;           // a symlink's text
    std::vector<Xattr> xattrs;  // by name; ACLs are system.posix_acl_*
    friend bool operator==(const Meta&, const Meta&) = default;
};

// Limits, far above what filesystems hold: a longer path or a larger set of attributes is refused by the scan.
inline constexpr std::size_t kLongestPath = 64 << 10;
inline constexpr std::size_t kLongestLink = 4096;
inline constexpr std::size_t kMostXattrBytes = 512 << 10;

void encode(Encoder& out, const Meta& meta);
Meta decode_meta(Decoder& in);

// The first thing in which `found` is not as expected, for people ("mode is 0644, not 0600"); "" if nothing is.
std::string difference(const Meta& expected, const Meta& found);
// The same of what a look at an inode shows: not attributes, flags and project.
std::string difference_at_a_glance(const Meta& expected, Meta found);

// The order of a walk: parents before children, names bytewise. Negative, 0, positive.
int compare_paths(std::string_view a, std::string_view b);
std::string_view parent_of(std::string_view path);  // "" for entries of the root
std::string_view name_of(std::string_view path);
std::string join_path(std::string_view directory, std::string_view name);
bool is_beneath(std::string_view path, std::string_view directory);  // strictly
// False for what no walk of ours gives: empty, "." or ".." parts, a leading or trailing slash, NUL, too long. "" is the
// root and good. Paths of a peer are checked with it before any use.
bool is_good_path(std::string_view path);

}  // namespace holdfast::mover
