#include "plugins/migrate/mover/place.h"

#include <doctest/doctest.h>

namespace holdfast::mover {
namespace {

// As Linux writes it: number, parent, device, root within the filesystem, where it is mounted, and what does not
// matter.
constexpr const char* kMounts =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "30 22 8:16 / /data rw - xfs /dev/sdb rw\n"
    "31 22 8:16 /pool/a\\040b /source rw - xfs /dev/sdb rw\n"
    "32 22 8:16 /pool/a\\040b/in /target rw - xfs /dev/sdb rw\n"
    "33 22 8:32 /pool /other rw - xfs /dev/sdc rw\n"
    "34 22 8:48 / /cut rw";

Place place(std::uint64_t mount, const char* seen) {
    const auto found = place_in(kMounts, mount, seen);
    REQUIRE(found);
    return *found;
}

}  // namespace

TEST_CASE("a directory's place is the same through every mount of its filesystem") {
    CHECK(place(22, "/").path == "/");
    CHECK(place(22, "/var/lib").path == "/var/lib");
    CHECK(place(30, "/data/pool").path == "/pool");
    CHECK(place(31, "/source").path == "/pool/a b");
    CHECK(place(31, "/source/x").path == "/pool/a b/x");
    CHECK(place(31, "/source/x").device == "8:16");
    CHECK(place(34, "/cut/x").path == "/x");
    // A mount that is not listed, one that the path does not lead through, and one that says nothing.
    CHECK_FALSE(place_in(kMounts, 3, "/data"));
    CHECK_FALSE(place_in(kMounts, 31, "/source2/x"));
    CHECK_FALSE(place_in(kMounts, 31, "(unreachable)/x"));
    CHECK_FALSE(place_in("40 22 8:16", 40, "/data"));
    CHECK_FALSE(place_in("", 22, "/"));
}

TEST_CASE("what is mounted beneath a place is seen by the mount that it is on, and by its path") {
    CHECK(mounted_beneath(kMounts, 22, "/") == std::vector<std::string>{"data", "source", "target", "other", "cut"});
    constexpr const char* kDeep =
        "50 22 8:1 / /t rw - ext4 /dev/a rw\n"
        "51 50 8:2 / /t/a\\040b/c rw - ext4 /dev/b rw\n"
        "52 51 8:3 / /t/a\\040b/c/d rw - ext4 /dev/c rw\n"
        "53 22 8:4 / /t/covered rw - ext4 /dev/d rw\n"
        "54 22 8:5 / /t rw - ext4 /dev/e rw\n";
    CHECK(mounted_beneath(kDeep, 50, "/t") == std::vector<std::string>{"a b/c"});
    CHECK(mounted_beneath(kDeep, 50, "/t/a b") == std::vector<std::string>{"c"});
    CHECK(mounted_beneath(kDeep, 50, "/t/a").empty());
    CHECK(mounted_beneath(kDeep, 54, "/t").empty());
    CHECK(mounted_beneath("50 22", 22, "/t").empty());
}

TEST_CASE("one place lies in another only on the same filesystem and along its path") {
    const Place all = place(30, "/data"), source = place(31, "/source"), target = place(32, "/target");
    CHECK(lies_in(target, source));
    CHECK(lies_in(source, source));
    CHECK(lies_in(target, all));
    CHECK_FALSE(lies_in(source, target));
    CHECK_FALSE(lies_in(place(30, "/data/pool/a bc"), source));
    CHECK_FALSE(lies_in(place(33, "/other/a b/in"), source));
}

}  // namespace holdfast::mover
