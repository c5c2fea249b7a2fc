// Whether a quota leaves room for the snapshots: a set that stops half-way helps nobody. Pure.
#pragma once

#include "common/copies/live_facts.h"
#include "common/kube/objects/snapshot_set.h"
#include "plugins/snap/shared.h"

namespace holdfast::snap {

// kRefused naming the quota, what it allows, what is used and what is needed. Snapshots of this operation that are
// there already are not counted twice.
Status check_quotas(const LiveFacts& facts, const kube::SnapshotSet& set);

}  // namespace holdfast::snap
