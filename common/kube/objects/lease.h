// A coordination.k8s.io Lease as Holdfast uses it: who holds what, and when it was renewed. Pure.
#pragma once

#include "common/core/duration.h"
#include "common/core/json.h"

#include <optional>
#include <string>

namespace holdfast::kube {

struct Lease {
    std::string space, name, uid, version;
    std::string holder;                  // os/process_identity.h; "" : nobody
    std::optional<SystemTime> renewed;   // by the holder's clock
    int seconds = 9;                     // after which an unrenewed lease may be taken
    long long transitions = 0;           // how often it has changed hands
    std::string operation, role;         // labels
    std::string plugin, host, workload;  // annotations; workload: "StatefulSet/postgres", "" on an operation's own
};

Lease lease_of(const Json& object);
// What is sent: to create it where version is "", else to replace it.
Json lease_manifest(const Lease& lease);

}  // namespace holdfast::kube
