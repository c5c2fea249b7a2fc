// Warnings that the API server sends with its answers (HTTP header Warning, code 299), each text said once.
// Source: k8s.io/apimachinery/pkg/util/net/http.go ParseWarningHeaders, client-go rest/warnings.go.
#pragma once

#include "common/http/transport.h"
#include "common/os/console.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::kube {

// The texts with code 299 of one header line, which may hold several; backslash quoting undone, control characters
// escaped. What is malformed is skipped. At most 4 KiB of each text. Pure.
std::vector<std::string> parse_warnings(std::string_view header);

class Warnings {
  public:
    explicit Warnings(Console& console) : console_(console) {}
    void look_at(const http::Response& response);

  private:
    Console& console_;
    std::set<std::string> said_;
};

}  // namespace holdfast::kube
