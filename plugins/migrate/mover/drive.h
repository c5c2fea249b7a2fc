// The whole of a copy, whatever the target is: passes, reading back, the last look at the source.
#pragma once

#include "common/os/files.h"
#include "plugins/migrate/mover/commands.h"
#include "plugins/migrate/mover/manifest.h"
#include "plugins/migrate/mover/pass.h"

#include <initializer_list>

namespace holdfast::mover {

// Folder for what a run needs: --state, or a temporary one that goes with this object.
class Workplace {
  public:
    static Result<Workplace> open(const Options& options);
    // For this run alone, and for what is written in it beside these. kRefused: what is written would lie in one of
    // them, which would not stay, or not become, what it is to be. kLocked: another mover works with it. kFailed: the
    // manifest cannot be written.
    Status take(std::initializer_list<const Tree*> trees, const Options& options, StateUser user = StateUser::kSource);
    State& state() { return *state_; }
    Manifest& manifest() { return manifest_; }
    const std::string& folder() const { return state_->folder(); }

  private:
    Status keep_out_of(const Tree& tree, const Options& options) const;
    Status keep_off(const Tree& image, const Options& options) const;
    std::optional<TemporaryDirectory> temporary_;
    Manifest manifest_;
    std::unique_ptr<State> state_;
};

// What SOURCE names, and TARGET: a directory, or a block device or image that is opened so that nobody else uses it.
Result<Tree> open_source(const Options& options);
Result<Tree> open_target(const std::string& path);

// Scans the source and refuses what the target cannot hold; then, live or final, see docs/mover.md.
Result<Outcome> drive_copy(const Tree& source, TargetSide& target, Workplace& workplace, const Options& options,
                           World world);

}  // namespace holdfast::mover
