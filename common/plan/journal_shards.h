// A journal that does not fit into one ConfigMap: its large parts, the plan of a round or a key of the record, stand in
// ConfigMaps of their own ("shards") of at most 900 KiB. A shard is named by the hash of what it holds: it never
// changes, and writing it again is no second one; the head names those that it needs, so that its compare-and-swap
// decides about all of them. They belong to the head (ownerReferences) and go with it. Pure.
#pragma once

#include "common/core/json.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace holdfast::plan {

inline constexpr std::size_t kShardBytes = 900 * 1024;  // a ConfigMap holds 1 MiB, names and all
inline constexpr std::size_t kLargePart = 16 * 1024;    // smaller parts stay in the head of a journal with shards

// Puts in the place of each large part of a body, which is too large for one ConfigMap, which slices it is made of.
// hash -> slice.
std::map<std::string, std::string> take_out_parts(Json& body);
// The hashes of the slices that a body needs.
std::vector<std::string> slices_of(const Json& body);
// The other way. Parts whose slices are missing or are not what their name says become null; their names are given.
std::vector<std::string> put_back_parts(Json& body, const std::map<std::string, std::string>& slices);

}  // namespace holdfast::plan
