#include "tests/crash/fault.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "tests/crash/mark.h"
#include "tests/sim/api.h"

#include <array>
#include <new>

namespace holdfast::crash {
namespace {

using sim::api_error;
using sim::Verb;

constexpr std::array kNames = {"kill-before",
                               "kill-after-commit",
                               "kill-after-answer",
                               "401",
                               "403",
                               "404",
                               "409-conflict",
                               "409-exists",
                               "410",
                               "429",
                               "500",
                               "503",
                               "504-not-applied",
                               "504-applied",
                               "reset-before",
                               "reset-after",
                               "half-body",
                               "twice",
                               "stale-read",
                               "watch-stall",
                               "event-lost",
                               "event-twice",
                               "event-reordered",
                               "watch-410",
                               "watch-end",
                               "delay-30s",
                               "clock-ahead",
                               "clock-back",
                               "interrupt",
                               "interrupt-twice",
                               "reader-gone",
                               "no-memory",
                               "allocation-fails",
                               "allocations-fail",
                               "fails",
                               "drops-source",
                               "slow-cluster",
                               "somebody-changes",
                               "somebody-replaces",
                               "somebody-takes"};
static_assert(kNames.size() == static_cast<std::size_t>(Fault::kCount));

bool in_pod(Verb verb) { return verb == Verb::kExec || verb == Verb::kHold || verb == Verb::kSql; }

// What the client makes of such an answer (common/kube/reply.cpp).
std::optional<Error> answer_of(Fault fault, const sim::Call& call) {
    switch (fault) {
        case Fault::k401:
            return api_error(ErrorKind::kUnauthorized, 401, "Unauthorized", "Unauthorized");
        case Fault::k403:
            return api_error(ErrorKind::kForbidden, 403, "Forbidden", call.ref.resource.qualified() + " is forbidden");
        case Fault::k404:
            return api_error(ErrorKind::kNotFound, 404, "NotFound", "the server could not find the requested resource");
        case Fault::kConflict:
            return sim::conflict(call.ref, "the object has been modified");
        case Fault::kExists:
            return api_error(ErrorKind::kAlreadyExists, 409, "AlreadyExists", call.ref.name + " already exists");
        case Fault::kGone:
            return api_error(ErrorKind::kGone, 410, "Expired", "the provided continue parameter is too old");
        case Fault::k429:
            return api_error(ErrorKind::kUnavailable, 429, "TooManyRequests", "too many requests, try again later");
        case Fault::k500:
            return api_error(ErrorKind::kUnavailable, 500, "InternalError", "etcdserver: leader changed");
        case Fault::k503:
            return api_error(ErrorKind::kUnavailable, 503, "ServiceUnavailable", "apiserver is shutting down");
        case Fault::k504NotApplied:
        case Fault::k504Applied:
            return api_error(ErrorKind::kUnavailable, 504, "Timeout", "request did not complete within the time");
        case Fault::kResetBefore:
        case Fault::kResetAfter:
            return Error{ErrorKind::kUnavailable, "the connection was reset", "", 0, ""};
        case Fault::kHalfBody:
            return Error{ErrorKind::kUnavailable, "the reply was cut off before its end", "", 0, ""};
        case Fault::kFails:
            if (call.verb == Verb::kSql) return Error{ErrorKind::kMismatch, "ERROR: no such table", "", 0, ""};
            return Error{ErrorKind::kFailed, "command ended with exit code 1", "", 0, ""};
        default:
            return std::nullopt;
    }
}

// What a replacement does no harm to by itself: nothing of the start's data hangs on it. Of claims and workloads only
// what an operation has made, which shows when it comes to that.
bool has_label(const kube::Resource& resource) {
    return resource == kube::kClaims || resource == kube::kStatefulSets || resource == kube::kDeployments ||
           resource == kube::kServices;
}

bool is_ours_to_lose(const kube::ObjectRef& ref) {
    if (ref.name.empty()) return false;
    return ref.resource == kube::kSnapshots || ref.resource == kube::kNetworkPolicies || has_label(ref.resource) ||
           (ref.resource == kube::kConfigMaps && !ref.name.starts_with("holdfast-op-")) || ref.resource == kube::kPods;
}

bool is_record(const kube::Resource& resource) {
    return resource == kube::kLeases || resource == kube::kConfigMaps || resource == kube::kEvents;
}

sim::Delays slow(sim::Delays delays) {
    for (sim::milliseconds* delay :
         {&delays.controller, &delays.provision, &delays.cut, &delays.ready, &delays.pod_start, &delays.probe,
          &delays.pod_stop, &delays.detach, &delays.pod_clear})
        *delay *= 15;
    return delays;
}

bool after_commit(Fault fault) {
    return fault == Fault::k504Applied || fault == Fault::kResetAfter || fault == Fault::kHalfBody;
}

}  // namespace

std::string fault_name(Fault fault) { return kNames.at(static_cast<std::size_t>(fault)); }

std::vector<Fault> all_faults() {
    std::vector<Fault> all;
    for (int i = 0; i < static_cast<int>(Fault::kCount); ++i) all.push_back(static_cast<Fault>(i));
    return all;
}

bool kills(Fault fault) {
    return fault == Fault::kKillBefore || fault == Fault::kKillAfterCommit || fault == Fault::kKillAfterAnswer;
}

bool may_change(const sim::Call& call) { return sim::is_write(call.verb) || in_pod(call.verb); }

bool starves(Fault fault) {
    return fault == Fault::kNoMemory || fault == Fault::kAllocation || fault == Fault::kAllocations;
}

std::string essence(const Json& object) {
    const Json* data = kube::find_at(object, "/data");
    return (data == nullptr ? "" : data->dump()) + kube::text_at(object, "/spec/deletionPolicy");
}

bool takes(Fault fault) { return fault == Fault::kSomebodyReplaces || fault == Fault::kSomebodyTakes; }

bool applies(Fault fault, const sim::Call& call) {
    const Verb verb = call.verb;
    const bool write = is_write(verb);
    switch (fault) {
        case Fault::kKillBefore:
        case Fault::kKillAfterCommit:
        case Fault::kKillAfterAnswer:
        case Fault::kDelay:
        case Fault::kClockJump:
        case Fault::kClockBack:
        case Fault::kAllocation:
        case Fault::kInterrupt:
        case Fault::kInterruptTwice:
            return true;
        case Fault::k404:
            // A server that lies to a get cannot be told from one that says the truth: there is nothing to hold it
            // against. A collection that is suddenly not served, and a write, can be looked at again.
            return !in_pod(verb) && verb != Verb::kReview && verb != Verb::kGet;
        case Fault::kConflict:
            return verb == Verb::kPatch || verb == Verb::kReplace || verb == Verb::kDelete || verb == Verb::kEvict;
        case Fault::kExists:
            return verb == Verb::kCreate;
        case Fault::kGone:
            return verb == Verb::kList || verb == Verb::kWatch;
        case Fault::k504Applied:
        case Fault::kTwice:
            return write;
        case Fault::kStale:
            return is_read(verb);
        case Fault::kWatchStall:
        case Fault::kWatchLost:
        case Fault::kWatchTwice:
        case Fault::kWatchReordered:
        case Fault::kWatchGone:
        case Fault::kWatchEnd:
            return verb == Verb::kWatch;
        case Fault::kFails:
            return in_pod(verb);
        case Fault::kReaderGone:
            return verb == Verb::kReview;  // asked once, before the first write: what is printed comes after it
        case Fault::kDropsSource:
            return verb == Verb::kCreate && call.ref.resource == kube::kClaims;
        case Fault::kNoMemory:
        case Fault::kAllocations:
            return write || in_pod(verb);
        case Fault::kSlowCluster:
            return write && !is_record(call.ref.resource);
        case Fault::kSomebodyChanges:
            return verb == Verb::kPatch || verb == Verb::kReplace || verb == Verb::kDelete || verb == Verb::kEvict;
        case Fault::kSomebodyReplaces:
            return (verb == Verb::kPatch || verb == Verb::kDelete || verb == Verb::kGet) && is_ours_to_lose(call.ref);
        case Fault::kSomebodyTakes:
            return verb == Verb::kCreate && call.ref.resource != kube::kEvents;
        case Fault::k503:
        case Fault::kResetBefore:
        case Fault::kResetAfter:
            return true;
        default:
            return !in_pod(verb);
    }
}

namespace {

void change(sim::Sim& sim, const kube::ObjectRef& ref) {
    sim.edit(ref, [](Json& object) { object["metadata"]["annotations"][kMark] = "here"; });
}

// Another client's object of this name: like ours, but none of ours.
void make_theirs(sim::Sim& sim, const kube::ObjectRef& ref, Json object) {
    sim.erase(ref);
    Json& metadata = object["metadata"];
    for (const char* key : {"labels", "ownerReferences", "deletionTimestamp", "finalizers"}) metadata.erase(key);
    metadata["uid"] = sim.new_uid();
    metadata["creationTimestamp"] = format_time(sim.now());
    metadata["annotations"] = {{kMark, "here"}};
    object.erase("status");
    if (object.contains("data")) object["data"] = {{"theirs", "yes"}};
    if (ref.resource == kube::kPods) object["spec"].erase("nodeName");
    if (ref.resource == kube::kPods || ref.resource == kube::kClaims) object["status"] = {{"phase", "Pending"}};
    sim.put(std::move(object));
}

}  // namespace

std::optional<Error> FaultGate::before(const sim::Call& call) {
    allocations_.resize(calls_.size());
    if (!allocations_.empty()) allocations_.back() = allocated();
    if (!failed()) spare_memory();
    calls_.push_back(call);
    calls_.back().body = nullptr;
    changes_.push_back(in_pod(call.verb));
    source_ = call.body != nullptr && kube::find_at(*call.body, "/spec/dataSource") != nullptr &&
              !cluster_of(call).store.find(call.ref);
    if (injection_.branch) {
        if (auto other = injection_.branch(static_cast<int>(calls_.size()) - 1, call)) injection_ = std::move(*other);
    }
    if (!here()) return std::nullopt;
    happened_ = true;
    if (injection_.somebody) {
        injection_.somebody(call);
        return std::nullopt;
    }
    switch (injection_.fault) {
        case Fault::kKillBefore:
            throw sim::Killed{};
        case Fault::kDelay:
            machine_.sim.advance(sim::milliseconds(30000));
            return std::nullopt;
        case Fault::kSlowCluster:
            machine_.sim.delays = slow(machine_.sim.delays);
            return std::nullopt;
        case Fault::kClockJump:
            machine_.clock.jump += std::chrono::hours(26);
            return std::nullopt;
        case Fault::kClockBack:
            machine_.clock.jump -= std::chrono::hours(26);
            return std::nullopt;
        case Fault::kInterrupt:
            raise(1);
            return std::nullopt;
        case Fault::kInterruptTwice:
            raise(2);
            return std::nullopt;
        case Fault::kReaderGone:
            machine_.signals.reader_gone = true;
            return std::nullopt;
        case Fault::kNoMemory:
            throw std::bad_alloc{};
        case Fault::kSomebodyChanges:
        case Fault::kSomebodyReplaces:
        case Fault::kSomebodyTakes:
            meddle(call);
            return std::nullopt;
        default:
            return after_commit(injection_.fault) ? std::nullopt : answer_of(injection_.fault, call);
    }
}

void FaultGate::acted(const sim::Call& call, bool changed) {
    if (changed && !changes_.empty()) changes_.back() = true;
    if (injection_.told) injection_.told(call, changed);
}

// SIGINT, SIGTERM and SIGHUP by turns.
void FaultGate::raise(int times) {
    constexpr std::array kNumbers = {2, 15, 1};
    machine_.signals.number = kNumbers.at(static_cast<std::size_t>(injection_.boundary) % kNumbers.size());
    machine_.signals.raised += times;
}

sim::Sim& FaultGate::cluster_of(const sim::Call& call) const {
    return call.there ? *machine_.sim.other() : machine_.sim;
}

void FaultGate::meddle(const sim::Call& call) {
    sim::Sim& sim = cluster_of(call);
    const sim::ObjectPtr found = sim.store.find(call.ref);
    const bool creates = injection_.fault == Fault::kSomebodyTakes;
    // With a mutant the request at this boundary may be another one.
    happened_ = creates ? call.body != nullptr && !found : found != nullptr;
    if (happened_ && injection_.fault == Fault::kSomebodyReplaces && has_label(call.ref.resource))
        happened_ = !kube::label_of(*found, labels::kOperation).empty();
    if (!happened_) return;
    theirs_ = call.ref;
    theirs_there_ = call.there;
    if (injection_.fault == Fault::kSomebodyChanges)
        change(sim, call.ref);
    else
        make_theirs(sim, call.ref, creates ? *call.body : *found);
    const sim::ObjectPtr made = sim.store.find(call.ref);
    theirs_uid_ = made ? made.uid() : "";
    theirs_text_ = made ? essence(*made) : "";
}

std::optional<Error> FaultGate::after(const sim::Call& call) {
    restart_allocations();
    if (!faulty()) return std::nullopt;
    if (injection_.allocation > 0) fail_allocation(injection_.allocation, injection_.fault == Fault::kAllocations);
    if (injection_.fault == Fault::kKillAfterCommit || injection_.fault == Fault::kKillAfterAnswer) throw sim::Killed{};
    return after_commit(injection_.fault) ? answer_of(injection_.fault, call) : std::nullopt;
}

// Whether it makes a claim, and one that has a source, is known only now.
bool FaultGate::drops_source() {
    if (!faulty() || injection_.fault != Fault::kDropsSource) return false;
    happened_ = source_;
    return true;
}

int FaultGate::lag() {
    if (!faulty() || injection_.fault != Fault::kStale) return 0;
    return 1 + injection_.boundary % 5;
}

sim::WatchFault FaultGate::watch_fault() {
    if (!faulty()) return sim::WatchFault::kNone;
    switch (injection_.fault) {
        case Fault::kWatchStall:
            return sim::WatchFault::kStall;
        case Fault::kWatchLost:
            return sim::WatchFault::kLost;
        case Fault::kWatchTwice:
            return sim::WatchFault::kTwice;
        case Fault::kWatchReordered:
            return sim::WatchFault::kReordered;
        case Fault::kWatchGone:
            return sim::WatchFault::kGone;
        case Fault::kWatchEnd:
            return sim::WatchFault::kEnd;
        default:
            return sim::WatchFault::kNone;
    }
}

}  // namespace holdfast::crash
