#include "common/plan/journal.h"

#include "common/kube/objects/labels.h"
#include "common/plan/drive.h"

#include <doctest/doctest.h>

using namespace holdfast;        // NOLINT: a test of one header
using namespace holdfast::plan;  // NOLINT

namespace {

Journal sample() {
    Journal journal;
    journal.operation = "snap-postgres-7k2mx";
    journal.kind = "snap";
    journal.target = "postgres";
    journal.space = "bookstore";
    journal.plugin = "snap";
    journal.command = "create";
    journal.arguments = {{"positionals", {"sts/postgres"}}, {"values", {{"name", {"a"}}}}};
    journal.argument_hash = "abc";
    journal.owner = "boot/pid:[1]/7/9";
    journal.host = "db1";
    journal.touched = *parse_time("2026-11-21T04:30:06.5Z");
    journal.locks = {{{kube::kStatefulSets, "bookstore", "postgres"}, "some-uid"}};
    journal.record = {{"replicas", 3}};
    journal.started = *parse_time("2026-11-21T04:30:05Z");
    Plan plan;
    Step step;
    step.id = "create-0";
    step.title = "create vs/bookstore/a";
    step.action = Create{{{"apiVersion", "snapshot.storage.k8s.io/v1"},
                          {"kind", "VolumeSnapshot"},
                          {"metadata", {{"name", "a"}, {"namespace", "bookstore"}}}},
                         {}};
    plan.steps.push_back(step);
    journal.rounds.push_back(brief(plan));
    return journal;
}

}  // namespace

TEST_CASE("a journal goes through its ConfigMap unchanged") {
    const Journal journal = sample();
    const auto read = journal_from_config_map(journal_to_config_map(journal));
    REQUIRE(read.ok());
    CHECK(journal_to_config_map(*read).dump() == journal_to_config_map(journal).dump());
    const auto created = created_objects(*read);
    REQUIRE(created.size() == 1);
    CHECK(created[0].text() == "vs/bookstore/a");
    CHECK(read->locks == journal.locks);
    CHECK(read->touched == journal.touched);
    CHECK(read->record == journal.record);
}

TEST_CASE("bad input 48: a journal of a newer Holdfast is refused, a damaged one is named") {
    Json map = journal_to_config_map(sample());
    Json body = Json::parse(map["data"]["journal.json"].get<std::string>());
    body["format"] = kJournalFormat + 1;
    map["data"]["journal.json"] = body.dump();
    CHECK(journal_from_config_map(map).error().kind == ErrorKind::kRefused);
    CHECK(journal_from_config_map(map).error().hint.find("upgrade") == 0);
    map["data"]["journal.json"] = "{";
    CHECK(journal_from_config_map(map).error().kind == ErrorKind::kInvalid);
    CHECK(journal_from_config_map(map).error().message.find("configmap/bookstore/holdfast-op-snap-postgres-7k2mx") ==
          0);
    body["format"] = 1;
    body["operation"] = "another";
    map["data"]["journal.json"] = body.dump();
    CHECK_FALSE(journal_from_config_map(map).ok());
}

TEST_CASE("bad input 47: a journal that was edited is refused, and what differs is named") {
    const Json written = journal_to_config_map(sample());
    const auto edited = [&](const char* field, const Json& value) {
        Json map = written;
        Json body = Json::parse(map["data"]["journal.json"].get<std::string>());
        body[field] = value;
        map["data"]["journal.json"] = body.dump();
        return journal_from_config_map(map);
    };
    REQUIRE(edited("target", "postgres").ok());
    for (const char* field : {"target", "arguments", "rounds", "record", "locks", "owner", "epoch", "state", "added"}) {
        const auto read = edited(field, "x");
        REQUIRE_FALSE(read.ok());
        CHECK(read.error().kind == ErrorKind::kRefused);
        CHECK(read.error().message.find("differs in " + std::string(field) + ", now \"x\"") != std::string::npos);
        CHECK(read.error().message.find("nothing was changed") != std::string::npos);
    }
    Json map = written;
    map["data"].erase("sums.json");
    CHECK_FALSE(journal_from_config_map(map).ok());
}

TEST_CASE("a journal of the version before is read: it has no sums, locks or record") {
    Json map = journal_to_config_map(sample());
    Json body = Json::parse(map["data"]["journal.json"].get<std::string>());
    body["format"] = 1;
    for (const char* field : {"locks", "record", "touched", "host"}) body.erase(field);
    map["data"] = {{"journal.json", body.dump()}};
    const auto read = journal_from_config_map(map);
    REQUIRE(read.ok());
    CHECK(read->locks.empty());
    CHECK(read->touched == read->started);
}

TEST_CASE("a journal cut at any byte is an error, never a different journal") {
    Json map = journal_to_config_map(sample());
    const std::string whole = map["data"]["journal.json"].get<std::string>();
    for (std::size_t length = 0; length < whole.size(); ++length) {
        map["data"]["journal.json"] = whole.substr(0, length);
        CHECK_FALSE(journal_from_config_map(map).ok());
    }
}

TEST_CASE("the argument hash ignores the order of flags and nothing else") {
    auto line = [](const char* json) { return CommandLine{"snap", "create", "v0", Json::parse(json), std::nullopt}; };
    const std::string a = argument_hash(line(R"({"positionals":["sts/a"],"values":{"name":["x"],"wait":["cut"]}})"));
    CHECK(a == argument_hash(line(R"({"positionals":["sts/a"],"values":{"wait":["cut"],"name":["x"]}})")));
    CHECK(a != argument_hash(line(R"({"positionals":["sts/b"],"values":{"wait":["cut"],"name":["x"]}})")));
    CHECK(a != argument_hash(line(R"({"positionals":["sts/a"],"values":{"wait":["ready"],"name":["x"]}})")));
    CommandLine other = line(R"({"positionals":["sts/a"],"values":{"wait":["cut"],"name":["x"]}})");
    other.command = "delete";
    CHECK(a != argument_hash(other));
}

TEST_CASE("a plan's permissions are those of its steps, each once") {
    Plan plan;
    Step create;
    create.id = "c";
    create.action = Create{
        {{"apiVersion", "v1"}, {"kind", "PersistentVolumeClaim"}, {"metadata", {{"name", "a"}, {"namespace", "n"}}}},
        {}};
    Step wait;
    wait.id = "w";
    wait.action = WaitFor{kube::kClaims, "n", {"a"}, Condition::kClaimBound, ""};
    plan.steps = {create, create, wait};
    plan.later_needs.push_back({"delete", kube::kVolumes, "ignored", "", ""});
    std::vector<std::string> texts;
    for (const auto& check : permissions(plan))
        texts.push_back(check.verb + " " + check.resource.plural + " " + check.space);
    CHECK(texts == std::vector<std::string>{"get persistentvolumeclaims n", "create persistentvolumeclaims n",
                                            "list persistentvolumeclaims n", "watch persistentvolumeclaims n",
                                            "delete persistentvolumes "});
}

TEST_CASE("a journal that was edited puts nothing into the lines that it is told with") {
    for (const char* word : {"snap; touch /tmp/x;", "snap\x1b[2J", "$(id)", ""}) {
        Journal journal = sample();
        journal.plugin = word;
        CHECK(journal_from_config_map(journal_to_config_map(journal)).error().kind == ErrorKind::kInvalid);
        journal = sample();
        journal.command = word;
        CHECK(journal_from_config_map(journal_to_config_map(journal)).error().kind == ErrorKind::kInvalid);
    }
}
