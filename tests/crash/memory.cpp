#include "tests/crash/memory.h"

#include "tests/crash/heap.h"
#include "tests/sim/outside.h"

#include <csetjmp>
#include <cstdlib>
#include <exception>
#include <new>

namespace holdfast::crash {
namespace {

long made = 0, fails_at = 0;  // 0: none fails
bool all_fail = false, has_failed = false;
std::jmp_buf end_of_process;

bool fails() {
    if (sim::Outside::depth > 0) return false;
    ++made;
    if (fails_at == 0 || (all_fail ? made < fails_at : made != fails_at)) return false;
    has_failed = true;
    return true;
}

[[noreturn]] void on_terminate() {
    if (!has_failed) std::abort();
    std::longjmp(end_of_process, 1);  // NOLINT: of a process that is no more nothing is tidied up
}

}  // namespace

void restart_allocations() {
    made = 0;
    has_failed = false;
}

long allocated() { return made; }

void fail_allocation(long nth, bool for_good) {
    fails_at = nth;
    all_fail = for_good;
}

bool failed() { return has_failed; }

void spare_memory() { fails_at = 0; }

bool outlives(const std::function<void()>& process) {
    const std::terminate_handler before = std::set_terminate(on_terminate);
    const bool lived = setjmp(end_of_process) == 0;  // NOLINT
    if (lived)
        process();
    else
        sim::Outside::depth = 0;
    std::set_terminate(before);
    return lived;
}

void* allocate(std::size_t size) {
    if (fails()) throw std::bad_alloc{};
    void* memory = take(size);
    if (memory == nullptr) throw std::bad_alloc{};
    return memory;
}

}  // namespace holdfast::crash

void* operator new(std::size_t size) { return holdfast::crash::allocate(size); }
// The standard library's own takes malloc's memory, which the deletes below do not know.
void* operator new(std::size_t size, const std::nothrow_t& /*nothrow*/) noexcept { return holdfast::crash::take(size); }
void operator delete(void* memory) noexcept { holdfast::crash::give_back(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { holdfast::crash::give_back(memory); }
