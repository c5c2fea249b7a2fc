#include "plugins/restore/swap.h"

#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <array>

namespace holdfast::restore {
namespace {

using kube::text_at;

// All annotations of an object together may have 256 KiB.
constexpr std::size_t kLongestRecord = 128 * 1024;

Error damaged(const std::string& what) {
    return {ErrorKind::kInvalid, "the operation's record cannot be read: " + what,
            "the volumes say in their annotation " + std::string(labels::kSwap) + " what they are"};
}

Json swap_json(const Swap& swap) {
    return {{"claim", swap.claim},           {"ordinal", swap.ordinal},      {"claimUid", swap.claim_uid},
            {"manifest", swap.manifest},     {"oldVolume", swap.old_volume}, {"oldVolumeUid", swap.old_volume_uid},
            {"oldPolicy", swap.old_policy},  {"oldBytes", swap.old_bytes},   {"request", swap.request},
            {"temporary", swap.temporary},   {"source", swap.source},        {"keptMark", swap.kept_mark},
            {"oldStorage", swap.old_storage}};
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
    swap.kept_mark = text_at(json, "/keptMark");
    swap.old_storage = text_at(json, "/oldStorage");
    swap.kept_storage = text_at(json, "/keptStorage");
    return swap;
}

}  // namespace

std::string temporary_name(const std::string& operation, const std::string& claim) {
    constexpr std::size_t kLongestName = 253;
    return bounded_name(operation + "-" + claim, "", kLongestName);
}

Json record_json(const SwapRecord& record) {
    Json swaps = Json::array();
    for (const Swap& swap : record.swaps) {
        swaps.push_back(swap_json(swap));
        if (!swap.kept_storage.empty()) swaps.back()["keptStorage"] = swap.kept_storage;
    }
    Json json = {{"workload", plan::held_workload_json(record.workload)},
                 {"swaps", std::move(swaps)},
                 {"from", record.from},
                 {"undoes", record.undoes},
                 {"at", record.at},
                 {"line", record.line}};
    if (!record.image.empty()) json["image"] = record.image;
    return json;
}

Json incoming_json(const SwapRecord& record) {
    Json all = Json::object();
    for (const auto& [claim, one] : record.incoming) {
        all[claim] = {{"volume", one.volume}, {"volumeUid", one.volume_uid}, {"temporaryUid", one.temporary_uid}};
    }
    return {{"incoming", std::move(all)}};
}

Json held_json(std::optional<int> replicas) { return {{"held", replicas ? Json(*replicas) : Json(nullptr)}}; }

Json asked_json(const SwapRecord& record) {
    return record.asked.empty() ? Json::object() : Json{{"asked", record.asked}};
}

Result<SwapRecord> record_of(const Json& json, const std::string& space) {
    SwapRecord record;
    record.space = space;
    const Json* workload = kube::find_at(json, "/workload");
    const Json* swaps = kube::find_at(json, "/swaps");
    if (workload == nullptr || swaps == nullptr || !swaps->is_array()) return damaged("it names no claims");
    auto stopped = plan::held_workload_of(*workload, space);
    if (!stopped.ok()) return damaged(stopped.error().message);
    record.workload = std::move(*stopped);
    for (const Json& one : *swaps) {
        record.swaps.push_back(swap_of(one));
        const Swap& swap = record.swaps.back();
        if (swap.claim.empty() || swap.claim_uid.empty() || swap.old_volume.empty() || !swap.manifest.is_object())
            return damaged("one of its claims lacks name, uid, volume or manifest");
    }
    record.from = text_at(json, "/from");
    record.undoes = text_at(json, "/undoes");
    record.at = text_at(json, "/at");
    record.image = text_at(json, "/image");
    if (const Json* line = kube::find_at(json, "/line")) record.line = *line;
    if (const Json* held = kube::find_at(json, "/held"); held != nullptr && held->is_number_integer())
        record.held = held->get<int>();
    if (const Json* asked = kube::find_at(json, "/asked"); asked != nullptr && asked->is_object()) {
        for (const auto& [claim, size] : asked->items())
            if (size.is_string()) record.asked[claim] = size.get<std::string>();
    }
    if (const Json* incoming = kube::find_at(json, "/incoming"); incoming != nullptr && incoming->is_object()) {
        for (const auto& [claim, one] : incoming->items())
            record.incoming[claim] = {text_at(one, "/volume"), text_at(one, "/volumeUid"),
                                      text_at(one, "/temporaryUid")};
    }
    return record;
}

Json mark_json(const SwapMark& mark) {
    Json json = {{"operation", mark.operation},
                 {"role", mark.taken_out ? "taken-out" : "put-in"},
                 {"namespace", mark.space},
                 {"claim", mark.claim},
                 {"claimUid", mark.claim_uid},
                 {"reclaimPolicy", mark.policy},
                 {"workload", mark.workload},
                 {"from", mark.from},
                 {"at", mark.at},
                 {"source", mark.source},
                 {"replicas", mark.replicas},
                 {"count", mark.count}};
    if (!mark.image.empty()) json["image"] = mark.image;
    if (mark.record.is_object()) json["record"] = mark.record;
    return json;
}

Json record_for_mark(const SwapRecord& record, const Swap& swap) {
    if (!record.line.is_object()) return nullptr;
    Swap slim = swap;
    slim.manifest = kube::claim_essence(swap.manifest);
    SwapRecord one = record;
    one.swaps = {std::move(slim)};
    Json json = record_json(one);
    return json.dump().size() <= kLongestRecord ? json : Json(nullptr);
}

std::string moment_after(const std::vector<std::string>& earlier, SystemTime now) {
    SystemTime moment = now;
    for (const std::string& text : earlier) {
        const auto time = parse_time(text);
        if (time.ok()) moment = std::max<SystemTime>(moment, *time + std::chrono::seconds(1));
    }
    return format_time(moment);
}

std::string without_record(const std::string& mark_text) {
    Json json = Json::parse(mark_text, nullptr, false);
    if (!json.is_object() || !json.contains("record")) return mark_text;
    json.erase("record");
    return json.dump();
}

namespace {

std::optional<SwapMark> mark_in(Json json) {
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
    mark.source = text_at(json, "/source");
    mark.image = text_at(json, "/image");
    mark.replicas = static_cast<int>(kube::number_at(json, "/replicas", 0));
    mark.count = static_cast<int>(kube::number_at(json, "/count", 0));
    if (const auto record = json.find("record"); record != json.end()) mark.record = std::move(*record);
    if (mark.operation.empty() || mark.claim.empty()) return std::nullopt;
    return mark;
}

}  // namespace

std::optional<SwapMark> mark_of(const Json& volume) {
    const std::string text = kube::annotation_of(volume, labels::kSwap);
    return text.empty() ? std::nullopt : mark_in(Json::parse(text, nullptr, false));
}

std::optional<SwapMark> brief_mark_of(const Json& volume) {
    const std::string text = kube::annotation_of(volume, labels::kSwap);
    if (text.empty()) return std::nullopt;
    const auto keep = [](int depth, Json::parse_event_t event, const Json& parsed) {
        return depth != 1 || event != Json::parse_event_t::key || parsed.get_ref<const std::string&>() != "record";
    };
    return mark_in(Json::parse(text, keep, false));
}

}  // namespace holdfast::restore
