#include "plugins/restore/swap_facts.h"

#include "common/copies/claims.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <set>

namespace holdfast::restore {
Status read_into(kube::ClusterReader& reader, const std::vector<kube::ObjectRef>& refs,
                 std::map<std::string, Json>& into) {
    const auto answers = reader.get_all(refs);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (answers[i].ok())
            into[refs[i].name] = *answers[i];
        else if (answers[i].error().kind != ErrorKind::kNotFound)
            return answers[i].error().with_context(refs[i].text());
    }
    return {};
}

namespace {

Status read_claims(kube::ClusterReader& reader, SwapRecord& record, const std::string& operation, SwapFacts& facts) {
    std::vector<kube::ObjectRef> refs;
    for (const Swap& swap : record.swaps) {
        refs.push_back({kube::kClaims, record.space, swap.claim});
        if (!swap.temporary.empty()) refs.push_back({kube::kClaims, record.space, swap.temporary});
    }
    TRY(read_into(reader, refs, facts.claims));
    for (const Swap& swap : record.swaps) {
        const Json* temporary = swap.temporary.empty() ? nullptr : claim_now(facts, swap.temporary);
        if (temporary == nullptr || record.incoming.contains(swap.claim)) continue;
        if (kube::label_of(*temporary, labels::kOperation) != operation) continue;
        if (kube::phase_of(*temporary) != "Bound" || kube::deleting(*temporary)) continue;
        record.incoming[swap.claim] = {kube::volume_of_claim(*temporary), "", kube::uid_of(*temporary)};
    }
    return {};
}

Status read_volumes(kube::ClusterReader& reader, SwapRecord& record, SwapFacts& facts) {
    std::vector<kube::ObjectRef> refs;
    for (const Swap& swap : record.swaps) refs.push_back({kube::kVolumes, "", swap.old_volume});
    for (const auto& [claim, incoming] : record.incoming) refs.push_back({kube::kVolumes, "", incoming.volume});
    TRY(read_into(reader, refs, facts.volumes));
    for (auto& [claim, incoming] : record.incoming) {
        const Json* volume = volume_now(facts, incoming.volume);
        if (volume != nullptr && incoming.volume_uid.empty()) incoming.volume_uid = kube::uid_of(*volume);
    }
    for (const Swap& swap : record.swaps) {
        const auto found = record.incoming.find(swap.claim);
        const Json* object = found == record.incoming.end() ? nullptr : volume_now(facts, found->second.volume);
        if (swap.temporary.empty() || object == nullptr) continue;
        const kube::Volume volume = kube::volume_of(*object);
        if (!volume.chosen || volume.claim_name != swap.temporary) continue;
        facts.strangers[swap.temporary] = volume.name;
        record.incoming.erase(found);
    }
    return {};
}

// What an abort that did not come to its end has given up, or somebody deleted, is made anew from the snapshot, as long
// as the claim still has its old volume or none. True: something was forgotten.
bool forget_gone(SwapRecord& record, const SwapFacts& facts) {
    std::size_t forgotten = 0;
    for (const Swap& swap : record.swaps) {
        const auto found = record.incoming.find(swap.claim);
        if (swap.temporary.empty() || found == record.incoming.end()) continue;
        const bool none = claim_now(facts, swap.claim) == nullptr || stranded(swap, record, facts);
        if (!untouched(swap, facts) && !none) continue;
        if (volume_now(facts, found->second.volume) != nullptr) continue;
        record.incoming.erase(found);
        ++forgotten;
    }
    return forgotten > 0;
}

Status read_pods(kube::ClusterReader& reader, const SwapRecord& record, const std::string& operation,
                 SwapFacts& facts) {
    std::set<std::string> claims;
    for (const Swap& swap : record.swaps) claims.insert(swap.claim);
    TRY_ASSIGN(kube::List pods, reader.list(kube::kPods, record.space));
    for (Json& pod : pods.items) {
        if (kube::label_of(pod, labels::kOperation) == operation) {
            facts.provers.push_back(std::move(pod));
            continue;
        }
        // Also one that has ended: it keeps its claims from being deleted.
        const std::vector<std::string> mounted = kube::claims_of_pod(pod);
        if (std::any_of(mounted.begin(), mounted.end(), [&](const auto& one) { return claims.contains(one); }))
            facts.pods.push_back(std::move(pod));
    }
    return {};
}

Status read_attachments(kube::ClusterReader& reader, const SwapRecord& record, SwapFacts& facts) {
    std::set<std::string> old;
    for (const Swap& swap : record.swaps) old.insert(swap.old_volume);
    TRY_ASSIGN(const kube::List list, reader.list(kube::kVolumeAttachments, ""));
    for (const Json& item : list.items) {
        if (old.contains(kube::attachment_of(item).volume)) facts.attachments.push_back(kube::name_of(item));
    }
    return {};
}

bool all_incoming(const SwapRecord& record, const SwapFacts& facts) {
    return std::all_of(record.swaps.begin(), record.swaps.end(), [&](const Swap& swap) {
        const auto found = record.incoming.find(swap.claim);
        return found != record.incoming.end() && volume_now(facts, found->second.volume) != nullptr;
    });
}

bool marked(const Json* volume, const std::string& operation, bool taken_out) {
    if (volume == nullptr) return false;
    const auto mark = brief_mark_of(*volume);
    return mark && mark->operation == operation && mark->taken_out == taken_out;
}

// Seen by a pod of ours that looked at it and ended well, or that had done so before its volume was marked.
bool proven(const SwapRecord& record, const SwapFacts& facts, const std::string& operation) {
    if (!all_incoming(record, facts)) return false;
    const bool all_marked = std::all_of(record.swaps.begin(), record.swaps.end(), [&](const Swap& swap) {
        return swap.temporary.empty() ||
               marked(volume_now(facts, record.incoming.at(swap.claim).volume), operation, false);
    });
    if (all_marked) return true;
    std::set<std::string> seen;
    for (const Json& pod : facts.provers) {
        if (kube::phase_of(pod) != "Succeeded") continue;
        for (const std::string& claim : kube::claims_of_pod(pod)) seen.insert(claim);
    }
    return std::all_of(record.swaps.begin(), record.swaps.end(),
                       [&](const Swap& swap) { return swap.temporary.empty() || seen.contains(swap.temporary); });
}

bool retains(const Json* volume) { return volume != nullptr && kube::reclaim_policy_of(*volume) == "Retain"; }

bool secure(const SwapRecord& record, const SwapFacts& facts, const std::string& operation) {
    for (const Swap& swap : record.swaps) {
        const Json* incoming = volume_now(facts, record.incoming.at(swap.claim).volume);
        const Json* old = volume_now(facts, swap.old_volume);
        if (!retains(incoming) || !marked(incoming, operation, false)) return false;
        if (!retains(old) || !marked(old, operation, true)) return false;
        const Json* claim = claim_now(facts, swap.claim);
        if (claim != nullptr && !kube::owners_of(*claim).empty()) return false;
    }
    if (!facts.provers.empty()) return false;
    if (!facts.workload || record.workload.ref.resource != kube::kStatefulSets) return true;
    return !kube::deletes_claims(*facts.workload);
}

}  // namespace

const Json* claim_now(const SwapFacts& facts, const std::string& name) {
    const auto found = facts.claims.find(name);
    return found == facts.claims.end() ? nullptr : &found->second;
}

const Json* volume_now(const SwapFacts& facts, const std::string& name) {
    const auto found = facts.volumes.find(name);
    return found == facts.volumes.end() ? nullptr : &found->second;
}

bool untouched(const Swap& swap, const SwapFacts& facts) {
    const Json* claim = claim_now(facts, swap.claim);
    return claim != nullptr && kube::uid_of(*claim) == swap.claim_uid && !kube::deleting(*claim);
}

bool swapped(const Swap& swap, const SwapRecord& record, const SwapFacts& facts) {
    const Json* claim = claim_now(facts, swap.claim);
    const auto incoming = record.incoming.find(swap.claim);
    return claim != nullptr && incoming != record.incoming.end() && !kube::deleting(*claim) &&
           kube::phase_of(*claim) == "Bound" && kube::volume_of_claim(*claim) == incoming->second.volume;
}

bool remade(const Swap& swap, const SwapRecord& record, const SwapFacts& facts) {
    const Json* claim = claim_now(facts, swap.claim);
    if (claim == nullptr || kube::uid_of(*claim) == swap.claim_uid) return false;
    const auto incoming = record.incoming.find(swap.claim);
    const std::string volume = kube::volume_of_claim(*claim);
    if (stranded(swap, record, facts)) return false;
    return !volume.empty() && (incoming == record.incoming.end() || incoming->second.volume != volume);
}

bool stranded(const Swap& swap, const SwapRecord& record, const SwapFacts& facts) {
    const Json* claim = claim_now(facts, swap.claim);
    if (claim == nullptr || kube::uid_of(*claim) == swap.claim_uid || kube::phase_of(*claim) != "Pending") return false;
    if (swap.temporary.empty() || kube::annotation_of(*claim, labels::kRestoredFrom) != swap.source) return false;
    const std::string volume = kube::volume_of_claim(*claim);
    if (volume.empty()) return false;  // somebody made it without one: it gets what is reserved for its name
    const auto incoming = record.incoming.find(swap.claim);
    return incoming == record.incoming.end() || volume != incoming->second.volume ||
           volume_now(facts, incoming->second.volume) == nullptr;
}

namespace {

bool mounted(const std::string& claim, const SwapFacts& facts) {
    return std::any_of(facts.pods.begin(), facts.pods.end(), [&](const Json& pod) {
        const std::vector<std::string> claims = kube::claims_of_pod(pod);
        return std::find(claims.begin(), claims.end(), claim) != claims.end();
    });
}

}  // namespace

bool dropped(const Swap& swap, const SwapRecord& record, const SwapFacts& facts) {
    if (held_down(record, facts)) return false;
    const Json* claim = claim_now(facts, swap.claim);
    if (claim == nullptr) return volume_now(facts, swap.old_volume) == nullptr;
    return kube::uid_of(*claim) == swap.claim_uid && kube::deleting(*claim) && mounted(swap.claim, facts);
}

bool put_in(const Swap& swap, const SwapRecord& record, const SwapFacts& facts) {
    const auto incoming = record.incoming.find(swap.claim);
    const Json* object = incoming == record.incoming.end() ? nullptr : volume_now(facts, incoming->second.volume);
    if (object == nullptr) return false;
    const kube::Volume volume = kube::volume_of(*object);
    return volume.claim_space == record.space && volume.claim_name == swap.claim && !volume.claim_uid.empty() &&
           volume.claim_uid != incoming->second.temporary_uid;
}

bool lost_kept(const SwapRecord& record, const SwapFacts& facts) {
    return std::any_of(record.swaps.begin(), record.swaps.end(), [&](const Swap& swap) {
        const auto incoming = record.incoming.find(swap.claim);
        return swap.temporary.empty() &&
               (incoming == record.incoming.end() || volume_now(facts, incoming->second.volume) == nullptr);
    });
}

bool on_old(const Swap& swap, const SwapFacts& facts) {
    const Json* claim = claim_now(facts, swap.claim);
    return claim != nullptr && !kube::deleting(*claim) && kube::phase_of(*claim) == "Bound" &&
           kube::volume_of_claim(*claim) == swap.old_volume;
}

bool turned_back(const SwapRecord& record, const SwapFacts& facts) {
    return lost_kept(record, facts) &&
           std::all_of(record.swaps.begin(), record.swaps.end(), [&](const Swap& swap) { return on_old(swap, facts); });
}

bool half_back(const SwapRecord& record, const SwapFacts& facts) {
    if (!facts.workload || held_down(record, facts)) return false;
    return std::any_of(record.swaps.begin(), record.swaps.end(), [&](const Swap& swap) {
        const auto incoming = record.incoming.find(swap.claim);
        const bool given_up =
            incoming == record.incoming.end() || volume_now(facts, incoming->second.volume) == nullptr;
        return untouched(swap, facts) && given_up;
    });
}

bool over(const SwapRecord& record, const SwapFacts& facts) {
    if (record.workload.exists() && (!facts.workload || held_down(record, facts))) return false;
    std::size_t gone = 0;
    for (const Swap& swap : record.swaps) {
        const auto incoming = record.incoming.find(swap.claim);
        if (put_in(swap, record, facts)) {
            // Who deletes a claim before it is used gets it again; what has been settled is no more ours.
            const bool ours = brief_mark_of(*volume_now(facts, incoming->second.volume)).has_value();
            const Json* claim = claim_now(facts, swap.claim);
            const bool goes = claim == nullptr || (kube::deleting(*claim) && !mounted(swap.claim, facts));
            if (ours && goes) return false;
            continue;
        }
        if (incoming == record.incoming.end() || untouched(swap, facts)) return false;
        if (volume_now(facts, incoming->second.volume) != nullptr) return false;
        ++gone;
    }
    // Of a claim by itself: its volume goes only once that was settled, or by somebody's own doing.
    return gone < record.swaps.size() || !record.workload.exists();
}

bool reserved(const Swap& swap, const SwapRecord& record, const SwapFacts& facts) {
    if (swapped(swap, record, facts)) return true;
    if (!swap.temporary.empty() && claim_now(facts, swap.temporary) != nullptr) return false;
    const Json* object = volume_now(facts, record.incoming.at(swap.claim).volume);
    if (object == nullptr) return false;
    const kube::Volume volume = kube::volume_of(*object);
    if (volume.claim_space != record.space || volume.claim_name != swap.claim) return false;
    // With a uid it is being bound; Released: the claim of that uid is gone again.
    return volume.claim_uid.empty() ? volume.phase == "Available" : volume.phase != "Released";
}

bool beyond_return(const SwapRecord& record, const SwapFacts& facts, const std::string& operation) {
    if (turned_back(record, facts)) return false;
    bool gone = false;
    const bool back = half_back(record, facts);
    std::vector<std::string> taken_out;  // old volumes, of which each must be marked
    for (const Swap& swap : record.swaps) {
        const bool taken = put_in(swap, record, facts);
        if (taken && !back) return true;
        if (taken || remade(swap, record, facts) || dropped(swap, record, facts)) continue;
        const Json* claim = claim_now(facts, swap.claim);
        if (claim != nullptr && kube::uid_of(*claim) != swap.claim_uid) return true;
        gone = gone || !untouched(swap, facts);
        taken_out.push_back(swap.old_volume);
    }
    return gone && std::all_of(taken_out.begin(), taken_out.end(), [&](const std::string& volume) {
               return marked(volume_now(facts, volume), operation, true);
           });
}

bool held_down(const SwapRecord& record, const SwapFacts& facts) {
    return record.workload.exists() && facts.workload &&
           plan::held_down({record.workload, *facts.workload, record.held});
}

Result<SwapFacts> gather_swap(kube::ClusterReader& reader, SwapRecord& record, const std::string& operation) {
    TRY_ASSIGN(SwapFacts facts, gather_without_workload(reader, record, operation));
    if (record.workload.exists() && !facts.workload)
        return Error{ErrorKind::kConflict,
                     record.workload.text() + " was deleted or replaced by another one of its name meanwhile",
                     "its old volumes are kept; `kubectl restore abort " + operation + " -n " + record.space +
                         "` ends the operation and says which they are"};
    return facts;
}

Result<SwapFacts> gather_without_workload(kube::ClusterReader& reader, SwapRecord& record,
                                          const std::string& operation) {
    SwapFacts facts;
    if (record.workload.exists()) {
        TRY_ASSIGN(facts.workload, reader.find(record.workload.ref));
        if (facts.workload && kube::uid_of(*facts.workload) != record.workload.uid) facts.workload.reset();
    }
    TRY(read_claims(reader, record, operation, facts));
    TRY(read_volumes(reader, record, facts));
    if (forget_gone(record, facts)) {
        TRY(read_claims(reader, record, operation, facts));
        TRY(read_volumes(reader, record, facts));
    }
    TRY(read_pods(reader, record, operation, facts));
    TRY(read_attachments(reader, record, facts));
    return facts;
}

Status gather_snapshots(kube::ClusterReader& reader, const SwapRecord& record, SwapFacts& facts) {
    const auto list = reader.list(kube::kSnapshots, record.space);
    const bool none =
        !list.ok() && (list.error().kind == ErrorKind::kForbidden || list.error().kind == ErrorKind::kNotFound);
    if (!list.ok() && !none) return list.error();
    facts.snapshots.emplace();
    for (const Json& item : list.ok() ? list->items : std::vector<Json>()) {
        if (!kube::deleting(item)) facts.snapshots->insert(kube::uid_of(item));
    }
    return {};
}

bool last_copy(const Swap& swap, const SwapFacts& facts) {
    const std::size_t uid = swap.source.find(copies::kSourceUid);
    if (swap.temporary.empty() || !facts.snapshots || uid == std::string::npos) return false;
    return !facts.snapshots->contains(swap.source.substr(uid + std::string_view(copies::kSourceUid).size()));
}

Stage stage_of(const SwapRecord& record, const SwapFacts& facts, const std::string& operation) {
    const auto all = [&](const auto& question) {
        return std::all_of(record.swaps.begin(), record.swaps.end(), question);
    };
    const bool down = held_down(record, facts);
    if (all([&](const Swap& swap) { return swapped(swap, record, facts); }))
        return down ? Stage::kReplace : Stage::kFinish;
    if (turned_back(record, facts)) return Stage::kProve;
    if (over(record, facts)) return Stage::kFinish;
    if (!proven(record, facts, operation)) return Stage::kProve;
    if (!secure(record, facts, operation)) return Stage::kSecure;
    if (record.workload.exists() && (!down || kube::replicas_of(*facts.workload) != record.workload.stopped))
        return Stage::kStop;
    if (!facts.pods.empty() || !facts.attachments.empty()) return Stage::kDrain;
    const bool all_reserved = all([&](const Swap& swap) { return reserved(swap, record, facts); });
    return all_reserved ? Stage::kReplace : Stage::kReserve;
}

}  // namespace holdfast::restore
