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
    : tls_(std::move(tls)), adapt_(adapt), writer_([this] { write_queued(); }) {}

Channel::~Channel() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
        changed_.notify_all();
    }
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
    const std::lock_guard lock(mutex_);
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
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return queue_.size() < kQueued || !failed_.ok(); });
    if (!failed_.ok()) return failed_;
    queue_.push_back(std::move(frame));
    changed_.notify_all();
    return {};
}

void Channel::write_queued() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [&] { return !queue_.empty() || stop_; });
        if (stop_) return;
        const std::string frame = std::move(queue_.front());
        queue_.pop_front();
        writing_ = true;
        changed_.notify_all();
        lock.unlock();
        Status done = tls_->write(frame);
        wire_bytes_ += frame.size();
        lock.lock();
        writing_ = false;
        if (!done.ok() && failed_.ok()) failed_ = std::move(done);
        if (!failed_.ok()) queue_.clear();
        changed_.notify_all();
    }
}

Status Channel::flush() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return (queue_.empty() && !writing_) || !failed_.ok(); });
    return failed_;
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
