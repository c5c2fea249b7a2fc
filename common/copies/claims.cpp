#include "common/copies/claims.h"

#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"

#include <algorithm>

namespace holdfast::copies {
namespace {

const kube::StorageClass* find_class(const std::vector<kube::StorageClass>& classes, const std::string& name) {
    for (const kube::StorageClass& one : classes) {
        if (one.name == name) return &one;
    }
    return nullptr;
}

std::vector<std::string> names_of_driver(const std::vector<kube::StorageClass>& classes, const std::string& driver) {
    std::vector<std::string> names;
    for (const kube::StorageClass& one : classes) {
        if (one.provisioner == driver) names.push_back(one.name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string offer(const std::vector<std::string>& names) {
    return names.empty() ? "" : "classes of that driver: " + join(names, ", ") + " (--storage-class)";
}

struct ChosenClass {
    kube::StorageClass storage_class;
    std::string why;
};

// A driver can restore only its own snapshots: external-provisioner compares the class's provisioner with the content's
// driver.
Result<ChosenClass> choose_class(const Source& source, const Member& member, const std::string& wished) {
    const std::vector<std::string> fitting = names_of_driver(source.classes, member.driver);
    if (!wished.empty()) {
        const kube::StorageClass* found = find_class(source.classes, wished);
        if (found == nullptr) return refused("storageclass " + escape_line(wished) + " does not exist", offer(fitting));
        if (found->provisioner != member.driver) {
            return refused("storageclass " + found->name + " is of driver " + escape_line(found->provisioner) +
                               ", and " + member.text() + " is of driver " + escape_line(member.driver) +
                               ": a driver restores only its own snapshots",
                           offer(fitting));
        }
        return ChosenClass{*found, "as given"};
    }
    const kube::StorageClass* recorded = find_class(source.classes, member.facts.storage_class);
    if (recorded != nullptr && recorded->provisioner == member.driver)
        return ChosenClass{*recorded, "the class of the old volume"};
    for (const kube::StorageClass& one : source.classes) {
        if (one.is_default && one.provisioner == member.driver)
            return ChosenClass{one, "the default class, of the snapshot's driver"};
    }
    if (fitting.size() == 1)
        return ChosenClass{*find_class(source.classes, fitting.front()), "the only class of the snapshot's driver"};
    std::string message = "no storage class to restore " + member.text() + " with: ";
    if (fitting.empty())
        return refused(message + "none has its driver, " + escape_line(member.driver),
                       "create a storageclass with provisioner " + escape_line(member.driver));
    return refused(message + "none of those of its driver " + escape_line(member.driver) +
                       " is the default, and the old volume's class (" +
                       (member.facts.storage_class.empty() ? "unknown" : escape_line(member.facts.storage_class)) +
                       ") is not among them",
                   offer(fitting));
}

Result<Quantity> choose_size(const Member& member, const std::optional<Quantity>& wished) {
    const long long least = member.least_bytes();
    if (wished) {
        if (wished->bytes() < least) {
            return refused("--size " + wished->text() + " is less than " + member.text() + " needs: " +
                               Quantity::from_bytes(least).text() + " (" + std::to_string(least) + " bytes)",
                           "a restored volume cannot be smaller than its snapshot");
        }
        return *wished;
    }
    const long long bytes = std::max(least, member.facts.size_bytes);
    if (bytes <= 0)
        return refused("nobody knows how large " + member.text() + " is: neither its driver nor a record says it",
                       "give --size");
    return Quantity::from_bytes(bytes);
}

Result<std::string> choose_mode(const Member& member, const std::string& wished) {
    const std::string mode = member.volume_mode();
    if (wished.empty() || wished == mode) return mode;
    if (member.mode_change_allowed) return wished;
    return refused("volume mode " + wished + " differs from that of " + member.text() + ", which is " + mode,
                   "its content needs the annotation snapshot.storage.kubernetes.io/allow-volume-mode-change=true");
}

// FindMatchingVolume, component-helpers storage/volume/pv_helpers.go. Topology is left out: where a pod will be is not
// known yet.
bool would_take(const ClaimSpec& spec, const kube::Volume& volume) {
    if (!volume.claim_name.empty()) return volume.claim_space == spec.space && volume.claim_name == spec.name;
    const bool covers = std::all_of(spec.access_modes.begin(), spec.access_modes.end(), [&](const std::string& mode) {
        return std::find(volume.access_modes.begin(), volume.access_modes.end(), mode) != volume.access_modes.end();
    });
    return covers && volume.storage_class == spec.storage_class.name && volume.volume_mode == spec.volume_mode &&
           volume.capacity_bytes >= spec.size.bytes();
}

}  // namespace

Result<ClaimSpec> choose_claim(const Source& source, const Member& member, const ClaimWishes& wishes) {
    if (member.driver.empty()) {
        return refused(member.text() + " has no bound content yet, so its driver is unknown",
                       "`kubectl snap describe " + source.text() + "` shows where it is stuck");
    }
    ClaimSpec spec;
    TRY_ASSIGN(ChosenClass chosen, choose_class(source, member, wishes.storage_class));
    spec.storage_class = std::move(chosen.storage_class);
    spec.why_class = std::move(chosen.why);
    TRY_ASSIGN(spec.size, choose_size(member, wishes.size));
    TRY_ASSIGN(spec.volume_mode, choose_mode(member, wishes.volume_mode));
    if (!wishes.access_mode.empty())
        spec.access_modes = {wishes.access_mode};
    else
        spec.access_modes = member.facts.access_modes;
    if (spec.access_modes.empty()) spec.access_modes = {"ReadWriteOnce"};
    spec.snapshot = member.facts.snapshot;
    return spec;
}

Status check_rivals(const std::vector<kube::Volume>& free_volumes, const ClaimSpec& spec) {
    for (const kube::Volume& volume : free_volumes) {
        if (!would_take(spec, volume)) continue;
        return refused("pv/" + volume.name + " is free: Kubernetes would bind pvc/" + spec.space + "/" + spec.name +
                           " to it, with whatever is on it, and restore nothing",
                       "reserve it for whom it is meant, e.g. kubectl patch pv " + shell_quote(volume.name) +
                           " -p '{\"spec\":{\"claimRef\":{\"namespace\":\"" + spec.space +
                           "\",\"name\":\"SOME-CLAIM\"}}}', and run the command again");
    }
    return {};
}

std::string source_text(const Member& member) {
    return member.text() + kSourceUid + (member.snapshot ? member.snapshot->uid : member.facts.snapshot_uid);
}

Json claim_manifest(const ClaimSpec& spec, const Member& member, const Json& labels) {
    Json manifest = {{"apiVersion", "v1"},
                     {"kind", "PersistentVolumeClaim"},
                     {"metadata", {{"name", spec.name}, {"namespace", spec.space}}}};
    manifest["metadata"]["labels"] = labels;
    manifest["metadata"]["annotations"] = {{labels::kSource, source_text(member)}};
    manifest["spec"] = {
        {"accessModes", spec.access_modes},
        {"storageClassName", spec.storage_class.name},
        {"volumeMode", spec.volume_mode},
        {"resources", {{"requests", {{"storage", spec.size.text()}}}}},
        {"dataSource", {{"apiGroup", "snapshot.storage.k8s.io"}, {"kind", "VolumeSnapshot"}, {"name", spec.snapshot}}}};
    return manifest;
}

Result<Import> import_of(const Member& member, const std::string& space, const std::string& name) {
    if (!member.content || member.content->handle.empty()) {
        return refused(
            member.text() + " has no handle in the storage yet, so it cannot be used from namespace " + space,
            "wait until it is ready");
    }
    const kube::SnapshotContent& content = *member.content;
    Json annotations = Json::object();
    for (const auto& [key, value] : member.content_annotations) annotations[key] = value;
    Import import;
    // Retain: two contents that may delete one handle would let the first deletion destroy what the other one promises.
    import.content = {{"apiVersion", "snapshot.storage.k8s.io/v1"},
                      {"kind", "VolumeSnapshotContent"},
                      {"metadata",
                       { {"name", name},
                         {"labels",
                          { { labels::kRole,
                              "import" } }},
                         { "annotations",
                           annotations } }},
                      { "spec",
                        { {"deletionPolicy", "Retain"},
                          {"driver", content.driver},
                          {"source",
                           { { "snapshotHandle",
                               content.handle } }},
                          { "volumeSnapshotRef",
                            { {"name", name},
                              { "namespace",
                                space } } } } }};
    import.snapshot = {{"apiVersion", "snapshot.storage.k8s.io/v1"},
                       {"kind", "VolumeSnapshot"},
                       {"metadata",
                        { {"name", name},
                          {"namespace", space},
                          { "labels",
                            { { labels::kRole,
                                "import" } } } }},
                       { "spec",
                         { { "source",
                             { { "volumeSnapshotContentName",
                                 name } } } } }};
    if (!content.source_volume_mode.empty()) import.content["spec"]["sourceVolumeMode"] = content.source_volume_mode;
    if (!content.snapshot_class.empty()) {
        import.content["spec"]["volumeSnapshotClassName"] = content.snapshot_class;
        import.snapshot["spec"]["volumeSnapshotClassName"] = content.snapshot_class;
    }
    return import;
}

}  // namespace holdfast::copies
