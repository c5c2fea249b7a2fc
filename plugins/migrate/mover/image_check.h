// Reading an image back against an index.
#pragma once

#include "common/os/signals.h"
#include "plugins/migrate/mover/counters.h"
#include "plugins/migrate/mover/index_file.h"
#include "plugins/migrate/mover/side.h"
#include "plugins/migrate/mover/tree.h"

namespace holdfast::mover {

// Compares size and content, from the disk; the caller has synced. kMismatch: the index is damaged, or of a tree.
Result<Verdict> check_image(const Tree& image, IndexReader index, int threads, Counters& counters,
                            const Signals& signals);

// That an image in a file is as it was when the index was written: kMismatch. Who opened a device for a final copy has
// it alone, so that of a device nothing need be asked.
Status check_image_source(const Tree& image, IndexReader index);

}  // namespace holdfast::mover
