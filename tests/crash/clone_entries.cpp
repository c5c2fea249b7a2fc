#include "tests/crash/plugins.h"
#include "tests/crash/world.h"

namespace holdfast::crash {
namespace {

CommandLine clone(std::vector<std::string> words) { return {"clone", std::move(words)}; }

CommandLine clone_claim(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"pvc/data-postgres-0", "data-copy"});
    return clone(std::move(more));
}

void make_clone(sim::Sim& sim) { must_run(sim, clone({"sts/postgres", "staging"})); }

// Killed when everything of it is there.
void leave_clone(sim::Sim& sim) {
    kill_after(sim, clone({"deploy/files", "papers", "--to-namespace", "elsewhere"}), sim::Verb::kCreate,
               kube::kDeployments);
}

// The simulated database knows what this statement means.
constexpr char kMask[] = HOLDFAST_SOURCE_DIR "/tests/crash/mask.sql";
CommandLine masked_clone(const std::vector<std::string>& more) {
    std::vector<std::string> words = {"sts/postgres", "staging", "--sql", kMask};
    words.insert(words.end(), more.begin(), more.end());
    return clone(std::move(words));
}

// Killed when the statements had run and old rows were still everywhere.
void leave_half_masked(sim::Sim& sim) {
    kill_at(sim, masked_clone({"--ordinals", "0=0,0=1"}), [statements = 0](const sim::Call& call) mutable {
        return call.verb == sim::Verb::kSql && ++statements == 8;
    });
}

// Killed when all that is masked was on a fresh volume, without the mark that says so.
void leave_unmarked(sim::Sim& sim) {
    kill_at(sim, masked_clone({"--ordinals", "0=0,0=1"}), [](const sim::Call& call) {
        return call.verb == sim::Verb::kDelete && call.ref.resource == kube::kPods &&
               call.ref.name.find("-copy-") != std::string::npos;
    });
}

// Of lines that differ little from another: resume is what the same line again is.
const std::vector<Way> kBackAndForth = {Way::kRerun, Way::kAbort};

}  // namespace

std::vector<Entry> clone_entries() {
    const auto create = [](const char* name, CommandLine line, CommandLine other, std::vector<Way> ways, int doubles,
                           int actors, int faults) {
        return Entry{name,
                     "clone",
                     "create",
                     nullptr,
                     always(std::move(line)),
                     std::move(ways),
                     kNameTaken,
                     nullptr,
                     doubles,
                     false,
                     Deletes::kNothing,
                     actors,
                     always(std::move(other)),
                     faults};
    };
    const auto elsewhere = [](Entry entry) {
        entry.prepare = add_other_cluster;
        return entry;
    };
    // What is done with a masking that another line has begun.
    const auto half = [](const char* name, void (*prepare)(sim::Sim&), auto line, int done) {
        Entry entry{name,
                    "clone",
                    "create",
                    prepare,
                    std::move(line),
                    kAgain,
                    done,
                    on_operation("clone", "abort"),
                    64,
                    false,
                    Deletes::kNothing,
                    96,
                    always(masked_clone({"--replicas", "1"})),
                    48};
        entry.masks = true;
        return entry;
    };
    const CommandLine larger = clone_claim({"--size", "2Gi"});
    return {
        create("clone-pvc", clone_claim(), larger, kAll, 1, 4, 1),
        create("clone-pvc-driver", clone_claim({"--method", "clone"}), larger, kBackAndForth, 2, 12, 4),
        create("clone-pvc-elsewhere", clone_claim({"--to-namespace", "elsewhere", "--ttl", "48h"}), larger,
               kBackAndForth, 2, 12, 4),
        create("clone-pod-consumer", clone({"pod/postgres-0", "copy", "--storage-class", "later"}),
               clone({"pod/postgres-0", "copy", "--storage-class", "fast"}), kBackAndForth, 2, 16, 4),
        create("clone-sts", clone({"sts/postgres", "staging", "--replicas", "1"}), clone({"sts/postgres", "staging"}),
               kAll, 2, 12, 3),
        create("clone-deploy", clone({"deploy/files", "papers", "--to-namespace", "elsewhere"}),
               clone({"deploy/files", "papers"}), kBackAndForth, 3, 24, 6),
        create("clone-masked", masked_clone({"--ordinals", "0=0,0=1"}), masked_clone({"--replicas", "1"}),
               kBackAndForth, 64, 24, 24),
        // Of a claim by itself nothing is found by the labels of a workload's clone.
        create("clone-masked-claim", clone_claim({"--sql", kMask}), larger, {Way::kRerun}, 64, 48, 24),
        create("clone-isolated", clone({"sts/postgres", "staging", "--isolated", "--replicas", "1"}),
               clone({"sts/postgres", "staging"}), kBackAndForth, 4, 24, 8),
        {"clone-back", "clone", "create", leave_clone, on_operation("clone", "abort"), kAgain, kNothingLeft, nullptr, 3,
         false, Deletes::kNothing, 12, always(clone({"deploy/files", "papers"})), 3},
        half("clone-masked-back", leave_half_masked, on_operation("clone", "abort"), kNothingLeft),
        // Where it fails all of it is removed, so that another resume finds nothing, and the same line makes it anew.
        half("clone-masked-resume", leave_half_masked, on_operation("clone", "resume"), kNothingLeft),
        half("clone-masked-on", leave_half_masked, always(masked_clone({"--ordinals", "0=0,0=1"})), kNameTaken),
        half("clone-masked-again", leave_unmarked, always(masked_clone({"--ordinals", "0=0,0=1"})), kNameTaken),
        half("clone-unmarked-back", leave_unmarked, on_operation("clone", "abort"), kNothingLeft),
        {"clone-gc", "clone", "create", leave_unmarked, always(clone({"gc", "--yes"})), kAgain},
        elsewhere(create("clone-pvc-other", clone_claim({"--to-context", "other"}), larger, kBackAndForth, 2, 12, 2)),
        elsewhere(create("clone-masked-other", masked_clone({"--ordinals", "0=0,0=1", "--to-context", "other"}),
                         masked_clone({"--replicas", "1"}), {Way::kRerun}, 64, 48, 48)),
        {"clone-delete", "clone", "delete", make_clone, always(clone({"delete", "staging", "--yes"})), kForward,
         kNothingLeft, nullptr, 1, false, Deletes::kNothing, 12, nullptr, 2},
    };
}

}  // namespace holdfast::crash
