#include "plugins/migrate/mover/remote_target.h"

#include "common/core/text.h"
#include "plugins/migrate/mover/needs.h"
#include "plugins/migrate/mover/run_check.h"
#include "plugins/migrate/mover/scratch.h"

#include <fcntl.h>
#include <cerrno>
#include <utility>

namespace holdfast::mover {
namespace {

constexpr std::size_t kIndexPart = 256 << 10;
constexpr std::size_t kProbeBytes = 1 << 20;  // of attributes

Error unexpected() {
    return {ErrorKind::kProtocol, "the target's side answered what no holdfast-mover of this version answers", "", 0,
            ""};
}

std::string number_payload(std::uint64_t number) {
    std::string payload;
    Encoder(payload).u64(number);
    return payload;
}

}  // namespace

RemoteTarget::RemoteTarget(std::unique_ptr<Wire> wire, Clock& clock, std::size_t queued)
    : channel_(std::move(wire), &clock, queued), listener_([this] { listen(); }) {}

RemoteTarget::~RemoteTarget() {
    channel_.shut();
    listener_.join();
}

// The thread that reads: epochs that became durable, answers, and the error with which the other side gave up.
void RemoteTarget::listen() {
    while (true) {
        Result<Frame> frame = channel_.receive();
        Status done = frame.ok() ? take(std::move(*frame)) : Status(frame.error());
        const std::lock_guard lock(mutex_);
        if (!done.ok() && failed_.ok()) failed_ = std::move(done);
        changed_.notify_all();
        if (!failed_.ok()) break;
    }
    channel_.shut();
}

Status RemoteTarget::take(Frame frame) {
    std::unique_lock lock(mutex_);
    if (frame.kind == FrameKind::kError) return decode_error(frame.payload);
    if (frame.kind == FrameKind::kDurable) {
        Decoder in(frame.payload);
        durable_ = in.u64();
        return in.ok() ? Status() : Status(unexpected());
    }
    if (frame.kind == FrameKind::kIndexPart && index_file_ >= 0) return write_all(index_file_, frame.payload, "index");
    if (answer_) return unexpected();
    answer_ = std::move(frame);
    return {};
}

Status RemoteTarget::send(FrameKind kind, std::string payload, std::string_view back, Memory memory) {
    Status sent = channel_.send(kind, std::move(payload), back, std::move(memory));
    if (sent.ok()) return sent;
    // What the other side said before it closed tells more than that the connection broke.
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(2), [&] { return !failed_.ok(); });
    return failed_.ok() ? sent : failed_;
}

Result<std::string> RemoteTarget::answer(FrameKind kind) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return answer_ || !failed_.ok(); });
    if (!answer_) return failed_.error();
    if (answer_->kind != kind) return unexpected();
    std::string payload(answer_->payload);
    answer_.reset();
    return payload;
}

Result<std::string> RemoteTarget::ask(FrameKind question, std::string payload, FrameKind kind) {
    TRY(send(question, std::move(payload)));
    return answer(kind);
}

Status RemoteTarget::hello(bool verify) {
    std::string payload;
    Encoder out(payload);
    out.u32(kProtocolVersion);
    if (!verify) out.u8(0);
    TRY_ASSIGN(const std::string said, ask(FrameKind::kHello, payload, FrameKind::kHello));
    if (Decoder(said).u32() == kProtocolVersion) return {};
    return Error{ErrorKind::kProtocol, "the target's holdfast-mover is of another version", "", 0, ""};
}

Status RemoteTarget::bye() {
    TRY_ASSIGN(const std::string said, ask(FrameKind::kBye, "", FrameKind::kBye));
    return {};
}

Result<TargetState> RemoteTarget::begin(const std::string& operation) {
    TRY_ASSIGN(const std::string said, ask(FrameKind::kBegin, operation, FrameKind::kState));
    Decoder in(said);
    TargetState state;
    state.number = in.u64();
    state.epoch = in.u64();
    const std::uint8_t bits = in.u8();
    state.empty = (bits & 1) != 0;
    state.blank = (bits & 2) != 0;
    if (!in.ok() || bits > 3) return unexpected();
    const std::lock_guard lock(mutex_);
    durable_ = state.epoch;
    return state;
}

Status RemoteTarget::probe_part(const Needs& needs, std::vector<std::string>& cannot) {
    std::string payload;
    Encoder question(payload);
    encode(question, needs);
    TRY_ASSIGN(const std::string said, ask(FrameKind::kProbe, payload, FrameKind::kProbed));
    Decoder in(said);
    while (in.ok() && !in.at_end()) cannot.push_back(escape_line(in.text(64 << 10)));
    return in.ok() ? Status() : Status(unexpected());
}

// Attributes may be too large for one frame, and are then asked for in parts.
Result<std::vector<std::string>> RemoteTarget::probe(const Needs& needs) {
    std::vector<std::string> cannot;
    Needs part = needs;
    part.xattrs.clear();
    std::size_t bytes = 0;
    for (const auto& one : needs.xattrs) {
        if (bytes > kProbeBytes) {
            TRY(probe_part(part, cannot));
            part = {};
            bytes = 0;
        }
        part.xattrs.insert(one);
        bytes += one.second.largest.value.size();
    }
    TRY(probe_part(part, cannot));
    return cannot;
}

Status RemoteTarget::rebuild(const std::string& path, const std::string& operation) {
    const Descriptor file = open_anew(path);
    if (!file.open()) return system_error("make index", path, errno);
    {
        const std::lock_guard lock(mutex_);
        index_file_ = file.get();
    }
    const Result<std::string> said = ask(FrameKind::kRebuild, operation, FrameKind::kIndexEnd);
    const std::lock_guard lock(mutex_);
    index_file_ = -1;
    return said.ok() ? Status() : Status(said.error());
}

Status RemoteTarget::send_index(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.open()) return system_error("open index", path, errno);
    for (std::uint64_t at = 0;;) {
        TRY_ASSIGN(std::string part, read_at(file.get(), at, kIndexPart, path));
        if (part.empty()) break;
        at += part.size();
        TRY(send(FrameKind::kIndexPart, std::move(part)));
    }
    return send(FrameKind::kIndexEnd, "");
}

Status RemoteTarget::prune(const std::string& path) {
    TRY(send_index(path));
    TRY_ASSIGN(const std::string said, ask(FrameKind::kPrune, "", FrameKind::kDone));
    return {};
}

Result<bool> RemoteTarget::agrees(const Fingerprint& glance) {
    std::string payload;
    Encoder out(payload);
    out.u64(glance.entries);
    out.u64(glance.high);
    out.u64(glance.low);
    TRY_ASSIGN(const std::string said, ask(FrameKind::kCompare, payload, FrameKind::kCompared));
    if (said != "0" && said != "1") return unexpected();
    return said == "1";
}

Result<Verdict> RemoteTarget::check(const std::string& path, CheckHow how) {
    TRY(send_index(path));
    const std::string wanted(1, static_cast<char>('0' + static_cast<int>(how)));
    TRY_ASSIGN(const std::string said, ask(FrameKind::kCheck, wanted, FrameKind::kVerdict));
    const std::optional<Verdict> verdict = decode_verdict(said);
    if (!verdict) return unexpected();
    return *verdict;
}

Status RemoteTarget::seal(const Meta& root) {
    std::string payload;
    Encoder out(payload);
    encode(out, root);
    TRY_ASSIGN(const std::string said, ask(FrameKind::kSeal, payload, FrameKind::kDone));
    return {};
}

Status RemoteTarget::steps(const std::vector<Step>& steps) {
    std::string payload;
    for (const Step& step : steps) {
        Encoder out(payload);
        encode(out, std::vector<Step>{step});
        if (payload.size() < kIndexPart) continue;
        TRY(send(FrameKind::kSteps, payload));
        payload.clear();
    }
    return payload.empty() ? Status() : send(FrameKind::kSteps, payload);
}

Status RemoteTarget::batch(const Batch& batch) {
    std::string payload;
    Encoder out(payload);
    encode(out, batch);
    return send(FrameKind::kBatch, std::move(payload));
}

Status RemoteTarget::chunk(const Chunk& chunk) {
    std::string payload;
    Encoder out(payload);
    encode_without_data(out, chunk);
    if (chunk.memory) return send(FrameKind::kChunk, std::move(payload), chunk.data, chunk.memory);
    payload += chunk.data;
    return send(FrameKind::kChunk, std::move(payload));
}

Status RemoteTarget::written(std::vector<RunCheck> runs) {
    std::string payload;
    for (const RunCheck& run : runs) {
        Encoder out(payload);
        encode(out, run);
        if (payload.size() >= kIndexPart) TRY(send(FrameKind::kWritten, std::exchange(payload, {})));
    }
    return payload.empty() ? Status() : send(FrameKind::kWritten, std::move(payload));
}

Status RemoteTarget::checkpoint(std::uint64_t epoch) { return send(FrameKind::kCheckpoint, number_payload(epoch)); }

Status RemoteTarget::wait_durable(std::uint64_t epoch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return durable_ >= epoch || !failed_.ok(); });
    return durable_ >= epoch ? Status() : failed_;
}

std::string encode_verdict(const Verdict& verdict) {
    std::string payload;
    Encoder out(payload);
    out.u64(verdict.entries);
    out.u64(verdict.bytes);
    out.u64(verdict.differences);
    for (const std::string& one : verdict.named) out.text(one.substr(0, 64 << 10));
    return payload;
}

std::optional<Verdict> decode_verdict(std::string_view payload) {
    Decoder in(payload);
    Verdict verdict;
    verdict.entries = in.u64();
    verdict.bytes = in.u64();
    verdict.differences = in.u64();
    while (in.ok() && !in.at_end() && verdict.named.size() < kMostNamed)
        verdict.named.push_back(escape_line(in.text(64 << 10)));
    if (!in.ok() || !in.at_end()) return std::nullopt;
    return verdict;
}

}  // namespace holdfast::mover
