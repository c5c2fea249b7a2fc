#include "common/app/witness.h"

#include "tests/unit/support/fake_cluster.h"
#include "tests/unit/support/fake_console.h"

#include <doctest/doctest.h>

namespace holdfast {
namespace {

std::string told_of(const plan::Step& step, ErrorKind kind) {
    FakeConsole console;
    testing::FakeClock clock;
    app::ShownProgress shown(view::make_progress("plain", console, clock), false);
    shown.step_failed(step, Error{kind, "sts/n/db: somebody changed it since it was read", "", 0, ""});
    return console.err_text;
}

}  // namespace

TEST_CASE("what the next round reads again, and what is only good to have, is told as no failure") {
    plan::Step step;
    step.title = "give back";
    CHECK(told_of(step, ErrorKind::kConflict) ==
          "  failed: give back: sts/n/db: somebody changed it since it was read\n");
    step.replan = true;
    CHECK(told_of(step, ErrorKind::kConflict) ==
          "  not done: give back: sts/n/db: somebody changed it since it was read; it is read again\n");
    CHECK(told_of(step, ErrorKind::kForbidden).rfind("  failed: ", 0) == 0);
    step.replan = false;
    step.optional = true;
    CHECK(told_of(step, ErrorKind::kTimeout).rfind("  not done: ", 0) == 0);
    CHECK(told_of(step, ErrorKind::kInterrupted).rfind("  failed: ", 0) == 0);
}

}  // namespace holdfast
