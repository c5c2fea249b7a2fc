#include "common/kube/objects/provisioning.h"

#include <charconv>
#include <optional>
#include <string_view>

namespace holdfast::kube {
namespace {

// FNV-1, as Go's hash/fnv New32.
std::uint32_t hash_of(std::string_view text) {
    std::uint32_t hash = 2166136261U;
    for (const char one : text) hash = (hash * 16777619U) ^ static_cast<unsigned char>(one);
    return hash;
}

// As strconv.ParseUint(text, 10, 32) takes it.
std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string_view after_last_dash(std::string_view text) {
    const std::size_t dash = text.rfind('-');
    return dash == std::string_view::npos ? text : text.substr(dash + 1);
}

}  // namespace

std::uint32_t provisioning_place(const std::string& claim) {
    const std::string_view name = claim;
    const std::size_t dash = name.rfind('-');
    if (dash == std::string_view::npos) return hash_of(name);
    const std::optional<std::uint32_t> index = number(name.substr(dash + 1));
    if (!index) return hash_of(name);
    return hash_of(after_last_dash(name.substr(0, dash))) + *index;
}

std::string placed_like(const std::string& other, const std::string& name) {
    const std::uint32_t wanted = provisioning_place(other);
    if (provisioning_place(name) == wanted) return name;
    return name + "-" + std::to_string(wanted - hash_of(after_last_dash(name)));
}

}  // namespace holdfast::kube
