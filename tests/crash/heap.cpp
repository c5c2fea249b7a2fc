#include "tests/crash/heap.h"

#include <sys/mman.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace holdfast::crash {

#ifdef __SANITIZE_ADDRESS__                                   // it watches its own allocator
void* take(std::size_t size) { return std::malloc(size); }    // NOLINT
void give_back(void* memory) noexcept { std::free(memory); }  // NOLINT
void begin_own_pages() {}
#else

namespace {

constexpr std::size_t kSpace = std::size_t{64} << 30;  // of addresses; memory is only what is used
constexpr std::size_t kHuge = std::size_t{2} << 20;    // a page of that size: one fault in place of 512
constexpr std::size_t kHead = 8, kUnit = 16;
constexpr std::size_t kFine = 1024;          // sizes up to that differ by a unit, those above it are powers of two
constexpr std::size_t kLargest = 256 << 10;  // what is larger is malloc's
constexpr std::uint64_t kForeign = ~std::uint64_t{0};

struct Free {
    Free* next;
};

struct Heap {
    char* at = nullptr;
    char* floor = nullptr;  // what lies before it is of a parent
    std::array<Free*, kFine / kUnit + 10> free{};
};

Heap heap;

std::size_t class_of(std::size_t whole) {
    return whole <= kFine ? whole / kUnit : kFine / kUnit + std::bit_width((whole - 1) / kFine);
}

std::size_t size_of_class(std::size_t number) {
    return number <= kFine / kUnit ? number * kUnit : kFine << (number - kFine / kUnit);
}

void* marked(char* block, std::uint64_t number) {
    *reinterpret_cast<std::uint64_t*>(block) = number;  // NOLINT
    return block + kHead;
}

void* fresh(std::size_t number) {
    if (heap.at == nullptr) {
        void* space = mmap(nullptr, kSpace, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (space == MAP_FAILED) return nullptr;  // NOLINT
        madvise(space, kSpace, MADV_HUGEPAGE);    // a kernel that has none makes small ones
        heap.at = static_cast<char*>(space);
        begin_own_pages();
    }
    char* block = heap.at;
    heap.at += size_of_class(number);
    return marked(block, number);
}

}  // namespace

void* take(std::size_t size) {
    const std::size_t whole = (size + kHead + kUnit - 1) & ~(kUnit - 1);
    if (whole > kLargest) {
        auto* block = static_cast<char*>(std::malloc(whole + kHead));  // NOLINT
        return block == nullptr ? nullptr : marked(block + kHead, kForeign);
    }
    const std::size_t number = class_of(whole);
    Free*& first = heap.free[number];
    if (first == nullptr) return fresh(number);
    Free* const block = first;
    first = block->next;
    return block;
}

void give_back(void* memory) noexcept {
    if (memory == nullptr) return;
    char* const block = static_cast<char*>(memory) - kHead;
    const std::uint64_t number = *reinterpret_cast<std::uint64_t*>(block);  // NOLINT
    if (number == kForeign) return std::free(block - kHead);                // NOLINT
    if (block < heap.floor) return;
    Free*& first = heap.free[number];
    first = new (memory) Free{first};
}

void begin_own_pages() {
    if (heap.at == nullptr) return;
    const auto at = reinterpret_cast<std::uintptr_t>(heap.at);              // NOLINT
    heap.floor = reinterpret_cast<char*>((at + kHuge - 1) & ~(kHuge - 1));  // NOLINT
    heap.at = heap.floor + kHead;  // so that what comes after a head is aligned
    heap.free.fill(nullptr);
}
#endif

}  // namespace holdfast::crash
