// Volumes that operations have taken out of claims and keep: what undo can put back and finalize can remove. What is
// known of them stands on the volumes themselves, so that it outlives journal and namespace.
#pragma once

#include "common/core/result.h"
#include "common/kube/objects/storage.h"
#include "common/kube/reader.h"
#include "plugins/restore/swap.h"

#include <string>
#include <vector>

namespace holdfast::restore {

struct KeptVolume {
    kube::Volume volume;
    SwapMark mark;
    std::string mark_text;  // as it stands there
    Json object;
};

struct KeptOperation {
    std::string id;
    std::string at;  // when it began
    std::vector<KeptVolume> volumes;

    bool complete() const { return !volumes.empty() && static_cast<int>(volumes.size()) == volumes.front().mark.count; }
};

// Those of a namespace, newest first.
Result<std::vector<KeptOperation>> gather_kept(kube::ClusterReader& reader, const std::string& space);

// The unfinished undo that is putting back volumes which this operation took out and which are not kept any more; "" :
// none.
Result<std::string> being_undone(kube::ClusterReader& reader, const std::string& space, const std::string& operation);

// The operation that is meant; `named` "" : the only one whose volumes nobody has swapped since. kRefused lists the
// choices, or names the later operation that comes first (last in, first out); kNotFound: it keeps nothing.
Result<const KeptOperation*> choose_kept(const std::vector<KeptOperation>& all, const std::string& named);

// Workload or claim that a kept volume was of.
Result<kube::ObjectRef> target_of(const SwapMark& mark);

}  // namespace holdfast::restore
