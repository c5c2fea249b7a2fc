#include "plugins/migrate/mover/used_blocks.h"

#include "plugins/migrate/mover/bytes.h"
#include "plugins/migrate/mover/scratch.h"

#include <algorithm>

namespace holdfast::mover {
namespace {

constexpr std::uint64_t kSmallestGap = 128 << 10;
constexpr std::size_t kExtentBytes = 16;
constexpr std::size_t kListBlock = 64 << 10;
constexpr std::string_view kExt4Magic = "\x53\xEF";
constexpr std::string_view kXfsMagic = "XFSB";

}  // namespace

Result<ExtentList> ExtentList::create(const std::string& folder) {
    ExtentList list;
    list.folder_ = folder;
    TRY_ASSIGN(list.file_, nameless_file(folder));
    return list;
}

Status ExtentList::write_block() {
    TRY(write_all_at(file_.get(), pending_, written_, folder_));
    written_ += pending_.size();
    pending_.clear();
    return {};
}

Status ExtentList::add(Extent extent) {
    if (extent.length == 0) return {};
    if (extent.offset < end_ || extent.length > INT64_MAX - extent.offset)
        return Error{ErrorKind::kInvalid, "parts of the map overlap", "", 0, ""};
    end_ = extent.offset + extent.length;
    if (last_ && extent.offset - (last_->offset + last_->length) < kSmallestGap) {
        last_->length = end_ - last_->offset;
        return {};
    }
    TRY(finish());
    last_ = extent;
    return {};
}

Status ExtentList::finish() {
    if (last_) {
        Encoder out(pending_);
        out.u64(last_->offset);
        out.u64(last_->length);
        bytes_ += last_->length;
    }
    last_.reset();
    return pending_.size() < kListBlock ? Status() : write_block();
}

Result<std::optional<Extent>> ExtentList::next() {
    if (!pending_.empty()) TRY(write_block());
    if (read_ == written_) return std::optional<Extent>();
    if (block_.empty() || read_ < block_begin_ || read_ >= block_begin_ + block_.size()) {
        block_begin_ = read_;
        TRY_ASSIGN(block_, read_at(file_.get(), read_, kListBlock, folder_));
    }
    Decoder in(std::string_view(block_).substr(static_cast<std::size_t>(read_ - block_begin_), kExtentBytes));
    Extent extent;
    extent.offset = in.u64();
    extent.length = in.u64();
    if (!in.ok()) return Error{ErrorKind::kInternal, "the list of used blocks was cut", "", 0, ""};
    read_ += kExtentBytes;
    return std::optional<Extent>(extent);
}

Error refuse_filesystem(const Tree& image, const std::string& why) {
    return {ErrorKind::kRefused, image.shown("") + ": " + why + "; nothing was changed",
            "copy it without --used-blocks, which copies every block", 0, ""};
}

Result<ExtentList> used_blocks(const Tree& image, const std::string& folder) {
    TRY_ASSIGN(ExtentList list, ExtentList::create(folder));
    TRY_ASSIGN(const std::string head, read_at(image.root(), 0, 2048, image.shown("")));
    Status found = refuse_filesystem(image, "neither an ext4 nor an xfs filesystem");
    if (head.size() == 2048 && head.compare(1024 + 56, 2, kExt4Magic) == 0) found = ext4_used(image, list);
    if (head.size() == 2048 && head.compare(0, 4, kXfsMagic) == 0) found = xfs_used(image, list);
    if (!found.ok() && found.error().kind == ErrorKind::kInvalid)
        return refuse_filesystem(image, "its allocation map is damaged (" + found.error().message + "); run fsck");
    if (!found.ok()) return found.error();
    TRY(list.finish());
    return list;
}

}  // namespace holdfast::mover
