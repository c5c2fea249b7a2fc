// Base64 with the standard alphabet, as Go's encoding/base64.StdEncoding. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::kubeconfig {

std::string encode_base64(std::string_view bytes);
// nullopt: not base64. Padding is required, CR and LF are skipped.
std::optional<std::string> decode_base64(std::string_view text);
// The alphabet of JWTs (- and _), padding optional.
std::optional<std::string> decode_base64_url(std::string_view text);

}  // namespace holdfast::kubeconfig
