#include "tests/crash/plugins.h"

namespace holdfast::crash {
namespace {

const std::vector<std::string> kCreate = {"create", "sts/postgres", "--name", "before", "--app", "none"};

CommandLine snap(std::vector<std::string> words) { return {"snap", std::move(words)}; }

CommandLine create_with(std::vector<std::string> more) {
    more.insert(more.begin(), kCreate.begin(), kCreate.end());
    return snap(std::move(more));
}

// Killed when the first snapshots were made and before the set was complete.
void leave_incomplete(sim::Sim& sim) { kill_at(sim, create_with({}), sim::Verb::kWatch); }

}  // namespace

std::vector<Entry> snap_entries() {
    return {
        {"snap-create", "snap", "create", nullptr, always(create_with({})), kAll, kNameTaken, nullptr, 1},
        {"snap-create-ready", "snap", "create", nullptr, always(create_with({"--wait", "ready"})), kAll, kNameTaken,
         nullptr, 1},
        {"snap-create-app", "snap", "create", nullptr, always(snap({"create", "sts/postgres", "--name", "before"})),
         kAll, kNameTaken, always(snap(kCreate)), 1},
        // --post is run by a rerun and a resume; abort leaves it to the user, and says so.
        {"snap-create-pre", "snap", "create", nullptr,
         always(create_with({"--quiesce", "exec", "--pre", "freeze", "--post", "thaw"})), kForward, kNameTaken,
         always(snap(kCreate)), 1},
        {"snap-create-hold", "snap", "create", nullptr, always(create_with({"--quiesce", "exec", "--hold", "hold"})),
         kAll, kNameTaken, always(snap(kCreate)), 1},
        {"snap-back", "snap", "create", leave_incomplete, on_operation("snap", "abort"), kAgain, kNothingLeft, nullptr,
         1, false, Deletes::kSnapshots},
        {"snap-on", "snap", "create", leave_incomplete, on_operation("snap", "resume"), kAgain, kNothingLeft,
         on_operation("snap", "abort"), 1, false, Deletes::kSnapshots},
        {"snap-delete", "snap", "delete", make_set, always(snap({"delete", "before", "--force", "--yes"})), kAll,
         kNothingLeft, nullptr, 1, false, Deletes::kSnapshots},
        {"snap-protect", "snap", "protect", make_set, always(snap({"protect", "before", "--yes"})), kAll},
    };
}

}  // namespace holdfast::crash
