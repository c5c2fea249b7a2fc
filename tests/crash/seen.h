// What is known of states that cases have come to, in memory that all workers and branches of the matrix share.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace holdfast::crash {

class Seen {
  public:
    Seen();  // must be made before the processes that share it
    ~Seen();
    Seen(const Seen&) = delete;
    Seen& operator=(const Seen&) = delete;
    bool contains(std::uint64_t key) const;
    void insert(std::uint64_t key);  // does nothing once it is full

  private:
    static constexpr std::size_t kPlaces = 1U << 17U;
    std::atomic<std::uint64_t>* places_;  // 0: free
};

}  // namespace holdfast::crash
