#include "plugins/migrate/mover/attributes.h"
#include "plugins/migrate/mover/check.h"
#include "plugins/migrate/mover/drive.h"
#include "plugins/migrate/mover/image.h"
#include "plugins/migrate/mover/image_check.h"
#include "plugins/migrate/mover/limits.h"
#include "plugins/migrate/mover/local_target.h"
#include "plugins/migrate/mover/place.h"

#include "common/core/text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace holdfast::mover {
namespace {

bool same_image(const Tree& one, const Tree& other) {
    struct stat a {
    }, b{};
    if (!one.is_image() || !other.is_image() || fstat(one.root(), &a) != 0 || fstat(other.root(), &b) != 0)
        return false;
    if (one.is_block_device() && other.is_block_device()) return a.st_rdev == b.st_rdev;
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// A file that was made for an image goes again if nothing was ever written to it: as if never begun.
class MadeFile {
  public:
    MadeFile(std::string path, const bool& started) : path_(std::move(path)), started_(started) {}
    MadeFile(const MadeFile&) = delete;
    MadeFile& operator=(const MadeFile&) = delete;
    ~MadeFile() {
        if (!path_.empty() && !started_) unlink(path_.c_str());
    }

  private:
    std::string path_;
    const bool& started_;
};

}  // namespace

Result<Outcome> run_copy(const Options& options, World world) {
    TRY_ASSIGN(const Tree source, open_source(options));
    // The file for an image may be made; a directory for a tree never is: a volume that is not mounted would be missed.
    struct stat there {};
    const bool make = source.is_image() && stat(options.words[1].c_str(), &there) != 0;
    TRY_ASSIGN(const Tree target,
               make ? open_image(options.words[1], "target", ImageUse::kMake) : open_target(options.words[1]));
    const MadeFile made(make ? options.words[1] : "", world.started);
    if (same_image(source, target))
        return Error{ErrorKind::kRefused, "source and target are the same; nothing was changed", "", 0, ""};
    if (!source.is_image() && !target.is_image() &&
        (lies_in(target.root(), source.root()) || lies_in(source.root(), target.root())))
        return Error{ErrorKind::kRefused,
                     "one of " + escape_line(options.words[0]) + " and " + escape_line(options.words[1]) +
                         " lies in the other; nothing was changed",
                     "", 0, ""};
    TRY_ASSIGN(const LocksAround around, target.lock());
    TRY_ASSIGN(Workplace workplace, Workplace::open(options));
    TRY(workplace.take({&source, &target}, options));
    const Limits limits = read_limits();
    LocalTarget side(target, {workplace.folder(), options.threads != 0 ? options.threads : limits.threads},
                     world.counters, world.signals);
    if (options.verify) side.look_ahead();
    return drive_copy(source, side, workplace, options, world);
}

namespace {

// All of it, once to the end: what is damaged must not be compared with. What is wrong with it says nothing of the
// target.
Result<IndexEnd> whole_manifest(const std::string& path) {
    Result<IndexReader> manifest = IndexReader::open(path);
    if (manifest.ok()) manifest->check_root();
    Status done = manifest.ok() ? Status() : Status(manifest.error());
    for (bool more = true; more && done.ok();) {
        const Result<std::optional<Record>> record = manifest->next();
        done = record.ok() ? Status() : Status(record.error());
        more = record.ok() && *record;
    }
    if (done.ok()) return *manifest->end();
    return Error{ErrorKind::kFailed, done.error().message + "; nothing of the target was looked at",
                 "give what a copy wrote by --manifest, or the folder of its --state", 0, ""};
}

}  // namespace

Result<Outcome> run_verify(const Options& options, World world) {
    TRY_ASSIGN(const Tree tree, names_image(options.words[0])
                                    ? open_image(options.words[0], "target", ImageUse::kReadInUse)
                                    : Tree::open(options.words[0], "target"));
    TRY_ASSIGN(Workplace workplace, Workplace::open(options));
    const std::string manifest = options.manifest.empty() ? workplace.state().index() : options.manifest;
    Outcome outcome;
    outcome.command = options.command;
    TRY_ASSIGN(outcome.index, whole_manifest(manifest));
    world.progress.phase("verify", 1, outcome.index->entries, outcome.index->bytes);
    const auto began = world.clock.steady_now();
    TRY(tree.sync());
    TRY_ASSIGN(IndexReader index, IndexReader::open(manifest));
    const CheckOptions how{workplace.folder(), options.threads != 0 ? options.threads : read_limits().threads,
                           CheckHow::kAll, true};
    TRY_ASSIGN(const Verdict verdict,
               tree.is_image() ? check_image(tree, std::move(index), how.threads, world.counters, world.signals)
                               : check_tree(tree, std::move(index), how, world.counters, world.signals));
    outcome.verdict = verdict;
    outcome.seconds = std::chrono::duration<double>(world.clock.steady_now() - began).count();
    if (verdict.differences != 0) return mismatch(verdict);
    return outcome;
}

}  // namespace holdfast::mover
