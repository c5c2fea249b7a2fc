// One pass: everything that differs between the source and what the target is known to have goes to the target, and the
// index of the result is kept.
#pragma once

#include "common/os/clock.h"
#include "common/os/signals.h"
#include "plugins/migrate/mover/counters.h"
#include "plugins/migrate/mover/side.h"
#include "plugins/migrate/mover/state.h"
#include "plugins/migrate/mover/tree.h"
#include "plugins/migrate/mover/used_blocks.h"
#include "plugins/migrate/mover/walk.h"

#include <optional>
#include <string>

namespace holdfast::mover {

struct PassOptions {
    std::string operation;
    std::string scratch;  // folder
    int threads = 1;
    bool read_back = false;       // what is written will be
    bool paranoid = false;        // read all of the source, whatever its times say
    std::uint64_t bandwidth = 0;  // bytes a second of content; 0: no limit
    std::uint64_t group_bytes = std::uint64_t{128} << 20;
    std::size_t group_entries = 4096;
    ExtentList* used = nullptr;  // of an image: only these; else all
    // What a walk saw, that began after `synced_at`, when the source was synced. Without it the pass walks itself.
    Visits* seen = nullptr;
    std::optional<std::chrono::system_clock::time_point> synced_at;
};

struct PassContext {
    const Tree& source;
    TargetSide& target;
    State& state;
    Counters& counters;
    Clock& clock;
    const Signals& signals;
};

struct PassResult {
    IndexEnd end;
    Meta root;                   // for seal()
    std::uint64_t unproven = 0;  // entries of State::unproven()
};

// `start` is what begin() answered. On errors the target and the state are such that the same pass can go on later.
Result<PassResult> run_pass(PassContext context, const PassOptions& options, const TargetState& start);

}  // namespace holdfast::mover
