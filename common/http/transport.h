// HTTP as a dependency. curl_transport.cpp is the one implementation that touches a network; the simulator will be
// another. Nothing here knows Kubernetes.
#pragma once

#include "common/core/result.h"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::http {

struct Request {
    std::string method = "GET";
    std::string target;  // path and query, joined to the server's URL and its path prefix
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::chrono::milliseconds timeout{0};       // whole call; 0: the transport's default
    std::size_t limit = std::size_t{64} << 20;  // bytes of the inflated body; over it: kProtocol
};

struct Response {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
    std::string body;

    std::optional<std::string> header(std::string_view lower_case_name) const;
};

// A response whose body is read as it comes (a watch). Destroying it ends the request.
class Stream {
  public:
    virtual ~Stream() = default;
    virtual const Response& head() const = 0;  // status and headers, no body
    // Some bytes of the body; nullopt: it ended cleanly. kTimeout: none came in `timeout`, the stream goes on.
    // kUnavailable: cut off.
    virtual Result<std::optional<std::string>> read(std::chrono::milliseconds timeout) = 0;
};

// A transport belongs to one server with one identity. Errors: kConnect (DNS, refused, proxy: nothing was sent),
// kUnauthorized (TLS: which check failed), kUnavailable (cut off: the server may or may not have done it; the reason is
// "before-send" when no byte of the request left), kTimeout, kProtocol (lies in length, too large, no HTTP),
// kInterrupted. An HTTP status is never an error here. Redirects are not followed.
class Transport {
  public:
    virtual ~Transport() = default;
    virtual Result<Response> send(const Request& request) = 0;
    // Called as each request ends, in the order of their ends, with its place and its answer.
    using Done = std::function<void(std::size_t, const Result<Response>&)>;
    // All of them, at most eight in flight; the answers in the order of the requests. `on_done` may be empty.
    virtual std::vector<Result<Response>> send_all(const std::vector<Request>& requests, const Done& on_done = {}) = 0;
    // Returns when the head has come (within the request's timeout); the body has no time limit.
    virtual Result<std::unique_ptr<Stream>> open(const Request& request) = 0;
};

}  // namespace holdfast::http
