#include "plugins/migrate/mover/serve.h"
#include "common/os/files.h"
#include "plugins/migrate/mover/needs.h"
#include "plugins/migrate/mover/remote_target.h"
#include "plugins/migrate/mover/tls.h"
#include "tests/unit/mover/encoded.h"

#include <doctest/doctest.h>
#include <csignal>
#include <filesystem>
#include <future>

namespace holdfast::mover {
namespace {

class NeverSignalled : public Signals {
  public:
    int count() const override { return 0; }
    int last() const override { return 0; }
};

const NeverSignalled kNoSignals;
const std::string kKey(32, 'k');

std::string version(std::uint32_t number) {
    std::string bytes;
    Encoder(bytes).u32(number);
    return bytes;
}

std::unique_ptr<Tls> connected(const Listener& listener) {
    std::signal(SIGPIPE, SIG_IGN);  // as ProcessSignals does: the other side may be gone
    auto tls = Tls::connect(listener.address(), kKey, kNoSignals);
    REQUIRE(tls.ok());
    return std::move(*tls);
}

Result<std::unique_ptr<Tls>> accepted(const Listener& listener) {
    TRY_ASSIGN(Descriptor came, listener.accept(kNoSignals));
    return Tls::accept(std::move(came), kKey, kNoSignals);
}

// The target's side of one connection.
class ServedTarget {
  public:
    explicit ServedTarget(const std::string& folder)
        : tree_(std::move(*Tree::open(folder, "target"))),
          target_(tree_, {scratch_->path(), 1}, counters_, kNoSignals),
          options_{scratch_->path(), 1},
          ended_(std::async(std::launch::async, [this]() -> Result<Served> {
              TRY_ASSIGN(std::unique_ptr<Tls> tls, accepted(*listener_));
              return serve(std::move(tls), target_, options_);
          })) {}
    std::unique_ptr<Tls> connect() const { return connected(*listener_); }
    Result<Served> end() { return ended_.get(); }

  private:
    Result<TemporaryDirectory> scratch_ = TemporaryDirectory::create();
    Result<Listener> listener_ = Listener::open("127.0.0.1:0");
    Tree tree_;
    Counters counters_;
    LocalTarget target_;
    const ServeOptions options_;
    std::future<Result<Served>> ended_;
};

using Frames = std::vector<std::pair<FrameKind, std::string>>;

// What the target's side says last to a source that sends these frames, and the error that it ends with itself.
struct Said {
    FrameKind kind = FrameKind::kHello;
    std::string payload;
    std::optional<Error> ended;
};

Said answer_to(const Frames& frames, const std::string& folder) {
    ServedTarget side(folder);
    Said said;
    {
        Channel channel(side.connect(), nullptr, 8);
        for (const auto& [kind, payload] : frames) {
            if (!channel.send(kind, payload).ok()) break;
            const auto answer = channel.receive();
            if (!answer.ok()) break;
            said.kind = answer->kind;
            said.payload = std::string(answer->payload);
        }
    }
    const Result<Served> served = side.end();
    if (!served.ok()) said.ended = served.error();
    return said;
}

Said answer_to(const Frames& frames) {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    return answer_to(frames, folder->path());
}

std::size_t entries_in(const std::string& folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

void is_refused(const Said& said, const std::string& why) {
    REQUIRE(said.kind == FrameKind::kError);
    CHECK(decode_error(said.payload).kind == ErrorKind::kProtocol);
    CHECK(decode_error(said.payload).message.find(why) != std::string::npos);
    REQUIRE(said.ended);
    CHECK(said.ended->kind == ErrorKind::kProtocol);
}

void is_refused(const Frames& frames, const std::string& why) { is_refused(answer_to(frames), why); }

const std::pair<FrameKind, std::string> kGreeting{FrameKind::kHello, version(kProtocolVersion)},
    kBeginning{FrameKind::kBegin, "operation"};

}  // namespace

TEST_CASE("a source of another version is told so, and nothing that it sends is done") {
    is_refused({{FrameKind::kHello, version(kProtocolVersion + 1)}}, "of another version");
    is_refused({{FrameKind::kHello, version(kProtocolVersion - 1)}}, "of another version");
    is_refused({{FrameKind::kHello, ""}}, "of another version");
    CHECK(answer_to({kGreeting}).kind == FrameKind::kHello);
}

TEST_CASE("a source says whether it is going to have the target looked at again") {
    for (const bool verify : {true, false}) {
        auto listener = Listener::open("127.0.0.1:0");
        REQUIRE(listener.ok());
        auto far = std::async(std::launch::async, [&]() -> Result<std::string> {
            TRY_ASSIGN(std::unique_ptr<Tls> tls, accepted(*listener));
            Channel channel(std::move(tls), nullptr, 8);
            TRY_ASSIGN(const Frame greeting, channel.receive());
            TRY(channel.send(FrameKind::kHello, version(kProtocolVersion)));
            TRY(channel.flush());
            return std::string(greeting.payload);
        });
        RealClock clock;
        RemoteTarget target(connected(*listener), clock, 8);
        CHECK(target.hello(verify).ok());
        const Result<std::string> said = far.get();
        REQUIRE(said.ok());
        CHECK(*said == version(kProtocolVersion) + std::string(verify ? 0 : 1, '\0'));
        CHECK(answer_to({{FrameKind::kHello, *said}}).kind == FrameKind::kHello);
    }
}

TEST_CASE("a target of another version is not sent anything") {
    for (const std::uint32_t said : {kProtocolVersion, kProtocolVersion + 1, kProtocolVersion - 1}) {
        auto listener = Listener::open("127.0.0.1:0");
        REQUIRE(listener.ok());
        auto far = std::async(std::launch::async, [&]() -> Status {
            TRY_ASSIGN(std::unique_ptr<Tls> tls, accepted(*listener));
            Channel channel(std::move(tls), nullptr, 8);
            TRY_ASSIGN(const Frame greeting, channel.receive());
            TRY(channel.send(FrameKind::kHello, version(said)));
            const auto more = channel.receive();
            return more.ok() ? Status(Error{ErrorKind::kInternal, "more was sent", "", 0, ""}) : Status();
        });
        {
            RealClock clock;
            RemoteTarget target(connected(*listener), clock, 8);
            const Status greeted = target.hello(true);
            CHECK(greeted.ok() == (said == kProtocolVersion));
            if (!greeted.ok()) {
                CHECK(greeted.error().kind == ErrorKind::kProtocol);
                CHECK(greeted.error().message == "the target's holdfast-mover is of another version");
            }
        }
        CHECK(far.get().ok());
    }
}

TEST_CASE("nothing is done for a source that has not begun as every source begins") {
    const std::string strange = "no holdfast-mover of this version sends", sum(24, '\0'), root = encoded(Meta());
    is_refused({kBeginning}, strange);
    is_refused({{FrameKind::kProbe, encoded(Needs())}}, strange);
    for (const auto& [kind, payload] : Frames{{FrameKind::kCompare, sum},
                                              {FrameKind::kCheck, "0"},
                                              {FrameKind::kSeal, root},
                                              {FrameKind::kCheckpoint, std::string(8, '\0')},
                                              {FrameKind::kRebuild, "operation"},
                                              {FrameKind::kIndexPart, "x"},
                                              {FrameKind::kPrune, ""},
                                              {FrameKind::kSteps, ""},
                                              {FrameKind::kBatch, ""},
                                              {FrameKind::kWritten, ""},
                                              {FrameKind::kChunk, ""}}) {
        CAPTURE(static_cast<int>(kind));
        is_refused({kGreeting, {kind, payload}}, strange);
    }
}

TEST_CASE("a question that no source of this version asks is not answered") {
    const std::string strange = "no holdfast-mover of this version sends";
    CHECK(answer_to({kGreeting, kBeginning, {FrameKind::kCompare, std::string(24, '\0')}}).payload == "0");
    for (const char* how : {"", "3", "00", "/"}) {
        CAPTURE(how);
        is_refused({kGreeting, kBeginning, {FrameKind::kCheck, how}}, strange);
    }
    // By an index that was not sent, which may be that of another connection.
    is_refused({kGreeting, kBeginning, {FrameKind::kPrune, ""}}, strange);
    is_refused({kGreeting, kBeginning, {FrameKind::kCheck, "0"}}, strange);
    is_refused({kGreeting, kBeginning, {FrameKind::kCompare, std::string(23, '\0')}}, strange);
    is_refused({kGreeting, kBeginning, {FrameKind::kCompare, std::string(25, '\0')}}, strange);
    is_refused({kGreeting, {FrameKind::kBegin, ""}}, strange);
    is_refused({kGreeting, {FrameKind::kBegin, std::string(257, 'o')}}, strange);
    is_refused({kGreeting, kBeginning, {FrameKind::kVerdict, ""}}, strange);
    Meta link;
    link.kind = Kind::kSymlink;
    is_refused({kGreeting, kBeginning, {FrameKind::kSeal, encoded(link)}}, strange);
    is_refused({kGreeting, kBeginning, {FrameKind::kWritten, "x"}}, strange);
}

TEST_CASE("epochs rise: one that does not would be waited for without end") {
    const std::string strange = "no holdfast-mover of this version sends";
    auto epoch = [](std::uint64_t number) {
        std::string bytes;
        Encoder(bytes).u64(number);
        return std::pair(FrameKind::kCheckpoint, bytes);
    };
    CHECK(answer_to({kGreeting, kBeginning, epoch(1), epoch(2)}).payload == epoch(2).second);
    is_refused({kGreeting, kBeginning, epoch(0)}, strange);
    is_refused({kGreeting, kBeginning, epoch(2), epoch(2)}, strange);
    is_refused({kGreeting, kBeginning, epoch(2), epoch(1)}, strange);
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    CHECK(answer_to({kGreeting, kBeginning, epoch(5)}, folder->path()).payload == epoch(5).second);
    is_refused(answer_to({kGreeting, kBeginning, epoch(5)}, folder->path()), strange);
}

TEST_CASE("an epoch is said to be durable once the journal on the target's disk says so") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    ServedTarget side(folder->path());
    {
        Channel channel(side.connect(), nullptr, 8);
        CHECK(channel.send(kGreeting.first, kGreeting.second).ok());
        CHECK(channel.receive().ok());
        CHECK(channel.send(kBeginning.first, kBeginning.second).ok());
        CHECK(channel.receive().ok());
        for (std::uint64_t epoch = 1; epoch <= 20; ++epoch) {
            std::string bytes;
            Encoder(bytes).u64(epoch);
            CHECK(channel.send(FrameKind::kCheckpoint, bytes).ok());
            const auto answer = channel.receive();
            REQUIRE(answer.ok());
            CHECK(answer->kind == FrameKind::kDurable);
            CHECK(answer->payload == bytes);
            const auto journal = decode_journal(read_file(folder->path() + "/.holdfast-mover", 4096).value_or(""));
            REQUIRE(journal);
            CHECK(journal->epoch == epoch);
        }
    }
    CHECK(side.end().ok());
}

TEST_CASE(
    "what was sent before a checkpoint is written when that is durable, and what came whole when the connection goes") {
    for (const bool checkpoint : {true, false}) {
        const auto folder = TemporaryDirectory::create();
        REQUIRE(folder.ok());
        ServedTarget side(folder->path());
        constexpr int kBatches = 8;
        {
            Channel channel(side.connect(), nullptr, 8);
            for (const auto& [kind, payload] : {kGreeting, kBeginning}) {
                CHECK(channel.send(kind, payload).ok());
                CHECK(channel.receive().ok());
            }
            for (int batch = 0; batch < kBatches; ++batch) {
                Batch some;
                for (std::size_t i = 0; i < kMostBatchFiles; ++i) some.files.emplace_back();
                for (SmallFile& file : some.files)
                    file.name = std::to_string(batch) + "-" + std::to_string(&file - some.files.data());
                CHECK(channel.send(FrameKind::kBatch, encoded(some)).ok());
            }
            if (checkpoint) {
                CHECK(channel.send(FrameKind::kCheckpoint, std::string(8, '\x7f')).ok());
                const auto answer = channel.receive();
                CHECK((answer.ok() && answer->kind == FrameKind::kDurable));
            } else {
                CHECK(channel.flush().ok());
            }
            if (checkpoint) CHECK(entries_in(folder->path()) == kBatches * kMostBatchFiles + 1);  // and the journal
        }
        const Result<Served> served = side.end();
        CHECK((served.ok() && *served == Served::kLost));
        CHECK(entries_in(folder->path()) == kBatches * kMostBatchFiles + 1);
    }
}

TEST_CASE("what is compared with is the last index that was sent, from its beginning") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    std::filesystem::create_directory(folder->path() + "/d");
    ServedTarget side(folder->path());
    {
        Channel channel(side.connect(), nullptr, 8);
        for (const auto& [kind, payload] : {kGreeting, kBeginning}) {
            CHECK(channel.send(kind, payload).ok());
            CHECK(channel.receive().ok());
        }
        CHECK(channel.send(FrameKind::kRebuild, "operation").ok());
        const auto index = channel.receive(), end = channel.receive();
        REQUIRE((index.ok() && index->kind == FrameKind::kIndexPart && end.ok() && end->kind == FrameKind::kIndexEnd));
        for (const std::string& part : {std::string("no index"), std::string(index->payload)}) {
            CHECK(channel.send(FrameKind::kIndexPart, part).ok());
            CHECK(channel.send(FrameKind::kIndexEnd, "").ok());
        }
        CHECK(channel.send(FrameKind::kCheck, "0").ok());
        const auto verdict = channel.receive();
        REQUIRE((verdict.ok() && verdict->kind == FrameKind::kVerdict));
        CHECK(decode_verdict(verdict->payload)->differences == 0);
        CHECK(decode_verdict(verdict->payload)->entries == 2);
    }
    CHECK(side.end().ok());
}

TEST_CASE("a target's side says whether anything is in it") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    auto bits = [&] {
        const Said said = answer_to({kGreeting, kBeginning}, folder->path());
        REQUIRE((said.kind == FrameKind::kState && said.payload.size() == 17));
        return static_cast<int>(said.payload.back());
    };
    CHECK(bits() == 1);
    std::filesystem::create_directory(folder->path() + "/lost+found");
    CHECK(bits() == 1);  // nor is the journal anything
    std::filesystem::create_directory(folder->path() + "/d");
    CHECK(bits() == 0);
}

TEST_CASE("a sync that fails is said to a source that asks for nothing more, and ends the target's side") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    const std::string journal = folder->path() + "/.holdfast-mover";
    REQUIRE(answer_to({kGreeting, kBeginning}, folder->path()).kind == FrameKind::kState);
    ServedTarget side(folder->path());
    {
        Channel channel(side.connect(), nullptr, 8);
        for (const auto& [kind, payload] : {kGreeting, kBeginning}) {
            CHECK(channel.send(kind, payload).ok());
            CHECK(channel.receive().ok());
        }
        // Known already, so it is opened when it is written.
        std::filesystem::remove(journal);
        std::filesystem::create_directory(journal);
        CHECK(channel.send(FrameKind::kCheckpoint, std::string(8, '\x7f')).ok());
        const auto answer = channel.receive();
        REQUIRE((answer.ok() && answer->kind == FrameKind::kError));
        CHECK(decode_error(answer->payload).message == "make journal target:.holdfast-mover: Is a directory");
    }
    const Result<Served> served = side.end();
    REQUIRE_FALSE(served.ok());
    CHECK(served.error().kind == ErrorKind::kUnavailable);
}

TEST_CASE("an epoch that another operation's beginning comes after is durable before that begins") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    ServedTarget side(folder->path());
    constexpr int kRounds = 100;
    std::vector<FrameKind> answers{FrameKind::kHello}, came;
    {
        // Nothing is waited for before the next is sent, so what begins races with what became durable.
        Channel channel(side.connect(), nullptr, 8);
        CHECK(channel.send(kGreeting.first, kGreeting.second).ok());
        for (int i = 0; i < kRounds; ++i) {
            CHECK(channel.send(FrameKind::kBegin, "operation " + std::to_string(i)).ok());
            CHECK(channel.send(FrameKind::kCheckpoint, std::string(8, '\x7f')).ok());
            answers.insert(answers.end(), {FrameKind::kState, FrameKind::kDurable});
        }
        for (std::size_t i = 0; i < answers.size(); ++i) {
            const auto answer = channel.receive();
            REQUIRE(answer.ok());
            came.push_back(answer->kind);
        }
    }
    CHECK(came == answers);
    CHECK(side.end().ok());
}

}  // namespace holdfast::mover
