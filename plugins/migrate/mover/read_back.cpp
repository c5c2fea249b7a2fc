#include "plugins/migrate/mover/read_back.h"

#include "plugins/migrate/mover/attributes.h"
#include "plugins/migrate/mover/scratch.h"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace holdfast::mover {
namespace {

constexpr std::size_t kReadBuffer = 1 << 20;
constexpr std::size_t kSectors = 4096;

// One hash of all content.
bool is_whole(const Entry& entry) { return entry.block_size == 0 && entry.meta.size <= kSmallFile; }

}  // namespace

void Findings::add(const std::string& path, const std::string& what) {
    const std::lock_guard lock(mutex_);
    ++verdict_.differences;
    if (verdict_.named.size() < kMostNamed) verdict_.named.push_back(tree_.shown(path) + ": " + what);
}

void Findings::add_bytes(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    verdict_.bytes += bytes;
}

Verdict Findings::verdict() {
    const std::lock_guard lock(mutex_);
    return verdict_;
}

void ReadBack::Free::operator()(char* memory) const { std::free(memory); }

ReadBack::ReadBack(const Tree& tree, Findings& findings, Counters& counters, bool from_disk)
    : tree_(tree),
      findings_(findings),
      counters_(counters),
      from_disk_(from_disk),
      buffer_(static_cast<char*>(std::aligned_alloc(kSectors, kReadBuffer + kSectors))) {}

Status ReadBack::run(const ReadBackUnit& unit) {
    if (const auto* some = std::get_if<FilesCheck>(&unit)) return files(*some);
    return blocks(std::get<RunCheck>(unit));
}

Result<std::size_t> ReadBack::read(int file, std::size_t length, std::uint64_t offset, const std::string& shown) {
    std::size_t got = 0;
    while (got < length) {
        const std::size_t asked = (length - got + kSectors - 1) / kSectors * kSectors;
        const ssize_t more = pread(file, buffer_.get() + got, asked, static_cast<off_t>(offset + got));
        if (more < 0 && errno == EINTR) continue;
        const int how = more < 0 && errno == EINVAL ? fcntl(file, F_GETFL) : 0;
        if ((how & O_DIRECT) != 0 && fcntl(file, F_SETFL, how & ~O_DIRECT) == 0) continue;
        if (more < 0) return system_error("read back", shown, errno);
        if (more == 0) break;
        got += static_cast<std::size_t>(more);
    }
    got = std::min(got, length);
    findings_.add_bytes(got);
    counters_.bytes_read += got;
    return got;
}

Status ReadBack::files(const FilesCheck& unit) {
    TRY_ASSIGN(const Descriptor directory, tree_.open_directory(unit.directory));
    // All are announced before the first is waited for: the disk can then read several at a time.
    std::vector<Descriptor> opened(unit.files.size());
    for (std::size_t i = 0; i < unit.files.size(); ++i) {
        const Entry& entry = unit.files[i];
        opened[i] = open_in(directory.get(), std::string(name_of(entry.path)), O_RDONLY | O_NONBLOCK);
        if (!opened[i].open()) return system_error("open", tree_.shown(entry.path), errno);
        if (!is_whole(entry)) continue;
        // What is in the page cache was never on the disk, for all we know.
        if (from_disk_) posix_fadvise(opened[i].get(), 0, 0, POSIX_FADV_DONTNEED);
        posix_fadvise(opened[i].get(), 0, 0, POSIX_FADV_WILLNEED);
    }
    for (std::size_t i = 0; i < unit.files.size(); ++i) {
        TRY(file(directory.get(), unit.files[i], opened[i].get()));
        opened[i].close();
    }
    return {};
}

Status ReadBack::file(int directory, const Entry& entry, int opened) {
    const std::string shown = tree_.shown(entry.path);
    TRY_ASSIGN(Looked looked, look_at(opened, "", shown));
    TRY(read_attributes(directory, std::string(name_of(entry.path)), opened, looked.meta, shown));
    const std::string wrong = difference(entry.meta, looked.meta);
    if (!wrong.empty()) findings_.add(entry.path, wrong);
    counters_.bytes += entry.meta.size;
    ++counters_.entries;
    if (!is_whole(entry)) return {};
    const auto size = static_cast<std::size_t>(entry.meta.size);
    TRY_ASSIGN(const std::size_t got, read(opened, size, 0, shown));
    if (got != size || digest_of({buffer_.get(), got}) != entry.content)
        findings_.add(entry.path, "has another content");
    return {};
}

Status ReadBack::blocks(const RunCheck& unit) {
    const std::string shown = tree_.shown(unit.path);
    Descriptor file = from_disk_ ? tree_.open_beneath(unit.path, O_RDONLY | O_NONBLOCK | O_DIRECT)
                                 : tree_.open_beneath(unit.path, O_RDONLY | O_NONBLOCK);
    if (!file.open() && errno == EINVAL) file = tree_.open_beneath(unit.path, O_RDONLY | O_NONBLOCK);
    if (!file.open()) return system_error("open", shown, errno);
    const std::uint64_t begin = unit.byte_of(unit.run.first);
    const std::uint64_t end = unit.byte_of(unit.run.first + unit.run.count);
    if (from_disk_)
        posix_fadvise(file.get(), static_cast<off_t>(begin), static_cast<off_t>(end - begin), POSIX_FADV_DONTNEED);
    if (unit.run.hashes.empty()) return hole(unit, file.get(), begin, end);
    const auto passed = [&](std::uint64_t at) {
        const auto block = static_cast<std::size_t>(at / unit.block_size - unit.run.first);
        return block < unit.run.read_back.size() && unit.run.read_back[block];
    };
    for (std::uint64_t at = begin; at < end;) {
        std::uint64_t until = at + unit.block_size;
        if (!passed(at)) {
            while (until < end && until - at + unit.block_size <= kReadBuffer && !passed(until))
                until += unit.block_size;
            TRY(stretch(unit, file.get(), at, static_cast<std::size_t>(std::min(end, until) - at)));
        }
        at = until;
    }
    return {};
}

Status ReadBack::stretch(const RunCheck& unit, int file, std::uint64_t at, std::size_t length) {
    TRY_ASSIGN(const std::size_t got, read(file, length, at, tree_.shown(unit.path)));
    for (std::size_t inside = 0; inside < length; inside += unit.block_size) {
        const std::uint64_t block = (at + inside) / unit.block_size;
        const std::size_t size = std::min<std::size_t>(unit.block_size, length - inside);
        const Digest& wanted = unit.run.hashes[static_cast<std::size_t>(block - unit.run.first)];
        if (wanted == kUnknown) continue;  // the source lost it while it was read: a later pass brings it
        const std::string_view bytes(buffer_.get() + inside, inside + size <= got ? size : 0);
        const bool right = bytes.size() == size && (wanted == kHole ? all_zero(bytes) : digest_of(bytes) == wanted);
        if (!right) findings_.add(unit.path, "has another content from byte " + std::to_string(at + inside));
    }
    return {};
}

// Zeros all the way, of which only what is not a hole need be read.
Status ReadBack::hole(const RunCheck& unit, int file, std::uint64_t begin, std::uint64_t end) {
    const std::string shown = tree_.shown(unit.path);
    for (std::uint64_t at = begin; at < end;) {
        TRY_ASSIGN(const std::optional<std::uint64_t> data, next_data(file, at, shown));
        if (!data) return {};
        at = *data;
        if (at >= end) return {};
        const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(kReadBuffer, end - at));
        TRY_ASSIGN(const std::size_t got, read(file, length, at, shown));
        if (!all_zero({buffer_.get(), got})) {
            findings_.add(unit.path, "has data after byte " + std::to_string(at) + " where there should be none");
            return {};
        }
        at += length;
    }
    return {};
}

}  // namespace holdfast::mover
