#include "common/os/files.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <filesystem>

using namespace holdfast;  // NOLINT: a test of one header

TEST_CASE("a pipe or device is written into and stays what it is") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    const std::string pipe = folder->path() + "/pipe";
    REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(is_special(pipe));
    const int reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(reader >= 0);
    REQUIRE(write_file_atomic(pipe, "report").ok());
    char got[16] = {};
    CHECK(read(reader, got, sizeof got) == 6);
    CHECK(std::string(got) == "report");
    close(reader);
    CHECK(is_special(pipe));
}

TEST_CASE("a symbolic link is followed and stays") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    const std::string file = folder->path() + "/file", link = folder->path() + "/link";
    REQUIRE(write_file_atomic(file, "old").ok());
    std::filesystem::create_symlink(file, link);
    REQUIRE(write_file_atomic(link, "new").ok());
    CHECK(std::filesystem::is_symlink(link));
    CHECK(*read_file(file, 100) == "new");
    CHECK_FALSE(is_special(link));
}
