// How far the expansion of a claim has come, as its status says. Pure.
// Source: k8s.io/api core/v1 PersistentVolumeClaimStatus; external-resizer pkg/controller/resize_status.go.
#pragma once

#include "common/core/json.h"
#include "common/core/quantity.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::kube {

struct ResizeState {
    std::string space, name;
    std::optional<Quantity> requested, capacity;
    std::optional<Quantity> allocated;  // status.allocatedResources: what the resizer pursues
    std::string status;         // allocatedResourceStatuses.storage: "ControllerResizeInProgress", ...; "" : none
    std::string error;          // what the driver said last, escaped: it may have passed
    bool resizing = false;      // condition Resizing
    bool node_pending = false;  // condition FileSystemResizePending
    bool deleting = false;

    // Final: the resizer tries on only slowly. Older API comments say Failed where newer ones say Infeasible.
    bool infeasible() const;
    // The controller's part is done and the node's needs a mount. The newer resizer leaves Resizing beside it.
    bool waits_for_node() const;
    // A node phase that is over, whose status stayed: while the volume is at least as large as allocatedResources, the
    // resizer does not act on a larger request (external-resizer expand_and_recover.go).
    bool stale() const;
};
ResizeState resize_state_of(const Json& claim);

// The class that a claim was made with: the beta annotation beats spec.storageClassName.
std::string effective_class_of(const Json& claim);
bool class_expands(const Json& storage_class);  // allowVolumeExpansion
std::string provisioner_of(const Json& storage_class);

// What a ResourceQuota says of storage requests: of all claims, and of those of one class.
struct StorageQuota {
    std::string quota, what;    // "requests.storage", "fast.storageclass.storage.k8s.io/requests.storage"
    std::string storage_class;  // "" : every class
    long long hard = 0, used = 0;
};
std::vector<StorageQuota> storage_quotas_of(const Json& quota);

}  // namespace holdfast::kube
