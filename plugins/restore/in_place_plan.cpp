#include "plugins/restore/in_place_plan.h"

#include "common/copies/claims.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"
#include "plugins/restore/in_place_guards.h"
#include "plugins/restore/shared.h"

#include <algorithm>
#include <set>

namespace holdfast::restore {
namespace {

const Member* member_of_claim(const Source& source, const std::string& claim) {
    for (const Member& member : source.members) {
        if (member.facts.claim == claim) return &member;
    }
    return nullptr;
}

struct Wanted {
    std::string claim;
    int ordinal = -1;
};

std::string ordinals_text(const std::set<int>& ordinals) {
    std::vector<std::string> texts;
    for (const int one : ordinals) texts.push_back(std::to_string(one));
    return texts.empty() ? "none" : join(texts, ", ");
}

std::set<int> ordinals_of(const Source& source) {
    std::set<int> ordinals;
    for (const Member& member : source.members) {
        if (member.facts.ordinal >= 0) ordinals.insert(member.facts.ordinal);
    }
    return ordinals;
}

// R14: the claims of volumeClaimTemplates, every ordinal or the one that is meant.
Result<std::vector<Wanted>> wanted_of_set(const InPlaceOptions& options, const InPlaceFacts& facts,
                                          const kube::WorkloadState& state) {
    if (state.templates.empty() && options.claims.empty())
        return refuse(options.target.text() + " has no volumeClaimTemplates", "name its claims with --claim");
    std::set<int> ordinals, has = ordinals_of(facts.source);
    for (int i = 0; i < state.replicas; ++i) ordinals.insert(state.start_ordinal + i);
    if (state.replicas == 0) ordinals = has;  // stopped by its owner: the set says how many there were
    if (options.ordinal) {
        if (!ordinals.contains(*options.ordinal) || !has.contains(*options.ordinal))
            return refuse("ordinal " + std::to_string(*options.ordinal) + " is not in both: " + options.target.text() +
                              " has " + ordinals_text(ordinals) + ", " + facts.source.text() + " has " +
                              ordinals_text(has),
                          "");
        ordinals = {*options.ordinal};
    } else if (!state.templates.empty() && ordinals != has) {
        return refuse(options.target.text() + " has the ordinals " + ordinals_text(ordinals) + ", and " +
                          facts.source.text() + " has " + ordinals_text(has),
                      "scale it to as many replicas as the set has, or restore single ordinals with --ordinal");
    }
    std::vector<Wanted> wanted;
    for (const int ordinal : ordinals) {
        for (const kube::ClaimTemplate& one : state.templates)
            wanted.push_back({one.name + "-" + state.name + "-" + std::to_string(ordinal), ordinal});
    }
    return wanted;
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

bool is_wanted(const std::vector<Wanted>& wanted, const std::string& claim) {
    return std::any_of(wanted.begin(), wanted.end(), [&](const Wanted& one) { return one.claim == claim; });
}

bool takes_all_it_mounts(const InPlaceOptions& options) {
    return options.target.resource == kube::kDeployments && options.claims.empty();
}

Result<std::vector<Wanted>> wanted_claims(const InPlaceOptions& options, const InPlaceFacts& facts) {
    std::vector<Wanted> wanted;
    if (options.bare()) return std::vector<Wanted>{{options.target.name, -1}};
    const kube::WorkloadState state = kube::workload_state_of(facts.workload);
    const std::vector<std::string>& in_template = state.pod_claims;
    if (state.is_stateful_set()) {
        TRY_ASSIGN(wanted, wanted_of_set(options, facts, state));
    }
    for (const std::string& claim : options.claims) {
        if (!contains(in_template, claim))
            return refuse("the pod template of " + options.target.text() + " mounts no claim " + escape_line(claim),
                          in_template.empty() ? "" : "it mounts " + join(in_template, ", "));
    }
    // Also those that the source does not hold: restored without them, the workload would get data of two times.
    for (const std::string& claim : takes_all_it_mounts(options) ? in_template : options.claims) {
        if (!is_wanted(wanted, claim)) wanted.push_back({claim, -1});
    }
    if (wanted.empty())
        return refuse(facts.source.text() + " has no claim that " + options.target.text() + " uses", "");
    return wanted;
}

// A single snapshot is of one claim; restored into another one's place it would be a mistake more often than not.
const Member* member_for(const InPlaceFacts& facts, const std::string& claim) {
    return member_of_claim(facts.source, claim);
}

Result<Quantity> template_size(const InPlaceFacts& facts, const Wanted& wanted) {
    const Json* in_template = template_for(facts, wanted.claim);
    if (in_template == nullptr) return Quantity::from_bytes(0);
    return Quantity::parse(kube::request_text_of(*in_template));
}

// The text of the largest is kept: what users wrote goes back as they wrote it.
Quantity largest(std::initializer_list<Quantity> all) { return *std::max_element(all.begin(), all.end()); }

Result<Swap> swap_of_claim(const InPlaceOptions& options, const InPlaceFacts& facts, const Wanted& wanted,
                           const Member& member, const std::string& operation) {
    Swap swap;
    swap.claim = wanted.claim;
    swap.ordinal = wanted.ordinal;
    const std::string what = "pvc/" + options.space + "/" + wanted.claim;
    const auto claim = facts.claims.find(wanted.claim);
    if (claim == facts.claims.end())
        return refuse(what + " does not exist: there is nothing to restore in place",
                      "kubectl restore pvc/" + wanted.claim + " --from " + options.from + " makes it");
    TRY(take_old_volume(facts.volumes, claim->second, swap));
    TRY_ASSIGN(const Quantity request, kube::requested_of(claim->second));
    TRY_ASSIGN(const Quantity in_template, template_size(facts, wanted));
    const Quantity capacity = kube::capacity_of(claim->second).value_or(request);
    swap.request = largest({request, capacity, in_template, Quantity::from_bytes(member.least_bytes())}).text();
    swap.temporary = temporary_name(operation, wanted.claim);
    swap.source = source_text(member);
    return swap;
}

Workload workload_facts(const InPlaceOptions& options, const InPlaceFacts& facts) {
    Workload workload;
    if (options.bare()) return workload;
    const kube::WorkloadState state = kube::workload_state_of(facts.workload);
    workload.ref = options.target;
    workload.uid = state.uid;
    workload.replicas = state.replicas;
    // Ordinals below the one that is meant run on, of those that run at all.
    workload.stopped = options.ordinal ? std::clamp(*options.ordinal - state.start_ordinal, 0, state.replicas) : 0;
    workload.when_deleted = state.when_deleted;
    workload.when_scaled = state.when_scaled;
    return workload;
}

void note_writes_lost(InPlaceChoice& choice, const InPlaceFacts& facts) {
    std::string first;
    for (const Member* member : choice.members) {
        const std::string cut = member->snapshot->cut_at.empty() ? member->facts.cut_at : member->snapshot->cut_at;
        if (first.empty() || (!cut.empty() && cut < first)) first = cut;
    }
    std::vector<std::string> newer;
    for (const kube::SnapshotSet& set : facts.sets) {
        const bool same = facts.source.record && set.workload_kind == facts.source.record->workload_kind &&
                          set.workload_name == facts.source.record->workload_name;
        if (same && set.complete && facts.source.is_set && set.created_at > facts.source.record->created_at)
            newer.push_back(set.name);
    }
    choice.notes.push_back("writes that will be lost: those since " + span_text(first, facts.now) +
                           "; newer sets: " + (newer.empty() ? "none" : join(newer, ", ")));
}

// R9 makes the new volume as large as the largest of what asks; undo cannot make the old one so.
void note_growth(InPlaceChoice& choice) {
    for (const Swap& swap : choice.record.swaps) {
        const auto request = Quantity::parse(swap.request);
        if (!request.ok() || swap.old_bytes <= 0 || request->bytes() <= swap.old_bytes) continue;
        choice.notes.push_back("WARNING: `kubectl restore undo` will be refused: pvc/" + swap.claim + " grows to " +
                               swap.request + ", and its old volume pv/" + swap.old_volume + ", which is kept, has " +
                               human_bytes(swap.old_bytes));
    }
}

void note_left(InPlaceChoice& choice, const InPlaceOptions& options, const InPlaceFacts& facts) {
    std::vector<std::string> left, unheld;
    for (const Member& member : facts.source.members) {
        const bool taken = std::find(choice.members.begin(), choice.members.end(), &member) != choice.members.end();
        if (!taken && !member.facts.claim.empty()) left.push_back(member.facts.claim);
    }
    if (!options.bare()) {
        for (const std::string& claim : kube::workload_state_of(facts.workload).pod_claims) {
            if (member_of_claim(facts.source, claim) == nullptr && !contains(unheld, claim)) unheld.push_back(claim);
        }
    }
    if (!left.empty())
        choice.notes.push_back("left as they are: " + join(left, ", ") +
                               (options.bare() || options.ordinal ? "" : " (--claim NAME restores one too)"));
    if (!unheld.empty())
        choice.notes.push_back("left as they are, since " + facts.source.text() +
                               " holds no snapshot of them: " + join(unheld, ", "));
}

void note_rest(InPlaceChoice& choice, const InPlaceOptions& options, const InPlaceFacts& facts) {
    note_left(choice, options, facts);
    if (facts.source.record && facts.source.is_set)
        choice.notes.push_back("consistency of the set: " + facts.source.record->consistency);
    choice.notes.push_back(
        "the old volumes are kept: `kubectl restore undo` puts them back, `kubectl restore finalize` "
        "removes them");
    if (!choice.record.workload.exists()) return;
    if (kube::rolling_out(facts.workload))
        choice.notes.push_back(
            "WARNING: " + options.target.text() +
            " is in the middle of a rollout: pods of its older template may come up with the present one. To "
            "keep the older: `kubectl rollout undo` first");
    const long long grace = kube::grace_seconds_of(facts.workload);
    choice.notes.push_back("expected downtime: until the pods have stopped (at most their grace of " +
                           std::to_string(grace) +
                           " s each), a few seconds for the swap, and until they are ready again");
    for (const Json& autoscaler : facts.autoscalers) {
        if (kube::scales(autoscaler, options.target.resource.kind, options.target.name))
            choice.notes.push_back("hpa/" + kube::name_of(autoscaler) + " rests while the replicas are 0");
    }
}

// What was kept of the claim when it was last restored from this source; nullopt: nothing.
std::optional<SwapMark> last_mark(const InPlaceFacts& facts, const std::string& claim) {
    std::optional<SwapMark> last;
    for (const Json& volume : facts.kept) {
        auto mark = mark_of(volume);
        if (mark->claim != claim || mark->from != facts.source.text()) continue;
        if (!last || mark->at > last->at) last = std::move(mark);
    }
    return last;
}

Error restored_otherwise(const InPlaceFacts& facts, const std::vector<SwapMark>& last, bool by_one) {
    std::vector<std::string> claims, by;
    for (const SwapMark& mark : last) {
        claims.push_back(mark.claim);
        by.push_back(mark.claim + " by " + mark.operation);
    }
    return refuse(join(claims, ", ") + (claims.size() == 1 ? " was" : " were") + " restored from " +
                      facts.source.text() + " already, " +
                      (by_one ? "together with other claims, by " + last.front().operation
                              : "not all by one operation: " + join(by, ", ")),
                  "--again restores them once more; what was written since would be lost");
}

}  // namespace

Status take_old_volume(const std::map<std::string, Json>& volumes, const Json& claim, Swap& swap) {
    const std::string what = "pvc/" + kube::space_of(claim) + "/" + kube::name_of(claim);
    swap.manifest = claim;
    swap.manifest["metadata"].erase("managedFields");  // who wrote which field is nothing that is made anew
    swap.claim_uid = kube::uid_of(claim);
    swap.old_volume = kube::volume_of_claim(claim);
    const auto object = volumes.find(swap.old_volume);
    if (object == volumes.end()) return refuse(what + " has no volume", "`kubectl restore doctor` says why");
    const kube::Volume volume = kube::volume_of(object->second);
    if (volume.claim_uid != swap.claim_uid)
        return refuse("pv/" + volume.name + " does not point back at " + what + ": the two are not bound", "");
    if (volume.deleting)
        return refuse("pv/" + volume.name + " of " + what +
                          " is being deleted: it goes as soon as the claim lets go of it, and could not be kept",
                      "its data is safe while the claim is there: `kubectl snap " + what.substr(0, 4) +
                          kube::name_of(claim) + "`, then `kubectl restore pvc/NEW --from` that set");
    swap.old_volume_uid = volume.uid;
    swap.old_storage = storage_text(volume);
    swap.old_policy = volume.reclaim_policy;
    swap.old_bytes = volume.capacity_bytes;
    return {};
}

std::string storage_text(const kube::Volume& volume) {
    return volume.driver.empty() ? "" : "driver " + volume.driver + ", handle " + volume.handle;
}

std::string span_text(const std::string& since, std::optional<SystemTime> now) {
    const auto time = parse_time(since);
    if (!time.ok()) return "an unknown time";
    if (!now) return format_time(*time);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*now - *time).count();
    return format_time(*time) + ", " + human_age(std::max<long long>(0, seconds));
}

Result<std::string> restored_before(const InPlaceOptions& options, const InPlaceFacts& facts) {
    const auto wanted = wanted_claims(options, facts);
    if (!wanted.ok()) return std::string();
    std::vector<SwapMark> last;  // one of each claim
    for (const Wanted& one : *wanted) {
        const Member* member = member_for(facts, one.claim);
        const auto claim = facts.claims.find(one.claim);
        if (member == nullptr || claim == facts.claims.end()) return std::string();
        if (kube::annotation_of(claim->second, labels::kRestoredFrom) != source_text(*member)) return std::string();
        auto mark = last_mark(facts, one.claim);
        if (!mark) return std::string();
        last.push_back(std::move(*mark));
    }
    const bool by_one = std::all_of(last.begin(), last.end(),
                                    [&](const SwapMark& mark) { return mark.operation == last.front().operation; });
    if (by_one && last.front().count == static_cast<int>(last.size())) return last.front().operation;
    return restored_otherwise(facts, last, by_one);
}

Result<InPlaceChoice> choose_in_place(const InPlaceOptions& options, const InPlaceFacts& facts,
                                      const std::string& operation, SystemTime now) {
    TRY(check_owner(options, facts));
    TRY(check_complete(facts.source));
    TRY(check_version(facts));
    TRY_ASSIGN(const std::vector<Wanted> wanted, wanted_claims(options, facts));
    InPlaceChoice choice;
    std::vector<std::string> missing;
    for (const Wanted& one : wanted) {
        const Member* member = member_for(facts, one.claim);
        if (member == nullptr)
            missing.push_back(one.claim);
        else
            choice.members.push_back(member);
    }
    if (!missing.empty())
        return refuse(facts.source.text() + " holds no snapshot of " + join(missing, ", "),
                      "name a set that was made of " + options.target.text() +
                          (takes_all_it_mounts(options)
                               ? ", or choose with --claim which are restored: the others stay as they are"
                               : ""));
    TRY(check_skew(options, facts, wanted.size()));
    choice.record.space = options.space;
    choice.record.workload = workload_facts(options, facts);
    choice.record.from = facts.source.text();
    choice.record.image = database_image(facts);
    std::vector<std::string> earlier;
    for (const Json& volume : facts.kept) earlier.push_back(brief_mark_of(volume)->at);
    choice.record.at = moment_after(earlier, facts.now.value_or(now));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        TRY_ASSIGN(Swap swap, swap_of_claim(options, facts, wanted[i], *choice.members[i], operation));
        choice.record.swaps.push_back(std::move(swap));
    }
    TRY(check_autoscalers(facts, choice.record));
    TRY(check_claim_states(facts, choice.record));
    TRY(check_bindings(facts, choice.record));
    TRY(check_pods(options, facts, choice.record));
    note_writes_lost(choice, facts);
    note_growth(choice);
    note_rest(choice, options, facts);
    return choice;
}

}  // namespace holdfast::restore
