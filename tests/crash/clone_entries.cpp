#include "tests/crash/plugins.h"

namespace holdfast::crash {
namespace {

CommandLine clone(std::vector<std::string> words) { return {"clone", std::move(words)}; }

CommandLine clone_claim(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"pvc/data-postgres-0", "data-copy"});
    return clone(std::move(more));
}

void make_clone(sim::Sim& sim) { must_run(sim, clone({"sts/postgres", "staging"})); }

// The simulated database knows what this statement means.
CommandLine masked_clone(const std::vector<std::string>& more) {
    std::vector<std::string> words = {"sts/postgres", "staging", "--sql", HOLDFAST_SOURCE_DIR "/tests/crash/mask.sql"};
    words.insert(words.end(), more.begin(), more.end());
    return clone(std::move(words));
}

std::function<CommandLine(const sim::Sim&)> larger() { return always(clone_claim({"--size", "2Gi"})); }

}  // namespace

std::vector<Entry> clone_entries() {
    return {
        {"clone-pvc", "clone", "create", nullptr, always(clone_claim()), kAll, kNameTaken, nullptr, 5, false,
         Deletes::kNothing, 4, larger()},
        {"clone-pvc-driver", "clone", "create", nullptr, always(clone_claim({"--method", "clone"})), kAll, kNameTaken,
         nullptr, 8, false, Deletes::kNothing, 8, larger()},
        {"clone-pvc-elsewhere", "clone", "create", nullptr,
         always(clone_claim({"--to-namespace", "elsewhere", "--ttl", "48h"})), kAll, kNameTaken, nullptr, 8, false,
         Deletes::kNothing, 8, larger()},
        {"clone-pod-consumer", "clone", "create", nullptr,
         always(clone({"pod/postgres-0", "copy", "--storage-class", "later"})), kAll, kNameTaken, nullptr, 12, false,
         Deletes::kNothing, 12, always(clone({"pod/postgres-0", "copy", "--storage-class", "fast"}))},
        {"clone-sts", "clone", "create", nullptr, always(clone({"sts/postgres", "staging", "--replicas", "1"})), kAll,
         kNameTaken, nullptr, 12, false, Deletes::kNothing, 12, always(clone({"sts/postgres", "staging"}))},
        {"clone-deploy", "clone", "create", nullptr,
         always(clone({"deploy/files", "papers", "--to-namespace", "elsewhere"})), kAll, kNameTaken, nullptr, 12, false,
         Deletes::kNothing, 12, always(clone({"deploy/files", "papers"}))},
        {"clone-masked", "clone", "create", nullptr, always(masked_clone({"--ordinals", "0=0,0=1"})), kAll, kNameTaken,
         nullptr, 24, false, Deletes::kNothing, 16, always(masked_clone({"--replicas", "1"})), 3},
        {"clone-isolated", "clone", "create", nullptr,
         always(clone({"sts/postgres", "staging", "--isolated", "--replicas", "1"})), kAll, kNameTaken, nullptr, 24,
         false, Deletes::kNothing, 16, always(clone({"sts/postgres", "staging"})), 3},
        {"clone-delete", "clone", "delete", make_clone, always(clone({"delete", "staging", "--yes"})), kForward,
         kNothingLeft, nullptr, 8, false, Deletes::kNothing, 8},
    };
}

}  // namespace holdfast::crash
