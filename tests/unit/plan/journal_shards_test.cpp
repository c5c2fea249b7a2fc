// Bad input 50, and journals that do not fit into one ConfigMap.
#include "common/plan/journal_shards.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/plan/journal.h"
#include "tests/unit/support/fake_cluster.h"

#include <doctest/doctest.h>

using namespace holdfast;        // NOLINT: a test of one header
using namespace holdfast::plan;  // NOLINT

namespace {

constexpr std::size_t kMiB = 1024 * 1024;

// As large as a restore in place of so many claims makes it: each claim's manifest, and a dozen steps for each.
Journal large(int claims) {
    Journal journal;
    journal.operation = "in-place-db-7k2mx";
    journal.kind = "in-place";
    journal.target = "db";
    journal.space = "shop";
    journal.plugin = "restore";
    journal.command = "in-place";
    journal.arguments = {{"positionals", {"sts/db"}}, {"values", Json::object()}};
    journal.started = journal.touched = *parse_time("2026-11-21T04:30:05Z");
    Json swaps = Json::array(), steps = Json::array();
    for (int i = 0; i < claims; ++i) {
        swaps.push_back(
            {{"claim", "data-db-" + std::to_string(i)}, {"manifest", std::string(1500, 'x') + "\u00e4\U0001F600"}});
        for (int k = 0; k < 12; ++k)
            steps.push_back(
                {{"id", "step-" + std::to_string(i) + "-" + std::to_string(k)}, {"title", std::string(200, 't')}});
    }
    journal.record = {{"swaps", std::move(swaps)}, {"from", "set/nightly"}};
    journal.rounds = Json::array({{{"round", 0}, {"steps", std::move(steps)}}});
    return journal;
}

struct Scene {
    testing::FakeClock clock;
    testing::FakeCluster cluster{clock};
    Journal journal = large(1000);

    Result<Journal> read() { return read_journal(cluster, "shop", journal.operation); }
    kube::ObjectRef head() const { return {kube::kConfigMaps, "shop", journal_name(journal.operation)}; }
    std::vector<kube::ObjectRef> shards() {
        std::vector<kube::ObjectRef> refs;
        const auto maps = cluster.list(kube::kConfigMaps, "shop", {});
        for (const Json& map : maps->items) {
            if (kube::label_of(map, labels::kRole) == "journal-shard")
                refs.push_back({kube::kConfigMaps, "shop", kube::name_of(map)});
        }
        return refs;
    }
};

// The same operation as the objects tell of it.
Rebuild told_of(const Journal& journal) {
    return [journal](kube::ClusterReader&, const std::string&) -> Result<std::vector<Journal>> {
        Journal told = journal;
        told.uid.clear();
        told.resource_version.clear();
        told.shards.clear();
        return std::vector<Journal>{told};
    };
}

}  // namespace

TEST_CASE("a small journal stays in one ConfigMap, and an older version of the format") {
    const JournalObjects objects = journal_objects(large(3));
    CHECK(objects.shards.empty());
    CHECK(kube::text_at(objects.head, "/data/journal.json").find("\"format\":2") != std::string::npos);
}

TEST_CASE("a journal of 1,000 claims is written in parts that each fit, and read back as it was") {
    Scene scene;
    REQUIRE(write_new(scene.cluster, scene.journal).ok());
    REQUIRE(scene.shards().size() >= 4);
    const auto maps = scene.cluster.list(kube::kConfigMaps, "shop", {});
    for (const Json& map : maps->items) {
        std::size_t bytes = 0;
        for (const auto& [key, text] : map["data"].items()) bytes += key.size() + text.get<std::string>().size();
        CHECK(bytes < kMiB);
        if (kube::label_of(map, labels::kRole) == "journal") continue;
        CHECK(kube::text_at(map, "/metadata/ownerReferences/0/uid") == scene.journal.uid);
    }
    const auto read = scene.read();
    REQUIRE(read.ok());
    CHECK(read->lost.empty());
    CHECK(read->record == scene.journal.record);
    CHECK(read->rounds == scene.journal.rounds);
}

TEST_CASE("what did not change is not written again: the head decides") {
    Scene scene;
    REQUIRE(write_new(scene.cluster, scene.journal).ok());
    scene.cluster.calls.clear();
    scene.journal.state = "stopped";
    REQUIRE(write_change(scene.cluster, scene.journal).ok());
    CHECK(scene.cluster.writes().size() == 1);
    auto read = scene.read();
    REQUIRE(read.ok());
    scene.cluster.calls.clear();
    read->rounds.push_back({{"round", 1}, {"steps", Json::array({std::string(kLargePart, 's')})}});
    REQUIRE(write_change(scene.cluster, *read).ok());
    CHECK(scene.cluster.writes().size() == 2);
    CHECK(scene.read()->rounds == read->rounds);
}

TEST_CASE("killed before its shards are written, a new journal says that nothing was planned") {
    Scene scene;
    scene.cluster.fault = [&](const std::string& call, bool) -> std::optional<Error> {
        if (call.find("create") != 0 || call.find(".") == std::string::npos) return std::nullopt;
        return Error{ErrorKind::kForbidden, "killed", "", 0, ""};
    };
    CHECK_FALSE(write_new(scene.cluster, scene.journal).ok());
    scene.cluster.fault = {};
    const auto read = scene.read();
    REQUIRE(read.ok());
    CHECK(read->lost.empty());
    CHECK(read->record.empty());
    CHECK(created_objects(*read).empty());
}

TEST_CASE("an answer to a shard that was lost is looked after; one of a journal that is gone is taken over") {
    Scene scene;
    REQUIRE(write_new(scene.cluster, scene.journal).ok());
    scene.cluster.drop(scene.head());
    Journal again = scene.journal;
    REQUIRE(write_new(scene.cluster, again).ok());
    for (const kube::ObjectRef& ref : scene.shards())
        CHECK(kube::text_at(*scene.cluster.at(ref), "/metadata/ownerReferences/0/uid") == again.uid);
    bool once = false;
    Scene other;
    other.cluster.fault = [&](const std::string& call, bool after) -> std::optional<Error> {
        if (once || !after || call.find("create") != 0 || call.find(".") == std::string::npos) return std::nullopt;
        once = true;
        return Error{ErrorKind::kUnavailable, "the answer was lost", "", 0, ""};
    };
    REQUIRE(write_new(other.cluster, other.journal).ok());
    CHECK(once);
    CHECK(other.read()->record == other.journal.record);
}

TEST_CASE(
    "bad input 50: a shard that is missing or edited is told of, and the journal made again from what objects tell") {
    for (const bool edited : {false, true}) {
        Scene scene;
        REQUIRE(write_new(scene.cluster, scene.journal).ok());
        const kube::ObjectRef shard = scene.shards().front();
        Json map = *scene.cluster.at(shard);
        scene.cluster.drop(shard);
        if (edited) {
            std::string text = map["data"]["part"];
            text[text.find("xxx")] = 'y';
            map["data"]["part"] = text;
            scene.cluster.put(map);
        }
        const auto read = scene.read();
        REQUIRE(read.ok());
        REQUIRE(read->lost.size() == 1);
        const auto untold = read_or_rebuild(scene.cluster, "shop", scene.journal.operation, {});
        REQUIRE_FALSE(untold.ok());
        CHECK(untold.error().kind == ErrorKind::kInvalid);
        CHECK(untold.error().message.find(read->lost.front()) != std::string::npos);
        auto whole = read_or_rebuild(scene.cluster, "shop", scene.journal.operation, told_of(scene.journal));
        REQUIRE(whole.ok());
        CHECK(whole->record == scene.journal.record);
        CHECK(whole->uid == scene.journal.uid);
        REQUIRE(write_change(scene.cluster, *whole).ok());
        CHECK(scene.read()->lost.empty());
    }
}

TEST_CASE("a journal that is gone is listed as objects tell of it; one that was edited is not replaced by that") {
    Scene scene;
    scene.journal = large(3);
    std::vector<std::string> damaged;
    std::vector<Journal> journals, unread;
    REQUIRE(rebuild_lost(scene.cluster, "shop", told_of(scene.journal), journals, damaged, unread).ok());
    REQUIRE(journals.size() == 1);
    CHECK(journals[0].uid.empty());
    REQUIRE(write_new(scene.cluster, scene.journal).ok());
    Json body = Json::parse(kube::text_at(*scene.cluster.get(scene.head()), "/data/journal.json"));
    struct Case {
        const char* field;
        const char* state;
        const char* says;
    };
    const std::string way =
        "kubectl delete configmap holdfast-op-in-place-db-7k2mx -n shop; then: kubectl restore resume "
        "in-place-db-7k2mx -n shop";
    for (const Case& one :
         {Case{"target", "damaged", way.c_str()}, Case{"format", "unreadable", "upgrade the plugin"}}) {
        CAPTURE(one.field);
        Json edited = body;
        edited[one.field] = 99;
        Json map = *scene.cluster.get(scene.head());
        map["data"]["journal.json"] = edited.dump();
        scene.cluster.put(map);
        damaged.clear();
        unread.clear();
        journals = *list_journals(scene.cluster, "shop", damaged);
        REQUIRE(damaged.size() == 1);
        REQUIRE(rebuild_lost(scene.cluster, "shop", told_of(scene.journal), journals, damaged, unread).ok());
        CHECK(journals.empty());
        REQUIRE(unread.size() == 1);
        CHECK(unread[0].state == one.state);
        CHECK(unread[0].message.find(one.says) != std::string::npos);
        CHECK(names_journal(damaged[0], unread[0]));
        const auto read = read_or_rebuild(scene.cluster, "shop", scene.journal.operation, told_of(scene.journal));
        REQUIRE_FALSE(read.ok());
        CHECK(read.error().kind == ErrorKind::kRefused);
        CHECK(read.error().hint.find(one.says) != std::string::npos);
    }
}
