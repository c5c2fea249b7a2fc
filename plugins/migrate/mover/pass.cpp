#include "plugins/migrate/mover/pass.h"

#include "common/os/random.h"
#include "plugins/migrate/mover/buffers.h"
#include "plugins/migrate/mover/digest.h"
#include "plugins/migrate/mover/ledger.h"
#include "plugins/migrate/mover/planner.h"
#include "plugins/migrate/mover/pool.h"
#include "plugins/migrate/mover/source.h"
#include "plugins/migrate/mover/trim.h"

#include <memory>

namespace holdfast::mover {
namespace {

// A large file's stretch takes two places of the order, at its beginning three: more than one for each thread.
constexpr std::uint64_t kPlacesPerThread = 4;

// Of an epoch: the group of its pass.
constexpr int kGroupBits = 24;
constexpr std::uint64_t kMostPassesBetween = 1 << 20;

// Where the epochs of a pass begin: no other pass has them, also none that goes on from an older copy of the same
// target or of the same state, both of which could be put back. One that has the same would be taken for this one.
std::uint64_t first_epoch_after(std::uint64_t epoch) {
    return ((epoch >> kGroupBits) + 1 + checksum_of(random_letters(24)) % kMostPassesBetween) << kGroupBits;
}

struct Ticketed {
    std::uint64_t ticket = 0;
    Unit unit;
};

class PassRun {
  public:
    struct Writers {
        IndexWriter all, unproven;
    };
    PassRun(PassContext context, const PassOptions& options, Base base, bool unclean, Writers writers,
            const TargetState& start)
        : context_(context),
          first_(first_epoch_after(start.epoch)),
          options_(options),
          base_(std::move(base)),
          unclean_(unclean),
          writer_(std::move(writers.all)),
          unproven_(std::move(writers.unproven)),
          blank_(start.blank),
          ledger_(writer_, context.target, first_, kPlacesPerThread * static_cast<std::uint64_t>(options.threads)),
          spools_(options.scratch),
          limiter_(context.clock, options.bandwidth),
          since_(context.clock, options.synced_at.value_or(context.clock.now())) {
        writer_.also_to(&unproven_);
        // Of an image all is read back at the end, whatever was read before.
        if (options.read_back && !options.paranoid && !context.source.is_image()) ledger_.tell_written();
        const SourceContext shared{context.source,   context.target, context.counters, context.signals, limiter_,
                                   spools_.removals, spools_.locks,  since_,           buffers_};
        for (int i = 0; i < options.threads; ++i) sources_.push_back(std::make_unique<Source>(shared));
        pool_ = std::make_unique<Pool<Ticketed>>(options.threads, 64, [this](Ticketed& job, int thread) {
            Status done = work(job, *sources_[static_cast<std::size_t>(thread)]);
            if (!done.ok()) ledger_.fail();
            return done;
        });
    }

    PassRun(const PassRun&) = delete;
    PassRun& operator=(const PassRun&) = delete;
    ~PassRun() { ledger_.fail(); }  // workers may wait for what will not come

    Result<PassResult> run() {
        // Here first: what the target has of a pass that nothing is known of here is all unknown.
        TRY(writer_.mark_begin(first_));
        TRY(context_.target.checkpoint(first_));
        TRY(copy());
        return finish();
    }

  private:
    Status copy() {
        Planner planner(
            {context_.source, base_, spools_, context_.counters, context_.signals, options_.scratch, since_, unclean_,
             options_.paranoid, options_.group_bytes, options_.group_entries, blank_, options_.used, options_.seen},
            [this](Group&& group) { return release(std::move(group)); });
        TRY(planner.run());
        TRY(pool_->drain());
        return context_.target.wait_durable(ledger_.epoch());
    }

    // Written down, then the steps, then the units: an order that lets a killed pass know what it may have done.
    Status release(Group&& group) {
        TRY(ledger_.begin_group(group.touched));
        // The target says that a pass has begun before anything of it is there, since a state that knows of none could
        // be put back. Until now it had time for that.
        if (!said_ && !group.touched.empty()) {
            TRY(context_.target.wait_durable(first_));
            said_ = true;
        }
        if (!group.steps.empty()) TRY(context_.target.steps(group.steps));
        for (Unit& unit : group.units) {
            const std::uint64_t ticket = ledger_.ticket();
            if (auto* ready = std::get_if<ReadyUnit>(&unit))
                TRY(ledger_.put_bounded(ticket, std::move(ready->records)));
            else
                TRY(pool_->add({ticket, std::move(unit)}));
        }
        return ledger_.end_group(ledger_.ticket());
    }

    Status work(Ticketed& job, Source& source) {
        ledger_.wait_for_turn(job.ticket);
        if (const auto* some = std::get_if<SmallUnit>(&job.unit)) {
            TRY_ASSIGN(std::string records, source.small(*some));
            return ledger_.put(job.ticket, std::move(records));
        }
        if (const auto* range = std::get_if<RangeUnit>(&job.unit)) {
            TRY_ASSIGN(std::string records, source.range(*range));
            return ledger_.put(job.ticket, std::move(records));
        }
        const auto& hole = std::get<HoleUnit>(job.unit);
        TRY(context_.target.chunk({hole.path, hole.offset, hole.length, false, {}, {}, {}}));
        return ledger_.put(job.ticket, "");
    }

    Result<PassResult> finish() {
        const std::uint64_t last = ledger_.next_epoch();
        PassResult result;
        // All content is there: should this pass be killed from here on, the next one only does these last steps again.
        TRY_ASSIGN(result.end, writer_.finish(last));
        TRY_ASSIGN(const IndexEnd unproven, unproven_.close(last));
        result.unproven = unproven.entries;
        if (unclean_) TRY(context_.target.prune(context_.state.pass()));
        auto send = [&](const std::vector<Step>& steps) { return context_.target.steps(steps); };
        for (Spool* spool : {&spools_.removals, &spools_.files, &spools_.links, &spools_.directories, &spools_.locks})
            TRY(spool->replay(send));
        TRY(context_.target.checkpoint(last));
        TRY(context_.target.wait_durable(last));
        TRY(context_.state.commit());
        TRY_ASSIGN(IndexReader index, IndexReader::open(context_.state.index()));
        TRY_ASSIGN(const std::optional<Record> first, index.next());
        if (first) result.root = std::get<Entry>(*first).meta;  // a walk begins with the root
        return result;
    }

    PassContext context_;
    const std::uint64_t first_;
    bool said_ = false;  // that it has begun, by the target
    const PassOptions& options_;
    Base base_;
    const bool unclean_;
    IndexWriter writer_, unproven_;
    const bool blank_;
    Ledger ledger_;
    Spools spools_;
    Limiter limiter_;
    BufferPool buffers_;
    const SuspectSince since_;
    std::vector<std::unique_ptr<Source>> sources_;
    std::unique_ptr<Pool<Ticketed>> pool_;  // last: its threads use all of the above
};

}  // namespace

Result<PassResult> run_pass(PassContext context, const PassOptions& options, const TargetState& start) {
    // Writes through mappings show in the times only after the pages were cleaned once.
    if (options.seen == nullptr) TRY(context.source.sync());
    TRY_ASSIGN(const bool known, context.state.recover(options.operation, start));
    if (!known && !start.empty) TRY(context.target.rebuild(context.state.index(), options.operation));
    Base base;
    bool unclean = false;
    if (known || !start.empty) {
        TRY_ASSIGN(IndexReader reader, context.state.open_index());
        unclean = reader.head().unclean;
        if (unclean && !context.source.is_image()) {
            TRY(trim_target(context.source, context.target, context.state, options.scratch, start.epoch,
                            context.signals));
            TRY_ASSIGN(reader, context.state.open_index());
        }
        base = Base(std::move(reader));
    }
    const IndexHead head{options.operation, start.number, start.epoch, false};
    TRY_ASSIGN(IndexWriter unproven, IndexWriter::create(context.state.unproven(), head));
    TRY_ASSIGN(IndexWriter all, IndexWriter::create(context.state.pass(), head));
    return PassRun(context, options, std::move(base), unclean, {std::move(all), std::move(unproven)}, start).run();
}

}  // namespace holdfast::mover
