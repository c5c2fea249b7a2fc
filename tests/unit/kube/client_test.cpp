#include "common/kube/client.h"

#include "common/http/curl_date.h"
#include "common/kube/server_time.h"
#include "common/kube/warnings.h"
#include "common/kube/watch.h"
#include "common/os/quiet_console.h"
#include "tests/unit/support/fake_cluster.h"
#include "tests/unit/support/fake_transport.h"

#include <doctest/doctest.h>

using namespace holdfast;
using testing::reply;

namespace {

class Quiet : public QuietConsole {
  public:
    std::string said;
    void err(std::string_view text) override { said += text; }
};

struct Bench {
    testing::FakeClock clock;
    Quiet console;
    testing::FakeTransport* transport = new testing::FakeTransport;  // the client owns it
    std::unique_ptr<kube::Cluster> cluster =
        kube::make_client(std::unique_ptr<http::Transport>(transport), "kubectl-snap", clock, console);

    const http::Request& asked(std::size_t i = 0) { return transport->asked.at(i); }
};

std::string pod(const std::string& name) {
    return R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":")" + name +
           R"(","namespace":"db","uid":"u","resourceVersion":"5"}})";
}
std::string status(int code, const std::string& reason) {
    return R"({"kind":"Status","status":"Failure","message":"m","reason":")" + reason + R"(","code":)" +
           std::to_string(code) + "}";
}
std::string pods(const std::string& items, const std::string& token, const std::string& version = "9") {
    return R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":")" + version + R"(","continue":")" +
           token + R"("},"items":[)" + items + "]}";
}

const kube::ObjectRef kPod{kube::kPods, "db", "p"};

}  // namespace

TEST_CASE("kinds of errors follow the server's reason, then its code") {
    const std::vector<std::tuple<int, std::string, ErrorKind>> cases{{404, "NotFound", ErrorKind::kNotFound},
                                                                     {409, "AlreadyExists", ErrorKind::kAlreadyExists},
                                                                     {409, "Conflict", ErrorKind::kConflict},
                                                                     {403, "Forbidden", ErrorKind::kForbidden},
                                                                     {401, "Unauthorized", ErrorKind::kUnauthorized},
                                                                     {422, "Invalid", ErrorKind::kInvalid},
                                                                     {410, "Expired", ErrorKind::kGone},
                                                                     {429, "TooManyRequests", ErrorKind::kUnavailable},
                                                                     {500, "InternalError", ErrorKind::kUnavailable},
                                                                     {504, "Timeout", ErrorKind::kUnavailable},
                                                                     {418, "", ErrorKind::kInvalid}};
    for (const auto& [code, reason, kind] : cases) {
        CAPTURE(code);
        CAPTURE(reason);
        Bench bench;
        bench.transport->answers = {reply(code, status(code, reason))};
        const auto object = bench.cluster->get(kPod);
        REQUIRE_FALSE(object.ok());
        CHECK(object.error().kind == kind);
        CHECK(object.error().http_status == code);
    }
}

TEST_CASE("an answer that is another object than was asked for is refused") {
    Bench bench;
    bench.transport->answers = {reply(200, pod("q"))};
    const auto object = bench.cluster->get(kPod);
    REQUIRE_FALSE(object.ok());
    CHECK(object.error().kind == ErrorKind::kProtocol);
}

TEST_CASE("a list follows its pages without a resourceVersion and gives each item its kind") {
    Bench bench;
    const std::string bare = R"({"metadata":{"name":"a","resourceVersion":"1"}})";
    bench.transport->answers = {reply(200, pods(bare, "t1")), reply(200, pods(pod("b"), "", "11"))};
    const auto list = bench.cluster->list(kube::kPods, "db", {"app=x", ""});
    REQUIRE(list.ok());
    REQUIRE(list->items.size() == 2);
    CHECK(list->items[0]["kind"] == "Pod");
    CHECK(list->items[0]["apiVersion"] == "v1");
    CHECK(list->resource_version == "9");
    CHECK(bench.asked(0).target == "/api/v1/namespaces/db/pods?labelSelector=app%3Dx&limit=500");
    CHECK(bench.asked(1).target == "/api/v1/namespaces/db/pods?labelSelector=app%3Dx&limit=500&continue=t1");
}

TEST_CASE("a 410 in a later page reads the whole list again, and what was collected is dropped") {
    Bench bench;
    bench.transport->answers = {reply(200, pods(pod("old"), "t1")), reply(410, status(410, "Expired")),
                                reply(200, pods(pod("new"), ""))};
    const auto list = bench.cluster->list(kube::kPods, "db", {});
    REQUIRE(list.ok());
    REQUIRE(list->items.size() == 1);
    CHECK(list->items[0]["metadata"]["name"] == "new");
    CHECK(bench.asked(2).target == "/api/v1/namespaces/db/pods");
}

TEST_CASE("a page that is too large is asked for in tenths") {
    Bench bench;
    bench.transport->answers = {Error{ErrorKind::kProtocol, "too large", "", 0, "TooLarge"},
                                reply(200, pods(pod("a"), ""))};
    CHECK(bench.cluster->list(kube::kPods, "db", {}).ok());
    CHECK(bench.asked(1).target == "/api/v1/namespaces/db/pods?limit=50");
}

TEST_CASE("writes carry field manager, dry run and preconditions") {
    Bench bench;
    bench.transport->answers = {reply(201, pod("p")), reply(200, pod("p")), reply(200, pod("p")),
                                reply(200, status(0, "x")), reply(200, R"({"kind":"Status","status":"Success"})")};
    CHECK(bench.cluster->create(Json::parse(pod("p")), kube::DryRun::kServer).ok());
    CHECK(bench.asked(0).method == "POST");
    CHECK(bench.asked(0).target == "/api/v1/namespaces/db/pods?dryRun=All&fieldManager=kubectl-snap");
    CHECK(bench.cluster->patch(kPod, kube::PatchType::kMerge, Json{{"spec", {{"a", 1}}}}, {"u1", "7"}).ok());
    CHECK(bench.asked(1).body == R"({"spec":{"a":1},"metadata":{"uid":"u1","resourceVersion":"7"}})");
    CHECK(bench.cluster->patch(kPod, kube::PatchType::kJson, Json::array(), {"u1", "7"}).ok());
    CHECK(Json::parse(bench.asked(2).body).size() == 2);
    CHECK_FALSE(bench.cluster->remove(kPod, {"u1", ""}, kube::Propagation::kOrphan).ok());  // 200 with a Failure
    CHECK(bench.cluster->remove(kPod, {"u1", ""}, kube::Propagation::kOrphan).ok());
    CHECK(bench.asked(4).body ==
          R"({"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Orphan","preconditions":{"uid":"u1"}})");
}

TEST_CASE("an eviction is asked of the pod itself, and a budget's refusal is told from every other") {
    Bench bench;
    bench.transport->answers = {reply(201, R"({"kind":"Status","status":"Success"})"),
                                reply(429, status(429, "TooManyRequests"))};
    CHECK(bench.cluster->evict(kPod, {"u1", ""}).ok());
    CHECK(bench.asked(0).method == "POST");
    CHECK(bench.asked(0).target == "/api/v1/namespaces/db/pods/p/eviction");
    CHECK(Json::parse(bench.asked(0).body)["deleteOptions"]["preconditions"]["uid"] == "u1");
    CHECK(bench.cluster->evict(kPod, {"u1", ""}).error().http_status == 429);
}

TEST_CASE("an object without its resourceVersion is not replaced, and nothing is sent") {
    Bench bench;
    const auto done = bench.cluster->replace(kPod, Json{{"metadata", {{"name", "p"}}}});
    REQUIRE_FALSE(done.ok());
    CHECK(bench.transport->asked.empty());
}

TEST_CASE("a patch that the server refuses for its uid means that the object was replaced") {
    Bench bench;
    bench.transport->answers = {
        reply(422, R"({"kind":"Status","status":"Failure","reason":"Invalid","code":422,)"
                   R"("message":"Pod \"p\" is invalid: metadata.uid: Invalid value: \"u1\": field is immutable"})")};
    const auto done = bench.cluster->patch(kPod, kube::PatchType::kMerge, Json::object(), {"u1", ""});
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().kind == ErrorKind::kConflict);
}

TEST_CASE("discovery reads the aggregated documents and says what did not answer") {
    Bench bench;
    bench.transport->answers = {
        reply(
            200,
            R"({"kind":"APIGroupDiscoveryList","items":[{"metadata":{},"versions":[{"version":"v1","resources":[{"resource":"pods"}]}]}]})"),
        reply(
            200,
            R"({"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"dead.io"},"versions":[{"version":"v1","freshness":"Stale"}]}]})")};
    const auto found = bench.cluster->discover();
    REQUIRE(found.ok());
    CHECK(found->has(kube::kPods));
    CHECK_FALSE(found->has(kube::kSnapshots));
    CHECK(found->incomplete.contains("dead.io/v1"));
    CHECK(bench.cluster->discover().ok());
    CHECK(bench.transport->asked.size() == 2);  // remembered
}

TEST_CASE("discovery of an old server asks group by group, and a dead group stops nothing") {
    Bench bench;
    bench.transport->answers = {
        reply(200, R"({"kind":"APIVersions","versions":["v1"]})"),
        reply(200, R"({"kind":"APIGroupList","groups":[{"versions":[{"groupVersion":"dead.io/v1"}]}]})"),
        reply(200, R"({"kind":"APIResourceList","resources":[{"name":"pods"}]})"), reply(503, "")};
    const auto found = bench.cluster->discover();
    REQUIRE(found.ok());
    CHECK(found->has(kube::kPods));
    CHECK(found->incomplete.contains("dead.io/v1"));
}

TEST_CASE("a warning is said once, with its control characters shown") {
    CHECK(kube::parse_warnings(R"(299 - "a \"b\"", 299 agent "c" "Sat, 21 Nov 2026 05:00:00 GMT", 199 - "no")") ==
          std::vector<std::string>{"a \"b\"", "c"});
    CHECK(kube::parse_warnings("299 - \"unfinished").empty());
    Bench bench;
    bench.transport->answers = {reply(200, pod("p"), {{"warning", "299 - \"old \x1b API\""}}),
                                reply(200, pod("p"), {{"warning", "299 - \"old \x1b API\""}})};
    CHECK(bench.cluster->get(kPod).ok());
    CHECK(bench.cluster->get(kPod).ok());
    CHECK(bench.console.said == "Warning: old ^[ API\n");
}

namespace {

std::unique_ptr<kube::Watch> watch_of(std::deque<Result<std::optional<std::string>>> parts) {
    return kube::make_watch(std::make_unique<testing::FakeStream>(reply(200, ""), std::move(parts)), kube::kPods);
}
constexpr std::chrono::milliseconds kNow{0};

}  // namespace

TEST_CASE("events are read whatever the pieces in which they come") {
    const std::string text = R"({"type":"ADDED","object":{"metadata":{"name":"a"}}})"
                             "\n\n"
                             R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"8"}}})"
                             "\n";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        CAPTURE(cut);
        const auto watch = watch_of({std::optional(text.substr(0, cut)), std::optional(text.substr(cut))});
        const auto first = watch->next(kNow);
        REQUIRE(first.ok());
        CHECK((*first)->type == kube::WatchEvent::Type::kAdded);
        const auto second = watch->next(kNow);
        REQUIRE(second.ok());
        CHECK((*second)->type == kube::WatchEvent::Type::kBookmark);
        CHECK(watch->next(kNow).error().kind == ErrorKind::kUnavailable);  // it ended
    }
}

TEST_CASE("a quiet watch gives nothing, an ERROR of 410 is kGone, an unknown type is refused") {
    CHECK_FALSE(*watch_of({Error{ErrorKind::kTimeout, "", "", 0, ""}})->next(kNow));
    const auto gone =
        watch_of({std::optional<std::string>(R"({"type":"ERROR","object":)" + status(410, "Expired") + "}\n")});
    CHECK(gone->next(kNow).error().kind == ErrorKind::kGone);
    const auto odd = watch_of({std::optional<std::string>("{\"type\":\"ODD\",\"object\":{}}\n")});
    CHECK(odd->next(kNow).error().kind == ErrorKind::kProtocol);
}

TEST_CASE("46: a watch line without an end stops at its cap") {
    std::deque<Result<std::optional<std::string>>> parts;
    for (int i = 0; i < 12; ++i) parts.push_back(std::optional(std::string(1 << 20, 'x')));
    CHECK(watch_of(std::move(parts))->next(kNow).error().kind == ErrorKind::kProtocol);
}

TEST_CASE("what time it is where the cluster is says the server, whatever this machine's clock says") {
    Bench bench;
    CHECK_FALSE(kube::server_time(*bench.cluster).has_value());
    bench.transport->answers.push_back(reply(200, pod("p")));
    bench.transport->answers.push_back(reply(200, pod("p"), {{"date", "Sun, 06 Nov 1994 08:49:37 GMT"}}));
    bench.transport->answers.push_back(reply(404, status(404, "NotFound"), {{"date", "yesterday"}}));
    REQUIRE(bench.cluster->get(kPod).ok());
    CHECK_FALSE(kube::server_time(*bench.cluster).has_value());
    REQUIRE(bench.cluster->get(kPod).ok());
    CHECK(format_time(kube::server_time(*bench.cluster).value()) == "1994-11-06T08:49:37Z");
    bench.clock.sleep_for(std::chrono::minutes(90));
    CHECK_FALSE(bench.cluster->get(kPod).ok());  // its date cannot be read
    CHECK(format_time(kube::server_time(*bench.cluster).value()) == "1994-11-06T10:19:37Z");
}

TEST_CASE("a date is taken in each form that servers write it in") {
    const SystemTime then = parse_time("1994-11-06T08:49:37Z").value();
    for (const char* text :
         {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"})
        CHECK(http::time_of_date(text) == then);
    for (const char* text : {"", "yesterday", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 0x:49:37 GMT"})
        CHECK_FALSE(http::time_of_date(text).has_value());
}
