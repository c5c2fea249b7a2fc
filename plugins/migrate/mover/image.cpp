#include "plugins/migrate/mover/image.h"

#include "common/core/text.h"
#include "common/os/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <memory>

namespace holdfast::mover {
namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const { closedir(directory); }
};

// The loop device that has the file as its disk, "" if none is seen. A mounted image is used by one.
std::string loop_device_of(const struct stat& file) {
    const std::unique_ptr<DIR, CloseDirectory> blocks(opendir("/sys/block"));
    while (const dirent* const entry = blocks ? readdir(blocks.get()) : nullptr) {
        std::string name = entry->d_name;
        if (name.rfind("loop", 0) != 0) continue;
        const auto backing = read_file("/sys/block/" + name + "/loop/backing_file", 64 << 10);
        if (!backing.ok()) continue;
        struct stat info {};
        if (stat(std::string(trim(*backing)).c_str(), &info) == 0 && info.st_dev == file.st_dev &&
            info.st_ino == file.st_ino)
            return name;
    }
    return "";
}

Error in_use(const std::string& title, const std::string& path, const std::string& by) {
    return {ErrorKind::kRefused, title + " " + escape_line(path) + " is in use" + by + "; nothing was changed",
            "unmount it, or stop what has it open, then run the same command again", 0, ""};
}

int flags_for(ImageUse use, bool block_device) {
    const int exclusive = block_device && use != ImageUse::kReadInUse ? O_EXCL : 0;
    // Only what this process has made is its own, to be removed again.
    if (use == ImageUse::kMake) return O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL;
    return (use == ImageUse::kWrite ? O_RDWR : O_RDONLY) | O_CLOEXEC | exclusive;
}

}  // namespace

bool names_image(const std::string& path) {
    struct stat info {};
    return stat(path.c_str(), &info) == 0 && (S_ISREG(info.st_mode) || S_ISBLK(info.st_mode));
}

Result<Tree> open_image(const std::string& path, std::string title, ImageUse use) {
    struct stat info {};
    const bool there = stat(path.c_str(), &info) == 0;
    const bool block_device = there && S_ISBLK(info.st_mode);
    // To make the file that a link names would write wherever it leads.
    if (!there && lstat(path.c_str(), &info) == 0)
        return Error{ErrorKind::kFailed,
                     title + " " + escape_line(path) + " is a link that leads nowhere; nothing was changed",
                     "make what it names, or give another", 0, ""};
    // O_EXCL on a block device: the kernel gives it to one mount or one such opener at a time.
    Descriptor file(::open(path.c_str(), flags_for(use, block_device), 0600));
    if (!file.open() && errno == EBUSY) return in_use(title, path, " (mounted, or part of another device)");
    if (!file.open() || fstat(file.get(), &info) != 0) {
        const Error error = system_error("open " + title, escape_line(path), errno);
        return Error{error.kind == ErrorKind::kNotFound ? ErrorKind::kNotFound : ErrorKind::kFailed, error.message, "",
                     0, ""};
    }
    if (S_ISBLK(info.st_mode) != block_device || (!block_device && !S_ISREG(info.st_mode)))
        return Error{ErrorKind::kFailed, escape_line(path) + ": neither a block device nor a file", "", 0, ""};
    if (!block_device && use != ImageUse::kReadInUse) {
        const std::string loop = loop_device_of(info);
        if (!loop.empty()) return in_use(title, path, " by /dev/" + loop);
    }
    const off_t size = lseek(file.get(), 0, SEEK_END);
    if (size < 0) return system_error("find the size of " + title, escape_line(path), errno);
    return Tree::image(std::move(file), static_cast<std::uint64_t>(size), block_device, std::move(title), path);
}

}  // namespace holdfast::mover
