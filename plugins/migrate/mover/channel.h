// Frames over a connection.
#pragma once

#include "common/os/clock.h"
#include "plugins/migrate/mover/buffers.h"
#include "plugins/migrate/mover/compressor.h"
#include "plugins/migrate/mover/fair_queue.h"
#include "plugins/migrate/mover/frame.h"
#include "plugins/migrate/mover/pace.h"
#include "plugins/migrate/mover/wire.h"

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

namespace holdfast::mover {

struct Frame {
    FrameKind kind = FrameKind::kHello;
    std::string_view
        payload;    // its end lies at a sector's boundary, so that a chunk's content can go to a disk from here
    Memory memory;  // that it lies in
};

class Channel {
  public:
    // With a clock frames with content are compressed while that brings more of it across; see Pace.
    // At most `queued` frames wait to be sent.
    Channel(std::unique_ptr<Wire> wire, Clock* clock, std::size_t queued);
    ~Channel();

    // Queued; waits while the queue is full. An error that a write had meanwhile. `back`, in `memory`: the rest of the
    // payload, if there is one.
    Status send(FrameKind kind, std::string front, std::string_view back = {}, Memory memory = {});
    // One thread at a time. kProtocol: what no mover sends.
    Result<Frame> receive();
    // Everything queued has been handed to the kernel, or failed.
    Status flush();
    void shut() { wire_->shut(); }
    bool ended() const { return wire_->ended(); }
    bool broken() { return !failure().ok(); }  // something could not be sent
    std::uint64_t wire_bytes() const { return wire_bytes_; }

  private:
    struct Outgoing {
        std::string front;
        std::string_view back;
        Memory memory;
    };
    void write_queued();
    Status write(const Outgoing& frame);
    Status failure();
    bool is_content(FrameKind kind, std::size_t size) const;
    bool worth_compressing();
    Status push(Outgoing frame, std::size_t content);

    std::unique_ptr<Wire> wire_;
    Clock* const clock_;
    const std::size_t held_up_;  // so many frames waiting: the connection is the limit, or the other side
    BufferPool buffers_;
    Compressor compressor_;
    std::string compressed_;  // what came, until it is a payload again
    FairQueue<Outgoing> queue_;
    std::mutex mutex_;
    Status failed_;
    Pace pace_;
    std::atomic<int> useless_ = 0;  // frames to pass over after one that could not be made smaller
    std::atomic<std::uint64_t> wire_bytes_ = 0;
    std::thread writer_;
};

// Errors on the wire: their kind and message. The peer's words are made safe for a terminal.
std::string encode_error(const Error& error);
Error decode_error(std::string_view payload);

}  // namespace holdfast::mover
