#include "tests/crash/mutate.h"

#include "common/plan/operation.h"
#include "tests/crash/remember.h"

#include <algorithm>
#include <functional>

namespace holdfast::crash {
namespace {

using plan::Plan;
using plan::Step;

// One step of the code is one safeguard, whichever claim, pod or volume it is for: what follows the name of one, or a
// number, does not count, nor which operation it is.
std::string general(std::string id, const std::string& operation) {
    const std::size_t imported = id.find("-import-");  // the namespace follows
    if (imported != std::string::npos) return id.substr(0, imported) + "-import*";
    const std::size_t own = operation.empty() ? std::string::npos : id.find(operation);
    if (own != std::string::npos) return id.substr(0, own) + "OWN*";
    std::size_t end = id.size();
    for (const char* name : {"5a5a0000-", "pvc-", "data-", "wal-", "postgres-", "files", "loose", "before-", "papers-"})
        end = std::min(end, id.find(name));
    if (end == id.size()) end = id.find_last_not_of("0123456789") + 1;
    return end == id.size() ? id : id.substr(0, end) + "*";
}

// The executor takes the steps in their order; only creates go together with creates further on that need not wait.
bool order_counts(const Plan& plan, std::size_t at) {
    if (!std::holds_alternative<plan::Create>(plan.steps[at].action)) return false;
    bool create = false, between = false;
    for (std::size_t i = 0; i < at; ++i) {
        const bool creates = std::holds_alternative<plan::Create>(plan.steps[i].action);
        between = between || (create && !creates);
        create = create || creates;
    }
    return between;
}

kube::Preconditions* preconditions_of(Step& step) {
    if (auto* patch = std::get_if<plan::Patch>(&step.action)) return &patch->preconditions;
    if (auto* gone = std::get_if<plan::Delete>(&step.action)) return &gone->preconditions;
    if (auto* scale = std::get_if<plan::Scale>(&step.action)) return &scale->preconditions;
    return nullptr;
}

kube::ObjectRef changed_by(const Step& step) {
    if (const auto* patch = std::get_if<plan::Patch>(&step.action)) return patch->ref;
    if (const auto* gone = std::get_if<plan::Delete>(&step.action)) return gone->ref;
    return std::get<plan::Scale>(step.action).ref;
}

// What waited for the step waits for what it waited for.
void leave_out(Plan& plan, std::size_t at) {
    const Step gone = plan.steps[at];
    plan.steps.erase(plan.steps.begin() + static_cast<std::ptrdiff_t>(at));
    for (Step& step : plan.steps) {
        const auto found = std::find(step.after.begin(), step.after.end(), gone.id);
        if (found == step.after.end()) continue;
        step.after.erase(found);
        step.after.insert(step.after.end(), gone.after.begin(), gone.after.end());
    }
}

struct Change {
    std::function<Plan(Plan)> plan;
    std::string remembered;  // a kind of objects that is looked at only once
    std::function<void(const std::set<std::string>&)> looked_again = nullptr;  // is told what later looks read
};

class Changed : public plan::Operation {
  public:
    Changed(std::unique_ptr<plan::Operation> inner, Change change)
        : inner_(std::move(inner)), change_(std::move(change)), reader_(change_.remembered) {}

    std::string kind() const override { return inner_->kind(); }
    std::string target() const override { return inner_->target(); }
    std::string space() const override { return inner_->space(); }
    kube::ObjectRef event_target() const override { return inner_->event_target(); }
    bool keeps_record() const override { return inner_->keeps_record(); }
    bool replaces_workload() const override { return inner_->replaces_workload(); }
    Result<std::vector<kube::ObjectRef>> lock_targets(kube::ClusterReader& reader) override {
        return inner_->lock_targets(reader);
    }
    Result<std::vector<kube::ObjectRef>> heed_targets(kube::ClusterReader& reader) override {
        return inner_->heed_targets(reader);
    }
    Result<std::vector<plan::Journal>> rebuild(kube::ClusterReader& reader) override { return inner_->rebuild(reader); }
    Result<Plan> plan(kube::ClusterReader& reader, const plan::Input& input) override {
        reader_.stand_before(reader);
        TRY_ASSIGN(Plan made, inner_->plan(reader_, input));
        if (change_.looked_again) change_.looked_again(reader_.asked_again());
        return changed(std::move(made), input);
    }
    Result<Plan> recover(kube::ClusterReader& reader, const plan::Input& input, const Error& error) override {
        TRY_ASSIGN(Plan made, inner_->recover(reader, input, error));
        return changed(std::move(made), input);
    }
    Result<std::optional<Plan>> take_back(kube::ClusterReader& reader, const plan::Input& input) override {
        TRY_ASSIGN(std::optional<Plan> made, inner_->take_back(reader, input));
        if (made) made = changed(std::move(*made), input);
        return made;
    }
    std::optional<plan::Report> failed_report() const override { return inner_->failed_report(); }
    Status attend(const plan::Input& input, plan::Attendant& attendant) override {
        return inner_->attend(input, attendant);
    }
    Result<plan::Report> report(kube::ClusterReader& reader, const plan::Input& input) override {
        return inner_->report(reader, input);
    }

  private:
    Plan changed(Plan plan, const plan::Input& input) const {
        plan.operation = input.operation;  // else the driver fills it in
        return change_.plan(std::move(plan));
    }

    std::unique_ptr<plan::Operation> inner_;
    Change change_;
    Remembering reader_;
};

app::Plugin with_change(app::Plugin plugin, const Change& change) {
    for (app::Command& command : plugin.commands) {
        if (!command.operation) continue;
        command.operation = [make = command.operation, change](
                                app::Context& context,
                                const app::Arguments& arguments) -> Result<std::unique_ptr<plan::Operation>> {
            TRY_ASSIGN(auto inner, make(context, arguments));
            return std::unique_ptr<plan::Operation>(std::make_unique<Changed>(std::move(inner), change));
        };
    }
    return plugin;
}

}  // namespace

std::vector<Mutation> mutations_of(const Plan& plan) {
    std::vector<Mutation> found;
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        Step step = plan.steps[i];
        const std::string id = general(step.id, plan.operation);
        if (std::holds_alternative<plan::WaitFor>(step.action)) found.push_back({"no-wait", id});
        if (std::holds_alternative<plan::Patch>(step.action)) found.push_back({"no-step", id});
        if (!step.after.empty() && order_counts(plan, i)) found.push_back({"no-order", id});
        const auto* create = std::get_if<plan::Create>(&step.action);
        if (create != nullptr && !create->must_survive.empty()) found.push_back({"no-survive", id});
        const kube::Preconditions* kept = preconditions_of(step);
        if (kept != nullptr && *kept != kube::Preconditions{})
            found.push_back({"no-precondition", id, changed_by(step).text()});
    }
    return found;
}

Plan mutated(Plan plan, const Mutation& mutation) {
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        Step& step = plan.steps[i];
        if (general(step.id, plan.operation) != mutation.step) continue;
        if (mutation.kind == "no-wait" || mutation.kind == "no-step") {
            leave_out(plan, i--);
            continue;
        }
        if (mutation.kind == "no-order") step.after.clear();
        if (mutation.kind == "no-survive") std::get<plan::Create>(step.action).must_survive.clear();
        if (kube::Preconditions* kept = preconditions_of(step); kept != nullptr && mutation.kind == "no-precondition")
            *kept = {};
    }
    return plan;
}

app::Plugin with_mutation(app::Plugin plugin, const Mutation& mutation) {
    if (mutation.kind == "no-reread")
        return with_change(std::move(plugin), {[](Plan plan) { return plan; }, mutation.step});
    return with_change(std::move(plugin), {[mutation](Plan plan) { return mutated(std::move(plan), mutation); }, ""});
}

app::Plugin seen_by(app::Plugin plugin, const Witness& witness) {
    Change change;
    change.plan = [see = witness.plan](Plan plan) {
        see(plan);
        return plan;
    };
    change.looked_again = witness.looked_again;
    return with_change(std::move(plugin), change);
}

}  // namespace holdfast::crash
