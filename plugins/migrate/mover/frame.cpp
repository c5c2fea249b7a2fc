#include "plugins/migrate/mover/frame.h"

#include "plugins/migrate/mover/digest.h"

#include <zstd.h>

namespace holdfast::mover {
namespace {

constexpr std::uint8_t kZstd = 1;

std::string framed(FrameKind kind, std::uint8_t bits, std::string_view payload, std::string_view wire) {
    std::string frame;
    frame.reserve(kFrameHead + wire.size());
    Encoder out(frame);
    out.u8(static_cast<std::uint8_t>(kind));
    out.u8(bits);
    out.u8(0);
    out.u8(0);
    out.u32(static_cast<std::uint32_t>(payload.size()));
    out.u32(static_cast<std::uint32_t>(wire.size()));
    out.u64(checksum_of(payload));
    out.raw(wire);
    return frame;
}

}  // namespace

std::string encode_frame(FrameKind kind, std::string_view payload) { return framed(kind, 0, payload, payload); }

std::string encode_frame_compressed(FrameKind kind, std::string_view payload, int level) {
    std::string wire(ZSTD_compressBound(payload.size()), '\0');
    const std::size_t size = ZSTD_compress(wire.data(), wire.size(), payload.data(), payload.size(), level);
    if (ZSTD_isError(size) != 0 || size >= payload.size()) return encode_frame(kind, payload);
    return framed(kind, kZstd, payload, std::string_view(wire).substr(0, size));
}

std::optional<FrameHead> decode_frame_head(std::string_view bytes) {
    Decoder in(bytes);
    FrameHead head;
    const std::uint8_t kind = in.u8();
    const std::uint8_t bits = in.u8();
    const bool zero = in.u8() == 0 && in.u8() == 0;
    head.kind = static_cast<FrameKind>(kind);
    head.compressed = bits == kZstd;
    head.length = in.u32();
    head.wire_length = in.u32();
    head.checksum = in.u64();
    const bool lengths = head.length <= kMostFrame && head.wire_length <= kMostFrame &&
                         (head.compressed || head.length == head.wire_length);
    if (!in.ok() || kind == 0 || kind > kLastFrameKind || bits > kZstd || !zero || !lengths) return std::nullopt;
    return head;
}

std::optional<std::string> decode_frame_payload(const FrameHead& head, std::string_view wire) {
    if (wire.size() != head.wire_length) return std::nullopt;
    std::string payload;
    if (head.compressed) {
        payload.resize(head.length);
        // Never more than the head said, which is bounded.
        const std::size_t size = ZSTD_decompress(payload.data(), payload.size(), wire.data(), wire.size());
        if (ZSTD_isError(size) != 0 || size != head.length) return std::nullopt;
    } else {
        payload = wire;
    }
    if (checksum_of(payload) != head.checksum) return std::nullopt;
    return payload;
}

}  // namespace holdfast::mover
