#include "common/diagnose/practice_facts.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <set>

namespace holdfast::diagnose {
namespace {

constexpr std::size_t kSnapshotsLooked = 50;  // contents are read one by one

// By the API group that each brings.
constexpr std::array kBackupTools{
    "velero.io",      "volsync.backube",     "k8up.io",     "stash.appscode.com",       "core.kubestash.com",
    "cr.kanister.io", "barmancloud.cnpg.io", "longhorn.io", "stork.libopenstorage.org", "config.kio.kasten.io"};

void gather_claims(Gatherer& gatherer, const Subject& subject, PracticeFacts& facts) {
    for (const std::string& name : subject.claims) {
        const auto claim = gatherer.look(kube::kClaims, subject.space, name);
        if (!claim.there()) continue;
        HeldClaim held{kube::claim_state_of(claim.value), {}, ""};
        held.volume = seen_as(gatherer.look(kube::kVolumes, "", held.claim.volume), kube::volume_of);
        held.driver = held.volume.there() ? held.volume->driver : held.claim.provisioner;
        facts.claims.push_back(std::move(held));
    }
    const std::set<std::string> names(subject.claims.begin(), subject.claims.end());
    for (const Json& item : gatherer.list(kube::kPods, subject.space).value) {
        kube::PodState pod = kube::pod_state_of(item);
        const bool mounts =
            std::any_of(pod.claims.begin(), pod.claims.end(), [&](const auto& one) { return names.contains(one); });
        if (mounts && !pod.finished()) facts.pods.push_back(std::move(pod));
    }
}

void gather_snapshots(Gatherer& gatherer, const Subject& subject, PracticeFacts& facts) {
    facts.snapshots_served = gatherer.serves(kube::kSnapshots);
    if (facts.snapshots_served == Sight::kAbsent) return;
    facts.snapshot_classes = gatherer.snapshot_classes();
    const std::set<std::string> names(subject.claims.begin(), subject.claims.end());
    for (const Json& item : gatherer.list(kube::kSnapshots, subject.space).value) {
        kube::Snapshot snapshot = kube::snapshot_of(item);
        if (names.contains(snapshot.claim)) facts.snapshots.push_back({std::move(snapshot), ""});
    }
    std::stable_sort(facts.snapshots.begin(), facts.snapshots.end(),
                     [](const auto& a, const auto& b) { return a.snapshot.created > b.snapshot.created; });
    for (std::size_t i = 0; i < std::min(facts.snapshots.size(), kSnapshotsLooked); ++i) {
        const auto content = gatherer.look(kube::kSnapshotContents, "", facts.snapshots[i].snapshot.content);
        if (content.there()) facts.snapshots[i].deletion_policy = kube::content_of(content.value).deletion_policy;
    }
}

bool set_is_of(const kube::SnapshotSet& set, const Subject& subject) {
    if (subject.workload)
        return set.workload_kind == subject.workload->kind && set.workload_name == subject.workload->name;
    return std::any_of(set.members.begin(), set.members.end(), [&](const kube::SetMember& member) {
        return std::find(subject.claims.begin(), subject.claims.end(), member.claim) != subject.claims.end();
    });
}

void gather_sets(Gatherer& gatherer, const Subject& subject, PracticeFacts& facts) {
    const auto config_maps = gatherer.list(kube::kConfigMaps, subject.space, {std::string(labels::kRole) + "=set", ""});
    for (const Json& item : config_maps.value) {
        auto set = kube::set_from_config_map(item);
        if (!set.ok())
            facts.damaged_sets.push_back(set.error().message);
        else if (set_is_of(*set, subject))
            facts.sets.push_back(std::move(*set));
    }
    std::stable_sort(facts.sets.begin(), facts.sets.end(),
                     [](const auto& a, const auto& b) { return a.created_at > b.created_at; });
}

Seen<std::vector<std::string>> backup_tools(Gatherer& gatherer) {
    const auto discovery = gatherer.discovery();
    Seen<std::vector<std::string>> tools{discovery.sight, {}};
    for (const char* group : kBackupTools) {
        const std::string prefix = std::string(group) + "/";
        const auto first = discovery.value.resources.lower_bound(prefix);
        if (first != discovery.value.resources.end() && starts_with(*first, prefix)) tools.value.push_back(group);
    }
    return tools;
}

}  // namespace

PracticeFacts gather_practice(Gatherer& gatherer, const Subject& subject) {
    PracticeFacts facts;
    facts.object = subject.object;
    facts.target = subject.target;
    facts.space = subject.space;
    facts.workload = subject.workload;
    gather_claims(gatherer, subject, facts);
    gather_snapshots(gatherer, subject, facts);
    gather_sets(gatherer, subject, facts);
    facts.backup_tools = backup_tools(gatherer);
    return facts;
}

ClusterFacts gather_cluster(Gatherer& gatherer) {
    ClusterFacts facts;
    facts.snapshots_served = gatherer.serves(kube::kSnapshots);
    if (facts.snapshots_served == Sight::kAbsent) {
        kube::Resource old = kube::kSnapshots;
        old.version = "v1beta1";
        facts.old_snapshots_only = gatherer.serves(old) == Sight::kThere;
    }
    facts.snapshot_classes = gatherer.snapshot_classes();
    facts.storage_classes = gatherer.storage_classes();
    std::set<std::string> drivers;
    for (const auto& one : facts.storage_classes.value) {
        const std::string now = kube::csi_driver_of_in_tree(one.provisioner);
        drivers.insert(now.empty() ? one.provisioner : now);
    }
    for (const auto& one : facts.snapshot_classes.value) drivers.insert(one.driver);
    for (const std::string& driver : drivers) {
        if (gatherer.driver(driver) == Sight::kAbsent) facts.absent_drivers.push_back(driver);
    }
    return facts;
}

}  // namespace holdfast::diagnose
