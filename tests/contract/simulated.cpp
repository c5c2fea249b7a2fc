#include "tests/contract/ground.h"
#include "tests/sim/ownership.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/test_cluster.h"

#include <algorithm>

namespace holdfast::contract {
namespace {

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
    explicit SimulatedGround(const sim::Sim& start) : sim_(start), clock_(sim_), cluster_(sim_, gate_) {
        sim_.ownership = std::make_shared<sim::Ownership>();
    }

    kube::Cluster& cluster() override { return cluster_; }
    Clock& clock() override { return clock_; }
    sim::Sim& sim() { return sim_; }
    bool scheduler_lags() const override { return false; }
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
    SimulatedWorld() : start_(sim::make_test_cluster(4)) {}

    Result<std::unique_ptr<Ground>> open(const std::string& space) override {
        auto ground = std::make_unique<SimulatedGround>(start_);
        sim::put_namespace(ground->sim(), space);
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
