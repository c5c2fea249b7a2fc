#include "common/kube/reply.h"

#include "common/core/text.h"
#include "common/kube/json_scan.h"
#include "common/kube/objects/workload.h"

namespace holdfast::kube {

namespace {

std::string what_of(const http::Request& request) {
    return "the server's reply to " + request.method + " " +
           escape_line(request.target.substr(0, request.target.find('?')));
}

Error protocol(std::string message, std::string hint = {}) {
    return Error{ErrorKind::kProtocol, std::move(message), std::move(hint), 0, ""};
}

bool looks_like_html(const http::Response& response) {
    const std::string type = to_lower(response.header("content-type").value_or(""));
    return type.find("html") != std::string::npos ||
           starts_with(trim(std::string_view(response.body).substr(0, 256)), "<");
}

ErrorKind kind_by_code(int code) {
    switch (code) {
        case 401:
            return ErrorKind::kUnauthorized;
        case 403:
            return ErrorKind::kForbidden;
        case 404:
            return ErrorKind::kNotFound;
        case 409:
            return ErrorKind::kConflict;
        case 410:
            return ErrorKind::kGone;
        case 429:
            return ErrorKind::kUnavailable;
        default:
            return code >= 500 ? ErrorKind::kUnavailable : ErrorKind::kInvalid;
    }
}

ErrorKind kind_by_reason(std::string_view reason, int code) {
    if (reason == "AlreadyExists") return ErrorKind::kAlreadyExists;
    if (reason == "Conflict") return ErrorKind::kConflict;
    if (reason == "NotFound") return ErrorKind::kNotFound;
    if (reason == "Forbidden") return ErrorKind::kForbidden;
    if (reason == "Unauthorized") return ErrorKind::kUnauthorized;
    if (reason == "Expired" || reason == "Gone") return ErrorKind::kGone;
    if (reason == "Invalid" || reason == "BadRequest") return ErrorKind::kInvalid;
    return kind_by_code(code);
}

constexpr char kNoResource[] = "the server could not find the requested resource";

// apimachinery's pkg/api/errors NewGenericServerResponse.
std::pair<std::string, std::string> generic(int code) {
    switch (code) {
        case 400:
            return {"BadRequest", "the server rejected our request for an unknown reason"};
        case 401:
            return {"Unauthorized", "the server has asked for the client to provide credentials"};
        case 403:
            return {"Forbidden", "the server does not allow access to the requested resource"};
        case 404:
            return {"NotFound", kNoResource};
        case 405:
            return {"MethodNotAllowed", "the server does not allow this method on the requested resource"};
        case 406:
            return {"NotAcceptable", "the server does not offer a representation that we understand"};
        case 409:
            return {"Conflict", "the server reported a conflict"};
        case 410:
            return {"Gone", "the server says that the resource is gone"};
        case 415:
            return {"UnsupportedMediaType", "the server does not take the kind of body that was sent"};
        case 422:
            return {"Invalid", "the server rejected our request due to an error in our request"};
        case 429:
            return {"TooManyRequests", "the server has received too many requests and has asked us to try again later"};
        case 500:
            return {"InternalError", "an error on the server has prevented the request from succeeding"};
        case 503:
            return {"ServiceUnavailable", "the server is currently unable to handle the request"};
        case 504:
            return {"Timeout",
                    "the server was unable to return a response in the time allotted, but may still be processing the "
                    "request"};
        default:
            return {"", "the server answered with HTTP status " + std::to_string(code)};
    }
}

Error not_kubernetes(const http::Response& response, const http::Request& request) {
    return protocol(
        "not a Kubernetes API: " + what_of(request) + " is an HTML page (HTTP " + std::to_string(response.status) + ")",
        "a login page or a proxy stands at this address; check the server in the kubeconfig");
}

bool is_failure(const Json& object) {
    return text_at(object, "/kind") == "Status" && text_at(object, "/status") == "Failure";
}

// Redirects and HTML pages, which are no answers of an API server at all. nullopt: may be one.
std::optional<Error> not_an_answer(const http::Response& response, const http::Request& request) {
    if (response.status >= 300 && response.status < 400) {
        return protocol(what_of(request) + " is a redirect (HTTP " + std::to_string(response.status) + ") to " +
                        escape_line(response.header("location").value_or("nowhere").substr(0, 200)) +
                        "; it was not followed");
    }
    if (response.status < 500 && looks_like_html(response)) return not_kubernetes(response, request);
    return std::nullopt;
}

std::string plain_text(const Json& value) { return value.is_string() ? value.get<std::string>() : ""; }

// A string or a small object within a page's frame.
Result<Json> small_value(std::string_view text, const std::string& what) {
    if (text.size() > (std::size_t{1} << 20)) return protocol(what + " has a list frame of over 1 MiB");
    return parse_json(text, what);
}

}  // namespace

Result<Json> parse_json(std::string_view text, const std::string& what) {
    switch (check_json_shape(text)) {
        case JsonShape::kGood:
            break;
        case JsonShape::kTooDeep:
            return protocol(what + " is nested deeper than " + std::to_string(kJsonDepthMax) + " levels");
        case JsonShape::kTooMany:
            return protocol(what + " has too many values for one object");
        case JsonShape::kCutOff:
            return protocol(what + " ends in the middle of its JSON");
    }
    Json value = Json::parse(text.begin(), text.end(), nullptr, false);
    if (value.is_discarded()) return protocol(what + " is not valid JSON");
    return value;
}

Error named_if_type_is_missing(Error error, const Resource& resource) {
    if (error.kind != ErrorKind::kNotFound || error.message != kNoResource) return error;
    error.message = "the server doesn't have a resource type \"" + resource.qualified() + "\"";
    if (!resource.group.empty())
        error.hint = "its CRD is not installed; `kubectl snap doctor` says what else is missing";
    return error;
}

Error error_of_status_object(const Json& status, int http_code) {
    const std::string reason = text_at(status, "/reason");
    const int code = static_cast<int>(number_at(status, "/code", http_code));
    const int known = code >= 400 ? code : http_code >= 400 ? http_code : 500;
    std::string message = escape_line(text_at(status, "/message"));
    if (message.empty()) message = generic(known).second;
    return Error{kind_by_reason(reason, known), std::move(message), "", known,
                 escape_line(reason.empty() ? generic(known).first : reason)};
}

Error error_of_status(const http::Response& response, const http::Request& request) {
    if (const auto none = not_an_answer(response, request)) return *none;
    const auto object = parse_json(response.body, "");
    if (object.ok() && text_at(*object, "/kind") == "Status") return error_of_status_object(*object, response.status);
    const auto [reason, message] = generic(response.status);
    std::string said = escape_line(trim(std::string_view(response.body).substr(0, 200)));
    if (response.status != 500 || looks_like_html(response)) said.clear();
    return Error{kind_by_code(response.status), message + (said.empty() ? "" : " (" + said + ")"), "", response.status,
                 reason};
}

Result<Json> object_of(const http::Response& response, const http::Request& request) {
    if (response.status < 200 || response.status >= 300) return error_of_status(response, request);
    if (const auto none = not_an_answer(response, request)) return *none;
    if (check_json_shape(response.body) == JsonShape::kCutOff && !response.header("content-length") &&
        response.header("transfer-encoding").value_or("") != "chunked") {
        return Error{ErrorKind::kUnavailable, what_of(request) + " was cut off before its end", "", 0, ""};
    }
    TRY_ASSIGN(Json object, parse_json(response.body, what_of(request)));
    if (!object.is_object()) return protocol(what_of(request) + " is not a Kubernetes object");
    if (is_failure(object)) return error_of_status_object(object, response.status);
    return object;
}

Result<Page> page_of(const http::Response& response, const http::Request& request) {
    if (response.status < 200 || response.status >= 300) return error_of_status(response, request);
    if (const auto none = not_an_answer(response, request)) return *none;
    const std::string what = what_of(request);
    const auto members = scan_object(response.body);
    if (!members)
        return object_of(response, request).ok() ? protocol(what + " is not a list")
                                                 : object_of(response, request).error();
    Page page;
    std::string kind;
    bool has_items = false;
    for (const auto& [key, value] : *members) {
        if (key == "kind") {
            TRY_ASSIGN(const Json parsed, small_value(value, what));
            kind = plain_text(parsed);
        } else if (key == "metadata") {
            TRY_ASSIGN(const Json metadata, small_value(value, what));
            page.resource_version = text_at(metadata, "/resourceVersion");
            page.continue_token = text_at(metadata, "/continue");
        } else if (key == "items") {
            auto items = scan_array(value);
            has_items = items.has_value() || value == "null";
            if (items) page.items = std::move(*items);
        }
    }
    if (kind == "Status") {
        TRY_ASSIGN(const Json object, object_of(response, request));
        return protocol(what + " is a Status and not a list");
    }
    if (!has_items || !ends_with(kind, "List")) return protocol(what + " is not a list of objects");
    return page;
}

Status check_object(const Json& object, const Resource& resource, const std::string& name) {
    const std::string found = text_at(object, "/metadata/name");
    const std::string id = resource.short_name + "/" + escape_line(name.empty() ? found : name);
    if (!object.is_object() || (!name.empty() && found != name) || found.empty()) {
        return protocol(id + ": the server answered with another object (" + escape_line(found) + ")");
    }
    const std::string kind = text_at(object, "/kind");
    if (!kind.empty() && kind != resource.kind)
        return protocol(id + ": the server answered with a " + escape_line(kind));
    if (text_at(object, "/metadata/resourceVersion").empty()) {
        return Error{ErrorKind::kRefused,
                     id + ": the server's reply has no metadata.resourceVersion; refusing to work with an object that "
                          "cannot be changed "
                          "safely; nothing was changed",
                     "", 0, ""};
    }
    return {};
}

}  // namespace holdfast::kube
