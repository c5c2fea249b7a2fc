// The simulator's dice: the same seed rolls the same on every machine and compiler (SplitMix64, Steele et al. 2014).
#pragma once

#include <cstdint>
#include <string>

namespace holdfast::sim {

class Dice {
  public:
    explicit Dice(std::uint64_t seed = 1) : state_(seed) {}

    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15ULL;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
    // From low to high, both included.
    std::int64_t between(std::int64_t low, std::int64_t high) {
        return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
    }

  private:
    std::uint64_t state_;
};

// FNV-1a: a seed that a text, such as a commit's hash, stands for.
inline std::uint64_t seed_of(const std::string& text) {
    std::uint64_t number = 1469598103934665603ULL;
    for (const char c : text) number = (number ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return number;
}

}  // namespace holdfast::sim
