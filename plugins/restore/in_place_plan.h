// What restore in place decides at its start: which claims, and whether it may. Pure.
#pragma once

#include "plugins/restore/in_place_facts.h"
#include "plugins/restore/swap.h"

#include <string>
#include <vector>

namespace holdfast::restore {

struct InPlaceChoice {
    SwapRecord record;
    std::vector<const Member*> members;  // of facts.source, in the order of record.swaps
    std::vector<std::string> notes;      // writes lost, what is left as it is, consistency
};

// now: by this machine's clock, which counts only where the server does not say the time.
// Every refusal of safety R8, R9, R14, R16, R17 and R19 is here, each naming its fact: kRefused, nothing was changed.
Result<InPlaceChoice> choose_in_place(const InPlaceOptions& options, const InPlaceFacts& facts,
                                      const std::string& operation, SystemTime now);

// The operation that restored this set, to these claims and no others, last, if they are still on the volumes that it
// put in; "" : none. Running the same command line again is then no second restore. kRefused: these claims were
// restored from this set, but in parts or together with others: whether they are to be once more is for the user to
// say.
Result<std::string> restored_before(const InPlaceOptions& options, const InPlaceFacts& facts);

// The claim as it is and the volume under it, which is what a swap takes out. kRefused: the two are not bound.
Status take_old_volume(const std::map<std::string, Json>& volumes, const Json& claim, Swap& swap);

// By what the storage knows it when its object is gone: "driver d.example, handle h-1"; "" : it is not CSI.
std::string storage_text(const kube::Volume& volume);

// "2026-11-21T02:00:11Z, 3h12m"; where it is not known what time it is there, only the moment.
std::string span_text(const std::string& since, std::optional<SystemTime> now);

}  // namespace holdfast::restore
