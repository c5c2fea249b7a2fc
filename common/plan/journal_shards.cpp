#include "common/plan/journal_shards.h"

#include "common/core/hash.h"

#include <optional>

namespace holdfast::plan {
namespace {

constexpr char kSlices[] = "holdfast.dev/slices";

// What may be large: each round and each key of the record.
template <typename Body, typename Each>
void for_each_part(Body& body, const Each& each) {
    const auto rounds = body.find("rounds"), record = body.find("record");
    if (rounds != body.end() && rounds->is_array()) {
        int number = 0;
        for (auto& round : *rounds) each("rounds/" + std::to_string(number++), round);
    }
    if (record != body.end() && record->is_object()) {
        for (const auto& [key, value] : record->items()) each("record/" + key, value);
    }
}

// Never within a character: a ConfigMap's text is UTF-8.
std::size_t end_of_slice(const std::string& text, std::size_t begin) {
    std::size_t end = begin + kShardBytes;
    if (end >= text.size()) return text.size();
    while (end > begin + 1 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return end;
}

const Json* slices_in(const Json& part) {
    if (!part.is_object() || part.size() != 1) return nullptr;
    const auto found = part.find(kSlices);
    return found != part.end() && found->is_array() ? &*found : nullptr;
}

std::optional<std::string> joined(const Json& hashes, const std::map<std::string, std::string>& slices) {
    std::string text;
    for (const Json& hash : hashes) {
        const auto slice = hash.is_string() ? slices.find(hash.get_ref<const std::string&>()) : slices.end();
        if (slice == slices.end() || short_hash(slice->second) != slice->first) return std::nullopt;
        text += slice->second;
    }
    return text;
}

}  // namespace

std::map<std::string, std::string> take_out_parts(Json& body) {
    std::map<std::string, std::string> slices;
    for_each_part(body, [&](const std::string&, Json& part) {
        const std::string text = part.dump();
        if (text.size() <= kLargePart) return;
        Json hashes = Json::array();
        for (std::size_t begin = 0; begin < text.size();) {
            const std::size_t end = end_of_slice(text, begin);
            const std::string slice = text.substr(begin, end - begin);
            const std::string hash = short_hash(slice);
            hashes.push_back(hash);
            slices[hash] = slice;
            begin = end;
        }
        part = {{kSlices, std::move(hashes)}};
    });
    return slices;
}

std::vector<std::string> slices_of(const Json& body) {
    std::vector<std::string> needed;
    for_each_part(body, [&](const std::string&, const Json& part) {
        const Json* hashes = slices_in(part);
        if (hashes == nullptr) return;
        for (const Json& hash : *hashes) {
            if (hash.is_string()) needed.push_back(hash.get<std::string>());
        }
    });
    return needed;
}

std::vector<std::string> put_back_parts(Json& body, const std::map<std::string, std::string>& slices) {
    std::vector<std::string> lost;
    for_each_part(body, [&](const std::string& name, Json& part) {
        const Json* hashes = slices_in(part);
        if (hashes == nullptr) return;
        const std::optional<std::string> text = joined(*hashes, slices);
        Json whole = text ? Json::parse(*text, nullptr, false) : Json(nullptr);
        if (whole.is_discarded() || whole.is_null()) {
            lost.push_back(name);
            whole = nullptr;
        }
        part = std::move(whole);
    });
    return lost;
}

}  // namespace holdfast::plan
