// The target's side of a connection: what was sent is done to a local target.
#pragma once

#include "plugins/migrate/mover/channel.h"
#include "plugins/migrate/mover/local_target.h"

#include <string>

namespace holdfast::mover {

struct ServeOptions {
    std::string scratch;
    int threads = 1;
    std::size_t queued = 8;  // frames that came and wait to be written
};

enum class Served {
    kDone,    // the source said so
    kSealed,  // and it was the last pass
    kLost,    // the connection went, or its peer is no mover: another may come and go on
};
// An error is of the target; the source has been told.
Result<Served> serve(std::unique_ptr<Wire> wire, LocalTarget& target, const ServeOptions& options);

}  // namespace holdfast::mover
