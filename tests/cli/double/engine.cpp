#include "tests/cli/double/engine.h"

namespace holdfast::double_ {

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
