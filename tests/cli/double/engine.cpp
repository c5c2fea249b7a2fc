#include "tests/cli/double/engine.h"

#include <iostream>
#include <mutex>

namespace holdfast::double_ {

void say(const std::string& line) {
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    std::cout << line << std::endl;
}

Reply json_reply(int status, const Json& body) {
    Reply reply;
    reply.status = status;
    reply.body = body.dump();
    return reply;
}

Reply status_reply(int code, const std::string& reason, const std::string& message) {
    return json_reply(code, Json{{"kind", "Status"},
                                 {"apiVersion", "v1"},
                                 {"metadata", Json::object()},
                                 {"status", "Failure"},
                                 {"message", message},
                                 {"reason", reason},
                                 {"code", code}});
}

}  // namespace holdfast::double_
