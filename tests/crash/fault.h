// The faults of the matrix, and the gate that makes one of them happen at one request.
#pragma once

#include "tests/crash/command.h"
#include "tests/crash/memory.h"
#include "tests/sim/gate.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::crash {

enum class Fault {
    kKillBefore,
    kKillAfterCommit,
    kKillAfterAnswer,
    k401,
    k403,
    k404,
    kConflict,
    kExists,
    kGone,
    k429,
    k500,
    k503,
    k504NotApplied,
    k504Applied,
    kResetBefore,
    kResetAfter,
    kHalfBody,
    kTwice,
    kStale,
    kWatchStall,
    kWatchLost,
    kWatchTwice,
    kWatchReordered,
    kWatchGone,
    kWatchEnd,
    kDelay,
    kClockJump,
    kClockBack,
    kInterrupt,
    kInterruptTwice,
    kReaderGone,        // of the output
    kNoMemory,          // an allocation fails, and the process with it
    kAllocation,        // ... one that it makes between this request and the next
    kAllocations,       // ... that one and all that follow
    kFails,             // the command in the pod exits 1, the statement is refused
    kDropsSource,       // the API server drops a claim's data source, so that it would get an empty volume
    kSlowCluster,       // from this write on controllers, storage and nodes take fifteen times as long
    kSomebodyChanges,   // another client annotates the object just before our write
    kSomebodyReplaces,  // ... deletes it and makes one of their own under its name (also before we look at it)
    kSomebodyTakes,     // ... makes an object under the name that we are about to create
    kCount,
};

std::string fault_name(Fault fault);
std::vector<Fault> all_faults();
// Whether the fault can happen to such a request.
bool applies(Fault fault, const sim::Call& call);
// Those after which the process is no more.
bool kills(Fault fault);
// Whether such a request can change anything, in a pod at least.
bool may_change(const sim::Call& call);

// What controllers do not change of an object: its data, its deletion policy.
std::string essence(const Json& object);
// Those after which the process has no memory.
bool starves(Fault fault);
// Those after which the object is somebody else's, and must stay as it is.
bool takes(Fault fault);

struct Injection {
    int boundary = -1;  // -1: nowhere
    Fault fault = Fault::kKillBefore;
    long allocation = 0;  // which one fails, counted from the answer on
    // Instead of a fault: somebody else acts just before the request.
    std::function<void(const sim::Call&)> somebody = nullptr;
    // Is told of every request that was carried out.
    std::function<void(const sim::Call&, bool changed)> told = nullptr;
    // Asked before every request; what it gives takes the place of this injection from that request on.
    std::function<std::optional<Injection>(int boundary, const sim::Call&)> branch = nullptr;
};

// Counts the requests of one run, and lets the fault happen at its boundary.
class FaultGate : public sim::Gate {
  public:
    FaultGate(Machine machine, Injection injection) : machine_(machine), injection_(injection) {}

    std::optional<Error> before(const sim::Call& call) override;
    std::optional<Error> after(const sim::Call& call) override;
    void acted(const sim::Call& call, bool changed) override;
    int lag() override;
    bool drops_source() override;
    bool twice() override { return faulty() && injection_.fault == Fault::kTwice; }
    sim::WatchFault watch_fault() override;

    const std::vector<sim::Call>& calls() const { return calls_; }
    // Whether each has changed anything, be it in a pod only.
    const std::vector<bool>& changes() const { return changes_; }
    const Injection& injection() const { return injection_; }
    bool happened() const { return happened_ || memory_failed(); }
    // How much the process has allocated between each request's answer and the next request.
    const std::vector<long>& allocations() const { return allocations_; }
    // What another client has made or changed; empty name: nothing.
    const kube::ObjectRef& theirs() const { return theirs_; }
    bool theirs_there() const { return theirs_there_; }  // in the second cluster
    const std::string& theirs_uid() const { return theirs_uid_; }
    const std::string& theirs_text() const { return theirs_text_; }

  private:
    sim::Sim& cluster_of(const sim::Call& call) const;
    void meddle(const sim::Call& call);
    void raise(int times);
    bool faulty() const { return here() && !injection_.somebody; }
    bool here() const { return static_cast<int>(calls_.size()) - 1 == injection_.boundary; }

    Machine machine_;
    Injection injection_;
    bool memory_failed() const { return injection_.allocation > 0 && failed(); }

    std::vector<sim::Call> calls_;
    std::vector<bool> changes_;
    std::vector<long> allocations_;
    bool happened_ = false;
    bool source_ = false;  // of the call that is being made
    kube::ObjectRef theirs_;
    bool theirs_there_ = false;
    std::string theirs_uid_, theirs_text_;
};

}  // namespace holdfast::crash
