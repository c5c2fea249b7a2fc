// A transport that answers from a list: what was asked is kept, an answer that was not prepared fails the test.
#pragma once

#include "common/http/transport.h"

#include <deque>
#include <string>
#include <vector>

namespace holdfast::testing {

inline http::Response reply(int status, std::string body,
                            std::vector<std::pair<std::string, std::string>> headers = {}) {
    http::Response response;
    response.status = status;
    response.headers = std::move(headers);
    response.body = std::move(body);
    return response;
}

// Gives its parts one after the other; then it ends, or is cut off.
class FakeStream : public http::Stream {
  public:
    FakeStream(http::Response head, std::deque<Result<std::optional<std::string>>> parts)
        : head_(std::move(head)), parts_(std::move(parts)) {}
    const http::Response& head() const override { return head_; }
    Result<std::optional<std::string>> read(std::chrono::milliseconds) override {
        if (parts_.empty()) return std::optional<std::string>();
        auto part = std::move(parts_.front());
        parts_.pop_front();
        return part;
    }

  private:
    http::Response head_;
    std::deque<Result<std::optional<std::string>>> parts_;
};

class FakeTransport : public http::Transport {
  public:
    std::deque<Result<http::Response>> answers;
    std::deque<std::unique_ptr<http::Stream>> streams;
    std::vector<http::Request> asked;

    Result<http::Response> send(const http::Request& request) override {
        return std::move(send_all({request}).front());
    }

    std::vector<Result<http::Response>> send_all(const std::vector<http::Request>& requests,
                                                 const Done& on_done = {}) override {
        std::vector<Result<http::Response>> out;
        for (const http::Request& request : requests) {
            asked.push_back(request);
            out.push_back(next(request));
            if (on_done) on_done(out.size() - 1, out.back());
        }
        return out;
    }

    Result<std::unique_ptr<http::Stream>> open(const http::Request& request) override {
        asked.push_back(request);
        if (streams.empty()) return Error{ErrorKind::kInternal, "unknown request: " + request.target, "", 0, ""};
        auto stream = std::move(streams.front());
        streams.pop_front();
        return stream;
    }

  private:
    Result<http::Response> next(const http::Request& request) {
        if (answers.empty()) return Error{ErrorKind::kInternal, "unknown request: " + request.target, "", 0, ""};
        auto answer = std::move(answers.front());
        answers.pop_front();
        return answer;
    }
};

}  // namespace holdfast::testing
