#include "tests/sim/api.h"

#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"
#include "tests/sim/admission.h"
#include "tests/sim/ownership.h"

#include <algorithm>

namespace holdfast::sim {
namespace {

std::string quoted(const kube::ObjectRef& ref) { return ref.resource.qualified() + " \"" + ref.name + "\""; }

Status check(const kube::ObjectRef& ref, const Json& object, const kube::Preconditions& wanted) {
    if (!wanted.uid.empty() && kube::uid_of(object) != wanted.uid)
        return conflict(ref, "the UID in the precondition does not match the UID in record");
    if (!wanted.resource_version.empty() && kube::version_of(object) != wanted.resource_version)
        return conflict(ref, "the object has been modified; please apply your changes to the latest version");
    return {};
}

Result<Json> patched(const Json& object, kube::PatchType type, const Json& body) {
    Json made = object;
    if (type != kube::PatchType::kJson) {
        made.merge_patch(body);
        return made;
    }
    try {
        return made.patch(body);
    } catch (const nlohmann::json::exception& error) {
        return api_error(ErrorKind::kInvalid, 422, "Invalid", error.what());
    }
}

bool without_status(const Json& object) {
    const std::string kind = kube::text_at(object, "/kind");
    return kind == "ConfigMap" || kind == "Event" || kind == "Secret" || kind == "Lease" || kind == "StorageClass";
}

// Kinds whose registry counts changes of the spec (the strategies' PrepareForCreate; custom resources all do).
bool counts_generations(const kube::Resource& resource) {
    static const std::vector<const kube::Resource*> kCounted = {
        &kube::kStatefulSets, &kube::kDeployments,      &kube::kReplicaSets,          &kube::kPods,
        &kube::kSnapshots,    &kube::kSnapshotContents, &kube::kPodDisruptionBudgets, &kube::kNetworkPolicies};
    return std::any_of(kCounted.begin(), kCounted.end(), [&](const auto* one) { return *one == resource; });
}

// Empty maps and lists are not kept (omitempty).
void drop_empty(Json& object, std::initializer_list<const char*> keys) {
    for (const char* key : keys) {
        if (object.contains(key) && object[key].empty()) object.erase(key);
    }
}

// The parts of an update that the caller does not decide, and the generation. A status is changed by itself.
// BeforeUpdate: apiserver pkg/registry/rest/update.go:106.
Json settled(const Json& before, Json after, const std::string& subresource) {
    if (subresource == "status" && before.contains("spec")) after["spec"] = before["spec"];
    drop_empty(after["metadata"], {"labels", "annotations", "finalizers", "ownerReferences"});
    drop_empty(after, {"data"});
    for (const char* key : {"uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
                            "resourceVersion", "generation"}) {
        if (before["metadata"].contains(key))
            after["metadata"][key] = before["metadata"][key];
        else
            after["metadata"].erase(key);
    }
    if (subresource != "status" && !without_status(before)) {
        if (before.contains("status"))
            after["status"] = before["status"];
        else
            after.erase("status");
    }
    const bool counted = kube::find_at(before, "/metadata/generation") != nullptr && before.contains("spec");
    if (counted && before["spec"] != after["spec"])
        after["metadata"]["generation"] = kube::number_at(before, "/metadata/generation", 1) + 1;
    return after;
}

// The whole change, as it would be stored.
Result<Json> changed(Sim& sim, const kube::ObjectRef& ref, const Json& before, Json after,
                     const std::string& subresource, kube::DryRun dry_run) {
    if (kube::name_of(after) != ref.name || kube::space_of(after) != kube::space_of(before))
        return api_error(ErrorKind::kInvalid, 400, "BadRequest",
                         "the name of the object does not match the name on the URL");
    Json object = settled(before, std::move(after), subresource);
    TRY(check_update(sim, ref, before, object));
    TRY(check_quota(sim, ref, &before, object, dry_run == kube::DryRun::kServer));
    return object;
}

Result<Json> written(Sim& sim, const kube::ObjectRef& ref, Json object, kube::DryRun dry_run) {
    if (dry_run == kube::DryRun::kServer) return object;
    sim.put(object);
    const ObjectPtr found = sim.store.find(ref);
    return found ? *found : object;
}

// Store.Create: apiserver pkg/registry/generic/registry/store.go:454.
Result<Json> make_new(Sim& sim, const Json& manifest, kube::DryRun dry_run) {
    const kube::ObjectRef ref = plan::ref_of_manifest(manifest);
    if (ref.resource.namespaced) {
        const ObjectPtr space = sim.store.find(kube::kNamespaces, "", ref.space);
        if (!space) return not_found({kube::kNamespaces, "", ref.space});
        if (space.deleting())
            return api_error(ErrorKind::kForbidden, 403, "Forbidden",
                             quoted(ref) + " is forbidden: unable to create new content in namespace " + ref.space +
                                 " because it is being terminated");
    }
    if (sim.store.find(ref))
        return api_error(ErrorKind::kAlreadyExists, 409, "AlreadyExists", quoted(ref) + " already exists");
    Json object = admitted(sim, manifest, ref);
    TRY(check_new(ref, object));
    TRY(check_quota(sim, ref, nullptr, object, dry_run == kube::DryRun::kServer));
    object["metadata"]["uid"] = sim.new_uid();
    object["metadata"]["creationTimestamp"] = format_time(sim.now());
    if (counts_generations(ref.resource)) object["metadata"]["generation"] = 1;
    return written(sim, ref, std::move(object), dry_run);
}

void note_update(Sim& sim, const Json& before, const Result<Json>& after, kube::DryRun dry_run) {
    if (sim.ownership && after.ok() && dry_run == kube::DryRun::kNone) sim.ownership->wrote(before, *after);
}

// What is not there is made; else see Ownership.
Result<Json> api_apply(Sim& sim, const kube::ObjectRef& ref, const Json& body, const kube::Preconditions& preconditions,
                       kube::DryRun dry_run) {
    const ObjectPtr found = sim.store.find(ref);
    if (!sim.ownership) return api_error(ErrorKind::kInternal, 500, "InternalError", "nobody keeps who owns what");
    Result<Json> answer = Json();
    if (!found) {
        answer = make_new(sim, body, dry_run);
    } else {
        TRY(check(ref, *found, preconditions));
        TRY_ASSIGN(Json wanted, sim.ownership->applied(ref, *found, body));
        TRY_ASSIGN(Json after, changed(sim, ref, *found, std::move(wanted), "", dry_run));
        answer = written(sim, ref, std::move(after), dry_run);
    }
    if (answer.ok() && dry_run == kube::DryRun::kNone) sim.ownership->note_applied(kube::uid_of(*answer), body);
    return answer;
}

}  // namespace

Error api_error(ErrorKind kind, int code, const std::string& reason, const std::string& message) {
    return {kind, message, "", code, reason};
}

Error not_found(const kube::ObjectRef& ref) {
    return api_error(ErrorKind::kNotFound, 404, "NotFound", quoted(ref) + " not found");
}

Error conflict(const kube::ObjectRef& ref, const std::string& why) {
    return api_error(ErrorKind::kConflict, 409, "Conflict",
                     "Operation cannot be fulfilled on " + quoted(ref) + ": " + why);
}

Result<Json> api_get(const Sim& sim, const kube::ObjectRef& ref, int lag) {
    const ObjectPtr found = lag > 0 ? sim.store.find_stale(ref, lag) : sim.store.find(ref);
    if (!found) return not_found(ref);
    return *found;
}

Result<Json> api_create(Sim& sim, const Json& manifest, kube::DryRun dry_run) {
    Result<Json> made = make_new(sim, manifest, dry_run);
    note_update(sim, Json(), made, dry_run);
    return made;
}

Result<Json> api_patch(Sim& sim, const kube::ObjectRef& ref, kube::PatchType type, const Json& body,
                       const kube::Preconditions& preconditions, kube::DryRun dry_run, const std::string& subresource) {
    if (type == kube::PatchType::kApply) return api_apply(sim, ref, body, preconditions, dry_run);
    const ObjectPtr found = sim.store.find(ref);
    if (!found) return not_found(ref);
    TRY(check(ref, *found, preconditions));
    TRY_ASSIGN(Json wanted, patched(*found, type, body));
    TRY_ASSIGN(Json after, changed(sim, ref, *found, std::move(wanted), subresource, dry_run));
    Result<Json> answer = written(sim, ref, std::move(after), dry_run);
    note_update(sim, *found, answer, dry_run);
    return answer;
}

Result<Json> api_replace(Sim& sim, const kube::ObjectRef& ref, const Json& object, kube::DryRun dry_run) {
    const ObjectPtr found = sim.store.find(ref);
    if (!found) return not_found(ref);
    TRY(check(ref, *found, {kube::uid_of(object), kube::version_of(object)}));
    TRY_ASSIGN(Json after, changed(sim, ref, *found, object, "", dry_run));
    Result<Json> answer = written(sim, ref, std::move(after), dry_run);
    note_update(sim, *found, answer, dry_run);
    return answer;
}

// Store.Delete: apiserver pkg/registry/generic/registry/store.go:1139; BeforeDelete: pkg/registry/rest/delete.go:75.
Status api_remove(Sim& sim, const kube::ObjectRef& ref, const kube::Preconditions& preconditions,
                  kube::Propagation propagation, kube::DryRun dry_run) {
    const ObjectPtr found = sim.store.find(ref);
    if (!found) return not_found(ref);
    TRY(check(ref, *found, preconditions));
    if (dry_run == kube::DryRun::kServer || found.deleting()) return {};
    if (propagation != kube::Propagation::kBackground) {
        const char* name = propagation == kube::Propagation::kOrphan ? "orphan" : "foregroundDeletion";
        // One write with the deletion, as the registry makes it; nothing can run in between here.
        sim.edit(ref, [&](Json& object) { add_finalizer(object, name); });
    }
    if (ref.resource == kube::kNamespaces) sim.edit(ref, [](Json& object) { add_finalizer(object, "kubernetes"); });
    sim.begin_deletion(ref);
    return {};
}

}  // namespace holdfast::sim
