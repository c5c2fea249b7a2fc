// What the API server answers, judged: an object, a page of a list, or an error in kubectl's words. Pure. Nothing here
// trusts the peer: depth, number of values and members of one object are bounded before anything is built of them.
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"
#include "common/http/transport.h"
#include "common/kube/resource.h"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::kube {

// kProtocol: no JSON, deeper than 500, over 500,000 values, over 16,384 members in one object, or text after its end.
// `what` stands in front of the message: "the server's reply to GET /api/v1/pods".
Result<Json> parse_json(std::string_view text, const std::string& what);

// The error that a reply stands for, by Status.reason, else by HTTP code. REQUIRES: not a success.
Error error_of_status(const http::Response& response, const http::Request& request);
Error error_of_status_object(const Json& status, int http_code);

// The object of a successful reply. Errors also for a 2xx with a Status of Failure, HTML, redirects, truncated JSON.
Result<Json> object_of(const http::Response& response, const http::Request& request);

// A page of a list, not yet decoded: the items are views into the body.
struct Page {
    std::string resource_version;
    std::string continue_token;
    std::vector<std::string_view> items;
};
Result<Page> page_of(const http::Response& response, const http::Request& request);

// A 404 without the server's own words means that there is no such type at all: then the type is named.
Error named_if_type_is_missing(Error error, const Resource& resource);

// What may be worked with: the object that was asked for, and it has a resourceVersion (kRefused otherwise: it could
// not be changed safely).
Status check_object(const Json& object, const Resource& resource, const std::string& name);

}  // namespace holdfast::kube
