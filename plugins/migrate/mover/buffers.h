// Memory for content on its way: aligned for reads and writes past the page cache, and used again and again, since
// memory that is new from the kernel costs more than what is done with it.
#pragma once

#include <cstddef>
#include <memory>

namespace holdfast::mover {

// Goes back to its pool with the last owner.
using Memory = std::shared_ptr<char>;

inline constexpr std::size_t kSector = 4096;            // of every device and filesystem a divisor
inline constexpr std::size_t kBufferSize = 1152 << 10;  // a chunk's or batch's content, and what is said of it

constexpr std::size_t aligned_up(std::size_t length) { return (length + kSector - 1) / kSector * kSector; }

// Thread-safe. Has as many buffers as were in use at once: whoever takes them bounds their number.
class BufferPool {
  public:
    BufferPool();
    // kBufferSize bytes, aligned to kSector, of any content.
    Memory take();
    // The same with more room if need be: that is not kept for later.
    Memory take(std::size_t room);

  private:
    struct Unused;
    std::shared_ptr<Unused> unused_;
};

}  // namespace holdfast::mover
