#include "plugins/restore/kept.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "plugins/restore/in_place_facts.h"

#include <algorithm>
#include <set>

namespace holdfast::restore {
namespace {

// An operation that swapped one of these claims later, and still keeps what it took out.
const KeptOperation* later_one(const std::vector<KeptOperation>& all, const KeptOperation& one) {
    std::set<std::string> claims;
    for (const KeptVolume& kept : one.volumes) claims.insert(kept.mark.claim);
    for (const KeptOperation& other : all) {
        if (other.id == one.id || other.at <= one.at) continue;
        for (const KeptVolume& kept : other.volumes) {
            if (claims.contains(kept.mark.claim)) return &other;
        }
    }
    return nullptr;
}

std::string line_of(const KeptOperation& one) {
    return one.id + " (" +
           (one.volumes.front().mark.workload.empty() ? "pvc/" + one.volumes.front().mark.claim
                                                      : one.volumes.front().mark.workload) +
           ", " + one.at + ")";
}

}  // namespace

Result<std::vector<KeptOperation>> gather_kept(kube::ClusterReader& reader, const std::string& space) {
    TRY_ASSIGN(std::vector<Json> objects, kept_volumes(reader, space));
    std::vector<KeptOperation> all;
    for (Json& object : objects) {
        KeptVolume kept;
        kept.volume = kube::volume_of(object);
        kept.mark = *mark_of(object);
        kept.mark_text = kube::annotation_of(object, labels::kSwap);
        kept.object = std::move(object);
        auto found = std::find_if(all.begin(), all.end(),
                                  [&](const KeptOperation& one) { return one.id == kept.mark.operation; });
        if (found == all.end()) found = all.insert(all.end(), {kept.mark.operation, kept.mark.at, {}});
        found->volumes.push_back(std::move(kept));
    }
    for (KeptOperation& one : all) {
        std::sort(one.volumes.begin(), one.volumes.end(),
                  [](const KeptVolume& a, const KeptVolume& b) { return a.mark.claim < b.mark.claim; });
    }
    std::sort(all.begin(), all.end(),
              [](const KeptOperation& a, const KeptOperation& b) { return a.at != b.at ? a.at > b.at : a.id < b.id; });
    return all;
}

Result<std::string> being_undone(kube::ClusterReader& reader, const std::string& space, const std::string& operation) {
    TRY_ASSIGN(const kube::List list, reader.list(kube::kVolumes, "", {labels::kPutIn, ""}));
    for (const Json& volume : list.items) {
        const auto mark = mark_of(volume);
        if (mark && !mark->taken_out && mark->space == space && mark->from == operation) return mark->operation;
    }
    return std::string();
}

Result<const KeptOperation*> choose_kept(const std::vector<KeptOperation>& all, const std::string& named) {
    std::vector<const KeptOperation*> candidates;
    std::vector<std::string> lines;
    for (const KeptOperation& one : all) {
        const KeptOperation* later = later_one(all, one);
        if (one.id == named && later != nullptr) {
            return Error{
                ErrorKind::kRefused,
                "after " + named + " the same claims were swapped again, by " + later->id + "; nothing was changed",
                "last in, first out: `kubectl restore undo " + later->id + "`, or finalize it"};
        }
        if (later == nullptr && (named.empty() || one.id == named)) {
            candidates.push_back(&one);
            lines.push_back(line_of(one));
        }
    }
    if (candidates.size() == 1) return candidates.front();
    if (candidates.empty()) {
        return Error{ErrorKind::kNotFound,
                     named.empty() ? "no operation of this namespace keeps volumes: there is nothing to undo"
                                   : "operation " + escape_line(named) + " keeps no volumes in this namespace",
                     "kubectl get pv -l " + std::string(labels::kKept) + " lists what is kept"};
    }
    return Error{ErrorKind::kRefused,
                 "several operations can be undone: " + join(lines, ", ") + "; nothing was changed",
                 "name the one that is meant"};
}

Result<kube::ObjectRef> target_of(const SwapMark& mark) {
    if (mark.workload.empty()) return kube::ObjectRef{kube::kClaims, mark.space, mark.claim};
    const kube::Resource* resource = kube::find_resource(mark.workload.substr(0, mark.workload.find('/')));
    if (resource == nullptr) {
        return Error{ErrorKind::kInvalid, "the mark of operation " + escape_line(mark.operation) +
                                              " names a workload of an unknown kind: " + escape_line(mark.workload)};
    }
    return kube::ObjectRef{*resource, mark.space, mark.workload.substr(mark.workload.rfind('/') + 1)};
}

}  // namespace holdfast::restore
