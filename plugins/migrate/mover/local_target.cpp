#include "plugins/migrate/mover/local_target.h"

#include "common/os/clock.h"
#include "common/os/random.h"
#include "plugins/migrate/mover/attributes.h"
#include "plugins/migrate/mover/check.h"
#include "plugins/migrate/mover/digest.h"
#include "plugins/migrate/mover/image_check.h"
#include "plugins/migrate/mover/index_file.h"
#include "plugins/migrate/mover/listing.h"
#include "plugins/migrate/mover/needs.h"
#include "plugins/migrate/mover/rebuild.h"
#include "plugins/migrate/mover/state.h"
#include "plugins/migrate/mover/walk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>

namespace holdfast::mover {
namespace {

constexpr std::chrono::milliseconds kLookAtPeer{100};

// An image has no room for a journal: it lies in the folder of this side's state, and says which image it is of.
Result<std::string> identity_of(const Tree& tree) {
    struct stat info {};
    if (fstat(tree.root(), &info) != 0) return system_error("look at", tree.shown(""), errno);
    return "\n" + std::to_string(tree.is_block_device() ? info.st_rdev : info.st_dev) + " " +
           std::to_string(info.st_ino) + " " + (tree.is_block_device() ? std::to_string(tree.image_size()) : "");
}

// One that may not be read counts as empty: to a walk it is, too.
bool holds_something(const Tree& tree, std::string_view path) {
    const Descriptor directory = tree.open_beneath(path, O_RDONLY | O_DIRECTORY);
    bool some = false;
    if (!directory.open()) return false;
    const Status listed = each_name(directory.get(), "", [&](std::string_view, std::uint64_t) -> Status {
        some = true;
        return {};
    });
    return some || !listed.ok();
}

Result<bool> is_empty(const Tree& tree, const std::string& scratch) {
    TRY_ASSIGN(const Descriptor root, tree.open_directory(""));
    TRY_ASSIGN(Listing listing, Listing::read(root.get(), scratch, tree.shown("")));
    while (true) {
        TRY_ASSIGN(const std::optional<Name> name, listing.next());
        if (!name) return true;
        if (name->name == kLostAndFound && holds_something(tree, kLostAndFound)) return false;
        if (name->name != kLostAndFound && name->name != kJournalName) return false;
    }
}

}  // namespace

LocalTarget::LocalTarget(const Tree& tree, LocalTargetOptions options, Counters& counters, const Signals& signals)
    : tree_(tree),
      options_(std::move(options)),
      counters_(counters),
      long_(signals),
      target_(tree),
      folder_(::open(options_.scratch.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
      journal_(tree.is_image() ? folder_.get() : tree.root(),
               tree.is_image() ? std::string(kImageJournal) : std::string(kJournalName), tree.shown(kJournalName)),
      early_(tree, tree.is_image() ? 0 : options_.threads / 2, counters),
      syncer_([this] { sync_again_and_again(); }) {}

// Asked for each entry; the socket is looked at now and then.
int LocalTarget::WhileWanted::count() const {
    if (signals_.pending() || !unwanted) return signals_.count();
    const auto now = RealClock().steady_now();
    if (now - asked_.load() < kLookAtPeer) return 0;
    asked_ = now;
    return unwanted() ? 1 : 0;
}

LocalTarget::~LocalTarget() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
        changed_.notify_all();
    }
    syncer_.join();
}

Result<TargetState> LocalTarget::begin(const std::string& operation) {
    {
        // What a connection that was lost asked for must be over: its epochs would be taken for ours.
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return asked_ <= durable_ || !failed_.ok(); });
        if (!failed_.ok()) return failed_.error();
    }
    TRY(tree_.still_there());
    TRY_ASSIGN(const std::optional<JournalRecord> found, journal_.read());
    std::string name = operation;
    if (tree_.is_image()) {
        TRY_ASSIGN(const std::string identity, identity_of(tree_));
        name += identity;
    }
    const bool known = found && found->operation == name;
    TargetState state;
    if (!tree_.is_image()) {
        TRY_ASSIGN(state.empty, is_empty(tree_, options_.scratch));
    } else if (!known) {
        state.empty = true;
        state.blank = !tree_.is_block_device();
        if (state.blank && ftruncate(tree_.root(), 0) != 0) return system_error("cut", tree_.shown(""), errno);
    }
    early_.begin();
    const std::lock_guard lock(mutex_);
    record_ = known ? *found : JournalRecord{name, checksum_of(random_letters(24)), 0};
    durable_ = asked_ = record_.epoch;
    // At once, so that the target has one number from the first pass on, however that ends.
    if (!known) TRY(journal_.write(record_));
    state.number = record_.number;
    state.epoch = record_.epoch;
    return state;
}

Result<std::vector<std::string>> LocalTarget::probe(const Needs& needs) { return probe_target(tree_, needs); }

Status LocalTarget::steps(const std::vector<Step>& steps) {
    for (const Step& step : steps) TRY(target_.step(step));
    return {};
}

Status LocalTarget::written(std::vector<RunCheck> runs) {
    early_.written(std::move(runs));
    return {};
}

Status LocalTarget::checkpoint(std::uint64_t epoch) {
    early_.checkpoint(epoch);
    const std::lock_guard lock(mutex_);
    asked_ = epoch;
    changed_.notify_all();
    return {};
}

Status LocalTarget::wait_durable(std::uint64_t epoch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return durable_ >= epoch || !failed_.ok(); });
    return failed_;
}

Status LocalTarget::sync(std::uint64_t epoch) {
    // Each time, so that no hours go into what nobody will find.
    TRY(tree_.still_there());
    // Data first: the journal must never say more than the disk holds.
    TRY(tree_.sync());
    JournalRecord record;
    {
        const std::lock_guard lock(mutex_);
        record_.epoch = epoch;
        record = record_;
    }
    return journal_.write(record);
}

void LocalTarget::sync_again_and_again() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [&] { return (asked_ > durable_ && failed_.ok()) || stop_; });
        if (stop_) return;
        const std::uint64_t epoch = asked_;
        lock.unlock();
        Status done = sync(epoch);
        lock.lock();
        if (done.ok())
            early_.durable(durable_ = epoch);
        else
            failed_ = std::move(done);
        changed_.notify_all();
    }
}

Status LocalTarget::rebuild(const std::string& path, const std::string& operation) {
    // What a mover that was killed, or anybody else, wrote may be in memory alone. It would count as what the disk
    // holds.
    TRY(tree_.sync());
    if (tree_.is_image())
        return rebuild_image_index(tree_, path, {operation, record_.number, record_.epoch, true}, long_);
    return rebuild_index(tree_, path, {operation, record_.number, record_.epoch, true}, options_.scratch, long_);
}

Status LocalTarget::prune(const std::string& path) {
    if (tree_.is_image()) return {};
    TRY_ASSIGN(IndexReader index, IndexReader::open(path));
    return prune_tree(tree_, std::move(index), options_.scratch);
}

void LocalTarget::look_ahead() {
    if (tree_.is_image()) return;
    const Result<std::optional<JournalRecord>> found = journal_.read();
    if (found.ok() && *found) forerunner_.start(tree_, options_.threads);
}

Result<bool> LocalTarget::agrees(const Fingerprint& glance) {
    if (tree_.is_image()) return false;
    forerunner_.stop();  // this look goes the same way
    const std::atomic<bool> stop = false;
    const std::optional<Survey> seen = survey(
        tree_, options_.threads,
        [](const std::string& path, const Looked& looked) { return glance_fingerprint(path, looked.meta); }, stop);
    return seen && seen->agrees_with(glance);
}

Result<Verdict> LocalTarget::check(const std::string& path, CheckHow how) {
    early_.finish();
    target_.close_files();
    TRY(tree_.sync());
    TRY_ASSIGN(IndexReader index, IndexReader::open(path));
    // Nothing on an image tells whether somebody else wrote to it since: all of it is read.
    if (tree_.is_image()) return check_image(tree_, std::move(index), options_.threads, counters_, long_);
    return check_tree(tree_, std::move(index), {options_.scratch, options_.threads, how, true, &early_}, counters_,
                      long_);
}

Status LocalTarget::seal(const Meta& root) {
    if (tree_.is_image() != (root.kind == Kind::kFile))
        return Error{ErrorKind::kProtocol, "the source is of another kind than the target", "", 0, ""};
    TRY(tree_.still_there());
    // An immutable root, which the pass has locked already, gives up no name.
    if (!tree_.is_image() && (root.flags & kLockingFlags) != 0) unlock(tree_.root(), "");
    TRY(journal_.remove());
    if (tree_.is_image()) return tree_.sync();
    TRY(target_.step(FinishDirectory{"", root}));
    if ((root.flags & kLockingFlags) != 0) TRY(target_.step(LockEntry{"", root}));
    TRY(tree_.sync());
    TRY_ASSIGN(Looked looked, look_at(tree_.root(), "", tree_.shown("")));
    TRY(read_attributes(tree_.root(), "", tree_.root(), looked.meta, tree_.shown("")));
    const std::string wrong = difference(root, looked.meta);
    if (wrong.empty()) return {};
    return Error{ErrorKind::kMismatch, tree_.shown("") + ": " + wrong, "", 0, ""};
}

}  // namespace holdfast::mover
