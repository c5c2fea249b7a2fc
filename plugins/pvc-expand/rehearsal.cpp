// What the rounds will ask for, tried or told before the first of them.
#include "common/core/names.h"
#include "common/kube/objects/resize.h"
#include "common/kube/objects/workload.h"
#include "plugins/pvc-expand/rounds.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace holdfast::expand {
namespace {

plan::Step tried(std::string id, std::string title, plan::Action action) {
    plan::Step step;
    step.id = std::move(id);
    step.title = std::move(title);
    step.action = std::move(action);
    return step;
}

}  // namespace

std::vector<plan::Step> rehearsal_of(const ExpandRecord& record, const ExpandState& state,
                                     const std::string& operation) {
    std::vector<plan::Step> steps;
    std::set<std::tuple<std::string, std::string, std::string>> kinds;  // one claim of each is tried
    for (const Growth& growth : record.claims) {
        const auto claim = state.claims.find(growth.claim);
        if (claim == state.claims.end() || growth.bears_only) continue;
        const std::string of_class = kube::effective_class_of(claim->second);
        if (!kinds.insert({growth.workload, growth.claim_template, of_class}).second) continue;
        const kube::ObjectRef ref{kube::kClaims, record.space, growth.claim};
        steps.push_back(tried("try-" + growth.claim, "grow " + ref.text() + " to " + growth.to,
                              plan::Patch{ref,
                                          kube::PatchType::kMerge,
                                          {{"spec", {{"resources", {{"requests", {{"storage", growth.to}}}}}}}},
                                          {kube::uid_of(claim->second), ""},
                                          ""}));
    }
    for (const Template& set : record.sets) {
        const auto live = state.sets.find(set.ref.name);
        if (live == state.sets.end()) continue;
        steps.push_back(
            tried("try-remove-" + set.ref.name, "delete " + set.text(),
                  plan::Delete{set.ref, {kube::uid_of(live->second), ""}, kube::Propagation::kOrphan, false}));
        // Under another name, since its own is taken until it is deleted.
        Json other = kube::remade_set(live->second, set.sizes, operation);
        other["metadata"]["name"] = bounded_name(set.ref.name, "-holdfast-dry-run", 52);
        // A webhook that adds a template, or has fewer replicas: its pods could never be updated again, or some would
        // end.
        std::vector<std::string> as_it_was;
        for (const auto& [field, value] : other["spec"].items()) as_it_was.push_back("/spec/" + field);
        plan::Create create{std::move(other), std::move(as_it_was), true};
        create.beside = true;
        steps.push_back(tried("try-remake-" + set.ref.name, "make " + set.text() + " anew", std::move(create)));
    }
    return steps;
}

std::vector<kube::AccessCheck> later_needs(const ExpandRecord& record) {
    std::vector<kube::AccessCheck> needs;
    const auto need = [&](const char* verb, const kube::Resource& resource) {
        needs.push_back({verb, resource, record.space, "", ""});
    };
    for (const char* verb : {"get", "list", "watch", "patch"}) need(verb, kube::kClaims);
    if (record.restart != Restart::kNever) {
        for (const char* verb : {"get", "list", "watch"}) need(verb, kube::kPods);
    }
    if (record.restart == Restart::kIfNeeded) {
        needs.push_back({"create", kube::kPods, record.space, "eviction", ""});
        for (const char* verb : {"get", "list", "watch"}) need(verb, kube::kStatefulSets);
    }
    if (!record.stopped.empty()) {
        need("delete", kube::kPods);
        for (const char* verb : {"list", "watch"}) needs.push_back({verb, kube::kVolumeAttachments, "", "", ""});
    }
    for (const plan::HeldWorkload& one : record.stopped) {
        for (const char* verb : {"get", "list", "watch", "patch"}) need(verb, one.ref.resource);
    }
    if (record.sets.empty()) return needs;
    for (const char* verb : {"get", "list", "watch", "create", "delete", "patch"}) need(verb, kube::kStatefulSets);
    for (const char* verb : {"get", "list", "watch", "patch"}) need(verb, kube::kPods);
    need("list", kube::kControllerRevisions);
    return needs;
}

namespace {

// Where all are stopped first, all are asked together.
std::vector<std::string> after_canaries(const ExpandRecord& record) {
    std::vector<std::string> words;
    const bool first =
        std::any_of(record.claims.begin(), record.claims.end(), [](const Growth& growth) { return growth.canary; });
    if (!first || !record.stopped.empty()) return words;
    for (const Growth& growth : record.claims) {
        if (growth.canary || growth.bears_only) continue;
        words.push_back("once those that come first have grown: grow pvc/" + record.space + "/" + growth.claim +
                        " from " + growth.from + " to " + growth.to);
    }
    return words;
}

}  // namespace

std::vector<std::string> rounds_in_words(const ExpandRecord& record) {
    std::vector<std::string> words = after_canaries(record);
    if (record.restart == Restart::kIfNeeded)
        words.push_back(
            "once the volumes have grown: each pod whose filesystem has not is evicted: those that are not ready "
            "first, lowest ordinal first; then the others, highest first, and each only when every other is ready");
    for (const plan::HeldWorkload& one : record.stopped)
        words.push_back("scale " + one.text() +
                        " to 0 and delete the remaining pods, highest ordinal first (downtime begins)");
    if (!record.stopped.empty()) {
        words.push_back("POINT OF NO RETURN: ask each claim to grow, and wait until the storage has grown its volume");
        for (const plan::HeldWorkload& one : record.stopped)
            words.push_back("scale " + one.text() + " to " + std::to_string(one.replicas) +
                            ", and wait until the filesystems have grown and every pod is ready (downtime ends)");
        words.push_back("whatever fails from the stop on, the pods are started again first; resume goes on from there");
    }
    for (const Template& set : record.sets) {
        words.push_back(
            "once every claim has its capacity: " + set.text() +
            " is deleted without its pods and made anew as it is then, with the new sizes in its templates");
        words.push_back(
            "then: its pods are the new one's, which is waited for; a fresh read compares pods, restarts, "
            "revisions and owners of claims with what they were");
    }
    return words;
}

}  // namespace holdfast::expand
