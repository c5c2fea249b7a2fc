#include "plugins/migrate/mover/image.h"

#include "common/os/files.h"

#include <doctest/doctest.h>

#include <fstream>

using namespace holdfast;
using namespace holdfast::mover;

TEST_CASE("an image that somebody makes just before we would is not taken for one of ours") {
    auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    const std::string path = folder->path() + "/image";
    std::ofstream(path) << "theirs";
    CHECK_FALSE(open_image(path, "target", ImageUse::kMake).ok());
    CHECK(read_file(path, 100).value() == "theirs");
    CHECK(open_image(path, "target", ImageUse::kWrite).ok());
    CHECK_FALSE(open_image(path + "2", "target", ImageUse::kWrite).ok());
    CHECK(open_image(path + "2", "target", ImageUse::kMake).ok());
}
