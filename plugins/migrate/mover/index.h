// The index of a tree: every entry with its metadata and the hashes of its content, in the order of a walk. It is what
// a later pass compares the source with, what verification compares the target with, and, unfinished, the journal from
// which a killed pass goes on. docs/mover-protocol.md has the layout.
#pragma once

#include "plugins/migrate/mover/attributes.h"
#include "plugins/migrate/mover/digest.h"
#include "plugins/migrate/mover/meta.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace holdfast::mover {

// Bits of Entry::state.
inline constexpr std::uint8_t kSuspect = 1;    // may have changed without its times showing it: look again
inline constexpr std::uint8_t kVerified = 2;   // read back from the target and found right since it was last written
inline constexpr std::uint8_t kUntrusted = 4;  // a pass that was killed may have written it: its hashes say nothing

struct Entry {
    std::string path;
    Meta meta;
    Facts facts;  // of the source; inode 0: not known
    std::uint8_t state = 0;
    std::string link_to;           // a further name of the file at that path, which came before
    std::uint32_t block_size = 0;  // over 0: Runs follow, of so many bytes a block
    Digest content{};              // of files without runs
};

// Hashes of blocks of the entry before. The last block may be short.
struct Run {
    std::uint64_t first = 0;  // block number
    std::uint64_t count = 0;
    std::vector<Digest> hashes;  // count of them, or none: all are holes
    // Which of them were read back and found right since they were last written: count of them, or none. Not of an
    // entry with kVerified, which says it of all.
    std::vector<bool> read_back = {};
};

using Record = std::variant<Entry, Run>;

inline constexpr std::uint64_t kMostBlocksPerRun = 4096;
inline constexpr std::uint32_t kLargestBlock = 1 << 20;
inline constexpr std::uint64_t kSmallFile = 256 << 10;  // files up to this have one hash and are sent whole

// Whether reading back must look at the entry itself: a file that was read back before, and not written since, shows
// at a glance (see fingerprint.h) that nobody else wrote to it.
bool needs_reading_back(const Entry& entry);

// Whether an entry of the source is as the index has it, by its times: what need not be opened need not be read either.
bool unchanged(const Entry& base, const Looked& looked);

bool is_block_size(std::uint32_t size);
// 16 KiB, more for very large files so that the index stays small.
std::uint32_t block_size_for(std::uint64_t file_size);

void encode(Encoder& out, const Entry& entry);
void encode(Encoder& out, const Run& run);
// not ok() for what no encoder wrote: bad paths, too many hashes, link and runs at once.
std::optional<Record> decode_record(Decoder& in);

// What verification and two trees have in common: path, metadata, hashes; not facts and state.
void encode_for_root(Encoder& out, const Record& record);

}  // namespace holdfast::mover
