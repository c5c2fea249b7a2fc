#include "plugins/restore/swap.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <array>

namespace holdfast::restore {
namespace {

using kube::text_at;

Error damaged(const std::string& what) {
    return {ErrorKind::kInvalid, "the operation's record cannot be read: " + what,
            "the volumes say in their annotation " + std::string(labels::kSwap) + " what they are"};
}

Json swap_json(const Swap& swap) {
    return {{"claim", swap.claim},          {"ordinal", swap.ordinal},      {"claimUid", swap.claim_uid},
            {"manifest", swap.manifest},    {"oldVolume", swap.old_volume}, {"oldVolumeUid", swap.old_volume_uid},
            {"oldPolicy", swap.old_policy}, {"oldBytes", swap.old_bytes},   {"request", swap.request},
            {"temporary", swap.temporary},  {"source", swap.source}};
}

Swap swap_of(const Json& json) {
    Swap swap;
    swap.claim = text_at(json, "/claim");
    swap.ordinal = static_cast<int>(kube::number_at(json, "/ordinal", -1));
    swap.claim_uid = text_at(json, "/claimUid");
    if (const Json* manifest = kube::find_at(json, "/manifest")) swap.manifest = *manifest;
    swap.old_volume = text_at(json, "/oldVolume");
    swap.old_volume_uid = text_at(json, "/oldVolumeUid");
    swap.old_policy = text_at(json, "/oldPolicy");
    swap.old_bytes = kube::number_at(json, "/oldBytes", 0);
    swap.request = text_at(json, "/request");
    swap.temporary = text_at(json, "/temporary");
    swap.source = text_at(json, "/source");
    return swap;
}

Json workload_json(const Workload& workload) {
    return {{"group", workload.ref.resource.group},
            {"resource", workload.ref.resource.plural},
            {"name", workload.ref.name},
            {"uid", workload.uid},
            {"replicas", workload.replicas},
            {"stopped", workload.stopped},
            {"whenDeleted", workload.when_deleted},
            {"whenScaled", workload.when_scaled}};
}

Result<Workload> workload_of(const Json& json, const std::string& space) {
    Workload workload;
    const std::string name = text_at(json, "/name");
    if (name.empty()) return workload;
    const kube::Resource* resource = kube::find_plural(text_at(json, "/group"), text_at(json, "/resource"));
    if (resource == nullptr) return damaged("its workload is of an unknown kind");
    workload.ref = {*resource, space, name};
    workload.uid = text_at(json, "/uid");
    workload.replicas = static_cast<int>(kube::number_at(json, "/replicas", -1));
    workload.stopped = static_cast<int>(kube::number_at(json, "/stopped", 0));
    workload.when_deleted = text_at(json, "/whenDeleted");
    workload.when_scaled = text_at(json, "/whenScaled");
    if (workload.uid.empty() || workload.replicas < 0) return damaged("its workload has no uid or no replicas");
    return workload;
}

bool is_binders(const std::string& annotation) {
    constexpr std::array<const char*, 3> kPrefixes = {"pv.kubernetes.io/", "volume.kubernetes.io/",
                                                      "volume.beta.kubernetes.io/"};
    return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                       [&](const char* prefix) { return starts_with(annotation, prefix); });
}

std::vector<std::string> texts_at(const Json& object, const char* pointer) {
    std::vector<std::string> texts;
    const Json* array = kube::find_at(object, pointer);
    if (array == nullptr || !array->is_array()) return texts;
    for (const Json& one : *array) {
        if (one.is_string()) texts.push_back(one.get<std::string>());
    }
    return texts;
}

std::string mode_of(const Json& spec) {
    const std::string mode = text_at(spec, "/volumeMode");
    return mode.empty() ? "Filesystem" : mode;
}

}  // namespace

std::string Workload::text() const { return ref.text(); }

Json record_json(const SwapRecord& record) {
    Json swaps = Json::array();
    for (const Swap& swap : record.swaps) swaps.push_back(swap_json(swap));
    return {{"workload", workload_json(record.workload)},
            {"swaps", std::move(swaps)},
            {"from", record.from},
            {"undoes", record.undoes},
            {"at", record.at}};
}

Json incoming_json(const SwapRecord& record) {
    Json all = Json::object();
    for (const auto& [claim, one] : record.incoming) {
        all[claim] = {{"volume", one.volume}, {"volumeUid", one.volume_uid}, {"temporaryUid", one.temporary_uid}};
    }
    return {{"incoming", std::move(all)}};
}

Result<SwapRecord> record_of(const Json& json, const std::string& space) {
    SwapRecord record;
    record.space = space;
    const Json* workload = kube::find_at(json, "/workload");
    const Json* swaps = kube::find_at(json, "/swaps");
    if (workload == nullptr || swaps == nullptr || !swaps->is_array()) return damaged("it names no claims");
    TRY_ASSIGN(record.workload, workload_of(*workload, space));
    for (const Json& one : *swaps) {
        record.swaps.push_back(swap_of(one));
        const Swap& swap = record.swaps.back();
        if (swap.claim.empty() || swap.claim_uid.empty() || swap.old_volume.empty() || !swap.manifest.is_object())
            return damaged("one of its claims lacks name, uid, volume or manifest");
    }
    record.from = text_at(json, "/from");
    record.undoes = text_at(json, "/undoes");
    record.at = text_at(json, "/at");
    if (const Json* incoming = kube::find_at(json, "/incoming"); incoming != nullptr && incoming->is_object()) {
        for (const auto& [claim, one] : incoming->items())
            record.incoming[claim] = {text_at(one, "/volume"), text_at(one, "/volumeUid"),
                                      text_at(one, "/temporaryUid")};
    }
    return record;
}

Json mark_json(const SwapMark& mark) {
    return {{"operation", mark.operation},
            {"role", mark.taken_out ? "taken-out" : "put-in"},
            {"namespace", mark.space},
            {"claim", mark.claim},
            {"claimUid", mark.claim_uid},
            {"reclaimPolicy", mark.policy},
            {"workload", mark.workload},
            {"from", mark.from},
            {"at", mark.at}};
}

std::optional<SwapMark> mark_of(const Json& volume) {
    const std::string text = kube::annotation_of(volume, labels::kSwap);
    if (text.empty()) return std::nullopt;
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) return std::nullopt;
    SwapMark mark;
    mark.operation = text_at(json, "/operation");
    mark.taken_out = text_at(json, "/role") == "taken-out";
    mark.space = text_at(json, "/namespace");
    mark.claim = text_at(json, "/claim");
    mark.claim_uid = text_at(json, "/claimUid");
    mark.policy = text_at(json, "/reclaimPolicy");
    mark.workload = text_at(json, "/workload");
    mark.from = text_at(json, "/from");
    mark.at = text_at(json, "/at");
    if (mark.operation.empty() || mark.claim.empty()) return std::nullopt;
    return mark;
}

Json renewed_claim(const Swap& swap, const std::string& volume) {
    const Json& old = swap.manifest;
    Json claim = {{"apiVersion", "v1"},
                  {"kind", "PersistentVolumeClaim"},
                  {"metadata", {{"name", swap.claim}, {"namespace", kube::space_of(old)}}}};
    if (const Json* found = kube::find_at(old, "/metadata/labels")) claim["metadata"]["labels"] = *found;
    Json annotations = Json::object();
    if (const Json* found = kube::find_at(old, "/metadata/annotations"); found != nullptr && found->is_object()) {
        for (const auto& [key, value] : found->items()) {
            if (!is_binders(key) && key != labels::kSource) annotations[key] = value;
        }
    }
    if (!swap.source.empty()) annotations[labels::kSource] = swap.source;
    if (!annotations.empty()) claim["metadata"]["annotations"] = std::move(annotations);
    Json spec = spec_of(old);
    for (const char* key : {"dataSource", "dataSourceRef", "volumeName"}) spec.erase(key);
    const std::string legacy = kube::annotation_of(old, "volume.beta.kubernetes.io/storage-class");
    if (!legacy.empty()) spec["storageClassName"] = legacy;
    spec["resources"]["requests"]["storage"] = swap.request;
    spec["volumeName"] = volume;
    claim["spec"] = std::move(spec);
    return claim;
}

Json spec_of(const Json& object) {
    const Json* spec = kube::find_at(object, "/spec");
    return spec != nullptr && spec->is_object() ? *spec : Json::object();
}

std::string binding_obstacle(const BindingFacts& wanted, const Json& live_claim_spec, const Quantity& request) {
    const auto size = Quantity::parse(text_at(wanted.spec, "/resources/requests/storage"));
    if (!size.ok()) return wanted.what + " asks for a size that cannot be read";
    if (*size > request)
        return wanted.what + " asks for " + size->text() + ", and the new volume has " + request.text();
    if (mode_of(wanted.spec) != mode_of(live_claim_spec))
        return wanted.what + " has volumeMode " + mode_of(wanted.spec) + ", and the new volume has " +
               mode_of(live_claim_spec);
    const std::vector<std::string> has = texts_at(live_claim_spec, "/accessModes");
    for (const std::string& mode : texts_at(wanted.spec, "/accessModes")) {
        if (std::find(has.begin(), has.end(), mode) == has.end())
            return wanted.what + " asks for access mode " + escape_line(mode) + ", and the new volume has " +
                   join(has, ", ");
    }
    const std::string attributes = text_at(wanted.spec, "/volumeAttributesClassName");
    const std::string mine = text_at(live_claim_spec, "/volumeAttributesClassName");
    if (attributes != mine)
        return wanted.what + " has volumeAttributesClassName " +
               (attributes.empty() ? "(none)" : escape_line(attributes)) + ", and the new volume has " +
               (mine.empty() ? "(none)" : escape_line(mine));
    return "";
}

}  // namespace holdfast::restore
