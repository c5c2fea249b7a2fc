// doctor: which objects one target means, and what is found about each.
#include "common/core/names.h"
#include "common/core/text.h"
#include "common/diagnose/claim_facts.h"
#include "common/diagnose/pod_facts.h"
#include "common/diagnose/practice_facts.h"
#include "common/diagnose/snapshot_facts.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/kube/sets.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace holdfast::diagnose {
namespace {

constexpr std::size_t kObjectsExplained = 100;  // of each kind: beyond that one cause usually stands behind all

class Examiner {
  public:
    Examiner(kube::ClusterReader& reader, std::string space, SystemTime now)
        : reader_(reader), gatherer_(reader), space_(std::move(space)), now_(now) {}

    Result<Examination> run(const std::string& target);

  private:
    Status examine_target(const TypedName& target);
    void examine_space();
    void examine_workload(const Json& object, const std::string& short_name);
    void examine_claim(const std::string& name, bool practice);
    void examine_claims_of(const Subject& subject);
    void examine_pods_of(const std::vector<std::string>& claims, const std::string& selector);
    void examine_snapshot(const std::string& name);
    Status examine_set(const std::string& name);
    void examine_snapshots_of(const std::vector<std::string>& claims);
    Result<Json> must_read(const kube::Resource& resource, const std::string& name);
    void look_at(const std::string& what) {
        if (looked_.size() < kObjectsExplained) looked_.push_back(what);
    }

    kube::ClusterReader& reader_;
    Gatherer gatherer_;
    const std::string space_;
    const SystemTime now_;
    Findings found_;
    std::vector<std::string> looked_;
    std::set<std::string> claims_done_, pods_done_, snapshots_done_;
};

// What the user named must be readable: to pass over it in silence would look like health.
Result<Json> Examiner::must_read(const kube::Resource& resource, const std::string& name) {
    return reader_.get({resource, resource.namespaced ? space_ : "", name});
}

void Examiner::examine_claims_of(const Subject& subject) {
    for (const std::string& name : subject.claims) {
        if (claims_done_.size() >= kObjectsExplained || !claims_done_.insert(name).second) continue;
        const ClaimFacts facts = gather_claim(gatherer_, space_, name);
        // A StatefulSet makes its claims one pod after the other: one that is not there yet is no finding by itself.
        const bool not_yet = facts.claim.absent() && facts.refusals.empty() && subject.workload.has_value();
        if (!not_yet) append(found_, judge_claim(facts));
    }
}

void Examiner::examine_pods_of(const std::vector<std::string>& claims, const std::string& selector) {
    const auto pods = gatherer_.list(kube::kPods, space_, {selector, ""});
    for (const Json& item : pods.value) {
        const kube::PodState pod = kube::pod_state_of(item);
        const bool mounts = std::any_of(pod.claims.begin(), pod.claims.end(), [&](const std::string& one) {
            return std::find(claims.begin(), claims.end(), one) != claims.end();
        });
        if (selector.empty() && !mounts) continue;
        if (pods_done_.size() >= kObjectsExplained || !pods_done_.insert(pod.name).second) continue;
        append(found_, judge_pod(gather_pod(gatherer_, space_, pod.name)));
    }
}

void Examiner::examine_snapshots_of(const std::vector<std::string>& claims) {
    if (gatherer_.serves(kube::kSnapshots) == Sight::kAbsent) return;
    for (const Json& item : gatherer_.list(kube::kSnapshots, space_).value) {
        const kube::Snapshot snapshot = kube::snapshot_of(item);
        if (std::find(claims.begin(), claims.end(), snapshot.claim) != claims.end()) examine_snapshot(snapshot.name);
    }
}

void Examiner::examine_snapshot(const std::string& name) {
    if (snapshots_done_.size() >= kObjectsExplained || !snapshots_done_.insert(name).second) return;
    append(found_, judge_snapshot(gather_snapshot(gatherer_, space_, name)));
}

void Examiner::examine_workload(const Json& object, const std::string& short_name) {
    Subject subject;
    subject.workload = kube::workload_state_of(object);
    const std::string& name = subject.workload->name;
    subject.space = space_;
    subject.target = short_name + "/" + name;
    subject.object = short_name + "/" + space_ + "/" + name;
    subject.claims = kube::template_claims_of(*subject.workload);
    for (const std::string& claim : subject.workload->pod_claims) subject.claims.push_back(claim);
    look_at(subject.object);
    const std::size_t before = found_.size();
    examine_claims_of(subject);
    // A claim that was refused tells the same event, and closer to the data.
    const bool told = std::any_of(found_.begin() + static_cast<std::ptrdiff_t>(before), found_.end(),
                                  [](const Finding& one) { return starts_with(one.code, "refused"); });
    if (!told) append(found_, judge_refusals(gatherer_, *subject.workload, subject.object));
    const auto selector = kube::selector_of(object);
    examine_pods_of(subject.claims, selector.ok() ? *selector : "");
    examine_snapshots_of(subject.claims);
    append(found_, judge_practice(gather_practice(gatherer_, subject), now_));
}

void Examiner::examine_claim(const std::string& name, bool practice) {
    Subject subject{"pvc/" + space_ + "/" + name, "pvc/" + name, space_, std::nullopt, {name}};
    look_at(subject.object);
    examine_claims_of(subject);
    examine_pods_of(subject.claims, "");
    examine_snapshots_of(subject.claims);
    if (practice) append(found_, judge_practice(gather_practice(gatherer_, subject), now_));
}

Status Examiner::examine_set(const std::string& name) {
    TRY_ASSIGN(const kube::SnapshotSet set, kube::read_set(reader_, space_, name));
    look_at("set/" + space_ + "/" + name);
    if (!set.complete) {
        found_.push_back(
            error({"set-incomplete", "set/" + space_ + "/" + name, "snapshot",
                   "it was never completed and cannot be restored as a whole",
                   "`kubectl snap status -n " + space_ + "` shows its operation; resume that, or delete the set"}));
    }
    for (const kube::SetMember& member : set.members) {
        if (!member.snapshot.empty()) examine_snapshot(member.snapshot);
    }
    return {};
}

Status Examiner::examine_target(const TypedName& target) {
    if (target.type == "set") return examine_set(target.name);
    const kube::Resource* resource = kube::find_resource(target.type);
    const bool workload = resource != nullptr && (*resource == kube::kStatefulSets || *resource == kube::kDeployments);
    const bool other = resource != nullptr &&
                       (*resource == kube::kClaims || *resource == kube::kPods || *resource == kube::kSnapshots);
    if (!workload && !other) {
        return Error{ErrorKind::kUsage, "doctor cannot examine \"" + escape_line(target.type) + "\"",
                     "it takes sts/NAME, deploy/NAME, pvc/NAME, pod/NAME, vs/NAME or set/NAME"};
    }
    if (*resource == kube::kSnapshots && gatherer_.serves(kube::kSnapshots) == Sight::kAbsent) {
        found_.push_back(snapshot_api_missing("vs/" + space_ + "/" + target.name));
        return {};
    }
    auto object = must_read(*resource, target.name);
    if (workload) {
        if (!object.ok()) return object.error();
        examine_workload(*object, resource->short_name);
        return {};
    }
    // A claim or pod that its controller was refused is not there, and why is worth saying.
    if (!object.ok() && object.error().kind != ErrorKind::kNotFound) return object.error();
    if (*resource == kube::kClaims) {
        const ClaimFacts facts = gather_claim(gatherer_, space_, target.name);
        if (!object.ok() && facts.refusals.empty()) return object.error();
        examine_claim(target.name, object.ok());
    } else if (*resource == kube::kPods) {
        const PodFacts facts = gather_pod(gatherer_, space_, target.name);
        if (!object.ok() && facts.refusals.empty()) return object.error();
        look_at("pod/" + space_ + "/" + target.name);
        append(found_, judge_pod(facts));
    } else {
        if (!object.ok()) return object.error();
        look_at("vs/" + space_ + "/" + target.name);
        examine_snapshot(target.name);
    }
    return {};
}

void Examiner::examine_space() {
    append(found_, judge_cluster(gather_cluster(gatherer_)));
    look_at("the cluster's classes and drivers");
    for (const kube::Resource* resource : {&kube::kStatefulSets, &kube::kDeployments}) {
        for (const Json& item : gatherer_.list(*resource, space_).value) {
            const kube::WorkloadState workload = kube::workload_state_of(item);
            if (!workload.templates.empty() || !workload.pod_claims.empty())
                examine_workload(item, resource->short_name);
        }
    }
    for (const Json& item : gatherer_.list(kube::kClaims, space_).value) {
        const std::string name = kube::name_of(item);
        if (claims_done_.contains(name) || claims_done_.size() >= kObjectsExplained) continue;
        examine_claim(name, false);
    }
    if (gatherer_.serves(kube::kSnapshots) == Sight::kAbsent) return;
    for (const Json& item : gatherer_.list(kube::kSnapshots, space_).value) examine_snapshot(kube::name_of(item));
}

Result<Examination> Examiner::run(const std::string& target) {
    gatherer_.read_events(space_);
    if (target.empty()) {
        // Every read may be forbidden and told as a gap, but a server that is not there is an error.
        const auto discovered = reader_.discover();
        if (!discovered.ok()) return discovered.error();
        examine_space();
        look_at("namespace " + space_);
    } else {
        TRY_ASSIGN(const TypedName typed, parse_typed_name(target));
        TRY(examine_target(typed));
    }
    append(found_, blind_spots(gatherer_.gaps()));
    settle(found_);
    if (!claims_done_.empty()) look_at(counted(claims_done_.size(), "claim"));
    if (!pods_done_.empty()) look_at(counted(pods_done_.size(), "pod"));
    if (!snapshots_done_.empty()) look_at(counted(snapshots_done_.size(), "snapshot"));
    return Examination{std::move(found_), join(looked_, ", ")};
}

}  // namespace

Result<Examination> examine(kube::ClusterReader& reader, const std::string& space, const std::string& target,
                            SystemTime now) {
    return Examiner(reader, space, now).run(target);
}

}  // namespace holdfast::diagnose
