// Reading a tree back against an index.
#pragma once

#include "common/os/signals.h"
#include "plugins/migrate/mover/counters.h"
#include "plugins/migrate/mover/early.h"
#include "plugins/migrate/mover/index_file.h"
#include "plugins/migrate/mover/side.h"
#include "plugins/migrate/mover/tree.h"

#include <string>

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

// That nothing has changed in a source since its index, the one at `path`, was written: kMismatch names what has. Looks
// at times and sizes, reads nothing. `expected`: of the index, see IndexEnd.
Status check_source(const Tree& tree, const std::string& path, const Fingerprint& expected, int threads,
                    const std::string& scratch);

}  // namespace holdfast::mover
