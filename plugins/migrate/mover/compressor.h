// zstd over a payload, with its working memory kept from one payload to the next.
#pragma once

#include "plugins/migrate/mover/frame.h"

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace holdfast::mover {

// Thread-safe.
class Compressor {
  public:
    explicit Compressor(int level);
    ~Compressor();
    // The length of what was written into `room`, which decompress() makes the payload again; nullopt if it does not
    // fit.
    std::optional<std::size_t> compress(const Parts& payload, char* into, std::size_t room);

  private:
    struct Context;
    std::unique_ptr<Context> take();

    const int level_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Context>> unused_;
};

// Exactly `length` bytes; false: it is not that.
bool decompress(std::string_view bytes, char* into, std::size_t length);

}  // namespace holdfast::mover
