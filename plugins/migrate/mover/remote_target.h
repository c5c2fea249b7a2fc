// The target at the other end of a connection.
#pragma once

#include "plugins/migrate/mover/channel.h"
#include "plugins/migrate/mover/side.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace holdfast::mover {

class RemoteTarget : public TargetSide {
  public:
    RemoteTarget(std::unique_ptr<Wire> wire, Clock& clock, std::size_t queued);
    ~RemoteTarget() override;

    // The first frames of both sides; kProtocol: another version. `verify`: the target is going to be looked at again.
    Status hello(bool verify);
    // The last frame: the other side ends.
    Status bye();

    Result<TargetState> begin(const std::string& operation) override;
    Result<std::vector<std::string>> probe(const Needs& needs) override;
    Status rebuild(const std::string& path, const std::string& operation) override;
    Status prune(const std::string& path) override;
    Result<Verdict> check(const std::string& path, CheckHow how) override;
    Result<bool> agrees(const Fingerprint& glance) override;
    Status seal(const Meta& root) override;

    Status steps(const std::vector<Step>& steps) override;
    Status batch(const Batch& batch) override;
    Status chunk(const Chunk& chunk) override;
    Status written(std::vector<RunCheck> runs) override;
    Status checkpoint(std::uint64_t epoch) override;
    Status wait_durable(std::uint64_t epoch) override;
    std::uint64_t wire_bytes() const { return channel_.wire_bytes(); }

  private:
    void listen();
    Status take(Frame frame);
    Result<std::string> answer(FrameKind kind);
    Result<std::string> ask(FrameKind question, std::string payload, FrameKind kind);
    Status probe_part(const Needs& needs, std::vector<std::string>& cannot);
    Status send_index(const std::string& path);
    Status send(FrameKind kind, std::string payload, std::string_view back = {}, Memory memory = {});

    Channel channel_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<Frame> answer_;
    std::uint64_t durable_ = 0;
    Status failed_;
    int index_file_ = -1;  // where parts of an index that is coming go
    std::thread listener_;
};

// What both sides say of a verdict, and of a state.
std::string encode_verdict(const Verdict& verdict);
std::optional<Verdict> decode_verdict(std::string_view payload);

}  // namespace holdfast::mover
