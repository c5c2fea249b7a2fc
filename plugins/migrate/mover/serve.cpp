#include "plugins/migrate/mover/serve.h"

#include "plugins/migrate/mover/needs.h"
#include "plugins/migrate/mover/pool.h"
#include "plugins/migrate/mover/remote_target.h"
#include "plugins/migrate/mover/run_check.h"
#include "plugins/migrate/mover/scratch.h"

namespace holdfast::mover {
namespace {

constexpr int kMostUnread = 100000;  // frames that were on their way when this side gave up

Error strange_request() {
    return {ErrorKind::kProtocol,
            "the source's side sent what no holdfast-mover of this version sends; nothing of it was done", "", 0, ""};
}

class Serving {
  public:
    Serving(std::unique_ptr<Wire> wire, LocalTarget& target, const ServeOptions& options)
        : options_(options),
          target_(target),
          channel_(std::move(wire), nullptr, options.queued),
          writers_(options.threads, options.queued, [this](Frame& frame, int) { return write(frame); }),
          acks_(1, 1024, [this](std::uint64_t& epoch, int) { return acknowledge(epoch); }) {
        target_.while_wanted([this] { return channel_.ended(); });
    }
    Serving(const Serving&) = delete;
    Serving& operator=(const Serving&) = delete;
    ~Serving() { target_.while_wanted({}); }

    Result<Served> run() {
        while (true) {
            Result<Frame> frame = channel_.receive();
            if (!frame.ok()) return lost(frame.error());
            const bool last = frame->kind == FrameKind::kBye;
            Status done = dispatch(std::move(*frame));
            // What had come before the connection broke is still being done, and its answers find nobody: no fault of
            // the target, which another connection may go on with.
            if (!done.ok() && channel_.broken()) return lost(done.error());
            if (!done.ok() && done.error().kind == ErrorKind::kInterrupted && channel_.ended())
                return lost({ErrorKind::kUnavailable, "the connection was lost", "", 0, ""});
            if (!done.ok()) {
                tell(done.error());
                // Until the source has heard it and closes: closing first could take the words back from its socket.
                for (int i = 0; i < kMostUnread && channel_.receive().ok();) ++i;
                return done.error();
            }
            if (!last) continue;
            const Status flushed = channel_.flush();
            if (!flushed.ok()) return lost(flushed.error());
            return sealed_ ? Served::kSealed : Served::kDone;
        }
    }

  private:
    Result<Served> lost(const Error& why) {
        if (why.kind == ErrorKind::kInterrupted) return why;
        // What came whole is written all the same: it need not come again.
        TRY(writers_.drain());
        const std::lock_guard lock(mutex_);
        if (!failed_.ok()) return failed_.error();
        return Served::kLost;
    }

    void tell(const Error& error) {
        const Status told = channel_.send(FrameKind::kError, encode_error(error));
        if (told.ok()) (void)channel_.flush();
    }

    Status dispatch(Frame frame) {
        // Content may come in any order and is written beside what comes next; all else waits for its turn here.
        if (frame.kind == FrameKind::kBatch || frame.kind == FrameKind::kChunk)
            return begun_ ? writers_.add(std::move(frame)) : Status(strange_request());
        if (frame.kind == FrameKind::kSteps) return steps(frame.payload);
        if (frame.kind == FrameKind::kIndexPart) return index_part(frame.payload);
        if (frame.kind == FrameKind::kWritten) return written(frame.payload);
        TRY(writers_.drain());
        switch (frame.kind) {
            case FrameKind::kHello:
                return hello(frame.payload);
            case FrameKind::kProbe:
                return probe(frame.payload);
            case FrameKind::kBegin:
                return begin(std::string(frame.payload));
            case FrameKind::kCheckpoint:
                return checkpoint(frame.payload);
            case FrameKind::kRebuild:
                return rebuild(std::string(frame.payload));
            case FrameKind::kIndexEnd:
                index_comes_ = false;
                return {};
            case FrameKind::kPrune:
                return prune();
            case FrameKind::kCheck:
                return check(frame.payload);
            case FrameKind::kCompare:
                return compare(frame.payload);
            case FrameKind::kSeal:
                return seal(frame.payload);
            case FrameKind::kBye:
                return channel_.send(FrameKind::kBye, "");
            default:
                return strange_request();
        }
    }

    Status write(const Frame& frame) {
        if (frame.kind == FrameKind::kBatch) {
            const std::optional<Batch> batch = decode_batch(frame.payload);
            return batch ? target_.batch(*batch) : Status(strange_request());
        }
        const std::optional<Chunk> chunk = decode_chunk(frame.payload);
        return chunk ? target_.chunk(*chunk) : Status(strange_request());
    }

    Status acknowledge(std::uint64_t epoch) {
        Status done = target_.wait_durable(epoch);
        if (!done.ok()) {  // the source may be waiting for this, and send nothing more
            const std::lock_guard lock(mutex_);
            failed_ = done;
            tell(done.error());
            return done;
        }
        std::string payload;
        Encoder(payload).u64(epoch);
        return channel_.send(FrameKind::kDurable, payload);
    }

    Status hello(std::string_view payload) {
        Decoder in(payload);
        if (in.u32() != kProtocolVersion)
            return Error{ErrorKind::kProtocol, "the source's holdfast-mover is of another version", "", 0, ""};
        greeted_ = true;
        // What nobody is going to ask for need not be in memory: cold, every inode is waited for.
        if (in.at_end()) target_.look_ahead();
        return channel_.send(FrameKind::kHello, std::string(payload));
    }

    Status probe(std::string_view payload) {
        const std::optional<Needs> needs = decode_needs(payload);
        if (!needs || !greeted_) return strange_request();
        TRY_ASSIGN(const std::vector<std::string> cannot, target_.probe(*needs));
        std::string answer;
        Encoder out(answer);
        for (const std::string& one : cannot) out.text(one);
        return channel_.send(FrameKind::kProbed, answer);
    }

    Status begin(const std::string& operation) {
        if (!greeted_ || operation.empty() || operation.size() > 256) return strange_request();
        // The epochs of another operation begin anew: who still waited for one of before would wait without end.
        TRY(acks_.drain());
        TRY_ASSIGN(const TargetState state, target_.begin(operation));
        begun_ = true;
        asked_ = state.epoch;
        std::string answer;
        Encoder out(answer);
        out.u64(state.number);
        out.u64(state.epoch);
        out.u8(static_cast<std::uint8_t>((state.empty ? 1 : 0) | (state.blank ? 2 : 0)));
        return channel_.send(FrameKind::kState, answer);
    }

    Status steps(std::string_view payload) {
        const auto decoded = decode_steps(payload);
        if (!decoded || !begun_) return strange_request();
        return target_.steps(*decoded);
    }

    Status written(std::string_view payload) {
        auto runs = decode_run_checks(payload);
        if (!runs || !begun_) return strange_request();
        return target_.written(std::move(*runs));
    }

    Status checkpoint(std::string_view payload) {
        Decoder in(payload);
        const std::uint64_t epoch = in.u64();
        // One that does not rise would be waited for without end.
        if (!in.ok() || !begun_ || epoch <= asked_) return strange_request();
        asked_ = epoch;
        TRY(target_.checkpoint(epoch));
        return acks_.add(epoch);
    }

    Status rebuild(const std::string& operation) {
        if (!begun_) return strange_request();
        TRY_ASSIGN(const Descriptor index, nameless_file(options_.scratch));
        TRY(target_.rebuild(held_path(index), operation));
        for (std::uint64_t at = 0;;) {
            TRY_ASSIGN(const std::string part, read_at(index.get(), at, 256 << 10, "index"));
            if (part.empty()) break;
            TRY(channel_.send(FrameKind::kIndexPart, part));
            at += part.size();
        }
        return channel_.send(FrameKind::kIndexEnd, "");
    }

    // Without a name: it tells what the files are called and what is attached to them, and must not outlive a kill.
    Status index_part(std::string_view part) {
        if (!begun_) return strange_request();
        if (!index_comes_) {
            TRY_ASSIGN(index_, nameless_file(options_.scratch));
            index_comes_ = true;
        }
        return write_all(index_.get(), part, "index");
    }

    Status prune() {
        if (!begun_ || !index_.open()) return strange_request();
        TRY(target_.prune(held_path(index_)));
        return channel_.send(FrameKind::kDone, "");
    }

    Status compare(std::string_view payload) {
        Decoder in(payload);
        Fingerprint glance;
        glance.entries = in.u64();
        glance.high = in.u64();
        glance.low = in.u64();
        if (!in.ok() || !in.at_end() || !begun_) return strange_request();
        TRY_ASSIGN(const bool same, target_.agrees(glance));
        return channel_.send(FrameKind::kCompared, same ? "1" : "0");
    }

    Status check(std::string_view how) {
        if (!begun_ || !index_.open() || how.size() != 1 || how[0] < '0' || how[0] > '2') return strange_request();
        TRY_ASSIGN(const Verdict verdict, target_.check(held_path(index_), static_cast<CheckHow>(how[0] - '0')));
        return channel_.send(FrameKind::kVerdict, encode_verdict(verdict));
    }

    Status seal(std::string_view payload) {
        Decoder in(payload);
        const Meta root = decode_meta(in);
        if (!in.ok() || !begun_ || (root.kind != Kind::kDirectory && root.kind != Kind::kFile))
            return strange_request();
        TRY(target_.seal(root));
        sealed_ = true;
        return channel_.send(FrameKind::kDone, "");
    }

    const ServeOptions& options_;
    LocalTarget& target_;
    Channel channel_;
    bool greeted_ = false, begun_ = false, sealed_ = false, index_comes_ = false;
    std::uint64_t asked_ = 0;  // the last epoch that was to become durable
    std::mutex mutex_;
    Status failed_;        // of a sync that nobody asked for an answer
    Descriptor index_;     // the last one that was sent
    Pool<Frame> writers_;  // these two last: their threads use all of the above
    Pool<std::uint64_t> acks_;
};

}  // namespace

Result<Served> serve(std::unique_ptr<Wire> wire, LocalTarget& target, const ServeOptions& options) {
    return Serving(std::move(wire), target, options).run();
}

}  // namespace holdfast::mover
