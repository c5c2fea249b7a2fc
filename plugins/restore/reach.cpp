#include "plugins/restore/reach.h"

#include "common/core/text.h"
#include "common/kube/objects/placement.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <set>

namespace holdfast::restore {
namespace {

using kube::Node;
using Nodes = std::vector<const Node*>;

// Of one pod: its volumes must be reached from the same node.
struct Group {
    std::vector<std::string> claims;
    Json topology;  // of all of them
};

// A StatefulSet's pod mounts the claims of its ordinal and those that every pod mounts.
std::vector<Group> groups_of(const SwapRecord& record, const std::map<std::string, Json>& incoming) {
    std::set<int> ordinals;
    for (const Swap& swap : record.swaps) ordinals.insert(swap.ordinal);
    if (ordinals.size() > 1) ordinals.erase(-1);
    std::vector<Group> groups;
    for (const int ordinal : ordinals) {
        Group group;
        for (const Swap& swap : record.swaps) {
            const auto volume = incoming.find(swap.claim);
            if ((swap.ordinal != ordinal && swap.ordinal != -1) || volume == incoming.end()) continue;
            const Json topology = kube::volume_of(volume->second).topology;
            if (!topology.is_array() || topology.empty()) continue;
            group.claims.push_back(swap.claim);
            group.topology = kube::both_topologies(group.topology, topology);
        }
        if (!group.claims.empty()) groups.push_back(std::move(group));
    }
    return groups;
}

std::string volumes_text(const Group& group, const std::map<std::string, Json>& incoming) {
    std::vector<std::string> texts;
    for (const std::string& claim : group.claims)
        texts.push_back("pv/" + kube::name_of(incoming.at(claim)) + " (for pvc/" + claim + ")");
    return join(texts, " and ");
}

std::string places_text(const Group& group, const std::map<std::string, Json>& incoming) {
    std::vector<std::string> texts;
    for (const std::string& claim : group.claims) {
        const std::string text = escape_line(join(kube::volume_of(incoming.at(claim)).places, " or "));
        if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
    }
    return join(texts, ", and ");
}

// nodeSelector and required node affinity of the workload's pods.
bool allowed_by_template(const Json& workload, const Node& node) {
    if (!workload.is_object()) return true;
    const kube::Placement placement = kube::placement_of(kube::pod_spec_of_workload(workload));
    const bool by_selector = !placement.node_selector.is_object() || placement.node_selector.empty() ||
                             kube::selects(placement.node_selector, {node.labels.begin(), node.labels.end()});
    const Json* terms = kube::find_at(placement.affinity,
                                      "/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms");
    return by_selector && (terms == nullptr || kube::picks_node(*terms, node));
}

std::string names_text(const Nodes& nodes) {
    constexpr std::size_t kNamed = 3;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < std::min(kNamed, nodes.size()); ++i) names.push_back(escape_line(nodes[i]->name));
    if (nodes.size() > kNamed) names.push_back(std::to_string(nodes.size() - kNamed) + " more");
    return join(names, ", ");
}

// Why the node takes no pod of this workload now; "" : it does. What the pods that will use a claim by itself tolerate,
// nobody knows.
std::string why_not(const Node& node, const Json& workload) {
    if (!node.ready) return "not ready";
    if (node.cordoned) return "cordoned";
    if (!workload.is_object()) return "";
    const Json tolerations = kube::placement_of(kube::pod_spec_of_workload(workload)).tolerations;
    for (const kube::Taint& taint : node.taints) {
        if (!kube::tolerates(tolerations, taint))
            return "tainted with " +
                   escape_line(taint.key + (taint.value.empty() ? "" : "=" + taint.value) + ":" + taint.effect) +
                   ", which the pods do not tolerate";
    }
    return "";
}

// "" : at least one of them takes new pods.
std::string why_none_takes(const Nodes& nodes, const Json& workload) {
    std::set<std::string> reasons;
    for (const Node* node : nodes) reasons.insert(why_not(*node, workload));
    if (reasons.contains("")) return "";
    return join({reasons.begin(), reasons.end()}, " or ");
}

}  // namespace

Result<std::optional<std::vector<Node>>> gather_nodes(kube::ClusterReader& reader,
                                                      const std::vector<const Json*>& volumes) {
    std::vector<Node> nodes;
    const bool anywhere = std::all_of(volumes.begin(), volumes.end(), [](const Json* volume) {
        const kube::Volume one = kube::volume_of(*volume);
        return !one.topology.is_array() || one.topology.empty();
    });
    if (anywhere) return std::optional(std::move(nodes));
    // Thousands of nodes, and only a little of each is kept.
    const auto seen = reader.for_each(
        kube::kNodes, "", {},
        [&](Json&& item) {
            nodes.push_back(kube::node_state_of(item));
            return true;
        },
        [&] { nodes.clear(); });
    if (!seen.ok() && seen.error().kind == ErrorKind::kForbidden) return std::optional<std::vector<Node>>();
    if (!seen.ok()) return seen.error().with_context("list nodes");
    return std::optional(std::move(nodes));
}

Reach judge_reach(const SwapRecord& record, const std::map<std::string, Json>& incoming, const Json& workload,
                  const std::optional<std::vector<Node>>& nodes) {
    Reach reach;
    for (const Group& group : groups_of(record, incoming)) {
        const std::string what = volumes_text(group, incoming), places = places_text(group, incoming);
        const bool one = group.claims.size() == 1;
        if (!nodes) {
            reach.notes.push_back("not looked at, since you may not list nodes: whether there is a node for " + what +
                                  ", which can only be reached where " + places);
            continue;
        }
        Nodes there, taking;
        for (const Node& node : *nodes) {
            if (!kube::picks_node(group.topology, node)) continue;
            there.push_back(&node);
            if (allowed_by_template(workload, node)) taking.push_back(&node);
        }
        if (taking.empty()) {
            reach.nowhere = "no node can take " + what + ": " + (one ? "it" : "they") + " can only be reached where " +
                            places +
                            (there.empty() ? ", and no node is there"
                                           : ", and the pods of " + record.workload.text() + " may not run there (" +
                                                 names_text(there) + "), by their nodeSelector or node affinity");
            return reach;
        }
        if (const std::string why = why_none_takes(taking, workload); !why.empty())
            reach.notes.push_back("WARNING: " + what + " can only be reached from " + names_text(taking) +
                                  (taking.size() == 1 ? ", which is " : ", which are all ") + why +
                                  ": the pod stays Pending until one takes pods again (`kubectl get nodes`)");
    }
    return reach;
}

}  // namespace holdfast::restore
