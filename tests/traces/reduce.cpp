#include "tests/traces/reduce.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/resize.h"
#include "common/kube/objects/workload.h"

#include <algorithm>

namespace holdfast::traces {
namespace {

using kube::text_at;

// Words of a state, joined by blanks; what is empty or not so is left out.
class Words {
  public:
    Words& add(const std::string& word) {
        if (!word.empty()) words_.push_back(word);
        return *this;
    }
    Words& add_if(bool so, const std::string& word) { return add(so ? word : ""); }
    std::string text() const { return words_.empty() ? "-" : join(words_, " "); }

  private:
    std::vector<std::string> words_;
};

// "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection" -> "volumesnapshot-bound-protection"; those whose
// last part says nothing are called after who set them.
std::string short_finalizer(const std::string& name) {
    const std::string who = name.substr(0, name.find('/'));
    if (who == "external-attacher") return "attacher";
    if (who == "external-provisioner.volume.kubernetes.io") return "provisioner";
    const std::string what = name.substr(name.rfind('/') + 1);
    return who == "provisioner.storage.kubernetes.io" ? "provisioner:" + what : what;
}

std::string finalizers_of(const Json& object) {
    const Json* all = kube::find_at(object, "/metadata/finalizers");
    if (all == nullptr || all->empty()) return "";
    std::vector<std::string> names;
    for (const Json& one : *all) names.push_back(short_finalizer(one.get<std::string>()));
    std::sort(names.begin(), names.end());
    return "[" + join(names, ",") + "]";
}

// Who controls it or goes with it, by kind: names of pods are drawn.
std::string owners_of(const Json& object) {
    const Json* all = kube::find_at(object, "/metadata/ownerReferences");
    if (all == nullptr || all->empty()) return "";
    std::vector<std::string> kinds;
    for (const Json& one : *all) kinds.push_back(text_at(one, "/kind"));
    return "owned-by-" + join(kinds, ",");
}

bool annotated(const Json& object, const char* key) { return !kube::annotation_of(object, key).empty(); }

bool is_ready(const Json& pod) {
    const Json* all = kube::find_at(pod, "/status/conditions");
    return all != nullptr && std::any_of(all->begin(), all->end(), [](const Json& one) {
               return text_at(one, "/type") == "Ready" && text_at(one, "/status") == "True";
           });
}

std::string count(const Json& object, const std::string& path) {
    return std::to_string(kube::number_at(object, path, 0));
}

std::string pod_state(const Json& pod) {
    return Words()
        .add(text_at(pod, "/status/phase"))
        .add_if(!text_at(pod, "/spec/nodeName").empty(), "placed")
        .add_if(is_ready(pod), "ready")
        .add(owners_of(pod))
        .add_if(kube::deleting(pod), "deleting")
        .text();
}

std::string claim_state(const Json& claim, const std::string& volume) {
    const kube::ResizeState size = kube::resize_state_of(claim);
    return Words()
        .add(text_at(claim, "/status/phase"))
        .add(volume)
        .add_if(annotated(claim, "pv.kubernetes.io/bind-completed"), "bind-completed")
        .add_if(annotated(claim, "pv.kubernetes.io/bound-by-controller"), "bound-by-controller")
        .add_if(annotated(claim, "volume.kubernetes.io/storage-provisioner"), "for-provisioner")
        .add_if(annotated(claim, "volume.kubernetes.io/selected-node"), "node-chosen")
        .add_if(size.capacity && size.requested && *size.capacity < *size.requested, "smaller-than-asked")
        .add_if(size.resizing, "resizing")
        .add_if(size.node_pending, "node-pending")
        .add(size.status)
        .add(finalizers_of(claim))
        .add(owners_of(claim))
        .add_if(kube::deleting(claim), "deleting")
        .text();
}

std::string claim_of_volume(const Json& volume, const std::string& claim) {
    if (claim.empty()) return "free";
    const bool reserved = text_at(volume, "/spec/claimRef/uid").empty();
    return (reserved ? "reserved-for-" : "of-") + claim;
}

std::string volume_state(const Json& volume, const std::string& claim) {
    return Words()
        .add(text_at(volume, "/status/phase"))
        .add(claim_of_volume(volume, claim))
        .add(text_at(volume, "/spec/persistentVolumeReclaimPolicy"))
        .add_if(annotated(volume, "pv.kubernetes.io/bound-by-controller"), "bound-by-controller")
        .add(finalizers_of(volume))
        .add_if(kube::deleting(volume), "deleting")
        .text();
}

std::string snapshot_state(const Json& snapshot) {
    return Words()
        .add_if(!text_at(snapshot, "/status/boundVolumeSnapshotContentName").empty(), "bound")
        .add_if(!text_at(snapshot, "/status/creationTime").empty(), "cut")
        .add_if(kube::bool_at(snapshot, "/status/readyToUse", false), "ready")
        .add_if(kube::find_at(snapshot, "/status/error") != nullptr, "error")
        .add(finalizers_of(snapshot))
        .add_if(kube::deleting(snapshot), "deleting")
        .text();
}

std::string content_state(const Json& content) {
    return Words()
        .add(text_at(content, "/spec/deletionPolicy"))
        .add_if(annotated(content, "snapshot.storage.kubernetes.io/volumesnapshot-being-created"), "being-created")
        .add_if(annotated(content, "snapshot.storage.kubernetes.io/volumesnapshot-being-deleted"), "being-deleted")
        .add_if(!text_at(content, "/status/snapshotHandle").empty(), "cut")
        .add_if(kube::bool_at(content, "/status/readyToUse", false), "ready")
        .add_if(kube::find_at(content, "/status/error") != nullptr, "error")
        .add(finalizers_of(content))
        .add_if(kube::deleting(content), "deleting")
        .text();
}

std::string attachment_state(const Json& attachment) {
    return Words()
        .add(kube::bool_at(attachment, "/status/attached", false) ? "attached" : "not-attached")
        .add(finalizers_of(attachment))
        .add_if(kube::deleting(attachment), "deleting")
        .text();
}

std::string workload_state(const Json& workload) {
    const bool seen = kube::number_at(workload, "/status/observedGeneration", 0) >=
                      kube::number_at(workload, "/metadata/generation", 1);
    return Words()
        .add("wants=" + std::to_string(kube::replicas_of(workload)))
        .add("has=" + count(workload, "/status/replicas"))
        .add("ready=" + count(workload, "/status/readyReplicas"))
        .add_if(!seen, "unseen")
        .add_if(kube::deleting(workload), "deleting")
        .text();
}

const std::map<std::string, std::string>& kinds() {
    static const std::map<std::string, std::string> kKinds = {{"Pod", "pod"},
                                                              {"PersistentVolumeClaim", "claim"},
                                                              {"PersistentVolume", "volume"},
                                                              {"VolumeSnapshot", "snapshot"},
                                                              {"VolumeSnapshotContent", "content"},
                                                              {"VolumeAttachment", "attachment"},
                                                              {"StatefulSet", "statefulset"},
                                                              {"Deployment", "deployment"}};
    return kKinds;
}

}  // namespace

const std::vector<kube::Resource>& traced() {
    static const std::vector<kube::Resource> kTraced = {
        kube::kPods,         kube::kClaims,           kube::kVolumes,
        kube::kSnapshots,    kube::kSnapshotContents, kube::kVolumeAttachments,
        kube::kStatefulSets, kube::kDeployments};
    return kTraced;
}

std::optional<std::string> Reducer::operation(const std::string& called) const {
    for (const auto& [id, name] : operations_) {
        if (name == called) return id;
    }
    return std::nullopt;
}

std::string Reducer::without_operations(const std::string& name) const {
    for (const auto& [id, called] : operations_) {
        const std::size_t at = name.find(id);
        if (at != std::string::npos) return name.substr(0, at) + called + name.substr(at + id.size());
    }
    return name;
}

// The name of an object whose own was drawn: "volume/data-db-0", and for the next of the same claim
// "volume/data-db-0#2".
std::string Reducer::drawn(const std::string& kind, const std::string& name) {
    const std::string base = kind + "/" + without_operations(name);
    const int number = ++numbers_[base];
    return number == 1 ? base : base + "#" + std::to_string(number);
}

std::string Reducer::volume_called(const std::string& name) const {
    const auto found = volumes_.find(name);
    return found == volumes_.end() ? "" : found->second;
}

std::string Reducer::called(const std::string& kind, const Json& object) {
    for (const char* label : {labels::kOperation, labels::kPutIn, labels::kKept}) {
        const std::string operation = kube::label_of(object, label);
        if (!operation.empty()) operations_.try_emplace(operation, "OP" + std::to_string(operations_.size() + 1));
    }
    const auto known = names_.find(kube::uid_of(object));
    if (known != names_.end()) return known->second;
    std::string name;
    if (kind == "volume")
        name = volumes_[kube::name_of(object)] = drawn(kind, text_at(object, "/spec/claimRef/name"));
    else if (kind == "content")
        name = drawn(kind, text_at(object, "/spec/volumeSnapshotRef/name"));
    else if (kind == "attachment")
        name = "attachment/" + volume_called(text_at(object, "/spec/source/persistentVolumeName"));
    else if (text_at(object, "/metadata/ownerReferences/0/kind") == "ReplicaSet")
        name = drawn(kind, "of-" + text_at(object, "/metadata/labels/app"));
    else
        name = kind + "/" + without_operations(kube::name_of(object));
    return names_[kube::uid_of(object)] = name;
}

std::string Reducer::state_of(const std::string& kind, const Json& object) const {
    if (kind == "pod") return pod_state(object);
    if (kind == "claim") return claim_state(object, volume_called(text_at(object, "/spec/volumeName")));
    if (kind == "volume") return volume_state(object, without_operations(text_at(object, "/spec/claimRef/name")));
    if (kind == "snapshot") return snapshot_state(object);
    if (kind == "content") return content_state(object);
    if (kind == "attachment") return attachment_state(object);
    return workload_state(object);
}

std::optional<Event> Reducer::reduce(kube::WatchEvent::Type type, const Json& object) {
    const auto kind = kinds().find(text_at(object, "/kind"));
    if (kind == kinds().end() || type == kube::WatchEvent::Type::kBookmark) return std::nullopt;
    const std::string name = called(kind->second, object);
    const std::string state = type == kube::WatchEvent::Type::kDeleted ? "gone" : state_of(kind->second, object);
    std::string& last = last_[kube::uid_of(object)];
    if (last == state) return std::nullopt;
    last = state;
    return Event{name, state};
}

}  // namespace holdfast::traces
