// Numbers of on-disk structures, most significant byte first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::mover {

// REQUIRES: at + bytes <= data.size().
inline std::uint64_t big_endian(std::string_view data, std::size_t at, std::size_t bytes) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < bytes; ++i) number = number << 8 | static_cast<unsigned char>(data[at + i]);
    return number;
}

}  // namespace holdfast::mover
