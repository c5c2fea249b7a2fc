// What frames go over: a connection in which both sides trust each other. Tls is the only one outside of tests.
#pragma once

#include "common/core/result.h"

#include <cstddef>
#include <string_view>

namespace holdfast::mover {

class Wire {
  public:
    virtual ~Wire() = default;
    // Exactly so many bytes; one thread at a time. kUnavailable: the connection is gone; kInterrupted.
    virtual Status read(char* into, std::size_t length) = 0;
    // All of it; one thread at a time, which may be another one than the reader's. Some of it may wait for flush().
    virtual Status write(std::string_view bytes) = 0;
    virtual Status flush() = 0;
    // Ends reads and writes of other threads.
    virtual void shut() = 0;
    // Whether the other side has gone, also while nobody reads.
    virtual bool ended() const { return false; }
};

}  // namespace holdfast::mover
