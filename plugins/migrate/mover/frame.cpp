#include "plugins/migrate/mover/frame.h"

#include "plugins/migrate/mover/digest.h"

namespace holdfast::mover {
namespace {

constexpr std::uint8_t kZstd = 1;

}  // namespace

std::string encode_frame_head(FrameKind kind, const Parts& payload, std::optional<std::size_t> compressed) {
    std::string head;
    Encoder out(head);
    out.u8(static_cast<std::uint8_t>(kind));
    out.u8(compressed ? kZstd : 0);
    out.u8(0);
    out.u8(0);
    out.u32(static_cast<std::uint32_t>(payload.size()));
    out.u32(static_cast<std::uint32_t>(compressed.value_or(payload.size())));
    out.u64(checksum_of(payload.front, payload.back));
    return head;
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

bool is_payload(const FrameHead& head, std::string_view payload) {
    return payload.size() == head.length && checksum_of(payload) == head.checksum;
}

}  // namespace holdfast::mover
