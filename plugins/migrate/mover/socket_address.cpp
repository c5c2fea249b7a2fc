#include "plugins/migrate/mover/socket_address.h"

#include "common/core/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <charconv>
#include <cstring>

namespace holdfast::mover {

Result<SocketAddress> parse_address(const std::string& text) {
    const Error bad{ErrorKind::kUsage, escape_line(text) + ": not an address such as 10.0.0.7:7000 or [fd00::7]:7000",
                    "", 0, ""};
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) return bad;
    std::string host = text.substr(0, colon);
    const std::string port_text = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [end, failed] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
    if (failed != std::errc() || end != port_text.data() + port_text.size()) return bad;
    SocketAddress address;
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        sockaddr_in6 six{};
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(port);
        if (inet_pton(AF_INET6, host.c_str(), &six.sin6_addr) != 1) return bad;
        std::memcpy(&address.storage, &six, sizeof six);
        address.length = sizeof six;
        return address;
    }
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    if (inet_pton(AF_INET, host.c_str(), &four.sin_addr) != 1) return bad;
    std::memcpy(&address.storage, &four, sizeof four);
    address.length = sizeof four;
    return address;
}

std::string address_text(const SocketAddress& address) {
    char host[INET6_ADDRSTRLEN] = "";
    if (address.storage.ss_family == AF_INET6) {
        sockaddr_in6 six{};
        std::memcpy(&six, &address.storage, sizeof six);
        inet_ntop(AF_INET6, &six.sin6_addr, host, sizeof host);
        return "[" + std::string(host) + "]:" + std::to_string(ntohs(six.sin6_port));
    }
    sockaddr_in four{};
    std::memcpy(&four, &address.storage, sizeof four);
    inet_ntop(AF_INET, &four.sin_addr, host, sizeof host);
    return std::string(host) + ":" + std::to_string(ntohs(four.sin_port));
}

}  // namespace holdfast::mover
