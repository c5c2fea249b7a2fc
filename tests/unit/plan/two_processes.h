// Two processes that work on one fake cluster, each with an identity of its own: what each knows of the other is set by
// the test.
#pragma once

#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/plan/drive.h"
#include "common/plan/holding.h"
#include "tests/unit/support/fake_cluster.h"

#include <map>
#include <string>
#include <vector>

namespace holdfast::testing {

struct CountedSignals : Signals {
    int number = 0;
    int count() const override { return number; }
    int last() const override { return 2; }
};

struct Heard : plan::Witness {
    std::vector<std::string> messages;
    void step_started(const plan::Step&) override {}
    void step_waits(const plan::Step&, const std::string&) override {}
    void step_done(const plan::Step&, double) override {}
    void step_failed(const plan::Step&, const Error&) override {}
    void message(const std::string& text) override { messages.push_back(text); }
};

// A clock whose two faces can be told apart: a machine that sleeps, a wall clock that is set.
struct TwoFacedClock : FakeClock {
    std::chrono::seconds wall_ahead{0};
    std::chrono::system_clock::time_point now() override { return FakeClock::now() + wall_ahead; }
};

// What the other process is seen from here, for every identity.
using Seen = std::map<std::string, OwnerState>;

struct TestProcess {
    TestProcess(FakeCluster& cluster, Clock& clock, const Seen& seen, const std::string& pid)
        : world{cluster, clock, signals, witness, nullptr, nullptr, nullptr, {}} {
        const std::string me = "boot/pid:[1]/" + pid + "/77";
        world.self = {me, "host-" + pid, [me, &seen](const std::string& identity) {
                          if (identity == me) return OwnerState::kSelf;
                          const auto found = seen.find(identity);
                          return found == seen.end() ? OwnerState::kElsewhere : found->second;
                      }};
    }
    CountedSignals signals;
    Heard witness;
    plan::World world;
};

inline kube::ObjectRef sts(const std::string& name) { return {kube::kStatefulSets, "n", name}; }
inline kube::ObjectRef pvc(const std::string& name) { return {kube::kClaims, "n", name}; }

inline Json object_at(const kube::ObjectRef& ref) {
    return {{"apiVersion", ref.resource.api_version()},
            {"kind", ref.resource.kind},
            {"metadata", {{"name", ref.name}, {"namespace", ref.space}}}};
}

struct TwoProcesses {
    TwoFacedClock clock;
    FakeCluster cluster{clock};
    Seen seen;  // empty: each knows the other only by its Lease
    TestProcess a{cluster, clock, seen, "11"}, b{cluster, clock, seen, "22"};

    TwoProcesses() { cluster.put(object_at(sts("db"))); }

    void sleep(int seconds) { clock.sleep_for(std::chrono::seconds(seconds)); }
    void a_is(OwnerState state) { seen[a.world.self.identity] = state; }
    kube::Lease lease(const kube::ObjectRef& ref) {
        const Json* found = cluster.at(ref);
        return found == nullptr ? kube::Lease{} : kube::lease_of(*found);
    }
    std::size_t writes() const { return cluster.writes().size(); }
};

inline plan::Journal journal_of(const std::string& operation, const std::vector<plan::Lock>& locks) {
    plan::Journal journal;
    journal.operation = operation;
    journal.kind = "twice";
    journal.target = "db";
    journal.space = "n";
    journal.plugin = "restore";
    journal.command = "twice";
    journal.locks = locks;
    return journal;
}

}  // namespace holdfast::testing
