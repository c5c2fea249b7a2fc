#include "common/kube/objects/claim.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"

#include <nlohmann/json.hpp>

namespace holdfast::kube {
namespace {

std::vector<std::string> texts_at(const Json& object, const std::string& pointer) {
    std::vector<std::string> texts;
    const Json* list = find_at(object, pointer);
    if (list == nullptr || !list->is_array()) return texts;
    for (const Json& item : *list) {
        if (item.is_string()) texts.push_back(item.get<std::string>());
    }
    return texts;
}

std::string text_or(const Json& object, const std::string& pointer, const char* fallback) {
    std::string text = text_at(object, pointer);
    return text.empty() ? fallback : text;
}

std::optional<Quantity> quantity_at(const Json& object, const std::string& pointer) {
    const auto quantity = Quantity::parse(text_at(object, pointer));
    return quantity.ok() ? std::optional(*quantity) : std::nullopt;
}

}  // namespace

Claim claim_of(const Json& object) {
    Claim result;
    result.name = name_of(object);
    result.space = space_of(object);
    result.uid = uid_of(object);
    result.phase = text_at(object, "/status/phase");
    result.volume = text_at(object, "/spec/volumeName");
    result.storage_class = text_at(object, "/spec/storageClassName");
    result.volume_mode = text_or(object, "/spec/volumeMode", "Filesystem");
    result.access_modes = texts_at(object, "/spec/accessModes");
    result.requested = quantity_at(object, "/spec/resources/requests/storage");
    result.capacity = quantity_at(object, "/status/capacity/storage");
    result.deleting = deleting(object);
    result.operation = label_of(object, labels::kOperation);
    result.role = label_of(object, labels::kRole);
    result.restored_from = annotation_of(object, labels::kSource);
    result.source_kind = text_at(object, "/spec/dataSource/kind");
    result.source_name = text_at(object, "/spec/dataSource/name");
    return result;
}

Status check_readable(const Json& claim) {
    if (const auto requested = requested_of(claim); !requested.ok()) return requested.error();
    const std::string what = "pvc/" + space_of(claim) + "/" + name_of(claim);
    const std::string capacity = text_at(claim, "/status/capacity/storage");
    if (!capacity.empty()) {
        if (const auto parsed = Quantity::parse(capacity); !parsed.ok()) {
            return parsed.error().with_context(what + ": status.capacity.storage");
        }
    }
    const std::string mode = text_at(claim, "/spec/volumeMode");
    if (mode.empty() || mode == "Filesystem" || mode == "Block") return {};
    return Error{ErrorKind::kInvalid, what + ": spec.volumeMode " + escape_line(mode) + " is unsupported", "", 0, ""};
}

}  // namespace holdfast::kube
