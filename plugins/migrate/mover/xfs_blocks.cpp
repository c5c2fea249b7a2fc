// xfs's allocation map: of each allocation group the tree of free extents by place, read from the structures that xfs
// documents as its on-disk format ("XFS Algorithms & Data Structures"). No library offers this: see
// docs/dependencies.md.
#include "plugins/migrate/mover/big_endian.h"
#include "plugins/migrate/mover/scratch.h"
#include "plugins/migrate/mover/used_blocks.h"

#include <algorithm>

namespace holdfast::mover {
namespace {

constexpr std::size_t kSuperBytes = 512;
constexpr std::uint64_t kVersionMask = 0xF, kVersion5 = 5;  // 4 is mounted by few kernels any more
// File types, sparse inodes, metadata uuid, big times, large extent counters, exchange of ranges, parent pointers: none
// of them changes where free space is written down. Bit 4, "needs repair", is not among them.
constexpr std::uint64_t kKnownIncompatible = 0x1 | 0x2 | 0x4 | 0x8 | 0x20 | 0x40 | 0x80;
constexpr std::uint64_t kMagicFreeSpace = 0x58414746;  // "XAGF"
constexpr std::uint64_t kMagicTree = 0x41423342;       // "AB3B"
constexpr std::size_t kTreeHeader = 56;
constexpr std::uint64_t kNoBlock = 0xFFFFFFFF;
constexpr std::uint64_t kMostTreeLevels = 9;

struct Geometry {
    std::uint64_t block = 0, blocks = 0, group_blocks = 0, groups = 0, sector = 0;
    std::uint64_t log_block = 0, log_blocks = 0;  // in the filesystem's numbering
};

Error damaged_map(const std::string& what) { return {ErrorKind::kInvalid, what, "", 0, ""}; }

bool power_of_two(std::uint64_t number, std::uint64_t least, std::uint64_t most) {
    return number >= least && number <= most && (number & (number - 1)) == 0;
}

Result<Geometry> read_geometry(const Tree& image) {
    TRY_ASSIGN(const std::string super, read_at(image.root(), 0, kSuperBytes, image.shown("")));
    Geometry found;
    found.block = big_endian(super, 4, 4);
    found.blocks = big_endian(super, 8, 8);
    const std::uint64_t log_start = big_endian(super, 48, 8);
    found.group_blocks = big_endian(super, 84, 4);
    found.groups = big_endian(super, 88, 4);
    found.log_blocks = big_endian(super, 96, 4);
    found.sector = big_endian(super, 102, 2);
    const std::uint64_t version = big_endian(super, 100, 2) & kVersionMask, group_bits = big_endian(super, 124, 1);
    const std::uint64_t incompatible = big_endian(super, 216, 4);
    if (version != kVersion5) return refuse_filesystem(image, "an xfs of another version than 5");
    if ((incompatible & 0x10) != 0) return refuse_filesystem(image, "the xfs filesystem needs xfs_repair");
    if ((incompatible & ~kKnownIncompatible) != 0)
        return refuse_filesystem(image, "the xfs filesystem has features that this mover does not know");
    if (big_endian(super, 16, 8) != 0) return refuse_filesystem(image, "the xfs filesystem has a realtime device");
    if (log_start == 0) return refuse_filesystem(image, "the xfs filesystem has its log on another device");
    if (big_endian(super, 126, 1) != 0) return refuse_filesystem(image, "mkfs.xfs was not finished");
    if (!power_of_two(found.block, 512, 65536) || !power_of_two(found.sector, 512, 32768) || found.groups == 0 ||
        group_bits > 31 || found.group_blocks == 0 || found.group_blocks > std::uint64_t{1} << group_bits ||
        found.blocks > found.groups * found.group_blocks || found.blocks <= (found.groups - 1) * found.group_blocks)
        return damaged_map("its superblock");
    if (found.blocks > image.image_size() / found.block)
        return refuse_filesystem(image, "the xfs filesystem is larger than what holds it");
    const std::uint64_t log_group = log_start >> group_bits, inside = log_start & ((1ULL << group_bits) - 1);
    found.log_block = log_group * found.group_blocks + inside;
    if (log_group >= found.groups || inside >= found.group_blocks || found.log_blocks == 0 ||
        found.log_block + found.log_blocks > found.blocks)
        return damaged_map("where its log lies");
    return found;
}

// The free extents of one group, in order: `take` gets first block and count, within the group.
class FreeSpace {
  public:
    FreeSpace(const Tree& image, const Geometry& geometry, std::uint64_t group)
        : image_(image),
          geometry_(geometry),
          base_(group * geometry.group_blocks),
          size_(std::min(geometry.group_blocks, geometry.blocks - base_)) {}

    std::uint64_t size() const { return size_; }

    template <typename Take>
    Status each(Take take) {
        TRY_ASSIGN(const std::string head,
                   read_at(image_.root(), base_ * geometry_.block + geometry_.sector, kSuperBytes, image_.shown("")));
        if (head.size() != kSuperBytes || big_endian(head, 0, 4) != kMagicFreeSpace || big_endian(head, 12, 4) != size_)
            return damaged_map("the head of an allocation group's free space");
        TRY_ASSIGN(std::uint64_t at, first_leaf(big_endian(head, 16, 4), big_endian(head, 28, 4)));
        std::uint64_t end = 0, sum = 0, leaves = 0;
        while (at != kNoBlock) {
            TRY_ASSIGN(const std::string leaf, node(at, 0));
            const std::uint64_t records = big_endian(leaf, 6, 2);
            if (kTreeHeader + records * 8 > leaf.size() || ++leaves > size_) return damaged_map("a leaf of free space");
            for (std::uint64_t i = 0; i < records; ++i) {
                const std::size_t place = kTreeHeader + static_cast<std::size_t>(i) * 8;
                const std::uint64_t first = big_endian(leaf, place, 4), count = big_endian(leaf, place + 4, 4);
                if (first < end || count == 0 || first + count > size_) return damaged_map("an extent of free space");
                TRY(take(first, count));
                end = first + count;
                sum += count;
            }
            at = big_endian(leaf, 12, 4);
        }
        // What was found must be what the head says is free: with too much of it, data would not be copied.
        return sum == big_endian(head, 52, 4) ? Status() : Status(damaged_map("the sum of free blocks"));
    }

  private:
    Result<std::string> node(std::uint64_t at, std::uint64_t level) {
        if (at >= size_) return damaged_map("a pointer of the free space tree");
        const auto length = static_cast<std::size_t>(geometry_.block);
        TRY_ASSIGN(std::string bytes, read_at(image_.root(), (base_ + at) * geometry_.block, length, image_.shown("")));
        if (bytes.size() != length || big_endian(bytes, 0, 4) != kMagicTree || big_endian(bytes, 4, 2) != level)
            return damaged_map("a block of the free space tree");
        return bytes;
    }

    // Down along the first pointers.
    Result<std::uint64_t> first_leaf(std::uint64_t root, std::uint64_t levels) {
        if (levels == 0 || levels > kMostTreeLevels) return damaged_map("the height of the free space tree");
        for (std::uint64_t level = levels - 1; level > 0; --level) {
            TRY_ASSIGN(const std::string bytes, node(root, level));
            const std::size_t most = (bytes.size() - kTreeHeader) / 12;  // a key of 8 bytes and a pointer of 4 each
            root = big_endian(bytes, kTreeHeader + most * 8, 4);
        }
        return root;
    }

    const Tree& image_;
    const Geometry& geometry_;
    const std::uint64_t base_, size_;
};

}  // namespace

Status xfs_used(const Tree& image, ExtentList& list) {
    TRY_ASSIGN(const Geometry geometry, read_geometry(image));
    TRY(check_xfs_log(image, {geometry.log_block * geometry.block, geometry.log_blocks * geometry.block}));
    for (std::uint64_t group = 0; group < geometry.groups; ++group) {
        FreeSpace free(image, geometry, group);
        const std::uint64_t base = group * geometry.group_blocks;
        std::uint64_t used = 0;  // from here on, until the next free extent
        TRY(free.each([&](std::uint64_t first, std::uint64_t count) {
            Status added = list.add({(base + used) * geometry.block, (first - used) * geometry.block});
            used = first + count;
            return added;
        }));
        TRY(list.add({(base + used) * geometry.block, (free.size() - used) * geometry.block}));
    }
    return {};
}

}  // namespace holdfast::mover
