// kubectl clone TYPE/SRC DST: a copy of claims, and of the workload that uses them, which never writes to its source.
#pragma once

#include "common/plan/actors.h"
#include "common/plan/operation.h"
#include "plugins/clone/facts.h"
#include "plugins/clone/prepare.h"
#include "plugins/clone/seeds.h"
#include "plugins/clone/software.h"
#include "plugins/clone/workload.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace holdfast::clone {

class Clone : public plan::Operation {
  public:
    // pods: by which a running database is asked what ties it to others; null: it cannot be. other: the cluster that
    // options.other means, else null.
    Clone(CloneOptions options, plan::PodRunner* pods, kube::ClusterReader* other = nullptr)
        : options_(std::move(options)), pods_(pods), other_(other) {}
    std::string kind() const override { return "clone"; }
    std::string target() const override { return options_.name; }
    // The journal lies beside the source: a resume takes the source's namespace from there.
    std::string space() const override { return options_.space; }
    kube::ObjectRef event_target() const override { return options_.source_ref(); }
    // A copy that is cut while volumes are swapped would be of both.
    Result<std::vector<kube::ObjectRef>> heed_targets(kube::ClusterReader&) override {
        return std::vector<kube::ObjectRef>{options_.source_ref()};
    }
    Result<plan::Plan> plan(kube::ClusterReader& reader, const plan::Input& input) override;
    // Takes throwaway pods away; all of it, if the API server made claims without their data source, or if data was not
    // masked to the end.
    Result<plan::Plan> recover(kube::ClusterReader& reader, const plan::Input& input, const Error& error) override;
    Result<std::optional<plan::Plan>> take_back(kube::ClusterReader& reader, const plan::Input& input) override;
    Result<plan::Report> report(kube::ClusterReader& reader, const plan::Input& input) override;

  private:
    Status know(kube::ClusterReader& reader, const plan::Input& input);
    Status know_shield(kube::ClusterReader& reader);
    Status know_workload(kube::ClusterReader& reader, const plan::Input& input);
    Status check_ties(kube::ClusterReader& reader);
    class ConfigMaps;
    // all: each that is looked at, this one among them.
    Status check_one(kube::ClusterReader& reader, ConfigMaps& maps, const Recognised& suspect, const Json& source,
                     const Json& made, const std::vector<Recognised>& all);
    Status read_mounted(ConfigMaps& all, const Json& made, Joining& joining);
    Result<Json> spelled(ConfigMaps& all, const Json& pod_spec, bool made);
    void tell_mentions(const Json& spelled);
    Status check_may_ask(kube::ClusterReader& reader) const;
    Status look_on_volumes(kube::ClusterReader& reader, Joining& joining);
    Result<Treatment> treatment(const Choice& seeds, const std::string& operation) const;
    Status check_treatable(const Now& now, const std::string& operation) const;
    // What is made must not be opened by a pod that waits for it.
    Status check_unawaited(kube::ClusterReader& reader, const Now& now, const plan::Input& input);
    Status check_unseen(kube::ClusterReader& reader, const std::string& operation) const;
    // A driver clones whatever claim has the source's name when it tries.
    Status check_driver_cloned(kube::ClusterReader& reader, const Choice& cloned, const std::string& operation) const;
    Result<plan::Plan> next(kube::ClusterReader& reader, const plan::Input& input, const Now& now);
    Result<plan::Plan> stage(kube::ClusterReader& reader, const plan::Input& input, const Now& now);
    Result<plan::Plan> copy(kube::ClusterReader& reader, const plan::Input& input, Choice& choice);
    // The claims that are made of the source; nullopt: all is done with them.
    Result<std::optional<plan::Plan>> seed(kube::ClusterReader& reader, const plan::Input& input, const Now& now,
                                           Choice& seeds, bool prepared);
    Result<std::optional<plan::Plan>> seed_masked(kube::ClusterReader& reader, const plan::Input& input, const Now& now,
                                                  const Choice& seeds, bool prepared);
    Result<plan::Plan> treat(const plan::Input& input, const Now& now, const Choice& copies, const std::string& mark);
    Result<plan::Plan> freshen(const plan::Input& input, const Now& now, const Choice& seeds, const Choice& drafts);
    // Of drafts that are not needed any more; nullopt: there are none.
    Result<std::optional<plan::Plan>> drop(kube::ClusterReader& reader, const std::string& operation,
                                           const Choice& drafts) const;
    Result<std::optional<plan::Plan>> spread(kube::ClusterReader& reader, const plan::Input& input, const Now& now);
    Result<plan::Plan> everything_away(kube::ClusterReader& reader, const std::string& operation) const;
    Result<plan::Plan> throwaways_away(kube::ClusterReader& reader, const std::string& operation,
                                       const Error& error) const;
    // What it makes in the clone's cluster, and what beside its source.
    std::vector<kube::ObjectRef> objects_there(const std::string& operation) const;
    std::vector<kube::ObjectRef> objects_here() const;
    void foretell(plan::Plan& plan) const;
    Status report_workload(kube::ClusterReader& reader, const std::string& operation, plan::Report& report) const;
    Status report_claim(kube::ClusterReader& reader, const Copy& copy, const std::string& operation,
                        plan::Report& report) const;

    // The cluster that the clone is made in.
    kube::ClusterReader& there(kube::ClusterReader& here) const { return other_ == nullptr ? here : *other_; }

    CloneOptions options_;
    plan::PodRunner* pods_;
    kube::ClusterReader* other_;
    std::optional<LiveFacts> live_;
    std::vector<kube::StorageClass> classes_;
    std::optional<Choice> choice_;
    std::vector<Json> pods_there_;     // of the clone's namespace, where a workload is copied
    Workload workload_;                // as it was planned last; empty: only claims are copied
    std::string unlooked_;             // why nobody looked at the files on its volumes; "" : somebody did, or need not
    std::set<std::string> unspelled_;  // what variables are taken from and nobody looked at
    std::vector<std::string> mentions_;  // variables from elsewhere that name the source's Services
    // A NetworkPolicy may be made around throwaway databases; nullopt: nobody has asked yet.
    std::optional<bool> shielded_;
    bool treats_ = false;    // a throwaway database prepares the data
    bool treating_ = false;  // and has been asked to: what it has done by now nobody knows
};

}  // namespace holdfast::clone
