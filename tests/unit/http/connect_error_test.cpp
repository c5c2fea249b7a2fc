#include "common/http/connect_error.h"

#include <doctest/doctest.h>

using namespace holdfast;

TEST_CASE("a connection that breaks in the TLS handshake is the network's failure, which waits live through") {
    for (const char* detail : {"OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to 192.0.2.1:6443 ",
                               "Recv failure: Connection reset by peer", "Send failure: Broken pipe",
                               "OpenSSL/3.0.17: error:0A000126:SSL routines::unexpected eof while reading"})
        CHECK(http::tls_failed(detail).kind == ErrorKind::kConnect);
    for (const char* detail : {"error:0A00010B:SSL routines::wrong version number",
                               "error:0A000412:SSL routines::sslv3 alert bad certificate",
                               "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required",
                               "the client certificate cannot be used: no such file"})
        CHECK(http::tls_failed(detail).kind == ErrorKind::kUnauthorized);
}
