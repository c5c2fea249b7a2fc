// Which bytes may stand in YAML. Pure. Source: go.yaml.in/yaml/v2 readerc.go.
#pragma once

#include "common/core/result.h"

#include <cstdint>
#include <string_view>

namespace holdfast::kubeconfig {

// One code point of UTF-8 text: `length` 0 if the bytes at `offset` are no UTF-8 (overlong forms and surrogates
// included).
struct CodePoint {
    std::uint32_t value = 0;
    std::size_t length = 0;
};
CodePoint code_point_at(std::string_view text, std::size_t offset);
bool is_utf8(std::string_view text);

// kInvalid naming the offset and line of the first byte that is no UTF-8, or control character that YAML does not
// allow.
Status check_yaml_bytes(std::string_view text);

// May the code point stand in YAML as it is (tab, line feed, carriage return and printable ones)?
bool is_yaml_printable(std::uint32_t code_point);

}  // namespace holdfast::kubeconfig
