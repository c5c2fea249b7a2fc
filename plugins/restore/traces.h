// What the volumes of an unfinished restore in place or undo tell of it when its journal, or a part of it, is lost:
// each volume's mark has what its claim is made anew from, so that the journal can be made again from them alone.
//
// The marks are written, all of them, before the workload is stopped, and those on the volumes that are put in are
// taken away last: an operation without any mark has changed nothing that was there before it, or has ended.
#pragma once

#include "common/plan/journal.h"
#include "plugins/restore/swap.h"

#include <string>
#include <vector>

namespace holdfast::restore {

// Of a namespace ("" : of all), in no order. Their journals have no uid: whoever goes on writes them anew, under an
// epoch above every one that the volumes and the workload were marked with (safety R3). Reads volumes, and a few claims
// where not every volume was marked yet.
Result<std::vector<plan::Journal>> unfinished_swaps(kube::ClusterReader& reader, const std::string& space);

// kRefused: the record was made again and lacks some of the operation's claims; nothing was stopped then, and abort
// puts back what there is.
Status check_whole(const SwapRecord& record, const Json& json, const std::string& operation);

}  // namespace holdfast::restore
