// YAML <-> JSON. Reading follows kubectl (sigs.k8s.io/yaml over go.yaml.in/yaml/v2: YAML 1.1 scalars, merge keys), so
// that a file means to us what it means to kubectl; only duplicate keys, of which kubectl takes the last, are an error
// here.
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::kubeconfig {

// The first document as JSON; null for text without one. kInvalid with "line 3, column 5: ..." or, for bytes that no
// YAML may hold (NUL, other control characters, not UTF-8), with their offset. Bounded: 100 levels, 1,000,000 values,
// of which 100,000 values and 8 MiB of text may come from aliases. Messages quote no values, only keys and anchors.
Result<Json> parse_yaml(std::string_view text);

// Every document, at most 1,000.
Result<std::vector<Json>> parse_yaml_documents(std::string_view text);

// Block style, keys in their order, ends with a newline. Every YAML 1.1 and 1.2 reader gets the same value back:
// strings are quoted unless they are plain words that mean nothing else. What is no UTF-8 becomes U+FFFD.
std::string write_yaml(const Json& value);

}  // namespace holdfast::kubeconfig
