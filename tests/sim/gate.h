// Where faults come in: every request of a client passes a gate before it is carried out and again before it is
// answered.
#pragma once

#include "common/core/error.h"
#include "common/core/json.h"
#include "common/kube/resource.h"
#include "common/os/clock.h"

#include <optional>
#include <string>

namespace holdfast::sim {

enum class Verb {
    kGet,
    kList,
    kWatch,
    kCreate,
    kPatch,
    kReplace,
    kDelete,
    kReview,
    kDiscover,
    kExec,
    kHold,
    kSql,
    kEvict
};
bool is_write(Verb verb);  // of the API server's state
bool is_read(Verb verb);
std::string verb_name(Verb verb);

struct Call {
    Verb verb = Verb::kGet;
    kube::ObjectRef ref;         // name "" : a collection
    const Json* body = nullptr;  // of a create; valid only during the request
    std::string subresource = {};
    bool pinned = true;  // false: a patch or delete that names neither uid nor version of what it means
    bool named = true;   // false: one that does not name the uid
    int batch = 0;       // of a create: those that were sent at once have the same; 0: alone
    bool there = false;  // on the second cluster
    std::string text() const { return verb_name(verb) + " " + ref.text() + (there ? " (other cluster)" : ""); }
};

enum class WatchFault { kNone, kStall, kLost, kTwice, kReordered, kGone, kEnd };

class Gate {
  public:
    virtual ~Gate() = default;
    // An error is the answer, and nothing is carried out. May throw Killed.
    virtual std::optional<Error> before(const Call& call) = 0;
    // Carried out; an error is given instead of the true answer. May throw Killed.
    virtual std::optional<Error> after(const Call& call) = 0;
    // Carried out, or refused by the server; changed: something is not as it was before.
    virtual void acted(const Call&, bool /*changed*/) {}
    // Of the call that has just passed before():
    virtual int lag() { return 0; }         // a read answers as of so many changes ago
    virtual bool twice() { return false; }  // the request is delivered twice
    virtual WatchFault watch_fault() { return WatchFault::kNone; }
    // A create of a claim: the API server does not know data sources, and drops it without a word.
    virtual bool drops_source() { return false; }
};

// The process was killed here. Thrown through the plugin's code, as nothing of it may run any more.
struct Killed {};

}  // namespace holdfast::sim
