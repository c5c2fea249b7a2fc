#include "common/http/trace.h"

#include "common/core/log.h"
#include "common/core/text.h"
#include "common/http/mask.h"

#include <limits>

namespace holdfast::http {

namespace {

std::size_t body_limit() {
    if (log::enabled(10)) return std::numeric_limits<std::size_t>::max();
    return log::enabled(9) ? 10240 : 1024;
}

std::string status_text(int status) {
    switch (status) {
        case 200:
            return "200 OK";
        case 201:
            return "201 Created";
        case 202:
            return "202 Accepted";
        case 302:
            return "302 Found";
        case 400:
            return "400 Bad Request";
        case 401:
            return "401 Unauthorized";
        case 403:
            return "403 Forbidden";
        case 404:
            return "404 Not Found";
        case 409:
            return "409 Conflict";
        case 410:
            return "410 Gone";
        case 422:
            return "422 Unprocessable Entity";
        case 429:
            return "429 Too Many Requests";
        case 500:
            return "500 Internal Server Error";
        case 503:
            return "503 Service Unavailable";
        case 504:
            return "504 Gateway Timeout";
        default:
            return std::to_string(status);
    }
}

std::string milliseconds_of(std::chrono::microseconds time) { return std::to_string(time.count() / 1000); }

std::string curl_command(const Request& request, const std::string& url, const Headers& headers) {
    std::string out = "curl -v -X" + request.method + " ";
    for (const auto& [name, value] : headers) out += " -H " + shell_quote(name + ": " + mask_header(name, value));
    return out + " " + shell_quote(mask_text(url));
}

void trace_body(const char* title, std::string_view body) {
    if (log::enabled(8) && !body.empty()) log::write(8, std::string(title) + ": " + mask_body(body, body_limit()));
}

}  // namespace

void trace_request(const Request& request, const std::string& url, const Headers& headers) {
    if (!log::enabled(7)) return;
    trace_body("Request Body", request.body);
    if (log::enabled(9)) {
        log::write(9, curl_command(request, url, headers));
        return;
    }
    log::write(7, request.method + " " + mask_text(url));
    log::write(7, "Request Headers:");
    for (const auto& [name, value] : headers) log::write(7, "    " + name + ": " + mask_header(name, value));
}

void trace_response(const Request& request, const std::string& url, const Response& response, const Timings& timings,
                    bool has_body) {
    if (!log::enabled(6)) return;
    log::write(6, request.method + " " + mask_text(url) + " " + status_text(response.status) + " in " +
                      milliseconds_of(timings.total) + " milliseconds");
    if (log::enabled(9)) {
        log::write(9, "HTTP Statistics: DNSLookup " + milliseconds_of(timings.lookup) + " ms Dial " +
                          milliseconds_of(timings.dial) + " ms TLSHandshake " + milliseconds_of(timings.handshake) +
                          " ms ServerProcessing " + milliseconds_of(timings.server) + " ms Duration " +
                          milliseconds_of(timings.total) + " ms");
    }
    if (!log::enabled(8)) return;
    log::write(8, "Response Headers:");
    for (const auto& [name, value] : response.headers) log::write(8, "    " + name + ": " + mask_header(name, value));
    if (has_body) trace_body("Response Body", response.body);
}

void trace_failure(const Request& request, const std::string& url, const Error& error, const Timings& timings) {
    if (!log::enabled(6)) return;
    log::write(6, request.method + " " + mask_text(url) + " failed in " + milliseconds_of(timings.total) +
                      " milliseconds: " + mask_text(error.message));
}

}  // namespace holdfast::http
