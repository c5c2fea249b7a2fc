#include "plugins/migrate/mover/channel.h"

#include "common/core/text.h"

namespace holdfast::mover {
namespace {

constexpr std::size_t kQueued = 8;       // frames
constexpr std::size_t kHeldUp = 6;       // so many waiting: the connection is the limit
constexpr std::size_t kTooSmall = 4096;  // not worth the work
constexpr int kLevel = 1;
constexpr int kPassOver = 32;

}  // namespace

Channel::Channel(std::unique_ptr<Tls> tls, bool adapt)
    : tls_(std::move(tls)), adapt_(adapt), queue_(kQueued), writer_([this] { write_queued(); }) {}

Channel::~Channel() {
    queue_.close();
    tls_->shut();
    writer_.join();
}

bool Channel::worth_compressing(FrameKind kind, std::size_t size) {
    if (!adapt_ || size < kTooSmall ||
        (kind != FrameKind::kBatch && kind != FrameKind::kChunk && kind != FrameKind::kIndexPart))
        return false;
    if (useless_ > 0) {
        --useless_;
        return false;
    }
    return queue_.size() >= kHeldUp;
}

Status Channel::send(FrameKind kind, std::string_view payload) {
    std::string frame;
    if (worth_compressing(kind, payload.size())) {
        frame = encode_frame_compressed(kind, payload, kLevel);
        if (frame.size() > payload.size() / 10 * 9) useless_ = kPassOver;
    } else {
        frame = encode_frame(kind, payload);
    }
    return queue_.push(std::move(frame)) ? Status() : failure();
}

Status Channel::failure() {
    const std::lock_guard lock(mutex_);
    return failed_;
}

void Channel::write_queued() {
    while (const std::optional<std::string> frame = queue_.pop()) {
        Status done = tls_->write(*frame);
        wire_bytes_ += frame->size();
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
    TRY(tls_->read(bytes, sizeof bytes));
    const std::optional<FrameHead> head = decode_frame_head({bytes, sizeof bytes});
    if (!head) return strange;
    std::string wire(head->wire_length, '\0');
    TRY(tls_->read(wire.data(), wire.size()));
    std::optional<std::string> payload = decode_frame_payload(*head, wire);
    if (!payload) return strange;
    return Frame{head->kind, std::move(*payload)};
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
