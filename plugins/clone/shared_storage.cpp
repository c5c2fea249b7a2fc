#include "plugins/clone/shared_storage.h"

#include "common/core/refusal.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/containers.h"

#include <algorithm>
#include <array>
#include <string>

namespace holdfast::clone {
namespace {

// Sources of volumes whose contents outlive the pod, or may (core/v1 VolumeSource), but for claims: a driver that is
// named without one mounts a bucket or a share as well as what is the pod's own.
constexpr std::array kShared = {"hostPath",
                                "nfs",
                                "iscsi",
                                "rbd",
                                "cephfs",
                                "glusterfs",
                                "fc",
                                "cinder",
                                "gcePersistentDisk",
                                "awsElasticBlockStore",
                                "azureDisk",
                                "azureFile",
                                "flexVolume",
                                "vsphereVolume",
                                "quobyte",
                                "portworxVolume",
                                "photonPersistentDisk",
                                "scaleIO",
                                "storageos",
                                "csi"};

// Where the first container that mounts it so that it can write does, as --set names it; "" : none.
std::string written_at(const Json& pod_spec, const std::string& volume) {
    for (const Placed& one : all_containers(pod_spec)) {
        const Json& mounts = list_of_container(*one.container, "volumeMounts");
        for (std::size_t i = 0; i < mounts.size(); ++i) {
            if (kube::text_at(mounts[i], "/name") == volume && !kube::bool_at(mounts[i], "/readOnly", false))
                return one.path + ".volumeMounts[" + std::to_string(i) + "]";
        }
        for (const Json& device : list_of_container(*one.container, "volumeDevices")) {
            if (kube::text_at(device, "/name") == volume) return one.path;
        }
    }
    return "";
}

}  // namespace

Status check_shared_storage(const Json& pod_spec) {
    const Json* volumes = kube::find_at(pod_spec, "/volumes");
    if (volumes == nullptr || !volumes->is_array()) return {};
    for (const Json& volume : *volumes) {
        const auto kind = std::find_if(kShared.begin(), kShared.end(),
                                       [&](const char* one) { return volume.is_object() && volume.contains(one); });
        if (kind == kShared.end() || kube::bool_at(volume[*kind], "/readOnly", false)) continue;
        const std::string name = kube::text_at(volume, "/name"), at = written_at(pod_spec, name);
        if (at.empty()) continue;
        return refused("the clone would write to volume " + name + " (" + *kind + ") of its source, which is no claim",
                       "mount it read-only: --set spec.template.spec." + at +
                           ".readOnly=true, or give the clone another one with --set");
    }
    return {};
}

Status check_made_of_nothing(const Json& pod_spec) {
    const Json& volumes = list_of_container(pod_spec, "volumes");
    for (std::size_t i = 0; i < volumes.size(); ++i) {
        for (const char* origin : {"dataSource", "dataSourceRef", "volumeName", "selector"}) {
            const std::string place = std::string("/ephemeral/volumeClaimTemplate/spec/") + origin;
            if (kube::find_at(volumes[i], place) == nullptr) continue;
            const std::string path = "volumes[" + std::to_string(i) + "].ephemeral.volumeClaimTemplate.spec." + origin;
            return refused("each pod of the clone would have volume " + kube::text_at(volumes[i], "/name") +
                               " made of what --sql does not mask (" + origin + ")",
                           "let it be empty: --set spec.template.spec." + path + "=null");
        }
    }
    return {};
}

}  // namespace holdfast::clone
