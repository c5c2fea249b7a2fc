// What -v=6 and up say of each request, kubectl's levels (client-go transport/round_trippers.go, rest/request.go): 6
// verb, URL, status, time; 7 request headers; 8 reply headers and bodies cut at 1024; 9 the curl command and timings,
// bodies cut at 10240; 10 bodies whole. Everything is masked.
#pragma once

#include "common/http/headers.h"
#include "common/http/transport.h"

#include <chrono>
#include <optional>
#include <string>

namespace holdfast::http {

struct Timings {
    std::chrono::microseconds lookup{0}, dial{0}, handshake{0}, server{0}, total{0};
};

// Before the request goes out. `headers`: all that are sent, Authorization among them.
void trace_request(const Request& request, const std::string& url, const Headers& headers);
// After its head has come. body: nullopt for a stream.
void trace_response(const Request& request, const std::string& url, const Response& response, const Timings& timings,
                    bool has_body);
void trace_failure(const Request& request, const std::string& url, const Error& error, const Timings& timings);

}  // namespace holdfast::http
