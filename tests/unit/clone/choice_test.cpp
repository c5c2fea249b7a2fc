#include "scene.h"

#include "common/kube/objects/provisioning.h"
#include "common/kube/objects/workload.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::clone;
using namespace holdfast::clone::testing;

namespace {

Json without_classes() {
    Json facts = base_facts();
    facts["classes"] = Json::array();
    return facts;
}

std::vector<std::string> names(const Choice& choice) {
    std::vector<std::string> made;
    for (const Copy& copy : choice.copies) made.push_back(copy.spec.name);
    return made;
}

// With one more claim, "shared", which the workload's template mounts by name.
Json with_shared() {
    Json facts = base_facts();
    Json& spec = facts["workloads"][0]["spec"]["template"]["spec"];
    spec["volumes"].push_back({{"name", "shared"}, {"persistentVolumeClaim", {{"claimName", "shared"}}}});
    Json claim = facts["claims"][0], volume = facts["volumes"][0];
    claim["metadata"]["name"] = "shared";
    claim["metadata"]["uid"] = "claim-uid-shared";
    claim["spec"]["volumeName"] = "pv-shared";
    volume["metadata"]["name"] = "pv-shared";
    volume["spec"]["claimRef"]["uid"] = "claim-uid-shared";
    facts["claims"].push_back(claim);
    facts["volumes"].push_back(volume);
    return facts;
}

// Every volume is reached from zone a alone.
Json zoned(Json facts) {
    for (Json& volume : facts["volumes"])
        volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"] = Json::array(
            {{{"matchExpressions", Json::array({{{"key", "zone"}, {"operator", "In"}, {"values", {"a"}}}})}}});
    return facts;
}

// A Deployment that mounts two claims by name.
Json deployed() {
    Json facts = with_shared();
    Json& workload = facts["workloads"][0];
    workload["kind"] = "Deployment";
    workload["spec"]["template"]["spec"]["volumes"].push_back(
        {{"name", "data"}, {"persistentVolumeClaim", {{"claimName", "data-postgres-0"}}}});
    return facts;
}

std::string all_notes(const Choice& choice) {
    std::string all;
    for (const std::string& note : choice.notes) all += note + "\n";
    return all;
}

}  // namespace

TEST_SUITE("clone choice") {
    TEST_CASE("auto takes a snapshot where the driver has a class for it, and says why") {
        const auto choice = chosen(options());
        REQUIRE(choice.ok());
        CHECK(choice->method == Method::kSnapshot);
        CHECK(says(choice->why, "VolumeSnapshotClass"));
        REQUIRE(choice->copies.size() == 1);
        CHECK(choice->copies.front().spec.name == "copy");
        CHECK(choice->copies.front().spec.size.bytes() == 300LL << 20);
    }

    TEST_CASE("auto asks the driver to clone where no snapshot class fits") {
        const auto choice = chosen(options(), without_classes());
        REQUIRE(choice.ok());
        CHECK(choice->method == Method::kClone);
        CHECK(says(choice->why, "has no VolumeSnapshotClass"));
    }

    TEST_CASE("without a snapshot class nothing gets to another namespace") {
        CloneOptions wanted = options();
        wanted.to_space = "staging";
        const auto choice = chosen(wanted, without_classes());
        REQUIRE_FALSE(choice.ok());
        CHECK(choice.error().kind == ErrorKind::kRefused);
        CHECK(says(choice.error().message, "staging"));
    }

    TEST_CASE("a driver clones only within one namespace") {
        CloneOptions wanted = options();
        wanted.method = Method::kClone;
        CHECK(chosen(wanted).ok());
        wanted.to_space = "staging";
        const auto choice = chosen(wanted);
        REQUIRE_FALSE(choice.ok());
        CHECK(choice.error().kind == ErrorKind::kRefused);
        CHECK(says(choice.error().hint, "--method snapshot"));
    }

    TEST_CASE("a size below the source's is refused with both sizes") {
        CloneOptions wanted = options();
        wanted.wishes.size = *Quantity::parse("10Mi");
        const auto choice = chosen(wanted);
        REQUIRE_FALSE(choice.ok());
        CHECK(says(choice.error().message, "10Mi"));
        CHECK(says(choice.error().message, "300Mi"));
    }

    TEST_CASE("a class of another driver is refused with both drivers") {
        CloneOptions wanted = options();
        wanted.wishes.storage_class = "slow";
        const auto choice = chosen(wanted);
        REQUIRE_FALSE(choice.ok());
        CHECK(says(choice.error().message, "slow.example"));
        CHECK(says(choice.error().message, "pvc/shop/data-postgres-0"));
    }

    TEST_CASE("bad input 63: a class that has not the volume's zone is refused with both") {
        const auto zone = [](const char* name) {
            return Json::array(
                {{{"matchExpressions",
                   Json::array({{{"key", "zone"}, {"operator", "In"}, {"values", Json::array({name})}}})}}});
        };
        Json facts = base_facts();
        for (Json& volume : facts["volumes"])
            volume["spec"]["nodeAffinity"] = {{"required", {{"nodeSelectorTerms", zone("a")}}}};
        CloneOptions wanted = options();
        wanted.wishes.storage_class = "later";
        const LiveFacts live = live_for(wanted, facts);
        const auto choice_in = [&](const char* name) {
            std::vector<kube::StorageClass> all = classes(live);
            for (kube::StorageClass& one : all) {
                one.topology = zone(name);
                one.places = {std::string("zone in (") + name + ")"};
            }
            return choose(wanted, live, all, kOperation);
        };
        const auto choice = choice_in("b");
        REQUIRE_FALSE(choice.ok());
        CHECK(choice.error().kind == ErrorKind::kRefused);
        for (const char* part : {"storageclass later", "zone in (b)", "zone in (a)", "pvc/shop/data-postgres-0"})
            CHECK(says(choice.error().message, part));
        CHECK(choice_in("a").ok());
        wanted.wishes.storage_class = "fast";  // restored wherever the storage can
        CHECK(choice_in("b").ok());
    }

    TEST_CASE("two default snapshot classes are a choice that is not ours") {
        Json facts = base_facts();
        Json other = facts["classes"][0];
        other["metadata"]["name"] = "another";
        facts["classes"].push_back(other);
        const auto choice = chosen(options(), facts);
        REQUIRE_FALSE(choice.ok());
        CHECK(says(choice.error().hint, "--snapshot-class"));
    }

    TEST_CASE("a claim that is not bound is named with its ordinal") {
        Json facts = base_facts();
        facts["claims"][1]["status"]["phase"] = "Pending";
        const auto choice = chosen(whole(), facts);
        REQUIRE_FALSE(choice.ok());
        CHECK(says(choice.error().message, "data-postgres-1 (ordinal 1)"));
    }

    TEST_CASE("a StatefulSet's copies have the names that the clone's StatefulSet will ask for") {
        const auto choice = chosen(whole());
        REQUIRE(choice.ok());
        CHECK(names(*choice) == std::vector<std::string>{"data-copy-0", "data-copy-1"});
        CHECK(choice->replicas == 2);
    }

    TEST_CASE("fewer replicas copy the lowest ordinals alone") {
        CloneOptions wanted = whole();
        wanted.replicas = 1;
        const auto choice = chosen(wanted);
        REQUIRE(choice.ok());
        CHECK(names(*choice) == std::vector<std::string>{"data-copy-0"});
        CHECK(choice->sources.size() == 1);
        wanted.replicas = 3;
        CHECK_FALSE(chosen(wanted).ok());
    }

    TEST_CASE("a resume reads the same choice from the journal, also of fewer replicas") {
        CloneOptions wanted = whole();
        wanted.replicas = 1;
        const LiveFacts live = live_for(wanted);
        const auto first = chosen(wanted);
        REQUIRE(first.ok());
        const Json record = record_of(live, *first, false);
        const auto again = choose(wanted, live_facts_from_json(record.begin().value()), classes(live), kOperation);
        REQUIRE(again.ok());
        CHECK(names(*again) == names(*first));
    }

    TEST_CASE("one ordinal can become several, cut once") {
        CloneOptions wanted = whole();
        wanted.ordinals = {{1, 4}, {1, 5}};
        const auto choice = chosen(wanted);
        REQUIRE(choice.ok());
        CHECK(names(*choice) == std::vector<std::string>{"data-copy-4", "data-copy-5"});
        CHECK(choice->sources.size() == 1);
        CHECK(choice->start == 4);
        CHECK(choice->replicas == 2);
    }

    TEST_CASE("ordinals with a gap, or that the source lacks, are refused") {
        CloneOptions wanted = whole();
        wanted.ordinals = {{0, 0}, {1, 2}};
        CHECK(says(chosen(wanted).error().message, "gaps"));
        wanted.ordinals = {{7, 0}};
        CHECK(says(chosen(wanted).error().message, "has ordinals 0, 1"));
    }

    TEST_CASE("a claim that the template mounts by name is copied too") {
        const auto choice = chosen(whole(), with_shared());
        REQUIRE(choice.ok());
        CHECK(names(*choice) == std::vector<std::string>{"data-copy-0", "data-copy-1", "copy-shared"});
    }

    TEST_CASE("claims that one pod mounts are called so that a class which binds at once places them together") {
        for (const kube::Resource* kind : {&kube::kDeployments, &kube::kPods}) {
            CloneOptions wanted = options(*kind, "postgres");
            Json facts = deployed();
            if (kind == &kube::kPods) {
                Json pod = facts["workloads"][0]["spec"]["template"];
                pod["kind"] = "Pod";
                pod["metadata"]["name"] = "postgres";
                facts["workloads"][0] = pod;
            }
            const std::vector<std::string> plain = {"copy-data-postgres-0", "copy-shared"};
            const auto anywhere = chosen(wanted, facts);
            REQUIRE(anywhere.ok());
            CHECK(names(*anywhere) == plain);
            const auto choice = chosen(wanted, zoned(facts));
            REQUIRE(choice.ok());
            const std::vector<std::string> made = names(*choice);
            REQUIRE(made.size() == 2);
            CHECK(made[0] == plain[0]);
            CHECK(made[1].starts_with(plain[1] + "-"));
            CHECK(kube::provisioning_place(made[0]) == kube::provisioning_place(made[1]));
            CHECK(says(all_notes(*choice), "a number ends the name of pvc/shop/" + made[1]));
            wanted.wishes.storage_class = "later";  // placed by the pod that mounts them
            CHECK(names(*chosen(wanted, zoned(facts))) == plain);
        }
    }

    TEST_CASE("zones of the class alone place claims together, and so do those of a source in another cluster") {
        CloneOptions wanted = options(kube::kDeployments, "postgres");
        const LiveFacts live = live_for(wanted, deployed());
        std::vector<kube::StorageClass> all = classes(live);
        for (kube::StorageClass& one : all)
            one.topology = zoned(deployed())["volumes"][0]["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"];
        CHECK_FALSE(names(*choose(wanted, live, all, kOperation)).back() == "copy-shared");
        wanted.other = true;
        CHECK_FALSE(names(*chosen(wanted, zoned(deployed()))).back() == "copy-shared");
    }

    TEST_CASE(
        "a claim beside a single ordinal's own is placed with them; beside several the plan says what may happen") {
        CloneOptions wanted = whole();
        wanted.replicas = 1;
        const auto one = chosen(wanted, zoned(with_shared()));
        REQUIRE(one.ok());
        REQUIRE(names(*one).size() == 2);
        CHECK(names(*one)[0] == "data-copy-0");
        CHECK(kube::provisioning_place(names(*one)[1]) == kube::provisioning_place("data-copy-0"));
        const auto several = chosen(whole(), zoned(with_shared()));
        REQUIRE(several.ok());
        CHECK(names(*several) == std::vector<std::string>{"data-copy-0", "data-copy-1", "copy-shared"});
        CHECK(says(all_notes(*several), "every pod of the clone mounts pvc/shop/copy-shared beside claims of its own"));
        CHECK(says(all_notes(*several), "--replicas 1"));
        CHECK_FALSE(says(all_notes(*chosen(whole(), with_shared())), "copy-shared"));
    }

    TEST_CASE("claims of two classes, of which one binds at once in a zone of its own, are told of with the remedy") {
        Json facts = zoned(deployed());
        facts["claims"].back()["spec"]["storageClassName"] = "later";
        const CloneOptions wanted = options(kube::kDeployments, "postgres");
        const auto choice = chosen(wanted, facts);
        REQUIRE(choice.ok());
        CHECK(says(all_notes(*choice), "pvc/shop/copy-data-postgres-0 is of class fast, which binds at once"));
        CHECK(says(all_notes(*choice), "--storage-class"));
    }

    TEST_CASE("a name with the number that places it is no longer than a name may be") {
        CloneOptions wanted = options(kube::kDeployments, "postgres");
        wanted.name = std::string(237, 'c');
        CHECK(chosen(wanted, deployed()).ok());
        const auto choice = chosen(wanted, zoned(deployed()));
        REQUIRE_FALSE(choice.ok());
        CHECK(says(choice.error().hint, "shorter name"));
    }
}
