// A small Kubernetes in memory: the store, the storage behind it, time, and controllers that run when time passes.
// Single-threaded and seeded: the same seed and the same requests give the same trace. A value: copying it forks the
// world, so that thousands of cases start from one prepared state. It is a test double and never links into a plugin.
#pragma once

#include "common/core/duration.h"
#include "common/os/clock.h"
#include "tests/sim/backend.h"
#include "tests/sim/random.h"
#include "tests/sim/store.h"

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <set>

namespace holdfast::sim {

using std::chrono::milliseconds;

enum class Controller {
    kBinder,       // claims and volumes find each other; phases; reclaim
    kResizer,      // grows volumes and, on the node, their filesystems
    kProvisioner,  // makes volumes, empty or from a snapshot; takes them away
    kProtection,   // finalizers of claims and volumes that are in use
    kSnapshots,    // snapshot-controller: snapshots and their claims
    kContents,     // snapshot-controller's other half, and the sidecar that cuts
    kStatefulSets,
    kDeployments,
    kReplicaSets,
    kPods,  // scheduler, kubelet and attach controller
    kGarbage,
    kNamespaces,
    kQuota,
    kCount,
};

// How long the outside world takes. Each wait is this plus up to a half, by the dice.
struct Delays {
    milliseconds request{2};
    milliseconds controller{20};
    milliseconds provision{700};
    milliseconds cut{300};
    milliseconds ready{2500};
    milliseconds pod_start{900};
    milliseconds probe{400};
    milliseconds pod_stop{600};
    milliseconds detach{600};
    milliseconds pod_clear{50};  // from the end of its containers until the pod is gone
};

class Ownership;

class Sim {
  public:
    explicit Sim(std::uint64_t seed);

    Store store;
    // Of a cluster with another one beside it: what they share.
    Backend& backend() { return *around_.storage; }
    const Backend& backend() const { return *around_.storage; }
    Dice dice;
    Delays delays;
    // Controllers work side by side, as on a real cluster: after a write one may be held up while others go on from
    // what it has done so far, and objects of one kind come in any order. What it then writes to an object that
    // somebody has changed meanwhile is a conflict, and it begins anew. False: each finishes what it began.
    bool restless = false;
    std::set<std::string> held_back;  // pods ("ns/name") whose writes a command holds back
    // Called after every change of the store, whoever made it. Invariants are checked here.
    std::function<void(const Sim&, const Change&)> on_change;
    // A client's request is being carried out: what changes meanwhile is its doing, and no controller's.
    bool client_writes = false;
    // Its driver works on a storage of its own, which has other snapshots under the same handles: cut so much later.
    // (Between a second cluster and the one beside it; that it has what the other one has is all that differs.)
    milliseconds cut_later{0};
    // Null: nobody applies, and nothing is kept of who wrote what.
    std::shared_ptr<Ownership> ownership = nullptr;
    // False: the access review and the request are answered with "forbidden".
    std::function<bool(const kube::AccessCheck&)> may;

    SystemTime epoch;  // when it began
    SystemTime now() const;
    std::chrono::nanoseconds elapsed() const { return elapsed_; }
    // Time passes, and every controller that is due meanwhile runs at its moment.
    void advance(milliseconds duration);
    // When the next controller is due, if any is.
    std::optional<milliseconds> next_due() const;
    // Lets time pass until nothing is due any more; false if that takes longer than the limit.
    bool settle(milliseconds limit);
    // The controller will run within `delay` (and a bit).
    void wake(Controller who, milliseconds delay);
    milliseconds around(milliseconds delay);  // the delay plus up to a half
    // Something that takes the outside world `delay`: false until that time has passed since it was first asked for
    // under this name; the controller is woken then.
    bool ripe(const std::string& what, milliseconds delay, Controller who);

    // All of a kind, as a controller goes through them: for controllers only. Restless: some come at the next look.
    std::vector<ObjectPtr> all_of(const kube::Resource& resource);
    // As an informer's cache or requests side by side give them: in no order. Restless only, as hold_up.
    std::vector<ObjectPtr> in_any_order(std::vector<ObjectPtr> all);
    // A controller is held up, others go on: what it has read may have changed when it decides.
    void hold_up();

    // A write as a controller or the API server makes it: wakes whom it concerns, lets an object go whose last
    // finalizer went. Nothing is written if nothing would change.
    void put(Json object);
    void erase(const kube::ObjectRef& ref);
    // Changes the object if it is there.
    void edit(const kube::ObjectRef& ref, const std::function<void(Json&)>& change);
    // The same for what changes nothing outside one field, "status" or "metadata": where most looks find nothing to
    // change, the rest of the object is not copied for nothing.
    void edit(const kube::ObjectRef& ref, const char* field, const std::function<void(Json&)>& change);
    // metadata.deletionTimestamp, or gone at once if no finalizer holds it.
    // A pod that was placed has its own grace.
    void begin_deletion(const kube::ObjectRef& ref);
    std::string new_uid();

    // A second cluster on the same storage, with controllers of its own, that lives as long as this one: time passes in
    // both, whichever is asked to let it pass. It is empty at first.
    Sim& add_other(std::uint64_t seed);
    Sim* other();              // null: there is none
    const Sim* other() const;  // for looking

  private:
    // What a copy of this world has for itself, too.
    struct Around {
        Around();
        Around(const Around& from);
        Around(Around&&) noexcept;
        Around& operator=(const Around& from);
        Around& operator=(Around&&) noexcept;
        ~Around();
        std::shared_ptr<Backend> storage;
        std::unique_ptr<Sim> other;
    };

    // A controller that is at work, and what others have changed since it began.
    struct AtWork {
        Controller who;
        std::set<std::string> changed_by_others;
    };

    void put_at(const kube::ObjectRef& ref, Json object);
    std::optional<milliseconds> own_due() const;
    void changed();
    void run_due();
    void run(Controller who);
    void pass_until(std::chrono::nanoseconds end);
    bool is_at_work(Controller who) const;
    void check_conflict(const kube::ObjectRef& ref) const;

    Around around_;
    Sim* main_ = nullptr;  // of an other one: the one beside which it lives
    std::chrono::nanoseconds elapsed_{0};
    std::array<std::optional<std::chrono::nanoseconds>, static_cast<std::size_t>(Controller::kCount)> due_;
    std::map<std::string, std::chrono::nanoseconds> timers_;
    int uids_ = 0;
    std::vector<AtWork> at_work_;  // the last one writes, the others are held up
};

class SimClock : public Clock {
  public:
    explicit SimClock(Sim& sim) : sim_(sim) {}
    std::chrono::system_clock::time_point now() override { return sim_.now() + jump; }
    std::chrono::steady_clock::time_point steady_now() override {
        return std::chrono::steady_clock::time_point(sim_.elapsed() + std::chrono::hours(1));
    }
    void sleep_for(milliseconds duration) override { sim_.advance(duration); }

    std::chrono::seconds jump{0};  // the wall clock is wrong by this much

  private:
    Sim& sim_;
};

// Finalizers and owner references.
bool has_finalizer(const Json& object, const std::string& name);
void add_finalizer(Json& object, const std::string& name);
void drop_finalizer(Json& object, const std::string& name);
bool has_ended(const Json& pod);  // Succeeded or Failed

}  // namespace holdfast::sim
