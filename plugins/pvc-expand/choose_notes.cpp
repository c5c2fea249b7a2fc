// What there is to know of a choice before one says yes to it.
#include "common/core/text.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/pod_state.h"
#include "common/kube/objects/workload_state.h"
#include "plugins/pvc-expand/choose.h"

#include <algorithm>

namespace holdfast::expand {
namespace {

// Canonical, so that only a fraction of a byte is written in one of these.
bool in_fractions(const Quantity& size) {
    const std::string& text = size.text();
    return text.find_last_of("mun") == text.size() - 1 || text.find("e-") != std::string::npos;
}

// What the StatefulSet's pod template mounts besides the claims of its own templates, and nobody asked to grow.
std::string claims_beside(const ExpandOptions& options, const ExpandFacts& facts) {
    if (!options.target || options.target->resource != kube::kStatefulSets) return "";
    std::vector<std::string> names;
    for (const Json& set : facts.sets) {
        for (const std::string& claim : kube::workload_state_of(set).pod_claims) {
            if (!facts.chosen.contains(claim)) names.push_back("pvc/" + claim);
        }
    }
    return join(names, ", ");
}

// A full disk is why people come here.
std::string unready_pods(const ExpandFacts& facts, const ExpandRecord& record) {
    std::vector<std::string> names;
    for (const Growth& growth : record.claims) {
        const auto mounted = facts.mounted_by.find(growth.claim);
        if (growth.bears_only || mounted == facts.mounted_by.end()) continue;
        for (const Json* pod : mounted->second) {
            const std::string name = "pod/" + kube::name_of(*pod);
            if (!kube::pod_state_of(*pod).ready && std::find(names.begin(), names.end(), name) == names.end())
                names.push_back(name);
        }
    }
    return join(names, ", ");
}

}  // namespace

void note_choice(const ExpandOptions& options, const ExpandFacts& facts, const ExpandRecord& record,
                 const LeftOut& left_out, std::vector<std::string>& notes) {
    if (!options.size) {
        for (const Growth& growth : record.claims)
            if (!growth.bears_only)
                notes.push_back("pvc/" + growth.claim + ": " + growth.from + " becomes " + growth.to);
        for (const Template& set : record.sets) {
            for (const auto& [name, size] : set.sizes)
                notes.push_back("template " + name + " of sts/" + set.ref.name + " becomes " + size);
        }
    }
    if (options.size && in_fractions(*options.size))
        notes.push_back("the size is not a whole number of bytes (" + options.size->text() +
                        "): the API server warns of that and rounds it up to " + std::to_string(options.size->bytes()));
    if (!left_out.larger.empty()) notes.push_back("larger already and left so: " + join(left_out.larger, ", "));
    if (!left_out.without_pod.empty())
        notes.push_back("without a pod and left as they are: " + join(left_out.without_pod, ", ") +
                        " (--include-unused grows them too)");
    if (const std::string beside = claims_beside(options, facts); !beside.empty())
        notes.push_back("mounted by name and left as they are: " + beside + " (--claim NAME grows one too)");
    for (const Growth& growth : record.claims) {
        if (!growth.mounted && !growth.bears_only)
            notes.push_back("pvc/" + growth.claim +
                            " is mounted by no pod: its volume grows now, its filesystem at the next mount");
    }
    if (const std::string unready = unready_pods(facts, record); !unready.empty())
        notes.push_back("not ready, and no reason not to grow: " + unready);
    if (options.restart == Restart::kIfNeeded)
        notes.push_back("a pod whose filesystem has not grown " +
                        human_elapsed(static_cast<double>(options.patience.count()) / 1000) +
                        " after its volume is evicted and waited for: one at a time, as PodDisruptionBudgets allow");
    if (!record.sets.empty())
        notes.push_back(std::string(options.restart == Restart::kNever ? "no pod is restarted; " : "") +
                        "while a StatefulSet is replaced, about a second, nobody replaces a pod that dies");
}

}  // namespace holdfast::expand
