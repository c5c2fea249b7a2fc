#include "tests/crash/seen.h"

#include <sys/mman.h>

#include <cstdlib>

namespace holdfast::crash {

Seen::Seen() {
    void* const memory =
        mmap(nullptr, kPlaces * sizeof(*places_), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    places_ = static_cast<std::atomic<std::uint64_t>*>(memory);  // zeros are atomics that hold 0 (lock-free)
}

Seen::~Seen() { munmap(places_, kPlaces * sizeof(*places_)); }

bool Seen::contains(std::uint64_t key) const {
    for (std::size_t i = 0, at = key % kPlaces; i < kPlaces; ++i, at = (at + 1) % kPlaces) {
        const std::uint64_t there = places_[at].load();
        if (there == key) return true;
        if (there == 0) return false;
    }
    return false;
}

void Seen::insert(std::uint64_t key) {
    if (key == 0) return;
    for (std::size_t i = 0, at = key % kPlaces; i < kPlaces; ++i, at = (at + 1) % kPlaces) {
        std::uint64_t free = 0;
        if (places_[at].compare_exchange_strong(free, key) || free == key) return;
    }
}

}  // namespace holdfast::crash
