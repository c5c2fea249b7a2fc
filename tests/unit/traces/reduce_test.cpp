#include "tests/traces/reduce.h"

#include <doctest/doctest.h>

using namespace holdfast;
using traces::Event;
using traces::Reducer;
using Type = kube::WatchEvent::Type;

namespace {

Json claim(const std::string& name, const std::string& uid) {
    return {{"kind", "PersistentVolumeClaim"},
            {"metadata", {{"name", name}, {"uid", uid}, {"finalizers", Json::array({"kubernetes.io/pvc-protection"})}}},
            {"status", {{"phase", "Pending"}}}};
}

Json volume(const std::string& name, const std::string& claim_name) {
    return {{"kind", "PersistentVolume"},
            {"metadata", {{"name", name}, {"uid", "uid-" + name}}},
            {"spec", {{"claimRef", {{"name", claim_name}, {"uid", "u"}}}, {"persistentVolumeReclaimPolicy", "Delete"}}},
            {"status", {{"phase", "Bound"}}}};
}

}  // namespace

TEST_SUITE("traces: reduce") {
    TEST_CASE("tells a state once, and again when what counts of it has changed") {
        Reducer reducer;
        Json one = claim("data", "1");
        CHECK(reducer.reduce(Type::kAdded, one) == Event{"claim/data", "Pending [pvc-protection]"});
        one["metadata"]["resourceVersion"] = "7";
        one["metadata"]["labels"]["any"] = "thing";
        CHECK_FALSE(reducer.reduce(Type::kModified, one));
        one["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
        CHECK(reducer.reduce(Type::kModified, one) == Event{"claim/data", "Pending [pvc-protection] deleting"});
        CHECK(reducer.reduce(Type::kDeleted, one) == Event{"claim/data", "gone"});
    }

    TEST_CASE("an object that is made anew under its name is told from the start") {
        Reducer reducer;
        (void)reducer.reduce(Type::kAdded, claim("data", "1"));
        (void)reducer.reduce(Type::kDeleted, claim("data", "1"));
        CHECK(reducer.reduce(Type::kAdded, claim("data", "2")) == Event{"claim/data", "Pending [pvc-protection]"});
    }

    TEST_CASE("volumes are called after the claims that they were made for, in their order") {
        Reducer reducer;
        CHECK(reducer.reduce(Type::kAdded, volume("pvc-1", "data"))->object == "volume/data");
        CHECK(reducer.reduce(Type::kAdded, volume("pvc-2", "data"))->object == "volume/data#2");
        Json one = claim("data", "1");
        one["spec"]["volumeName"] = "pvc-2";
        CHECK(reducer.reduce(Type::kAdded, one)->state == "Pending volume/data#2 [pvc-protection]");
        CHECK(reducer.reduce(Type::kModified, volume("pvc-1", "other"))->object == "volume/data");
    }

    TEST_CASE("a reservation is told from a binding") {
        Reducer reducer;
        Json one = volume("pvc-1", "data");
        CHECK(reducer.reduce(Type::kAdded, one)->state == "Bound of-data Delete");
        one["spec"]["claimRef"].erase("uid");
        CHECK(reducer.reduce(Type::kModified, one)->state == "Bound reserved-for-data Delete");
        one["spec"].erase("claimRef");
        CHECK(reducer.reduce(Type::kModified, one)->state == "Bound free Delete");
    }

    TEST_CASE("ids of operations are numbered") {
        Reducer reducer;
        Json one = claim("data-restore-db-7k2m", "1");
        one["metadata"]["labels"] = {{"holdfast.dev/operation", "restore-db-7k2m"}};
        CHECK(reducer.reduce(Type::kAdded, one)->object == "claim/data-OP1");
        CHECK(reducer.operation("OP1") == "restore-db-7k2m");
        CHECK_FALSE(reducer.operation("OP2"));
    }

    TEST_CASE("what has no place in a trace is left out") {
        Reducer reducer;
        CHECK_FALSE(reducer.reduce(Type::kAdded, {{"kind", "ConfigMap"}, {"metadata", {{"name", "a"}, {"uid", "1"}}}}));
        CHECK_FALSE(reducer.reduce(Type::kBookmark, claim("data", "1")));
    }
}
