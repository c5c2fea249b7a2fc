#include "common/kube/wrappers/retry.h"

#include "tests/unit/support/fake_cluster.h"
#include "tests/unit/support/fake_transport.h"

#include <doctest/doctest.h>

using namespace holdfast;
using testing::reply;

namespace {

class NoSignals : public Signals {
  public:
    int count() const override { return 0; }
    int last() const override { return 0; }
};

struct Bench {
    testing::FakeTransport inner;
    testing::FakeClock clock;
    NoSignals signals;
    std::unique_ptr<http::Transport> retry = kube::make_retry(inner, clock, signals, std::chrono::milliseconds(120000));

    http::Request request(const char* method) {
        http::Request out;
        out.method = method;
        out.target = "/x";
        return out;
    }
    long long waited_s(std::chrono::steady_clock::time_point since) {
        return std::chrono::duration_cast<std::chrono::seconds>(clock.steady_now() - since).count();
    }
};

const Error kBroken{ErrorKind::kUnavailable, "connection reset by peer", "", 0, ""};

}  // namespace

TEST_CASE("a 429 or 5xx with Retry-After is sent again after that time, whatever the verb") {
    for (const int status : {429, 500, 503, 504}) {
        CAPTURE(status);
        Bench bench;
        bench.inner.answers = {reply(status, "", {{"retry-after", "7"}}), reply(201, "{}")};
        const auto begin = bench.clock.steady_now();
        const auto answer = bench.retry->send(bench.request("POST"));
        REQUIRE(answer.ok());
        CHECK(answer->status == 201);
        CHECK(bench.inner.asked.size() == 2);
        CHECK(bench.waited_s(begin) == 7);
    }
}

TEST_CASE("without an integer Retry-After an answer is final") {
    for (const char* value : {"", "soon", "-1", "1.5", "Sat, 21 Nov 2026 05:00:00 GMT"}) {
        CAPTURE(value);
        Bench bench;
        bench.inner.answers = {reply(503, "", {{"retry-after", value}})};
        CHECK(bench.retry->send(bench.request("GET"))->status == 503);
        CHECK(bench.inner.asked.size() == 1);
    }
}

TEST_CASE("other answers are final even with Retry-After") {
    for (const int status : {200, 404, 409, 422}) {
        CAPTURE(status);
        Bench bench;
        bench.inner.answers = {reply(status, "", {{"retry-after", "1"}})};
        CHECK(bench.retry->send(bench.request("GET"))->status == status);
        CHECK(bench.inner.asked.size() == 1);
    }
}

TEST_CASE("ten retries and no more") {
    Bench bench;
    for (int i = 0; i < 20; ++i) bench.inner.answers.push_back(reply(429, "", {{"retry-after", "1"}}));
    CHECK(bench.retry->send(bench.request("GET"))->status == 429);
    CHECK(bench.inner.asked.size() == 11);
}

TEST_CASE("a wait beyond the budget is not begun") {
    Bench bench;
    bench.inner.answers = {reply(429, "", {{"retry-after", "1000000000"}})};
    const auto begin = bench.clock.steady_now();
    CHECK(bench.retry->send(bench.request("GET"))->status == 429);
    CHECK(bench.waited_s(begin) == 0);
}

TEST_CASE("a broken connection is tried again for GET") {
    Bench bench;
    bench.inner.answers = {kBroken, reply(200, "{}")};
    CHECK(bench.retry->send(bench.request("GET")).ok());
    CHECK(bench.inner.asked.size() == 2);
}

TEST_CASE("a write whose answer was lost is never sent again") {
    for (const char* method : {"POST", "PATCH", "PUT", "DELETE"}) {
        CAPTURE(method);
        Bench bench;
        bench.inner.answers = {kBroken};
        const auto answer = bench.retry->send(bench.request(method));
        REQUIRE_FALSE(answer.ok());
        CHECK(answer.error().kind == ErrorKind::kUnavailable);
        CHECK(bench.inner.asked.size() == 1);
    }
}

TEST_CASE("of many requests only those that must wait are sent again, and each end is told once") {
    Bench bench;
    bench.inner.answers = {reply(201, "a"), reply(429, "", {{"retry-after", "1"}}), reply(201, "c"), reply(201, "b")};
    std::vector<std::size_t> ends;
    const auto answers =
        bench.retry->send_all({bench.request("POST"), bench.request("POST"), bench.request("POST")},
                              [&](std::size_t i, const Result<http::Response>&) { ends.push_back(i); });
    CHECK(answers[0]->body == "a");
    CHECK(answers[1]->body == "b");
    CHECK(answers[2]->body == "c");
    CHECK(ends == std::vector<std::size_t>{0, 2, 1});
    CHECK(bench.inner.asked.size() == 4);
}
