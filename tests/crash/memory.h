// The memory of the process under test: what it allocates is counted, and can be made to fail. What the simulator needs
// (tests/sim/outside.h) is left out.
#pragma once

#include <functional>

namespace holdfast::crash {

void restart_allocations();
long allocated();  // since then
// The nth allocation after the restart fails with std::bad_alloc; for_good: and each after it.
void fail_allocation(long nth, bool for_good);
bool failed();        // it has
void spare_memory();  // none fails any more
// Runs it. False: it was aborted for an exception that nothing may catch, as one out of a destructor, after an
// allocation had failed: the operating system would have ended the process there. What it held is lost, not freed.
bool outlives(const std::function<void()>& process);

}  // namespace holdfast::crash
