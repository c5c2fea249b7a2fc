#include "common/copies/claims.h"

#include "plugins/restore/shared.h"
#include "scene.h"

#include <doctest/doctest.h>

using namespace holdfast;
using testing::source;
using testing::storage_class;

namespace {

std::string said(const Error& error) { return error.message + " | " + error.hint; }
bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a restored claim asks for the old volume's class, size and modes") {
    const auto from = source();
    const auto spec = restore::choose_claim(from, from.members[0], {});
    REQUIRE(spec.ok());
    CHECK(spec->storage_class.name == "fast");
    CHECK(spec->size.text() == "2Gi");
    CHECK(spec->access_modes == std::vector<std::string>{"ReadWriteOnce"});
    CHECK(spec->volume_mode == "Filesystem");
}

TEST_CASE("62: a size below the snapshot's is refused with both sizes") {
    const auto from = source();
    restore::ClaimWishes wishes;
    wishes.size = Quantity::parse("100Mi").value();
    const auto spec = restore::choose_claim(from, from.members[0], wishes);
    REQUIRE_FALSE(spec.ok());
    CHECK(spec.error().kind == ErrorKind::kRefused);
    CHECK(has(spec.error().message, "100Mi"));
    CHECK(has(spec.error().message, "1Gi"));
    wishes.size = Quantity::parse("1Gi").value();
    CHECK(restore::choose_claim(from, from.members[0], wishes).ok());
}

TEST_CASE("a snapshot whose driver tells no size is as large as its record says, and unknown without one") {
    auto from = source();
    from.members[0].snapshot->restore_size.reset();
    CHECK(restore::choose_claim(from, from.members[0], {}).value().size.text() == "2Gi");
    restore::ClaimWishes wishes;
    wishes.size = Quantity::parse("1Gi").value();
    CHECK_FALSE(restore::choose_claim(from, from.members[0], wishes).ok());
    from.members[0].facts.size_bytes = 0;
    CHECK(restore::choose_claim(from, from.members[0], {}).error().hint == "give --size");
    CHECK(restore::choose_claim(from, from.members[0], wishes).ok());
}

TEST_CASE("57: a class of another driver is refused with both drivers' names and the classes that fit") {
    const auto from = source();
    restore::ClaimWishes wishes;
    wishes.storage_class = "slow";
    const auto spec = restore::choose_claim(from, from.members[0], wishes);
    REQUIRE_FALSE(spec.ok());
    CHECK(has(said(spec.error()), "slow.example"));
    CHECK(has(said(spec.error()), "fast.example"));
    CHECK(has(spec.error().hint, "classes of that driver: fast"));
}

TEST_CASE(
    "without the old class the newest default class of the snapshot's driver is taken, never one of another driver") {
    auto from = source();
    from.members[0].facts.storage_class = "gone";
    from.classes = {storage_class("other-default", "slow.example", true), storage_class("new", "fast.example", true),
                    storage_class("old", "fast.example", true)};
    CHECK(restore::choose_claim(from, from.members[0], {}).value().storage_class.name == "new");
    from.classes = {storage_class("other-default", "slow.example", true), storage_class("only", "fast.example")};
    CHECK(restore::choose_claim(from, from.members[0], {}).value().storage_class.name == "only");
    from.classes = {storage_class("a", "fast.example"), storage_class("b", "fast.example")};
    CHECK(has(restore::choose_claim(from, from.members[0], {}).error().hint, "a, b"));
    from.classes = {storage_class("other-default", "slow.example", true)};
    CHECK(has(restore::choose_claim(from, from.members[0], {}).error().message, "none has its driver"));
}

TEST_CASE("72: another volume mode needs the content's permission") {
    auto from = source();
    restore::ClaimWishes wishes;
    wishes.volume_mode = "Block";
    CHECK(has(restore::choose_claim(from, from.members[0], wishes).error().hint, "allow-volume-mode-change"));
    from.members[0].mode_change_allowed = true;
    CHECK(restore::choose_claim(from, from.members[0], wishes).value().volume_mode == "Block");
}

TEST_CASE("a block snapshot becomes a block claim without a word") {
    auto from = source();
    from.members[0].content->source_volume_mode = "Block";
    CHECK(restore::choose_claim(from, from.members[0], {}).value().volume_mode == "Block");
}

TEST_CASE("an import never may delete the handle, and repeats what deleting it would need") {
    auto from = source();
    from.members[0].content_annotations["snapshot.storage.kubernetes.io/deletion-secret-name"] = "array-login";
    const auto import = restore::import_of(from.members[0], "staging", "import-1");
    REQUIRE(import.ok());
    CHECK(import->content["spec"]["deletionPolicy"] == "Retain");
    CHECK(import->content["spec"]["source"]["snapshotHandle"] == "handle-0");
    CHECK(import->content["spec"]["sourceVolumeMode"] == "Filesystem");
    CHECK(import->content["spec"]["volumeSnapshotRef"]["namespace"] == "staging");
    CHECK_FALSE(import->content["spec"]["volumeSnapshotRef"].contains("uid"));
    CHECK(import->content["metadata"]["annotations"]["snapshot.storage.kubernetes.io/deletion-secret-name"] ==
          "array-login");
    CHECK(import->snapshot["spec"]["source"]["volumeSnapshotContentName"] == "import-1");
    from.members[0].content->handle.clear();
    CHECK(restore::import_of(from.members[0], "staging", "import-1").error().kind == ErrorKind::kRefused);
}

TEST_CASE("70: an incomplete set is refused with the missing ordinals") {
    auto from = source(3);
    from.members[1].snapshot.reset();
    from.members[2].snapshot->cut_at.clear();
    const Status complete = restore::check_complete(from);
    REQUIRE_FALSE(complete.ok());
    CHECK(complete.error().kind == ErrorKind::kRefused);
    CHECK(has(complete.error().message, "ordinal 1 ("));
    CHECK(has(complete.error().message, "ordinal 2 ("));
    CHECK_FALSE(has(complete.error().message, "ordinal 0"));
    auto unfinished = source(1);
    unfinished.record->complete = false;
    CHECK_FALSE(restore::check_complete(unfinished).ok());
    CHECK(restore::check_complete(source(2)).ok());
}

TEST_CASE("a set of several claims needs a choice, and lists what there is") {
    const auto from = source(2);
    const auto none = restore::select_one(from, {});
    REQUIRE_FALSE(none.ok());
    CHECK(has(none.error().message, "data-db-0 (--ordinal 0), data-db-1 (--ordinal 1)"));
    CHECK(restore::select_one(from, {1, ""}).value()->facts.claim == "data-db-1");
    CHECK(restore::select_one(from, {std::nullopt, "data-db-0"}).value()->facts.ordinal == 0);
    CHECK_FALSE(restore::select_one(from, {std::nullopt, "data"}).ok());
    CHECK(restore::select_one(source(1), {std::nullopt, "data"}).ok());
    CHECK(has(restore::select_one(from, {7, ""}).error().message, "no ordinal 7"));
}

TEST_CASE("a free volume that the new claim would be bound to, with whatever is on it, is refused by name") {
    auto from = source();
    kube::Volume volume;
    volume.name = "spare";
    volume.phase = "Available";
    volume.storage_class = "fast";
    volume.volume_mode = "Filesystem";
    volume.access_modes = {"ReadWriteOnce", "ReadOnlyMany"};
    volume.capacity_bytes = 2LL << 30;
    auto spec = restore::choose_claim(from, from.members[0], {}).value();
    spec.name = "data";
    spec.space = "shop";
    const auto taken = [&](const kube::Volume& free) {
        from.free_volumes = {free};
        return !restore::check_rivals(from.free_volumes, spec).ok();
    };
    CHECK(taken(volume));
    CHECK(has(said(restore::check_rivals(from.free_volumes, spec).error()), "pv/spare is free"));
    CHECK(restore::check_rivals(from.free_volumes, spec).error().kind == ErrorKind::kRefused);
    auto other = volume;
    other.storage_class = "slow";
    CHECK_FALSE(taken(other));
    other = volume;
    other.capacity_bytes = 1LL << 30;
    CHECK_FALSE(taken(other));
    other = volume;
    other.volume_mode = "Block";
    CHECK_FALSE(taken(other));
    other = volume;
    other.access_modes = {"ReadWriteMany"};
    CHECK_FALSE(taken(other));
    other = volume;
    other.claim_space = "shop";
    other.claim_name = "somebodys";
    CHECK_FALSE(taken(other));
    // Reserved for this very name, it is bound whatever its class.
    other.claim_name = "data";
    other.storage_class = "slow";
    CHECK(taken(other));
}
