#include "plugins/migrate/mover/buffers.h"

#include <mutex>
#include <new>
#include <vector>

namespace holdfast::mover {
namespace {

constexpr std::align_val_t kAlignment{kSector};

char* aligned_memory(std::size_t size) { return static_cast<char*>(::operator new(size, kAlignment)); }
void free_memory(char* memory) { ::operator delete(memory, kAlignment); }

}  // namespace

struct BufferPool::Unused {
    std::mutex mutex;
    std::vector<char*> buffers;
    ~Unused() {
        for (char* const buffer : buffers) free_memory(buffer);
    }
};

BufferPool::BufferPool() : unused_(std::make_shared<Unused>()) {}

Memory BufferPool::take() {
    char* memory = nullptr;
    {
        const std::lock_guard lock(unused_->mutex);
        if (!unused_->buffers.empty()) {
            memory = unused_->buffers.back();
            unused_->buffers.pop_back();
        }
    }
    if (memory == nullptr) memory = aligned_memory(kBufferSize);
    return {memory, [unused = unused_](char* buffer) {
                const std::lock_guard lock(unused->mutex);
                unused->buffers.push_back(buffer);
            }};
}

Memory BufferPool::take(std::size_t room) {
    if (room <= kBufferSize) return take();
    return {aligned_memory(room), [](char* buffer) { free_memory(buffer); }};
}

}  // namespace holdfast::mover
