// What a mover would send, as bytes.
#pragma once

#include "plugins/migrate/mover/work.h"

#include <string>

namespace holdfast::mover {

template <typename Thing>
std::string encoded(const Thing& thing) {
    std::string bytes;
    Encoder out(bytes);
    encode(out, thing);
    return bytes;
}

}  // namespace holdfast::mover
