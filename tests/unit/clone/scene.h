// A StatefulSet with two Postgres pods to be cloned: the live facts of tests/golden/snap/facts.json.
#pragma once

#include "common/kube/objects/workload.h"
#include "plugins/clone/choice.h"
#include "plugins/clone/facts.h"
#include "plugins/clone/steps.h"
#include "plugins/clone/workload.h"
#include "tests/golden/golden.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace holdfast::clone::testing {

inline constexpr char kOperation[] = "clone-copy-abcde";

inline Json base_facts() { return Json::parse(golden::read("snap/facts.json")); }

inline kube::StorageClass storage_class(const std::string& name, const std::string& driver, bool waits = false) {
    kube::StorageClass one;
    one.name = name;
    one.provisioner = driver;
    one.binding_mode = waits ? "WaitForFirstConsumer" : "Immediate";
    one.reclaim_policy = "Delete";
    return one;
}

// Classes of the driver that the facts' volumes are of, and one of another.
inline std::vector<kube::StorageClass> classes(const LiveFacts& live) {
    const std::string driver = kube::volume_of(live.volumes.begin()->second).driver;
    return {storage_class("fast", driver), storage_class("later", driver, true), storage_class("slow", "slow.example")};
}

inline CloneOptions options(const kube::Resource& kind = kube::kClaims, const std::string& source = "data-postgres-0") {
    CloneOptions made;
    made.source = {&kind, source};
    made.space = made.to_space = "shop";
    made.name = "copy";
    return made;
}
inline CloneOptions whole() { return options(kube::kStatefulSets, "postgres"); }

// Facts as they are gathered for these options: of a claim, the claim is what stands for the workload.
inline LiveFacts live_for(const CloneOptions& wanted, Json facts = base_facts()) {
    LiveFacts live = live_facts_from_json(facts);
    if (!(*wanted.source.resource == kube::kClaims)) return live;
    live.workloads.clear();
    for (const Json& claim : live.claims) {
        if (kube::name_of(claim) == wanted.source.name) live.workloads = {claim};
    }
    return live;
}

inline Result<Choice> chosen(const CloneOptions& wanted, Json facts = base_facts()) {
    const LiveFacts live = live_for(wanted, std::move(facts));
    return choose(wanted, live, classes(live), kOperation);
}

inline plan::Input input(int round = 0) {
    plan::Input made;
    made.operation = kOperation;
    made.round = round;
    made.now = *parse_time("2026-11-21T04:30:00Z");
    return made;
}

// The snapshots of a choice, cut and ready.
inline void cut(Choice& choice) {
    for (std::size_t i = 0; i < choice.sources.size(); ++i) {
        Member& source = choice.sources[i];
        const std::string number = std::to_string(i);
        kube::Snapshot snapshot;
        snapshot.name = source.facts.snapshot;
        snapshot.space = "shop";
        snapshot.uid = "uid-vs-" + number;
        snapshot.content = "content-" + number;
        snapshot.cut_at = "2026-11-21T04:30:01Z";
        snapshot.ready = true;
        snapshot.restore_size = source.facts.size_bytes;
        source.snapshot = snapshot;
        kube::SnapshotContent content;
        content.name = snapshot.content;
        content.uid = "uid-content-" + number;
        content.driver = source.driver;
        content.handle = "handle-" + number;
        content.deletion_policy = "Delete";
        content.snapshot_class = source.facts.snapshot_class;
        content.source_volume_mode = "Filesystem";
        source.content = content;
    }
}

inline void check_golden(const std::string& name, const plan::Plan& plan) {
    golden::check("clone/" + name, plan::to_json(plan).dump(2) + "\n");
}

inline bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace holdfast::clone::testing
