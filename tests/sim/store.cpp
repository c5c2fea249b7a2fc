#include "tests/sim/store.h"

#include "common/kube/objects/workload.h"
#include "tests/sim/sim.h"

namespace holdfast::sim {

Pod ObjectPtr::pod_of(const Json& json) {
    Pod pod{!kube::text_at(json, "/spec/nodeName").empty(), has_ended(json), {}};
    const Json* spec = kube::find_at(json, "/spec");
    if (spec == nullptr) return pod;
    for (auto& [volume, claim] : kube::claims_of_pod_spec(*spec)) pod.claims.push_back(std::move(claim));
    return pod;
}

using Type = kube::WatchEvent::Type;

std::string Store::key(const kube::Resource& resource, std::string_view space, std::string_view name) {
    std::string key;
    key.reserve(resource.group.size() + resource.plural.size() + space.size() + name.size() + 3);
    key.append(resource.group).append("/").append(resource.plural).append("/");
    if (resource.namespaced) key.append(space);
    return key.append("/").append(name);
}

ObjectPtr Store::find(const kube::Resource& resource, std::string_view space, std::string_view name) const {
    const auto found = objects_.find(key(resource, space, name));
    return found == objects_.end() ? nullptr : found->second;
}

std::vector<ObjectPtr> Store::list(const kube::Resource& resource, const std::string& space) const {
    std::string prefix = resource.group + "/" + resource.plural + "/";
    if (resource.namespaced && !space.empty()) prefix += space + "/";
    std::vector<ObjectPtr> found;
    for (auto at = objects_.lower_bound(prefix); at != objects_.end() && at->first.starts_with(prefix); ++at)
        found.push_back(at->second);
    return found;
}

ObjectPtr Store::find_stale(const kube::ObjectRef& ref, int lag) const {
    ObjectPtr object = find(ref);
    const std::string wanted = key(ref);
    for (auto change = history_.rbegin(); change != history_.rend() && lag > 0; ++change, --lag) {
        if (key(change->ref) == wanted) object = change->before;
    }
    return object;
}

std::vector<ObjectPtr> Store::list_stale(const kube::Resource& resource, const std::string& space, int lag) const {
    std::map<std::string, ObjectPtr> then = objects_;
    for (auto change = history_.rbegin(); change != history_.rend() && lag > 0; ++change, --lag) {
        if (change->before)
            then[key(change->ref)] = change->before;
        else
            then.erase(key(change->ref));
    }
    Store past;
    past.objects_ = std::move(then);
    return past.list(resource, space);
}

std::vector<ObjectPtr> Store::everything() const {
    std::vector<ObjectPtr> all;
    for (const auto& [name, object] : objects_) all.push_back(object);
    return all;
}

void Store::put(const kube::ObjectRef& ref, Json object) {
    object["metadata"]["resourceVersion"] = std::to_string(++revision_);
    const ObjectPtr made(ref, std::move(object));
    ObjectPtr& place = objects_[key(ref)];
    note({revision_, place ? Type::kModified : Type::kAdded, ref, made, place});
    place = made;
}

void Store::erase(const kube::ObjectRef& ref) {
    const auto found = objects_.find(key(ref));
    if (found == objects_.end()) return;
    Json last = *found->second;
    last["metadata"]["resourceVersion"] = std::to_string(++revision_);
    note({revision_, Type::kDeleted, ref, ObjectPtr(ref, std::move(last)), found->second});
    objects_.erase(found);
}

void Store::note(Change change) {
    history_.push_back(std::move(change));
    if (history_.size() > kHistory) history_.pop_front();
}

}  // namespace holdfast::sim
