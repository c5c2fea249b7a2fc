// What pods may do, and what may be done to them.
#include "common/core/text.h"
#include "common/kube/objects/claim.h"
#include "common/kube/objects/label_selector.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/selectors.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "tests/crash/invariants.h"
#include "tests/crash/mark.h"
#include "tests/sim/controllers/workloads.h"

#include <algorithm>

namespace holdfast::crash {
namespace {

std::string key_of(const std::string& space, const std::string& name) { return space + "/" + name; }

bool ours(const Json& object) {
    return !kube::label_of(object, labels::kOperation).empty() || !kube::label_of(object, labels::kClone).empty();
}

}  // namespace

void Invariants::keep_pods(const sim::Sim& start, const std::string& restarted, bool together) {
    restarted_ = restarted;
    together_ = together;
    for (const sim::ObjectPtr& pod : start.store.list(kube::kPods, "")) {
        const bool may_end = !restarted.empty() && starts_with(kube::name_of(*pod), restarted + "-");
        if (kube::label_of(*pod, labels::kOperation).empty() && !may_end) pods_.insert(pod.uid());
    }
}

// I17: a command that promises to leave pods alone ends none, nor makes a controller or the garbage collector do it.
void Invariants::keep_running(const sim::Sim& sim, const sim::Change& change) {
    const bool begins = change.before && !change.before.deleting() && change.object.deleting();
    if (begins && !restarted_.empty() && !together_ && starts_with(change.ref.name, restarted_ + "-")) {
        for (const sim::ObjectPtr& pod : sim.store.list(kube::kPods, change.ref.space)) {
            const std::string name = kube::name_of(*pod);
            if (starts_with(name, restarted_ + "-") && name != change.ref.name && !sim::is_ready(*pod) &&
                !put_there(*pod))
                violated("I18: pod/" + key_of(change.ref.space, change.ref.name) + " is ended while " + name +
                         " is not ready");
        }
    }
    if (!change.before || !pods_.contains(kube::uid_of(*change.before)) || change.before.deleting()) return;
    if (change.object.deleting() || change.type == kube::WatchEvent::Type::kDeleted)
        violated("I17: pod/" + key_of(change.ref.space, change.ref.name) + " is ended");
}

void Invariants::keep_pod(const sim::Sim& sim, const sim::Change& change) {
    if (change.type == kube::WatchEvent::Type::kDeleted || !change.before) return;
    const bool started = kube::text_at(*change.object, "/status/phase") == "Running" &&
                         kube::text_at(*change.before, "/status/phase") != "Running";
    if (!started) return;
    if (kube::label_of(*change.object, labels::kOperation).empty()) {
        keep_data(sim, *change.object);
        keep_copies(sim, *change.object);
    }
    keep_apart(sim, *change.object);
    keep_unselected(*change.object);
    if (masks_) keep_masked(sim, *change.object);
}

// I4: a workload's pod starts only on the data that was its claim's, or on a copy that was made of it.
void Invariants::keep_data(const sim::Sim& sim, const Json& pod) {
    for (const auto& [volume, name] : kube::claims_of_pod_spec(pod["spec"])) {
        const auto expected = claims_.find(key_of(kube::space_of(pod), name));
        const sim::ObjectPtr claim = sim.store.find(kube::kClaims, kube::space_of(pod), name);
        if (expected == claims_.end() || !claim) continue;
        const sim::Token* token = token_of(sim, claim.claim().volume);
        // A fresh disk has been written for the first time by this very start.
        const int least = given_up_.contains(expected->first) ? 1 : 2;
        if (token == nullptr || token->writer != expected->second || token->version < least)
            violated("I4: pod/" + key_of(kube::space_of(pod), kube::name_of(pod)) + " started on " +
                     (token == nullptr ? "no" : token->text()) + " data in claim " + name);
    }
}

// I4, of a clone: its pods start on copies. What no operation made is its controller's own, for its pod to fill.
void Invariants::keep_copies(const sim::Sim& sim, const Json& pod) {
    if (put_there(pod) || kube::label_of(pod, labels::kClone).empty()) return;
    const std::string space = kube::space_of(pod);
    for (const auto& [volume, name] : kube::claims_of_pod_spec(pod["spec"])) {
        const sim::ObjectPtr claim = sim.store.find(kube::kClaims, space, name);
        if (!claim || kube::label_of(*claim, labels::kOperation).empty()) continue;
        const sim::Token* token = token_of(sim, claim.claim().volume);
        // A fresh disk has been written for the first time by this very start.
        if (token == nullptr || token->writer.empty() || token->writer == key_of(space, name))
            violated("I4: pod/" + key_of(space, kube::name_of(pod)) + " of a clone started on " +
                     (token == nullptr ? "no" : token->text()) + " data in claim " + name);
    }
}

// I6: one writer. A pod of ours does not write to what was there at the start, and no two others share a volume.
// (Whoever puts a pod of his own on a workload's claim has it beside the workload's, with us and without.)
void Invariants::keep_apart(const sim::Sim& sim, const Json& pod) {
    const std::string space = kube::space_of(pod), what = "pod/" + key_of(space, kube::name_of(pod));
    if (put_there(pod)) return;  // by somebody, who may: it is no workload's
    const bool own = !kube::label_of(pod, labels::kOperation).empty();
    const Json* volumes = kube::find_at(pod, "/spec/volumes");
    for (const Json& volume : volumes == nullptr ? Json::array() : *volumes) {
        const std::string claim = kube::text_at(volume, "/persistentVolumeClaim/claimName");
        if (!claims_.contains(key_of(space, claim))) continue;
        const bool reads = kube::bool_at(volume, "/persistentVolumeClaim/readOnly", false) &&
                           kube::find_at(pod, "/spec/securityContext/fsGroup") == nullptr;
        if (own && !reads) violated("I6: " + what + " is ours and may write to pvc/" + claim);
        for (const sim::ObjectPtr& other : sim.store.list(kube::kPods, space)) {
            const bool runs = kube::text_at(*other, "/status/phase") == "Running" && other.uid() != kube::uid_of(pod) &&
                              kube::label_of(*other, labels::kOperation).empty() && !put_there(*other);
            const auto mounted = kube::claims_of_pod_spec((*other)["spec"]);
            const bool shares =
                std::any_of(mounted.begin(), mounted.end(), [&](const auto& one) { return one.second == claim; });
            if (!own && runs && shares)
                violated("I6: " + what + " and " + kube::name_of(*other) + " write to " + claim);
        }
    }
}

// I16: nothing that was there selects a pod of ours, nor one of a clone.
void Invariants::keep_apart_from(const sim::Sim& start) {
    for (const kube::Resource* resource : {&kube::kServices, &kube::kPodDisruptionBudgets, &kube::kNetworkPolicies}) {
        for (const sim::ObjectPtr& object : start.store.list(*resource, "")) {
            if (ours(*object)) continue;
            for (kube::NamedSelector& one : kube::selectors_of(*object)) {
                if (!kube::selects_everything(one.selector)) selectors_[kube::space_of(*object)].push_back(one);
            }
        }
    }
}

void Invariants::keep_unselected(const Json& pod) {
    if (put_there(pod) || !ours(pod)) return;
    for (const kube::NamedSelector& one : selectors_[kube::space_of(pod)]) {
        if (kube::selector_matches(one.selector, kube::labels_of(pod)))
            violated("I16: " + one.owner + " selects pod/" + key_of(kube::space_of(pod), kube::name_of(pod)));
    }
}

}  // namespace holdfast::crash
