// Numeric socket addresses as text.
#pragma once

#include "common/core/result.h"

#include <sys/socket.h>
#include <string>

namespace holdfast::mover {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;
};
// "127.0.0.1:7000", "[::1]:7000"; kUsage.
Result<SocketAddress> parse_address(const std::string& text);
std::string address_text(const SocketAddress& address);

}  // namespace holdfast::mover
