#include "plugins/migrate/mover/attributes.h"
#include "plugins/migrate/mover/base.h"
#include "plugins/migrate/mover/needs.h"
#include "plugins/migrate/mover/pool.h"
#include "plugins/migrate/mover/side.h"
#include "plugins/migrate/mover/walk.h"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace holdfast::mover {
namespace {

constexpr std::size_t kMostTried = 64;
constexpr std::size_t kMostAttributes = 256;
constexpr std::size_t kOpenedTogether = 64;
constexpr std::uint64_t kLookedInto = 1 << 20;  // smaller files are not looked into for holes
constexpr int kMostPieces = 1000;

// What of a file takes room on any disk that has no compression, at the least. Blocks may be set aside for it, past its
// end or unwritten, which a copy has not; of very many pieces the first ones are counted.
std::uint64_t content_of(int file, const Looked& looked) {
    const std::uint64_t size = looked.meta.size, blocks = looked.facts.blocks * 512;
    if (std::min(size, blocks) < kLookedInto) return std::min(size, blocks);
    std::uint64_t content = 0;
    off_t at = 0;
    for (int piece = 0; piece < kMostPieces; ++piece) {
        const off_t data = lseek(file, at, SEEK_DATA);
        const off_t hole = data < 0 ? data : lseek(file, data, SEEK_HOLE);
        if (hole < 0) break;
        content += static_cast<std::uint64_t>(hole - data);
        at = hole;
    }
    return std::min(content, blocks);
}

struct BeforeInWalk {
    bool operator()(const std::string& a, const std::string& b) const { return compare_paths(a, b) < 0; }
};

// Entries of one directory that are to be opened.
struct OpenJob {
    std::shared_ptr<const Descriptor> directory;
    std::vector<std::pair<std::string, Looked>> entries;  // path
};

// One thread walks; others open what it finds, since each of many small files is waited for on the disk. What is named
// does not depend on which of them comes first.
class Scan {
  public:
    Scan(const Tree& tree, const std::string& scratch, const std::string& known, int threads, WalkRecord* record)
        : tree_(tree),
          ahead_(tree, threads),
          walk_(tree, scratch, &ahead_),
          record_(record),
          pool_(threads, 16, [this](OpenJob& job, int) { return open_all(job); }) {
        Result<IndexReader> reader = IndexReader::open(known);
        if (reader.ok()) known_.emplace(std::move(*reader));
    }

    Result<Needs> run(const Signals& signals) {
        names_of_ours();
        while (true) {
            if (signals.pending()) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
            TRY_ASSIGN(const Visited visited, walk_.next());
            if (visited.visit == Visit::kEnd) break;
            if (record_ != nullptr) TRY(record_->add(visited));
            if (visited.visit != Visit::kLeave) TRY(one(visited));
        }
        TRY(hand_over());
        TRY(pool_.drain());
        for (const auto& [path, what] : problems_) needs_.problems.push_back(tree_.shown(path) + ": " + what);
        return std::move(needs_);
    }

  private:
    // The entry as an earlier pass knew it, if nothing has happened to it since. An index that cannot be read to its
    // end is no error here: what it does not tell is looked at.
    const Entry* known(const Visited& visited) {
        while (known_) {
            const Result<const Entry*> next = known_->peek();
            const int order = next.ok() && *next != nullptr ? compare_paths((*next)->path, visited.path) : 1;
            if (!next.ok() || *next == nullptr) known_.reset();
            if (order > 0) return nullptr;
            Result<Entry> taken = known_->take();
            if (!taken.ok() || order < 0) continue;
            entry_ = std::move(*taken);
            return unchanged(entry_, visited.looked) ? &entry_ : nullptr;
        }
        return nullptr;
    }

    // This and what follows down to attributes() with the lock.
    void problem(const std::string& path, const std::string& what) {
        ++needs_.problem_count;
        problems_.emplace(path, what);
        if (problems_.size() > kMostNamed) problems_.erase(std::prev(problems_.end()));
    }

    // Looked for by themselves: no walk shows a journal, which is nothing of the target that it lies in.
    void names_of_ours() {
        const std::lock_guard lock(mutex_);
        for (const std::string& name : {std::string(kJournalName), std::string(kProbeName)})
            if (look_at(tree_.root(), name, tree_.shown(name)).ok())
                problem(name, "is a name that the mover needs for itself");
    }

    static void example(Example& example, const std::string& path) {
        if (example.count++ == 0 || compare_paths(path, example.path) < 0) example.path = path;
    }
    template <typename Map, typename Key>
    static void bounded(Map& map, const Key& key, const std::string& path) {
        if (map.size() < kMostTried || map.contains(key)) example(map[key], path);
    }

    Status one(const Visited& visited) {
        const Meta& meta = visited.looked.meta;
        const bool directory = visited.visit == Visit::kEnter;
        {
            const std::lock_guard lock(mutex_);
            if (visited.path.size() > kLongestPath) problem(visited.path.substr(0, 200), "has a path of over 64 KiB");
            if (!directory && meta.kind == Kind::kDirectory) {
                if (visited.closed == EXDEV) problem(visited.path, "another filesystem is mounted there");
                if (visited.closed == EACCES && visited.path != kLostAndFound) problem(visited.path, "may not be read");
                return {};
            }
            basics(visited, meta);
        }
        const Entry* const before = known(visited);
        if (directory) return read(visited.directory, "", visited.directory, visited.path, meta);
        if (before != nullptr) {
            const std::lock_guard lock(mutex_);
            if (const auto what = uncopied(visited.looked.traits, 0); !what.empty()) problem(visited.path, what);
            attributes(visited.path, before->meta);
            return {};
        }
        const std::string parent(parent_of(visited.path));
        if (!job_.directory || parent != job_parent_ || job_.entries.size() == kOpenedTogether) {
            TRY(hand_over());
            job_.directory = std::make_shared<const Descriptor>(fcntl(visited.directory, F_DUPFD_CLOEXEC, 0));
            if (!job_.directory->open()) return system_error("open directory", tree_.shown(parent), errno);
            job_parent_ = parent;
        }
        job_.entries.emplace_back(visited.path, visited.looked);
        return {};
    }

    Status hand_over() {
        if (job_.entries.empty()) return {};
        return pool_.add(std::exchange(job_, {}));
    }

    Status open_all(const OpenJob& job) {
        for (const auto& [path, looked] : job.entries) {
            const Meta& meta = looked.meta;
            const std::string name(name_of(path));
            Descriptor opened;
            if (meta.kind == Kind::kFile) opened = open_in(job.directory->get(), name, O_RDONLY | O_NONBLOCK);
            if (meta.kind == Kind::kFile && !opened.open()) {
                // Gone, or something else by that name now: as with what the walk does not find any more.
                if (is_gone(errno)) continue;
                const std::lock_guard lock(mutex_);
                problem(path, "may not be read");
                continue;
            }
            TRY(read(job.directory->get(), name, opened.get(), path, meta));
            if (meta.kind == Kind::kFile) count(opened.get(), looked);
        }
        return {};
    }

    void count(int opened, const Looked& looked) {
        const std::uint64_t content = content_of(opened, looked) / std::max<std::uint64_t>(looked.facts.links, 1);
        const std::lock_guard lock(mutex_);
        needs_.content += content;
    }

    Status read(int directory, const std::string& name, int opened, const std::string& path, Meta meta) {
        const Status read = read_attributes(directory, name, opened, meta, tree_.shown(path));
        if (!read.ok() && read.error().kind == ErrorKind::kInvalid) {
            const std::lock_guard lock(mutex_);
            problem(path, read.error().message.substr(tree_.shown(path).size() + 2));
            return {};
        }
        if (!read.ok()) return read.error().kind == ErrorKind::kNotFound ? Status() : read;
        const std::string without = uncopied(0, flags_of(opened));
        const std::lock_guard lock(mutex_);
        if (!without.empty()) problem(path, without);
        attributes(path, meta);
        return {};
    }

    void basics(const Visited& visited, const Meta& meta) {
        if (needs_.entries++ == 0) needs_.earliest = needs_.latest = meta.mtime;
        needs_.bytes += meta.size;
        if (meta.size > needs_.largest) {
            needs_.largest = meta.size;
            needs_.largest_path = visited.path;
        }
        needs_.longest_name = std::max<std::uint64_t>(needs_.longest_name, name_of(visited.path).size());
        needs_.earliest = std::min(needs_.earliest, meta.mtime);
        needs_.latest = std::max(needs_.latest, meta.mtime);
        needs_.fractions = needs_.fractions || meta.mtime.nanoseconds != 0;
        if (meta.kind != Kind::kFile && meta.kind != Kind::kDirectory) example(needs_.kinds[meta.kind], visited.path);
        needs_.largest_major = std::max(needs_.largest_major, meta.device >> 32);
        needs_.largest_minor = std::max(needs_.largest_minor, meta.device & UINT32_MAX);
        if (meta.kind != Kind::kDirectory && visited.looked.facts.links > 1) example(needs_.links, visited.path);
        bounded(needs_.owners, std::make_pair(meta.uid, meta.gid), visited.path);
    }

    void attributes(const std::string& path, const Meta& meta) {
        for (std::uint32_t bit = 1; bit != 0; bit <<= 1)
            if ((meta.flags & bit) != 0) example(needs_.flags[bit], path);
        if (meta.project != 0) bounded(needs_.projects, meta.project, path);
        const bool before = compare_paths(path, needs_.longest_link_path) < 0;
        if (meta.link.size() > needs_.longest_link || (meta.link.size() == needs_.longest_link && before)) {
            needs_.longest_link = meta.link.size();
            needs_.longest_link_path = path;
        }
        std::size_t total = 0;
        for (const Xattr& attribute : meta.xattrs) {
            total += attribute.name.size() + attribute.value.size();
            const auto key = std::make_pair(attribute.name, meta.kind == Kind::kDirectory);
            if (needs_.xattrs.size() >= kMostAttributes && !needs_.xattrs.contains(key)) continue;
            Needs::Attribute& seen = needs_.xattrs[key];
            if (seen.example.count == 0 || attribute.value.size() > seen.largest.value.size()) {
                seen.largest = attribute;
                seen.kind = meta.kind;
            }
            example(seen.example, path);
        }
        const bool first = compare_paths(path, needs_.largest_set_path) < 0;
        if (meta.kind == Kind::kFile && (total > largest_set_ || (total == largest_set_ && total > 0 && first))) {
            largest_set_ = total;
            needs_.largest_set = meta.xattrs;
            needs_.largest_set_path = path;
        }
    }

    const Tree& tree_;
    LookAhead ahead_;
    Walk walk_;
    WalkRecord* const record_;
    std::optional<Base> known_;
    Entry entry_;  // of it, the last one taken
    OpenJob job_;  // being filled
    std::string job_parent_;
    std::mutex mutex_;
    Needs needs_;
    std::multimap<std::string, std::string, BeforeInWalk> problems_;  // the first ones
    std::size_t largest_set_ = 0;
    Pool<OpenJob> pool_;  // last: its threads use all of the above
};

}  // namespace

Result<Needs> scan(const Tree& tree, const std::string& scratch, const std::string& known, int threads,
                   const Signals& signals, WalkRecord* record) {
    if (tree.is_image()) {
        Needs needs;
        needs.image = true;
        needs.entries = 1;
        needs.bytes = needs.largest = tree.image_size();
        return needs;
    }
    return Scan(tree, scratch, known, threads, record).run(signals);
}

}  // namespace holdfast::mover
