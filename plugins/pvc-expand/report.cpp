#include "plugins/pvc-expand/report.h"

#include "common/core/text.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/resize.h"
#include "common/kube/objects/workload.h"

#include <algorithm>

namespace holdfast::expand {
namespace {

Error not_so(const std::string& what) { return {ErrorKind::kConflict, what, "run the command again", 0, ""}; }

// The revision that it had just before it was deleted; where somebody else made it anew, that of the start. "" : the
// set is the one that it was, and what its owner rolls out is his affair, as it is once he has changed the new one.
std::string revision_before(const ExpandRecord& record, const Template& set, const Json& live) {
    const auto swapped = record.swapped.find(set.ref.name);
    if (kube::uid_of(live) == set.uid || kube::generation_of(live) > 1) return "";
    return swapped == record.swapped.end() ? set.update_revision
                                           : kube::update_revision_of(set_before(swapped->second));
}

Status check_revisions(const ExpandRecord& record, const Template& set, const Json& live,
                       const std::vector<Json>& revisions) {
    const std::string now = kube::update_revision_of(live), before = revision_before(record, set, live);
    if (!before.empty() && !now.empty() && now != before)
        return not_so(set.text() + " has the revision " + now + " now, and had " + before +
                      ": something changed its pod template when it was made anew");
    for (const Json& revision : revisions) {
        const bool its_own = kube::selected_by(set.manifest, revision) || kube::name_of(revision) == now;
        const std::string owner = kube::controller_uid_of(revision);
        if (its_own && (owner == set.uid || owner.empty()) && kube::uid_of(live) != set.uid)
            return not_so("controllerrevision/" + kube::name_of(revision) + " does not belong to the new " +
                          set.text());
    }
    return {};
}

// Of the pods that were there before: those that are others now, and those that are gone or go though the set still has
// them. That was not by us: nothing of ours touches a pod.
struct Meanwhile {
    std::vector<std::string> anew, ended;
};

Meanwhile meanwhile(const ExpandRecord& record, const Template& set, const Json& live, const std::vector<Json>& pods) {
    Meanwhile found;
    const auto swapped = record.swapped.find(set.ref.name);
    if (swapped == record.swapped.end()) return found;
    const int start = kube::start_ordinal_of(live), end = start + kube::replicas_of(live);
    for (const auto& [pod_name, was] : pods_before(swapped->second)) {
        const std::string& name = pod_name;  // a lambda cannot name a binding
        const auto now =
            std::find_if(pods.begin(), pods.end(), [&](const Json& pod) { return kube::name_of(pod) == name; });
        const int ordinal = kube::ordinal_of_pod(live, name);
        if (now == pods.end() && ordinal >= start && ordinal < end) found.ended.push_back(name);
        if (now != pods.end() && (was.uid != kube::uid_of(*now) || was.restarts != kube::restarts_of(*now)))
            found.anew.push_back(name);
    }
    return found;
}

std::string text_of(const Meanwhile& meanwhile) {
    std::string text;
    const std::string by = "  not by this command, but meanwhile: ";
    if (!meanwhile.anew.empty()) text += by + join(meanwhile.anew, ", ") + " started anew\n";
    if (!meanwhile.ended.empty())
        text += by + join(meanwhile.ended, ", ") + " ended; its StatefulSet makes it again, on the same claims\n";
    return text;
}

Status check_owned_pods(const Template& set, const Json& live, const std::vector<Json>& pods) {
    for (const Json& pod : pods) {
        if (kube::controller_uid_of(pod) != kube::uid_of(live))
            return not_so("pod/" + set.ref.space + "/" + kube::name_of(pod) + " does not belong to the new " +
                          set.text());
    }
    return {};
}

// With whenDeleted=Delete the claims of pods belong to the new set, else to none; never to the one that is gone.
Status check_owned_claims(const Template& set, const ExpandState& state) {
    for (const auto& [name, claim] : state.claims) {
        for (const kube::OwnerReference& owner : kube::owners_of(claim)) {
            if (owner.uid == set.uid && kube::uid_of(*set_now(state, set)) != set.uid)
                return not_so("pvc/" + set.ref.space + "/" + name + " still names the deleted " + set.text() +
                              " as its owner");
        }
    }
    return {};
}

Status check_sizes(const ExpandRecord& record, const ExpandState& state, const std::string& operation) {
    if (const Growth* deleted = deleted_claim(record, state))
        return deleted_meanwhile(*deleted, record, state, operation);
    for (const Growth& growth : record.claims) {
        if (!state.claims.contains(growth.claim)) continue;  // its replica was scaled away
        if (!asks_enough(growth, state) || !large_enough(growth, state))
            return not_so("pvc/" + record.space + "/" + growth.claim + " has not grown to " + growth.to);
    }
    for (const Template& set : record.sets) {
        const Json* live = set_now(state, set);
        if (live == nullptr || kube::deleting(*live)) return not_so(set.text() + " is gone");
        if (!has_sizes(*live, set.sizes)) return not_so("the templates of " + set.text() + " have not grown");
    }
    return {};
}

// A new replica's claim that was made of the old template, and that nobody can let grow before it is bound.
Status check_newcomers(const ExpandRecord& record, const ExpandState& state) {
    for (const Template& set : record.sets) {
        const Json& live = *set_now(state, set);
        const int start = kube::start_ordinal_of(live), end = start + kube::replicas_of(live);
        for (const auto& [name, claim] : state.claims) {
            const auto place = kube::template_of_claim(live, name);
            if (place.claim_template == nullptr || place.ordinal < start || place.ordinal >= end) continue;
            const auto size = set.sizes.find(kube::name_of(*place.claim_template));
            const auto asked = kube::requested_of(claim);
            const auto wanted = Quantity::parse(size == set.sizes.end() ? "" : size->second);
            if (kube::phase_of(claim) == "Bound" || !asked.ok() || !wanted.ok() || *asked >= *wanted) continue;
            return not_so("pvc/" + record.space + "/" + name + " was made meanwhile, with " + asked->text() +
                          ", and can grow to " + wanted->text() + " only when it is bound; all else is done");
        }
    }
    return {};
}

// Whoever was stopped is up again: with its own number, and not by our leave any more.
Status check_started(const ExpandRecord& record, const ExpandState& state) {
    if (held_down(record, state)) return not_so("a workload is held down again");
    for (const plan::HeldWorkload& one : record.stopped) {
        if (!state.workloads.contains(one.text())) return not_so(one.text() + " is gone");
    }
    return {};
}

Json claim_json(const Growth& growth, const ExpandState& state) {
    const auto capacity = kube::capacity_of(state.claims.at(growth.claim));
    return {{"claim", growth.claim},
            {"from", growth.from},
            {"to", growth.to},
            {"capacity", capacity ? Json(capacity->text()) : Json(nullptr)},
            {"mounted", growth.mounted}};
}

std::string text_of(const ExpandOptions& options, const ExpandRecord& record, const ExpandState& state) {
    std::string text = options.target_text() + " expanded\n";
    for (const Growth& growth : record.claims) {
        if (growth.bears_only) continue;
        const auto found = state.claims.find(growth.claim);
        if (found == state.claims.end()) {
            text += "  pvc/" + growth.claim + ": was deleted meanwhile, its replica was scaled away\n";
            continue;
        }
        const auto capacity = kube::capacity_of(found->second);
        text += "  pvc/" + growth.claim + ": " + growth.from + " -> " + growth.to + ", capacity " +
                (capacity ? escape_line(capacity->text()) : "unknown") +
                (growth.mounted ? "" : "; its filesystem grows at the next mount") + "\n";
    }
    for (const plan::HeldWorkload& one : record.stopped)
        text += "  " + one.text() + ": stopped meanwhile, and every pod ready again\n";
    for (const Template& set : record.sets) {
        for (const auto& [name, size] : set.sizes)
            text += "  template " + name + " of sts/" + set.ref.name + ": " + size + "\n";
    }
    return text;
}

}  // namespace

Result<plan::Report> proven_report(const ExpandOptions& options, const ExpandRecord& record, const ExpandState& state,
                                   const std::vector<Json>& revisions, const std::string& operation) {
    plan::Report report;
    Json claims = Json::array(), sets = Json::array(), stopped = Json::array();
    for (const plan::HeldWorkload& one : record.stopped) stopped.push_back(one.text());
    TRY(check_sizes(record, state, operation));
    TRY(check_started(record, state));
    TRY(check_newcomers(record, state));
    report.text = operation.empty() ? options.target_text() + " is as large already: nothing was changed\n"
                                    : text_of(options, record, state);
    for (const Growth& growth : record.claims) {
        if (growth.bears_only || !state.claims.contains(growth.claim)) continue;
        claims.push_back(claim_json(growth, state));
        report.names.push_back("persistentvolumeclaim/" + growth.claim);
    }
    for (const Template& set : record.sets) {
        const Json& live = *set_now(state, set);
        const std::vector<Json> pods = pods_of(set, state);
        TRY(check_owned_pods(set, live, pods));
        TRY(check_owned_claims(set, state));
        TRY(check_revisions(record, set, live, revisions));
        Meanwhile others = meanwhile(record, set, live, pods);
        report.text += text_of(others);
        others.anew.insert(others.anew.end(), others.ended.begin(), others.ended.end());
        sets.push_back({{"name", set.ref.name},
                        {"templates", set.sizes},
                        {"revision", kube::update_revision_of(live)},
                        {"pods", pods.size()},
                        {"restarted", others.anew}});
        report.names.push_back("statefulset.apps/" + set.ref.name);
    }
    report.json = {{"apiVersion", "holdfast.dev/v1"},
                   {"kind", "ExpandedClaims"},
                   {"operation", operation.empty() ? Json(nullptr) : Json(operation)},
                   {"target", options.target_text()},
                   {"claims", std::move(claims)},
                   {"stopped", std::move(stopped)},
                   {"statefulSets", std::move(sets)}};
    return report;
}

}  // namespace holdfast::expand
