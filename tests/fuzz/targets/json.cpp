#include "common/kube/json_scan.h"
#include "common/kube/reply.h"
#include "common/kube/warnings.h"
#include "tests/fuzz/target.h"

namespace holdfast::fuzz {

void json(std::string_view input) {
    const auto value = kube::parse_json(input, "input");
    if (value.ok()) {
        const auto again = kube::parse_json(value->dump(), "output");
        check(again.ok() && *again == *value, "JSON is read back the same");
    }
    http::Response response;
    response.status = input.empty() ? 200 : 200 + static_cast<unsigned char>(input[0]) % 4 * 100;
    response.headers = {{"content-type", "application/json"}};
    response.body = input;
    http::Request request;
    request.target = "/api/v1/pods";
    if (response.status / 100 == 2) {
        (void)kube::object_of(response, request);
        const auto page = kube::page_of(response, request);
        if (page.ok()) {
            for (const std::string_view item : page->items) {
                check(item.data() >= response.body.data() &&
                          item.data() + item.size() <= response.body.data() + response.body.size(),
                      "items are parts of the body");
            }
        }
    } else {
        (void)kube::error_of_status(response, request);
    }
    (void)kube::parse_warnings(input);
}

}  // namespace holdfast::fuzz
