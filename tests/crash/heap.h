// Memory that a forked branch writes nowhere else. A branch of the matrix lives for some milliseconds and shares its
// pages with the run that it branches from; each page of those that it writes to is copied by the kernel, and a general
// allocator reuses and marks blocks all over them. Here what is taken after the fork lies together in new pages, and
// what was taken before it is left as it is. Not for threads.
#pragma once

#include <cstddef>

namespace holdfast::crash {

void* take(std::size_t size);  // aligned for everything; null if there is none
void give_back(void* memory) noexcept;
// In a process just forked: what its parent took is not reused, and not written to when it is given back.
void begin_own_pages();

}  // namespace holdfast::crash
