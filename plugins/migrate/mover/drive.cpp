#include "plugins/migrate/mover/drive.h"

#include "common/core/text.h"
#include "plugins/migrate/mover/check.h"
#include "plugins/migrate/mover/image.h"
#include "plugins/migrate/mover/image_check.h"
#include "plugins/migrate/mover/limits.h"
#include "plugins/migrate/mover/place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <future>

namespace holdfast::mover {
namespace {

constexpr int kMostLivePasses = 6;
constexpr std::uint64_t kSmallDelta = 16 << 20;  // shorter passes than this gain nothing

struct LivePass {
    std::uint64_t sent = 0;
    double seconds = 0;
};

class Drive {
  public:
    Drive(const Tree& source, TargetSide& target, Workplace& workplace, const Options& options, World world)
        : source_(source),
          target_(target),
          workplace_(workplace),
          options_(options),
          world_(world),
          began_(world.clock.steady_now()) {
        outcome_.command = options.command;
    }

    Result<Outcome> run() {
        TRY(scan_source());
        world_.started = true;
        Status done = options_.live ? live() : final();
        // What was read back wrong, or changed by somebody else, is not what the index says, so the next run reads the
        // target before it goes on.
        if (!done.ok() && done.error().kind == ErrorKind::kMismatch && differences_) workplace_.state().forget();
        if (!done.ok()) return done.error();
        TRY(workplace_.manifest().put());
        outcome_.changed = world_.counters.changed;
        outcome_.bytes_sent = world_.counters.bytes_sent;
        outcome_.seconds = since(began_);
        return outcome_;
    }

  private:
    double since(std::chrono::steady_clock::time_point from) const {
        return std::chrono::duration<double>(world_.clock.steady_now() - from).count();
    }

    int threads() const { return options_.threads != 0 ? options_.threads : read_limits().threads; }

    Status scan_source() {
        world_.progress.phase("scan", 0, 0, 0);
        if (options_.used_blocks) {
            TRY_ASSIGN(used_, find_used());
        }
        // A source at rest shows the pass nothing that it did not show the scan; had it changed, the last look at it
        // tells.
        if (!options_.live && !source_.is_image()) {
            synced_at_ = world_.clock.now();
            TRY(source_.sync());
            TRY_ASSIGN(seen_, WalkRecord::create(workplace_.folder()));
        }
        TRY_ASSIGN(needs_, scan(source_, workplace_.folder(), workplace_.state().index(), threads(), world_.signals,
                                seen_ ? &*seen_ : nullptr));
        if (needs_.problem_count > 0) return refusal(needs_.problems, needs_.problem_count);
        TRY_ASSIGN(const std::vector<std::string> cannot, target_.probe(needs_));
        if (!cannot.empty()) {
            std::vector<std::string> sentences;
            for (const std::string& one : cannot) sentences.push_back("the target cannot hold " + one);
            return refusal(sentences, sentences.size());
        }
        return {};
    }

    Result<ExtentList> find_used() {
        if (source_.is_image()) return used_blocks(source_, workplace_.folder());
        return Error{ErrorKind::kRefused, "--used-blocks: the source is a directory; nothing was changed",
                     "give the device or image that holds its filesystem, unmounted", 0, ""};
    }

    Result<PassResult> pass(bool paranoid) {
        ++outcome_.passes;
        world_.progress.phase("copy", outcome_.passes, needs_.entries, needs_.bytes);
        TRY_ASSIGN(const TargetState start, target_.begin(options_.operation));
        PassOptions options;
        options.operation = options_.operation;
        options.scratch = workplace_.folder();
        options.threads = threads();
        if (used_) options.used = &*used_;
        if (seen_) options.seen = &*seen_;
        options.synced_at = synced_at_;
        options.read_back = options_.verify;
        options.paranoid = paranoid;
        options.bandwidth = options_.bandwidth;
        if (options_.group_bytes != 0) options.group_bytes = options_.group_bytes;
        Result<PassResult> result = run_pass(
            {source_, target_, workplace_.state(), world_.counters, world_.clock, world_.signals}, options, start);
        differences_ = !result.ok() && result.error().kind == ErrorKind::kMismatch;
        if (!result.ok()) return result.error();
        TRY(source_.still_there());
        outcome_.index = result->end;
        unproven_ = result->unproven;
        return result;
    }

    // Where little was written, a sum tells that the rest is as it was, and the index of the rest need not go there.
    Result<Verdict> check_target() {
        State& state = workplace_.state();
        if (options_.paranoid) return target_.check(state.index(), CheckHow::kAll);
        bool as_expected = false;
        if (unproven_ < outcome_.index->entries / 2) {
            TRY_ASSIGN(as_expected, target_.agrees(outcome_.index->glance));
        }
        if (!as_expected) return target_.check(state.index(), CheckHow::kUnverified);
        TRY_ASSIGN(Verdict verdict, target_.check(state.unproven(), CheckHow::kListed));
        verdict.entries = outcome_.index->entries;
        return verdict;
    }

    Status source_is_unchanged() {
        const std::string& index = workplace_.state().index();
        if (!source_.is_image())
            return check_source(source_, index, outcome_.index->source, threads(), workplace_.folder());
        TRY_ASSIGN(IndexReader reader, IndexReader::open(index));
        return check_image_source(source_, std::move(reader));
    }

    Status read_back() {
        if (!options_.verify) return {};
        world_.progress.phase("verify", outcome_.passes, outcome_.index->entries, outcome_.index->bytes);
        TRY_ASSIGN(const Verdict verdict, check_target());
        outcome_.verdict = verdict;
        differences_ = verdict.differences != 0;
        if (differences_) return mismatch(verdict);
        return workplace_.state().mark_verified();
    }

    Status final() {
        TRY_ASSIGN(const PassResult result, pass(options_.paranoid));
        // Beside one another: the source's last look is over before the target has read back what was written.
        std::future<Status> source = std::async(std::launch::async, [this] { return source_is_unchanged(); });
        Status target = read_back();
        Status unchanged = source.get();
        if (!target.ok()) return target.error();
        if (!unchanged.ok()) return unchanged.error();
        // Before the target forgets that it was copied to: should there be no room for it, the same command goes on.
        TRY(workplace_.manifest().write(workplace_.state().index()));
        outcome_.final = true;
        return target_.seal(result.root);
    }

    // Passes while the source is written to, each shorter than the one before; then what the final one will take.
    Status live() {
        LivePass last;
        for (int i = 0; i < kMostLivePasses; ++i) {
            const std::uint64_t sent = world_.counters.bytes_sent;
            const auto began = world_.clock.steady_now();
            TRY(pass(false));
            const LivePass now{world_.counters.bytes_sent - sent, since(began)};
            TRY(read_back());
            const bool shrinks = i == 0 || now.sent * 10 < last.sent * 7;
            last = now;
            if (i > 0 && (!shrinks || now.sent < kSmallDelta)) break;
        }
        outcome_.predicted_seconds = last.seconds;
        world_.progress.prediction(last.seconds, last.sent);
        return workplace_.manifest().write(workplace_.state().index());
    }

    const Tree& source_;
    TargetSide& target_;
    Workplace& workplace_;
    const Options& options_;
    World world_;
    std::chrono::steady_clock::time_point began_;
    Needs needs_;
    std::optional<ExtentList> used_;
    std::optional<WalkRecord> seen_;
    std::optional<std::chrono::system_clock::time_point> synced_at_;
    Outcome outcome_;
    std::uint64_t unproven_ = 0;  // entries that the last pass wrote, or that are no files
    bool differences_ = false;
};

// A container may have none: its own filesystem is for reading only, and nothing is mounted at /tmp.
Error no_folder(const Error& why) {
    return {ErrorKind::kFailed, "no folder for what this run needs: " + why.message + "; nothing was changed",
            "set TMPDIR to one that can be written to, or give --state", 0, ""};
}

}  // namespace

Result<Workplace> Workplace::open(const Options& options) {
    Workplace workplace;
    if (options.state.empty()) {
        Result<TemporaryDirectory> temporary = TemporaryDirectory::create();
        if (!temporary.ok()) return no_folder(temporary.error());
        workplace.temporary_.emplace(std::move(*temporary));
    }
    if (!options.state.empty()) {
        workplace.state_ = std::make_unique<State>(options.state);
        return workplace;
    }
    TRY_ASSIGN(State state, State::nameless(workplace.temporary_->path()));
    workplace.state_ = std::make_unique<State>(std::move(state));
    return workplace;
}

Status Workplace::keep_out_of(const Tree& tree, const Options& options) const {
    if (tree.is_image()) return keep_off(tree, options);
    const auto refuse = [&](const std::string& what, const std::string& path, const std::string& hint) {
        return Error{ErrorKind::kRefused,
                     what + " (" + escape_line(path) + ") lies in the " + tree.title() + "; nothing was changed", hint,
                     0, ""};
    };
    const Descriptor own(::open(folder().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (own.open() && lies_in(own.get(), tree.root()))
        return options.state.empty() ? refuse("the folder for what this run needs", folder(), "set TMPDIR, or --state")
                                     : refuse("the folder of --state", folder(), "give one that lies elsewhere");
    // Not where its name is, but where a link by that name leads.
    const std::string manifest = Manifest::place_of(options.manifest);
    if (manifest.empty()) return {};
    const Descriptor beside(
        ::open(manifest.substr(0, manifest.rfind('/') + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (beside.open() && lies_in(beside.get(), tree.root()))
        return refuse("the file of --manifest", options.manifest, "give one that lies elsewhere");
    return {};
}

// An image has a name beside other files, and may have one that we write to.
Status Workplace::keep_off(const Tree& image, const Options& options) const {
    struct stat own {
    }, other{};
    if (fstat(image.root(), &own) != 0) return system_error("look at", image.shown(""), errno);
    const bool manifest = !options.manifest.empty() && stat(options.manifest.c_str(), &other) == 0 &&
                          other.st_dev == own.st_dev && other.st_ino == own.st_ino;
    if (!manifest && !state_->writes_to(own.st_dev, own.st_ino)) return {};
    return Error{ErrorKind::kRefused,
                 "the " + image.title() + " is a file that " + (manifest ? "--manifest" : "--state") +
                     " would write to; nothing was changed",
                 "give one that lies elsewhere", 0, ""};
}

Status Workplace::take(std::initializer_list<const Tree*> trees, const Options& options, StateUser user) {
    for (const Tree* const tree : trees) TRY(keep_out_of(*tree, options));
    TRY(state_->lock(user));
    TRY_ASSIGN(manifest_, Manifest::prepare(options.manifest));
    return {};
}

Result<Tree> open_source(const Options& options) {
    if (!names_image(options.words[0])) return Tree::open(options.words[0], "source");
    return open_image(options.words[0], "source", options.live ? ImageUse::kReadInUse : ImageUse::kReadAlone);
}

Result<Tree> open_target(const std::string& path) {
    return names_image(path) ? open_image(path, "target", ImageUse::kWrite) : Tree::open(path, "target");
}

Result<Outcome> drive_copy(const Tree& source, TargetSide& target, Workplace& workplace, const Options& options,
                           World world) {
    return Drive(source, target, workplace, options, world).run();
}

}  // namespace holdfast::mover
