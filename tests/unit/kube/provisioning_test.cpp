#include "common/kube/objects/provisioning.h"

#include <doctest/doctest.h>

using namespace holdfast::kube;

TEST_SUITE("kube provisioning") {
    TEST_CASE("a claim is placed by its name as the external provisioner does it") {
        CHECK(provisioning_place("foobar") == 0x31f0b262U);  // the vector of FNV-1, 32 bits
        CHECK(provisioning_place("a") == 0x050c5d7eU);
        CHECK(provisioning_place("data-foobar-0") == 0x31f0b262U);
        CHECK(provisioning_place("wal-foobar-3") == 0x31f0b265U);
        CHECK(provisioning_place("foobar-3") == 0x31f0b265U);
        CHECK(provisioning_place("data-foobar-4294967295") == 0x31f0b261U);
        // Neither is a number to it.
        CHECK_FALSE(provisioning_place("data-foobar-4294967296") == 0x31f0b262U);
        CHECK_FALSE(provisioning_place("data-foobar-") == 0x31f0b262U);
    }

    TEST_CASE("a name is made to be placed like another") {
        CHECK(placed_like("data-postgres-1", "clone-x-draft-data-postgres-1") == "clone-x-draft-data-postgres-1");
        for (const char* other : {"copy", "data-copy", "my-copy-7", "a-b-c", "data-postgres-0", "x-4294967295"}) {
            for (const char* name : {"clone-x-draft-data-copy", "draft", "draft-12", "a-b-4294967295"}) {
                CAPTURE(other);
                CAPTURE(name);
                const std::string placed = placed_like(other, name);
                CHECK(provisioning_place(placed) == provisioning_place(other));
                CHECK(placed.starts_with(name));
                CHECK(placed.size() <= std::string(name).size() + 11);
            }
        }
    }
}
