// kubectl pvc-expand usage: how full volumes are, by df in a pod that mounts them, or by what its kubelet measures.
#pragma once

#include "common/app/context.h"
#include "common/plan/actors.h"
#include "plugins/pvc-expand/expand.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace holdfast::expand {

// A filesystem of a claim as a container sees it.
struct ClaimUsage {
    std::string claim, pod, container, path;
    long long capacity_bytes = -1, used_bytes = -1, free_bytes = -1;  // -1: not known
    long long inodes = -1, inodes_used = -1;                          // -1: the filesystem or its df does not say
    std::string problem;                                              // why nothing is known; "" : it is
    bool denied = false;                                              // and that is: who asks may not
    bool device = false;                                              // raw block: nobody can measure it
    int percent() const;                                              // of what a user may fill, as df counts; -1
};

// What `df -Pk PATHS` printed, a line a path, in their order: capacity, used and free of each. Pure.
std::vector<ClaimUsage> parse_df(const std::string& printed, std::vector<ClaimUsage> asked, bool inodes);

// One of these for each claim; `problem` where nothing is known. Each container is asked once.
std::vector<ClaimUsage> measured_by_df(plan::PodRunner& pods, const std::string& space, const std::vector<Json>& live,
                                       const std::set<std::string>& claims);
// Each node is asked once; what it says is up to a minute old (kubelet, volume stats period).
std::vector<ClaimUsage> measured_by_kubelet(kube::ClusterReader& reader, const std::string& space,
                                            const std::vector<Json>& live, const std::set<std::string>& claims);
// What a kubelet's summary says of these claims of a namespace. Pure.
std::vector<ClaimUsage> usage_in_summary(const Json& summary, const std::string& space,
                                         const std::set<std::string>& claims);

// Of those that a pod has as a raw block device nothing is known, whatever was measured: that is said.
void tell_devices(const std::vector<Json>& live, std::vector<ClaimUsage>& all);

int show_usage(app::Context& context, const app::Arguments& arguments);
// What is used of a volume, with the part of what its filesystem keeps for itself. Pure.
long long used_of_volume(const ClaimUsage& usage, const Json& claim);
// Of every claim that --until-usage is about. kRefused: one of them cannot be measured.
Result<Usage> used_bytes(app::Context& context, const ExpandFacts& facts);

}  // namespace holdfast::expand
