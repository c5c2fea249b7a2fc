#include "plugins/migrate/mover/check.h"

#include "plugins/migrate/mover/attributes.h"
#include "plugins/migrate/mover/base.h"
#include "plugins/migrate/mover/near_directories.h"
#include "plugins/migrate/mover/pool.h"
#include "plugins/migrate/mover/read_back.h"
#include "plugins/migrate/mover/survey.h"
#include "plugins/migrate/mover/target.h"
#include "plugins/migrate/mover/walk.h"

#include <fcntl.h>
#include <cerrno>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace holdfast::mover {
namespace {

constexpr std::size_t kCheckBatch = 64;
constexpr std::size_t kMostFirsts = 1000;

class Checking {
  public:
    Checking(const Tree& tree, IndexReader index, const CheckOptions& options, Counters& counters,
             const Signals& signals)
        : tree_(tree),
          index_(std::move(index)),
          options_(options),
          counters_(counters),
          signals_(signals),
          walk_(tree, options.scratch),
          near_(tree),
          findings_(tree) {
        for (int i = 0; i < options.threads; ++i)
            readers_.push_back(std::make_unique<ReadBack>(tree, findings_, counters, options.from_disk));
        pool_ = std::make_unique<Pool<ReadBackUnit>>(options.threads, 32, [this](ReadBackUnit& unit, int thread) {
            return readers_[static_cast<std::size_t>(thread)]->run(unit);
        });
    }

    Result<Verdict> run() {
        TRY(options_.how == CheckHow::kListed ? all_listed() : all_there());
        TRY(flush());
        TRY(pool_->drain());
        Verdict verdict = findings_.verdict();
        verdict.entries = entries_;
        return verdict;
    }

  private:
    Status all_there() {
        while (true) {
            if (signals_.pending()) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
            TRY_ASSIGN(const Visited visited, walk_.next());
            if (visited.visit == Visit::kEnd) break;
            if (visited.visit != Visit::kLeave) TRY(one(visited));
        }
        return missing_before(nullptr);
    }

    Status all_listed() {
        while (true) {
            if (signals_.pending()) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
            TRY_ASSIGN(const Entry* const next, index_.peek());
            if (next == nullptr) return {};
            TRY_ASSIGN(Entry entry, index_.take());
            TRY(listed(std::move(entry)));
        }
    }

    Status listed(Entry entry) {
        const std::string shown = tree_.shown(entry.path), parent(parent_of(entry.path));
        if (!parent_ || parent != parent_path_) {
            TRY_ASSIGN(parent_, near_.open(parent));
            parent_path_ = parent;
        }
        const std::string name(name_of(entry.path));
        Visited visited{Visit::kEntry, entry.path, parent_->get(), {}, 0};
        Result<Looked> looked = look_at(parent_->get(), name, shown);
        if (!looked.ok() && looked.error().kind != ErrorKind::kNotFound) return looked.error();
        if (!looked.ok()) {
            missing(entry);
            return {};
        }
        visited.looked = std::move(*looked);
        Descriptor opened;
        if (visited.looked.meta.kind == Kind::kDirectory) {
            opened = open_in(parent_->get(), name.empty() ? "." : name, O_RDONLY | O_DIRECTORY);
            if (!opened.open()) return system_error("open directory", shown, errno);
            visited.visit = Visit::kEnter;
            visited.directory = opened.get();
        }
        return compare(visited, std::move(entry));
    }

    // What the index has before `path` and the tree has not.
    Status missing_before(const std::string* path) {
        while (true) {
            TRY_ASSIGN(const Entry* const entry, index_.peek());
            if (entry == nullptr || (path != nullptr && compare_paths(entry->path, *path) >= 0)) return {};
            TRY_ASSIGN(const Entry passed, index_.take());
            missing(passed);
        }
    }

    // A live source may lose a file's first name before it was read, and after its others were written down: then the
    // index does not have that name, and there was nothing that the others could be names of.
    void missing(const Entry& entry) {
        const bool first_known = missing_firsts_.contains(entry.link_to) || missing_firsts_.size() == kMostFirsts;
        if (!entry.link_to.empty() && !first_known && !tree_.open_beneath(entry.link_to, O_PATH).open() &&
            errno == ENOENT)
            return;
        if (entry.link_to.empty() && entry.facts.links > 1 && missing_firsts_.size() < kMostFirsts)
            missing_firsts_.insert(entry.path);
        findings_.add(entry.path, "is missing");
    }

    Status one(const Visited& visited) {
        TRY(missing_before(&visited.path));
        TRY_ASSIGN(const Entry* const next, index_.peek());
        if (next == nullptr || next->path != visited.path) {
            if (visited.visit == Visit::kEnter) walk_.skip();
            if (visited.path != kLostAndFound) findings_.add(visited.path, "should not be there");
            return {};
        }
        TRY_ASSIGN(Entry entry, index_.take());
        return compare(visited, std::move(entry));
    }

    Status compare(const Visited& visited, Entry entry) {
        ++entries_;
        if (!entry.link_to.empty()) return same_file(visited, entry);
        if (visited.looked.meta.kind != Kind::kFile || entry.meta.kind != Kind::kFile) return metadata(visited, entry);
        if (options_.how == CheckHow::kUnverified && (entry.state & kVerified) != 0) return known(visited, entry);
        return file(std::move(entry));
    }

    // Read back before, and not written since: what a look at its inode shows.
    Status known(const Visited& visited, const Entry& entry) {
        const std::string wrong = difference_at_a_glance(entry.meta, visited.looked.meta);
        if (!wrong.empty()) findings_.add(visited.path, wrong);
        counters_.bytes += entry.meta.size;
        ++counters_.entries;
        return {};
    }

    Status same_file(const Visited& visited, const Entry& entry) {
        const Descriptor first = tree_.open_beneath(entry.link_to, O_PATH);
        // A live source may lose a file's first name after its others were written down: then the index does not have
        // it either, and the next pass gives them another. Had the index it, that it is missing is named by itself.
        if (!first.open() && errno == ENOENT) return {};
        Looked other;
        if (first.open()) {
            TRY_ASSIGN(other, look_at(first.get(), "", tree_.shown(entry.link_to)));
        }
        if (other.facts.inode != visited.looked.facts.inode || other.filesystem != visited.looked.filesystem)
            findings_.add(visited.path, "is not the same file as " + tree_.shown(entry.link_to));
        return {};
    }

    Status metadata(const Visited& visited, const Entry& entry) {
        Meta found = visited.looked.meta;
        const bool directory = visited.visit == Visit::kEnter;
        const std::string name = directory ? std::string() : std::string(name_of(visited.path));
        TRY(read_attributes(visited.directory, name, directory ? visited.directory : -1, found,
                            tree_.shown(visited.path)));
        const std::string wrong = difference(entry.meta, found);
        if (!wrong.empty()) findings_.add(visited.path, wrong);
        return {};
    }

    Status file(Entry entry) {
        const std::string directory(parent_of(entry.path));
        if (!batch_.files.empty() && (directory != batch_.directory || batch_.files.size() == kCheckBatch))
            TRY(flush());
        const std::string path = entry.path;
        const std::uint32_t block_size = entry.block_size;
        const std::uint64_t size = entry.meta.size;
        batch_.directory = directory;
        batch_.files.push_back(std::move(entry));
        while (block_size != 0) {
            TRY_ASSIGN(std::optional<Run> run, index_.next_run());
            if (!run) break;
            if (options_.how == CheckHow::kAll) run->read_back.clear();
            RunCheck check{path, std::move(*run), block_size, size};
            if (was_read_early(check))
                findings_.add_bytes(bytes_to_read_back(check));
            else
                TRY(pool_->add(std::move(check)));
        }
        return {};
    }

    bool was_read_early(const RunCheck& run) const {
        return options_.early != nullptr && options_.how != CheckHow::kAll && options_.early->has(run);
    }

    Status flush() {
        if (batch_.files.empty()) return {};
        TRY(pool_->add(std::move(batch_)));
        batch_ = {};
        return {};
    }

    const Tree& tree_;
    Base index_;
    const CheckOptions options_;
    Counters& counters_;
    const Signals& signals_;
    Walk walk_;
    NearDirectories near_;
    std::optional<Descriptor> parent_;  // of the last entry listed
    std::string parent_path_;
    std::set<std::string> missing_firsts_;  // of what has several names, what the index has and the tree has not
    Findings findings_;
    std::uint64_t entries_ = 0;
    FilesCheck batch_;
    std::vector<std::unique_ptr<ReadBack>> readers_;
    std::unique_ptr<Pool<ReadBackUnit>> pool_;  // last: its threads use all of the above
};

}  // namespace

Result<Verdict> check_tree(const Tree& tree, IndexReader index, const CheckOptions& options, Counters& counters,
                           const Signals& signals) {
    return Checking(tree, std::move(index), options, counters, signals).run();
}

Status prune_tree(const Tree& tree, IndexReader index, const std::string& scratch) {
    Base listed(std::move(index));
    Target target(tree);
    Walk walk(tree, scratch);
    while (true) {
        TRY_ASSIGN(const Visited visited, walk.next());
        if (visited.visit == Visit::kEnd) return {};
        if (visited.visit == Visit::kLeave) continue;
        bool wanted = false;
        while (true) {
            TRY_ASSIGN(const Entry* const entry, listed.peek());
            if (entry == nullptr || compare_paths(entry->path, visited.path) > 0) break;
            wanted = entry->path == visited.path;
            TRY_ASSIGN(const Entry passed, listed.take());
            if (wanted) break;
        }
        if (wanted || visited.path == kLostAndFound) continue;
        if (visited.visit == Visit::kEnter) walk.skip();
        TRY(target.step(Remove{visited.path}));
    }
}

namespace {

// Which entry it is that has changed.
Status compare_source(const Tree& tree, IndexReader index, const std::string& scratch) {
    Base listed(std::move(index));
    Walk walk(tree, scratch);
    auto changed = [&](const std::string& path, const char* how) {
        return Error{ErrorKind::kMismatch,
                     tree.shown(path) + " " + how + " while it was copied; is it still written to?",
                     "stop what writes to the source, then run the same command again", 0, ""};
    };
    while (true) {
        TRY_ASSIGN(const Visited visited, walk.next());
        if (visited.visit == Visit::kLeave) continue;
        if (visited.visit == Visit::kEntry && visited.looked.meta.kind == Kind::kDirectory) continue;  // not to be read
        TRY_ASSIGN(const Entry* const entry, listed.peek());
        if (visited.visit == Visit::kEnd) return entry == nullptr ? Status() : changed(entry->path, "went away");
        if (entry == nullptr || compare_paths(entry->path, visited.path) > 0) return changed(visited.path, "appeared");
        if (entry->path != visited.path) return changed(entry->path, "went away");
        TRY_ASSIGN(const Entry known, listed.take());
        const Facts now = visited.looked.facts;
        if (known.facts.inode != now.inode || known.facts.ctime != now.ctime || known.facts.links != now.links ||
            known.meta.mtime != visited.looked.meta.mtime || known.meta.size != visited.looked.meta.size)
            return changed(visited.path, "changed");
    }
}

}  // namespace

Status check_source(const Tree& tree, const std::string& path, const Fingerprint& expected, int threads,
                    const std::string& scratch) {
    const std::atomic<bool> stop = false;
    const std::optional<Survey> seen = survey(
        tree, threads,
        [](const std::string& entry, const Looked& looked) {
            return source_fingerprint(entry, looked.meta, looked.facts);
        },
        stop);
    // What differs is named by a comparison; it also decides where nothing could be told this way.
    if (seen && seen->agrees_with(expected)) return {};
    TRY_ASSIGN(IndexReader index, IndexReader::open(path));
    return compare_source(tree, std::move(index), scratch);
}

}  // namespace holdfast::mover
