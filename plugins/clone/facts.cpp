#include "plugins/clone/facts.h"

#include "common/copies/workload_claims.h"
#include "common/core/hash.h"
#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/plan/journal.h"
#include "plugins/clone/fresh.h"
#include "plugins/clone/known.h"
#include "plugins/clone/pod_security.h"
#include "plugins/clone/seeds.h"
#include "plugins/clone/sites.h"

#include <algorithm>

namespace holdfast::clone {
namespace {

constexpr char kRecordKey[] = "clone";
constexpr char kTreatsKey[] = "treats";
constexpr char kStatementsKey[] = "statements";

const Json* recorded(const Json& record) { return kube::find_at(record, std::string("/") + kRecordKey); }

Status read_claims_there(kube::ClusterReader& reader, const CloneOptions& options, const Choice& choice,
                         const std::string& operation, Now& now) {
    std::vector<kube::ObjectRef> refs;
    for (const Copy& copy : choice.copies) refs.push_back({kube::kClaims, options.to_space, copy.spec.name});
    if (!options.sql.empty()) {
        for (const Copy& seed : seeds_of(options, choice).copies)
            refs.push_back({kube::kClaims, options.to_space, draft_name(operation, seed)});
    }
    const auto answers = reader.get_all(refs);
    for (std::size_t i = 0; i < refs.size(); ++i) {
        if (answers[i].ok()) {
            now.claims[refs[i].name] = kube::claim_of(*answers[i]);
            now.prepared[refs[i].name] = kube::annotation_of(*answers[i], labels::kPrepared);
            now.cut_at[refs[i].name] = kube::annotation_of(*answers[i], labels::kCutAt);
        } else if (answers[i].error().kind != ErrorKind::kNotFound) {
            return answers[i].error().with_context(refs[i].text());
        }
    }
    return {};
}

// Of what is prepared other copies are made: which volumes these are must not change meanwhile.
Status read_volumes(kube::ClusterReader& reader, Now& now) {
    for (const auto& [name, claim] : now.claims) {
        if (claim.volume.empty()) continue;
        TRY_ASSIGN(std::optional<Json> volume, reader.find({kube::kVolumes, "", claim.volume}));
        if (volume) now.volumes[claim.volume] = std::move(*volume);
    }
    return {};
}

// Whose journal is there is not done yet: the journal of a clone lies beside its source.
Status read_unfinished(kube::ClusterReader& reader, const CloneOptions& options, Now& now) {
    if (now.claims.empty()) return {};
    std::vector<std::string> damaged;
    TRY_ASSIGN(const auto journals, plan::list_journals(reader, options.space, damaged));
    for (const plan::Journal& journal : journals) now.unfinished.insert(journal.operation);
    return {};
}

Status read_space(kube::ClusterReader& reader, const CloneOptions& options, Now& now) {
    auto space = reader.get({kube::kNamespaces, "", options.to_space});
    if (!space.ok()) {
        if (space.error().kind != ErrorKind::kNotFound) return space.error();
        return Error{ErrorKind::kNotFound,
                     "namespace " + options.to_space + " does not exist" + where(options) + "; nothing was changed",
                     "make it first: kubectl create namespace " + options.to_space +
                         (options.other_context.empty() ? "" : " --context " + shell_quote(options.other_context))};
    }
    now.terminating = kube::deleting(*space);
    now.level = kube::label_of(*space, kEnforcedLevel);
    TRY_ASSIGN(const std::vector<bool> allowed,
               reader.allowed({{"list", kube::kResourceQuotas, options.to_space, "", ""}}));
    if (allowed.empty() || !allowed[0]) return {};
    TRY_ASSIGN(kube::List quotas, reader.list(kube::kResourceQuotas, options.to_space));
    now.quotas = std::move(quotas.items);
    return {};
}

}  // namespace

bool has_record(const Json& record) { return recorded(record) != nullptr; }

Result<LiveFacts> gather_origin(kube::ClusterReader& reader, const CloneOptions& options, const Json& record,
                                const std::string& operation) {
    if (const Json* kept = recorded(record); kept != nullptr) return live_facts_from_json(*kept);
    std::vector<std::string> mounted;
    if (*options.source.resource == kube::kStatefulSets) {
        TRY_ASSIGN(const auto workload, reader.find(options.source_ref()));
        if (workload) mounted = mounted_by_name(*options.source.resource, *workload);
    }
    return gather_live(reader, options.space, cut_request(options, mounted), operation);
}

Json record_of(const LiveFacts& live, const Choice& choice, bool treats) {
    return {{kRecordKey, live_facts_to_json(live, choice.looked_at)}, {kTreatsKey, treats}};
}

bool recorded_treats(const Json& record) { return kube::bool_at(record, std::string("/") + kTreatsKey, false); }

void record_statements(const CloneOptions& options, Json& record) {
    if (!options.sql.empty()) record[kStatementsKey] = short_hash(options.sql);
}

Status check_statements(const CloneOptions& options, const Json& record, const std::string& operation) {
    const std::string hint = "put the file back as it was and go on, or take this one back: kubectl clone abort " +
                             operation + " -n " + options.space;
    if (options.unread) {
        Error error = *options.unread;
        if (!operation.empty()) error.hint = hint;
        return error;
    }
    const std::string begun_with = kube::text_at(record, std::string("/") + kStatementsKey);
    if (begun_with.empty() || begun_with == short_hash(options.sql)) return {};
    return refused("the file of --sql does not hold the statements that this clone was begun with", hint);
}

bool Now::all_bound(const Choice& choice, const std::string& operation) const {
    return std::all_of(choice.copies.begin(), choice.copies.end(), [&](const Copy& copy) {
        const auto found = claims.find(copy.spec.name);
        return found != claims.end() && found->second.operation == operation && found->second.phase == "Bound" &&
               !found->second.deleting;
    });
}

bool Now::all_prepared(const Choice& choice, const std::string& mark) const {
    return std::all_of(choice.copies.begin(), choice.copies.end(), [&](const Copy& copy) {
        const auto found = prepared.find(copy.spec.name);
        return found != prepared.end() && found->second == mark;
    });
}

bool Now::any_made(const std::string& operation) const {
    return std::any_of(claims.begin(), claims.end(),
                       [&](const auto& one) { return one.second.operation == operation; });
}

Result<std::optional<kube::Claim>> gather_namesake(kube::ClusterReader& there, const CloneOptions& options,
                                                   const std::string& operation) {
    TRY_ASSIGN(const kube::List claims, there.list(kube::kClaims, options.to_space, parts_of_clones(options.name)));
    for (const Json& claim : claims.items) {
        // One that was made under another name is somebody's copy of a clone, and nothing takes it for one.
        if (kube::label_of(claim, labels::kOperation) != operation && made_under_its_name(kube::kClaims, claim))
            return std::optional(kube::claim_of(claim));
    }
    return std::optional<kube::Claim>();
}

Status gather_snapshots(kube::ClusterReader& reader, const std::string& space, const std::string& operation,
                        Choice& choice) {
    if (choice.method != Method::kSnapshot) return {};
    std::vector<kube::SetMember> facts;
    for (const Member& source : choice.sources) facts.push_back(source.facts);
    TRY_ASSIGN(std::vector<Member> found, gather_members(reader, space, operation, facts));
    for (std::size_t i = 0; i < found.size(); ++i) {
        found[i].called = choice.sources[i].called;
        found[i].old_volume = choice.sources[i].old_volume;
        choice.sources[i] = std::move(found[i]);
    }
    return {};
}

Result<Now> gather_now(kube::ClusterReader& here, kube::ClusterReader& there, const CloneOptions& options,
                       const std::string& operation, Choice& choice) {
    Now now;
    TRY(read_space(there, options, now));
    TRY(read_claims_there(there, options, choice, operation, now));
    TRY(read_unfinished(here, options, now));
    TRY(gather_snapshots(here, options.space, operation, choice));
    TRY(read_volumes(there, now));
    return now;
}

}  // namespace holdfast::clone
