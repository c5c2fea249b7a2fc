// How a workload is stopped for the sake of its volumes and brought back: the number of its replicas stands beside them
// in an annotation while it is down, so that whoever comes after a killed process finds it (safety R11 to R13). The
// functions append steps to a plan, each after the one before. Pure.
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"
#include "common/plan/step.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace holdfast::plan {

// A StatefulSet or Deployment as it was when the operation began.
struct HeldWorkload {
    kube::ObjectRef ref;  // name "" : none, nothing is stopped
    std::string uid;
    int replicas = 0;  // before
    int stopped = 0;   // while it is held down: 0, or those that run on
    std::string when_deleted = "Retain", when_scaled = "Retain";

    bool exists() const { return !ref.name.empty(); }
    bool retains() const { return when_deleted == "Retain" && when_scaled == "Retain"; }
    std::string text() const { return ref.text(); }  // "sts/shop/db"
};
// stopped: 0. REQUIRES: a StatefulSet or Deployment.
HeldWorkload held_workload(const kube::ObjectRef& ref, const Json& live);
// The journal's form. Without a name it is that of none. kInvalid: damaged.
Json held_workload_json(const HeldWorkload& workload);
Result<HeldWorkload> held_workload_of(const Json& json, const std::string& space);

// One of them as it is now. Borrows both.
struct Hold {
    const HeldWorkload& workload;
    const Json& live;
    // What it was at when this operation stopped it, as the journal has it: the annotation may be taken off by hand.
    std::optional<int> number = std::nullopt;
    std::string mark = "";  // at the end of the steps' ids, where a plan has several workloads: "-db"
};
// By what stopping has written beside the replicas, or into the journal.
bool held_down(const Hold& hold);
bool is_pod_of(const HeldWorkload& workload, const Json& pod);
// kRefused: a pod on a lost node. It may still run and write, so that nobody may wait for its end or do without it
// (R12).
Status check_not_lost(const Json& pod);

// The old number is written beside the new one; waits until the controller has seen it, or it would make pods that are
// deleted again (R12). Somebody's own number since then is the one to go back to.
void add_stop(Plan& plan, const Hold& hold);
// Highest ordinal first, each with its own grace: the order in which a StatefulSet stops (R12).
void add_pod_deletions(Plan& plan, const std::vector<Json>& pods);
// The number that stopping wrote beside the old one is set again, unless somebody set another meanwhile. Nothing if it
// is not held down. pods: those that may still end; of a Deployment they are waited for, since both would write to the
// volume (a StatefulSet's next pod has the name of the one before it, and so waits by itself).
void add_start(Plan& plan, const Hold& hold, const std::vector<Json>& pods);

// R11: a StatefulSet's controller would delete claims at the scale-down, or own them.
void add_retention(Plan& plan, const Hold& hold);
// What the StatefulSet did with its claims before; somebody's own choice since then wins.
void add_retention_back(Plan& plan, const Hold& hold);

}  // namespace holdfast::plan
