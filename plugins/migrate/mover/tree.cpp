#include "plugins/migrate/mover/tree.h"

#include "common/core/text.h"
#include "plugins/migrate/mover/walk.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace holdfast::mover {
namespace {

// Longer paths are opened in parts: the kernel takes at most 4096 bytes at a time.
constexpr std::size_t kPart = 4000;

constexpr int kMountTries = 16;

struct MadeUp {
    std::uint32_t magic;
    const char* name;
};
// What is written in them has effects, what is read in them was nowhere before. (linux/magic.h has not all of these.)
constexpr MadeUp kMadeUp[] = {{0x9FA0, "proc"},
                              {0x62656572, "sysfs"},
                              {0x1CD1, "devpts"},
                              {0x27E0EB, "cgroup"},
                              {0x63677270, "cgroup2"},
                              {0x64626720, "debugfs"},
                              {0x74726163, "tracefs"},
                              {0x73636673, "securityfs"},
                              {0xCAFE4A11, "bpf"},
                              {0x6165676C, "pstore"},
                              {0xDE5E81E4, "efivarfs"},
                              {0xF97CFF8C, "selinuxfs"},
                              {0x42494E4D, "binfmt_misc"},
                              {0x62656570, "configfs"},
                              {0x65735543, "fusectl"},
                              {0x19800202, "mqueue"},
                              {0x958458F6, "hugetlbfs"},
                              {0x6E736673, "nsfs"},
                              {0x67596969, "rpc_pipefs"},
                              {0x0187, "autofs"}};

const char* made_up(int directory) {
    struct statfs info {};
    if (fstatfs(directory, &info) != 0) return nullptr;
    for (const MadeUp& one : kMadeUp)
        if (static_cast<std::uint32_t>(info.f_type) == one.magic) return one.name;
    return nullptr;
}

// Of who works in the folder, a mover's journal tells that it is one: others may have reasons of their own for a lock.
bool is_movers(int directory) { return faccessat(directory, kJournalName.data(), F_OK, AT_SYMLINK_NOFOLLOW) == 0; }

bool leads_to(const std::string& path, int opened) {
    struct stat ours {
    }, there{};
    if (fstat(opened, &ours) != 0 || stat(path.c_str(), &there) != 0) return false;
    if (S_ISBLK(ours.st_mode)) return S_ISBLK(there.st_mode) && there.st_rdev == ours.st_rdev;
    return there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

int confined_open(int directory, const char* path, int flags, mode_t mode) {
    open_how how{};
    how.flags = static_cast<unsigned long long>(flags) | O_CLOEXEC | O_NOFOLLOW;
    how.mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? mode : 0;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
    // What is moved away in the middle of the open is refused as a mounted filesystem is (openat2(2), RESOLVE_BENEATH):
    // a mount is there each time.
    for (int tries = 0;;) {
        const long got = syscall(SYS_openat2, directory, path, &how, sizeof how);
        const bool again = got < 0 && (errno == EINTR || errno == EAGAIN || (errno == EXDEV && ++tries < kMountTries));
        if (!again) return static_cast<int>(got);
    }
}

// One without which links could lead out of a tree, "" if none is missing. Nothing else is tried in its place.
std::string missing_call(int root) {
    const auto is_missing = [] { return errno == ENOSYS || errno == EPERM; };
    struct statx info {};
    std::string name;
    if (!Descriptor(confined_open(root, ".", O_PATH | O_DIRECTORY, 0)).open() && is_missing()) name = "openat2";
    // Not by way of the C library, which knows how to do without it and then does not see all.
    else if (syscall(SYS_statx, root, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &info) != 0 && is_missing())
        name = "statx";
    return name.empty() ? "" : "the system call " + name + " is not allowed here (" + std::strerror(errno) + ")";
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        close();
        value_ = other.release();
    }
    return *this;
}

void Descriptor::close() {
    if (value_ >= 0) ::close(value_);
    value_ = -1;
}

int Descriptor::release() {
    const int value = value_;
    value_ = -1;
    return value;
}

bool is_gone(int code) { return code == ENOENT || code == ENOTDIR || code == ELOOP || code == ENXIO; }

Error system_error(std::string_view what, std::string_view path, int code) {
    const bool not_there = code == ENOENT || code == ENOTDIR || code == ELOOP;
    const ErrorKind kind = not_there ? ErrorKind::kNotFound : ErrorKind::kUnavailable;
    std::string message = std::string(what) + " " + std::string(path) + ": " + std::strerror(code);
    return {kind, std::move(message), "", 0, ""};
}

Result<Tree> Tree::open(const std::string& path, std::string title) {
    // The root itself is what the user names: a link to it is theirs.
    Descriptor root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root.open()) {
        const Error error = system_error("open " + title, escape_line(path), errno);
        return Error{error.kind == ErrorKind::kNotFound ? ErrorKind::kNotFound : ErrorKind::kFailed, error.message, "",
                     0, ""};
    }
    if (const char* const kind = made_up(root.get()); kind != nullptr)
        return Error{ErrorKind::kRefused,
                     title + " " + escape_line(path) + " is of " + kind +
                         ", which the kernel makes up and no disk holds; nothing was changed",
                     "give the folder where the volume is mounted", 0, ""};
    if (const std::string missing = missing_call(root.get()); !missing.empty())
        return Error{ErrorKind::kRefused,
                     title + " " + escape_line(path) + ": " + missing +
                         ", without which a link could lead out of it; nothing was changed",
                     "Linux 5.6 or later, and a seccomp profile (RuntimeDefault of a current runtime) that knows it", 0,
                     ""};
    struct stat info {};
    if (fstat(root.get(), &info) != 0) return system_error("look at " + title, escape_line(path), errno);
    return Tree(std::move(root), info.st_dev, std::move(title), path);
}

Tree::Tree(Descriptor root, dev_t device, std::string title, const std::string& path)
    : root_(std::move(root)), device_(device), said_(escape_line(path)), path_(path), title_(std::move(title)) {
    const std::unique_ptr<char, decltype(&std::free)> resolved(realpath(path.c_str(), nullptr), &std::free);
    // Through another process's mounts (/proc/PID/root) it does not lead there, and not for who may not go all of it.
    if (resolved && leads_to(resolved.get(), root_.get())) path_ = resolved.get();
}

Error Tree::locked(const std::string& by) const {
    return {ErrorKind::kLocked, title_ + " " + said_ + ": another mover works with " + by + "; nothing was changed",
            "wait for its end", 0, ""};
}

// A shared one on each folder on the way up, which the lock of a mover that works there does not go with.
Result<LocksAround> Tree::lock() const {
    LocksAround around;
    if (block_device_) return around;
    if (flock(root(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return locked(flock(root(), LOCK_SH | LOCK_NB) == 0 ? "a folder in it" : "it");
    struct stat below {
    }, above{};
    if (is_image() || fstat(root(), &below) != 0) return around;
    while (true) {
        Descriptor up(openat(around.empty() ? root() : around.back().get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!up.open() || fstat(up.get(), &above) != 0 || above.st_dev != below.st_dev || above.st_ino == below.st_ino)
            return around;
        if (flock(up.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK && is_movers(up.get()))
            return locked("a folder which it lies in");
        around.push_back(std::move(up));
        below = above;
    }
}

Status Tree::still_there() const {
    if (leads_to(path_, root())) return {};
    return Error{ErrorKind::kUnavailable,
                 title_ + " " + said_ +
                     " is no more what it was when this began: it was unmounted or replaced, or something was mounted "
                     "over it; nothing was written to what is there now",
                 "mount it again, then run the same command again", 0, ""};
}

Tree Tree::image(Descriptor file, std::uint64_t size, bool block_device, std::string title, const std::string& path) {
    Tree tree(std::move(file), 0, std::move(title), path);
    tree.image_size_ = size;
    tree.block_device_ = block_device;
    return tree;
}

Status Tree::sync() const {
    // syncfs() through a device's node would sync the filesystem that holds the node.
    if ((is_image() ? fsync(root()) : syncfs(root())) == 0) return {};
    return system_error("sync", shown(""), errno);
}

std::string Tree::shown(std::string_view path) const {
    return title_ + (is_image() && path.empty() ? "" : ":" + (path.empty() ? "/" : escape_line(path)));
}

Descriptor Tree::open_beneath(std::string_view path, int flags, mode_t mode) const {
    if (is_image()) {
        errno = ENOTDIR;
        if (!path.empty()) return {};
        // The very file that was opened, whatever has its name by now.
        return Descriptor(::open(("/proc/self/fd/" + std::to_string(root())).c_str(), flags | O_CLOEXEC));
    }
    Descriptor held;
    int from = root();
    while (path.size() > kPart) {
        const std::size_t slash = path.rfind('/', kPart);
        const std::string part(path.substr(0, slash));
        Descriptor next(confined_open(from, part.c_str(), O_PATH | O_DIRECTORY, 0));
        if (!next.open()) return next;
        held = std::move(next);
        from = held.get();
        path.remove_prefix(slash + 1);
    }
    const std::string last(path.empty() ? "." : path);
    Descriptor opened(confined_open(from, last.c_str(), flags, mode));
    const int code = errno;  // closing `held` may change it
    held.close();
    errno = code;
    return opened;
}

Result<Descriptor> Tree::open_directory(std::string_view path) const {
    Descriptor opened = open_beneath(path, O_RDONLY | O_DIRECTORY);
    if (!opened.open()) return system_error("open directory", shown(path), errno);
    return opened;
}

Result<Descriptor> Tree::open_file(std::string_view path, int flags) const {
    Descriptor opened = open_beneath(path, flags | O_NONBLOCK);
    if (!opened.open()) return system_error("open", shown(path), errno);
    return opened;
}

Descriptor open_in(int directory, const std::string& name, int flags, mode_t mode) {
    return Descriptor(confined_open(directory, name.c_str(), flags, mode));
}

}  // namespace holdfast::mover
