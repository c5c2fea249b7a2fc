// Getting hold of an operation before its first write, and letting it go: locks, takeover of what an earlier owner
// left, and the world through which its steps then act. drive.cpp and abort use it.
#pragma once

#include "common/plan/fence.h"
#include "common/plan/tenure.h"

#include <memory>
#include <string>

namespace holdfast::plan {

class Holding {
  public:
    // Takes the journal's locks. For a journal that is written already: waits for a silent owner, raises the epoch by a
    // compare-and-swap and marks every existing target with it, so that nothing that was read before can be written to
    // (safety R2, R3). journal: with `recorded`, as it was read; changed as it is now; must outlive this, as world
    // must. kLocked: someone else is at it. kConflict: someone else was quicker. kInterrupted. Then nothing is held.
    static Result<std::unique_ptr<Holding>> take(World& world, Journal& journal, bool recorded);

    // The world for the steps: fenced, and aware of the lease. Lives as long as this.
    World& world() { return *fenced_world_; }
    // The journal has been written for the first time: what holds it is renewed from now on.
    Status recorded();
    // The journal could not be written to. If it is gone, an operation without locks is nobody's from then on, and the
    // error says so (kLocked).
    Error unwritten(const Error& error);
    // Whether somebody else has taken over: then nothing more may be written, the journal included.
    bool lost() { return tenure_.lost(); }
    // The journal is about to go: see Tenure::release_own.
    void release_own() { tenure_.release_own(); }
    void release(bool unfinished) { tenure_.release(unfinished); }

  private:
    Holding(World& world, Journal& journal);
    Status settle_earlier();
    Status take_over();
    Status mark_targets();
    Status still_ours(kube::ClusterReader& reader) const;

    World& world_;
    Journal& journal_;
    Tenure tenure_;
    std::unique_ptr<kube::Cluster> fenced_, fenced_other_;
    std::unique_ptr<World> fenced_world_;
};

// What holding needs beyond the plan's own permissions: Leases, and with locks the marking of every object that the
// plan writes to.
std::vector<kube::AccessCheck> holding_needs(const Journal& journal, const Plan& plan);

// Read only: kLocked if a live owner or an unfinished other operation has one of the locks. Silent owners are left to
// take(). Answers within one read for each.
Status check_free(World& world, const Journal& journal);

}  // namespace holdfast::plan
