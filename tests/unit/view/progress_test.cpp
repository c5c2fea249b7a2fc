#include "common/view/progress.h"

#include "tests/unit/support/fake_cluster.h"
#include "tests/unit/support/fake_console.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <sstream>

using namespace holdfast;
using namespace std::chrono_literals;

namespace {

struct Stage {
    FakeConsole console;
    testing::FakeClock clock;
    std::unique_ptr<view::Progress> progress;
    explicit Stage(const std::string& mode, bool terminal = false) {
        console.terminal = terminal;
        progress = view::make_progress(mode, console, clock);
    }
    const std::string& text() const { return console.err_text; }
};

std::size_t lines(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("nothing is shown in mode none, and results are never touched") {
    for (const char* mode : {"none", "plain", "bar", "json"}) {
        Stage stage(mode);
        stage.progress->step_started("a", "create a");
        stage.progress->step_done("a", "create a", 1.5);
        stage.progress->close();
        CHECK(stage.console.out_text.empty());
        CHECK(stage.text().empty() == (std::string(mode) == "none"));
    }
}

TEST_CASE("plain lines: a wait is told when its text changes, at most every two seconds") {
    Stage stage("plain");
    stage.progress->step_waits("a", "0 of 3");
    stage.progress->step_waits("a", "0 of 3");
    stage.progress->step_waits("a", "1 of 3");
    CHECK(stage.text() == "  waiting: 0 of 3\n");
    stage.clock.sleep_for(2500ms);
    stage.progress->step_waits("a", "2 of 3");
    CHECK(stage.text() == "  waiting: 0 of 3\n  waiting: 2 of 3\n");
}

TEST_CASE("plain lines: a thousand quick steps are a few lines and a count, slow ones are always named") {
    Stage stage("plain");
    for (int i = 0; i < 1000; i++) stage.progress->step_done("s", "create " + std::to_string(i), 0.01);
    stage.progress->step_done("slow", "wait for all", 12);
    stage.progress->close();
    CHECK(lines(stage.text()) == 12);
    CHECK(stage.text().find("  done: 990 more steps\n") != std::string::npos);
    CHECK(stage.text().find("  done: wait for all (12.0s)\n") != std::string::npos);
}

TEST_CASE("json: one object a line, each with a type and a time") {
    Stage stage("json", true);
    stage.progress->step_started("a", "create \"a\"\n");
    stage.progress->step_waits("a", "0 of 1");
    stage.progress->step_waits("a", "0 of 1");
    stage.progress->step_done("a", "create a", 0.5);
    stage.progress->step_failed("b", "create b", "no");
    stage.progress->step_left("c", "create c", "changed; it is read again");
    stage.progress->message("hello");
    std::istringstream text(stage.text());
    std::vector<std::string> types;
    for (std::string line; std::getline(text, line);) {
        const auto object = nlohmann::json::parse(line);
        types.push_back(object.at("type"));
        CHECK(object.at("time").get<std::string>().size() > 20);
    }
    CHECK(types ==
          std::vector<std::string>{"step_started", "step_waits", "step_done", "step_failed", "step_left", "message"});
}

TEST_CASE("a live line is drawn at most ten times a second, fits the terminal and is cleared") {
    Stage stage("auto", true);
    stage.console.columns = 30;
    stage.progress->step_started("a", "create a rather long title that does not fit");
    for (int i = 0; i < 50; i++) stage.progress->step_waits("a", std::to_string(i));
    CHECK(std::count(stage.text().begin(), stage.text().end(), '\r') == 1);
    stage.clock.sleep_for(150ms);
    stage.progress->step_waits("a", "x");
    CHECK(std::count(stage.text().begin(), stage.text().end(), '\r') == 2);
    std::istringstream drawn(stage.text());
    for (std::string part; std::getline(drawn, part, '\r');) CHECK(part.size() < 30 + 3);  // and the clearing sequence
    CHECK(lines(stage.text()) == 0);
    stage.progress->close();
    CHECK(stage.text().substr(stage.text().size() - 4) == "\r\x1b[K");
}

TEST_CASE("without a terminal auto means plain lines") {
    Stage stage("auto");
    stage.progress->step_started("a", "create a");
    stage.progress->step_done("a", "create a", 2);
    CHECK(stage.text() == "  done: create a (2.0s)\n");
}

TEST_CASE("what comes from the cluster cannot move the cursor") {
    for (const char* mode : {"plain", "bar", "json"}) {
        Stage stage(mode);
        stage.progress->step_started("a", "t\x1b[2J");
        stage.progress->step_waits("a", "w\x1b[2J");
        stage.progress->step_failed("a", "t", "f\x1b[2J");
        stage.progress->message("m\x1b[2J");
        CHECK(stage.text().find("\x1b[2J") == std::string::npos);
    }
}
