// An index made from a target, when the one that the source's side kept is lost: by reading, never by trusting times.
#pragma once

#include "common/os/signals.h"
#include "plugins/migrate/mover/index_file.h"
#include "plugins/migrate/mover/tree.h"

#include <string>

namespace holdfast::mover {

// Writes the index of the tree to `path`. Files with several names are left out: how they hang together on the target
// says nothing about the source, so they are sent again.
Status rebuild_index(const Tree& tree, const std::string& path, const IndexHead& head, const std::string& scratch,
                     const Signals& signals);
// The same of a block device or an image: all of it is read.
Status rebuild_image_index(const Tree& image, const std::string& path, const IndexHead& head, const Signals& signals);

}  // namespace holdfast::mover
