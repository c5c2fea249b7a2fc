#include "plugins/migrate/mover/attributes.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>

namespace holdfast::mover {

const std::uint32_t kLockingFlags = FS_IMMUTABLE_FL | FS_APPEND_FL;
const std::uint32_t kKeptFlags = kLockingFlags | FS_SYNC_FL | FS_NODUMP_FL | FS_NOATIME_FL | FS_DIRSYNC_FL |
                                 FS_PROJINHERIT_FL | FS_NOCOW_FL | FS_COMPR_FL | FS_JOURNAL_DATA_FL | FS_TOPDIR_FL;

namespace {

// Not data: a node's label; and how xfs shows for a second time the ACLs that system.posix_acl_* are.
bool belongs_to_filesystem(std::string_view name) {
    return name == "security.selinux" || name.substr(0, 16) == "trusted.SGI_ACL_";
}

Kind kind_of(std::uint16_t mode) {
    switch (mode & S_IFMT) {
        case S_IFDIR:
            return Kind::kDirectory;
        case S_IFLNK:
            return Kind::kSymlink;
        case S_IFIFO:
            return Kind::kFifo;
        case S_IFSOCK:
            return Kind::kSocket;
        case S_IFCHR:
            return Kind::kCharDevice;
        case S_IFBLK:
            return Kind::kBlockDevice;
        default:
            return Kind::kFile;
    }
}

Time time_of(const statx_timestamp& stamp) { return {stamp.tv_sec, stamp.tv_nsec}; }

// A name in a directory as a path that leads through no link: /proc/self/fd/N is the directory that we hold, and the
// calls used with it do not follow the name itself.
std::string path_through(int directory, const std::string& name) {
    const std::string held = "/proc/self/fd/" + std::to_string(directory);
    return name.empty() ? held + "/." : held + "/" + name;
}

// The xattr calls by descriptor where there is one, else by path without following.
ssize_t list_xattrs(int opened, const std::string& path, char* buffer, std::size_t size) {
    return opened >= 0 ? flistxattr(opened, buffer, size) : llistxattr(path.c_str(), buffer, size);
}
ssize_t get_xattr(int opened, const std::string& path, const char* name, void* buffer, std::size_t size) {
    return opened >= 0 ? fgetxattr(opened, name, buffer, size) : lgetxattr(path.c_str(), name, buffer, size);
}
int set_xattr(int opened, const std::string& path, const Xattr& attribute) {
    return opened >= 0
               ? fsetxattr(opened, attribute.name.c_str(), attribute.value.data(), attribute.value.size(), 0)
               : lsetxattr(path.c_str(), attribute.name.c_str(), attribute.value.data(), attribute.value.size(), 0);
}
int remove_xattr(int opened, const std::string& path, const char* name) {
    return opened >= 0 ? fremovexattr(opened, name) : lremovexattr(path.c_str(), name);
}

bool no_such_feature(int code) { return code == EOPNOTSUPP || code == ENOTTY || code == ENOSYS || code == EINVAL; }

Status read_flags(int opened, Meta& meta, const std::string& shown) {
    int flags = 0;
    if (ioctl(opened, FS_IOC_GETFLAGS, &flags) == 0)
        meta.flags = static_cast<std::uint32_t>(flags) & kKeptFlags;
    else if (!no_such_feature(errno))
        return system_error("read flags of", shown, errno);
    fsxattr extra{};
    if (ioctl(opened, FS_IOC_FSGETXATTR, &extra) == 0)
        meta.project = extra.fsx_projid;
    else if (!no_such_feature(errno))
        return system_error("read project of", shown, errno);
    return {};
}

Result<std::string> read_symlink(int directory, const std::string& name, const std::string& shown) {
    std::string text(kLongestLink + 1, '\0');
    const ssize_t got = readlinkat(directory, name.c_str(), text.data(), text.size());
    // Something else has the name by now: what was looked for is gone.
    if (got < 0) return system_error("read link", shown, errno == EINVAL ? ENOENT : errno);
    if (static_cast<std::size_t>(got) > kLongestLink) return system_error("read link", shown, ENAMETOOLONG);
    text.resize(static_cast<std::size_t>(got));
    return text;
}

// Sets what differs from what is there, and takes away what should not be.
Status write_xattrs(int opened, const std::string& path, const Meta& meta, const std::vector<Xattr>& there,
                    const std::string& shown) {
    for (const Xattr& old : there) {
        const bool wanted =
            std::any_of(meta.xattrs.begin(), meta.xattrs.end(), [&](const Xattr& x) { return x.name == old.name; });
        if (!wanted && remove_xattr(opened, path, old.name.c_str()) != 0 && errno != ENODATA)
            return system_error("remove attribute " + old.name + " of", shown, errno);
    }
    for (const Xattr& attribute : meta.xattrs) {
        if (std::find(there.begin(), there.end(), attribute) != there.end()) continue;
        if (set_xattr(opened, path, attribute) != 0)
            return system_error("set attribute " + attribute.name + " of", shown, errno);
    }
    return {};
}

Status write_owner_and_mode(int directory, const std::string& name, int opened, const Meta& meta, bool fresh,
                            const std::string& shown) {
    struct stat now {};
    if ((opened >= 0 ? fstat(opened, &now) : fstatat(directory, name.c_str(), &now, AT_SYMLINK_NOFOLLOW)) != 0)
        return system_error("look at", shown, errno);
    const bool owner_differs = now.st_uid != meta.uid || now.st_gid != meta.gid;
    if (owner_differs) {
        const int done = opened >= 0 ? fchown(opened, meta.uid, meta.gid)
                                     : fchownat(directory, name.c_str(), meta.uid, meta.gid, AT_SYMLINK_NOFOLLOW);
        if (done != 0) return system_error("set owner of", shown, errno);
    }
    if (meta.kind == Kind::kSymlink) return {};
    // A chown takes setuid and setgid away from files, so after one the mode is set again.
    const bool special = (meta.mode & 07000) != 0;
    if ((now.st_mode & 07777) == meta.mode && !(owner_differs && special) && !(fresh && special)) return {};
    const int done =
        opened >= 0 ? fchmod(opened, meta.mode) : fchmodat(directory, name.c_str(), meta.mode, AT_SYMLINK_NOFOLLOW);
    if (done != 0) return system_error("set mode of", shown, errno);
    return {};
}

}  // namespace

Result<Looked> look_at(int directory, const std::string& name, const std::string& shown) {
    struct statx info {};
    const int how = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (name.empty() ? AT_EMPTY_PATH : 0);
    if (statx(directory, name.c_str(), how, STATX_BASIC_STATS, &info) != 0)
        return system_error("look at", shown, errno);
    Looked looked;
    Meta& meta = looked.meta;
    meta.kind = kind_of(info.stx_mode);
    meta.mode = info.stx_mode & 07777;
    meta.uid = info.stx_uid;
    meta.gid = info.stx_gid;
    meta.mtime = time_of(info.stx_mtime);
    if (meta.kind == Kind::kFile) meta.size = info.stx_size;
    if (meta.kind == Kind::kSymlink) meta.mode = 0777;
    if (meta.kind == Kind::kCharDevice || meta.kind == Kind::kBlockDevice)
        meta.device = (static_cast<std::uint64_t>(info.stx_rdev_major) << 32) | info.stx_rdev_minor;
    looked.facts = {info.stx_ino, time_of(info.stx_ctime), info.stx_nlink, info.stx_blocks};
    looked.traits = info.stx_attributes;
    looked.filesystem = makedev(info.stx_dev_major, info.stx_dev_minor);
    return looked;
}

std::string uncopied(std::uint64_t traits, std::uint32_t flags) {
    if ((traits & STATX_ATTR_ENCRYPTED) != 0 || (flags & FS_ENCRYPT_FL) != 0)
        return "is encrypted (fscrypt), and its copy would not be";
    if ((traits & STATX_ATTR_VERITY) != 0 || (flags & FS_VERITY_FL) != 0)
        return "is sealed (fs-verity), and its copy would not be";
    if ((flags & FS_CASEFOLD_FL) != 0) return "takes names in any case (casefold), and its copy would not";
    return "";
}

std::uint32_t flags_of(int opened) {
    int flags = 0;
    return opened >= 0 && ioctl(opened, FS_IOC_GETFLAGS, &flags) == 0 ? static_cast<std::uint32_t>(flags) : 0;
}

Result<std::vector<Xattr>> read_xattrs(int directory, const std::string& name, int opened, const std::string& shown) {
    std::vector<Xattr> found;
    const std::string path = opened >= 0 ? std::string() : path_through(directory, name);
    std::string names(1024, '\0');
    ssize_t got = list_xattrs(opened, path, names.data(), names.size());
    if (got < 0 && errno == ERANGE) {
        names.resize(64 << 10);
        got = list_xattrs(opened, path, names.data(), names.size());
    }
    if (got < 0 && no_such_feature(errno)) return found;
    if (got < 0 && errno == E2BIG) return Error{ErrorKind::kInvalid, shown + ": " + kTooManyAttributes, "", 0, ""};
    if (got < 0) return system_error("list attributes of", shown, errno);
    if (got == 0) return found;
    std::string value(64 << 10, '\0');
    std::size_t total = 0;
    for (const char* one = names.data(); one < names.data() + got; one += std::char_traits<char>::length(one) + 1) {
        if (belongs_to_filesystem(one)) continue;
        const ssize_t length = get_xattr(opened, path, one, value.data(), value.size());
        if (length < 0 && errno == ENODATA) continue;  // taken away meanwhile
        if (length < 0) return system_error(std::string("read attribute ") + one + " of", shown, errno);
        found.push_back({one, value.substr(0, static_cast<std::size_t>(length))});
        total += found.back().name.size() + found.back().value.size();
        if (total > kMostXattrBytes) return Error{ErrorKind::kInvalid, shown + ": " + kTooLargeAttributes, "", 0, ""};
    }
    std::sort(found.begin(), found.end(), [](const Xattr& a, const Xattr& b) { return a.name < b.name; });
    return found;
}

Status read_attributes(int directory, const std::string& name, int opened, Meta& meta, const std::string& shown) {
    if (meta.kind == Kind::kSymlink) {
        TRY_ASSIGN(meta.link, read_symlink(directory, name, shown));
    }
    TRY_ASSIGN(meta.xattrs, read_xattrs(directory, name, opened, shown));
    if (meta.kind == Kind::kFile || meta.kind == Kind::kDirectory) TRY(read_flags(opened, meta, shown));
    return {};
}

Status write_attributes(int directory, const std::string& name, int opened, const Meta& meta, bool fresh,
                        const std::string& shown) {
    TRY(write_owner_and_mode(directory, name, opened, meta, fresh, shown));
    // Also of a fresh entry: it may have inherited an ACL from its directory's default one.
    TRY_ASSIGN(const std::vector<Xattr> there, read_xattrs(directory, name, opened, shown));
    if (there != meta.xattrs) {
        const std::string path = opened >= 0 ? std::string() : path_through(directory, name);
        TRY(write_xattrs(opened, path, meta, there, shown));
    }
    if (meta.kind == Kind::kFile || meta.kind == Kind::kDirectory)
        TRY(write_flags(opened, meta.flags & ~kLockingFlags, meta.project, shown));
    timespec times[2] = {{0, UTIME_OMIT}, {static_cast<time_t>(meta.mtime.seconds), meta.mtime.nanoseconds}};
    const int done =
        opened >= 0 ? futimens(opened, times) : utimensat(directory, name.c_str(), times, AT_SYMLINK_NOFOLLOW);
    if (done != 0) return system_error("set times of", shown, errno);
    return {};
}

Status write_flags(int opened, std::uint32_t flags, std::uint32_t project, const std::string& shown) {
    fsxattr extra{};
    const bool has_extra = ioctl(opened, FS_IOC_FSGETXATTR, &extra) == 0;
    if ((has_extra ? extra.fsx_projid : 0) != project) {
        extra.fsx_projid = project;
        if (ioctl(opened, FS_IOC_FSSETXATTR, &extra) != 0) return system_error("set project of", shown, errno);
    }
    const std::uint32_t there = flags_of(opened);
    if ((there & kKeptFlags) == flags) return {};
    int wanted = static_cast<int>((there & ~kKeptFlags) | flags);
    if (ioctl(opened, FS_IOC_SETFLAGS, &wanted) != 0) return system_error("set flags of", shown, errno);
    return {};
}

bool unlock(int directory, const std::string& name) {
    struct stat info {};
    // To open a device or a fifo can have effects of its own; they have no flags.
    if (fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0) return false;
    if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return false;
    const mode_t needed = S_ISDIR(info.st_mode) ? S_IRWXU : S_IRUSR | S_IWUSR;
    bool changed = false;
    if (info.st_uid == geteuid() && (info.st_mode & needed) != needed) {
        const mode_t mode = (info.st_mode & 07777) | needed;
        changed = (name.empty() ? fchmod(directory, mode)
                                : fchmodat(directory, name.c_str(), mode, AT_SYMLINK_NOFOLLOW)) == 0;
    }
    const Descriptor opened = open_in(directory, name.empty() ? "." : name, O_RDONLY | O_NONBLOCK);
    const std::uint32_t flags = flags_of(opened.get());
    int without = static_cast<int>(flags & ~kLockingFlags);
    const bool unlocked = (flags & kLockingFlags) != 0 && ioctl(opened.get(), FS_IOC_SETFLAGS, &without) == 0;
    return changed || unlocked;
}

bool open_to_projects(int directory) {
    const std::uint32_t flags = flags_of(directory);
    int without = static_cast<int>(flags & ~static_cast<std::uint32_t>(FS_PROJINHERIT_FL));
    return (flags & FS_PROJINHERIT_FL) != 0 && ioctl(directory, FS_IOC_SETFLAGS, &without) == 0;
}

}  // namespace holdfast::mover
