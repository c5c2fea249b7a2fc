#include "common/http/mask.h"

#include "common/http/headers.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::http;

TEST_CASE("no canary comes through a mask") {
    const std::string canary = "canary-77";
    const auto with = [&](std::string text) {
        for (auto at = text.find('@'); at != std::string::npos; at = text.find('@', at)) text.replace(at, 1, canary);
        return text;
    };
    for (
        const char* body : {
            R"({"kind":"Secret","data":{"a":"@"},"stringData":{"b":"@"}})",
            R"({"kind":"SecretList","items":[{"metadata":{},"data":{"a":"@"}}]})",
            R"({"kind":"List","items":[{"kind":"Secret","data":{"a":"@"}}]})",
            R"({"type":"ADDED","object":{"kind":"Secret","data":{"a":"@"}}})",
            R"({"kind":"Secret","metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"a\":\"@\"}}"}}})",
            R"({"kind":"TokenRequest","status":{"token":"@"}})",
            R"({"kind":"ExecCredential","status":{"token":"@","clientKeyData":"@"}})",
            R"({"env":[{"name":"PGPASSWORD","value":"@"}]})",
            R"({"metadata":{"annotations":{"last":"{\"env\":[{\"name\":\"PGPASSWORD\",\"value\":\"@\"}]}"}}})",
            R"({"spec":{"apiKey":"@","db_password":"@"}})",
            R"({"message":"host=x password=@ user=y"})",
            R"({"message":"cannot open postgres://u:@%@h/d"})",
            R"({"message":"no password='@ @' given"})",
            R"({"kind":"Secret","data":{"a":"@")",
            "plain text with @",
        }) {
        CAPTURE(body);
        std::string text = with(body);
        if (const auto at = text.find('%'); at != std::string::npos) text.replace(at, 1 + canary.size(), "@");
        CHECK(mask_body(text, 100000).find(canary) == std::string::npos);
    }
    CHECK(mask_header("Authorization", "Bearer " + canary) == "Bearer <masked>");
    CHECK(mask_header("authorization", canary) == "<masked>");
    CHECK(mask_header("Set-Cookie", canary) == "<masked>");
}

TEST_CASE("what is no secret stays readable") {
    CHECK(mask_body(R"({"kind":"Pod","metadata":{"name":"p"}})", 1000) == R"({"kind":"Pod","metadata":{"name":"p"}})");
    CHECK(mask_text("https://host:6443/api?limit=500") == "https://host:6443/api?limit=500");
    CHECK(mask_header("Accept", "application/json") == "application/json");
    CHECK(mask_body(R"({"kind":"Pod"})", 5) == R"({"kin [truncated 9 chars])");
}

TEST_CASE("a body that is deeper than can be shown does not bring us down") {
    const std::string deep = std::string(200000, '[') + std::string(200000, ']');
    CHECK(mask_body(deep, 100).find("not shown") != std::string::npos);
}

TEST_CASE("impersonation headers escape the keys of extras, groups repeat") {
    kubeconfig::ClientConfig config;
    config.as = "jane";
    config.as_groups = {"a", "b"};
    config.as_extra = {{"example.org/scope%", "x"}};
    CHECK(impersonation_headers(config) == Headers{{"Impersonate-User", "jane"},
                                                   {"Impersonate-Group", "a"},
                                                   {"Impersonate-Group", "b"},
                                                   {"Impersonate-Extra-example.org%2Fscope%25", "x"}});
}

TEST_CASE("a header value cannot break out of its line, and is not in the message") {
    const Status bad = check_header("Authorization", "Bearer abc\r\nX: y");
    REQUIRE_FALSE(bad.ok());
    CHECK(bad.error().message.find("abc") == std::string::npos);
    CHECK(check_header("Accept", "a/b").ok());
}

TEST_CASE("a reply's headers are bounded") {
    HeaderCollector collector;
    Response response;
    CHECK(collector.add("HTTP/1.1 100 Continue\r\n", response));
    CHECK(collector.add("HTTP/1.1 200 OK\r\n", response));
    CHECK(collector.add("Content-TYPE:  a/b \r\n", response));
    CHECK(response.header("content-type") == "a/b");
    bool more = true;
    for (int i = 0; i < 2000 && more; ++i) more = collector.add("x: y\r\n", response);
    CHECK_FALSE(more);
}
