// Which proxy a server is reached through. Pure. Sources: golang.org/x/net/http/httpproxy/proxy.go (environment),
// client-go tools/clientcmd/helpers.go (proxy-url).
//
// This is Go's rule, not curl's: upper case before lower case, no ALL_PROXY, loopback and localhost never, NO_PROXY
// with ports, "*.x" and networks.
#pragma once

#include "common/core/result.h"
#include "common/os/environment.h"

#include <string>

namespace holdfast::kubeconfig {

struct ProxyEnvironment {
    std::string http, https, no_proxy;
    bool cgi = false;  // REQUEST_METHOD is set: HTTP_PROXY may then come from a request's header
};
ProxyEnvironment proxy_environment(const Environment& environment);

// The proxy's URL for requests to `url`, "" for none. kRefused: HTTP_PROXY under CGI.
Result<std::string> choose_proxy(const ProxyEnvironment& environment, const std::string& url);

// kubeconfig's proxy-url, or what choose_proxy gave, as curl takes it: socks5 becomes socks5h, since Go lets the proxy
// resolve names. kInvalid: no URL, or a scheme that is not http, https, socks5 or socks5h; the message has no password.
Result<std::string> check_proxy(const std::string& url);

}  // namespace holdfast::kubeconfig
