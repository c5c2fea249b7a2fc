#include "common/copies/snapshot_class.h"

#include "common/core/refusal.h"
#include "common/core/text.h"

#include <algorithm>
#include <set>

namespace holdfast::copies {
namespace {

std::vector<std::string> names_of(const std::vector<const kube::SnapshotClass*>& classes) {
    std::vector<std::string> names;
    for (const kube::SnapshotClass* one : classes) names.push_back(one->name);
    return names;
}

}  // namespace

ClassChooser::ClassChooser(const std::vector<Json>& classes, std::string wanted) : wanted_(std::move(wanted)) {
    for (const Json& object : classes) classes_.push_back(kube::snapshot_class_of(object));
    std::sort(classes_.begin(), classes_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
}

Result<std::string> ClassChooser::choose(const std::string& driver, const std::string& what) {
    const auto known = chosen_.find(driver);
    if (known != chosen_.end()) return known->second->name;
    TRY_ASSIGN(const kube::SnapshotClass* found, find(driver, what));
    chosen_[driver] = found;
    return found->name;
}

Result<const kube::SnapshotClass*> ClassChooser::find(const std::string& driver, const std::string& what) const {
    std::vector<const kube::SnapshotClass*> fitting, defaults;
    std::vector<std::string> drivers;
    const kube::SnapshotClass* named = nullptr;
    for (const kube::SnapshotClass& one : classes_) {
        if (one.name == wanted_) named = &one;
        drivers.push_back(one.name + " (" + one.driver + ")");
        if (one.driver != driver) continue;
        fitting.push_back(&one);
        if (one.is_default) defaults.push_back(&one);
    }
    const std::string fit = fitting.empty() ? "no VolumeSnapshotClass is for that driver"
                                            : "classes for that driver: " + join(names_of(fitting), ", ");
    if (!wanted_.empty()) {
        if (named == nullptr) return refused("there is no VolumeSnapshotClass " + wanted_, fit);
        if (named->driver == driver) return named;
        return refused("VolumeSnapshotClass " + wanted_ + " is for driver " + named->driver + ", but the volume of " +
                           what + " belongs to driver " + driver,
                       fit);
    }
    if (defaults.size() == 1) return defaults.front();
    if (defaults.size() > 1) {
        return refused("driver " + driver + " (of " + what + ") has " + std::to_string(defaults.size()) +
                           " default VolumeSnapshotClasses: " + join(names_of(defaults), ", "),
                       "choose one with --snapshot-class");
    }
    if (fitting.size() == 1) return fitting.front();
    if (fitting.empty()) {
        return refused(
            "no VolumeSnapshotClass is for driver " + driver + ", to which the volume of " + what + " belongs",
            drivers.empty() ? "the cluster has none at all: make one with `driver: " + driver + "` and a deletionPolicy"
                            : "there are " + join(drivers, ", ") + "; make one with `driver: " + driver + "`");
    }
    return refused("driver " + driver + " (of " + what +
                       ") has several VolumeSnapshotClasses and no default: " + join(names_of(fitting), ", "),
                   "choose one with --snapshot-class");
}

std::vector<std::string> ClassChooser::notes() const {
    std::vector<std::string> notes;
    std::vector<std::string> dying;
    for (const auto& [driver, one] : chosen_) {
        if (!one->is_default && wanted_.empty())
            notes.push_back("class " + one->name + " is taken as the only one for driver " + driver +
                            ", though it is no default");
        if (one->deletion_policy != "Retain") dying.push_back(one->name);
    }
    if (!dying.empty()) {
        notes.push_back("class " + join(dying, ", ") +
                        " has deletionPolicy Delete: these snapshots die with their namespace, "
                        "unless `kubectl snap protect` is run on the set");
    }
    return notes;
}

}  // namespace holdfast::copies
