#include "plugins/migrate/mover/state.h"

#include <algorithm>
#include <map>

namespace holdfast::mover {
namespace {

// What the first reading of a killed pass's file tells.
struct KilledSurvey {
    IndexReader::Marks marks;
    std::optional<Entry> last;  // the last entry of which anything is durable
    std::uint64_t blocks = 0;   // of it, durable
    bool complete = false;
};

// Calls `take` for each record that is durable.
template <typename Take>
Status each_durable(const std::string& path, std::uint64_t durable, Take take) {
    TRY_ASSIGN(IndexReader reader, IndexReader::open(path));
    while (true) {
        Result<std::optional<Record>> record = reader.next();
        // The mark is a block of its own after its groups' records.
        if (!record.ok() || !*record || reader.offset() > durable) return {};
        TRY(take(std::move(**record)));
    }
}

Result<KilledSurvey> survey_killed(const std::string& path, std::uint64_t epoch) {
    KilledSurvey found;
    TRY_ASSIGN(const KilledPass pass, look_at_killed_pass(path, epoch));
    found.marks = pass.marks;
    found.complete = pass.complete && pass.marks.begun <= epoch;
    TRY(each_durable(path, found.marks.durable, [&](Record record) {
        if (auto* entry = std::get_if<Entry>(&record)) {
            found.last = std::move(*entry);
            found.blocks = 0;
        } else {
            found.blocks = std::get<Run>(record).first + std::get<Run>(record).count;
        }
        return Status();
    }));
    return found;
}

// What groups that were sent and not made durable may have changed.
class Touches {
  public:
    explicit Touches(const IndexReader::Marks& marks) {
        for (const auto& [epoch, touched] : marks.intents) by_path_[touched.path].push_back(touched);
    }

    bool removed(std::string path) const {
        while (!path.empty()) {
            if (any(path, [](const Touched& t) { return t.removed; })) return true;
            path = std::string(parent_of(path));
        }
        return false;
    }
    bool whole(const std::string& path) const {
        return any(path, [](const Touched& t) { return !t.removed && t.count == 0; });
    }
    bool some(const std::string& path) const {
        return any(path, [](const Touched& t) { return t.count != 0; });
    }
    void forget_blocks(const std::string& path, Run& run) const {
        const auto it = by_path_.find(path);
        if (it == by_path_.end()) return;
        for (const Touched& t : it->second) {
            const std::uint64_t from = std::max(t.first, run.first);
            const std::uint64_t until = std::min(t.first + t.count, run.first + run.count);
            if (from >= until) continue;
            run.read_back.clear();
            // A long hole of which a part was touched has no hashes to take away: its rest counts as unknown too.
            if (run.hashes.empty()) run.count = from - run.first;
            for (std::uint64_t block = from; block < until && !run.hashes.empty(); ++block)
                run.hashes[static_cast<std::size_t>(block - run.first)] = kUnknown;
        }
    }

  private:
    template <typename Test>
    bool any(const std::string& path, Test test) const {
        const auto it = by_path_.find(path);
        return it != by_path_.end() && std::any_of(it->second.begin(), it->second.end(), test);
    }
    std::map<std::string, std::vector<Touched>> by_path_;
};

class Merge {
  public:
    Merge(const KilledSurvey& survey, std::optional<IndexReader> old, IndexWriter& writer)
        : survey_(survey), touches_(survey.marks), old_(old ? Base(std::move(*old)) : Base()), writer_(writer) {}

    Status durable(Record record) {
        auto* entry = std::get_if<Entry>(&record);
        // The last file may be there in part: it counts as changed, so that the next pass looks at all of it.
        if (entry != nullptr && entry->block_size != 0 && survey_.last && entry->path == survey_.last->path)
            entry->facts.ctime = {};
        return writer_.add(record);
    }

    Status rest() {
        while (true) {
            TRY_ASSIGN(const Entry* const next, old_.peek());
            if (next == nullptr) return {};
            TRY_ASSIGN(Entry entry, old_.take());
            const int order = survey_.last ? compare_paths(entry.path, survey_.last->path) : 1;
            if (order < 0) continue;
            if (order == 0 && !goes_on(entry)) continue;
            if (order > 0) TRY(entry_beyond(entry));
            TRY(runs_beyond(entry, order == 0 ? survey_.blocks : 0));
        }
    }

  private:
    // The blocks of the last file that the pass did not come to are as the old index has them.
    bool goes_on(const Entry& entry) const {
        return entry.block_size != 0 && entry.block_size == survey_.last->block_size &&
               entry.facts.inode == survey_.last->facts.inode && entry.facts.inode != 0 && !touches_.whole(entry.path);
    }

    Status entry_beyond(Entry& entry) {
        dropped_ = touches_.removed(entry.path);
        if (dropped_) return {};
        if (touches_.whole(entry.path)) entry.state |= kUntrusted;
        if (touches_.some(entry.path)) {
            entry.facts.ctime = {};
            entry.state &= static_cast<std::uint8_t>(~kVerified);
        }
        return writer_.add(entry);
    }

    Status runs_beyond(const Entry& entry, std::uint64_t from) {
        while (true) {
            TRY_ASSIGN(std::optional<Run> run, old_.next_run());
            if (!run) return {};
            if (dropped_ || run->first + run->count <= from) continue;
            if (run->first < from) {
                const std::uint64_t passed = from - run->first;
                if (!run->hashes.empty())
                    run->hashes.erase(run->hashes.begin(), run->hashes.begin() + static_cast<std::ptrdiff_t>(passed));
                run->read_back.clear();
                run->first = from;
                run->count -= passed;
            }
            touches_.forget_blocks(entry.path, *run);
            if (run->count != 0) TRY(writer_.add(*run));
        }
    }

    const KilledSurvey& survey_;
    Touches touches_;
    Base old_;
    IndexWriter& writer_;
    bool dropped_ = false;
};

}  // namespace

Status merge_killed_pass(std::optional<IndexReader> old, const std::string& pass, const std::string& out,
                         std::uint64_t epoch) {
    TRY_ASSIGN(const KilledSurvey found, survey_killed(pass, epoch));
    TRY_ASSIGN(const IndexReader head, IndexReader::open(pass));
    IndexHead merged = head.head();
    merged.unclean = true;
    merged.epoch = epoch;
    TRY_ASSIGN(IndexWriter writer, IndexWriter::create(out, merged));
    Merge merge(found, std::move(old), writer);
    TRY(each_durable(pass, found.marks.durable, [&](Record record) { return merge.durable(std::move(record)); }));
    if (!found.complete) TRY(merge.rest());
    TRY_ASSIGN(const IndexEnd end, writer.finish(epoch));
    return {};
}

}  // namespace holdfast::mover
