#include "plugins/restore/undo_guards.h"

#include "common/core/text.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"
#include "plugins/restore/in_place_guards.h"
#include "plugins/restore/reach.h"

#include <algorithm>
#include <set>

namespace holdfast::restore {
namespace {

// Drivers of which a kubelet says that it has them (CSINode). nullopt: that may not be listed.
Result<std::optional<std::set<std::string>>> registered_drivers(kube::ClusterReader& reader) {
    std::set<std::string> drivers;
    const auto seen = reader.for_each(
        kube::kCsiNodes, "", {},
        [&](Json&& item) {
            for (std::string& driver : kube::drivers_of_node(item)) drivers.insert(std::move(driver));
            return true;
        },
        [&] { drivers.clear(); });
    if (!seen.ok() && seen.error().kind == ErrorKind::kForbidden) return std::optional<std::set<std::string>>();
    if (!seen.ok()) return seen.error().with_context("list csinodes");
    return std::optional(std::move(drivers));
}

bool stops_something(const SwapRecord& record) {
    return record.workload.exists() && record.workload.replicas > record.workload.stopped;
}

}  // namespace

int kept_ordinal(const Json& workload, const std::string& claim) {
    return kube::template_of_claim(workload, claim).ordinal;
}

Status check_fits(const InPlaceFacts& facts, const SwapRecord& record, const Swap& swap, const KeptVolume& kept) {
    const Quantity size = Quantity::from_bytes(std::max<long long>(0, kept.volume.capacity_bytes));
    std::string obstacle =
        kube::binding_obstacle("pvc/" + record.space + "/" + swap.claim, swap.manifest, kept.object, size);
    const Json* in_template = template_for(facts, swap.claim);
    if (obstacle.empty() && in_template != nullptr)
        obstacle = kube::binding_obstacle(template_text(facts, *in_template), *in_template, kept.object, size);
    if (obstacle.empty()) return {};
    return refuse("the kept volume pv/" + kept.volume.name + " would not be bound: " + obstacle,
                  "it stays, under Retain; a claim of another name, NEW, with spec.volumeName " + kept.volume.name +
                      " reads it, once `kubectl patch pv " + kept.volume.name +
                      " -p '{\"spec\":{\"claimRef\":{\"name\":\"NEW\",\"uid\":null,\"resourceVersion\":null}}}'` has "
                      "reserved it for that claim");
}

Status check_kept(const KeptVolume& kept) {
    const std::string what = "pv/" + kept.volume.name;
    if (kept.volume.deleting) return refuse(what + " is being deleted", "");
    if (kept.volume.phase != "Released" && kept.volume.phase != "Available")
        return refuse(what + " is not free, its phase is " + escape_line(kept.volume.phase), "");
    return {};
}

Status check_added(const InPlaceFacts& facts, const KeptOperation& kept) {
    if (!facts.workload.is_object()) return {};
    const kube::WorkloadState state = kube::workload_state_of(facts.workload);
    const int then = kept.volumes.front().mark.replicas;
    if (!state.is_stateful_set() || then <= 0 || state.replicas <= then) return {};
    std::vector<std::string> added;
    for (const std::string& claim : kube::template_claims_of(state)) {
        const int ordinal = kept_ordinal(facts.workload, claim);
        if (ordinal >= state.start_ordinal + then) added.push_back(claim);
    }
    return refuse("claims were added since " + kept.id + ": " + join(added, ", "),
                  "scale back to " + std::to_string(then) + " replicas first, if what they hold may be left behind");
}

Status check_shared(kube::ClusterReader& reader, const KeptOperation& kept) {
    Status found;
    const auto seen = reader.for_each(
        kube::kVolumes, "", {},
        [&](Json&& item) {
            const kube::Volume other = kube::volume_of(item);
            if (other.handle.empty() || other.phase != "Bound") return true;
            for (const KeptVolume& one : kept.volumes) {
                if (other.name == one.volume.name || other.handle != one.volume.handle ||
                    other.driver != one.volume.driver)
                    continue;
                found =
                    refuse("pv/" + other.name + ", which pvc/" + escape_line(other.claim_space) + "/" +
                               escape_line(other.claim_name) + " has, is the same disk as pv/" + one.volume.name +
                               ": two would write to it",
                           "set the reclaim policy of pv/" + other.name + " to Retain, then delete that claim and pv/" +
                               other.name + ", if they are not needed");
            }
            return found.ok();
        },
        [&] { found = {}; });
    if (!seen.ok()) return seen.error().with_context("list persistentvolumes");
    return found;
}

Status check_reach(kube::ClusterReader& reader, const InPlaceFacts& facts, const SwapRecord& record,
                   const KeptOperation& kept, std::vector<std::string>& notes) {
    std::map<std::string, Json> incoming;
    std::vector<const Json*> volumes;
    for (const KeptVolume& one : kept.volumes) {
        incoming[one.mark.claim] = one.object;
        volumes.push_back(&one.object);
    }
    TRY_ASSIGN(const auto nodes, gather_nodes(reader, volumes));
    const Reach reach = judge_reach(record, incoming, facts.workload, nodes);
    notes.insert(notes.end(), reach.notes.begin(), reach.notes.end());
    if (reach.nowhere.empty()) return {};
    if (stops_something(record))
        return refuse(reach.nowhere + "; what is on it is intact",
                      "have a node there again (`kubectl get nodes --show-labels`), and then undo");
    notes.push_back("WARNING: " + reach.nowhere);
    return {};
}

Status check_driver(kube::ClusterReader& reader, const InPlaceFacts& facts, const SwapRecord& record,
                    const KeptOperation& kept, std::vector<std::string>& notes) {
    std::set<std::string> at_work;
    for (const auto& [name, volume] : facts.volumes) at_work.insert(kube::volume_of(volume).driver);
    const auto other = std::find_if(kept.volumes.begin(), kept.volumes.end(), [&](const KeptVolume& one) {
        return !one.volume.driver.empty() && !at_work.contains(one.volume.driver);
    });
    if (other == kept.volumes.end()) return {};
    const std::string what = "the driver " + escape_line(other->volume.driver) + " of pv/" + other->volume.name;
    TRY_ASSIGN(const auto drivers, registered_drivers(reader));
    if (!drivers) {
        notes.push_back("not looked at, since you may not list csinodes: whether a node has " + what);
        return {};
    }
    if (drivers->contains(other->volume.driver)) return {};
    const std::string nobody = what + " is registered on no node: the volume could not be mounted";
    if (stops_something(record))
        return refuse(nobody + "; what is on it is intact", "install that driver again, and then undo");
    notes.push_back("WARNING: " + nobody);
    return {};
}

}  // namespace holdfast::restore
