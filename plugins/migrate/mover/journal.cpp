#include "plugins/migrate/mover/journal.h"

#include "plugins/migrate/mover/bytes.h"
#include "plugins/migrate/mover/digest.h"
#include "plugins/migrate/mover/scratch.h"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>

namespace holdfast::mover {
namespace {

constexpr std::string_view kJournalMagic = "HFJRN\1\r\n";
constexpr std::size_t kLongestJournal = 512;  // a sector: written whole or not at all

// What the copy removes would make room, and is removed only once it is known how far that has come.
Status written(Status done) {
    if (done.ok() || (errno != ENOSPC && errno != EDQUOT)) return done;
    Error error = done.error();
    error.hint = "remove something from the target: a block must be free before the rest of it can be removed";
    return error;
}

}  // namespace

std::string encode_journal(const JournalRecord& record) {
    std::string bytes(kJournalMagic);
    Encoder out(bytes);
    out.text(record.operation);
    out.u64(record.number);
    out.u64(record.epoch);
    out.u64(checksum_of(bytes));
    return bytes;
}

std::optional<JournalRecord> decode_journal(std::string_view bytes) {
    Decoder in(bytes);
    if (in.raw(kJournalMagic.size()) != kJournalMagic) return std::nullopt;
    JournalRecord record;
    record.operation = in.text(256);
    record.number = in.u64();
    record.epoch = in.u64();
    const std::size_t checked = bytes.size() - in.left();
    const std::uint64_t checksum = in.u64();
    // What a shorter record leaves of a longer one behind it does not count.
    if (!in.ok() || checksum != checksum_of(bytes.substr(0, checked))) return std::nullopt;
    return record;
}

Journal::Journal(int directory, std::string name, std::string shown)
    : directory_(directory), name_(std::move(name)), shown_(std::move(shown)) {}

Result<std::optional<JournalRecord>> Journal::read() const {
    const Descriptor file(openat(directory_, name_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.open() && (errno == ENOENT || errno == ELOOP || errno == ENXIO)) return std::optional<JournalRecord>();
    if (!file.open()) return system_error("open journal", shown_, errno);
    TRY_ASSIGN(const std::string bytes, read_at(file.get(), 0, kLongestJournal, shown_));
    return decode_journal(bytes);
}

Status Journal::write(const JournalRecord& record) {
    if (!file_.open()) {
        file_ = Descriptor(
            openat(directory_, name_.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
        if (!file_.open()) return written(system_error("make journal", shown_, errno));
    }
    TRY(written(write_all_at(file_.get(), encode_journal(record), 0, shown_)));
    if (fsync(file_.get()) != 0) return written(system_error("sync journal", shown_, errno));
    return {};
}

Status Journal::remove() {
    file_.close();
    if (unlinkat(directory_, name_.c_str(), 0) != 0 && errno != ENOENT)
        return system_error("remove journal", shown_, errno);
    return {};
}

}  // namespace holdfast::mover
