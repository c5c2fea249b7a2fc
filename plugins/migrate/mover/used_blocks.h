// Which parts of an unmounted filesystem's image hold anything, by the filesystem's own allocation map: a copy of these
// alone is the same filesystem.
#pragma once

#include "plugins/migrate/mover/tree.h"

#include <cstdint>
#include <optional>
#include <string>

namespace holdfast::mover {

struct Extent {
    std::uint64_t offset = 0;  // bytes
    std::uint64_t length = 0;
};

// Extents in rising order, in a nameless file: a large fragmented filesystem has millions.
class ExtentList {
  public:
    static Result<ExtentList> create(const std::string& folder);
    // Extents with less than 128 KiB between them become one: on disks that count requests the gap is cheaper read than
    // passed over. kInvalid: not beyond the one before.
    Status add(Extent extent);
    Status finish();
    std::uint64_t bytes() const { return bytes_; }
    // From the first on; nullopt after the last.
    Result<std::optional<Extent>> next();
    void rewind() { read_ = 0; }

  private:
    Status write_block();
    Descriptor file_;
    std::string folder_, pending_, block_;
    std::optional<Extent> last_;
    std::uint64_t written_ = 0, read_ = 0, block_begin_ = 0, bytes_ = 0, end_ = 0;
};

// kRefused, with the reason: neither ext4 (ext2, ext3) nor xfs, not cleanly unmounted, damaged, or with something that
// this does not know.
Result<ExtentList> used_blocks(const Tree& image, const std::string& folder);

// Of used_blocks(), each for its filesystem. `file` is open for reading.
Status ext4_used(const Tree& image, ExtentList& list);
Status xfs_used(const Tree& image, ExtentList& list);
// kRefused unless the log ends with the record that unmounting writes. `log`: where it lies in the image.
Status check_xfs_log(const Tree& image, Extent log);
Error refuse_filesystem(const Tree& image, const std::string& why);

}  // namespace holdfast::mover
