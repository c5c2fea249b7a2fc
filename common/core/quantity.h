// Kubernetes quantities of bytes: "10Gi", "1500M", "1e3". Pure.
// Source: k8s.io/apimachinery/pkg/api/resource/quantity.go.
#pragma once

#include "common/core/result.h"

#include <compare>
#include <string>
#include <string_view>

namespace holdfast {

// A whole number of bytes, 0 to 2^63-1. Text is kept, so that what came from the server goes back unchanged.
class Quantity {
  public:
    // Fractions are rounded up to whole bytes as the API server does. kInvalid: not a quantity, negative, or too large;
    // the message quotes the text.
    static Result<Quantity> parse(std::string_view text);
    static Quantity from_bytes(long long bytes);  // canonical text, binary suffix where it divides exactly

    long long bytes() const { return bytes_; }
    const std::string& text() const { return text_; }

    friend bool operator==(const Quantity& a, const Quantity& b) { return a.bytes_ == b.bytes_; }
    friend std::strong_ordering operator<=>(const Quantity& a, const Quantity& b) { return a.bytes_ <=> b.bytes_; }

  private:
    Quantity(long long bytes, std::string text) : bytes_(bytes), text_(std::move(text)) {}
    long long bytes_ = 0;
    std::string text_;
};

// The text that an API server recomputes a quantity to: "1.5Gi" -> "1536Mi", "1000M" -> "1G", "+5Gi" -> "5Gi", "1E3" ->
// "1e3". Fractions of a byte are kept ("0.1Gi" -> "107374182400m"); a byte's fraction below nano is rounded up.
// kInvalid as Quantity::parse.
Result<std::string> canonical_quantity(std::string_view text);

}  // namespace holdfast
