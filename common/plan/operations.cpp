#include "common/plan/operations.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/os/process_identity.h"

#include <algorithm>
#include <map>
#include <set>

namespace holdfast::plan {
namespace {

bool throwaway_role(const std::string& role) { return role == "drill" || role == "open" || role == "consumer"; }

// Pods that mount a claim of a namespace: claim name -> pod name.
Result<std::map<std::string, std::string>> mounted_claims(kube::ClusterReader& reader, const std::string& space,
                                                          const std::set<std::string>& except) {
    TRY_ASSIGN(const kube::List pods, reader.list(kube::kPods, space));
    std::map<std::string, std::string> users;
    for (const Json& pod : pods.items) {
        const Json* spec = kube::find_at(pod, "/spec");
        if (spec == nullptr || except.contains(kube::name_of(pod))) continue;
        for (const auto& [volume, claim] : kube::claims_of_pod_spec(*spec)) users[claim] = kube::name_of(pod);
    }
    return users;
}

// Pods go first, since a claim stays while a pod mounts it; contents last, since their snapshots hold them.
int removal_order(const kube::Resource& resource) {
    if (resource == kube::kPods) return 0;
    if (resource == kube::kClaims) return 2;
    if (resource == kube::kSnapshots) return 3;
    if (resource == kube::kSnapshotContents) return 4;
    return 1;
}

Step removal(const kube::ObjectRef& ref, const std::string& uid, const std::vector<std::string>& after) {
    Step step;
    step.id = "remove-" + ref.resource.short_name + "-" + ref.name;
    step.title = "delete " + ref.text();
    step.reason = "the operation made it";
    step.after = after;
    step.action = Delete{ref, {uid, ""}, kube::Propagation::kBackground, true};
    return step;
}

struct Found {
    kube::ObjectRef ref;
    Json object;
};

void add_removals(Plan& plan, std::vector<Found> found) {
    std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
        return removal_order(a.ref.resource) < removal_order(b.ref.resource);
    });
    std::vector<std::string> pods;
    for (const Found& one : found) {
        const bool pod = one.ref.resource == kube::kPods;
        plan.steps.push_back(removal(one.ref, kube::uid_of(one.object), pod ? std::vector<std::string>{} : pods));
        if (pod) pods.push_back(plan.steps.back().id);
    }
    plan.asks = !plan.steps.empty();
}

}  // namespace

OperationStatus describe(const Journal& journal) {
    OperationStatus status;
    status.journal = journal;
    switch (owner_state(journal.owner)) {
        case OwnerState::kSelf:
        case OwnerState::kAlive:
            status.owner = "runs";
            break;
        case OwnerState::kDead:
            status.owner = "stopped";
            break;
        case OwnerState::kElsewhere:
            status.owner = journal.state == "stopped" ? "stopped" : "runs elsewhere or stopped";
            break;
    }
    const std::string rest = " " + journal.operation + " -n " + journal.space;
    status.resume = "kubectl " + journal.plugin + " resume" + rest;
    status.abort = "kubectl " + journal.plugin + " abort" + rest;
    return status;
}

Result<Plan> plan_abort(kube::ClusterReader& reader, const Journal& journal) {
    if (owner_state(journal.owner) == OwnerState::kAlive) {
        return Error{ErrorKind::kLocked,
                     "operation " + journal.operation + " is being worked on by process " +
                         split(journal.owner, '/').at(2) + " of this machine; nothing was changed",
                     "end that process first", 0, ""};
    }
    Plan plan;
    plan.operation = journal.operation;
    std::vector<kube::ObjectRef> refs = created_objects(journal);
    std::reverse(refs.begin(), refs.end());
    std::vector<Found> found;
    std::set<std::string> own_pods;
    const std::vector<Result<Json>> objects = reader.get_all(refs);
    for (std::size_t i = 0; i < refs.size(); ++i) {
        if (!objects[i].ok()) {
            if (objects[i].error().kind != ErrorKind::kNotFound) return objects[i].error().with_context(refs[i].text());
            continue;
        }
        if (kube::label_of(*objects[i], labels::kOperation) != journal.operation) {
            plan.notes.push_back(refs[i].text() + " is left: another operation or user made it");
            continue;
        }
        if (refs[i].resource == kube::kPods) own_pods.insert(refs[i].name);
        found.push_back({refs[i], *objects[i]});
    }
    const bool claims =
        std::any_of(found.begin(), found.end(), [](const Found& one) { return one.ref.resource == kube::kClaims; });
    if (claims) {
        TRY_ASSIGN(const auto users, mounted_claims(reader, journal.space, own_pods));
        std::erase_if(found, [&](const Found& one) {
            const auto user = users.find(one.ref.name);
            if (one.ref.resource != kube::kClaims || user == users.end()) return false;
            plan.notes.push_back(one.ref.text() + " is left: pod " + user->second + " uses it");
            return true;
        });
    }
    // What a --pre held back is not ours to let go here: the pods may be others by now. It must be said.
    const std::string post = kube::text_at(journal.arguments, "/values/post/0");
    if (!post.empty()) {
        plan.notes.push_back(
            "--post is not run by abort, only by resume: if writes are still held back, let them go by hand: " +
            escape_line(post));
    }
    add_removals(plan, std::move(found));
    return plan;
}

Result<Plan> plan_gc(kube::ClusterReader& reader, const std::string& space) {
    Plan plan;
    plan.operation = "gc";
    std::vector<std::string> damaged;
    TRY_ASSIGN(const std::vector<Journal> journals, list_journals(reader, space, damaged));
    for (const std::string& one : damaged) plan.notes.push_back(one);
    std::map<std::string, const Journal*> open;
    for (const Journal& journal : journals) open[journal.operation] = &journal;
    std::set<std::string> kept;
    auto live = [&](const std::string& operation) {
        const auto journal = open.find(operation);
        return journal != open.end() && owner_state(journal->second->owner) != OwnerState::kDead &&
               journal->second->state != "stopped";
    };
    const std::string ours = std::string(labels::kManagedBy) + "=" + labels::kManagedByValue + "," + labels::kRole +
                             " in (drill,open,consumer)";
    std::vector<Found> found;
    std::set<std::string> own_pods;
    for (const kube::Resource* resource : {&kube::kPods, &kube::kClaims, &kube::kConfigMaps, &kube::kNetworkPolicies}) {
        // Without one of them "nothing to remove" would be a guess.
        TRY_ASSIGN(kube::List list, reader.list(*resource, space, {ours, ""}));
        for (Json& item : list.items) {
            const std::string operation = kube::label_of(item, labels::kOperation);
            if (operation.empty() || !throwaway_role(kube::label_of(item, labels::kRole))) continue;
            if (live(operation)) {
                kept.insert(operation);
                continue;
            }
            if (*resource == kube::kPods) own_pods.insert(kube::name_of(item));
            found.push_back({{*resource, space, kube::name_of(item)}, std::move(item)});
        }
    }
    TRY_ASSIGN(const auto users, mounted_claims(reader, space, own_pods));
    std::erase_if(found, [&](const Found& one) {
        const auto user = users.find(one.ref.name);
        if (one.ref.resource != kube::kClaims || user == users.end()) return false;
        plan.notes.push_back(one.ref.text() + " is left: pod " + user->second + " uses it");
        return true;
    });
    for (const std::string& operation : kept)
        plan.notes.push_back("operation " + operation + " is left: it may still run");
    for (const Journal& journal : journals) {
        if (!live(journal.operation))
            plan.notes.push_back("operation " + journal.operation + " is unfinished: " + describe(journal).resume +
                                 ", or " + describe(journal).abort);
    }
    add_removals(plan, std::move(found));
    return plan;
}

}  // namespace holdfast::plan
