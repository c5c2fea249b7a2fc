// The tables are those of golang.org/x/net/http/httpproxy/proxy_test.go.
#include "common/kubeconfig/proxy.h"

#include <doctest/doctest.h>

namespace holdfast::kubeconfig {
namespace {

struct Case {
    ProxyEnvironment environment;
    const char* request;
    const char* proxy;
};

TEST_CASE("the proxy is chosen as Go chooses it") {
    const Case cases[] = {
        {{"127.0.0.1:8080", "", "", false}, "http://example.com", "http://127.0.0.1:8080"},
        {{"cache.corp.example.com:1234", "", "", false}, "http://example.com", "http://cache.corp.example.com:1234"},
        {{"cache.corp.example.com", "", "", false}, "http://example.com", "http://cache.corp.example.com"},
        {{"localhost", "", "", false}, "http://example.com", "http://localhost"},
        {{"https://cache.corp.example.com", "", "", false}, "http://example.com", "https://cache.corp.example.com"},
        {{"http://127.0.0.1:8080", "", "", false}, "http://example.com", "http://127.0.0.1:8080"},
        {{"https://127.0.0.1:8080", "", "", false}, "http://example.com", "https://127.0.0.1:8080"},
        {{"socks5://127.0.0.1", "", "", false}, "http://example.com", "socks5://127.0.0.1"},
        {{"foo://host", "", "", false}, "http://example.com", "foo://host"},
        {{"http.proxy.tld", "secure.proxy.tld", "", false}, "http://insecure.tld/", "http://http.proxy.tld"},
        {{"http.proxy.tld", "secure.proxy.tld", "", false}, "https://secure.tld/", "http://secure.proxy.tld"},
        {{"http.proxy.tld", "https://secure.proxy.tld", "", false}, "https://secure.tld/", "https://secure.proxy.tld"},
        {{"http.proxy.tld", "", "", false}, "https://secure.tld/", ""},
        {{"http.proxy.tld", "", "", false}, "ftp://insecure.tld/", ""},
        {{"", "https://secure.proxy.tld", "", true}, "https://secure.tld/", "https://secure.proxy.tld"},
        {{"", "", "", false}, "http://example.com", ""},
        {{"proxy", "", "example.com", false}, "http://example.com/", ""},
        {{"proxy", "", ".example.com", false}, "http://example.com/", "http://proxy"},
        {{"proxy", "", "ample.com", false}, "http://example.com/", "http://proxy"},
        {{"proxy", "", "example.com", false}, "http://foo.example.com/", ""},
        {{"proxy", "", ".foo.com", false}, "http://example.com/", "http://proxy"},
        {{"proxy", "", ".\xe7\xa4\xba\xe4\xbe\x8b.com", false}, "http://www.\xe7\xa4\xba\xe4\xbe\x8b.com", ""},
        {{"proxy", "", "xn--fsq092h.com", false}, "http://www.\xe7\xa4\xba\xe4\xbe\x8b.com", ""},
        {{"proxy", "", "\xe7\xa4\xba\xe4\xbe\x8b.com", false}, "http://www.xn--fsq092h.com", ""},
        {{"proxy", "", "example.com", false}, "http://[1000::%25.example.com]:123", "http://proxy"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.request);
        const auto proxy = choose_proxy(c.environment, c.request);
        REQUIRE(proxy.ok());
        CHECK(*proxy == c.proxy);
    }
    const auto cgi = choose_proxy({"http://10.1.2.3:8080", "", "", true}, "http://example.com");
    REQUIRE_FALSE(cgi.ok());
    CHECK(cgi.error().kind == ErrorKind::kRefused);
}

struct Host {
    const char* name;
    bool proxied;
};
const Host kHosts[] = {
    {"localhost", false},
    {"127.0.0.1", false},
    {"127.0.0.2", false},
    {"[::1]", false},
    {"[::2]", true},
    {"192.168.1.1", false},
    {"192.168.1.2", true},
    {"192.168.1.3", false},
    {"192.168.1.4", true},
    {"10.0.0.2", false},
    {"[2001:db8::52:0:1]", false},
    {"[2001:db8::52:0:2]", true},
    {"[2001:db8::52:0:3]", false},
    {"[2002:db8:a::123]", false},
    {"[fe80::424b:c8be:1643:a1b6]", true},
    {"barbaz.net", true},
    {"www.barbaz.net", false},
    {"foobar.com", false},
    {"www.foobar.com", false},
    {"foofoobar.com", true},
    {"baz.com", true},
    {"localhost.net", true},
    {"local.localhost", true},
    {"barbarbaz.net", true},
    {"wildcard.io", true},
    {"nested.wildcard.io", false},
    {"awildcard.io", true},
};

bool proxied(const char* no_proxy, const std::string& host) {
    const auto proxy = choose_proxy({"proxy", "", no_proxy, false}, "http://" + host + ":80");
    return proxy.ok() && *proxy == "http://proxy";
}

TEST_CASE("NO_PROXY excludes what Go excludes") {
    for (const Host& host : kHosts) {
        CAPTURE(host.name);
        CHECK(
            proxied("foobar.com, .barbaz.net, *.wildcard.io, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, 10.0.0.0/30, "
                    "2001:db8::52:0:1, [2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, 2002:db8:a::45/64",
                    host.name) == host.proxied);
        CHECK_FALSE(proxied("*", host.name));
    }
    CHECK(proxied(":1", "example.com"));
}

TEST_CASE("upper case wins over lower case, and ALL_PROXY is nothing") {
    Environment environment;
    environment.variables = {{"HTTPS_PROXY", "a:1"}, {"https_proxy", "b:2"}, {"http_proxy", "c:3"},
                             {"HTTP_PROXY", ""},     {"ALL_PROXY", "d:4"},   {"no_proxy", "x"}};
    const ProxyEnvironment found = proxy_environment(environment);
    CHECK(found.https == "a:1");
    CHECK(found.http == "c:3");
    CHECK(found.no_proxy == "x");
    CHECK_FALSE(found.cgi);
    environment.variables["REQUEST_METHOD"] = "PUT";
    CHECK(proxy_environment(environment).cgi);
}

TEST_CASE("a proxy has a scheme that we speak, and its password is never shown") {
    CHECK(*check_proxy("socks5://u:p@h:1") == "socks5h://u:p@h:1");
    CHECK(*check_proxy("HTTPS://h") == "https://h");
    const auto file = check_proxy("file://user:hunter2@host/etc/passwd");
    REQUIRE_FALSE(file.ok());
    CHECK(
        file.error().message ==
        "the proxy URL \"file://user:***@host/etc/passwd\" has the scheme \"file\"; it must be http, https or socks5");
    CHECK(check_proxy("http://user:hunter2@ho st").error().message == "the proxy URL \"***@ho st\" cannot be read");
    CHECK_FALSE(check_proxy("http://").ok());
    CHECK_FALSE(check_proxy("host:80").ok());
}

}  // namespace
}  // namespace holdfast::kubeconfig
