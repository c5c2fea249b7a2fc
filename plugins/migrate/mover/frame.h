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
    kCompare,
    kCompared,
    kWritten,
};
inline constexpr std::uint8_t kLastFrameKind = static_cast<std::uint8_t>(FrameKind::kWritten);

inline constexpr std::uint32_t kProtocolVersion = 3;
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

// A payload in two parts, so that content need not be copied behind what is said of it.
struct Parts {
    std::string_view front, back;
    std::size_t size() const { return front.size() + back.size(); }
};

// What stands before the payload on the wire. `compressed`: the length of what follows instead of the payload.
std::string encode_frame_head(FrameKind kind, const Parts& payload, std::optional<std::size_t> compressed);
// nullopt: not a head, or longer than a frame may be.
std::optional<FrameHead> decode_frame_head(std::string_view head);
// Whether this is the payload of which the head tells.
bool is_payload(const FrameHead& head, std::string_view payload);

}  // namespace holdfast::mover
