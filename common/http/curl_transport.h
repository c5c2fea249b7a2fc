// HTTPS by libcurl: the one implementation of Transport that touches a network. curl_transport.cpp is the only file
// that includes curl.
//
// TLS 1.2 at least; the cluster's own CA replaces the system's trust; HTTP/2 where the server has it, one connection
// for all calls and one for each stream; no redirects; no credentials over http; replies bounded in headers and
// inflated body. A write is handed to the network at most once: curl's own silent resend on a dead connection is
// refused for all but GET. Source of the numbers: k8s.io/apimachinery/pkg/util/net/http.go (dial 30 s, keepalive 30 s,
// ping 30 s + 15 s).
#pragma once

#include "common/http/transport.h"
#include "common/kubeconfig/client_config.h"
#include "common/kubeconfig/credentials.h"
#include "common/os/signals.h"

#include <memory>
#include <string>

namespace holdfast::http {

struct CurlOptions {
    std::string user_agent;  // "kubectl-snap/v0.1.0 (linux/amd64)"
    std::string ca_file;     // system trust from this file ($SSL_CERT_FILE), "" : the library's default
    // No byte in either direction for so long ends a call with kTimeout, also where --request-timeout is 0.
    std::chrono::seconds stall_limit{90};
    // The same while the call before got no answer, so that a command which tells and tidies up after it ends soon.
    std::chrono::seconds second_stall_limit{10};
};

// No connection is made yet. config is copied; credentials and signals must outlive the transport and its streams.
// kInvalid: the server's URL is none of http or https, or a header value cannot be sent.
// Every wait ends on the second signal with kInterrupted; Stream::read returns early on any.
// One thread at a time.
Result<std::unique_ptr<Transport>> make_curl_transport(const kubeconfig::ClientConfig& config,
                                                       kubeconfig::Credentials& credentials, const Signals& signals,
                                                       const CurlOptions& options);

}  // namespace holdfast::http
