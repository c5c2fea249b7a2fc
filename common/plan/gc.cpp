#include "common/plan/gc.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lease.h"
#include "common/kube/objects/workload.h"
#include "common/plan/drive_parts.h"
#include "common/plan/removal.h"

#include <algorithm>
#include <map>
#include <set>

namespace holdfast::plan {
namespace {

// A message about an unreadable journal begins with its ConfigMap: "configmap/NAMESPACE/holdfast-op-ID: ...".
bool names_journal_of(const std::vector<std::string>& damaged, const std::string& operation) {
    const std::string name = "/" + journal_name(operation) + ":";
    return std::any_of(damaged.begin(), damaged.end(),
                       [&](const std::string& message) { return message.find(name) != std::string::npos; });
}

bool throwaway_role(const std::string& role) {
    return role == "drill" || role == "open" || role == "consumer" || role == "prove" || role == "mask";
}

// Labels are copied along with manifests, and anyone may set them; what is deleted by its labels is also called as an
// operation calls its throwaways.
std::string not_a_throwaway(const Json& object, const std::string& operation) {
    if (!is_named_after(kube::name_of(object), operation)) return "its name is not made of that operation's id";
    const Json* owners = kube::find_at(object, "/metadata/ownerReferences");
    if (owners != nullptr && owners->is_array() && !owners->empty()) return "it belongs to another object";
    return "";
}

// What is labelled and named as an operation's throwaways are.
Result<std::vector<Found>> throwaways_in(kube::ClusterReader& reader, const std::string& space,
                                         std::vector<std::string>& notes) {
    const std::string ours = std::string(labels::kManagedBy) + "=" + labels::kManagedByValue + "," + labels::kRole +
                             " in (drill,open,consumer,prove,mask)";
    std::vector<Found> candidates;
    for (const kube::Resource* resource : {&kube::kPods, &kube::kClaims, &kube::kConfigMaps, &kube::kNetworkPolicies}) {
        // Without one of them "nothing to remove" would be a guess.
        TRY_ASSIGN(kube::List list, reader.list(*resource, space, {ours, ""}));
        for (Json& item : list.items) {
            if (kube::label_of(item, labels::kOperation).empty() ||
                !throwaway_role(kube::label_of(item, labels::kRole)))
                continue;
            const std::string why = not_a_throwaway(item, kube::label_of(item, labels::kOperation));
            if (!why.empty()) {
                notes.push_back(kube::ObjectRef{*resource, space, kube::name_of(item)}.text() +
                                " is left: it carries labels of operation " +
                                escape_line(kube::label_of(item, labels::kOperation)) + ", but " + why);
                continue;
            }
            candidates.push_back({{*resource, space, kube::name_of(item)}, std::move(item)});
        }
    }
    return candidates;
}

Result<std::vector<kube::Lease>> leases_in(kube::ClusterReader& reader, const std::string& space) {
    const std::string ours = std::string(labels::kManagedBy) + "=" + labels::kManagedByValue;
    TRY_ASSIGN(const kube::List list, reader.list(kube::kLeases, space, {ours, ""}));
    std::vector<kube::Lease> leases;
    for (const Json& item : list.items) {
        kube::Lease lease = kube::lease_of(item);
        if (!lease.operation.empty()) leases.push_back(std::move(lease));
    }
    return leases;
}

// A lock is taken a moment before its journal is written: only one that has long been left is nobody's.
bool nobodys(const kube::Lease& lease, const Self& self, SystemTime now) {
    const Life life = owner_of(lease, self, now).life;
    const bool old = lease.renewed && now - *lease.renewed > std::chrono::minutes(1);
    return life == Life::kDead || (life == Life::kSilent && old);
}

// What carries an operation, by the id: an unfinished one whose journal is lost is made again from it, and until then
// its lock keeps others away.
struct Traces {
    std::map<std::string, std::string> carriers;  // operation -> "pv/NAME"
    std::string unseen;                           // why volumes could not be looked at
};

Result<Traces> traces_in(kube::ClusterReader& reader, const std::string& space) {
    struct Place {
        const kube::Resource& resource;
        const char* label;
    };
    Traces traces;
    for (const Place& place : {Place{kube::kClaims, labels::kExpanding}, Place{kube::kVolumes, labels::kPutIn},
                               Place{kube::kVolumes, labels::kKept}}) {
        const std::string where = place.resource == kube::kVolumes ? "" : space;
        const auto list = reader.list(place.resource, where, {place.label, ""});
        if (!list.ok() && list.error().kind == ErrorKind::kForbidden && where.empty()) {
            traces.unseen = list.error().message;
            continue;
        }
        if (!list.ok()) return list.error();
        for (const Json& item : list->items)
            traces.carriers[kube::label_of(item, place.label)] =
                kube::ObjectRef{place.resource, where, kube::name_of(item)}.text();
    }
    return traces;
}

// Why the Lease of an operation without a journal is kept all the same; "": nothing tells of it.
std::string still_told_of(const std::string& operation, const Traces& traces) {
    const auto carrier = traces.carriers.find(operation);
    if (carrier != traces.carriers.end())
        return carrier->second + " carries operation " + escape_line(operation) + ", whose journal is not there";
    if (traces.unseen.empty()) return "";
    return "whether volumes tell of operation " + escape_line(operation) +
           ", whose journal is not there, could not be seen: " + traces.unseen;
}

// Leases of operations that are over, and that nobody holds. Only a lock keeps others away from anything.
Status find_leases(kube::ClusterReader& reader, const std::string& space, const std::vector<kube::Lease>& left,
                   std::vector<Found>& found, std::vector<std::string>& notes) {
    Traces traces;
    const auto is_lock = [](const kube::Lease& lease) { return lease.role == "lock"; };
    if (std::any_of(left.begin(), left.end(), is_lock)) {
        TRY_ASSIGN(traces, traces_in(reader, space));
    }
    for (const kube::Lease& lease : left) {
        const kube::ObjectRef ref{kube::kLeases, space, lease.name};
        const std::string why = is_lock(lease) ? still_told_of(lease.operation, traces) : "";
        if (why.empty())
            found.push_back({ref, kube::lease_manifest(lease)});
        else
            notes.push_back(ref.text() + " is left: " + why);
    }
    return {};
}

}  // namespace

bool is_named_after(const std::string& name, const std::string& operation) {
    constexpr std::size_t kKept = 40;  // of an id, however much a bounded name had to be cut
    return !operation.empty() && starts_with(name, std::string_view(operation).substr(0, kKept));
}

Result<Plan> plan_gc(kube::ClusterReader& reader, const std::string& space, const Self& self,
                     const Patience& patience) {
    Plan plan;
    plan.operation = "gc";
    // Objects first, journals after: an operation writes its journal before its first object, so none is taken for dead
    // that has only just begun.
    TRY_ASSIGN(std::vector<Found> candidates, throwaways_in(reader, space, plan.notes));
    TRY_ASSIGN(const std::vector<kube::Lease> leases, leases_in(reader, space));
    std::vector<std::string> damaged;
    TRY_ASSIGN(const std::vector<Journal> journals, list_journals(reader, space, damaged));
    for (const std::string& one : damaged)
        plan.notes.push_back(one + "; whatever carries the label of its operation is left");
    TRY_ASSIGN(const std::vector<Owner> owners, settle_owners(reader, journals, self, patience));
    std::map<std::string, Life> open;
    for (std::size_t i = 0; i < journals.size(); ++i) {
        if (journals[i].state != "done") open[journals[i].operation] = owners[i].life;
    }
    std::set<std::string> held;
    for (const kube::Lease& lease : leases) {
        if (!nobodys(lease, self, patience.clock.now())) held.insert(lease.operation);
    }
    auto live = [&](const std::string& operation) {
        const auto life = open.find(operation);
        if (life == open.end() && held.contains(operation)) return true;  // somebody has deleted its journal
        // Whose journal cannot be read, a newer Holdfast's perhaps, may well be at work.
        return life == open.end() ? names_journal_of(damaged, operation) : life->second != Life::kDead;
    };
    std::vector<Found> found;
    std::set<std::string> own_pods, kept;
    for (Found& one : candidates) {
        const std::string operation = kube::label_of(one.object, labels::kOperation);
        if (live(operation)) {
            kept.insert(operation);
            continue;
        }
        if (one.ref.resource == kube::kPods) own_pods.insert(one.ref.name);
        found.push_back(std::move(one));
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
        if (!live(journal.operation) && journal.state != "done")
            plan.notes.push_back("operation " + journal.operation + " is unfinished; " +
                                 lines_for(journal.plugin, journal.operation, journal.space));
    }
    std::vector<kube::Lease> left;
    for (const kube::Lease& lease : leases) {
        if (!open.contains(lease.operation) && !live(lease.operation)) left.push_back(lease);
    }
    TRY(find_leases(reader, space, left, found, plan.notes));
    TRY(add_removals(reader, plan, std::move(found)));
    return plan;
}

}  // namespace holdfast::plan
