#include "tests/unit/support/fake_cluster.h"

#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"

#include <algorithm>

namespace holdfast::testing {
namespace {

using kube::DryRun;
using kube::ObjectRef;
using Type = kube::WatchEvent::Type;

Error error(ErrorKind kind, const std::string& message, int status, const std::string& reason) {
    return {kind, message, "", status, reason};
}

// One term of a label selector: "a=b", "a in (b,c)", "a", "!a".
bool term_matches(const Json& object, const std::string& term) {
    if (term.rfind('!', 0) == 0) return kube::label_of(object, term.substr(1)).empty();
    const std::size_t in = term.find(" in (");
    if (in != std::string::npos) {
        const std::string value = kube::label_of(object, term.substr(0, in));
        const auto choices = split(term.substr(in + 5, term.size() - in - 6), ',');
        return std::find(choices.begin(), choices.end(), value) != choices.end();
    }
    const std::size_t equals = term.find('=');
    if (equals == std::string::npos) return !kube::label_of(object, term).empty();
    return kube::label_of(object, term.substr(0, equals)) == term.substr(equals + 1);
}

std::vector<std::string> terms_of(const std::string& selector) {
    std::vector<std::string> terms;
    int depth = 0;
    std::string term;
    for (char c : selector) {
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        if (c == ',' && depth == 0) {
            terms.push_back(std::exchange(term, ""));
        } else {
            term += c;
        }
    }
    if (!term.empty()) terms.push_back(term);
    return terms;
}

std::string pointer_of(const std::string& dotted) {
    std::string pointer = "/" + dotted;
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    return pointer;
}

std::vector<const kube::Resource*> known_resources() {
    return {&kube::kPods,
            &kube::kClaims,
            &kube::kVolumes,
            &kube::kConfigMaps,
            &kube::kSecrets,
            &kube::kEvents,
            &kube::kNamespaces,
            &kube::kNodes,
            &kube::kServices,
            &kube::kResourceQuotas,
            &kube::kStatefulSets,
            &kube::kDeployments,
            &kube::kReplicaSets,
            &kube::kStorageClasses,
            &kube::kCsiDrivers,
            &kube::kSnapshots,
            &kube::kSnapshotContents,
            &kube::kSnapshotClasses,
            &kube::kLeases,
            &kube::kNetworkPolicies};
}

}  // namespace

FakeCluster::FakeCluster(Clock& clock) : clock_(clock) {
    for (const kube::Resource* one : known_resources())
        discovery.resources.insert(one->api_version() + "/" + one->plural);
}

// Reads the changes of the cluster from a version on.
class FakeWatch : public kube::Watch {
  public:
    FakeWatch(FakeCluster& cluster, kube::Resource resource, std::string space, kube::ListOptions options,
              long long from)
        : cluster_(cluster),
          resource_(std::move(resource)),
          space_(std::move(space)),
          options_(std::move(options)),
          from_(from) {}

    Result<std::optional<kube::WatchEvent>> next(std::chrono::milliseconds timeout) override {
        if (cluster_.fault) {
            if (auto failure = cluster_.fault("next " + resource_.short_name, false)) return *failure;
        }
        if (auto event = take()) return std::optional(std::move(*event));
        if (cluster_.react) cluster_.react(cluster_);
        if (auto event = take()) return std::optional(std::move(*event));
        cluster_.clock_.sleep_for(timeout);
        return std::optional<kube::WatchEvent>();
    }

  private:
    std::optional<kube::WatchEvent> take() {
        for (const FakeCluster::Change& change : cluster_.changes_) {
            if (change.version <= from_) continue;
            from_ = change.version;
            const ObjectRef ref = plan::ref_of_manifest(change.object);
            if (ref.resource == resource_ && (space_.empty() || ref.space == space_) &&
                FakeCluster::matches(change.object, options_)) {
                return kube::WatchEvent{change.type, change.object};
            }
        }
        return std::nullopt;
    }

    FakeCluster& cluster_;
    kube::Resource resource_;
    std::string space_;
    kube::ListOptions options_;
    long long from_;
};

std::string FakeCluster::key(const ObjectRef& ref) const {
    return ref.resource.qualified() + "/" + ref.space + "/" + ref.name;
}

void FakeCluster::put(Json object) {
    const ObjectRef ref = plan::ref_of_manifest(object);
    store(ref, std::move(object), at(ref) == nullptr ? Type::kAdded : Type::kModified);
}

void FakeCluster::drop(const ObjectRef& ref) { erase(ref); }

const Json* FakeCluster::at(const ObjectRef& ref) const {
    const auto found = objects_.find(key(ref));
    return found == objects_.end() ? nullptr : &found->second.second;
}

void FakeCluster::store(const ObjectRef& ref, Json object, Type type) {
    ++version_;
    if (kube::uid_of(object).empty()) object["metadata"]["uid"] = "uid-" + std::to_string(++uids_);
    object["metadata"]["resourceVersion"] = std::to_string(version_);
    changes_.push_back({version_, type, object});
    objects_[key(ref)] = {ref, std::move(object)};
}

void FakeCluster::erase(const ObjectRef& ref) {
    const auto found = objects_.find(key(ref));
    if (found == objects_.end()) return;
    Json last = std::move(found->second.second);
    last["metadata"]["resourceVersion"] = std::to_string(++version_);
    changes_.push_back({version_, Type::kDeleted, std::move(last)});
    objects_.erase(found);
}

bool FakeCluster::matches(const Json& object, const kube::ListOptions& options) {
    const auto labels = terms_of(options.label_selector);
    const auto fields = terms_of(options.field_selector);
    return std::all_of(labels.begin(), labels.end(),
                       [&](const std::string& term) { return term_matches(object, term); }) &&
           std::all_of(fields.begin(), fields.end(), [&](const std::string& term) {
               const std::size_t equals = term.find('=');
               return kube::text_at(object, pointer_of(term.substr(0, equals))) == term.substr(equals + 1);
           });
}

std::vector<std::string> FakeCluster::writes() const {
    std::vector<std::string> found;
    for (const std::string& call : calls) {
        const std::string verb = call.substr(0, call.find(' '));
        if (verb == "create" || verb == "patch" || verb == "replace" || verb == "delete") found.push_back(call);
    }
    return found;
}

Result<Json> FakeCluster::answer(const std::string& call, const std::function<Result<Json>()>& act) {
    calls.push_back(call);
    if (fault) {
        if (auto failure = fault(call, false)) return *failure;
    }
    Result<Json> result = act();
    if (fault) {
        if (auto failure = fault(call, true)) return *failure;
    }
    return result;
}

Result<Json> FakeCluster::get(const ObjectRef& ref) {
    return answer("get " + ref.text(), [&]() -> Result<Json> {
        if (const Json* found = at(ref)) return *found;
        // The namespace of what is there need not be put.
        const bool holds_some = std::any_of(objects_.begin(), objects_.end(),
                                            [&](const auto& one) { return one.second.first.space == ref.name; });
        if (ref.resource == kube::kNamespaces && holds_some)
            return Json{{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", ref.name}}}};
        return error(ErrorKind::kNotFound, ref.resource.qualified() + " \"" + ref.name + "\" not found", 404,
                     "NotFound");
    });
}

std::vector<Result<Json>> FakeCluster::get_all(const std::vector<ObjectRef>& refs) {
    std::vector<Result<Json>> results;
    for (const ObjectRef& ref : refs) results.push_back(get(ref));
    return results;
}

Result<std::string> FakeCluster::for_each(const kube::Resource& resource, const std::string& space,
                                          const kube::ListOptions& options, const std::function<bool(Json&&)>& each,
                                          const std::function<void()>&) {
    const std::string call = "list " + resource.short_name + " " + space +
                             (options.label_selector.empty() ? "" : " " + options.label_selector);
    auto done = answer(call, [&]() -> Result<Json> {
        for (const auto& [name, entry] : objects_) {
            const bool here = entry.first.resource == resource &&
                              (space.empty() || !resource.namespaced || entry.first.space == space);
            if (here && matches(entry.second, options) && !each(Json(entry.second))) break;
        }
        return Json(std::to_string(version_));
    });
    if (!done.ok()) return done.error();
    return done->get<std::string>();
}

Result<std::unique_ptr<kube::Watch>> FakeCluster::watch(const kube::Resource& resource, const std::string& space,
                                                        const kube::ListOptions& options,
                                                        const std::string& resource_version) {
    auto opened = answer("watch " + resource.short_name + " " + space, [] { return Result<Json>(Json()); });
    if (!opened.ok()) return opened.error();
    const long long from = resource_version.empty() ? 0 : std::stoll(resource_version);
    return std::unique_ptr<kube::Watch>(std::make_unique<FakeWatch>(*this, resource, space, options, from));
}

Result<std::vector<bool>> FakeCluster::allowed(const std::vector<kube::AccessCheck>& checks) {
    std::vector<bool> answers;
    for (const kube::AccessCheck& check : checks) answers.push_back(may(check));
    return answers;
}

Result<Json> FakeCluster::create(const Json& manifest, DryRun dry_run) {
    const ObjectRef ref = plan::ref_of_manifest(manifest);
    return answer("create " + ref.text(), [&]() -> Result<Json> {
        if (at(ref) != nullptr)
            return error(ErrorKind::kAlreadyExists, ref.text() + " already exists", 409, "AlreadyExists");
        if (dry_run == DryRun::kServer) return manifest;
        Json stored = manifest;
        if (admit) admit(stored);
        store(ref, std::move(stored), Type::kAdded);
        if (react) react(*this);
        const Json* made = at(ref);
        return made == nullptr ? manifest : *made;
    });
}

std::vector<Result<Json>> FakeCluster::create_all(const std::vector<Json>& manifests, DryRun dry_run,
                                                  const std::function<void(std::size_t)>& on_done) {
    std::vector<Result<Json>> results;
    for (std::size_t i = 0; i < manifests.size(); ++i) {
        results.push_back(create(manifests[i], dry_run));
        if (on_done) on_done(i);
    }
    return results;
}

Result<Json> FakeCluster::patch(const ObjectRef& ref, kube::PatchType type, const Json& body,
                                const kube::Preconditions& preconditions, DryRun dry_run,
                                const std::string& subresource) {
    return answer("patch " + ref.text() + (subresource.empty() ? "" : "/" + subresource), [&]() -> Result<Json> {
        const Json* found = at(ref);
        if (found == nullptr) return error(ErrorKind::kNotFound, ref.text() + " not found", 404, "NotFound");
        const bool moved =
            (!preconditions.uid.empty() && kube::uid_of(*found) != preconditions.uid) ||
            (!preconditions.resource_version.empty() && kube::version_of(*found) != preconditions.resource_version);
        if (moved) return error(ErrorKind::kConflict, ref.text() + ": the object has been modified", 409, "Conflict");
        Json changed = *found;
        if (type == kube::PatchType::kJson)
            changed = changed.patch(body);
        else
            changed.merge_patch(body);
        if (dry_run == DryRun::kServer) return changed;
        store(ref, changed, Type::kModified);
        if (react) react(*this);
        return *at(ref);
    });
}

Result<Json> FakeCluster::replace(const ObjectRef& ref, const Json& object, DryRun dry_run) {
    return answer("replace " + ref.text(), [&]() -> Result<Json> {
        const Json* found = at(ref);
        if (found == nullptr) return error(ErrorKind::kNotFound, ref.text() + " not found", 404, "NotFound");
        if (kube::version_of(*found) != kube::version_of(object))
            return error(ErrorKind::kConflict, ref.text() + ": the object has been modified", 409, "Conflict");
        if (dry_run == DryRun::kServer) return object;
        store(ref, object, Type::kModified);
        return *at(ref);
    });
}

Status FakeCluster::remove(const ObjectRef& ref, const kube::Preconditions& preconditions, kube::Propagation,
                           DryRun dry_run) {
    auto done = answer("delete " + ref.text(), [&]() -> Result<Json> {
        const Json* found = at(ref);
        if (found == nullptr) return error(ErrorKind::kNotFound, ref.text() + " not found", 404, "NotFound");
        if (!preconditions.uid.empty() && kube::uid_of(*found) != preconditions.uid)
            return error(ErrorKind::kConflict, ref.text() + ": the uid differs", 409, "Conflict");
        if (!preconditions.resource_version.empty() && kube::version_of(*found) != preconditions.resource_version)
            return error(ErrorKind::kConflict, ref.text() + ": the object has been modified", 409, "Conflict");
        if (dry_run == DryRun::kServer) return Json();
        const Json* finalizers = kube::find_at(*found, "/metadata/finalizers");
        if (finalizers != nullptr && !finalizers->empty()) {
            Json marked = *found;
            marked["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
            store(ref, std::move(marked), Type::kModified);
        } else {
            erase(ref);
        }
        if (react) react(*this);
        return Json();
    });
    return done.ok() ? Status() : Status(done.error());
}

// Budgets are a test's own doing: `fault` answers "evict pod/...".
Status FakeCluster::evict(const ObjectRef& pod, const kube::Preconditions& preconditions, DryRun dry_run) {
    TRY(answer("evict " + pod.text(), [] { return Result<Json>(Json()); }));
    return remove(pod, preconditions, kube::Propagation::kBackground, dry_run);
}

}  // namespace holdfast::testing
