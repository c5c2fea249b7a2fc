#include "plugins/migrate/mover/listing.h"

#include "plugins/migrate/mover/bytes.h"
#include "plugins/migrate/mover/scratch.h"

#include <sys/syscall.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>

namespace holdfast::mover {
namespace {

struct DirectoryEntry {  // linux_dirent64, which no header has
    std::uint64_t inode;
    std::int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[1];
};

constexpr std::size_t kHead = 9;  // inode and length before each name
constexpr std::size_t kWindow = 16 << 10;

Name name_at(const std::string& arena, std::size_t offset) {
    Decoder in(std::string_view(arena).substr(offset));
    Name name;
    name.inode = in.u64();
    name.name = in.raw(in.u8());
    return name;
}

std::string_view view_at(const std::string& arena, std::size_t offset) {
    return std::string_view(arena).substr(offset + kHead, static_cast<unsigned char>(arena[offset + 8]));
}

}  // namespace

// A sorted stretch of the file, read through a small window.
struct Listing::Run {
    std::uint64_t at = 0, end = 0;
    std::string window;
    std::size_t used = 0;
    std::optional<Name> head;

    Status advance(int file, const std::string& shown) {
        head.reset();
        if (window.size() - used < kHead + 255 && at < end) {
            window.erase(0, used);
            used = 0;
            const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(kWindow, end - at));
            TRY_ASSIGN(const std::string more, read_at(file, at, want, shown));
            at += more.size();
            window += more;
        }
        if (used >= window.size()) return {};
        head = name_at(window, used);
        used += kHead + head->name.size();
        return {};
    }
};

Listing::Listing() = default;
Listing::Listing(Listing&&) noexcept = default;
Listing& Listing::operator=(Listing&&) noexcept = default;
Listing::~Listing() = default;

Status Listing::add(std::string_view name, std::uint64_t inode) {
    if (arena_.size() + offsets_.size() * sizeof(std::uint32_t) > bound_) TRY(spill_run());
    offsets_.push_back(static_cast<std::uint32_t>(arena_.size()));
    Encoder out(arena_);
    out.u64(inode);
    out.u8(static_cast<std::uint8_t>(name.size()));
    out.raw(name);
    return {};
}

void Listing::sort() {
    std::sort(offsets_.begin(), offsets_.end(),
              [this](std::uint32_t a, std::uint32_t b) { return view_at(arena_, a) < view_at(arena_, b); });
}

Status Listing::spill_run() {
    if (!file_.open()) {
        TRY_ASSIGN(file_, nameless_file(spill_));
    }
    sort();
    auto run = std::make_unique<Run>();
    run->at = file_size_;
    std::string out;
    for (const std::uint32_t offset : offsets_) out.append(arena_, offset, kHead + view_at(arena_, offset).size());
    TRY(write_all_at(file_.get(), out, file_size_, spill_));
    file_size_ += out.size();
    run->end = file_size_;
    runs_.push_back(std::move(run));
    arena_.clear();
    offsets_.clear();
    return {};
}

Status Listing::begin_merge() {
    TRY(spill_run());
    arena_ = {};
    offsets_ = {};
    for (const auto& run : runs_) TRY(run->advance(file_.get(), spill_));
    return {};
}

Status each_name(int directory, const std::string& shown,
                 const std::function<Status(std::string_view name, std::uint64_t inode)>& take) {
    alignas(DirectoryEntry) char buffer[32 << 10];
    if (lseek(directory, 0, SEEK_SET) < 0) return system_error("list", shown, errno);
    while (true) {
        const long got = syscall(SYS_getdents64, directory, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_error("list", shown, errno);
        if (got == 0) break;
        for (long at = 0; at < got;) {
            const auto* entry = reinterpret_cast<const DirectoryEntry*>(buffer + at);
            const std::string_view name(entry->name);
            if (name != "." && name != "..") TRY(take(name, entry->inode));
            at += entry->length;
        }
    }
    return {};
}

Result<Listing> Listing::read(int directory, const std::string& spill, const std::string& shown, std::size_t bound) {
    Listing listing;
    listing.spill_ = spill;
    listing.shown_ = shown;
    listing.bound_ = bound;
    TRY(each_name(directory, shown,
                  [&](std::string_view name, std::uint64_t inode) { return listing.add(name, inode); }));
    if (listing.runs_.empty())
        listing.sort();
    else
        TRY(listing.begin_merge());
    return listing;
}

Result<std::optional<Name>> Listing::next() {
    if (runs_.empty()) {
        if (next_ == offsets_.size()) return std::optional<Name>();
        return std::optional<Name>(name_at(arena_, offsets_[next_++]));
    }
    Run* least = nullptr;
    for (const auto& run : runs_)
        if (run->head && (least == nullptr || run->head->name < least->head->name)) least = run.get();
    if (least == nullptr) return std::optional<Name>();
    std::optional<Name> name = std::move(least->head);
    TRY(least->advance(file_.get(), spill_));
    return name;
}

}  // namespace holdfast::mover
