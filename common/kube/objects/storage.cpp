#include "common/kube/objects/storage.h"

#include "common/core/quantity.h"
#include "common/core/text.h"
#include "common/kube/objects/event.h"
#include "common/kube/objects/workload.h"

#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace holdfast::kube {
namespace {

std::vector<std::string> texts_of(const Json* array) {
    std::vector<std::string> texts;
    if (array == nullptr || !array->is_array()) return texts;
    for (const Json& item : *array) {
        if (item.is_string()) texts.push_back(item.get<std::string>());
    }
    return texts;
}

std::string or_default(std::string text, const char* fallback) { return text.empty() ? fallback : text; }

std::string expression_text(const Json& expression) {
    const std::string key = text_at(expression, "/key"), op = text_at(expression, "/operator");
    const std::string values = join(texts_of(find_at(expression, "/values")), ", ");
    if (op == "In") return key + " in (" + values + ")";
    if (op == "NotIn") return key + " not in (" + values + ")";
    return key + " " + to_lower(op) + (values.empty() ? "" : " " + values);
}

std::vector<std::string> places_of(const Json& terms) {
    std::vector<std::string> places;
    if (!terms.is_array()) return places;
    for (const Json& term : terms) {
        std::vector<std::string> parts;
        const Json* expressions = find_at(term, "/matchExpressions");
        if (expressions == nullptr || !expressions->is_array()) continue;
        for (const Json& expression : *expressions) parts.push_back(expression_text(expression));
        if (!parts.empty()) places.push_back(join(parts, " and "));
    }
    return places;
}

// allowedTopologies says for each key which values it may have, as the term of a node selector does by "In".
Json terms_of_class(const Json& storage_class) {
    const Json* allowed = find_at(storage_class, "/allowedTopologies");
    if (allowed == nullptr || !allowed->is_array() || allowed->empty()) return {};
    Json terms = Json::array();
    for (const Json& one : *allowed) {
        Json expressions = Json::array();
        const Json* labels = find_at(one, "/matchLabelExpressions");
        for (const Json& label : labels != nullptr && labels->is_array() ? *labels : Json::array()) {
            const Json* values = find_at(label, "/values");
            expressions.push_back({{"key", text_at(label, "/key")},
                                   {"operator", "In"},
                                   {"values", values == nullptr ? Json::array() : *values}});
        }
        terms.push_back({{"matchExpressions", expressions}});
    }
    return terms;
}

// The key of spec that says which kind of volume it is: the one that is an object and none of those that every volume
// has.
std::string kind_of_volume(const Json& volume) {
    const Json* spec = find_at(volume, "/spec");
    if (spec == nullptr || !spec->is_object()) return "";
    for (const auto& [key, value] : spec->items()) {
        if (value.is_object() && key != "capacity" && key != "claimRef" && key != "nodeAffinity") return key;
    }
    return "";
}

constexpr std::array<std::pair<const char*, const char*>, 7> kInTree{{
    {"kubernetes.io/aws-ebs", "ebs.csi.aws.com"},
    {"kubernetes.io/gce-pd", "pd.csi.storage.gke.io"},
    {"kubernetes.io/azure-disk", "disk.csi.azure.com"},
    {"kubernetes.io/azure-file", "file.csi.azure.com"},
    {"kubernetes.io/cinder", "cinder.csi.openstack.org"},
    {"kubernetes.io/vsphere-volume", "csi.vsphere.vmware.com"},
    {"kubernetes.io/portworx-volume", "pxd.portworx.com"},
}};

}  // namespace

StorageClass storage_class_of(const Json& object) {
    StorageClass one;
    one.name = name_of(object);
    one.provisioner = text_at(object, "/provisioner");
    one.reclaim_policy = or_default(text_at(object, "/reclaimPolicy"), "Delete");
    one.binding_mode = or_default(text_at(object, "/volumeBindingMode"), "Immediate");
    one.is_default = annotation_of(object, "storageclass.kubernetes.io/is-default-class") == "true" ||
                     annotation_of(object, "storageclass.beta.kubernetes.io/is-default-class") == "true";
    one.created = created_of(object);
    one.topology = terms_of_class(object);
    one.places = places_of(one.topology);
    return one;
}

std::string csi_driver_of_in_tree(const std::string& provisioner) {
    for (const auto& [in_tree, driver] : kInTree) {
        if (provisioner == in_tree) return driver;
    }
    return "";
}

bool provisions_nothing(const std::string& provisioner) { return provisioner == "kubernetes.io/no-provisioner"; }

bool is_in_tree(const std::string& provisioner) {
    return starts_with(provisioner, "kubernetes.io/") && !provisions_nothing(provisioner);
}

Volume volume_of(const Json& object) {
    Volume volume;
    volume.name = name_of(object);
    volume.phase = text_at(object, "/status/phase");
    volume.driver = text_at(object, "/spec/csi/driver");
    volume.handle = text_at(object, "/spec/csi/volumeHandle");
    volume.kind = kind_of_volume(object);
    volume.storage_class = text_at(object, "/spec/storageClassName");
    volume.reclaim_policy = text_at(object, "/spec/persistentVolumeReclaimPolicy");
    volume.volume_mode = or_default(text_at(object, "/spec/volumeMode"), "Filesystem");
    volume.access_modes = texts_of(find_at(object, "/spec/accessModes"));
    const auto capacity = Quantity::parse(text_at(object, "/spec/capacity/storage"));
    if (capacity.ok()) volume.capacity_bytes = capacity->bytes();
    volume.claim_space = text_at(object, "/spec/claimRef/namespace");
    volume.claim_name = text_at(object, "/spec/claimRef/name");
    volume.claim_uid = text_at(object, "/spec/claimRef/uid");
    volume.uid = uid_of(object);
    volume.version = version_of(object);
    volume.deleting = deleting(object);
    volume.chosen = annotation_of(object, "pv.kubernetes.io/bound-by-controller") == "yes";
    const Json* terms = find_at(object, "/spec/nodeAffinity/required/nodeSelectorTerms");
    if (terms != nullptr && terms->is_array()) volume.topology = *terms;
    volume.places = places_of(volume.topology);
    return volume;
}

Attachment attachment_of(const Json& object) {
    Attachment attachment;
    attachment.volume = text_at(object, "/spec/source/persistentVolumeName");
    attachment.node = text_at(object, "/spec/nodeName");
    attachment.attacher = text_at(object, "/spec/attacher");
    attachment.attached = bool_at(object, "/status/attached", false);
    attachment.deleting = deleting(object);
    attachment.attach_error = message_text(text_at(object, "/status/attachError/message"));
    attachment.detach_error = message_text(text_at(object, "/status/detachError/message"));
    return attachment;
}

std::vector<std::string> drivers_of_node(const Json& csi_node) {
    std::vector<std::string> names;
    const Json* drivers = find_at(csi_node, "/spec/drivers");
    if (drivers == nullptr || !drivers->is_array()) return names;
    for (const Json& driver : *drivers) names.push_back(text_at(driver, "/name"));
    return names;
}

}  // namespace holdfast::kube
