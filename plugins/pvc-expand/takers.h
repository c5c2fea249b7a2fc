// Who else would take up what is of a StatefulSet while that is replaced.
#pragma once

#include "common/core/json.h"
#include "common/kube/reader.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace holdfast::expand {

// What takes up what is nobody's and its selector chooses, as everything of a StatefulSet is while that is replaced.
struct Taker {
    kube::ObjectRef ref;
    Json selector;
};

// Of the namespace: all that adopt, the StatefulSet itself too.
Result<std::vector<Taker>> gather_takers(kube::ClusterReader& reader, const std::string& space);
// The first of them that chooses pods or revisions of `set`, but for itself; nullptr: none. pods: of the namespace.
const Taker* taker_of(const std::vector<Taker>& takers, const std::vector<Json>& pods, const Json& set);
// "the selector of daemonset/shop/agent chooses what is of sts/shop/db, too: while that is replaced, …".
std::string taking_text(const Taker& taker, const kube::ObjectRef& set);

}  // namespace holdfast::expand
