#include "plugins/migrate/mover/meta.h"
#include "plugins/migrate/mover/attributes.h"
#include "plugins/migrate/mover/limits.h"

#include <doctest/doctest.h>
#include <linux/fs.h>
#include <sys/stat.h>

namespace holdfast::mover {

TEST_CASE("the order of paths is that of a walk: what is in a directory comes before its longer-named neighbours") {
    CHECK(compare_paths("", "a") < 0);
    CHECK(compare_paths("a", "a/b") < 0);
    CHECK(compare_paths("a/z", "a-b") < 0);
    CHECK(compare_paths("a/b", "a/b") == 0);
    CHECK(compare_paths("\xFF", "z") > 0);
}

TEST_CASE("the first difference of two entries is named, with what was expected") {
    Meta one;
    one.mode = 0644;
    Meta other = one;
    CHECK(difference(one, other).empty());
    other.mode = 04644;
    CHECK(difference(one, other) == "mode is 4644, not 0644");
    other = one;
    other.xattrs = {{"user.a", "1"}};
    CHECK(difference(one, other) == "attribute user.a should not be there");
    CHECK(difference(other, one) == "attribute user.a is missing");
}

TEST_CASE("what a copy of files can never be is told by a look as by flags") {
    CHECK(uncopied(0, kKeptFlags) == "");
    CHECK(uncopied(STATX_ATTR_ENCRYPTED, 0) == uncopied(0, FS_ENCRYPT_FL));
    CHECK(uncopied(STATX_ATTR_VERITY, 0) == uncopied(0, FS_VERITY_FL));
    CHECK(uncopied(STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_COMPRESSED, 0) == "");
    CHECK(uncopied(0, FS_CASEFOLD_FL) == "takes names in any case (casefold), and its copy would not");
}

TEST_CASE("threads follow the limit of the cgroup") {
    CHECK(parse_cpu_max("50000 100000\n") == 0.5);
    CHECK_FALSE(parse_cpu_max("max 100000\n"));
    CHECK_FALSE(parse_cpu_max("-1 100000"));
    CHECK_FALSE(parse_cpu_max("nonsense"));
    CHECK(limits_for(0.5, std::nullopt).threads == 2);
    CHECK(limits_for(1.5, std::nullopt).threads == 3);
    CHECK(limits_for(16, std::nullopt).threads == 4);
}

TEST_CASE("threads and what waits between them follow the cgroup's memory") {
    CHECK(parse_memory_max("33554432\n") == std::uint64_t{32} << 20);
    CHECK(parse_memory_max("9223372036854771712\n") == std::uint64_t{9223372036854771712U});  // cgroup 1: none
    CHECK_FALSE(parse_memory_max("max\n"));
    CHECK_FALSE(parse_memory_max("0"));
    CHECK_FALSE(parse_memory_max("32M"));
    CHECK_FALSE(parse_memory_max(""));
    auto within = [](std::uint64_t mebibytes) {
        const Limits limits = limits_for(16, mebibytes << 20);
        return std::pair(limits.threads, limits.queued);
    };
    CHECK(within(1024) == std::pair(4, std::size_t{8}));
    CHECK(within(64) == std::pair(4, std::size_t{5}));
    CHECK(within(32) == std::pair(2, std::size_t{2}));
    CHECK(within(16) == std::pair(1, std::size_t{1}));
    CHECK(within(1) == std::pair(1, std::size_t{1}));
    CHECK(limits_for(16, std::uint64_t{9223372036854771712U}).queued == 8);
}

}  // namespace holdfast::mover
