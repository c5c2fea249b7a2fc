// Reading a tree back against an index.
#pragma once

#include "common/os/signals.h"
#include "plugins/migrate/mover/counters.h"
#include "plugins/migrate/mover/early.h"
#include "plugins/migrate/mover/index_file.h"
#include "plugins/migrate/mover/side.h"
#include "plugins/migrate/mover/survey.h"
#include "plugins/migrate/mover/tree.h"

#include <atomic>
#include <optional>
#include <string>
#include <thread>

namespace holdfast::mover {

struct CheckOptions {
    std::string scratch;
    int threads = 1;
    CheckHow how = CheckHow::kAll;
    bool from_disk = true;                 // past the page cache; the caller has synced
    const EarlyReadBack* early = nullptr;  // what of this pass need not be read once more
};

// Compares names, metadata and content, both ways; kMismatch only for an index that is damaged: what is wrong with the
// tree is in the verdict. Files that cannot be read are errors (kUnavailable) that name them.
Result<Verdict> check_tree(const Tree& tree, IndexReader index, const CheckOptions& options, Counters& counters,
                           const Signals& signals);

// Removes what is not in the index. lost+found in the root stays.
Status prune_tree(const Tree& tree, IndexReader index, const std::string& scratch);

// The last look at a source that stands still, beside other work: begun once all of the source was read, it goes on
// while the target makes durable what it got.
class LastLook {
  public:
    LastLook() = default;
    LastLook(const LastLook&) = delete;
    LastLook& operator=(const LastLook&) = delete;
    ~LastLook();
    void start(const Tree& source, int threads);  // once; `source` must outlive this
    // Waits for its end. nullopt as survey() says, or if it was not begun.
    std::optional<Survey> take();

  private:
    std::atomic<bool> stop_ = false;
    std::optional<Survey> seen_;
    std::thread thread_;
};

// That nothing has changed in a source between what its index, the one at `path`, says and `seen`: kMismatch names what
// has, by a walk of its own, which also decides where `seen` is nothing. Looks at times and sizes, reads nothing.
// `expected`: of the index, see IndexEnd.
Status check_source(const Tree& tree, const std::string& path, const Fingerprint& expected,
                    const std::optional<Survey>& seen, const std::string& scratch);

}  // namespace holdfast::mover
