#include "plugins/migrate/mover/compressor.h"

#include <zstd.h>

namespace holdfast::mover {

struct Compressor::Context {
    ZSTD_CCtx* zstd = ZSTD_createCCtx();
    Context() = default;
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    ~Context() { ZSTD_freeCCtx(zstd); }
};

Compressor::Compressor(int level) : level_(level) {}
Compressor::~Compressor() = default;

std::unique_ptr<Compressor::Context> Compressor::take() {
    const std::lock_guard lock(mutex_);
    if (unused_.empty()) return std::make_unique<Context>();
    std::unique_ptr<Context> context = std::move(unused_.back());
    unused_.pop_back();
    return context;
}

std::optional<std::size_t> Compressor::compress(const Parts& payload, char* into, std::size_t room) {
    std::unique_ptr<Context> context = take();
    // One after the other: whoever decompresses sees one payload.
    std::size_t used = 0;
    bool fits = context->zstd != nullptr;
    for (const std::string_view part : {payload.front, payload.back}) {
        if (part.empty() || !fits) continue;
        const std::size_t size =
            ZSTD_compressCCtx(context->zstd, into + used, room - used, part.data(), part.size(), level_);
        fits = ZSTD_isError(size) == 0;
        if (fits) used += size;
    }
    const std::lock_guard lock(mutex_);
    unused_.push_back(std::move(context));
    return fits ? std::optional<std::size_t>(used) : std::nullopt;
}

bool decompress(std::string_view bytes, char* into, std::size_t length) {
    const std::size_t size = ZSTD_decompress(into, length, bytes.data(), bytes.size());
    return ZSTD_isError(size) == 0 && size == length;
}

}  // namespace holdfast::mover
