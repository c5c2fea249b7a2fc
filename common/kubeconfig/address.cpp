#include "common/kubeconfig/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace holdfast::kubeconfig {

std::optional<Address> parse_address(std::string_view text) {
    const std::string copy(text);
    if (copy.find('\0') != std::string::npos) return std::nullopt;
    Address address;
    if (inet_pton(AF_INET, copy.c_str(), address.bytes.data() + 12) == 1) {
        address.bytes[10] = address.bytes[11] = 0xff;
        address.v4 = true;
        return address;
    }
    if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) != 1) return std::nullopt;
    const auto& b = address.bytes;
    address.v4 =
        std::all_of(b.begin(), b.begin() + 10, [](std::uint8_t x) { return x == 0; }) && b[10] == 0xff && b[11] == 0xff;
    return address;
}

bool is_loopback(const Address& address) {
    if (address.v4) return address.bytes[12] == 127;
    return std::all_of(address.bytes.begin(), address.bytes.end() - 1, [](std::uint8_t x) { return x == 0; }) &&
           address.bytes[15] == 1;
}

std::optional<Network> parse_network(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto base = parse_address(text.substr(0, slash));
    const std::string_view digits = text.substr(slash + 1);
    int bits = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (!base || error != std::errc{} || end != digits.data() + digits.size() || bits < 0) return std::nullopt;
    // A mapped address in IPv6 spelling counts its bits from the IPv6 start.
    const bool dotted = text.substr(0, slash).find(':') == std::string_view::npos;
    if (bits > (dotted ? 32 : 128)) return std::nullopt;
    return Network{*base, dotted ? bits + 96 : bits};
}

bool contains(const Network& network, const Address& address) {
    if (network.base.v4 != address.v4) return false;
    for (int bit = 0; bit < network.bits; ++bit) {
        const auto byte = static_cast<std::size_t>(bit / 8);
        const int mask = 0x80 >> (bit % 8);
        if ((network.base.bytes[byte] & mask) != (address.bytes[byte] & mask)) return false;
    }
    return true;
}

}  // namespace holdfast::kubeconfig
