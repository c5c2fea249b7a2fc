#include "plugins/clone/prepare.h"
#include "common/core/text.h"
#include "common/kube/objects/provisioning.h"
#include "plugins/clone/fresh.h"
#include "plugins/clone/guards.h"
#include "plugins/clone/seeds.h"
#include "scene.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <variant>

using namespace holdfast;
using namespace holdfast::clone;
using namespace holdfast::clone::testing;

namespace {

CloneOptions masked() {
    CloneOptions wanted = whole();
    wanted.sql = "update users set email = 'x'";
    wanted.isolated = true;
    return wanted;
}

kube::Claim bound(const std::string& name) {
    kube::Claim claim;
    claim.name = name;
    claim.space = "shop";
    claim.uid = "uid-" + name;
    claim.phase = "Bound";
    claim.volume = "pv-" + name;
    claim.operation = kOperation;
    return claim;
}

struct Scene {
    CloneOptions options = masked();
    Choice seeds;
    Treatment treatment;
    Now now;
};

Scene scene(CloneOptions wanted) {
    Scene made;
    made.options = std::move(wanted);
    const auto choice = chosen(made.options);
    REQUIRE(choice.ok());
    made.seeds = seeds_of(made.options, *choice);
    std::vector<const Copy*> copies;
    for (const Copy& one : made.seeds.copies) copies.push_back(&one);
    auto treatment = treatment_of(made.options, recorded_source(made.options, live_for(made.options), made.seeds),
                                  copies, made.seeds, kOperation);
    REQUIRE(treatment.ok());
    made.treatment = std::move(*treatment);
    for (const Copy& one : made.seeds.copies) made.now.claims[one.spec.name] = bound(one.spec.name);
    return made;
}

std::vector<std::string> statements(const plan::Plan& plan) {
    std::vector<std::string> texts;
    for (const plan::Step& step : plan.steps) {
        if (const auto* sql = std::get_if<plan::Sql>(&step.action)) texts.push_back(sql->statement);
    }
    return texts;
}

bool any(const std::vector<std::string>& texts, const std::string& part) {
    return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) { return says(text, part); });
}

}  // namespace

TEST_SUITE("clone prepare") {
    TEST_CASE("one ordinal is masked, by a database that only its own pod can reach") {
        const Scene made = scene(masked());
        REQUIRE(made.treatment.instances.size() == 1);
        const plan::Plan plan = plan_ask(made.options, made.treatment);
        check_golden("ask.json", plan);
        CHECK_FALSE(was_asked(made.treatment, {}));
        CHECK(was_asked(made.treatment, {{"version-0", "150014"}}));
    }

    TEST_CASE("masked, then nothing old is left, then untied, then marked") {
        const Scene made = scene(masked());
        const auto plan =
            plan_treat(made.options, made.treatment, mark_of(made.options), made.now, {{"version-0", "150014"}});
        REQUIRE(plan.ok());
        check_golden("treat.json", *plan);
    }

    TEST_CASE("what is masked are drafts; the clone's own claims are made empty and filled file by file") {
        CloneOptions wanted = masked();
        Scene made = scene(wanted);
        const Choice drafts = drafts_of(made.seeds, kOperation);
        REQUIRE(drafts.copies.size() == 1);
        CHECK(drafts.copies[0].spec.name == "clone-copy-abcde-draft-" + made.seeds.copies[0].spec.name);
        auto treated = treatment_of(wanted, recorded_source(wanted, live_for(wanted), made.seeds), {&drafts.copies[0]},
                                    drafts, kOperation);
        REQUIRE(treated.ok());
        made.now.claims[drafts.copies[0].spec.name] = bound(drafts.copies[0].spec.name);
        made.now.claims[drafts.copies[0].spec.name].requested = Quantity::from_bytes(3LL << 30);
        made.now.cut_at[drafts.copies[0].spec.name] = "2026-11-21T04:30:01Z";
        check_golden("fresh.json", *plan_fresh(wanted, made.seeds, *treated, made.now, input(3)));
        check_golden("fill.json", plan_fill(wanted, made.seeds, *treated, made.now, kOperation));
    }

    TEST_CASE("nothing that the database runs by itself acts before it is masked, or stays off after it") {
        const auto texts_of = [](CloneOptions wanted) {
            const Scene made = scene(std::move(wanted));
            return statements(*plan_treat(made.options, made.treatment, "", made.now, {{"version-0", "150014"}}));
        };
        CloneOptions wanted = masked();
        CHECK(any(texts_of(wanted), "--disable-triggers keeps all from acting"));
        CHECK_FALSE(any(texts_of(wanted), "disable trigger"));
        wanted.disable_triggers = true;
        const std::vector<std::string> texts = texts_of(wanted);
        const auto place = [&](const std::string& part) {
            return std::find_if(texts.begin(), texts.end(), [&](const std::string& one) { return says(one, part); }) -
                   texts.begin();
        };
        CHECK(place("alter event trigger %I disable") == 0);
        CHECK(place("disable trigger %I") < place("update users"));
        CHECK(place("refresh materialized view") < place("enable %s trigger %I"));
        CHECK(place("enable %s trigger %I") < place("alter event trigger %I enable"));
        CHECK(place("alter event trigger %I enable") < place("vacuum (full)"));
    }

    TEST_CASE("a draft is called so that it is placed where what it becomes is placed") {
        Choice seeds = scene(masked()).seeds;
        seeds.copies[0].spec.name = "data-staging-0";
        CHECK(drafts_of(seeds, kOperation).copies[0].spec.name == "clone-copy-abcde-draft-data-staging-0");
        const std::string long_end = std::string(120, 'b') + "-staging-0";
        seeds.copies[0].spec.name = "data" + std::string(100, 'a') + long_end;
        const std::string name = drafts_of(seeds, kOperation).copies[0].spec.name;
        seeds.copies[0].spec.name = "wal" + std::string(100, 'a') + long_end;
        CHECK(name.size() < 253);
        CHECK(says(name, long_end));
        CHECK_FALSE(drafts_of(seeds, kOperation).copies[0].spec.name == name);
        for (const char* called : {"data-copy", "copy", "data-staging-0", "copy-3"}) {
            seeds.copies[0].spec.name = called;
            CHECK(kube::provisioning_place(drafts_of(seeds, kOperation).copies[0].spec.name) ==
                  kube::provisioning_place(called));
        }
    }

    TEST_CASE("a draft that belongs to none of the clone's claims is copied onto none of them") {
        Scene made = scene(masked());
        const Choice drafts = drafts_of(made.seeds, kOperation);
        auto treated = treatment_of(made.options, recorded_source(made.options, live_for(made.options), made.seeds),
                                    {&drafts.copies[0]}, drafts, kOperation);
        REQUIRE(treated.ok());
        REQUIRE(plan_fresh(made.options, made.seeds, *treated, made.now, input(3)).ok());
        treated->instances[0].claims[0].spec.name = "clone-copy-abcde-draft-another";
        const auto plan = plan_fresh(made.options, made.seeds, *treated, made.now, input(3));
        REQUIRE_FALSE(plan.ok());
        CHECK(says(plan.error().message, "clone-copy-abcde-draft-another is a draft of none of the clone's claims"));
    }

    TEST_CASE(
        "a NetworkPolicy is there before the pods that hold what is not masked, and goes after them, before a mark") {
        const auto place = [](const plan::Plan& plan, const std::string& id) {
            for (std::size_t i = 0; i < plan.steps.size(); ++i) {
                if (starts_with(plan.steps[i].id, id)) return static_cast<int>(i);
            }
            return -1;
        };
        const auto follows = [&](const plan::Plan& plan, const std::string& later, const std::string& earlier) {
            const std::vector<std::string>& after = plan.steps[static_cast<std::size_t>(place(plan, later))].after;
            return std::find(after.begin(), after.end(),
                             plan.steps[static_cast<std::size_t>(place(plan, earlier))].id) != after.end();
        };
        Scene made = scene(masked());
        CHECK(place(plan_ask(made.options, made.treatment), "create-policy") == -1);  // none may be made
        made.treatment.policy = kOperation;
        const plan::Plan ask = plan_ask(made.options, made.treatment);
        REQUIRE(place(ask, "create-policy") == 0);
        CHECK(follows(ask, "create-db", "create-policy"));
        const auto& create = std::get<plan::Create>(ask.steps[0].action);
        CHECK(create.manifest["spec"]["podSelector"]["matchLabels"] == Json{{"holdfast.dev/operation", kOperation}});
        CHECK(create.manifest["spec"]["policyTypes"] == Json::array({"Ingress", "Egress"}));
        const std::map<std::string, std::string> version = {{"version-0", "150014"}};
        const auto drafts = plan_treat(made.options, made.treatment, draft_mark_of(made.options), made.now, version);
        REQUIRE(drafts.ok());
        CHECK(place(*drafts, "delete-policy") == -1);  // the copying pods' too
        const plan::Plan fill = plan_fill(made.options, made.seeds, made.treatment, made.now, kOperation);
        CHECK(follows(fill, "delete-policy", "delete-clone-copy-abcde-copy-0"));
        CHECK(follows(fill, "mark-", "delete-policy"));
        made.options.sql.clear();
        const auto untied = plan_treat(made.options, made.treatment, mark_of(made.options), made.now, version);
        REQUIRE(untied.ok());
        CHECK(follows(*untied, "delete-policy", "delete-db-"));
        CHECK(follows(*untied, "mark-", "delete-policy"));
    }

    TEST_CASE("a copying pod that no node can take is waited for no longer than anything else") {
        Scene made = scene(masked());
        const Choice drafts = drafts_of(made.seeds, kOperation);
        auto treated = treatment_of(made.options, recorded_source(made.options, live_for(made.options), made.seeds),
                                    {&drafts.copies[0]}, drafts, kOperation);
        REQUIRE(treated.ok());
        const plan::Plan plan = plan_fill(made.options, made.seeds, *treated, made.now, kOperation);
        bool begun = false;
        for (const plan::Step& step : plan.steps) {
            const auto* wait = std::get_if<plan::WaitFor>(&step.action);
            if (wait == nullptr) continue;
            if (wait->condition == plan::Condition::kPodStarted) begun = step.limit.count() == 0;
            if (step.limit.count() > 0) CHECK(begun);
        }
        CHECK(begun);
    }

    TEST_CASE("a draft is not marked as what may be used") {
        CHECK_FALSE(draft_mark_of(masked()) == mark_of(masked()));
        CHECK_FALSE(says(draft_mark_of(masked()), "masked:"));
    }

    TEST_CASE("a quota has to have room for the draft beside what is kept") {
        Scene made = scene(masked());
        const auto choice = chosen(made.options);
        made.now.claims.clear();
        const Json quota = {
            {"metadata", {{"name", "most"}}},
            {"status", {{"hard", {{"persistentvolumeclaims", "2"}}}, {"used", {{"persistentvolumeclaims", "0"}}}}}};
        made.now.quotas = {quota};
        const Status refusal = check_place(made.options, *choice, made.now, kOperation);
        REQUIRE_FALSE(refusal.ok());
        CHECK(says(refusal.error().message, "the clone needs 3 more"));
        made.options.sql.clear();
        CHECK(check_place(made.options, *choice, made.now, kOperation).ok());
    }

    TEST_CASE("a setting that a version does not know is not set in it") {
        const Scene made = scene(masked());
        const auto plan =
            plan_treat(made.options, made.treatment, mark_of(made.options), made.now, {{"version-0", "140010"}});
        REQUIRE(plan.ok());
        CHECK_FALSE(any(statements(*plan), "archive_library"));
        CHECK(any(statements(*plan), "archive_command"));
    }

    TEST_CASE("isolation alone is done on every ordinal and rewrites nothing") {
        CloneOptions wanted = masked();
        wanted.sql.clear();
        const Scene made = scene(wanted);
        CHECK(made.treatment.instances.size() == 2);
        const auto plan = plan_treat(made.options, made.treatment, mark_of(made.options), made.now,
                                     {{"version-0", "150014"}, {"version-1", "150014"}});
        REQUIRE(plan.ok());
        CHECK_FALSE(any(statements(*plan), "vacuum"));
        CHECK(any(statements(*plan), "pg_drop_replication_slot"));
    }

    TEST_CASE("what is taken out of a catalog is taken out before its table is rewritten") {
        const Scene made = scene(masked());
        const auto plan =
            plan_treat(made.options, made.treatment, mark_of(made.options), made.now, {{"version-0", "150014"}});
        REQUIRE(plan.ok());
        const std::vector<std::string> said = statements(*plan);
        const auto place = [&](const std::string& words) {
            return std::find_if(said.begin(), said.end(), [&](const std::string& one) { return says(one, words); });
        };
        REQUIRE(place("subconninfo") != said.end());
        CHECK(place("subconninfo") < place("vacuum (full)"));
        CHECK(place("drop user mapping") < place("vacuum (full)"));
    }

    TEST_CASE("a log whose segments are used again keeps old rows: too old to be masked") {
        const Scene made = scene(masked());
        const auto plan =
            plan_treat(made.options, made.treatment, mark_of(made.options), made.now, {{"version-0", "110022"}});
        REQUIRE_FALSE(plan.ok());
        CHECK(says(plan.error().message, "12 or later"));
    }

    TEST_CASE("the other ordinals are copies of the masked one, not of the source") {
        const auto choice = chosen(masked());
        Now now;
        now.claims["data-copy-0"] = bound("data-copy-0");
        const Spread spread = spread_of(masked(), *choice, live_for(masked()), now, kOperation);
        REQUIRE(spread.choice.copies.size() == 1);
        CHECK(spread.choice.copies.front().spec.name == "data-copy-1");
        REQUIRE(spread.choice.sources.size() == 1);
        CHECK(spread.choice.sources.front().facts.claim == "data-copy-0");
        CHECK(spread.choice.sources.front().facts.claim_uid == "uid-data-copy-0");
        CHECK_FALSE(has_more_than_seeds(whole(), *choice));
        CHECK(has_more_than_seeds(masked(), *choice));
    }

    TEST_CASE("the mark says what was done, and by which statements") {
        CloneOptions wanted = masked();
        const std::string mark = mark_of(wanted);
        CHECK(says(mark, "masked:"));
        CHECK(says(mark, ",isolated"));
        wanted.sql += ";";
        CHECK(mark_of(wanted) != mark);
    }
}
