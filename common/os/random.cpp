#include "common/os/random.h"

#include <random>
#include <string_view>

namespace holdfast {

std::string random_letters(int count) {
    constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
    std::random_device source;
    std::string letters;
    for (int i = 0; i < count; ++i) letters += kAlphabet[source() % kAlphabet.size()];
    return letters;
}

}  // namespace holdfast
