// What answers a request, apart from how it gets onto the wire. The scripted answers and the small store are engines;
// the simulator is another behind the same face.
#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::double_ {

using Json = nlohmann::ordered_json;

struct Call {
    std::string method, target, path;
    std::map<std::string, std::string> query;    // decoded
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
};

// Bytes that come one after the other; nullopt: the end. May wait.
using Source = std::function<std::optional<std::string>()>;

// An answer and the ways in which it may be wrong.
struct Reply {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers{{"Content-Type", "application/json"}};
    std::string body;
    Source source;                            // instead of body: sent as it comes
    std::chrono::milliseconds delay{0};       // before the first byte
    std::optional<long long> content_length;  // what the header claims; else the truth
    bool chunked = false;                     // Transfer-Encoding: chunked; sources without a length are always
    bool until_close = false;                 // neither length nor chunks: the end is the end of the connection
    std::optional<std::size_t> cut_after;     // bytes of the body, then the connection breaks off without TLS's goodbye
    bool drop = false;                        // the connection breaks off instead of any answer
};

class Engine {
  public:
    virtual ~Engine() = default;
    // nullopt: not mine. Called from many threads.
    virtual std::optional<Reply> answer(const Call& call) = 0;
};

// A line on stdout, whole even if several threads have one.
void say(const std::string& line);

Reply json_reply(int status, const Json& body);
Reply status_reply(int code, const std::string& reason, const std::string& message);

}  // namespace holdfast::double_
