#include "tests/sim/test_cluster.h"

#include <cstdlib>
#include <string_view>

namespace holdfast::sim {
namespace {

Json object(const char* version, const char* kind, const std::string& name) {
    return {{"apiVersion", version}, {"kind", kind}, {"metadata", {{"name", name}}}};
}

void put(Sim& sim, Json made) {
    made["metadata"]["uid"] = sim.new_uid();
    made["metadata"]["creationTimestamp"] = format_time(sim.now());
    sim.put(std::move(made));
}

struct ClassRow {
    const char* name;
    const char* driver;
    const char* policy;
    const char* mode;
    bool expands;
    const char* fail;
};

void put_classes(Sim& sim) {
    static constexpr ClassRow kRows[] = {
        {"fast", "fast.csi.hf.test", "Delete", "Immediate", true, ""},
        {"fast-later", "fast.csi.hf.test", "Delete", "WaitForFirstConsumer", true, ""},
        {"fast-offline", "fast.csi.hf.test", "Delete", "Immediate", true, ""},
        {"fast-fixed", "fast.csi.hf.test", "Delete", "Immediate", false, ""},
        {"slow", "slow.csi.hf.test", "Delete", "Immediate", true, ""},
        {"slow-offline", "slow.csi.hf.test", "Delete", "Immediate", true, ""},
        {"slow-retain", "slow.csi.hf.test", "Retain", "WaitForFirstConsumer", true, ""},
        {"broken", "slow.csi.hf.test", "Delete", "Immediate", false, "the storage system is full"},
        {"unserved", "absent.csi.hf.test", "Delete", "Immediate", false, ""},
    };
    for (const ClassRow& row : kRows) {
        Json made = object("storage.k8s.io/v1", "StorageClass", row.name);
        if (std::string_view(row.name) == "fast")
            made["metadata"]["annotations"] = {{"storageclass.kubernetes.io/is-default-class", "true"}};
        made["provisioner"] = row.driver;
        made["reclaimPolicy"] = row.policy;
        made["volumeBindingMode"] = row.mode;
        made["allowVolumeExpansion"] = row.expands;
        if (*row.fail != 0) made["parameters"] = {{"fail", row.fail}};
        put(sim, made);
    }
}

struct SnapshotClassRow {
    const char* name;
    const char* driver;
    const char* policy;
    bool is_default;
    const char* parameter;
    const char* value;
};

void put_snapshot_classes(Sim& sim) {
    static constexpr SnapshotClassRow kRows[] = {
        {"fast", "fast.csi.hf.test", "Delete", true, "", ""},
        {"fast-retain", "fast.csi.hf.test", "Retain", false, "", ""},
        {"slow", "slow.csi.hf.test", "Delete", true, "", ""},
        {"fast-delayed", "fast.csi.hf.test", "Delete", false, "delay", "15s"},
        {"fast-uploading", "fast.csi.hf.test", "Delete", false, "delay", "1000h"},
        {"broken", "fast.csi.hf.test", "Delete", false, "fail", "the array refused the snapshot"},
        {"unserved", "absent.csi.hf.test", "Delete", false, "", ""},
    };
    for (const SnapshotClassRow& row : kRows) {
        Json made = object("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", row.name);
        if (row.is_default)
            made["metadata"]["annotations"] = {{"snapshot.storage.kubernetes.io/is-default-class", "true"}};
        made["driver"] = row.driver;
        made["deletionPolicy"] = row.policy;
        if (*row.parameter != 0) made["parameters"] = {{row.parameter, row.value}};
        put(sim, made);
    }
}

}  // namespace

Sim make_test_cluster(std::uint64_t seed) {
    Sim sim(seed);
    sim.delays.ready = milliseconds(0);  // unless the class says otherwise
    for (const char* name : {"default", "elsewhere"}) {
        Json space = object("v1", "Namespace", name);
        space["status"] = {{"phase", "Active"}};
        put(sim, space);
    }
    Json node = object("v1", "Node", "node-a");
    node["metadata"]["labels"] = {{"kubernetes.io/hostname", "node-a"}};
    node["status"] = {{"conditions", Json::array({{{"type", "Ready"}, {"status", "True"}}})}};
    put(sim, node);
    for (const char* name : {"fast.csi.hf.test", "slow.csi.hf.test"}) {
        Json driver = object("storage.k8s.io/v1", "CSIDriver", name);
        driver["spec"] = {{"attachRequired", std::string_view(name).starts_with("slow")}};
        put(sim, driver);
    }
    put_classes(sim);
    put_snapshot_classes(sim);
    if (!sim.settle(milliseconds(600000))) std::abort();
    return sim;
}

void put_namespace(Sim& sim, const std::string& name) {
    Json made = object("v1", "Namespace", name);
    made["status"] = {{"phase", "Active"}};
    put(sim, made);
    // As every namespace gets one (pkg/controller/certificates/rootcacertpublisher).
    Json root = object("v1", "ConfigMap", "kube-root-ca.crt");
    root["metadata"]["namespace"] = name;
    put(sim, root);
}

}  // namespace holdfast::sim
