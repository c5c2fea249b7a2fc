#include "plugins/migrate/mover/pass.h"
#include "common/os/files.h"
#include "plugins/migrate/mover/walk_record.h"

#include <doctest/doctest.h>
#include <fstream>

namespace holdfast::mover {
namespace {

class NoneCame : public Signals {
  public:
    int count() const override { return 0; }
    int last() const override { return 0; }
};

class LaterClock : public RealClock {
  public:
    std::chrono::system_clock::time_point now() override { return RealClock::now() + std::chrono::minutes(1); }
};

// A target that takes everything and has nothing.
class TakesAll : public TargetSide {
  public:
    Status steps(const std::vector<Step>&) override { return {}; }
    Status batch(const Batch&) override { return {}; }
    Status chunk(const Chunk&) override { return {}; }
    Status checkpoint(std::uint64_t) override { return {}; }
    Status wait_durable(std::uint64_t) override { return {}; }
    Result<TargetState> begin(const std::string&) override { return TargetState(); }
    Result<std::vector<std::string>> probe(const Needs&) override { return std::vector<std::string>(); }
    Status rebuild(const std::string&, const std::string&) override { return {}; }
    Status prune(const std::string&) override { return {}; }
    Result<Verdict> check(const std::string&, CheckHow) override { return Verdict(); }
    Result<bool> agrees(const Fingerprint&) override { return true; }
    Status seal(const Meta&) override { return {}; }
};

// Of the file that a pass has sent, whose source was synced then.
bool is_suspect(const Tree& source, std::optional<std::chrono::system_clock::time_point> synced_at, Clock&& clock) {
    const auto state_folder = TemporaryDirectory::create();
    REQUIRE(state_folder.ok());
    State state(state_folder->path());
    TakesAll target;
    Counters counters;
    const NoneCame signals;
    auto seen = WalkRecord::create(state_folder->path());
    REQUIRE(seen.ok());
    Walk walk(source, state_folder->path());
    for (auto visited = walk.next(); visited.ok() && visited->visit != Visit::kEnd; visited = walk.next())
        REQUIRE(seen->add(*visited).ok());
    PassOptions options;
    options.operation = "operation";
    options.scratch = state_folder->path();
    options.seen = &*seen;
    options.synced_at = synced_at;
    const auto done = run_pass({source, target, state, counters, clock, signals}, options, {1, 1, true, false});
    REQUIRE(done.ok());
    auto reader = IndexReader::open(state.index());
    REQUIRE(reader.ok());
    while (true) {
        const auto record = reader->next();
        REQUIRE((record.ok() && *record));
        const auto* entry = std::get_if<Entry>(&**record);
        if (entry != nullptr && entry->path == "file") return (entry->state & kSuspect) != 0;
    }
}

}  // namespace

TEST_CASE("what was written within two seconds before the source was synced is suspect, however long the scan took") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    std::ofstream(folder->path() + "/file") << "content";
    const auto source = Tree::open(folder->path(), "source");
    REQUIRE(source.ok());
    const auto now = std::chrono::system_clock::now();
    CHECK(is_suspect(*source, now, LaterClock()));
    CHECK_FALSE(is_suspect(*source, now + std::chrono::seconds(30), LaterClock()));
    CHECK_FALSE(is_suspect(*source, std::nullopt, LaterClock()));  // the pass begins a minute from now
}

TEST_CASE("what is written after the clock was set back in the middle of a pass is suspect") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    const auto source = Tree::open(folder->path(), "source");
    REQUIRE(source.ok());
    for (const std::size_t size : {std::size_t{7}, std::size_t{1} << 20}) {
        std::ofstream(folder->path() + "/file") << std::string(size, 'x');
        CHECK(is_suspect(*source, std::chrono::system_clock::now() + std::chrono::hours(1), RealClock()));
    }
}

}  // namespace holdfast::mover
