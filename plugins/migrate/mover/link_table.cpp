#include "plugins/migrate/mover/link_table.h"

#include "plugins/migrate/mover/bytes.h"
#include "plugins/migrate/mover/meta.h"
#include "plugins/migrate/mover/scratch.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cerrno>
#include <utility>

namespace holdfast::mover {
namespace {

constexpr std::size_t kFirstSlots = 1024;  // powers of two
constexpr std::size_t kPathsInMemory = 64 << 10;
constexpr std::uint64_t kAnew = std::uint64_t{1} << 63;

std::uint64_t scattered(std::uint64_t inode) {
    inode ^= inode >> 33;
    inode *= 0xFF51AFD7ED558CCDu;
    return inode ^ (inode >> 33);
}

}  // namespace

LinkTable::LinkTable(LinkTable&& other) noexcept
    : table_(std::move(other.table_)),
      paths_(std::move(other.paths_)),
      folder_(std::move(other.folder_)),
      slots_(std::exchange(other.slots_, nullptr)),
      count_(other.count_),
      used_(other.used_),
      end_(other.end_),
      pending_(std::move(other.pending_)),
      pending_at_(other.pending_at_) {}

LinkTable::~LinkTable() {
    if (slots_ != nullptr) munmap(slots_, count_ * sizeof(Slot));
}

LinkTable::Slot* LinkTable::map(int file, std::size_t slots) {
    // Allocated, not only sized: a write into a mapping that finds the disk full would kill us.
    errno = posix_fallocate(file, 0, static_cast<off_t>(slots * sizeof(Slot)));
    if (errno != 0) return nullptr;
    void* mapped = mmap(nullptr, slots * sizeof(Slot), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    return mapped == MAP_FAILED ? nullptr : static_cast<Slot*>(mapped);
}

std::size_t LinkTable::place(const Slot* slots, std::size_t count, std::uint64_t inode) {
    std::size_t at = static_cast<std::size_t>(scattered(inode)) & (count - 1);
    while (slots[at].inode != 0 && slots[at].inode != inode) at = (at + 1) & (count - 1);
    return at;
}

Result<LinkTable> LinkTable::create(const std::string& folder) {
    LinkTable table;
    table.folder_ = folder;
    TRY_ASSIGN(table.table_, nameless_file(folder));
    TRY_ASSIGN(table.paths_, nameless_file(folder));
    table.slots_ = map(table.table_.get(), kFirstSlots);
    if (table.slots_ == nullptr) return system_error("map a file in", folder, errno);
    table.count_ = kFirstSlots;
    return table;
}

Status LinkTable::grow() {
    TRY_ASSIGN(Descriptor larger, nameless_file(folder_));
    const std::size_t count = count_ * 2;
    Slot* slots = map(larger.get(), count);
    if (slots == nullptr) return system_error("map a file in", folder_, errno);
    for (std::size_t i = 0; i < count_; ++i)
        if (slots_[i].inode != 0) slots[place(slots, count, slots_[i].inode)] = slots_[i];
    munmap(slots_, count_ * sizeof(Slot));
    slots_ = slots;
    count_ = count;
    table_ = std::move(larger);
    return {};
}

void LinkTable::made_anew(std::uint64_t inode) { slots_[place(slots_, count_, inode)].path |= kAnew; }

Result<std::optional<LinkTable::First>> LinkTable::find_or_add(std::uint64_t inode, const std::string& path) {
    if (used_ * 2 >= count_) TRY(grow());
    Slot& slot = slots_[place(slots_, count_, inode)];
    if (slot.inode != 0) {
        const std::uint64_t at = slot.path & ~kAnew;
        std::string bytes;
        if (at >= pending_at_) {
            bytes = pending_.substr(static_cast<std::size_t>(at - pending_at_));
        } else {
            TRY_ASSIGN(bytes, read_at(paths_.get(), at, kLongestPath + 8, folder_));
        }
        Decoder in(bytes);
        return std::optional<First>({std::string(in.text(kLongestPath)), (slot.path & kAnew) != 0});
    }
    slot = {inode, end_};
    ++used_;
    Encoder out(pending_);
    out.text(path);
    end_ = pending_at_ + pending_.size();
    if (pending_.size() < kPathsInMemory) return std::optional<First>();
    TRY(write_all_at(paths_.get(), pending_, pending_at_, folder_));
    pending_at_ = end_;
    pending_.clear();
    return std::optional<First>();
}

}  // namespace holdfast::mover
