#include "tests/sim/sim_cluster.h"

#include "common/kube/adopting.h"
#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"
#include "tests/sim/outside.h"
#include "tests/sim/sim_watch.h"

#include <numeric>

namespace holdfast::sim {
namespace {

// Everybody may ask what they may do and what there is (roles system:basic-user, system:discovery).
bool is_request(Verb verb) { return is_write(verb) || is_read(verb) || verb == Verb::kWatch; }

bool pins(const kube::Preconditions& preconditions) { return preconditions != kube::Preconditions{}; }

std::string access_verb(Verb verb) {
    if (verb == Verb::kReplace) return "update";
    if (verb == Verb::kEvict) return "create";  // of the pod's subresource
    return verb_name(verb);
}

const std::vector<const kube::Resource*>& served() {
    static const std::vector<const kube::Resource*> kServed = {&kube::kPods,
                                                               &kube::kClaims,
                                                               &kube::kVolumes,
                                                               &kube::kConfigMaps,
                                                               &kube::kSecrets,
                                                               &kube::kEvents,
                                                               &kube::kNamespaces,
                                                               &kube::kNodes,
                                                               &kube::kServices,
                                                               &kube::kServiceAccounts,
                                                               &kube::kResourceQuotas,
                                                               &kube::kLimitRanges,
                                                               &kube::kStatefulSets,
                                                               &kube::kDeployments,
                                                               &kube::kDaemonSets,
                                                               &kube::kReplicaSets,
                                                               &kube::kReplicationControllers,
                                                               &kube::kJobs,
                                                               &kube::kCronJobs,
                                                               &kube::kStorageClasses,
                                                               &kube::kCsiDrivers,
                                                               &kube::kCsiNodes,
                                                               &kube::kLeases,
                                                               &kube::kVolumeAttachments,
                                                               &kube::kSnapshots,
                                                               &kube::kSnapshotContents,
                                                               &kube::kSnapshotClasses,
                                                               &kube::kIngresses,
                                                               &kube::kNetworkPolicies,
                                                               &kube::kPodDisruptionBudgets,
                                                               &kube::kHorizontalPodAutoscalers};
    return kServed;
}

Json without_source(Json manifest) {
    for (const char* key : {"dataSource", "dataSourceRef"}) manifest["spec"].erase(key);
    return manifest;
}

}  // namespace

bool is_write(Verb verb) {
    return verb == Verb::kCreate || verb == Verb::kPatch || verb == Verb::kReplace || verb == Verb::kDelete ||
           verb == Verb::kEvict;
}

bool is_read(Verb verb) { return verb == Verb::kGet || verb == Verb::kList; }

std::string verb_name(Verb verb) {
    static constexpr const char* kNames[] = {"get",    "list",     "watch", "create", "patch", "replace", "delete",
                                             "review", "discover", "exec",  "hold",   "sql",   "evict"};
    return kNames[static_cast<int>(verb)];
}

bool SimCluster::permits(const kube::AccessCheck& check) const {
    return (!sim_.may || sim_.may(check)) && (!may || may(check));
}

// Time passes on the way there and back, and the cluster lives meanwhile.
Result<Json> SimCluster::request(const Call& of, const std::function<Result<Json>()>& act) {
    const Outside outside;
    Call call = of;
    call.there = there_;
    sim_.advance(sim_.around(sim_.delays.request));
    if (auto error = gate_.before(call)) return *error;
    const kube::AccessCheck check{access_verb(call.verb), call.ref.resource, call.ref.space, call.subresource,
                                  call.verb == Verb::kCreate ? "" : call.ref.name};
    if (is_request(call.verb) && !permits(check))
        return api_error(ErrorKind::kForbidden, 403, "Forbidden",
                         call.ref.resource.qualified() + " is forbidden: cannot " + check.verb);
    const long long before = sim_.store.revision();
    sim_.client_writes = true;
    Result<Json> answer = act();
    if (gate_.twice()) answer = act();
    sim_.client_writes = false;
    gate_.acted(call, sim_.store.revision() != before);
    sim_.advance(sim_.around(sim_.delays.request));
    if (auto error = gate_.after(call)) return *error;
    return answer;
}

Result<Json> SimCluster::get(const kube::ObjectRef& ref) {
    return request({Verb::kGet, ref}, [&] { return api_get(sim_, ref, gate_.lag()); });
}

std::vector<Result<Json>> SimCluster::get_all(const std::vector<kube::ObjectRef>& refs) {
    std::vector<Result<Json>> answers;
    for (const kube::ObjectRef& ref : refs) answers.push_back(get(ref));
    return answers;
}

Result<std::string> SimCluster::for_each(const kube::Resource& resource, const std::string& space,
                                         const kube::ListOptions& options, const std::function<bool(Json&&)>& each,
                                         const std::function<void()>&) {
    std::vector<ObjectPtr> items;
    const auto answer = request({Verb::kList, {resource, space, ""}}, [&]() -> Result<Json> {
        TRY(check_selectors(resource, options));
        const int lag = gate_.lag();
        items = lag > 0 ? sim_.store.list_stale(resource, space, lag) : sim_.store.list(resource, space);
        return Json(std::to_string(sim_.store.revision() - lag));
    });
    if (!answer.ok()) return answer.error();
    for (const ObjectPtr& item : items) {
        if (chosen(*item, options) && !each(Json(*item))) break;
    }
    return answer->get<std::string>();
}

Result<std::unique_ptr<kube::Watch>> SimCluster::watch(const kube::Resource& resource, const std::string& space,
                                                       const kube::ListOptions& options,
                                                       const std::string& resource_version) {
    const auto answer = request({Verb::kWatch, {resource, space, ""}}, [&]() -> Result<Json> {
        TRY(check_selectors(resource, options));
        return Json();
    });
    if (!answer.ok()) return answer.error();
    // Without a version it begins with what there is.
    const bool from_start = resource_version.empty() || resource_version == "0";
    const long long from = from_start ? sim_.store.revision() : std::stoll(resource_version);
    return make_sim_watch(sim_, {resource, space, options, from, gate_.watch_fault(), from_start});
}

Result<kube::Discovery> SimCluster::discover() {
    if (discovery_) return *discovery_;
    const auto answer = request({Verb::kDiscover, {}}, [] { return Result<Json>(Json()); });
    if (!answer.ok()) return answer.error();
    kube::Discovery found;
    for (const kube::Resource* one : served()) found.resources.insert(one->api_version() + "/" + one->plural);
    discovery_ = found;
    return found;
}

Result<std::vector<bool>> SimCluster::allowed(const std::vector<kube::AccessCheck>& checks) {
    const auto answer = request({Verb::kReview, {kube::kAccessReviews, "", ""}}, [] { return Result<Json>(Json()); });
    if (!answer.ok()) return answer.error();
    std::vector<bool> answers;
    for (const kube::AccessCheck& check : checks) answers.push_back(permits(check));
    return answers;
}

Result<Json> SimCluster::create(const Json& manifest, kube::DryRun dry_run) { return create_in(0, manifest, dry_run); }

Result<Json> SimCluster::create_in(int batch, const Json& manifest, kube::DryRun dry_run) {
    return request({Verb::kCreate, plan::ref_of_manifest(manifest), &manifest, "", true, true, batch}, [&] {
        return api_create(sim_, gate_.drops_source() ? without_source(manifest) : manifest, dry_run);
    });
}

// None waits for another: they arrive in any order.
std::vector<std::size_t> SimCluster::sent_at_once(std::size_t count) {
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    for (std::size_t left = sim_.restless ? order.size() : 0; left > 1; --left)
        std::swap(order[left - 1],
                  order[static_cast<std::size_t>(sim_.dice.between(0, static_cast<long long>(left) - 1))]);
    return order;
}

std::vector<Result<Json>> SimCluster::create_all(const std::vector<Json>& manifests, kube::DryRun dry_run,
                                                 const std::function<void(std::size_t)>& on_done) {
    std::vector<Result<Json>> answers(manifests.size(), Result<Json>(Json()));
    ++batches_;
    for (const std::size_t i : sent_at_once(manifests.size())) {
        answers[i] = create_in(batches_, manifests[i], dry_run);
        if (on_done) on_done(i);
    }
    return answers;
}

Result<Json> SimCluster::patch(const kube::ObjectRef& ref, kube::PatchType type, const Json& body,
                               const kube::Preconditions& preconditions, kube::DryRun dry_run,
                               const std::string& subresource) {
    return patch_in(0, {ref, type, body, preconditions, subresource}, dry_run);
}

Result<Json> SimCluster::patch_in(int batch, const kube::PatchCall& one, kube::DryRun dry_run) {
    const bool named = !one.preconditions.uid.empty();
    return request({Verb::kPatch, one.ref, nullptr, one.subresource, pins(one.preconditions), named, batch}, [&] {
        return api_patch(sim_, one.ref, one.type, one.body, one.preconditions, dry_run, one.subresource);
    });
}

std::vector<Result<Json>> SimCluster::patch_all(const std::vector<kube::PatchCall>& calls, kube::DryRun dry_run) {
    std::vector<Result<Json>> answers(calls.size(), Result<Json>(Json()));
    ++batches_;
    for (const std::size_t i : sent_at_once(calls.size())) answers[i] = patch_in(batches_, calls[i], dry_run);
    return answers;
}

Result<Json> SimCluster::replace(const kube::ObjectRef& ref, const Json& object, kube::DryRun dry_run) {
    return request({Verb::kReplace, ref}, [&] { return api_replace(sim_, ref, object, dry_run); });
}

Status SimCluster::remove(const kube::ObjectRef& ref, const kube::Preconditions& preconditions,
                          kube::Propagation propagation, kube::DryRun dry_run) {
    const Call call{Verb::kDelete, ref, nullptr, "", pins(preconditions), !preconditions.uid.empty()};
    const auto answer = request(call, [&]() -> Result<Json> {
        TRY(api_remove(sim_, ref, preconditions, propagation, dry_run));
        return Json();
    });
    return answer.ok() ? Status() : Status(answer.error());
}

Status SimCluster::evict(const kube::ObjectRef& pod, const kube::Preconditions& preconditions, kube::DryRun dry_run) {
    const Call call{Verb::kEvict, pod, nullptr, "eviction", pins(preconditions), !preconditions.uid.empty()};
    const auto answer = request(call, [&]() -> Result<Json> {
        TRY(api_evict(sim_, pod, preconditions, dry_run));
        return Json();
    });
    return answer.ok() ? Status() : Status(answer.error());
}

}  // namespace holdfast::sim
