#include "plugins/restore/in_place.h"

#include "common/core/text.h"
#include "plugins/restore/in_place_plan.h"

namespace holdfast::restore {

Result<Swapping::Opening> InPlace::open(kube::ClusterReader& reader, const plan::Input& input) {
    TRY_ASSIGN(const InPlaceFacts facts, gather_in_place(reader, options_));
    Opening opening;
    std::string by;
    if (!options_.again) {
        TRY_ASSIGN(by, restored_before(options_, facts));
    }
    if (!by.empty()) {
        opening.nothing_to_do = true;
        opening.record.from = facts.source.text();
        opening.record.undoes = by;
        opening.notes.push_back(by + " restored " + options_.target.text() + " from " + facts.source.text() +
                                " already; what was written since stays; --again restores it once more");
        return opening;
    }
    TRY_ASSIGN(InPlaceChoice choice, choose_in_place(options_, facts, input.operation, input.now));
    opening.record = std::move(choice.record);
    opening.notes = std::move(choice.notes);
    return opening;
}

Result<plan::Plan> InPlace::prove(kube::ClusterReader& reader, const SwapRecord& record, const std::string& operation) {
    TRY_ASSIGN(const Source source, gather_source(reader, options_.space, options_.from));
    TRY(check_complete(source));
    Json workload;
    std::vector<Json> pods;
    if (!options_.bare()) {
        TRY_ASSIGN(workload, reader.get(options_.target));
        TRY_ASSIGN(kube::List list, reader.list(kube::kPods, options_.space));
        for (Json& pod : list.items) {
            if (plan::is_pod_of(record.workload, pod)) pods.push_back(std::move(pod));
        }
    }
    std::vector<const Member*> members;
    for (const Swap& swap : record.swaps) {
        for (const Member& member : source.members) {
            if (member.facts.claim != swap.claim) continue;
            if (source_text(member) != swap.source)
                return Error{ErrorKind::kConflict,
                             "the snapshot of pvc/" + record.space + "/" + swap.claim +
                                 " was deleted and made anew since this operation began: it began with " +
                                 escape_line(swap.source) + ", and there is " + escape_line(source_text(member)) +
                                 " now; no claim was touched",
                             "end this one: kubectl restore abort " + operation + " -n " + record.space};
            members.push_back(&member);
        }
    }
    const Source live = live_source(source, members, workload, pods);
    TRY_ASSIGN(const Proof proof, prepare_proof(live, record, operation, options_.image));
    return plan_proof(proof, live, record, operation);
}

std::string InPlace::done_text(const SwapRecord& record, const std::string& operation) const {
    const std::string what = options_.target.resource.qualified() + "/" + options_.target.name;
    if (nothing_to_do_)
        return what + " was restored from " + record.from + " already, by " + record.undoes +
               "; what was written since stays (--again restores it once more)\n";
    std::string text = what + " restored in place from " + record.from + "\n";
    for (const Swap& swap : record.swaps)
        text += "  pvc/" + swap.claim + ": now on pv/" + record.incoming.at(swap.claim).volume + ", kept: pv/" +
                swap.old_volume + "\n";
    return text + "to go back to what it was: kubectl restore undo " + operation + " -n " + record.space +
           "\nto remove the kept volumes: kubectl restore finalize " + operation + " -n " + record.space + "\n";
}

}  // namespace holdfast::restore
