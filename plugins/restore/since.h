// What somebody may have changed between the decision and the point of no return: looked at again before each stage up
// to it, since making and proving the new volumes takes its time. Pure.
#pragma once

#include "plugins/restore/swap_facts.h"

namespace holdfast::restore {

// kConflict: an old volume is gone or going, so that it could not be kept; a claim asks for another size than was
// decided, or has got a finalizer that may keep it from going; the StatefulSet has ordinals that would be left on the
// data from before. Nothing once a claim has been deleted: from there the way is forward.
Status check_since(const SwapRecord& record, const SwapFacts& facts);

// Past that point: takes down in record.asked what a claim that is still to be deleted asks for by now, where that is
// more than the one in its place will have.
void note_asked(SwapRecord& record, const SwapFacts& facts);

// Of each of them a line for the report; "" : none.
std::string asked_meanwhile(const SwapRecord& record);

// What keeps a claim from going away and is not let go of by the cluster by itself; "" : nothing.
std::string foreign_finalizer(const Json& claim);

// Old volumes that were to be kept and are not: "" : all are. For the report.
std::string lost_volumes(const SwapRecord& record, const SwapFacts& facts);

}  // namespace holdfast::restore
