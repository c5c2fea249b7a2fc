#include "plugins/migrate/mover/state.h"

#include "common/core/text.h"
#include "common/os/files.h"
#include "plugins/migrate/mover/scratch.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace holdfast::mover {
namespace {

constexpr std::string_view kVerifiedMagic = "HFVER\1\r\n";
constexpr const char* kLocks[] = {"lock", "lock-receive"};
constexpr off_t kLeastPass = 64;  // a smaller file has not even its head: nothing was sent

bool looks_like_ours(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    const std::string begin = file.open() ? read_at(file.get(), 0, 5, path).value_or("") : "";
    return begin == "HFIDX" || begin == "HFVER" || begin == "HFJRN";
}

}  // namespace

Result<State> State::nameless(std::string folder) {
    State state(std::move(folder));
    for (int file = 0; file < kFiles; ++file) {
        TRY_ASSIGN(Descriptor made, nameless_file(state.folder_));
        state.nameless_.push_back(std::move(made));
    }
    return state;
}

std::string State::path_of(File file) const {
    static constexpr const char* kNamesOfFiles[kFiles] = {"index",    "pass",   "trimmed",  "names",
                                                          "unproven", "merged", "verified", "verified-new"};
    return nameless_.empty() ? folder_ + "/" + kNamesOfFiles[file] : held_path(nameless_[file]);
}

Status State::rename(File from, File to) {
    if (nameless_.empty()) {
        const std::string path = path_of(from);
        return ::rename(path.c_str(), path_of(to).c_str()) == 0
                   ? Status()
                   : Status(system_error("rename", escape_line(path), errno));
    }
    // Who reads what was there goes on with it.
    nameless_[to] = std::move(nameless_[from]);
    TRY_ASSIGN(nameless_[from], nameless_file(folder_));
    return {};
}

void State::remove(File file) const {
    const int done = nameless_.empty() ? unlink(path_of(file).c_str()) : ftruncate(nameless_[file].get(), 0);
    (void)done;  // what stays is found not to be good
}

std::vector<std::string> State::kept_here() const {
    std::vector<std::string> paths;
    if (!nameless_.empty()) return paths;
    for (int file = 0; file < kFiles; ++file) paths.push_back(path_of(static_cast<File>(file)));
    paths.push_back(folder_ + "/" + kImageJournal);
    return paths;
}

bool State::writes_to(dev_t device, ino_t inode) const {
    std::vector<std::string> paths = kept_here();
    for (const char* const lock : kLocks) paths.push_back(folder_ + "/" + lock);
    return nameless_.empty() && std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
               struct stat info {};
               return stat(path.c_str(), &info) == 0 && info.st_dev == device && info.st_ino == inode;
           });
}

// In a folder that no mover has locked before, one by such a name is somebody's, unless it looks like a mover's.
Status State::is_ours() const {
    for (const char* const lock : kLocks)
        if (file_exists(folder_ + "/" + lock)) return {};
    for (const std::string& path : kept_here())
        if (file_exists(path) && !looks_like_ours(path))
            return Error{
                ErrorKind::kRefused,
                "--state: " + escape_line(path) + " is not a mover's, and would be written over; nothing was changed",
                "give an empty folder", 0, ""};
    return {};
}

Status State::lock(StateUser user) {
    if (!nameless_.empty()) return {};  // nobody else has them
    TRY(is_ours());
    const std::string path = folder_ + "/" + kLocks[static_cast<std::size_t>(user)];
    lock_ = Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock_.open()) {
        const Error error = system_error("open state", escape_line(folder_), errno);
        const bool there = error.kind != ErrorKind::kNotFound;
        return Error{ErrorKind::kFailed, error.message,
                     there ? "give a folder that can be written to" : "make the folder of --state first", 0, ""};
    }
    if (flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return {};
    if (errno != EWOULDBLOCK)
        return Error{
            ErrorKind::kFailed,
            escape_line(folder_) + ": cannot be locked: " + std::string(std::strerror(errno)) + "; nothing was changed",
            "give a folder of --state on a disk of this machine", 0, ""};
    return Error{ErrorKind::kLocked,
                 escape_line(folder_) + ": another mover works with this state; nothing was changed",
                 "wait for its end", 0, ""};
}

Result<std::optional<IndexEnd>> State::readable_index(const std::string& operation, const TargetState& target) {
    const std::optional<IndexEnd> none;
    verified_ = false;
    Result<IndexReader> reader = IndexReader::open(index());
    if (!reader.ok() && (reader.error().kind == ErrorKind::kNotFound || reader.error().kind == ErrorKind::kMismatch))
        return none;
    if (!reader.ok()) return reader.error();
    if (reader->head().operation != operation || reader->head().target != target.number) return none;
    // All of it must be good before a pass relies on any of it.
    if (!reader->pass_over().ok()) return none;
    verified_ = is_verified(*reader);
    return reader->end();
}

Result<IndexReader> State::open_index() const {
    TRY_ASSIGN(IndexReader reader, IndexReader::open(index()));
    if (verified_) reader.take_as_verified();
    return reader;
}

Result<bool> State::recover(const std::string& operation, const TargetState& target) {
    TRY_ASSIGN(const std::optional<IndexEnd> index_end, readable_index(operation, target));
    struct stat info {};
    const bool begun = stat(pass().c_str(), &info) == 0 && info.st_size >= kLeastPass;
    const Result<KilledPass> killed =
        begun ? look_at_killed_pass(pass(), target.epoch) : Error{ErrorKind::kNotFound, "", "", 0, ""};
    const bool of_another =
        killed.ok() && (killed->head.operation != operation || killed->head.target != target.number);
    if (begun && !of_another) {
        TRY_ASSIGN(const bool recovered, recover_pass(index_end, target));
        if (!recovered) forget();
        return recovered;
    }
    remove(kPass);
    // With no pass begun since, the target is exactly where the index left it, or somebody has set it back.
    return index_end && index_end->epoch == target.epoch;
}

Result<bool> State::recover_pass(const std::optional<IndexEnd>& index, const TargetState& target) {
    const Result<KilledPass> killed = look_at_killed_pass(pass(), target.epoch);
    // What it had sent is not known, so nothing of the target is.
    if (!killed.ok() && killed.error().kind == ErrorKind::kMismatch) return false;
    if (!killed.ok()) return killed.error();
    // The target was set back to before this pass, or the file has lost groups that the target has, or another pass has
    // written to it since, that did not go on from here.
    const bool begun = target.epoch >= killed->marks.first && target.epoch <= killed->last_epoch;
    if (target.epoch != killed->head.epoch && (killed->marks.first == 0 || !begun)) return false;
    std::optional<IndexReader> old;
    if (index && index->epoch == killed->head.epoch) {
        TRY_ASSIGN(old, open_index());
    }
    TRY(merge_killed_pass(std::move(old), pass(), path_of(kMerged), target.epoch));
    TRY(replace_index(kMerged));
    remove(kPass);
    return true;
}

Status State::commit() { return replace_index(kPass); }

Status State::take_trimmed() { return replace_index(kTrimmed); }

Status State::replace_index(File from) {
    remove(kNote);
    verified_ = false;
    TRY(rename(from, kIndex));
    if (!nameless_.empty()) return {};
    const Descriptor directory(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.open() || fsync(directory.get()) != 0) return system_error("sync", escape_line(folder_), errno);
    return {};
}

Status State::mark_verified() {
    TRY_ASSIGN(IndexReader reader, IndexReader::open(index()));
    TRY(reader.pass_over());
    std::string note(kVerifiedMagic);
    Encoder out(note);
    out.u64(reader.identity());
    out.raw(reader.end()->root);
    out.u64(checksum_of(note));
    // A note that finds no room, is lost or is torn costs a reading back: nothing of this has to succeed, or to be
    // synced.
    bool written = false;
    {
        const Descriptor file = open_anew(path_of(kNewNote));
        written = file.open() && write_all(file.get(), note, "").ok();
    }
    if (!written || !rename(kNewNote, kNote).ok()) remove(kNewNote);
    return {};
}

// No note, or one of another index, or a damaged one: all of it is read back again, and nothing is lost.
bool State::is_verified(const IndexReader& passed_over) const {
    const std::string note = read_file(path_of(kNote), 4096).value_or("");
    Decoder in(note);
    const bool magic = in.raw(kVerifiedMagic.size()) == kVerifiedMagic;
    const bool same = in.u64() == passed_over.identity() && in.raw(32) == passed_over.end()->root;
    const std::size_t summed = note.size() - in.left();
    return magic && same && in.u64() == checksum_of(note.substr(0, summed)) && in.ok() && in.at_end();
}

void State::forget() {
    remove(kNote);
    remove(kIndex);
    remove(kPass);
}

namespace {

Result<KilledPass> look_up_to(const std::string& path, std::uint64_t epoch) {
    TRY_ASSIGN(IndexReader reader, IndexReader::open(path, epoch));
    KilledPass pass;
    pass.head = reader.head();
    while (true) {
        const Result<std::optional<Record>> record = reader.next();
        if (record.ok() && *record) continue;
        // What lies beyond the last mark may be torn: it is not used.
        pass.marks = reader.marks();
        pass.last_epoch = std::max({pass.head.epoch, pass.marks.epoch, pass.marks.begun});
        pass.told = std::max(pass.head.epoch, pass.marks.epoch);
        pass.complete = reader.end().has_value();
        if (pass.complete) pass.last_epoch = std::max(pass.last_epoch, reader.end()->epoch);
        return pass;
    }
}

}  // namespace

// What a group may touch is on the disk before it is sent; what it did is not before the end of the pass, and is lost
// when the power is cut. What is not told of groups that the target has is then not known, as of those that it has not.
Result<KilledPass> look_at_killed_pass(const std::string& path, std::uint64_t epoch) {
    TRY_ASSIGN(KilledPass pass, look_up_to(path, epoch));
    if (pass.complete || pass.told >= epoch) return pass;
    return look_up_to(path, pass.told);
}

}  // namespace holdfast::mover
