#include "common/kube/objects/resize.h"

#include "common/core/text.h"
#include "common/kube/objects/workload.h"

#include <nlohmann/json.hpp>

namespace holdfast::kube {
namespace {

constexpr char kClassPart[] = ".storageclass.storage.k8s.io/requests.storage";

std::optional<Quantity> storage_at(const Json& object, const std::string& pointer) {
    const auto size = Quantity::parse(text_at(object, pointer));
    return size.ok() ? std::optional(*size) : std::nullopt;
}

void read_resize_conditions(const Json& claim, ResizeState& state) {
    const Json* conditions = find_at(claim, "/status/conditions");
    if (conditions == nullptr || !conditions->is_array()) return;
    for (const Json& one : *conditions) {
        const std::string type = text_at(one, "/type");
        if (text_at(one, "/status") != "True") continue;
        if (type == "Resizing") state.resizing = true;
        if (type == "FileSystemResizePending") state.node_pending = true;
        if (type == "ControllerResizeError" || type == "NodeResizeError")
            state.error = escape_line(text_at(one, "/message").substr(0, 400));
    }
}

long long bytes_in(const Json& object, const char* map, const std::string& key) {
    const Json* found = find_at(object, map);
    if (found == nullptr || !found->is_object()) return 0;
    const auto entry = found->find(key);
    if (entry == found->end() || !entry->is_string()) return 0;
    const auto size = Quantity::parse(entry->get<std::string>());
    return size.ok() ? size->bytes() : 0;
}

}  // namespace

bool ResizeState::infeasible() const {
    return status == "ControllerResizeInfeasible" || status == "NodeResizeInfeasible" ||
           status == "ControllerResizeFailed" || status == "NodeResizeFailed";
}

bool ResizeState::waits_for_node() const { return node_pending || status == "NodeResizePending"; }

bool ResizeState::stale() const {
    return status == "NodeResizePending" && allocated && capacity && *capacity >= *allocated;
}

ResizeState resize_state_of(const Json& claim) {
    ResizeState state;
    state.space = space_of(claim);
    state.name = name_of(claim);
    state.requested = storage_at(claim, "/spec/resources/requests/storage");
    state.capacity = capacity_of(claim);
    state.allocated = storage_at(claim, "/status/allocatedResources/storage");
    state.status = text_at(claim, "/status/allocatedResourceStatuses/storage");
    state.deleting = deleting(claim);
    read_resize_conditions(claim, state);
    return state;
}

std::string effective_class_of(const Json& claim) {
    const std::string legacy = annotation_of(claim, "volume.beta.kubernetes.io/storage-class");
    return legacy.empty() ? text_at(claim, "/spec/storageClassName") : legacy;
}

bool class_expands(const Json& storage_class) { return bool_at(storage_class, "/allowVolumeExpansion", false); }
std::string provisioner_of(const Json& storage_class) { return text_at(storage_class, "/provisioner"); }

std::vector<StorageQuota> storage_quotas_of(const Json& quota) {
    std::vector<StorageQuota> quotas;
    // One with a scope counts only claims of some VolumeAttributesClass (persistent_volume_claims.go
    // pvcMatchesScopeFunc): the API server judges that when the change is tried.
    if (find_at(quota, "/spec/scopeSelector") != nullptr || find_at(quota, "/spec/scopes") != nullptr) return quotas;
    const Json* hard = find_at(quota, "/status/hard");
    if (hard == nullptr || !hard->is_object()) return quotas;
    for (const auto& [what, value] : hard->items()) {
        const std::size_t at = what.find(kClassPart);
        if (what != "requests.storage" && at == std::string::npos) continue;
        quotas.push_back({name_of(quota), what, at == std::string::npos ? "" : what.substr(0, at),
                          bytes_in(quota, "/status/hard", what), bytes_in(quota, "/status/used", what)});
    }
    return quotas;
}

}  // namespace holdfast::kube
