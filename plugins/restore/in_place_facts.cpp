#include "plugins/restore/in_place_facts.h"

#include "common/core/text.h"
#include "common/kube/missing.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"
#include "common/kube/server_time.h"
#include "common/kube/sets.h"
#include "common/plan/wakers.h"
#include "plugins/restore/swap.h"
#include "plugins/restore/swap_facts.h"

#include <set>

namespace holdfast::restore {
namespace {

Status read_claims(kube::ClusterReader& reader, const InPlaceOptions& options, InPlaceFacts& facts) {
    std::set<std::string> names(options.claims.begin(), options.claims.end());
    for (const Member& member : facts.source.members) {
        if (!member.facts.claim.empty()) names.insert(member.facts.claim);
    }
    if (options.bare()) names = {options.target.name};
    if (facts.workload.is_object()) {
        const kube::WorkloadState state = kube::workload_state_of(facts.workload);
        for (const std::string& name : kube::template_claims_of(state)) names.insert(name);
    }
    std::vector<kube::ObjectRef> refs;
    for (const std::string& name : names) refs.push_back({kube::kClaims, options.space, name});
    TRY(read_into(reader, refs, facts.claims));
    refs.clear();
    for (const auto& [name, claim] : facts.claims) {
        const std::string volume = kube::volume_of_claim(claim);
        if (!volume.empty()) refs.push_back({kube::kVolumes, "", volume});
    }
    return read_into(reader, refs, facts.volumes);
}

}  // namespace

Result<std::vector<Json>> kept_volumes(kube::ClusterReader& reader, const std::string& space) {
    TRY_ASSIGN(kube::List list, reader.list(kube::kVolumes, "", {labels::kKept, ""}));
    std::vector<Json> kept;
    for (Json& item : list.items) {
        const auto mark = brief_mark_of(item);
        if (mark && mark->taken_out && mark->space == space) kept.push_back(std::move(item));
    }
    return kept;
}

Result<std::vector<std::string>> kept_where(kube::ClusterReader& reader, const std::string& operation) {
    TRY_ASSIGN(const kube::List list,
               reader.list(kube::kVolumes, "", {std::string(labels::kKept) + "=" + operation, ""}));
    std::set<std::string> spaces;
    for (const Json& item : list.items) {
        const auto mark = brief_mark_of(item);
        if (mark && mark->taken_out && mark->operation == operation) spaces.insert(mark->space);
    }
    return std::vector<std::string>(spaces.begin(), spaces.end());
}

const Json* template_for(const InPlaceFacts& facts, const std::string& claim) {
    return kube::template_of_claim(facts.workload.is_object() ? facts.workload : facts.holder, claim).claim_template;
}

std::string template_text(const InPlaceFacts& facts, const Json& claim_template) {
    const Json& set = facts.workload.is_object() ? facts.workload : facts.holder;
    return "the template " + kube::name_of(claim_template) + " of sts/" + kube::space_of(set) + "/" +
           kube::name_of(set);
}

Result<Json> holder_of(kube::ClusterReader& reader, const kube::ObjectRef& claim) {
    TRY_ASSIGN(kube::List sets, reader.list(kube::kStatefulSets, claim.space));
    for (Json& set : sets.items) {
        if (kube::template_of_claim(set, claim.name).claim_template != nullptr) return std::move(set);
    }
    return Json(nullptr);
}

Result<InPlaceFacts> gather_in_place(kube::ClusterReader& reader, const InPlaceOptions& options) {
    InPlaceFacts facts;
    if (!options.bare()) {
        TRY_ASSIGN(std::optional<Json> workload, reader.find(options.target));
        if (!workload) return kube::missing_object(reader, options.target);
        facts.workload = std::move(*workload);
    } else {
        TRY_ASSIGN(facts.holder, holder_of(reader, options.target));
    }
    TRY_ASSIGN(facts.source, gather_source(reader, options.space, options.from));
    TRY(read_claims(reader, options, facts));
    TRY_ASSIGN(kube::List pods, reader.list(kube::kPods, options.space));
    facts.pods = std::move(pods.items);
    if (!options.bare()) {
        TRY_ASSIGN(kube::List autoscalers, reader.list(kube::kHorizontalPodAutoscalers, options.space));
        facts.autoscalers = std::move(autoscalers.items);
        facts.deployer_paused = plan::deployer_paused(reader, facts.workload);
    }
    TRY_ASSIGN(const kube::List snapshots, reader.list(kube::kSnapshots, options.space));
    for (const Json& item : snapshots.items) facts.snapshots.push_back(kube::snapshot_of(item));
    std::vector<std::string> damaged;
    TRY_ASSIGN(facts.sets, kube::list_sets(reader, options.space, damaged));
    TRY_ASSIGN(facts.kept, kept_volumes(reader, options.space));
    facts.now = kube::server_time(reader);
    return facts;
}

}  // namespace holdfast::restore
