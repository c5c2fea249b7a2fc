// ext4's allocation map, read by e2fsprogs' own library.
#include "plugins/migrate/mover/used_blocks.h"

extern "C" {  // com_err.h does not say so itself
#include <et/com_err.h>
}
#include <ext2fs/ext2fs.h>
#include <memory>

namespace holdfast::mover {
namespace {

struct CloseFilesystem {
    void operator()(struct_ext2_filsys* filesystem) const { ext2fs_close_free(&filesystem); }
};
using Filesystem = std::unique_ptr<struct_ext2_filsys, CloseFilesystem>;

Error library_error(const Tree& image, const char* what, errcode_t code) {
    return refuse_filesystem(image, std::string(what) + ": " + error_message(code));
}

Status check_clean(const Tree& image, const ext2_super_block& super) {
    if ((super.s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER) != 0)
        return refuse_filesystem(image, "the ext4 filesystem was not unmounted: its journal has changes to replay");
    if ((super.s_state & EXT2_ERROR_FS) != 0)
        return refuse_filesystem(image, "the ext4 filesystem has errors; run e2fsck");
    if ((super.s_state & EXT2_VALID_FS) == 0) return refuse_filesystem(image, "the ext4 filesystem was not unmounted");
    if ((super.s_feature_incompat & EXT3_FEATURE_INCOMPAT_JOURNAL_DEV) != 0)
        return refuse_filesystem(image, "this is the journal of an ext4 filesystem, not the filesystem");
    return {};
}

// Both searches are for the block at or after `at`; the end is a valid answer.
blk64_t next_block(ext2_filsys filesystem, blk64_t at, blk64_t end, bool used) {
    blk64_t found = end;
    if (at >= end) return end;
    const errcode_t code = used ? ext2fs_find_first_set_block_bitmap2(filesystem->block_map, at, end - 1, &found)
                                : ext2fs_find_first_zero_block_bitmap2(filesystem->block_map, at, end - 1, &found);
    return code == 0 ? found : end;
}

}  // namespace

Status ext4_used(const Tree& image, ExtentList& list) {
    initialize_ext2_error_table();
    // The very file that was opened, which stands in no folder by any name we could trust.
    const std::string path = "/proc/self/fd/" + std::to_string(image.root());
    ext2_filsys opened = nullptr;
    if (const errcode_t code = ext2fs_open2(path.c_str(), nullptr, EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &opened))
        return library_error(image, "the ext4 filesystem cannot be read", code);
    const Filesystem filesystem(opened);
    TRY(check_clean(image, *filesystem->super));
    if (const errcode_t code = ext2fs_read_block_bitmap(opened))
        return library_error(image, "the ext4 filesystem's block bitmaps cannot be read", code);
    const std::uint64_t block = filesystem->blocksize;
    const blk64_t first = filesystem->super->s_first_data_block, end = ext2fs_blocks_count(filesystem->super);
    if (end * block > image.image_size())
        return refuse_filesystem(image, "the ext4 filesystem is larger than what holds it");
    // What comes before the first block that the map speaks of: room for a boot loader, and of 1 KiB blocks the first.
    TRY(list.add({0, static_cast<std::uint64_t>(first) * block}));
    for (blk64_t at = first; at < end;) {
        const blk64_t used = next_block(opened, at, end, true);
        at = next_block(opened, used, end, false);
        TRY(list.add({used * block, (at - used) * block}));
    }
    return {};
}

}  // namespace holdfast::mover
