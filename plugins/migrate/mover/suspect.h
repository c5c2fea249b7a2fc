// From when on times tell nothing of what is written after them: a clock's tick can hold more than one change.
#pragma once

#include "common/os/clock.h"
#include "plugins/migrate/mover/meta.h"

#include <algorithm>

namespace holdfast::mover {

class SuspectSince {
  public:
    SuspectSince(Clock& clock, std::chrono::system_clock::time_point pass_began)
        : clock_(clock), pass_began_(pass_began) {}

    // Before the pass. Or before now, should the clock have been set back meanwhile: what is written now has such
    // times.
    bool is_suspect(const Time& changed, const Time& modified) const {
        const auto from = std::min(pass_began_, clock_.now()).time_since_epoch();
        // Two seconds: the coarsest time that a filesystem keeps, and more than any tick.
        const Time since{std::chrono::duration_cast<std::chrono::seconds>(from).count() - 2, 0};
        return changed >= since || modified >= since;
    }

  private:
    Clock& clock_;
    std::chrono::system_clock::time_point pass_began_;
};

}  // namespace holdfast::mover
