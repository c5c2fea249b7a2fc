// Frames over a connection.
#pragma once

#include "plugins/migrate/mover/fair_queue.h"
#include "plugins/migrate/mover/frame.h"
#include "plugins/migrate/mover/tls.h"

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

namespace holdfast::mover {

struct Frame {
    FrameKind kind = FrameKind::kHello;
    std::string payload;
};

class Channel {
  public:
    // `adapt`: frames with content are compressed while the connection is what holds everything up, and only then.
    Channel(std::unique_ptr<Tls> tls, bool adapt);
    ~Channel();

    // Queued; waits while the queue is full. An error that a write had meanwhile.
    Status send(FrameKind kind, std::string_view payload);
    // One thread at a time. kProtocol: what no mover sends.
    Result<Frame> receive();
    // Everything queued has been handed to the kernel, or failed.
    Status flush();
    void shut() { tls_->shut(); }
    bool broken() { return !failure().ok(); }  // something could not be sent
    std::uint64_t wire_bytes() const { return wire_bytes_; }

  private:
    void write_queued();
    Status failure();
    bool worth_compressing(FrameKind kind, std::size_t size);

    std::unique_ptr<Tls> tls_;
    const bool adapt_;
    FairQueue<std::string> queue_;
    std::mutex mutex_;
    Status failed_;
    std::atomic<int> useless_ = 0;  // frames to pass over after one that could not be made smaller
    std::atomic<std::uint64_t> wire_bytes_ = 0;
    std::thread writer_;
};

// Errors on the wire: their kind and message. The peer's words are made safe for a terminal.
std::string encode_error(const Error& error);
Error decode_error(std::string_view payload);

}  // namespace holdfast::mover
