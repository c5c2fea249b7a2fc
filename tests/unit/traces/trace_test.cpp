#include "tests/traces/trace.h"

#include <doctest/doctest.h>

using namespace holdfast;

TEST_SUITE("traces: text") {
    TEST_CASE("what was written is read again") {
        const traces::Trace trace{{"# why"},
                                  {{"kubectl delete pod/a", {{"pod/a", "Running placed deleting"}, {"pod/a", "gone"}}},
                                   {"kubectl snap list", {}}}};
        const std::string text = traces::text_of(trace);
        const auto again = traces::parse_trace(text);
        REQUIRE(again.ok());
        CHECK(traces::text_of(*again) == text);
        CHECK(again->phases[0].events[1] == traces::Event{"pod/a", "gone"});
        CHECK(again->phases[1].command == "kubectl snap list");
    }

    TEST_CASE("a line that is neither a command nor a change is named") {
        CHECK(traces::parse_trace("pod/a gone\n").error().message.starts_with("line 1 "));
        CHECK(traces::parse_trace("# x\n> y\npod/a\n").error().message.starts_with("line 3 "));
    }
}
