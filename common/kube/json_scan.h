// JSON measured before it is built: one pass over the text, no recursion, memory bounded by the depth limit. Pure.
// It finds extents and counts; whether each value is valid JSON is for the parser to say.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::kube {

inline constexpr std::size_t kJsonDepthMax = 500;
inline constexpr std::size_t kJsonValuesMax = 500000;  // in one object; a real one of 1.5 MiB has some 100,000
inline constexpr std::size_t kJsonMembersMax = 16384;  // of one object: lookups are linear

enum class JsonShape { kGood, kTooDeep, kTooMany, kCutOff };
JsonShape check_json_shape(std::string_view text);

// The members of an object: key (as written, without quotes) and the text of its value. nullopt: no complete object.
std::optional<std::vector<std::pair<std::string_view, std::string_view>>> scan_object(std::string_view text);
// The texts of an array's elements.
std::optional<std::vector<std::string_view>> scan_array(std::string_view text);

}  // namespace holdfast::kube
