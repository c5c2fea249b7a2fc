// What is read before it is decided what grows. Gathered with a reader, which cannot write.
#pragma once

#include "common/kube/reader.h"
#include "plugins/pvc-expand/options.h"
#include "plugins/pvc-expand/takers.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace holdfast::expand {

// Bytes in use on a claim's filesystem, for --until-usage.
using Usage = std::map<std::string, long long>;

// The StatefulSet that a claim is of, by the claim's name and labels.
struct Place {
    std::size_t set = 0;  // index in ExpandFacts::sets
    std::string claim_template;
    int ordinal = -1;
};

// A StatefulSet or Deployment whose pods mount claims that are meant.
struct ClaimUser {
    kube::ObjectRef ref;
    Json live;
    std::optional<bool> deployer_paused;
};

struct ExpandFacts {
    std::vector<Json> sets;               // StatefulSets of which at least one claim is meant
    Json deployment;                      // the target, or null
    std::map<std::string, Json> claims;   // of the namespace, by name
    std::set<std::string> chosen;         // by name or selector: of no StatefulSet, or where no whole one is meant
    std::vector<Json> pods;               // of the namespace
    std::map<std::string, Json> classes;  // of these claims and templates, as far as they are there, by name
    std::vector<Json> quotas;
    std::vector<Taker> takers;  // of the namespace, where a StatefulSet may be replaced
    Usage used;
    // With --restart offline alone.
    std::vector<ClaimUser> users;
    std::vector<Json> autoscalers;
    // Found from these by find_places().
    std::map<std::string, Place> places;                         // by claim; none of these sets': not in it
    std::map<std::string, std::vector<const Json*>> mounted_by;  // by claim: pods that have not ended
};
// kNotFound: no such workload or claim (the message names near ones), or the selector chooses none.
Result<ExpandFacts> gather_expand(kube::ClusterReader& reader, const ExpandOptions& options);

// Whether a claim, whose name fits, is of this set: by its labels, which the set's own claims get; or because a pod of
// the set mounts it, since the StatefulSet controller takes claims by their name alone, also those that somebody made.
bool is_claim_of(const Json& set, const Json& claim, const std::vector<Json>& pods);
// The labels count too: templates and sets "a"+"b-c" and "a-b"+"c" make the same name. facts must not be copied after.
void find_places(ExpandFacts& facts);

}  // namespace holdfast::expand
