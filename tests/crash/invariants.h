// What must hold after every single write, whoever makes it, and whatever fails (reliability: I1 to I6, I15, I16; the
// others are judged at a run's end).
#pragma once

#include "common/kube/objects/selectors.h"
#include "tests/sim/gate.h"
#include "tests/sim/sim.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace holdfast::crash {

// What the PersistentVolume of that name holds; null: it has no disk.
const sim::Token* token_of(const sim::Sim& sim, const std::string& volume);

class Invariants {
  public:
    // Looks at what there is to be kept: the state from which the case starts.
    explicit Invariants(const sim::Sim& start);
    // Watches every change from now on. The simulator must not outlive this.
    void watch(sim::Sim& sim);
    // Data that the command itself is asked to delete need not keep a handle: snapshots; volumes that no claim has.
    void release_cuts() { cuts_.clear(); }
    void release_kept();
    // From now on copies are to be masked before anybody can reach them (R27).
    void demand_masks() { masks_ = true; }
    bool demands_masks() const { return masks_; }
    // From now on no pod of a workload may be ended, and a StatefulSet goes only when a journal has it (I3, I17).
    // Those of StatefulSet `restarted` may be, one at a time: while each other one is ready (I18).
    // together: or all of them at once.
    void keep_pods(const sim::Sim& start, const std::string& restarted = "", bool together = false);
    void release_pods() {
        pods_.clear();
        restarted_.clear();
    }
    void allow_less() { less_ = true; }  // a claim may ask for less, but never for less than it has
    // What somebody else does is not judged, but what they have given up is not ours to keep from then on.
    void look_away(bool away) { away_ = away; }
    void forgive(const sim::Sim& sim);
    // Somebody has set this volume to Delete. Until it is read again a deletion of its claim cannot know of it: no
    // precondition spans two objects. Such deletions are counted.
    void reverted(const std::string& volume) { unseen_ = volume; }
    // Somebody has begun to take this claim away, or ("") all that there are. Until it is read as it is then, who gives
    // its volume the policy Delete cannot know of it; that is counted too.
    void claims_go(const sim::Sim& sim, const std::string& name);
    // Its pods may start on an empty volume now, which is what its controller makes; never on somebody else's data.
    void given_up(const kube::ObjectRef& claim) { given_up_.insert(claim.space + "/" + claim.name); }
    void was_read(const sim::Sim& sim, const sim::Call& call);
    std::string text() const;  // what it has come to keep and to forgive
    long long unseen_deletions() const { return unseen_deletions_; }
    const std::vector<std::string>& violations() const { return violations_; }
    long long looks() const { return looks_; }

  private:
    void look(const sim::Sim& sim, const sim::Change& change);
    void look_there(const sim::Sim& sim, const sim::Change& change);
    std::set<std::string> lost(const sim::Sim& sim) const;
    void keep_claim(const sim::Sim& sim, const sim::Change& change);
    bool unknowing(const std::string& handle);
    void give_unknowing(const sim::Sim& sim, const sim::Change& change);
    void keep_told(const sim::Sim& sim, const sim::Change& change, const std::string& name);
    void keep_retained(const sim::Sim& sim, const sim::Change& change, const std::string& name);
    void keep_volume(const sim::Change& change);
    void keep_pod(const sim::Sim& sim, const sim::Change& change);
    void keep_data(const sim::Sim& sim, const Json& pod);
    void keep_copies(const sim::Sim& sim, const Json& pod);
    void keep_masked(const sim::Sim& sim, const Json& pod);
    void keep_honest(const sim::Sim& sim, const Json& claim);
    void keep_closed(const sim::Sim& sim, const Json& claim);
    void keep_apart(const sim::Sim& sim, const Json& pod);
    void keep_apart_from(const sim::Sim& start);
    void keep_unselected(const Json& pod);
    void keep_running(const sim::Sim& sim, const sim::Change& change);
    void keep_spec(const sim::Sim& sim, const sim::Change& change);
    void violated(const std::string& what);

    std::map<std::string, std::string> disks_;   // handle -> whose data it holds: must stay reachable
    std::map<std::string, std::string> cuts_;    // handle -> whose data
    std::set<std::string> unclaimed_;            // of the disks, those that no claim had at the start
    std::map<std::string, std::string> claims_;  // "ns/name" of a claim at the start -> writer of its data
    std::set<std::string> given_up_;             // of these claims
    std::set<std::string> pods_;                 // uids of those that must run on
    std::string restarted_;                      // the StatefulSet whose pods may be ended one at a time
    bool together_ = false;                      // or all at once
    std::map<std::string, std::vector<kube::NamedSelector>> selectors_;  // of the start, by namespace
    std::vector<std::string> violations_;
    bool away_ = false, masks_ = false, less_ = false;
    std::string unseen_;
    std::map<std::string, kube::ObjectRef> going_;  // handle -> its claim, which was not read since it goes
    std::map<std::string, int> unlooked_;           // handle -> requests since its claim is being deleted
    long long looks_ = 0, unseen_deletions_ = 0;
};

}  // namespace holdfast::crash
