// What a tree asks of the filesystem and the rights that are to hold it, found by a scan before anything is changed.
#pragma once

#include "common/os/signals.h"
#include "plugins/migrate/mover/meta.h"
#include "plugins/migrate/mover/tree.h"
#include "plugins/migrate/mover/walk_record.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::mover {

// A first example stands for all that need the same.
struct Example {
    std::string path;
    std::uint64_t count = 0;
};

struct Needs {
    bool image = false;  // a block device or an image of one; of what follows it has `bytes` and `largest`
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;  // of files, apparent
    // Of files, at the least: without holes, and of one with many names each has a part.
    std::uint64_t content = 0;
    std::uint64_t largest = 0;  // file, in bytes
    std::string largest_path;
    std::uint64_t longest_name = 0;
    std::uint64_t longest_link = 0;  // a symlink's text
    std::string longest_link_path;
    std::uint64_t largest_major = 0, largest_minor = 0;  // of device nodes
    Time earliest, latest;
    bool fractions = false;                                             // some time has nanoseconds
    std::map<Kind, Example> kinds;                                      // other than files and directories
    std::map<std::pair<std::uint32_t, std::uint32_t>, Example> owners;  // uid, gid; at most 64, which is enough to try
    std::map<std::uint32_t, Example> flags;                             // one bit each
    std::map<std::uint32_t, Example> projects;                          // at most 64
    Example links;
    struct Attribute {
        Xattr largest;  // the largest value by that name
        Kind kind = Kind::kFile;
        Example example;
    };
    std::map<std::pair<std::string, bool>, Attribute> xattrs;  // name, of a directory; at most 256
    std::vector<Xattr> largest_set;                            // the entry with most bytes of attributes
    std::string largest_set_path;
    std::vector<std::string> problems;  // of the source itself: what may not be read, what is too long
    std::uint64_t problem_count = 0;
};

void encode(Encoder& out, const Needs& needs);
std::optional<Needs> decode_needs(std::string_view input);

// Reads all names and metadata of the tree, but no content. Opens every file, but those that are as the index at
// `known` has them; there need not be one.
// `record`, if given: what the walk saw is added to it.
Result<Needs> scan(const Tree& tree, const std::string& scratch, const std::string& known, int threads,
                   const Signals& signals, WalkRecord* record);

// See TargetSide::probe.
Result<std::vector<std::string>> probe_target(const Tree& tree, const Needs& needs);

}  // namespace holdfast::mover
