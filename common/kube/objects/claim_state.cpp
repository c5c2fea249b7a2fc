#include "common/kube/objects/claim_state.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace holdfast::kube {
namespace {

constexpr std::size_t kAppliedLimit = std::size_t{256} << 10;  // what all annotations of an object may be together
constexpr int kAppliedDepth = 50;

std::vector<std::string> texts_at(const Json& object, const char* pointer) {
    std::vector<std::string> texts;
    const Json* array = find_at(object, pointer);
    if (array == nullptr || !array->is_array()) return texts;
    for (const Json& item : *array) {
        if (item.is_string()) texts.push_back(item.get<std::string>());
    }
    return texts;
}

std::optional<DataSource> source_at(const Json& claim, const char* pointer) {
    const Json* found = find_at(claim, pointer);
    if (found == nullptr || !found->is_object()) return std::nullopt;
    return DataSource{text_at(*found, "/apiGroup"), text_at(*found, "/kind"), text_at(*found, "/name"),
                      text_at(*found, "/namespace")};
}

std::optional<DataSource> source_of(const Json& claim) {
    // The API server copies dataSource into dataSourceRef, never a namespace back: the reference knows more.
    auto source = source_at(claim, "/spec/dataSourceRef");
    return source ? source : source_at(claim, "/spec/dataSource");
}

std::optional<DataSource> applied_source_of(const Json& claim) {
    const std::string text = annotation_of(claim, "kubectl.kubernetes.io/last-applied-configuration");
    if (text.empty() || text.size() > kAppliedLimit) return std::nullopt;
    const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth <= kAppliedDepth; };
    const Json applied = Json::parse(text, shallow, /*allow_exceptions=*/false);
    return applied.is_object() ? source_of(applied) : std::nullopt;
}

}  // namespace

bool DataSource::well_formed() const {
    if (is_snapshot()) return group == "snapshot.storage.k8s.io";
    if (is_claim()) return group.empty();
    return !group.empty();
}

std::string DataSource::text() const { return kind + "/" + (space.empty() ? "" : space + "/") + name; }

Owner controller_of(const Json& object) {
    const Json* owners = find_at(object, "/metadata/ownerReferences");
    if (owners == nullptr || !owners->is_array()) return {};
    for (const Json& owner : *owners) {
        if (!bool_at(owner, "/controller", false)) continue;
        const std::string version = text_at(owner, "/apiVersion");
        const std::size_t slash = version.find('/');
        return {slash == std::string::npos ? "" : version.substr(0, slash), text_at(owner, "/kind"),
                text_at(owner, "/name")};
    }
    return {};
}

bool ClaimState::read_write_once() const {
    return !access_modes.empty() && std::all_of(access_modes.begin(), access_modes.end(), [](const std::string& mode) {
        return mode == "ReadWriteOnce" || mode == "ReadWriteOncePod";
    });
}

ClaimState claim_state_of(const Json& claim) {
    ClaimState state;
    state.space = space_of(claim);
    state.name = name_of(claim);
    state.uid = uid_of(claim);
    state.phase = text_at(claim, "/status/phase");
    state.deleting = deleting(claim);
    state.finalizers = texts_at(claim, "/metadata/finalizers");
    if (const Json* found = find_at(claim, "/spec/storageClassName"); found != nullptr && found->is_string()) {
        state.storage_class = found->get<std::string>();
    }
    const std::string legacy = annotation_of(claim, "volume.beta.kubernetes.io/storage-class");
    if (!legacy.empty()) state.storage_class = legacy;
    state.volume = text_at(claim, "/spec/volumeName");
    state.volume_mode = text_at(claim, "/spec/volumeMode");
    state.access_modes = texts_at(claim, "/spec/accessModes");
    if (const auto requested = requested_of(claim); requested.ok()) state.requested_bytes = requested->bytes();
    if (const auto capacity = capacity_of(claim)) state.capacity_bytes = capacity->bytes();
    state.has_selector = find_at(claim, "/spec/selector") != nullptr;
    state.source = source_of(claim);
    state.applied_source = applied_source_of(claim);
    state.selected_node = annotation_of(claim, "volume.kubernetes.io/selected-node");
    state.provisioner = annotation_of(claim, "volume.kubernetes.io/storage-provisioner");
    if (state.provisioner.empty()) {
        state.provisioner = annotation_of(claim, "volume.beta.kubernetes.io/storage-provisioner");
    }
    state.restored_from = annotation_of(claim, labels::kSource);
    state.controller = controller_of(claim);
    return state;
}

}  // namespace holdfast::kube
