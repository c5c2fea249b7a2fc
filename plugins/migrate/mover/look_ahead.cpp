#include "plugins/migrate/mover/look_ahead.h"

#include "plugins/migrate/mover/listing.h"
#include "plugins/migrate/mover/walk.h"

#include <algorithm>

namespace holdfast::mover {
namespace {

constexpr std::size_t kMostSeen = 1 << 20;     // bytes of one directory: of a larger one only its directories are told
constexpr std::size_t kMostReady = 3 << 20;    // bytes that the walk has not come to
constexpr std::size_t kMostPending = 3 << 20;  // bytes of directories that wait to be looked into

std::size_t size_of(const std::string& path) { return path.size() + sizeof(std::string) + 32; }
std::size_t size_of(const Seen& seen) { return sizeof(Seen) + seen.name.size() + seen.looked.meta.link.size(); }

}  // namespace

LookAhead::LookAhead(const Tree& tree, int threads) : near_(tree) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

LookAhead::~LookAhead() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
        changed_.notify_all();
    }
    for (std::thread& thread : threads_) thread.join();
}

// The first one in the order of the walk: it is the next to be asked for.
void LookAhead::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [&] { return stop_ || (!pending_.empty() && ready_bytes_ < kMostReady); });
        if (stop_) return;
        const std::string path = std::move(pending_.extract(pending_.begin()).value());
        pending_bytes_ -= size_of(path);
        busy_.insert(path);
        lock.unlock();
        const Result<Descriptor> opened = near_.open(path);
        Found found = opened.ok() ? look_into(path, opened->get()) : Found();
        lock.lock();
        busy_.erase(path);
        store(path, std::move(found));
        changed_.notify_all();
    }
}

LookAhead::Found LookAhead::look_into(const std::string& path, int directory) {
    Found found;
    const Result<Looked> self = look_at(directory, "", "");
    if (!self.ok()) return found;
    found.inode = self->facts.inode;
    Inside inside;
    bool too_much = false;
    std::vector<std::string> directories;
    const Status listed = each_name(directory, "", [&](std::string_view name, std::uint64_t) -> Status {
        if (path.empty() && name == kJournalName) return {};
        Seen seen{std::string(name), {}};
        Result<Looked> looked = look_at(directory, seen.name, "");
        if (!looked.ok()) return looked.error().kind == ErrorKind::kNotFound ? Status() : Status(looked.error());
        seen.looked = std::move(*looked);
        if (seen.looked.meta.kind == Kind::kDirectory) directories.push_back(seen.name);
        inside.bytes += size_of(seen);
        too_much = too_much || inside.bytes > kMostSeen;
        if (too_much) inside = {};
        if (!too_much) inside.seen.push_back(std::move(seen));
        return {};
    });
    if (!listed.ok()) return Found();
    announce(path, directories);
    if (too_much) return found;
    std::sort(inside.seen.begin(), inside.seen.end(), [](const Seen& a, const Seen& b) { return a.name < b.name; });
    found.inside = std::move(inside);
    return found;
}

// What finds no room is looked into when it is asked for.
void LookAhead::announce(const std::string& path, const std::vector<std::string>& names) {
    const std::lock_guard lock(mutex_);
    for (const std::string& name : names) {
        std::string inside = join_path(path, name);
        if (pending_bytes_ > kMostPending || compare_paths(inside, position_) <= 0) continue;
        pending_bytes_ += size_of(inside);
        pending_.insert(std::move(inside));
    }
    changed_.notify_all();
}

void LookAhead::store(const std::string& path, Found found) {
    if (compare_paths(path, position_) < 0) return;
    ready_bytes_ += size_of(path) + (found.inside ? found.inside->bytes : 0);
    ready_.emplace(path, std::move(found));
}

// What comes before `path` will not be asked for.
void LookAhead::pass_to(const std::string& path) {
    position_ = path;
    while (!pending_.empty() && compare_paths(*pending_.begin(), path) < 0) {
        pending_bytes_ -= size_of(*pending_.begin());
        pending_.erase(pending_.begin());
    }
    while (!ready_.empty() && compare_paths(ready_.begin()->first, path) < 0) {
        const Found& passed = ready_.begin()->second;
        ready_bytes_ -= size_of(ready_.begin()->first) + (passed.inside ? passed.inside->bytes : 0);
        ready_.erase(ready_.begin());
    }
}

std::optional<Inside> LookAhead::take(const std::string& path, int directory, std::uint64_t inode) {
    std::unique_lock lock(mutex_);
    pass_to(path);
    changed_.wait(lock, [&] { return !busy_.contains(path); });
    Found found;
    if (auto node = ready_.extract(path)) {
        found = std::move(node.mapped());
        ready_bytes_ -= size_of(path) + (found.inside ? found.inside->bytes : 0);
    } else {
        if (pending_.erase(path) > 0) pending_bytes_ -= size_of(path);
        lock.unlock();
        found = look_into(path, directory);
        lock.lock();
    }
    changed_.notify_all();
    if (found.inode != inode) return std::nullopt;
    return std::move(found.inside);
}

}  // namespace holdfast::mover
