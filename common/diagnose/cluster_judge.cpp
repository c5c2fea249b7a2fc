#include "common/core/text.h"
#include "common/diagnose/practice_facts.h"
#include "common/diagnose/remedies.h"
#include "common/diagnose/snapshot_facts.h"

#include <algorithm>
#include <map>

namespace holdfast::diagnose {
namespace {

bool is_absent(const ClusterFacts& facts, const std::string& driver) {
    return std::find(facts.absent_drivers.begin(), facts.absent_drivers.end(), driver) != facts.absent_drivers.end();
}

Findings judge_storage_defaults(const ClusterFacts& facts) {
    if (!facts.storage_classes.there()) return {};
    std::vector<std::string> defaults;
    for (const kube::StorageClass& one : facts.storage_classes.value) {
        if (one.is_default) defaults.push_back(one.name);
    }
    if (defaults.empty()) {
        return {info({"storage-class-no-default", "cluster", "class",
                      "no storage class is the default: a claim that names none stays Pending",
                      "`kubectl annotate storageclass NAME storageclass.kubernetes.io/is-default-class=true`"})};
    }
    if (defaults.size() == 1) return {};
    return {warning({"storage-class-two-defaults", "cluster", "class",
                     "more than one storage class is the default: " + named(defaults) +
                         "; a claim that names none gets the newest of them",
                     "leave one: `kubectl annotate storageclass " + defaults.back() +
                         " storageclass.kubernetes.io/is-default-class-`"})};
}

Finding judge_storage_class(const ClusterFacts& facts, const kube::StorageClass& one) {
    const std::string object = "sc/" + one.name, now = kube::csi_driver_of_in_tree(one.provisioner);
    if (!kube::is_in_tree(one.provisioner)) {
        return info(
            {"provisioner-not-installed", object, "driver",
             "its provisioner " + one.provisioner +
                 " is no CSI driver that is installed here: claims of this class stay Pending, unless a provisioner "
                 "without CSI has that name",
             remedy_driver(one.provisioner)});
    }
    if (now.empty()) {
        return warning({"provisioner-in-tree", object, "class",
                        "its provisioner " + one.provisioner +
                            " was part of Kubernetes and is gone: claims of this class stay Pending",
                        "make a class of a CSI driver"});
    }
    return warning({"provisioner-in-tree", object, "class",
                    "its provisioner " + one.provisioner + " is a name from before CSI; Kubernetes asks " + now +
                        " instead" + (is_absent(facts, now) ? ", which is not installed here" : ""),
                    "make a class with `provisioner: " + now + "`"});
}

Findings judge_storage_classes(const ClusterFacts& facts) {
    Findings found = judge_storage_defaults(facts);
    for (const kube::StorageClass& one : facts.storage_classes.value) {
        const bool served = !kube::is_in_tree(one.provisioner) && !is_absent(facts, one.provisioner);
        if (!served && !kube::provisions_nothing(one.provisioner)) found.push_back(judge_storage_class(facts, one));
    }
    return found;
}

Findings judge_snapshot_classes(const ClusterFacts& facts) {
    Findings found;
    std::map<std::string, std::vector<std::string>> defaults;
    for (const kube::SnapshotClass& one : facts.snapshot_classes.value) {
        if (one.is_default) defaults[one.driver].push_back(one.name);
        if (!is_absent(facts, one.driver)) continue;
        found.push_back(warning({"snapshot-driver-not-installed", "vsclass/" + one.name, "driver",
                                 "its driver " + one.driver + " is not installed: a snapshot with it is never taken",
                                 remedy_driver(one.driver)}));
    }
    for (const auto& [driver, names] : defaults) {
        if (names.size() < 2) continue;
        found.push_back(warning({"snapshot-class-two-defaults", "cluster", "class",
                                 "the driver " + driver + " has more than one default snapshot class: " + named(names) +
                                     "; a snapshot that names none fails",
                                 "leave one: `kubectl annotate volumesnapshotclass " + names.back() +
                                     " snapshot.storage.kubernetes.io/is-default-class-`"}));
    }
    if (facts.snapshot_classes.there() && facts.snapshot_classes->empty()) {
        found.push_back(warning({"snapshot-class-none", "cluster", "class", "there is no volume snapshot class",
                                 "make one for each driver that can take snapshots: `kubectl get csidrivers`"}));
    }
    return found;
}

}  // namespace

Findings judge_cluster(const ClusterFacts& facts) {
    Findings found;
    if (facts.snapshots_served == Sight::kAbsent) {
        found.push_back(snapshot_api_missing("cluster"));
        if (facts.old_snapshots_only)
            found.back().message += " (only v1beta1 is there, which is from before Kubernetes 1.20)";
    }
    append(found, judge_snapshot_classes(facts));
    append(found, judge_storage_classes(facts));
    return found;
}

}  // namespace holdfast::diagnose
