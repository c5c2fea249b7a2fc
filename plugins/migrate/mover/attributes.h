// Reading and writing what Meta has: statx, symlinks, extended attributes, inode flags and project ids.
#pragma once

#include "plugins/migrate/mover/meta.h"
#include "plugins/migrate/mover/tree.h"

#include <cstdint>
#include <string>

namespace holdfast::mover {

// As a message goes on after the path: there the kernel says no names at all.
inline constexpr char kTooManyAttributes[] = "has more attributes than the kernel lists (64 KiB of names)";
inline constexpr char kTooLargeAttributes[] = "has over 512 KiB of extended attributes";

// What tells at the next look whether an entry has changed since this one.
struct Facts {
    std::uint64_t inode = 0;
    Time ctime;
    std::uint32_t links = 0;
    std::uint64_t blocks = 0;  // of 512 bytes, allocated
    friend bool operator==(const Facts&, const Facts&) = default;
};

struct Looked {
    Meta meta;  // without link text, attributes, flags and project
    Facts facts;
    std::uint64_t traits = 0;      // STATX_ATTR_*
    std::uint64_t filesystem = 0;  // that the inode's number is of; one mount can show several (overlayfs, btrfs)
};

// What of an entry no copy of files has, for people: "" if it has none of it. To encrypt, to seal and to fold case
// belongs to the filesystem that does it, with keys and tables that no copy brings along. traits: as looked at, which
// has no bit for folded case; flags: FS_*_FL.
std::string uncopied(std::uint64_t traits, std::uint32_t flags);
// 0: it has none, or they cannot be read.
std::uint32_t flags_of(int opened);

// Inode flags that are part of the data: immutable, append only, no dump, no atime, sync, dirsync, inherit project, no
// copy on write, compressed, journalled data, top of directory hierarchies. Others belong to a filesystem's workings.
extern const std::uint32_t kKeptFlags;
// Flags under which nothing can be written: set last, cleared before.
extern const std::uint32_t kLockingFlags;

// statx of `name` in `directory`, or of the directory itself for "". kNotFound if it has gone. `shown` is for messages.
Result<Looked> look_at(int directory, const std::string& name, const std::string& shown);
// The rest of Meta. `opened` is a descriptor of the entry itself for files and directories, -1 for others.
Status read_attributes(int directory, const std::string& name, int opened, Meta& meta, const std::string& shown);
// security.selinux belongs to the node, not to the data, and is neither read nor removed; likewise xfs' second face of
// ACLs, trusted.SGI_ACL_*.
Result<std::vector<Xattr>> read_xattrs(int directory, const std::string& name, int opened, const std::string& shown);

// Everything of `meta` but size and locking flags, in the order in which nothing undoes what came before: owner, mode
// (chown clears setuid), attributes (chown clears capabilities, chmod changes an ACL's mask), flags, times. `fresh`:
// the entry was just made by us, with the mode's plain bits, and has no attributes to take away.
Status write_attributes(int directory, const std::string& name, int opened, const Meta& meta, bool fresh,
                        const std::string& shown);
// Sets exactly these kept flags, and the project if `project` differs from what is there.
Status write_flags(int opened, std::uint32_t flags, std::uint32_t project, const std::string& shown);
// After a refusal: takes immutable and append-only away, and gives an owner without it permission to write, so that the
// entry (of a directory: what is in it) can be written or removed. True if there was something to change.
bool unlock(int directory, const std::string& name);
// After EXDEV: a directory that gives its project on takes in nothing of another one, until FinishDirectory makes it
// such a one again. True if it was one.
bool open_to_projects(int directory);

}  // namespace holdfast::mover
