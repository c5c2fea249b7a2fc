// Names of objects: what the API server takes, and what we make up. Pure.
// Source: k8s.io/apimachinery/pkg/util/validation/validation.go.
#pragma once

#include "common/core/result.h"

#include <string>
#include <string_view>

namespace holdfast {

// RFC 1123 subdomain, at most 253 bytes: names of most objects. kUsage names the offending text and `what` it was for.
Status check_dns_subdomain(std::string_view name, std::string_view what);
// RFC 1123 label, at most 63 bytes: namespaces.
Status check_dns_label(std::string_view name, std::string_view what);
// A label value (at most 63 bytes, may be empty).
bool is_label_value(std::string_view value);
Status check_label(std::string_view key, std::string_view value);

// base, cut and ended by a hash of the whole where base + suffix would be over `limit` bytes: deterministic, and two
// long names that differ stay different.
std::string bounded_name(std::string_view base, std::string_view suffix, std::size_t limit = 63);

// TYPE/NAME as a user types it. kUsage for a bare or empty part.
struct TypedName {
    std::string type;  // as typed, lower case
    std::string name;
};
Result<TypedName> parse_typed_name(std::string_view text);

}  // namespace holdfast
