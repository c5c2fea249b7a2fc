// The whole of a copy, whatever the target is: passes, reading back, the last look at the source.
#pragma once

#include "common/os/files.h"
#include "plugins/migrate/mover/commands.h"
#include "plugins/migrate/mover/pass.h"

namespace holdfast::mover {

// Folder for what a run needs: --state, or a temporary one that goes with this object.
class Workplace {
  public:
    static Result<Workplace> open(const Options& options);
    // kRefused: this folder or the file of --manifest lies in `tree`, which would not stay, or not become, what it is
    // to be.
    Status keep_out_of(const Tree& tree, const Options& options) const;
    State& state() { return *state_; }
    const std::string& folder() const { return state_->folder(); }

  private:
    std::optional<TemporaryDirectory> temporary_;
    std::unique_ptr<State> state_;
};

// What SOURCE names, and TARGET: a directory, or a block device or image that is opened so that nobody else uses it.
Result<Tree> open_source(const Options& options);
Result<Tree> open_target(const std::string& path);

// Scans the source and refuses what the target cannot hold; then, live or final, see docs/mover.md.
Result<Outcome> drive_copy(const Tree& source, TargetSide& target, Workplace& workplace, const Options& options,
                           World world);

}  // namespace holdfast::mover
