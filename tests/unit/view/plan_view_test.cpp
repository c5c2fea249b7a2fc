#include "common/view/plan_view.h"

#include "common/plan/make_step.h"
#include "tests/golden/golden.h"

#include <doctest/doctest.h>

using namespace holdfast;

namespace {

plan::Step create(const std::string& id, const std::string& name) {
    plan::Step step;
    step.id = id;
    step.title = "create vs/bookstore/" + name;
    step.reason = "snapshot of pvc/data-" + name;
    step.phase = "cut";
    step.action = plan::Create{Json{{"apiVersion", "snapshot.storage.k8s.io/v1"},
                                    {"kind", "VolumeSnapshot"},
                                    {"metadata", {{"name", name}, {"namespace", "bookstore"}}}},
                               {}};
    return step;
}

plan::Step removal() {
    plan::Step step;
    step.id = "delete-old";
    step.title = "delete vs/bookstore/old";
    step.reason = "it is no longer wanted";
    step.action = plan::Delete{kube::ObjectRef{kube::kSnapshots, "bookstore", "old"}, {"u-1", ""}};
    step.risk = plan::Risk::kFinal;
    step.point_of_no_return = true;
    return step;
}

plan::Plan mixed() {
    plan::Plan plan;
    plan.operation = "snap-postgres-7k2m";
    plan.steps = {create("create-0", "a"), removal()};
    plan::Step wait;
    wait.id = "wait";
    wait.title = "wait until every snapshot is ready";
    wait.action = plan::WaitFor{kube::kSnapshots, "bookstore", {"a", "b", "c"}, plan::Condition::kSnapshotReady, ""};
    wait.after = {"create-0"};
    plan.steps.push_back(wait);
    plan::Step hook;
    hook.id = "pre";
    plan::Exec exec;
    exec.space = "bookstore";
    exec.pod = "postgres-0";
    exec.argv = {"sh", "-c", "echo hunter2"};
    hook.action = exec;
    hook.risk = plan::Risk::kStopsWrites;
    hook.risk_text = "stops writes for about 2 s";
    plan.steps.push_back(hook);
    plan.notes = {"consistency: none"};
    plan.later = {"the set is marked complete"};
    plan.asks = true;
    plan.last = false;
    return plan;
}

}  // namespace

TEST_CASE("a plan for people: numbers, reasons, risks, the point of no return, notes and later rounds") {
    golden::check("view/plan.txt", view::plan_text(mixed(), false) + view::permissions_text(mixed()));
}

TEST_CASE("a plan as data") { golden::check("view/plan.json", view::plan_json(mixed()).dump(2) + "\n"); }

TEST_CASE("commands and manifests, which may hold secrets, are in neither") {
    CHECK(view::plan_text(mixed(), true).find("hunter2") == std::string::npos);
    CHECK(view::plan_json(mixed()).dump().find("hunter2") == std::string::npos);
}

TEST_CASE("a thousand equal steps are one line, those that differ stand alone") {
    plan::Plan plan;
    plan.operation = "snap-big-1";
    for (int i = 0; i < 1000; i++) {
        plan.steps.push_back(create("create-" + std::to_string(i), "x-" + std::to_string(i)));
        plan.steps.back().reason = "one of the set";
    }
    plan.steps.push_back(removal());
    const std::string text = view::plan_text(plan, false);
    CHECK(std::count(text.begin(), text.end(), '\n') == 6);
    CHECK(text.find("1-1000. create 1000 objects: vs/bookstore/x-0 to x-999") != std::string::npos);
    CHECK(text.find("1001. delete vs/bookstore/old") != std::string::npos);
    CHECK(view::plan_json(plan)["steps"].size() == 1001);
}

TEST_CASE("many statements in one pod are named one by one: they do not do the same") {
    plan::Plan plan;
    plan.operation = "clone-staging-1";
    for (int i = 0; i < 20; i++) {
        plan::Sql sql;
        sql.space = "bookstore";
        sql.pod = "db-0";
        plan.steps.push_back(plan::make_step("sql-" + std::to_string(i), "statement " + std::to_string(i), "", sql));
    }
    const std::string text = view::plan_text(plan, false);
    for (int i = 0; i < 20; i++) CHECK(text.find("statement " + std::to_string(i) + "\n") != std::string::npos);
}

TEST_CASE("control sequences in remote names are shown and not sent") {
    plan::Plan plan = mixed();
    plan.notes = {"a\x1b[2Jb"};
    plan.steps[0].title = "create \x1b]0;x\x07";
    const std::string text = view::plan_text(plan, false);
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\x07') == std::string::npos);
}
