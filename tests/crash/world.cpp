#include "tests/crash/world.h"

#include "tests/crash/command.h"

#include <cstdlib>

namespace holdfast::crash {
namespace {

void put(sim::Sim& sim, Json object) {
    object["metadata"]["uid"] = sim.new_uid();
    object["metadata"]["creationTimestamp"] = format_time(sim.now());
    if (object.contains("spec")) object["metadata"]["generation"] = 1;
    sim.put(std::move(object));
}

Json object(const char* version, const char* kind, const char* name, bool namespaced = true) {
    Json made = {{"apiVersion", version}, {"kind", kind}, {"metadata", {{"name", name}}}};
    if (namespaced) made["metadata"]["namespace"] = kSpace;
    return made;
}

void put_class(sim::Sim& sim, const char* name, const char* mode, const char* policy, bool is_default) {
    Json one = object("storage.k8s.io/v1", "StorageClass", name, false);
    if (is_default) one["metadata"]["annotations"] = {{"storageclass.kubernetes.io/is-default-class", "true"}};
    one["provisioner"] = "disk.example";
    one["reclaimPolicy"] = policy;
    one["volumeBindingMode"] = mode;
    one["allowVolumeExpansion"] = true;
    put(sim, one);
}

Json claim_spec(const char* storage_class) {
    return {{"accessModes", Json::array({"ReadWriteOnce"})},
            {"storageClassName", storage_class},
            {"resources", {{"requests", {{"storage", "1Gi"}}}}}};
}

Json pod_template(const char* app, const char* image, const Json& mounts) {
    return {{"metadata", {{"labels", {{"app", app}}}}},
            {"spec",
             {{"containers",
               Json::array({{{"name", app},
                             {"image", image},
                             {"env", Json::array({{{"name", "POSTGRES_PASSWORD"}, {"value", "canary-5ecret"}}})},
                             {"volumeMounts", mounts}}})}}}};
}

void put_postgres(sim::Sim& sim) {
    Json set = object("apps/v1", "StatefulSet", "postgres");
    const Json mounts =
        Json::array({{{"name", "data"}, {"mountPath", "/data"}}, {{"name", "wal"}, {"mountPath", "/wal"}}});
    Json templates = Json::array();
    for (const char* name : {"data", "wal"})
        templates.push_back({{"metadata", {{"name", name}}}, {"spec", claim_spec("fast")}});
    set["spec"] = {{"replicas", 2},
                   {"serviceName", "postgres"},
                   {"podManagementPolicy", "OrderedReady"},
                   {"selector", {{"matchLabels", {{"app", "postgres"}}}}},
                   {"persistentVolumeClaimRetentionPolicy", retention()},
                   {"template", pod_template("postgres", "registry.example/postgres:15", mounts)},
                   {"volumeClaimTemplates", templates}};
    set["spec"]["template"]["metadata"]["labels"]["tier"] = "data";
    put(sim, set);
    Json service = object("v1", "Service", "postgres");
    service["spec"] = {{"selector", {{"app", "postgres"}}}, {"clusterIP", "None"}};
    put(sim, service);
    // What else picks its pods, by another label: no copy may be taken for one of them (I16).
    service = object("v1", "Service", "data");
    service["spec"] = {{"selector", {{"tier", "data"}}}, {"clusterIP", "10.0.0.7"}};
    put(sim, service);
}

void put_files(sim::Sim& sim) {
    Json claim = object("v1", "PersistentVolumeClaim", "files");
    claim["spec"] = claim_spec("slow");
    claim["spec"]["volumeMode"] = "Filesystem";
    claim["status"] = {{"phase", "Pending"}};
    claim["metadata"]["finalizers"] = Json::array({"kubernetes.io/pvc-protection"});
    put(sim, claim);
    Json deployment = object("apps/v1", "Deployment", "files");
    deployment["spec"] = {{"replicas", 1},
                          {"selector", {{"matchLabels", {{"app", "files"}}}}},
                          {"template", pod_template("files", "registry.example/files:1",
                                                    Json::array({{{"name", "files"}, {"mountPath", "/files"}}}))}};
    deployment["spec"]["template"]["spec"]["volumes"] =
        Json::array({{{"name", "files"}, {"persistentVolumeClaim", {{"claimName", "files"}}}}});
    put(sim, deployment);
}

// A node, the driver and its classes.
void put_storage(sim::Sim& sim) {
    Json node = object("v1", "Node", "node-a", false);
    node["status"] = {{"conditions", Json::array({{{"type", "Ready"}, {"status", "True"}}})}};
    put(sim, node);
    Json driver = object("storage.k8s.io/v1", "CSIDriver", "disk.example", false);
    driver["spec"] = {{"attachRequired", true}};
    put(sim, driver);
    put_class(sim, "fast", "Immediate", "Delete", true);
    put_class(sim, "slow", "WaitForFirstConsumer", "Retain", false);
    put_class(sim, "later", "WaitForFirstConsumer", "Delete", false);
}

void put_space(sim::Sim& sim, const char* name) {
    Json space = object("v1", "Namespace", name, false);
    space["status"] = {{"phase", "Active"}};
    put(sim, space);
}

void put_snapshot_class(sim::Sim& sim, const char* name) {
    Json snapshots = object("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", name, false);
    snapshots["metadata"]["annotations"] = {{"snapshot.storage.kubernetes.io/is-default-class", "true"}};
    snapshots["driver"] = "disk.example";
    snapshots["deletionPolicy"] = "Delete";
    put(sim, snapshots);
}

}  // namespace

Json retention() { return {{"whenDeleted", "Retain"}, {"whenScaled", "Delete"}}; }

sim::Sim make_world(std::uint64_t seed) {
    sim::Sim sim(seed);
    for (const char* name : {kSpace, "elsewhere"}) put_space(sim, name);
    put_storage(sim);
    put_snapshot_class(sim, "cuts");
    put_postgres(sim);
    put_files(sim);
    if (!sim.settle(sim::milliseconds(600000))) std::abort();
    return sim;
}

void add_other_cluster(sim::Sim& sim) {
    sim::Sim& other = sim.add_other(sim.dice.next());
    put_space(other, kSpace);
    put_storage(other);
    put_snapshot_class(other, "others");  // no class has the name of one of the first cluster
    if (!sim.settle(sim::milliseconds(600000))) std::abort();
}

}  // namespace holdfast::crash
