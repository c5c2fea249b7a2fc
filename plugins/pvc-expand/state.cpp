#include "plugins/pvc-expand/state.h"

#include "common/core/quantity.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/resize.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "common/plan/observe.h"
#include "plugins/pvc-expand/evidence.h"

#include <algorithm>
#include <set>

namespace holdfast::expand {
namespace {

Quantity size_or_nothing(const std::string& text) { return Quantity::parse(text).value_or(Quantity::from_bytes(0)); }

const Json* claim_now(const ExpandState& state, const std::string& name) {
    const auto found = state.claims.find(name);
    return found == state.claims.end() ? nullptr : &found->second;
}

bool needs_swap(const Template& set, const ExpandState& state) {
    const Json* live = set_now(state, set);
    return live == nullptr || kube::deleting(*live) || !has_sizes(*live, set.sizes);
}

// Of a set that is still to be deleted.
bool held(const Template& set, const ExpandState& state) {
    const Json* live = set_now(state, set);
    if (live == nullptr || kube::deleting(*live) || has_sizes(*live, set.sizes)) return false;
    return kube::when_deleted_of(*live) != "Retain" || kube::when_scaled_of(*live) != "Retain" ||
           !owned_claims(set, state).empty();
}

// Pods that are nobody's, pods and claims that name a set of this name which is gone. Without pods its revisions may
// still be nobody's until its controller has seen it, whoever made it.
bool left_to_adopt(const Template& set, const ExpandState& state, const std::string& operation) {
    const Json* live = set_now(state, set);
    if (live == nullptr) return false;
    const std::vector<Json> pods = pods_of(set, state);
    const bool unseen = pods.empty() && kube::uid_of(*live) != set.uid && !kube::observed(*live);
    return remade_by(*live, operation) || unseen ||
           std::any_of(pods.begin(), pods.end(),
                       [&](const Json& pod) {
                           return kube::controller_uid_of(pod).empty() ||
                                  !kube::uid_of_earlier_owner(*live, pod).empty();
                       }) ||
           std::any_of(state.claims.begin(), state.claims.end(), [&](const auto& claim) {
               return kube::template_of_claim(*live, claim.first).claim_template != nullptr &&
                      !kube::uid_of_earlier_owner(*live, claim.second).empty();
           });
}

bool only_nodes_are_left(const ExpandRecord& record, const ExpandState& state, bool canary) {
    return record.restart == Restart::kIfNeeded &&
           std::all_of(record.claims.begin(), record.claims.end(), [&](const Growth& growth) {
               return growth.canary != canary || claim_now(state, growth.claim) == nullptr ||
                      (asks_enough(growth, state) && (large_enough(growth, state) || needs_mount(growth, state)));
           });
}

bool all_ready(const ExpandRecord& record, const ExpandState& state) {
    return std::all_of(record.stopped.begin(), record.stopped.end(), [&](const plan::HeldWorkload& one) {
        const auto live = state.workloads.find(one.text());
        return live == state.workloads.end() ||
               plan::observe(plan::Condition::kAllReady, &live->second).state == plan::Verdict::State::kDone;
    });
}

Status read_workloads(kube::ClusterReader& reader, const ExpandRecord& record, ExpandState& state) {
    std::vector<kube::ObjectRef> refs;
    for (const Template& set : record.sets) refs.push_back(set.ref);
    for (const plan::HeldWorkload& one : record.stopped) refs.push_back(one.ref);
    const auto answers = reader.get_all(refs);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (!answers[i].ok() && answers[i].error().kind == ErrorKind::kNotFound) continue;
        if (!answers[i].ok()) return answers[i].error().with_context(refs[i].text());
        if (i < record.sets.size())
            state.sets[refs[i].name] = *answers[i];
        else
            state.workloads[refs[i].text()] = *answers[i];
    }
    return {};
}

// A volume that is attached to a node counts as used.
Status read_attachments(kube::ClusterReader& reader, const ExpandRecord& record, ExpandState& state) {
    std::set<std::string> volumes;
    for (const Growth& growth : record.claims) {
        const Json* claim = claim_now(state, growth.claim);
        if (claim != nullptr) volumes.insert(kube::volume_of_claim(*claim));
    }
    TRY_ASSIGN(const kube::List list, reader.list(kube::kVolumeAttachments, ""));
    for (const Json& item : list.items) {
        if (volumes.contains(kube::attachment_of(item).volume)) state.attachments.push_back(kube::name_of(item));
    }
    return {};
}

// Who may not see revisions cannot tell: then it is made anew, as the journal says.
Status find_dismissed(kube::ClusterReader& reader, const ExpandRecord& record, ExpandState& state) {
    std::optional<std::vector<Json>> revisions;
    for (const Template& set : record.sets) {
        if (set_now(state, set) != nullptr || !record.swapped.contains(set.ref.name)) continue;
        if (!revisions) {
            TRY_ASSIGN(revisions, revisions_if_allowed(reader, record.space));
            if (!revisions) return {};
        }
        if (!left_behind(set, state.pods, *revisions)) state.dismissed.insert(set.ref.name);
    }
    return {};
}

}  // namespace

Result<ExpandState> gather_state(kube::ClusterReader& reader, const ExpandRecord& record) {
    ExpandState state;
    TRY(read_workloads(reader, record, state));
    TRY_ASSIGN(kube::List claims, reader.list(kube::kClaims, record.space));
    for (Json& claim : claims.items) {
        // What is deleted is somebody's own doing: one that is made of the template comes after it.
        auto& claims_now = kube::deleting(claim) ? state.going : state.claims;
        std::string name = kube::name_of(claim);
        claims_now.emplace(std::move(name), std::move(claim));
    }
    TRY_ASSIGN(kube::List pods, reader.list(kube::kPods, record.space));
    state.pods = std::move(pods.items);
    if (!record.stopped.empty()) TRY(read_attachments(reader, record, state));
    TRY(find_dismissed(reader, record, state));
    return state;
}

Status see_takers(kube::ClusterReader& reader, const ExpandRecord& record, ExpandState& state) {
    const bool deletes = std::any_of(record.sets.begin(), record.sets.end(), [&](const Template& set) {
        return set_now(state, set) != nullptr && needs_swap(set, state);
    });
    if (deletes) {
        TRY_ASSIGN(state.takers, gather_takers(reader, record.space));
    }
    return {};
}

Stage stage_of(const ExpandRecord& record, const ExpandState& state, const std::string& operation,
               const std::vector<std::string>& waited) {
    const auto unfinished = [&](bool canary) {
        return std::any_of(record.claims.begin(), record.claims.end(), [&](const Growth& growth) {
            return growth.canary == canary && claim_now(state, growth.claim) != nullptr &&
                   !(asks_enough(growth, state) && large_enough(growth, state));
        });
    };
    const auto any = [&](const auto& question) {
        return std::any_of(record.sets.begin(), record.sets.end(), question);
    };
    // A set that is gone comes first of all: its pods have nobody.
    if (!missing_sets(record, state).empty()) return Stage::kSwap;
    const bool started = std::find(waited.begin(), waited.end(), kStarting) != waited.end();
    if (const auto stage = offline_stage(record, state, operation, started)) return *stage;
    const auto restarts = [&](bool canary) {
        const bool had_time = std::find(waited.begin(), waited.end(), canary ? kCanaryNodes : kNodes) != waited.end();
        return had_time && only_nodes_are_left(record, state, canary) &&
               !pods_to_restart(record, state, canary).empty();
    };
    if (unfinished(true)) return restarts(true) ? Stage::kRestartCanary : Stage::kCanary;
    if (unfinished(false)) return restarts(false) ? Stage::kRestart : Stage::kGrow;
    if (record.swapped.empty() && !all_ready(record, state)) return Stage::kReady;
    const bool swaps = any([&](const Template& set) { return needs_swap(set, state); });
    if (swaps && !marked(record, state, operation)) return Stage::kSecure;
    if (any([&](const Template& set) { return held(set, state); })) return Stage::kRelease;
    if (swaps) return Stage::kSwap;
    if (any([&](const Template& set) { return left_to_adopt(set, state, operation); })) return Stage::kAdopt;
    if (!unbound_newcomers(record, state).empty()) return Stage::kNewcomers;
    return Stage::kClose;
}

const Json* set_now(const ExpandState& state, const Template& set) {
    const auto found = state.sets.find(set.ref.name);
    return found == state.sets.end() ? nullptr : &found->second;
}

bool asks_enough(const Growth& growth, const ExpandState& state) {
    const Json* claim = claim_now(state, growth.claim);
    if (claim == nullptr) return false;
    if (growth.bears_only) return true;
    const auto requested = kube::requested_of(*claim);
    return requested.ok() && *requested >= size_or_nothing(growth.to);
}

bool large_enough(const Growth& growth, const ExpandState& state) {
    const Json* claim = claim_now(state, growth.claim);
    if (claim == nullptr) return false;
    if (growth.bears_only) return true;
    const kube::ResizeState now = kube::resize_state_of(*claim);
    if (now.capacity && *now.capacity >= size_or_nothing(growth.to)) return true;
    return !growth.mounted && now.waits_for_node();
}

bool has_sizes(const Json& set, const kube::TemplateSizes& sizes) {
    const kube::TemplateSizes now = kube::template_sizes_of(set);
    return std::all_of(sizes.begin(), sizes.end(), [&](const auto& wanted) {
        const auto found = now.find(wanted.first);
        return found != now.end() && size_or_nothing(found->second) >= size_or_nothing(wanted.second);
    });
}

bool remade_by(const Json& set, const std::string& operation) {
    return kube::annotation_of(set, labels::kRemade) == operation;
}

bool leftover_policy(const Template& set) {
    return !kube::annotation_of(set.manifest, labels::kRetention).empty() &&
           kube::when_deleted_of(set.manifest) == "Retain" && kube::when_scaled_of(set.manifest) == "Retain";
}

std::optional<SystemTime> newest_write(const ExpandState& state) {
    std::string last;
    for (const auto* objects : {&state.sets, &state.claims}) {
        for (const auto& [name, object] : *objects) last = std::max(last, kube::last_written_of(object));
    }
    const auto parsed = parse_time(last);
    return parsed.ok() ? std::optional(*parsed) : std::nullopt;
}

std::vector<std::string> owned_claims(const Template& set, const ExpandState& state) {
    std::vector<std::string> names;
    const Json* live = set_now(state, set);
    const std::string uid = live == nullptr ? set.uid : kube::uid_of(*live);
    for (const auto& [name, claim] : state.claims) {
        for (const kube::OwnerReference& owner : kube::owners_of(claim)) {
            if (owner.uid == uid) names.push_back(name);
        }
    }
    return names;
}

std::vector<Json> pods_of(const Template& set, const ExpandState& state) {
    std::vector<Json> pods;
    for (const Json& pod : state.pods) {
        const bool named = kube::ordinal_of_pod(set.manifest, kube::name_of(pod)) >= 0;
        if (named && kube::selected_by(set.manifest, pod) && !kube::deleting(pod)) pods.push_back(pod);
    }
    return pods;
}

bool begun(const ExpandRecord& record, const ExpandState& state) {
    return std::any_of(record.claims.begin(), record.claims.end(), [&](const Growth& growth) {
        const Json* claim = claim_now(state, growth.claim);
        if (claim == nullptr || growth.bears_only) return false;
        const auto requested = kube::requested_of(*claim);
        return requested.ok() && *requested > size_or_nothing(growth.from);
    });
}

bool replacing(const ExpandRecord& record, const ExpandState& state) {
    return std::any_of(record.sets.begin(), record.sets.end(), [&](const Template& set) {
        const Json* live = set_now(state, set);
        return record.swapped.contains(set.ref.name) && !is_lost(set, record, state) &&
               (live == nullptr || kube::deleting(*live) || has_sizes(*live, set.sizes));
    });
}

bool is_lost(const Template& set, const ExpandRecord& record, const ExpandState& state) {
    const bool ours = record.swapped.contains(set.ref.name) && !state.dismissed.contains(set.ref.name);
    return set_now(state, set) == nullptr && !ours;
}

std::vector<const Template*> missing_sets(const ExpandRecord& record, const ExpandState& state) {
    std::vector<const Template*> missing;
    for (const Template& set : record.sets) {
        const Json* live = set_now(state, set);
        if (is_lost(set, record, state) || !record.swapped.contains(set.ref.name)) continue;
        if (live == nullptr || kube::deleting(*live)) missing.push_back(&set);
    }
    return missing;
}

}  // namespace holdfast::expand
