#include "common/kube/objects/workload.h"
#include "tests/contract/ground.h"
#include "tests/sim/sim_cluster.h"

#include <algorithm>
#include <cstdlib>

namespace holdfast::contract {
namespace {

Json object(const char* version, const char* kind, const std::string& name) {
    return {{"apiVersion", version}, {"kind", kind}, {"metadata", {{"name", name}}}};
}

void put(sim::Sim& sim, Json made) {
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

void put_classes(sim::Sim& sim) {
    static constexpr ClassRow kRows[] = {
        {"fast", "fast.csi.hf.test", "Delete", "Immediate", true, ""},
        {"fast-later", "fast.csi.hf.test", "Delete", "WaitForFirstConsumer", true, ""},
        {"fast-offline", "fast.csi.hf.test", "Delete", "Immediate", true, ""},
        {"fast-fixed", "fast.csi.hf.test", "Delete", "Immediate", false, ""},
        {"slow", "slow.csi.hf.test", "Delete", "Immediate", true, ""},
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

void put_snapshot_classes(sim::Sim& sim) {
    static constexpr SnapshotClassRow kRows[] = {
        {"fast", "fast.csi.hf.test", "Delete", true, "", ""},
        {"fast-retain", "fast.csi.hf.test", "Retain", false, "", ""},
        {"slow", "slow.csi.hf.test", "Delete", true, "", ""},
        {"fast-delayed", "fast.csi.hf.test", "Delete", false, "delay", "15s"},
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

sim::Sim prepared() {
    sim::Sim sim(4);
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
    if (!sim.settle(sim::milliseconds(600000))) std::abort();
    return sim;
}

class NoFaults : public sim::Gate {
  public:
    std::optional<Error> before(const sim::Call&) override { return std::nullopt; }
    std::optional<Error> after(const sim::Call&) override { return std::nullopt; }
};

bool covers(const Right& right, const kube::AccessCheck& check) {
    const std::string resource =
        check.resource.qualified() + (check.subresource.empty() ? "" : "/" + check.subresource);
    return right.resource == resource && (right.name.empty() || right.name == check.name) &&
           std::find(right.verbs.begin(), right.verbs.end(), check.verb) != right.verbs.end();
}

class SimulatedGround : public Ground {
  public:
    explicit SimulatedGround(const sim::Sim& start) : sim_(start), clock_(sim_), cluster_(sim_, gate_) {}

    kube::Cluster& cluster() override { return cluster_; }
    Clock& clock() override { return clock_; }
    sim::Sim& sim() { return sim_; }
    kube::Cluster* limited(const std::string& space, const std::vector<Right>& rights) override {
        auto made = std::make_unique<sim::SimCluster>(sim_, gate_);
        made->may = [space, rights](const kube::AccessCheck& check) {
            return check.resource.namespaced && check.space == space &&
                   std::any_of(rights.begin(), rights.end(), [&](const Right& right) { return covers(right, check); });
        };
        others_.push_back(std::move(made));
        return others_.back().get();
    }

  private:
    sim::Sim sim_;
    NoFaults gate_;
    sim::SimClock clock_;
    sim::SimCluster cluster_;
    std::vector<std::unique_ptr<sim::SimCluster>> others_;
};

class SimulatedWorld : public World {
  public:
    SimulatedWorld() : start_(prepared()) {}

    Result<std::unique_ptr<Ground>> open(const std::string& space) override {
        auto ground = std::make_unique<SimulatedGround>(start_);
        Json made = object("v1", "Namespace", space);
        made["status"] = {{"phase", "Active"}};
        put(ground->sim(), made);
        // As every namespace gets one (pkg/controller/certificates/rootcacertpublisher).
        Json root = object("v1", "ConfigMap", "kube-root-ca.crt");
        root["metadata"]["namespace"] = space;
        put(ground->sim(), root);
        return std::unique_ptr<Ground>(std::move(ground));
    }
    void close(Ground&, const std::string&) override {}
    Status finish() override { return {}; }
    int workers() const override { return 1; }

  private:
    sim::Sim start_;
};

}  // namespace

std::unique_ptr<World> make_simulated_world() { return std::make_unique<SimulatedWorld>(); }

}  // namespace holdfast::contract
