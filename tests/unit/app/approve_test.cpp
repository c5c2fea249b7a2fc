#include "common/app/approve.h"

#include "common/os/files.h"
#include "tests/unit/app/sample_plugin.h"
#include "tests/unit/support/fake_cluster.h"
#include "tests/unit/support/fake_console.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::app;

namespace {

struct NoSignals : Signals {
    int count() const override { return 0; }
    int last() const override { return 0; }
};

struct Stage {
    Plugin plugin = sample::plugin();
    Environment environment;
    FakeConsole console;
    testing::FakeClock clock;
    NoSignals signals;
    Invocation invocation;
    plan::Plan plan;

    Stage() {
        environment.home = "/nonexistent";
        invocation.command = &plugin.commands.front();
        plan.operation = "snap-x-1";
        plan.asks = true;
    }
    Status approve(bool resuming = false) {
        Session session(plugin, invocation, Process{environment, console, clock, signals});
        return app::approve(session, plan, resuming);
    }
};

}  // namespace

TEST_CASE("a plan that asks is refused where nobody can be asked, unless --yes was given") {
    Stage stage;
    const auto refused = stage.approve();
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == ErrorKind::kRefused);
    CHECK(refused.error().message.find("nothing was changed") != std::string::npos);
    CHECK(refused.error().hint.find("--yes") != std::string::npos);
    stage.invocation.common.yes = true;
    CHECK(stage.approve().ok());
}

TEST_CASE("on a terminal only yes means yes") {
    Stage stage;
    stage.console.terminal = true;
    for (const char* answer : {"y", "Y", "yes", " YES "}) {
        stage.console.answers = {answer};
        CHECK(stage.approve().ok());
    }
    for (const char* answer : {"", "n", "no", "yess", "1"}) {
        stage.console.answers = {answer};
        CHECK(stage.approve().error().kind == ErrorKind::kRefused);
    }
    stage.console.answers = {};  // end of input
    CHECK(stage.approve().error().kind == ErrorKind::kRefused);
    CHECK(stage.console.err_text.find("[y/N]") != std::string::npos);
}

TEST_CASE("a plan that only adds is shown and not asked for") {
    Stage stage;
    stage.plan.asks = false;
    CHECK(stage.approve().ok());
    CHECK(stage.console.err_text.find("Plan snap-x-1") == 0);
    CHECK(stage.console.out_text.empty());
}

TEST_CASE("later rounds are shown and not asked for again") {
    Stage stage;
    stage.plan.round = 1;
    CHECK(stage.approve().ok());
    CHECK(stage.console.err_text.find("round 2") != std::string::npos);
}

TEST_CASE("a dry run's plan is its result, as data if asked for, and needs no yes") {
    for (const auto dry_run : {CommonFlags::DryRun::kClient, CommonFlags::DryRun::kServer}) {
        Stage stage;
        stage.invocation.common.dry_run = dry_run;
        CHECK(stage.approve().ok());
        CHECK(stage.console.out_text.find("Plan snap-x-1") == 0);
        CHECK(stage.console.err_text.empty());
        stage.console.out_text.clear();
        stage.invocation.common.output = "json";
        CHECK(stage.approve().ok());
        CHECK(Json::parse(stage.console.out_text)["kind"] == "Plan");
    }
}

TEST_CASE("bad input 25: a connection that only the kubeconfig leaves unverified does not delete") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    const std::string file = folder->path() + "/config";
    const auto written =
        write_file_atomic(file,
                          "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                          "clusters: [{name: c, cluster: {server: 'https://h', insecure-skip-tls-verify: true}}]\n"
                          "contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\n");
    REQUIRE(written.ok());
    Stage stage;
    stage.invocation.common.yes = true;
    stage.invocation.connection.kubeconfig = file;
    const auto refused = stage.approve();
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == ErrorKind::kRefused);
    CHECK(refused.error().hint.find("--insecure-skip-tls-verify") != std::string::npos);
    stage.plan.asks = false;
    CHECK(stage.approve().ok());
    stage.plan.asks = true;
    stage.invocation.connection.insecure_skip_tls_verify = true;
    CHECK(stage.approve().ok());
}
