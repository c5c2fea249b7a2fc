#include "plugins/migrate/mover/target.h"

#include "common/core/overloaded.h"
#include "plugins/migrate/mover/attributes.h"
#include "plugins/migrate/mover/scratch.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>

namespace holdfast::mover {
namespace {

constexpr std::size_t kOpenFiles = 16;
constexpr mode_t kPrivate = 0600;
constexpr std::size_t kDirectBytes = 64 << 10;

// Of a file that an earlier pass made, or this one.
Error cannot_open(const std::string& shown, int code) {
    if (code != EISDIR && code != EEXIST && !is_gone(code)) return system_error("open", shown, code);
    return {ErrorKind::kNotFound, shown + ": is missing, or is no file any more", "", 0, ""};
}

// What the index says is there, and is not. It is of no use from here on.
Status as_it_was_left(Status done) {
    if (done.ok() || done.error().kind != ErrorKind::kNotFound) return done;
    return Error{ErrorKind::kMismatch, done.error().message + ": somebody else changed it after it was copied",
                 "run the same command again: it reads all of the target first", 0, ""};
}

bool is_lock(int code) { return code == EPERM || code == EACCES; }

// A socket's name can only be made by bind, which takes no directory: the path leads through the descriptor we hold.
int make_socket(int directory, const std::string& name) {
    const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string held = "/proc/self/fd/" + std::to_string(directory) + "/";
    // Names of up to 255 bytes do not fit into an address of 108: a short name first, then renamed.
    const std::string brief = name_of_its_own();
    const std::string path = held + brief;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (!socket.open() || bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return -1;
    if (renameat(directory, brief.c_str(), directory, name.c_str()) == 0) return 0;
    const int code = errno;
    unlinkat(directory, brief.c_str(), 0);
    errno = code;
    return -1;
}

int make_entry(int directory, const std::string& name, const Meta& meta) {
    const dev_t device =
        makedev(static_cast<unsigned>(meta.device >> 32), static_cast<unsigned>(meta.device & 0xFFFFFFFF));
    switch (meta.kind) {
        case Kind::kSymlink:
            return symlinkat(meta.link.c_str(), directory, name.c_str());
        case Kind::kFifo:
            return mkfifoat(directory, name.c_str(), kPrivate);
        case Kind::kSocket:
            return make_socket(directory, name);
        case Kind::kCharDevice:
            return mknodat(directory, name.c_str(), S_IFCHR | kPrivate, device);
        case Kind::kBlockDevice:
            return mknodat(directory, name.c_str(), S_IFBLK | kPrivate, device);
        case Kind::kFile:
        case Kind::kDirectory:
            break;
    }
    errno = EINVAL;
    return -1;
}

// Opens an existing regular file for writing, unlocking it if need be. errno ELOOP, EISDIR, ENXIO...: something else is
// there.
Descriptor open_existing(int directory, const std::string& name) {
    Descriptor file = open_in(directory, name, O_WRONLY | O_NONBLOCK);
    if (!file.open() && is_lock(errno) && unlock(directory, name))
        file = open_in(directory, name, O_WRONLY | O_NONBLOCK);
    struct stat info {};
    if (file.open() && (fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))) {
        file.close();
        errno = EEXIST;
    }
    return file;
}

// A new file in the directory, in place of whatever is there.
Result<Descriptor> create_file(int directory, const std::string& name, mode_t mode, const std::string& shown) {
    for (int attempt = 0; attempt < 3; ++attempt) {
        Descriptor file = open_in(directory, name, O_WRONLY | O_CREAT | O_EXCL, mode);
        if (file.open()) return file;
        if (is_lock(errno) && unlock(directory, "")) continue;
        if (errno != EEXIST) return system_error("create", shown, errno);
        TRY(remove_all(directory, name, shown));
    }
    return system_error("create", shown, EEXIST);
}

Status punch(int file, std::uint64_t offset, std::uint64_t length, const std::string& shown) {
    if (length == 0) return {};
    constexpr int kHow = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (fallocate(file, kHow, static_cast<off_t>(offset), static_cast<off_t>(length)) == 0) return {};
    if (errno != EOPNOTSUPP) return system_error("punch a hole into", shown, errno);
    // A filesystem without holes: zeros say the same. Bounded by what the file already is.
    const off_t size = lseek(file, 0, SEEK_END);
    if (size < 0) return system_error("find the size of", shown, errno);
    const std::string zeros(64 << 10, '\0');
    const std::uint64_t end = std::min(offset + length, static_cast<std::uint64_t>(size));
    for (std::uint64_t at = offset; at < end; at += zeros.size())
        TRY(write_all_at(file,
                         std::string_view(zeros).substr(
                             0, static_cast<std::size_t>(std::min<std::uint64_t>(zeros.size(), end - at))),
                         at, shown));
    return {};
}

}  // namespace

Result<Target::Place> Target::place_of(const std::string& path) {
    Place place;
    TRY_ASSIGN(place.directory, directories_.open(parent_of(path)));
    place.name = std::string(name_of(path));
    return place;
}

// Whatever is there, with all beneath.
Status Target::clear(const Place& place, const std::string& path) {
    directories_.forget(path);
    return remove_all(place.directory.get(), place.name, tree_.shown(path));
}

Status Target::step(const Step& step) {
    return as_it_was_left(std::visit(
        Overloaded{[&](const Remove& s) { return remove(s.path); },
                   [&](const MakeDirectory& s) { return make_directory(s.path); },
                   [&](const MakeFile& s) { return make_file(s); }, [&](const MakeOther& s) { return make_other(s); },
                   [&](const FinishFile& s) { return finish_file(s); }, [&](const MakeLink& s) { return make_link(s); },
                   [&](const FinishDirectory& s) { return finish_directory(s); },
                   [&](const LockEntry& s) { return lock_entry(s); },
                   [&](const ExpectFile& s) { return expect_file(s); }},
        step));
}

Status Target::remove(const std::string& path) {
    const Result<Place> place = place_of(path);
    if (!place.ok() && place.error().kind == ErrorKind::kNotFound) return {};
    return place.ok() ? clear(*place, path) : Status(place.error());
}

Status Target::make_directory(const std::string& path) {
    TRY_ASSIGN(const Place place, place_of(path));
    const std::string shown = tree_.shown(path);
    for (int attempt = 0; attempt < 3; ++attempt) {
        if (mkdirat(place.directory.get(), place.name.c_str(), 0700) == 0) return {};
        if (is_lock(errno) && unlock(place.directory.get(), "")) continue;
        if (errno != EEXIST) return system_error("make directory", shown, errno);
        struct stat info {};
        if (fstatat(place.directory.get(), place.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
            return system_error("look at", shown, errno);
        if (S_ISDIR(info.st_mode)) {
            // Ours to write in, whatever an earlier pass made of it: FinishDirectory gives it its mode again.
            unlock(place.directory.get(), place.name);
            if ((info.st_mode & 0700) == 0700 || info.st_uid != geteuid()) return {};
            if (fchmodat(place.directory.get(), place.name.c_str(), (info.st_mode & 07777) | 0700,
                         AT_SYMLINK_NOFOLLOW) == 0)
                return {};
            return system_error("set mode of", shown, errno);
        }
        TRY(clear(place, path));
    }
    return system_error("make directory", shown, EEXIST);
}

// The size of an image in a file; a device has its own.
Status Target::finish_image(const FinishFile& step) {
    if (!step.path.empty() || tree_.is_block_device()) return {};
    TRY_ASSIGN(const Opened file, opened(""));
    if (ftruncate(file->file.get(), static_cast<off_t>(step.meta.size)) == 0) return {};
    return system_error("set size of", tree_.shown(""), errno);
}

Status Target::make_file(const MakeFile& step) {
    {
        const std::lock_guard lock(mutex_);
        files_.remove_if([&](const auto& file) { return file.first == step.path; });
    }
    TRY_ASSIGN(const Place place, place_of(step.path));
    const std::string shown = tree_.shown(step.path);
    if (!step.replace && open_existing(place.directory.get(), place.name).open()) return {};
    TRY(clear(place, step.path));
    TRY_ASSIGN(const Descriptor made, create_file(place.directory.get(), place.name, kPrivate, shown));
    // Now, while nobody writes to it: writes past the page cache that make a file larger, or must find room for what
    // they write, wait for one another. Where there is no room the write itself says so.
    if (step.dense && step.size > 0 && fallocate(made.get(), 0, 0, static_cast<off_t>(step.size)) == 0) return {};
    if (ftruncate(made.get(), static_cast<off_t>(step.size)) == 0) return {};
    return system_error("set size of", shown, errno);
}

Status Target::make_other(const MakeOther& step) {
    TRY_ASSIGN(const Place place, place_of(step.path));
    const std::string shown = tree_.shown(step.path);
    TRY(clear(place, step.path));
    int made = make_entry(place.directory.get(), place.name, step.meta);
    if (made != 0 && is_lock(errno) && unlock(place.directory.get(), ""))
        made = make_entry(place.directory.get(), place.name, step.meta);
    if (made != 0) return system_error("make " + kind_text(step.meta.kind), shown, errno);
    return write_attributes(place.directory.get(), place.name, -1, step.meta, true, shown);
}

Status Target::finish_file(const FinishFile& step) {
    if (tree_.is_image()) return finish_image(step);
    TRY_ASSIGN(const Place place, place_of(step.path));
    const std::string shown = tree_.shown(step.path);
    const Descriptor file = open_existing(place.directory.get(), place.name);
    if (!file.open()) return cannot_open(shown, errno);
    struct stat info {};
    if (fstat(file.get(), &info) != 0) return system_error("look at", shown, errno);
    if (static_cast<std::uint64_t>(info.st_size) != step.meta.size &&
        ftruncate(file.get(), static_cast<off_t>(step.meta.size)) != 0)
        return system_error("set size of", shown, errno);
    return write_attributes(place.directory.get(), place.name, file.get(), step.meta, false, shown);
}

Status Target::make_link(const MakeLink& step) {
    const Result<Place> there = place_of(step.to);
    // A live source may lose a file's first name before it was read. Then there is nothing yet that this could be a
    // name of, and the next pass finds another one.
    if (!there.ok()) return there.error().kind == ErrorKind::kNotFound ? Status() : Status(there.error());
    const Place& from = *there;
    TRY_ASSIGN(const Place place, place_of(step.path));
    const std::string shown = tree_.shown(step.path);
    struct stat first {
    }, now{};
    if (fstatat(from.directory.get(), from.name.c_str(), &first, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? Status() : Status(system_error("look at", tree_.shown(step.to), errno));
    if (fstatat(place.directory.get(), place.name.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0 &&
        now.st_ino == first.st_ino && now.st_dev == first.st_dev)
        return {};
    TRY(clear(place, step.path));
    auto make = [&] {
        return linkat(from.directory.get(), from.name.c_str(), place.directory.get(), place.name.c_str(), 0);
    };
    if (make() == 0) return {};
    const int code = errno;
    const bool directory_opened = (is_lock(code) && unlock(place.directory.get(), "")) ||
                                  (code == EXDEV && open_to_projects(place.directory.get()));
    const bool file_opened = is_lock(code) && unlock(from.directory.get(), from.name);
    const bool opened = directory_opened || file_opened;
    if (opened && make() == 0) return {};
    return system_error("link", shown, opened ? errno : code);
}

Status Target::finish_directory(const FinishDirectory& step) {
    TRY_ASSIGN(const Descriptor directory, directories_.open(step.path));
    return write_attributes(directory.get(), "", directory.get(), step.meta, false, tree_.shown(step.path));
}

Status Target::lock_entry(const LockEntry& step) {
    TRY_ASSIGN(const Descriptor entry, tree_.open_file(step.path, O_RDONLY));
    return write_flags(entry.get(), step.meta.flags, step.meta.project, tree_.shown(step.path));
}

Status Target::expect_file(const ExpectFile& step) {
    const std::string shown = tree_.shown(step.path);
    const Result<Place> place = place_of(step.path);
    if (!place.ok() && place.error().kind != ErrorKind::kNotFound) return place.error();
    const Result<Looked> looked =
        place.ok() ? look_at(place->directory.get(), place->name, shown) : Result<Looked>(place.error());
    if (!looked.ok() && looked.error().kind != ErrorKind::kNotFound) return looked.error();
    const std::string wrong = looked.ok() ? difference_at_a_glance(step.meta, looked->meta) : "is missing";
    if (wrong.empty()) return {};
    return Error{ErrorKind::kMismatch, shown + ": " + wrong + ": somebody else changed it after it was read back",
                 "run the same command again: it reads all of the target first", 0, ""};
}

Status Target::batch(const Batch& batch) {
    const Result<Descriptor> directory = directories_.open(batch.directory);
    if (!directory.ok()) return as_it_was_left(directory.error());
    for (const SmallFile& file : batch.files) TRY(as_it_was_left(write_small(directory->get(), batch.directory, file)));
    return {};
}

Status Target::write_small(int directory, const std::string& parent, const SmallFile& file) {
    const std::string path = join_path(parent, file.name);
    const std::string shown = tree_.shown(path);
    Descriptor out;
    bool fresh = false;
    if (!file.replace) out = open_existing(directory, file.name);
    if (!out.open()) {
        if (!file.has_content) return cannot_open(shown, errno);
        directories_.forget(path);
        TRY_ASSIGN(out, create_file(directory, file.name, file.meta.mode & 0777, shown));
        fresh = true;
    }
    if (file.has_content) {
        // Cut first: a file that was larger must not keep its end, one that had holes gets none of its old blocks back.
        if (!fresh && ftruncate(out.get(), 0) != 0) return system_error("cut", shown, errno);
        TRY(write_all(out.get(), file.content, shown));
    }
    return write_attributes(directory, file.name, out.get(), file.meta, fresh, shown);
}

Result<Target::Opened> Target::opened(const std::string& path) {
    const std::lock_guard lock(mutex_);
    for (auto it = files_.begin(); it != files_.end(); ++it) {
        if (it->first != path) continue;
        files_.splice(files_.begin(), files_, it);
        return files_.front().second;
    }
    TRY_ASSIGN(Opened file, open_now(path));
    files_.emplace_front(path, std::move(file));
    if (files_.size() > kOpenFiles) files_.pop_back();
    return files_.front().second;
}

Result<Target::Opened> Target::open_now(const std::string& path) {
    auto opened = std::make_shared<OpenFile>();
    if (tree_.is_image()) {
        opened->file = tree_.open_beneath(path, O_WRONLY);
    } else {
        TRY_ASSIGN(const Place place, place_of(path));
        opened->file = open_existing(place.directory.get(), place.name);
    }
    if (!opened->file.open()) return cannot_open(tree_.shown(path), errno);
    // The very file, by the descriptor: its name may lead elsewhere by now. Without /proc all goes through the cache.
    const std::string held = "/proc/self/fd/" + std::to_string(opened->file.get());
    opened->direct = Descriptor(::open(held.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC | O_NONBLOCK));
    return opened;
}

// Large pieces past the page cache: to copy them through it takes more time than all else that is done with them. Small
// ones gather in it until the next sync, and so does the end of a file, which is no whole sector.
Status Target::write_content(const OpenFile& file, std::string_view content, std::uint64_t offset,
                             const std::string& shown) {
    const bool aligned = offset % kSector == 0 && reinterpret_cast<std::uintptr_t>(content.data()) % kSector == 0;
    std::size_t whole = content.size() / kSector * kSector;
    if (!aligned || !file.direct.open() || whole < kDirectBytes) whole = 0;
    if (whole > 0) {
        const ssize_t done = pwrite(file.direct.get(), content.data(), whole, static_cast<off_t>(offset));
        // Whatever the reason: what the cache takes is good, and its errors are the ones to tell.
        whole = done < 0 ? 0 : static_cast<std::size_t>(done) / kSector * kSector;
    }
    return write_all_at(file.file.get(), content.substr(whole), offset + whole, shown);
}

Status Target::chunk(const Chunk& chunk) {
    const Result<Opened> opened_file = opened(chunk.path);
    if (!opened_file.ok()) return as_it_was_left(opened_file.error());
    const OpenFile& file = **opened_file;
    const std::string shown = tree_.shown(chunk.path);
    std::uint64_t at = chunk.offset;
    std::size_t used = 0;
    for (const Segment& segment : chunk.segments) {
        if (!chunk.fresh) TRY(punch(file.file.get(), at, segment.offset - at, shown));
        TRY(write_content(file, chunk.data.substr(used, segment.length), segment.offset, shown));
        used += segment.length;
        at = segment.offset + segment.length;
    }
    return chunk.fresh ? Status() : punch(file.file.get(), at, chunk.offset + chunk.length - at, shown);
}

void Target::close_files() {
    const std::lock_guard lock(mutex_);
    files_.clear();
}

}  // namespace holdfast::mover
