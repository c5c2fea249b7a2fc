#include "common/kube/objects/lease.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/kube/resource.h"

namespace holdfast::kube {

Lease lease_of(const Json& object) {
    Lease lease;
    lease.space = space_of(object);
    lease.name = name_of(object);
    lease.uid = uid_of(object);
    lease.version = version_of(object);
    lease.holder = text_at(object, "/spec/holderIdentity");
    if (const auto renewed = parse_time(text_at(object, "/spec/renewTime")); renewed.ok()) lease.renewed = *renewed;
    lease.seconds = static_cast<int>(number_at(object, "/spec/leaseDurationSeconds", lease.seconds));
    lease.transitions = number_at(object, "/spec/leaseTransitions", 0);
    lease.operation = label_of(object, labels::kOperation);
    lease.role = label_of(object, labels::kRole);
    lease.plugin = annotation_of(object, labels::kPlugin);
    lease.host = annotation_of(object, labels::kHost);
    lease.workload = annotation_of(object, labels::kWorkload);
    return lease;
}

Json lease_manifest(const Lease& lease) {
    Json annotations = {{labels::kPlugin, lease.plugin}, {labels::kHost, lease.host}};
    if (!lease.workload.empty()) annotations[labels::kWorkload] = lease.workload;
    Json out = {{"apiVersion", kLeases.api_version()},
                {"kind", kLeases.kind},
                {"metadata",
                 {{"name", lease.name},
                  {"namespace", lease.space},
                  {"labels",
                   {{labels::kManagedBy, labels::kManagedByValue},
                    {labels::kOperation, lease.operation},
                    {labels::kRole, lease.role}}},
                  {"annotations", std::move(annotations)}}},
                {"spec", {{"leaseDurationSeconds", lease.seconds}, {"leaseTransitions", lease.transitions}}}};
    if (!lease.holder.empty()) out["spec"]["holderIdentity"] = lease.holder;
    if (lease.renewed) out["spec"]["renewTime"] = format_time_micro(*lease.renewed);
    if (!lease.version.empty()) out["metadata"]["resourceVersion"] = lease.version;
    if (!lease.uid.empty()) out["metadata"]["uid"] = lease.uid;
    return out;
}

}  // namespace holdfast::kube
