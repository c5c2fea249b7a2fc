// Which permissions a plan needs, derived from its steps: asked for before the first write, so that a missing one stops
// an operation at its beginning and never in its middle.
#include "common/plan/permissions.h"
#include "common/core/overloaded.h"
#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"
#include "common/plan/step.h"

#include <set>
#include <tuple>

namespace holdfast::plan {
namespace {

class Needs {
  public:
    // Of what is added from now on.
    void act_on(kube::Site site) { site_ = site; }
    void add(const std::string& verb, const kube::Resource& resource, const std::string& space,
             const std::string& subresource = "", const std::string& name = "") {
        const std::string where = resource.namespaced ? space : "";
        if (seen_.insert({site_, verb, resource.qualified(), where, subresource, name}).second)
            checks_.push_back({verb, resource, where, subresource, name, site_});
    }
    // Objects are observed before and after they are written. A Secret is allowed by its name alone (safety R30), but
    // to nobody can a creation be allowed by name.
    void add_observed(const std::string& verb, const kube::ObjectRef& ref, const std::string& subresource = "") {
        const std::string name = ref.resource == kube::kSecrets ? ref.name : "";
        add("get", ref.resource, ref.space, "", name);
        add(verb, ref.resource, ref.space, subresource, verb == "create" ? "" : name);
    }
    void add_wait(const kube::Resource& resource, const std::string& space) {
        add("list", resource, space);
        add("watch", resource, space);
    }
    std::vector<kube::AccessCheck> take() { return std::move(checks_); }

  private:
    kube::Site site_ = kube::Site::kHere;
    std::set<std::tuple<kube::Site, std::string, std::string, std::string, std::string, std::string>> seen_;
    std::vector<kube::AccessCheck> checks_;
};

void add_action(Needs& needs, const Action& action) {
    std::visit(Overloaded{
                   [&](const Create& one) { needs.add_observed("create", ref_of_manifest(one.manifest)); },
                   [&](const Patch& one) { needs.add_observed("patch", one.ref, one.subresource); },
                   [&](const Delete& one) {
                       if (one.evict)
                           needs.add_observed("create", one.ref, "eviction");
                       else
                           needs.add_observed("delete", one.ref);
                       if (one.wait) needs.add_wait(one.ref.resource, one.ref.space);
                   },
                   [&](const Scale& one) { needs.add_observed("patch", one.ref, one.of_workload() ? "" : "scale"); },
                   [&](const WaitFor& one) { needs.add_wait(one.resource, one.space); },
                   [&](const Exec& one) {
                       needs.add("get", kube::kPods, one.space);  // kubectl reads the pod before it connects
                       needs.add("create", kube::kPods, one.space, "exec");
                   },
                   [&](const Sql& one) {
                       needs.add("get", kube::kPods, one.space);
                       needs.add("create", kube::kPods, one.space, "portforward");
                   },
                   [&](const Copy& one) { needs.add("get", one.target.resource, one.target.space); },
               },
               action);
}

}  // namespace

std::vector<kube::AccessCheck> permissions(const Plan& plan) {
    Needs needs;
    for (const Step& step : plan.steps) {
        needs.act_on(step.site);
        add_action(needs, step.action);
        if (step.undo) add_action(needs, *step.undo);
    }
    for (const Step& step : plan.awaited) add_action(needs, step.action);
    for (const kube::AccessCheck& check : plan.later_needs) {
        needs.act_on(check.site);
        needs.add(check.verb, check.resource, check.space, check.subresource, check.name);
    }
    return needs.take();
}

Result<std::vector<bool>> allowed_at(kube::ClusterReader& here, kube::ClusterReader* there,
                                     const std::vector<kube::AccessCheck>& checks) {
    std::vector<kube::AccessCheck> of_here, of_there;
    for (const kube::AccessCheck& check : checks)
        (check.site == kube::Site::kThere && there != nullptr ? of_there : of_here).push_back(check);
    TRY_ASSIGN(const std::vector<bool> in_here, here.allowed(of_here));
    std::vector<bool> in_there;
    if (!of_there.empty()) {
        TRY_ASSIGN(in_there, there->allowed(of_there));
    }
    std::vector<bool> all;
    std::size_t i = 0, k = 0;
    for (const kube::AccessCheck& check : checks) {
        const bool elsewhere = check.site == kube::Site::kThere && there != nullptr;
        const std::vector<bool>& answers = elsewhere ? in_there : in_here;
        std::size_t& next = elsewhere ? k : i;
        all.push_back(next < answers.size() && answers[next]);
        ++next;
    }
    return all;
}

}  // namespace holdfast::plan
