// Frames of the connection between source and target: docs/mover-protocol.md. Pure.
#pragma once

#include "plugins/migrate/mover/bytes.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::mover {

enum class FrameKind : std::uint8_t {
    kHello = 1,
    kProbe,
    kProbed,
    kBegin,
    kState,
    kSteps,
    kBatch,
    kChunk,
    kCheckpoint,
    kDurable,
    kRebuild,
    kIndexPart,
    kIndexEnd,
    kPrune,
    kCheck,
    kVerdict,
    kSeal,
    kDone,
    kError,
    kBye,
};
inline constexpr std::uint8_t kLastFrameKind = static_cast<std::uint8_t>(FrameKind::kBye);

inline constexpr std::uint32_t kProtocolVersion = 1;
inline constexpr std::size_t kFrameHead = 20;
// Above everything that fits into one: a chunk or batch, a set of attributes, paths.
inline constexpr std::uint32_t kMostFrame = 4 << 20;

struct FrameHead {
    FrameKind kind = FrameKind::kHello;
    bool compressed = false;
    std::uint32_t length = 0;       // of the payload
    std::uint32_t wire_length = 0;  // of what follows the head
    std::uint64_t checksum = 0;     // XXH3-64 of the payload
};

std::string encode_frame(FrameKind kind, std::string_view payload);
// The same, compressed if that makes it smaller. `level`: zstd's.
std::string encode_frame_compressed(FrameKind kind, std::string_view payload, int level);
// nullopt: not a head, or longer than a frame may be.
std::optional<FrameHead> decode_frame_head(std::string_view head);
// The payload; nullopt if it is not what its head says.
std::optional<std::string> decode_frame_payload(const FrameHead& head, std::string_view wire);

}  // namespace holdfast::mover
