#include "tests/sim/ownership.h"

#include "common/kube/objects/workload.h"
#include "tests/sim/api.h"

#include <algorithm>

namespace holdfast::sim {
namespace {

using Leaves = std::map<std::string, Json>;

void add_leaves(const Json& value, const std::string& path, Leaves& leaves) {
    if (!value.is_object() || value.empty()) {
        leaves[path] = value;
        return;
    }
    for (const auto& [key, inner] : value.items()) {
        Json::json_pointer step;
        step.push_back(key);
        add_leaves(inner, path + step.to_string(), leaves);
    }
}

// What managers own: not what names the object, nor what the server writes.
Leaves leaves_of(Json object) {
    for (const char* key : {"apiVersion", "kind", "status"}) object.erase(key);
    const Json metadata = object.contains("metadata") ? object["metadata"] : Json::object();
    object.erase("metadata");
    for (const char* key : {"labels", "annotations", "finalizers"}) {
        if (metadata.contains(key)) object["metadata"][key] = metadata[key];
    }
    Leaves leaves;
    if (!object.empty()) add_leaves(object, "", leaves);
    return leaves;
}

std::string dotted(std::string pointer) {
    std::replace(pointer.begin(), pointer.end(), '/', '.');
    return pointer;
}

}  // namespace

void Ownership::wrote(const Json& before, const Json& after) {
    Owned& owned = objects_[kube::uid_of(after)];
    const Leaves had = before.is_null() ? Leaves{} : leaves_of(before), has = leaves_of(after);
    for (const auto& [path, value] : has) {
        const auto found = had.find(path);
        if (found != had.end() && found->second == value) continue;
        owned.updater.insert(path);
        owned.applier.erase(path);
    }
    for (const auto& [path, value] : had) {
        if (has.contains(path)) continue;
        owned.updater.erase(path);
        owned.applier.erase(path);
    }
}

Result<Json> Ownership::applied(const kube::ObjectRef& ref, const Json& live, const Json& body) const {
    const auto found = objects_.find(kube::uid_of(live));
    const Owned owned = found == objects_.end() ? Owned{} : found->second;
    const Leaves wanted = leaves_of(body), has = leaves_of(live);
    Json made = live;
    std::string conflicts;
    for (const auto& [path, value] : wanted) {
        const auto there = has.find(path);
        if (there != has.end() && there->second == value) continue;
        if (there != has.end() && owned.updater.contains(path)) conflicts += " " + dotted(path);
        made[Json::json_pointer(path)] = value;
    }
    if (!conflicts.empty())
        return api_error(ErrorKind::kConflict, 409, "Conflict",
                         "Apply failed with a conflict on " + ref.text() + ":" + conflicts);
    for (const std::string& path : owned.applier) {
        const Json::json_pointer at(path);
        if (wanted.contains(path) || owned.updater.contains(path) || !made.contains(at)) continue;
        made[at.parent_pointer()].erase(at.back());
    }
    return made;
}

void Ownership::note_applied(const std::string& uid, const Json& body) {
    Fields& fields = objects_[uid].applier;
    fields.clear();
    for (const auto& [path, value] : leaves_of(body)) fields.insert(path);
}

}  // namespace holdfast::sim
