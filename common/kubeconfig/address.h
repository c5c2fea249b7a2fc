// IP addresses and networks, for the proxy rule. Pure. Source: Go net.ParseIP, net.ParseCIDR.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace holdfast::kubeconfig {

// IPv4 in its IPv6-mapped form, so that both spellings are equal.
struct Address {
    std::array<std::uint8_t, 16> bytes{};
    bool v4 = false;
    friend bool operator==(const Address& a, const Address& b) { return a.bytes == b.bytes; }
};
std::optional<Address> parse_address(std::string_view text);
bool is_loopback(const Address& address);

struct Network {
    Address base;
    int bits = 0;  // of the 128: 96 more than written for IPv4
};
std::optional<Network> parse_network(std::string_view text);
bool contains(const Network& network, const Address& address);

}  // namespace holdfast::kubeconfig
