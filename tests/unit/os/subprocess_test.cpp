#include "common/os/subprocess.h"

#include <doctest/doctest.h>

using namespace holdfast;  // NOLINT: a test of one header
using std::chrono::milliseconds;

namespace {
Command shell(const std::string& script) {
    Command command;
    command.argv = {"sh", "-c", script};
    return command;
}
}  // namespace

TEST_CASE("a child's streams and exit code come back") {
    Command command = shell("cat; echo problem >&2; exit 3");
    command.input = std::string(300000, 'x');
    const auto output = run_command(command);
    REQUIRE(output.ok());
    CHECK(output->exit_code == 3);
    CHECK(output->out.size() == 300000);
    CHECK(output->err == "problem\n");
}

TEST_CASE("a child that hangs, floods or is not there is an error, soon") {
    Command slow = shell("sleep 100");
    slow.timeout = milliseconds(150);
    CHECK(run_command(slow).error().kind == ErrorKind::kTimeout);
    Command flood = shell("yes");
    flood.output_limit = 100000;
    CHECK(run_command(flood).error().kind == ErrorKind::kProtocol);
    Command none;
    none.argv = {"no-such-program-here"};
    CHECK(run_command(none).error().kind == ErrorKind::kNotFound);
}

TEST_CASE("a started child is read by lines and ends with its owner") {
    auto child = start_command(shell("echo one; read x; echo got $x; sleep 100"));
    REQUIRE(child.ok());
    CHECK((*child)->read_line(milliseconds(5000)).value().value() == "one");
    REQUIRE((*child)->write_input("two\n").ok());
    CHECK((*child)->read_line(milliseconds(5000)).value().value() == "got two");
    CHECK((*child)->read_line(milliseconds(50)).error().kind == ErrorKind::kTimeout);
    CHECK((*child)->running());
    (*child)->terminate();
    CHECK((*child)->wait(milliseconds(5000)).value() == 128 + 15);
}
