// One operation: a command that writes. It reads facts and decides; it never writes itself. The loop in app/run drives
// it:
//
//   round 0: plan() -> show -> confirm -> access review -> journal -> execute -> plan() of the next round -> ... ->
//   report()
//
// A resume calls the same plan() of round 0 with the journal's operation id: steps that are done are observed as done.
#pragma once

#include "common/core/duration.h"
#include "common/kube/reader.h"
#include "common/plan/journal.h"
#include "common/plan/step.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::plan {

struct Phase {
    std::string name;
    double seconds = 0;
};

// What earlier rounds of this process have brought: outputs of Exec and Sql steps by their name, times of phases.
struct Progress {
    std::map<std::string, std::string> outputs;
    std::vector<Phase> phases;
};

struct Input {
    std::string operation;  // id, already chosen
    int round = 0;
    bool resuming = false;
    SystemTime now;  // the operation's start: from the journal on a resume
    // The command line as the journal has it: plugin, command, arguments, hash. For what is written where it outlives
    // the journal.
    Json line = Json::object();
    Progress progress;
    // What the journal keeps of earlier rounds and runs: the plans' `record`, merged by key. An object; {} at first.
    Json record = Json::object();
    bool interrupted = false;  // Ctrl-C once: plan only what must be taken down
};

// What is said at the end. text: for people, on stdout; json: for -o json and yaml; name lines for -o name.
struct Report {
    std::string text;
    Json json;
    std::vector<std::string> names;  // "volumesnapshot.snapshot.storage.k8s.io/x"
};

// How the user can be served between two rounds (restore open).
class Attendant {
  public:
    virtual ~Attendant() = default;
    // A port-forward to the pod, kept up (restarted when it breaks) until the first signal. `announce` gets the local
    // port at every (re)start. Ends well with the signal; kUnavailable if the pod is gone.
    virtual Status serve(const std::string& space, const std::string& pod, int port,
                         const std::function<void(int local_port)>& announce) = 0;
};

class Operation {
  public:
    virtual ~Operation() = default;
    // "snap", "restore", "drill", "open": the operation id's first word. target: its second, may be cut.
    virtual std::string kind() const = 0;
    virtual std::string target() const = 0;
    virtual std::string space() const = 0;  // where the journal lives
    // The object on which a stop leaves an Event with the resume line; name "" : none.
    virtual kube::ObjectRef event_target() const { return {}; }
    // Flags that say how it is done and not what: the same line with others of them goes on with the same operation,
    // and the journal has them from then on. A plan that does what was not said yes to says so (Plan::asks_anew).
    virtual std::vector<std::string> manner_flags() const { return {}; }
    // What it writes to and so locks while it works (safety R1): workloads, or claims and pods, which stand for the
    // workload that uses them (lock.h resolves them). Asked once, before the first plan; a resume takes the locks that
    // the journal names. Default: none, which is right for what only adds objects.
    // With locks, plan() of round 0 is called twice: for what is shown, and again once they are held. The second plan
    // is carried out if it has the same steps on the same objects, or if it is only less of what was shown
    // (only_less()); else kConflict (exit 4) before any change. From then on every patch, scale, replace and delete of
    // an object is sent with the resourceVersion of a fresh read, also where a step names only the uid.
    virtual Result<std::vector<kube::ObjectRef>> lock_targets(kube::ClusterReader& reader);
    // Of two plans of round 0 that differ, `fresh` being the one that plan() has just made: what is to be told if all
    // that it lacks has come about by itself since `shown` was shown, and it has nothing else. nullopt: it is another
    // plan. Default: that.
    virtual std::optional<std::string> only_less(const Plan& shown, const Plan& fresh) const;
    // What it only reads and so does not lock, but must not meet in the middle of somebody's change: kLocked (exit 4)
    // while another operation has one of these locks, live or unfinished. It keeps out nobody who locks or only reads.
    // Looked at before the first plan and again before the first write. Default: nothing.
    virtual Result<std::vector<kube::ObjectRef>> heed_targets(kube::ClusterReader& reader);
    // True: it deletes a workload and makes it anew, so that plan() judges one that is not the object it began with.
    // False: such a one is refused before any plan.
    virtual bool replaces_workload() const { return false; }
    // True: the journal stays after a good end, with state "done", until finalize or expiry takes it (safety R5).
    virtual bool keeps_record() const { return false; }
    // Round `input.round`: gather with the reader, then decide by a pure function. Errors: kRefused (exit 3, nothing
    // was changed), kNotFound (exit 1) and so on. Called again for each round until a plan says last.
    virtual Result<Plan> plan(kube::ClusterReader& reader, const Input& input) = 0;
    // After a failed or interrupted round: what takes down throwaways or brings service back. Data is never among it.
    // Default: no steps.
    // A plan with steps and last=true says: after it nothing of the operation is left, so its journal goes too. With
    // last=false, or without steps, the journal stays and the operation can be resumed.
    virtual Result<Plan> recover(kube::ClusterReader& reader, const Input& input, const Error& error);
    // As recover() has last seen it: past the point of no return, so that abort would be refused. Default: no.
    virtual bool past_return() const { return false; }
    // The steps that take an unfinished operation of this kind back to its start; kRefused after the point of no
    // return. nullopt: what it created is removed, last first (operations.h). input.record: the journal's.
    virtual Result<std::optional<Plan>> take_back(kube::ClusterReader& reader, const Input& input);
    // Between the rounds: called after round `input.round` has ended well. Default: nothing.
    virtual Status attend(const Input& input, Attendant& attendant);
    // A fresh read proves the result: exit 0 only if this is ok. kFailed: all was done and cleaned up, but not told.
    virtual Result<Report> report(kube::ClusterReader& reader, const Input& input) = 0;
    // Unfinished operations of space() as the objects that they touched tell of them, whose journal may be lost: what a
    // resume goes on with then. Default: none.
    virtual Result<std::vector<Journal>> rebuild(kube::ClusterReader& reader);
    // After a failure that is itself a result, such as data that is not as expected: what -o json and yaml print of it.
    virtual std::optional<Report> failed_report() const { return std::nullopt; }
};

}  // namespace holdfast::plan
