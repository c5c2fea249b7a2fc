#include "common/kube/objects/snapshot.h"

#include "common/core/duration.h"
#include "common/core/quantity.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"

#include <nlohmann/json.hpp>

#include <chrono>

namespace holdfast::kube {
namespace {

constexpr std::size_t kMarkLimit = 16 << 10;  // bytes of a verified mark; ours have a few hundred

// A Quantity on the snapshot ("1Gi"), an integer on the content; tolerate either on both.
std::optional<long long> size_at(const Json& object, const std::string& pointer) {
    const Json* value = find_at(object, pointer);
    if (value == nullptr) return std::nullopt;
    if (value->is_number_integer()) {
        const long long bytes = value->get<long long>();
        return bytes >= 0 ? std::optional(bytes) : std::nullopt;
    }
    if (!value->is_string()) return std::nullopt;
    const Result<Quantity> quantity = Quantity::parse(value->get<std::string>());
    return quantity.ok() ? std::optional(quantity->bytes()) : std::nullopt;
}

// Nanoseconds since 1970 on the content.
std::string time_at(const Json& object, const std::string& pointer) {
    const long long nanoseconds = number_at(object, pointer, 0);
    if (nanoseconds <= 0) return "";
    return format_time_micro(SystemTime(std::chrono::microseconds(nanoseconds / 1000)));
}

}  // namespace

Snapshot snapshot_of(const Json& object) {
    Snapshot snapshot;
    snapshot.name = name_of(object);
    snapshot.space = space_of(object);
    snapshot.uid = uid_of(object);
    snapshot.created = created_of(object);
    snapshot.claim = text_at(object, "/spec/source/persistentVolumeClaimName");
    snapshot.source_content = text_at(object, "/spec/source/volumeSnapshotContentName");
    snapshot.snapshot_class = text_at(object, "/spec/volumeSnapshotClassName");
    snapshot.content = text_at(object, "/status/boundVolumeSnapshotContentName");
    snapshot.cut_at = text_at(object, "/status/creationTime");
    snapshot.ready = bool_at(object, "/status/readyToUse", false);
    snapshot.deleting = deleting(object);
    snapshot.answered = find_at(object, "/status") != nullptr;
    snapshot.restore_size = size_at(object, "/status/restoreSize");
    snapshot.error = escape_line(text_at(object, "/status/error/message"));
    snapshot.set = label_of(object, labels::kSet);
    const std::string mark = annotation_of(object, labels::kVerified);
    if (!mark.empty() && mark.size() < kMarkLimit) {
        const Json verified = Json::parse(mark, nullptr, false);
        snapshot.verified_level = text_at(verified, "/level");
        snapshot.verified_at = text_at(verified, "/at");
        snapshot.verified_by = text_at(verified, "/by");
    }
    return snapshot;
}

SnapshotContent content_of(const Json& object) {
    SnapshotContent content;
    content.name = name_of(object);
    content.uid = uid_of(object);
    content.driver = text_at(object, "/spec/driver");
    content.deletion_policy = text_at(object, "/spec/deletionPolicy");
    content.snapshot_class = text_at(object, "/spec/volumeSnapshotClassName");
    content.volume_handle = text_at(object, "/spec/source/volumeHandle");
    content.source_handle = text_at(object, "/spec/source/snapshotHandle");
    content.handle = text_at(object, "/status/snapshotHandle");
    content.source_volume_mode = text_at(object, "/spec/sourceVolumeMode");
    content.snapshot_space = text_at(object, "/spec/volumeSnapshotRef/namespace");
    content.snapshot_name = text_at(object, "/spec/volumeSnapshotRef/name");
    content.snapshot_uid = text_at(object, "/spec/volumeSnapshotRef/uid");
    content.cut_at = time_at(object, "/status/creationTime");
    content.ready = bool_at(object, "/status/readyToUse", false);
    content.deleting = deleting(object);
    content.answered = find_at(object, "/status") != nullptr;
    content.being_created =
        !annotation_of(object, "snapshot.storage.kubernetes.io/volumesnapshot-being-created").empty();
    content.restore_size = size_at(object, "/status/restoreSize");
    content.error = escape_line(text_at(object, "/status/error/message"));
    return content;
}

bool bound_both_ways(const Snapshot& snapshot, const SnapshotContent& content) {
    return !snapshot.content.empty() && snapshot.content == content.name && content.snapshot_name == snapshot.name &&
           content.snapshot_space == snapshot.space && !snapshot.uid.empty() && content.snapshot_uid == snapshot.uid;
}

bool is_cut(const Snapshot& snapshot) { return !snapshot.content.empty() && !snapshot.cut_at.empty(); }

SnapshotClass snapshot_class_of(const Json& object) {
    return {name_of(object), text_at(object, "/driver"), text_at(object, "/deletionPolicy"),
            annotation_of(object, "snapshot.storage.kubernetes.io/is-default-class") == "true"};
}

VolumeSource volume_source_of(const Json& volume) {
    VolumeSource source;
    source.driver = text_at(volume, "/spec/csi/driver");
    source.handle = text_at(volume, "/spec/csi/volumeHandle");
    if (!source.driver.empty()) {
        source.kind = "csi";
        return source;
    }
    // PersistentVolumeSource is a union: the one key of spec that holds an object and is none of the common fields.
    const Json* spec = find_at(volume, "/spec");
    if (spec == nullptr || !spec->is_object()) return source;
    for (const auto& [key, value] : spec->items()) {
        if (value.is_object() && key != "capacity" && key != "claimRef" && key != "nodeAffinity") source.kind = key;
    }
    return source;
}

}  // namespace holdfast::kube
