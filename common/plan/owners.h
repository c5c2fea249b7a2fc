// Is somebody working on an operation? By its Lease (safety R2): the workload's lock, or, for what only adds objects,
// one of the operation's own, which is made when it has lasted 2 s; before that its journal's last write counts.
//
// Times are compared with care, since two machines' clocks differ: a renewal that looks recent is believed, one that
// looks old is not: then the Lease is watched for a whole 9 s by our own clock.
#pragma once

#include "common/kube/objects/lease.h"
#include "common/plan/executor.h"
#include "common/plan/journal.h"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace holdfast::plan {

inline constexpr std::chrono::milliseconds kRenewEvery{2000};
inline constexpr std::chrono::milliseconds kLiveFor{6000};      // since the last renewal: certainly live
inline constexpr std::chrono::milliseconds kWriteFor{8000};     // since its last renewal an owner may write
inline constexpr std::chrono::milliseconds kExpireAfter{9000};  // unrenewed: may be taken over

enum class Life {
    kLive,
    kSilent,  // not renewed lately; nobody here can tell whether its process is there
    kDead,    // it let go, or its process is gone
};

struct Owner {
    Life life = Life::kDead;
    std::string who;   // "process 4711 on db1"; "" : nobody
    std::string seen;  // changes with each renewal
};

// Pure. The holder of a Lease, at the time `now` of this machine.
Owner owner_of(const kube::Lease& lease, const Self& self, SystemTime now);
// "process 4711 on db1" or, of this machine, "process 4711 of this machine".
std::string owner_text(const std::string& identity, const std::string& host, const Self& self);

// The Lease that tells of a journal's owner.
kube::ObjectRef lease_of_operation(const Journal& journal);
// The owner of each, in order: one read each, eight in flight.
Result<std::vector<Owner>> look_at_owners(kube::ClusterReader& reader, const std::vector<Journal>& journals,
                                          const Self& self, SystemTime now);

// Of a journal that was made again: who held the operation last, as its Lease tells; else nobody works on it.
Status take_owner(kube::ClusterReader& reader, Journal& journal);

// How a wait for silent owners goes on.
struct Patience {
    Clock& clock;
    const Signals& signals;
    std::function<void(const std::string& text)> tell;
};
// The same, and where an owner is silent waits until it has been so for 9 s in all (dead) or is seen to renew (live).
// All are waited for at once. kInterrupted.
Result<std::vector<Owner>> settle_owners(kube::ClusterReader& reader, const std::vector<Journal>& journals,
                                         const Self& self, const Patience& patience);

// kLocked, naming operation and owner: what everybody says who finds a live one.
Error in_the_way(const std::string& operation, const Owner& owner);

}  // namespace holdfast::plan
