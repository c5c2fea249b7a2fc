// The choice of a snapshot class: by the volume's driver, never by the storage class, which may be gone.
#include "common/core/text.h"
#include "common/diagnose/remedies.h"
#include "common/diagnose/snapshot_facts.h"

#include <algorithm>

namespace holdfast::diagnose {
namespace {

// Whether the default class of this driver can be chosen. Several and none are both errors of the controller.
Findings judge_default(const std::vector<kube::SnapshotClass>& classes, const std::string& driver,
                       const std::string& object) {
    std::vector<std::string> defaults, fitting;
    for (const kube::SnapshotClass& one : classes) {
        if (one.driver != driver) continue;
        fitting.push_back(one.name);
        if (one.is_default) defaults.push_back(one.name);
    }
    if (fitting.empty())
        return {error({"snapshot-class-none", object, "class", "no volume snapshot class is for its driver " + driver,
                       remedy_make_class(driver)})};
    if (defaults.empty()) {
        return {error({"snapshot-class-no-default", object, "class",
                       "it names no class, and none of the driver " + driver +
                           " is the default (there are: " + named(fitting) + ")",
                       "name one: `kubectl snap create ... --snapshot-class " + fitting.front() + "`"})};
    }
    if (defaults.size() == 1) return {};
    return {
        error({"snapshot-class-two-defaults", object, "class",
               "it names no class, and the driver " + driver + " has more than one default: " + named(defaults),
               "name one with --snapshot-class, or leave the default to one: `kubectl annotate volumesnapshotclass " +
                   defaults.back() + " snapshot.storage.kubernetes.io/is-default-class-`"})};
}

}  // namespace

Finding snapshot_api_missing(const std::string& object) {
    return error({"snapshot-api-missing", object, "discovery",
                  "this cluster does not serve snapshot.storage.k8s.io/v1: without it no volume can be snapped",
                  remedy_install_snapshots()});
}

Finding volume_not_csi(const std::string& object, const kube::Volume& volume) {
    const std::string kind = volume.kind.empty() ? "no CSI volume" : "a " + volume.kind + " volume";
    return error({"volume-not-csi", object, "volume",
                  "its volume " + volume.name + " is " + kind + ": only volumes of a CSI driver have snapshots",
                  "move it to a class of a CSI driver that can: `kubectl migrate` or dump and load"});
}

Findings judge_snapshot_class(const Seen<std::vector<kube::SnapshotClass>>& classes, const std::string& class_name,
                              const std::string& volume_driver, const std::string& object) {
    if (!classes.there()) return {};
    if (class_name.empty()) {
        return volume_driver.empty() ? Findings{} : judge_default(classes.value, volume_driver, object);
    }
    std::vector<std::string> names, fitting;
    const kube::SnapshotClass* chosen = nullptr;
    for (const kube::SnapshotClass& one : classes.value) {
        names.push_back(one.name);
        if (one.driver == volume_driver) fitting.push_back(one.name);
        if (one.name == class_name) chosen = &one;
    }
    if (chosen == nullptr) {
        return {error({"snapshot-class-missing", object, "class",
                       "there is no volume snapshot class " + class_name + " (there are: " + named(names) + ")",
                       "make that class, or take the snapshot anew with one that exists"})};
    }
    if (volume_driver.empty() || chosen->driver == volume_driver) return {};
    return {
        error({"snapshot-class-wrong-driver", object, "class",
               "its class " + class_name + " is for the driver " + chosen->driver + ", its volume is on " +
                   volume_driver + ": that driver cannot find the volume, and nothing else will look at this snapshot",
               fitting.empty() ? remedy_make_class(volume_driver)
                               : "delete it and take it anew with one of: " + named(fitting)})};
}

Findings judge_planned_class(const Seen<std::vector<kube::SnapshotClass>>& classes, const std::string& volume_driver,
                             const std::string& object) {
    Findings found = judge_snapshot_class(classes, "", volume_driver, object);
    for (Finding& one : found) {
        if (one.code == "snapshot-class-no-default") one.severity = Severity::kInfo;
        if (one.code == "snapshot-class-two-defaults") one.severity = Severity::kWarning;
    }
    return found;
}

}  // namespace holdfast::diagnose
