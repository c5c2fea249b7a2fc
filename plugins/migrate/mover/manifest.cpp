#include "plugins/migrate/mover/manifest.h"

#include "common/core/text.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace holdfast::mover {
namespace {

// In kernels since 5.8, and not in all of the headers that we build with.
constexpr std::uint64_t kStatxMountRoot = 0x2000;

Error cannot(const std::string& shown, const std::string& why) {
    return {ErrorKind::kFailed, "--manifest " + shown + ": " + why + "; nothing was changed",
            "give a file in a folder that can be written to", 0, ""};
}

Status copy_all(const std::string& from, int to, const std::string& shown) {
    const Descriptor in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
    if (!in.open()) return system_error("write manifest", shown, errno);
    while (true) {
        const ssize_t done = sendfile(to, in.get(), nullptr, 1 << 20);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return system_error("write manifest", shown, errno);
        if (done == 0) return {};
    }
}

// A mount can be written into, but nothing can be put in its place.
bool is_mount(int file) {
    struct statx info {};
    return statx(file, "", AT_EMPTY_PATH, 0, &info) == 0 && (info.stx_attributes & kStatxMountRoot) != 0;
}

}  // namespace

std::string Manifest::place_of(const std::string& path) {
    struct stat info {};
    std::error_code unknown;
    if (path.empty() || (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))) return "";
    // Of a relative path that leads nowhere yet the other would say no folder.
    const std::filesystem::path whole = std::filesystem::absolute(path, unknown);
    if (unknown) return "";
    const std::string place = std::filesystem::weakly_canonical(whole, unknown).string();
    return unknown ? "" : place;
}

Result<Manifest> Manifest::prepare(const std::string& path) {
    Manifest manifest;
    if (path.empty()) return manifest;
    manifest.shown_ = escape_line(path);
    struct stat info {};
    const bool there = stat(path.c_str(), &info) == 0;
    if (there && S_ISBLK(info.st_mode)) return cannot(manifest.shown_, "is a disk");
    // Without waiting for who would read a pipe; and what may not be written to is found, whatever it is.
    Descriptor file(there ? ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK) : -1);
    if (there && !file.open()) return cannot(manifest.shown_, std::strerror(errno));
    if (there && !S_ISREG(info.st_mode)) {
        fcntl(file.get(), F_SETFL, fcntl(file.get(), F_GETFL) & ~O_NONBLOCK);
        manifest.special_ = std::move(file);
        return manifest;
    }
    if (there && is_mount(file.get()))
        return cannot(manifest.shown_, "is mounted there by itself, so that no other can take its place");
    if (there) manifest.before_ = info;
    manifest.path_ = place_of(path);
    if (manifest.path_.empty()) return cannot(manifest.shown_, std::strerror(ENOTDIR));
    std::string tried = manifest.path_ + ".XXXXXX";
    const Descriptor made(mkostemp(tried.data(), O_CLOEXEC));
    if (!made.open()) return cannot(manifest.shown_, std::strerror(errno));
    ::unlink(tried.c_str());
    return manifest;
}

Manifest::Manifest(Manifest&& other) noexcept { *this = std::move(other); }

Manifest& Manifest::operator=(Manifest&& other) noexcept {
    shown_ = std::move(other.shown_);
    path_ = std::move(other.path_);
    std::swap(written_, other.written_);
    special_ = std::move(other.special_);
    before_ = other.before_;
    return *this;
}

Manifest::~Manifest() {
    if (!written_.empty()) ::unlink(written_.c_str());
}

Status Manifest::write(const std::string& index) {
    if (special_.open()) return copy_all(index, special_.get(), shown_);
    if (path_.empty()) return {};
    std::string beside = path_ + ".XXXXXX";
    const Descriptor out(mkostemp(beside.data(), O_CLOEXEC));
    if (!out.open()) return system_error("make manifest", shown_, errno);
    written_ = beside;
    // Its names and attributes are for its owner alone, unless whoever had one there before shows it to others. An
    // owner first: who may not give files away keeps this one to himself.
    if (before_ && fchown(out.get(), before_->st_uid, before_->st_gid) == 0 &&
        fchmod(out.get(), before_->st_mode & 0777) != 0)
        return system_error("set mode of manifest", shown_, errno);
    TRY(copy_all(index, out.get(), shown_));
    return fsync(out.get()) == 0 ? Status() : Status(system_error("write manifest", shown_, errno));
}

Status Manifest::put() {
    if (written_.empty()) return {};
    if (::rename(written_.c_str(), path_.c_str()) != 0) return system_error("put in place manifest", shown_, errno);
    written_.clear();
    const Descriptor folder(::open(path_.substr(0, path_.rfind('/') + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.open() && fsync(folder.get()) == 0) return {};
    return system_error("sync the folder of manifest", shown_, errno);
}

}  // namespace holdfast::mover
