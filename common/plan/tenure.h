// What one process holds while it works on one operation: the locks of its workloads, or a Lease of the operation's
// own, renewed every 2 s beside the work (safety R2).
//
// An operation that locks takes its Leases before its first write. One that only adds objects writes none at first: it
// gets a Lease of its own, named as its journal, with the first renewal, 2 s after it began, so that short ones cost
// one read. Until then the journal's own time speaks for it.
#pragma once

#include "common/plan/owners.h"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace holdfast::plan {

// Error::reason of an operation whose journal is gone, ended by another process or deleted: nobody goes on with it.
inline constexpr char kJournalGone[] = "JournalGone";

// Read only: kLocked if this Lease is none of ours, has a live owner, or is the lock of an unfinished operation other
// than `operation` (bad input 11). A silent owner is no error yet.
Status may_take(World& world, const kube::Lease& found, const std::string& operation, const std::string& space);

class Tenure {
  public:
    struct Terms {
        std::string operation, plugin, space;
    };
    // world must outlive it.
    Tenure(World& world, Terms terms);
    // Stops renewing. Leases stay: release() lets them go.
    ~Tenure();

    // All of them or none, in the order given, which is the same for everybody. Waits only for owners that are silent.
    // kLocked: a live owner, or an unfinished operation other than this one. kInterrupted.
    Status take_locks(const std::vector<Lock>& locks);
    // The Lease of an operation without locks. Taken over if an earlier owner left it; else made by the first renewal.
    // still_ours: whether the journal is (asked before that Lease is made). written: when the journal was, by our
    // clock: until there is a Lease it speaks for us, and whoever slept since then asks before it writes.
    Status take_own(std::function<Status(kube::ClusterReader&)> still_ours, SystemTime written);
    // Begins to renew, beside the work where the world has a heart.
    void begin();

    // Whether a write may be sent now. The last renewal was less than 8 s ago; or it is tried once more here, and
    // succeeds only if nobody has taken over. kLocked: taken over, for good. kUnavailable: no answer.
    Status may_write();
    // Renews what is due, if nothing renews beside the work.
    void tend();
    bool lost();
    // It was seen that somebody else has taken over. The error that may_write gives from then on.
    Error lose(const std::string& why);
    // The journal is gone, and with it all that another process could go on from; the error's reason is kJournalGone.
    void lose_journal();
    // The Lease of the operation's own ends, before the journal does: a journal is found by whoever runs the command
    // again, a Lease whose journal is gone by nobody but gc. Nothing is renewed from now on. Waits for a few requests.
    void release_own();
    // The locks end: their Leases are deleted; or, for an unfinished operation, stay without a holder, so that nobody
    // but its resume or abort gets the workload. Errors are told, not given: a Lease that stays expires.
    void release(bool unfinished);

  private:
    struct Stamp {
        std::chrono::steady_clock::time_point steady;
        SystemTime wall;
    };
    struct Held {
        kube::Lease lease;
        bool made = false;
        bool late = false;  // made by a request that took so long that another owner may have come and gone meanwhile
        Stamp sent;         // when the last successful renewal was sent
    };

    Stamp now() const;
    std::chrono::nanoseconds age();
    kube::Lease wanted(const kube::ObjectRef& ref, const std::string& role) const;
    Status take(const Lock& lock);
    Result<bool> take_existing(const kube::Lease& found, const kube::Lease& mine);
    Status wait_if_silent(const kube::Lease& found);
    Status wait_for_silence(const kube::Lease& found);
    Status keep(Result<Json> answer, const Stamp& sent, const kube::Lease& mine);
    void renew(kube::Cluster& cluster);
    void keep_renewed(kube::Cluster& cluster, std::size_t place, Held held, const Result<Json>& answer,
                      const Stamp& sent);
    void renew_unsure(kube::Cluster& cluster, std::size_t place, Held held);
    Status settle(kube::Cluster& cluster, Held& held, const Error& error);
    Status let_go_once(const kube::Lease& lease, bool unfinished);
    void let_go(const Held& held, bool unfinished);

    World& world_;
    const Terms terms_;
    std::function<Status(kube::ClusterReader&)> still_ours_;
    std::set<std::string> expired_;  // holders that were waited for in vain
    std::mutex sending_;             // one renewal at a time
    std::mutex mutex_;               // guards held_ and lost_
    std::vector<Held> held_;
    std::optional<Error> lost_;
    std::unique_ptr<Heart> heart_;
};

}  // namespace holdfast::plan
