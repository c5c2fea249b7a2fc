#include "common/kube/objects/workload.h"
#include "plugins/restore/finalize.h"
#include "plugins/restore/undo.h"
#include "swap_scene.h"
#include "tests/golden/golden.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace holdfast;

namespace {

restore::KeptVolume kept(const std::string& name, const std::string& phase, const std::string& claim_uid) {
    restore::KeptVolume one;
    one.object = testing::live_volume(name, "data-db-0", claim_uid, phase, "Retain");
    one.object["metadata"]["resourceVersion"] = "41";
    one.volume = kube::volume_of(one.object);
    one.mark.operation = "in-place-db-abcde";
    one.mark.claim = "data-db-0";
    one.mark.claim_uid = "uid-claim-0";
    one.mark.at = "2026-11-21T02:00:11Z";
    one.mark.count = 1;
    return one;
}

}  // namespace

TEST_CASE("R18: finalize gives the storage only the volume that it has read, none that somebody took into use since") {
    restore::FinalizeFacts facts;
    facts.volumes = {kept("old-0", "Released", "uid-claim-0")};
    const auto plan = restore::plan_finalize({"shop", "in-place-db-abcde"}, facts, testing::some_time()).value();
    const auto remove = std::find_if(plan.steps.begin(), plan.steps.end(),
                                     [](const plan::Step& step) { return step.id == "remove-old-0"; });
    REQUIRE(remove != plan.steps.end());
    CHECK(std::get<plan::Patch>(remove->action).preconditions.resource_version == "41");
}

TEST_CASE("finalize names size and date, and asks") {
    restore::FinalizeFacts facts;
    facts.volumes = {kept("old-0", "Released", "uid-claim-0"), kept("old-1", "Available", "")};
    facts.record_uid = "uid-record";
    const restore::FinalizeOptions options{"shop", "in-place-db-abcde"};
    const auto plan = restore::plan_finalize(options, facts, testing::some_time());
    REQUIRE(plan.ok());
    CHECK(plan->asks);
    golden::check("restore/finalize.json", plan::to_json(*plan).dump(2) + "\n");
    CHECK(std::get<plan::Delete>(plan->steps.back().action).preconditions.uid == "uid-record");
    auto gone = facts;
    gone.record_uid.clear();
    CHECK(restore::plan_finalize(options, gone, testing::some_time())->steps.back().id == "wait-gone");
    // Whoever took the reservation off to look at the volume left it without a name: the whole of it is given back.
    const auto release = std::find_if(plan->steps.begin(), plan->steps.end(),
                                      [](const plan::Step& step) { return step.id == "release-old-1"; });
    REQUIRE(release != plan->steps.end());
    const auto& patch = std::get<plan::Patch>(release->action);
    CHECK(kube::text_at(patch.body, "/spec/claimRef/name") == "data-db-0");
    CHECK(kube::text_at(patch.body, "/spec/claimRef/namespace") == "shop");
    CHECK(patch.preconditions.resource_version == "41");
    auto broken = facts;
    broken.live = {"old-0"};
    CHECK(restore::plan_finalize(options, broken, testing::some_time()).error().kind == ErrorKind::kRefused);
    broken = facts;
    broken.attached = {"old-1"};
    CHECK(restore::plan_finalize(options, broken, testing::some_time()).error().kind == ErrorKind::kRefused);
    broken = facts;
    broken.shared = {{"old-0", "rescue"}};
    const auto shared = restore::plan_finalize(options, broken, testing::some_time());
    REQUIRE_FALSE(shared.ok());
    CHECK(shared.error().message.find("pv/rescue is the same disk as pv/old-0, which would go with it") == 0);
    broken = facts;
    broken.unfinished = true;
    CHECK(restore::plan_finalize(options, broken, testing::some_time()).error().kind == ErrorKind::kRefused);
    broken = {};
    broken.elsewhere = {"shop"};
    const auto wrong_place = restore::plan_finalize(options, broken, testing::some_time());
    REQUIRE_FALSE(wrong_place.ok());
    CHECK(wrong_place.error().kind == ErrorKind::kNotFound);
    CHECK(wrong_place.error().hint.find(" -n shop") != std::string::npos);
    broken = facts;
    broken.volumes[0].volume.phase = "Bound";
    CHECK(restore::plan_finalize(options, broken, testing::some_time()).error().kind == ErrorKind::kRefused);
}

TEST_CASE("undo takes the last one first, also when the machine before had a clock that was ahead") {
    const SystemTime now = parse_time("2026-11-21T02:00:00Z").value();
    CHECK(restore::moment_after({}, now) == "2026-11-21T02:00:00Z");
    CHECK(restore::moment_after({"2026-11-21T01:00:00Z", "damaged"}, now) == "2026-11-21T02:00:00Z");
    CHECK(restore::moment_after({"2026-11-21T04:00:00Z", "2026-11-21T03:00:00Z"}, now) == "2026-11-21T04:00:01Z");
}

TEST_CASE("finalize of a name that is none says which there are") {
    restore::FinalizeFacts facts;
    facts.others = {"in-place-db-abcde", "undo-db-12345"};
    const restore::FinalizeOptions options{"shop", "in-place-db-abcdf"};
    const auto mistyped = restore::plan_finalize(options, facts, testing::some_time());
    REQUIRE_FALSE(mistyped.ok());
    CHECK(mistyped.error().kind == ErrorKind::kNotFound);
    CHECK(mistyped.error().message ==
          "there is no operation in-place-db-abcdf that keeps volumes in namespace shop; nothing was changed");
    CHECK(mistyped.error().hint == "these do: in-place-db-abcde, undo-db-12345");
    facts.begun = true;  // killed when all was removed: the next run ends it
    CHECK(restore::plan_finalize(options, facts, testing::some_time())->steps.empty());
    facts.begun = false;
    facts.record_uid = "uid-record";  // its volumes are gone, its record goes now
    CHECK(restore::plan_finalize(options, facts, testing::some_time())->steps.size() == 1);
}

TEST_CASE("finalize of an operation whose journal was lost before it kept anything says that it is unfinished") {
    restore::FinalizeOptions options;
    options.space = "shop";
    options.operation = "in-place-db-abcde";
    restore::FinalizeFacts facts;
    facts.unfinished = true;  // as its volumes say
    const auto lost = restore::plan_finalize(options, facts, testing::some_time());
    REQUIRE_FALSE(lost.ok());
    CHECK(lost.error().kind == ErrorKind::kRefused);
}

TEST_CASE("undo: the only candidate, or the list; last in, first out") {
    restore::KeptOperation first{"in-place-db-1", "2026-11-21T02:00:00Z", {kept("a", "Released", "u")}};
    restore::KeptOperation second{"in-place-db-2", "2026-11-21T03:00:00Z", {kept("b", "Released", "u")}};
    restore::KeptOperation other{"in-place-web-1", "2026-11-21T01:00:00Z", {kept("c", "Released", "u")}};
    other.volumes[0].mark.claim = "web";
    CHECK((*restore::choose_kept({first}, ""))->id == "in-place-db-1");
    CHECK((*restore::choose_kept({second, first}, ""))->id == "in-place-db-2");
    const auto late = restore::choose_kept({second, first}, "in-place-db-1");
    REQUIRE_FALSE(late.ok());
    CHECK(late.error().message.find("swapped again, by in-place-db-2") != std::string::npos);
    const auto several = restore::choose_kept({second, first, other}, "");
    REQUIRE_FALSE(several.ok());
    CHECK(several.error().message.find("in-place-web-1") != std::string::npos);
    CHECK(restore::choose_kept({}, "").error().kind == ErrorKind::kNotFound);
}
