// What a StatefulSet is made of by the pod template that it has now, and has had: ControllerRevisions. They keep what a
// set was when it is gone and its pods are left.
#pragma once

#include "tests/sim/sim.h"

namespace holdfast::sim {

// Nobody's revisions of the selection become the set's. False: there are such, and the set is being deleted, so that it
// may take none and its controller goes no further.
bool adopt_revisions(Sim& sim, const Json& set);
// The name of the revision of the pod template that the set has now, which is made if there is none.
std::string keep_revision(Sim& sim, const Json& set);
bool selects(const Json& set, const Json& object);  // by spec.selector.matchLabels

}  // namespace holdfast::sim
