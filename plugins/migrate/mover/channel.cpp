#include "plugins/migrate/mover/channel.h"

#include "common/core/text.h"

#include <algorithm>

namespace holdfast::mover {
namespace {

constexpr std::size_t kQueued = 6;  // frames, whatever the memory
constexpr std::size_t kHeldUp = 4;
constexpr std::size_t kTooSmall = 4096;  // not worth the work
constexpr int kLevel = -1;
constexpr int kPassOver = 32;

}  // namespace

Channel::Channel(std::unique_ptr<Wire> wire, Clock* clock, std::size_t queued)
    : wire_(std::move(wire)),
      clock_(clock),
      held_up_(std::min(kHeldUp, queued)),
      compressor_(kLevel),
      queue_(std::min(kQueued, queued)),
      writer_([this] { write_queued(); }) {}

Channel::~Channel() {
    queue_.close();
    wire_->shut();
    writer_.join();
}

bool Channel::is_content(FrameKind kind, std::size_t size) const {
    return clock_ != nullptr && size >= kTooSmall &&
           (kind == FrameKind::kBatch || kind == FrameKind::kChunk || kind == FrameKind::kIndexPart);
}

bool Channel::worth_compressing() {
    if (useless_ > 0) {
        --useless_;
        return false;
    }
    const bool held_up = queue_.size() >= held_up_;
    const std::lock_guard lock(mutex_);
    return pace_.compress(held_up, clock_->steady_now());
}

Status Channel::push(Outgoing frame, std::size_t content) {
    if (!queue_.push(std::move(frame))) return failure();
    const std::lock_guard lock(mutex_);
    if (content > 0) pace_.sent(content, clock_->steady_now());
    return {};
}

Status Channel::send(FrameKind kind, std::string front, std::string_view back, Memory memory) {
    const Parts payload{front, back};
    const bool content = is_content(kind, payload.size());
    const std::size_t counted = content ? payload.size() : 0;
    Outgoing frame;
    if (content && worth_compressing()) {
        frame.memory = buffers_.take();
        const std::size_t room = std::min(kBufferSize, payload.size() / 10 * 9);
        const auto size = compressor_.compress(payload, frame.memory.get(), room);
        if (size) {
            frame.front = encode_frame_head(kind, payload, size);
            frame.back = {frame.memory.get(), *size};
            return push(std::move(frame), counted);
        }
        useless_ = kPassOver;
    }
    frame = {encode_frame_head(kind, payload, std::nullopt), back, std::move(memory)};
    frame.front += front;
    return push(std::move(frame), counted);
}

Status Channel::failure() {
    const std::lock_guard lock(mutex_);
    return failed_;
}

Status Channel::write(const Outgoing& frame) {
    TRY(wire_->write(frame.front));
    if (!frame.back.empty()) TRY(wire_->write(frame.back));
    wire_bytes_ += frame.front.size() + frame.back.size();
    return wire_->flush();
}

void Channel::write_queued() {
    while (const std::optional<Outgoing> frame = queue_.pop()) {
        Status done = write(*frame);
        if (done.ok()) continue;
        {
            const std::lock_guard lock(mutex_);
            failed_ = std::move(done);
        }
        queue_.close();
    }
}

Status Channel::flush() {
    queue_.drain();
    return failure();
}

Result<Frame> Channel::receive() {
    const Error strange{ErrorKind::kProtocol, "the other side sent what no holdfast-mover of this version sends", "", 0,
                        ""};
    char bytes[kFrameHead];
    TRY(wire_->read(bytes, sizeof bytes));
    const std::optional<FrameHead> head = decode_frame_head({bytes, sizeof bytes});
    if (!head) return strange;
    Frame frame{head->kind, {}, buffers_.take(head->length + kSector)};
    char* const into = frame.memory.get() + (aligned_up(head->length) - head->length);
    frame.payload = {into, head->length};
    if (head->compressed) {
        compressed_.resize(head->wire_length);
        TRY(wire_->read(compressed_.data(), compressed_.size()));
        if (!decompress(compressed_, into, head->length)) return strange;
    } else {
        TRY(wire_->read(into, head->length));
    }
    if (!is_payload(*head, frame.payload)) return strange;
    return frame;
}

std::string encode_error(const Error& error) {
    std::string payload;
    Encoder out(payload);
    out.u8(static_cast<std::uint8_t>(error.kind));
    out.text(error.message.substr(0, 64 << 10));
    return payload;
}

Error decode_error(std::string_view payload) {
    Decoder in(payload);
    const std::uint8_t kind = in.u8();
    const std::string message = escape_terminal(in.text(64 << 10));
    if (!in.ok() || kind > static_cast<std::uint8_t>(ErrorKind::kInternal))
        return {ErrorKind::kProtocol, "the other side failed and cannot say why", "", 0, ""};
    return {static_cast<ErrorKind>(kind), message, "", 0, ""};
}

}  // namespace holdfast::mover
