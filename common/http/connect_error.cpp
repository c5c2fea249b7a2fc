#include "common/http/connect_error.h"

#include "common/core/text.h"

namespace holdfast::http {

namespace {

Error refused_certificate(std::string cause, std::string hint) {
    return Error{ErrorKind::kUnauthorized,
                 "Unable to connect to the server: tls: failed to verify certificate: x509: " + std::move(cause),
                 std::move(hint), 0, "TLS"};
}

}  // namespace

Error connection_refused(std::string_view host) {
    return Error{
        ErrorKind::kConnect,
        "The connection to the server " + escape_line(host) + " was refused - did you specify the right host or port?",
        "", 0, "Connect"};
}

Error cannot_connect(std::string_view cause) {
    return Error{ErrorKind::kConnect, "Unable to connect to the server: " + escape_line(cause), "", 0, "Connect"};
}

// Numbers: openssl/x509_vfy.h, part of its ABI.
Error certificate_refused(long verify_result, std::string_view host, std::string_view detail) {
    const std::string name = escape_line(host);
    switch (verify_result) {
        case 9:
            return refused_certificate("certificate is not yet valid",
                                       "compare this machine's clock with the server's");
        case 10:
            return refused_certificate(
                "certificate has expired",
                "renew the server's certificate, or compare this machine's clock with the server's");
        case 2:
        case 18:
        case 19:
        case 20:
        case 21:
            return refused_certificate("certificate signed by unknown authority",
                                       "the cluster's certificate-authority in the kubeconfig did not sign it");
        case 23:
            return refused_certificate("certificate was revoked", "");
        // 1 is libcurl's "not looked at yet": it compares names before it asks for the chain's result.
        case 0:
        case 1:
        case 62:
        case 64:
            return refused_certificate("certificate is not valid for " + name,
                                       "use a server address that the certificate names, or --tls-server-name");
        default:
            return refused_certificate(escape_line(detail), "");
    }
}

// The network's failure, not TLS's: a balancer without backends, a server that is being restarted. Words of libcurl
// (lib/vtls/openssl.c, lib/cf-socket.c) and OpenSSL.
bool broke_in_handshake(std::string_view detail) {
    if (detail.find("alert") != std::string_view::npos) return false;
    for (const char* part : {"SSL_ERROR_SYSCALL", "SSL_ERROR_ZERO_RETURN", "Connection reset by peer", "Recv failure",
                             "Send failure", "Broken pipe", "unexpected eof"}) {
        if (detail.find(part) != std::string_view::npos) return true;
    }
    return false;
}

Error tls_failed(std::string_view detail) {
    if (broke_in_handshake(detail))
        return cannot_connect("the connection broke in the TLS handshake: " + std::string(detail));
    std::string cause = escape_line(detail);
    if (cause.find("wrong version number") != std::string::npos)
        cause = "http: server gave HTTP response to HTTPS client";
    return Error{ErrorKind::kUnauthorized, "Unable to connect to the server: tls: " + cause, "", 0, "TLS"};
}

}  // namespace holdfast::http
