// HTTPS (HTTP/1.1 over TLS) before an engine: one thread a connection. It writes its replies byte by byte itself, since
// most of what tests need is what an HTTP library would refuse to write.
#pragma once

#include "tests/cli/double/engine.h"

#include <functional>
#include <string>

namespace holdfast::double_ {

struct FaceOptions {
    std::string certificate, key;  // PEM files; both empty: plain HTTP
    std::string log;               // JSON lines, one a request: method, target, headers, body, status, unknown
    std::function<void(int)> listening = [](int port) { say("listening " + std::to_string(port)); };
};

// Binds 127.0.0.1 on a free port, says which and serves until the process is ended. Engines are asked in
// order; what none of them knows is logged as unknown and answered 501.
int serve(const FaceOptions& options, const std::vector<Engine*>& engines);

}  // namespace holdfast::double_
