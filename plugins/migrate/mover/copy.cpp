#include "plugins/migrate/mover/attributes.h"
#include "plugins/migrate/mover/check.h"
#include "plugins/migrate/mover/drive.h"
#include "plugins/migrate/mover/limits.h"
#include "plugins/migrate/mover/local_target.h"

#include "common/core/text.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace holdfast::mover {
namespace {

// Whether `inside` is `outer` or lies beneath it: a copy into itself never ends.
bool lies_in(const Tree& inside, const Tree& outer) {
    struct stat wanted {};
    if (fstat(outer.root(), &wanted) != 0) return true;
    Descriptor at(openat(inside.root(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (ino_t before = 0; at.open();) {
        struct stat now {};
        if (fstat(at.get(), &now) != 0) return true;
        if (now.st_ino == wanted.st_ino && now.st_dev == wanted.st_dev) return true;
        Descriptor up(openat(at.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
        struct stat above {};
        if (!up.open() || fstat(up.get(), &above) != 0 || (above.st_ino == now.st_ino && above.st_dev == now.st_dev))
            return false;
        at = std::move(up);
        if (now.st_ino == before && above.st_ino == before) return false;
        before = now.st_ino;
    }
    return false;
}

}  // namespace

Result<Outcome> run_copy(const Options& options, World world) {
    TRY_ASSIGN(const Tree source, Tree::open(options.words[0], "source"));
    TRY_ASSIGN(const Tree target, Tree::open(options.words[1], "target"));
    if (lies_in(target, source) || lies_in(source, target))
        return Error{ErrorKind::kRefused,
                     "one of " + escape_line(options.words[0]) + " and " + escape_line(options.words[1]) +
                         " lies in the other; nothing was changed",
                     "", 0, ""};
    TRY_ASSIGN(Workplace workplace, Workplace::open(options));
    const Limits limits = read_limits();
    LocalTarget side(target,
                     {workplace.folder(), options.threads != 0 ? options.threads : limits.threads, limits.direct},
                     world.counters, world.signals);
    return drive_copy(source, side, workplace, options, world);
}

Result<Outcome> run_verify(const Options& options, World world) {
    TRY_ASSIGN(const Tree tree, Tree::open(options.words[0], "target"));
    TRY_ASSIGN(Workplace workplace, Workplace::open(options));
    const std::string manifest = options.manifest.empty() ? workplace.state().index() : options.manifest;
    // Once to the end: what is damaged must not be compared with.
    TRY_ASSIGN(IndexReader whole, IndexReader::open(manifest));
    Outcome outcome;
    outcome.command = options.command;
    while (true) {
        TRY_ASSIGN(const std::optional<Record> record, whole.next());
        if (!record) break;
    }
    outcome.index = whole.end();
    world.progress.phase("verify", 1, outcome.index->entries, outcome.index->bytes);
    const auto began = world.clock.steady_now();
    if (syncfs(tree.root()) != 0) return system_error("sync", tree.shown(""), errno);
    TRY_ASSIGN(IndexReader index, IndexReader::open(manifest));
    const CheckOptions how{workplace.folder(), options.threads != 0 ? options.threads : read_limits().threads, false,
                           true};
    TRY_ASSIGN(const Verdict verdict, check_tree(tree, std::move(index), how, world.counters, world.signals));
    outcome.verdict = verdict;
    outcome.seconds = std::chrono::duration<double>(world.clock.steady_now() - began).count();
    if (verdict.differences != 0) return mismatch(verdict);
    return outcome;
}

}  // namespace holdfast::mover
