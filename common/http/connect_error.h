// The sentences for "no connection", as kubectl says them (k8s.io/kubectl/pkg/cmd/util/helpers.go), with which TLS
// check failed. They are whole sentences: who prints them puts no "error: " before. Pure; knows no curl.
#pragma once

#include "common/core/error.h"

#include <string>
#include <string_view>

namespace holdfast::http {

// "The connection to the server HOST was refused - did you specify the right host or port?"
Error connection_refused(std::string_view host);
// kConnect: "Unable to connect to the server: " + cause.
Error cannot_connect(std::string_view cause);
// kUnauthorized: the server's certificate was not accepted. verify_result: OpenSSL's X509_V_ERR_*, 0 if the chain is
// good and the name is not; `detail` is the library's own sentence.
Error certificate_refused(long verify_result, std::string_view host, std::string_view detail);
// kUnauthorized: TLS failed for another reason: our client certificate, protocol version, no TLS there.
Error tls_failed(std::string_view detail);

}  // namespace holdfast::http
