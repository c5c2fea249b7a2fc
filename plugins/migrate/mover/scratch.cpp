#include "plugins/migrate/mover/scratch.h"

#include "common/core/text.h"
#include "plugins/migrate/mover/buffers.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <vector>

namespace holdfast::mover {
namespace {

constexpr std::string_view kHeld = "/proc/self/fd/";

}  // namespace

Result<Descriptor> nameless_file(const std::string& folder) {
    Descriptor file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (file.open()) return file;
    // Some filesystems have no O_TMPFILE.
    std::string name = folder + "/holdfast-mover-XXXXXX";
    Descriptor named(mkostemp(name.data(), O_CLOEXEC));
    if (!named.open()) return system_error("make a file in", escape_line(folder), errno);
    ::unlink(name.c_str());
    return named;
}

std::string held_path(const Descriptor& file) { return std::string(kHeld) + std::to_string(file.get()); }

Descriptor open_anew(const std::string& path) {
    const int no_link = starts_with(path, kHeld) ? 0 : O_NOFOLLOW;
    return Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | no_link, 0600));
}

Status write_all(int file, std::string_view bytes, const std::string& shown) {
    while (!bytes.empty()) {
        const ssize_t done = ::write(file, bytes.data(), bytes.size());
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return system_error("write", shown, done < 0 ? errno : ENOSPC);
        bytes.remove_prefix(static_cast<std::size_t>(done));
    }
    return {};
}

Status write_all_at(int file, std::string_view bytes, std::uint64_t offset, const std::string& shown) {
    while (!bytes.empty()) {
        const ssize_t done = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return system_error("write", shown, done < 0 ? errno : ENOSPC);
        bytes.remove_prefix(static_cast<std::size_t>(done));
        offset += static_cast<std::uint64_t>(done);
    }
    return {};
}

Result<std::optional<std::uint64_t>> next_data(int file, std::uint64_t from, const std::string& shown) {
    const off_t data = lseek(file, static_cast<off_t>(from), SEEK_DATA);
    if (data >= 0) return std::optional(static_cast<std::uint64_t>(data));
    if (errno == ENXIO) return std::optional<std::uint64_t>();
    if (errno == EINVAL) return std::optional(from);
    return system_error("look for holes in", shown, errno);
}

Result<std::string> read_at(int file, std::uint64_t offset, std::size_t length, const std::string& shown) {
    std::string bytes(length, '\0');
    std::size_t got = 0;
    while (got < length) {
        const ssize_t more = ::pread(file, bytes.data() + got, length - got, static_cast<off_t>(offset + got));
        if (more < 0 && errno == EINTR) continue;
        if (more < 0) return system_error("read", shown, errno);
        if (more == 0) break;
        got += static_cast<std::size_t>(more);
    }
    bytes.resize(got);
    return bytes;
}

bool is_cached(int file, std::uint64_t offset, std::size_t length) {
    const std::uint64_t begin = offset / kSector * kSector;
    const std::size_t size = static_cast<std::size_t>(offset - begin) + length;
    void* const mapped = mmap(nullptr, size, PROT_READ, MAP_SHARED, file, static_cast<off_t>(begin));
    if (mapped == MAP_FAILED) return false;
    std::vector<unsigned char> pages(aligned_up(size) / kSector);
    const bool said = mincore(mapped, size, pages.data()) == 0;
    munmap(mapped, size);
    const auto there = std::count_if(pages.begin(), pages.end(), [](unsigned char page) { return (page & 1) != 0; });
    return !said || static_cast<std::size_t>(there) * 2 > pages.size();
}

}  // namespace holdfast::mover
