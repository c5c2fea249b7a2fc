#include "common/core/text.h"
#include "plugins/migrate/mover/attributes.h"
#include "plugins/migrate/mover/needs.h"
#include "plugins/migrate/mover/place.h"
#include "plugins/migrate/mover/side.h"
#include "plugins/migrate/mover/target.h"
#include "plugins/migrate/mover/walk.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

namespace holdfast::mover {
namespace {

constexpr std::uint64_t kLeastRoom = 256 << 10;  // the largest attribute on filesystems with large blocks, and more
constexpr std::uint64_t kLeastInodes = 8;
constexpr std::uint64_t kMostKept = 4096;  // blocks

std::string flag_name(std::uint32_t bit) {
    switch (bit) {
        case FS_IMMUTABLE_FL:
            return "immutable";
        case FS_APPEND_FL:
            return "append-only";
        case FS_NODUMP_FL:
            return "no-dump";
        case FS_NOATIME_FL:
            return "no-atime";
        case FS_SYNC_FL:
            return "sync";
        case FS_DIRSYNC_FL:
            return "dirsync";
        case FS_PROJINHERIT_FL:
            return "inherit-project";
        case FS_NOCOW_FL:
            return "no-copy-on-write";
        case FS_COMPR_FL:
            return "compressed";
        case FS_JOURNAL_DATA_FL:
            return "journalled-data";
        default:
            return "numbered " + std::to_string(bit);
    }
}

// Tries things in a directory of its own beneath the target's root, which goes with it.
class Probe {
  public:
    Probe(const Tree& tree, const Needs& needs) : tree_(tree), needs_(needs) {}

    Result<std::vector<std::string>> run() {
        if (is_read_only()) return std::vector<std::string>{"anything: it is mounted for reading only"};
        for (const std::string& path : mounted_beneath(tree_.root())) {
            if (cannot_.size() == kMostNamed) break;
            cannot_.push_back("anything at " + tree_.shown(path) + ": another filesystem is mounted there");
        }
        if (!cannot_.empty()) return std::move(cannot_);
        if (const std::uint64_t room = room_in_all(); needs_.content > room)
            return std::vector<std::string>{std::to_string(needs_.content) + " bytes of content: it has room for " +
                                            std::to_string(room) + " in all"};
        // The root's own time is put back: a plan that is refused must leave nothing changed. At once, too, since no
        // pass would set it after a kill.
        struct stat root {};
        if (fstat(tree_.root(), &root) != 0) return system_error("look at", tree_.shown(""), errno);
        const timespec times[2] = {{0, UTIME_OMIT}, root.st_mtim};
        TRY(remove_all(tree_.root(), kProbeName, tree_.shown(kProbeName)));
        futimens(tree_.root(), times);
        // A full one cannot be tried on, and may be full only of what the pass removes. What it cannot hold is then met
        // by the pass, which ends there.
        if (is_full()) return std::vector<std::string>();
        // A copy of a root that is immutable leaves such a one: it is opened for the next, which locks it again.
        const std::uint32_t locked = flags_of(tree_.root()) & kLockingFlags;
        if (mkdirat(tree_.root(), kProbeName, 0700) != 0 &&
            (locked == 0 || !unlock(tree_.root(), "") || mkdirat(tree_.root(), kProbeName, 0700) != 0)) {
            if (errno == ENOSPC || errno == EDQUOT) return std::vector<std::string>();
            if (errno == EACCES || errno == EPERM)
                return std::vector<std::string>{"anything: " + std::string(std::strerror(errno))};
            return system_error("write into", tree_.shown(""), errno);
        }
        futimens(tree_.root(), times);
        directory_ = open_in(tree_.root(), kProbeName, O_RDONLY | O_DIRECTORY);
        if (!directory_.open()) return system_error("open", tree_.shown(kProbeName), errno);
        TRY(everything());
        // Over a network, and in FUSE, what is removed while it is open stays under another name until it is closed.
        file_.close();
        directory_.close();
        TRY(remove_all(tree_.root(), kProbeName, tree_.shown(kProbeName)));
        futimens(tree_.root(), times);
        if (!cannot_.empty() && locked != 0) TRY(lock_again(locked));
        return std::move(cannot_);
    }

  private:
    bool is_read_only() const {
        struct statvfs space {};
        return fstatvfs(tree_.root(), &space) == 0 && (space.f_flag & ST_RDONLY) != 0;
    }

    // With nothing else on it. What is there now may go with the copy, and part of what is to come be there already, so
    // this alone is certain before; and only of filesystems that take all content as it is.
    std::uint64_t room_in_all() const {
        struct statfs info {};
        if (fstatfs(tree_.root(), &info) != 0) return UINT64_MAX;
        constexpr std::uint32_t kPlain[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, TMPFS_MAGIC};
        const auto kind = static_cast<std::uint32_t>(info.f_type);
        if (std::find(std::begin(kPlain), std::end(kPlain), kind) == std::end(kPlain) || info.f_blocks == 0)
            return UINT64_MAX;
        const std::uint64_t kept = geteuid() == 0 ? 0 : info.f_bfree - std::min(info.f_bfree, info.f_bavail);
        return (info.f_blocks - kept) * static_cast<std::uint64_t>(info.f_bsize);
    }

    Status lock_again(std::uint32_t locked) const {
        Meta now;
        now.kind = Kind::kDirectory;
        TRY(read_attributes(tree_.root(), "", tree_.root(), now, tree_.shown("")));
        return write_flags(tree_.root(), now.flags | locked, now.project, tree_.shown(""));
    }

    bool is_full() const {
        struct statvfs space {};
        if (fstatvfs(tree_.root(), &space) != 0) return false;
        // ext4 keeps these from root, too, and counts them as free.
        const std::uint64_t kept = std::min<std::uint64_t>(space.f_blocks / 50, kMostKept);
        const std::uint64_t blocks = geteuid() == 0 ? space.f_bfree - std::min(space.f_bfree, kept) : space.f_bavail;
        return blocks * space.f_frsize < kLeastRoom || (space.f_files != 0 && space.f_ffree < kLeastInodes);
    }

    Status everything() {
        TRY(fresh_file());
        sizes();
        times();
        if (needs_.longest_link > 0 &&
            symlinkat(std::string(static_cast<std::size_t>(needs_.longest_link), 'x').c_str(), directory_.get(),
                      "long") != 0)
            no({needs_.longest_link_path, 1}, "a symlink of " + std::to_string(needs_.longest_link) + " bytes", errno);
        for (const auto& [kind, example] : needs_.kinds) try_kind(kind, example);
        if (needs_.links.count > 0 && linkat(directory_.get(), "file", directory_.get(), "link", 0) != 0)
            no(needs_.links, "hard links", errno);
        try_owners();
        for (const auto& [key, attribute] : needs_.xattrs) try_xattr(key.second, attribute);
        TRY(try_largest_set());
        for (const auto& [bit, example] : needs_.flags) TRY(try_flag(bit, example));
        for (const auto& [project, example] : needs_.projects) try_project(project, example);
        return {};
    }

    void no(const Example& example, const std::string& what, int code) {
        const std::string more = example.count > 1 ? " and " + std::to_string(example.count - 1) + " more" : "";
        cannot_.push_back(what + " (source:" + (example.path.empty() ? "/" : escape_line(example.path)) + more +
                          "): " + std::strerror(code));
    }

    Status fresh_file() {
        file_.close();
        unlinkat(directory_.get(), "file", 0);
        file_ = open_in(directory_.get(), "file", O_RDWR | O_CREAT | O_EXCL, 0600);
        if (file_.open()) return {};
        return system_error("write into", tree_.shown(""), errno);
    }

    void sizes() {
        if (needs_.largest > 0 && ftruncate(file_.get(), static_cast<off_t>(needs_.largest)) != 0)
            no({needs_.largest_path, 1}, "a file of " + std::to_string(needs_.largest) + " bytes", errno);
        ftruncate_quietly();
        struct statvfs space {};
        if (fstatvfs(directory_.get(), &space) == 0 && needs_.longest_name > space.f_namemax)
            cannot_.push_back("names of " + std::to_string(needs_.longest_name) + " bytes; the longest are " +
                              std::to_string(space.f_namemax));
    }
    void ftruncate_quietly() {
        if (ftruncate(file_.get(), 0) != 0) return;
    }

    void times() {
        Time fine = needs_.latest;
        fine.nanoseconds = needs_.fractions ? 123456789 : 0;
        for (const Time& time : {needs_.earliest, needs_.latest, fine}) {
            const timespec both[2] = {{0, UTIME_OMIT}, {static_cast<time_t>(time.seconds), time.nanoseconds}};
            struct stat now {};
            const bool set = futimens(file_.get(), both) == 0 && fstat(file_.get(), &now) == 0;
            if (set && now.st_mtim.tv_sec == time.seconds && now.st_mtim.tv_nsec == time.nanoseconds) continue;
            cannot_.push_back("modification times such as " + std::to_string(time.seconds) + " s and " +
                              std::to_string(time.nanoseconds) + " ns since 1970");
            return;
        }
    }

    void try_kind(Kind kind, const Example& example) {
        Meta meta;
        meta.kind = kind;
        meta.mode = 0600;
        meta.uid = geteuid();
        meta.gid = getegid();
        meta.link = "somewhere";
        // Only made, never opened.
        if (kind == Kind::kCharDevice || kind == Kind::kBlockDevice)
            meta.device = needs_.largest_major << 32 | (needs_.largest_minor & UINT32_MAX);
        Target target(tree_);
        const Status made = target.step(MakeOther{std::string(kProbeName) + "/other", meta});
        if (made.ok()) return;
        cannot_.push_back(std::string(kind == Kind::kSymlink ? "symlinks" : kind_text(kind) + "s") +
                          " (source:" + escape_line(example.path) + "): " + made.error().message);
    }

    void try_owners() {
        for (const auto& [owner, example] : needs_.owners)
            if (fchown(file_.get(), owner.first, owner.second) != 0)
                no(example, "owner " + std::to_string(owner.first) + ":" + std::to_string(owner.second), errno);
    }

    void try_xattr(bool directory, const Needs::Attribute& attribute) {
        Meta meta;
        meta.kind = attribute.kind;
        meta.xattrs = {attribute.largest};
        struct stat now {};
        const int on = directory ? directory_.get() : file_.get();
        if (attribute.kind != Kind::kFile && attribute.kind != Kind::kDirectory) return;  // as files, near enough
        if (fstat(on, &now) != 0) return;
        meta.uid = now.st_uid;
        meta.gid = now.st_gid;
        meta.mode = now.st_mode & 07777;
        const Status set = write_attributes(directory_.get(), directory ? "" : "file", on, meta, false, "the target");
        if (!set.ok())
            cannot_.push_back("attribute " + escape_line(attribute.largest.name) +
                              " (source:" + escape_line(attribute.example.path) + "): " + set.error().message);
    }

    // Each may fit alone, and not all together.
    Status try_largest_set() {
        if (needs_.largest_set.empty() || !cannot_.empty()) return {};
        TRY(fresh_file());
        Meta meta;
        meta.uid = geteuid();
        meta.gid = getegid();
        meta.mode = 0600;
        meta.xattrs = needs_.largest_set;
        const Status set = write_attributes(directory_.get(), "file", file_.get(), meta, false, "the target");
        if (!set.ok())
            cannot_.push_back("all attributes of source:" + escape_line(needs_.largest_set_path) +
                              " together: " + set.error().message);
        return {};
    }

    Status try_flag(std::uint32_t bit, const Example& example) {
        TRY(fresh_file());
        const bool of_directories = bit == FS_DIRSYNC_FL || bit == FS_TOPDIR_FL || bit == FS_PROJINHERIT_FL;
        const int on = of_directories ? directory_.get() : file_.get();
        const Status set = write_flags(on, bit, 0, "the target");
        if (!set.ok())
            cannot_.push_back(flag_name(bit) + " flag (source:" + escape_line(example.path) +
                              "): " + set.error().message);
        const Status back = write_flags(on, 0, 0, "the target");
        return set.ok() ? back : Status();
    }

    void try_project(std::uint32_t project, const Example& example) {
        const Status set = write_flags(file_.get(), 0, project, "the target");
        if (!set.ok())
            cannot_.push_back("project " + std::to_string(project) + " (source:" + escape_line(example.path) +
                              "): " + set.error().message);
    }

    const Tree& tree_;
    const Needs& needs_;
    Descriptor directory_, file_;
    std::vector<std::string> cannot_;
};

std::vector<std::string> probe_image(const Tree& tree, const Needs& needs) {
    if (!needs.image) return {"a directory: it is a block device or a file"};
    if (tree.is_block_device() && tree.image_size() < needs.largest)
        return {std::to_string(needs.largest) + " bytes: it has only " + std::to_string(tree.image_size())};
    return {};
}

}  // namespace

Result<std::vector<std::string>> probe_target(const Tree& tree, const Needs& needs) {
    if (tree.is_image()) return probe_image(tree, needs);
    if (needs.image) return std::vector<std::string>{"a block device or an image of one: it is a directory"};
    return Probe(tree, needs).run();
}

}  // namespace holdfast::mover
