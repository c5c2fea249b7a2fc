#include "common/plan/clone_waits.h"

namespace holdfast::plan {
namespace {

constexpr char kNothing[] = "";
constexpr char kCloning[] = "Exit 5. The source is only read. `resume` waits on, `abort` removes all that was made.";
constexpr char kDeletingClone[] =
    "Exit 5. The clone's source is not among it. What is being deleted goes when the cluster can; the same command "
    "again waits on.";

constexpr char kNotReady[] =
    "Exit 5 with what keeps the pods from being ready. The clone's workload and data stay; its source was only read. "
    "`resume` waits on, `abort` removes all that was made.";

std::vector<Waiting> clone_making_waits() {
    return {
        {Condition::kSnapshotCut,
         &kube::kSnapshots,
         {"clone create"},
         "the snapshot controller binds a content; the driver's snapshotter sidecar asks the storage to cut",
         "",
         "the snapshot is being deleted: exit 1; it is deleted or replaced: exit 4",
         kCloning},
        {Condition::kSnapshotReady,
         &kube::kSnapshots,
         {"clone create"},
         "the driver: cut long since, it may still upload",
         "",
         "the snapshot is being deleted: exit 1; it is deleted or replaced: exit 4",
         kCloning},
        {Condition::kClaimBound,
         &kube::kClaims,
         {"clone create"},
         "the driver's provisioner makes a volume from the snapshot or the source's volume, the volume controller "
         "binds "
         "it; with a WaitForFirstConsumer class the scheduler first chooses a node for a throwaway pod",
         "",
         "its volume is gone (phase Lost), it is being deleted: exit 1; it is deleted or replaced: exit 4; what it is "
         "made from is gone or being deleted, seen within 5 s: exit 5",
         "The throwaway pods are removed. Exit 5 with what keeps the claim Pending. `resume` waits on, `abort` removes "
         "all that was made."},
        {Condition::kPodReady,
         &kube::kPods,
         {"clone create"},
         "the throwaway database, which recovers from its log; the kubelet's probe asks it",
         "",
         "the pod ended: exit 5, with `--sql` exit 1, since nothing is left",
         "The throwaway pods are removed; with `--sql` all of the clone. Exit 5; the source was only read."},
        {Condition::kPodStarted,
         &kube::kPods,
         {"clone create"},
         "with `--sql`, the scheduler finds a node for the pod that copies draft to fresh volume, both of "
         "which have to be reachable from it; the kubelet mounts them and starts it",
         "",
         "the image cannot be had: exit 5; the pod ended: exit 1",
         "All of the clone is removed. Exit 5 with what keeps the pod from starting, such as volumes in two zones; the "
         "source was only read."},
        {Condition::kPodSucceeded,
         &kube::kPods,
         {"clone create"},
         "with `--sql`, the throwaway pod that copies every file of the masked draft to a fresh volume and "
         "compares them; 48 hours, whatever `--timeout` says",
         "",
         "the pod ended: exit 1",
         "All of the clone is removed. Exit 5; the source was only read."},
        {Condition::kAllReady,
         &kube::kStatefulSets,
         {"clone create"},
         "the StatefulSet controller makes the pods; scheduler and kubelets start them; their probes say ready",
         "",
         "it is being deleted: exit 1; it is deleted or replaced: exit 4",
         kNotReady},
        {Condition::kAllReady,
         &kube::kDeployments,
         {"clone create"},
         "the Deployment's and ReplicaSet's controllers make the pods; scheduler and kubelets start them",
         "",
         "it is being deleted: exit 1; it is deleted or replaced: exit 4",
         kNotReady},
    };
}

std::vector<Waiting> clone_clean_up_waits() {
    return {
        {Condition::kGone,
         &kube::kPods,
         {"clone create", "clone abort"},
         "the kubelet stops the containers and unmounts",
         "",
         kNothing,
         kCloning},
        {Condition::kGone,
         &kube::kSnapshots,
         {"clone create", "clone abort"},
         "the snapshot controller takes its finalizers away; the driver deletes the snapshot",
         "",
         kNothing,
         "Exit 5. The clone's claims are bound and its source was only read. `resume` waits on."},
        {Condition::kGone,
         &kube::kSnapshotContents,
         {"clone create", "clone abort"},
         "the snapshot controller, at once: the storage keeps the snapshot for the source's own content",
         "",
         kNothing,
         "Exit 5. The clone's claims are bound and its source was only read. `resume` waits on."},
    };
}

std::vector<Waiting> clone_removal_waits() {
    return {
        {Condition::kGone,
         &kube::kStatefulSets,
         {"clone delete", "clone create", "clone abort"},
         "the API server and the garbage collector",
         "",
         kNothing,
         kDeletingClone},
        {Condition::kGone,
         &kube::kDeployments,
         {"clone delete", "clone create", "clone abort"},
         "the API server and the garbage collector",
         "",
         kNothing,
         kDeletingClone},
        {Condition::kGone,
         &kube::kServices,
         {"clone delete", "clone create", "clone abort"},
         "the API server; the endpoints go by the garbage collector",
         "",
         kNothing,
         kDeletingClone},
        {Condition::kGone,
         &kube::kNetworkPolicies,
         {"clone delete", "clone create", "clone abort"},
         "the API server, at once unless somebody put a finalizer on it",
         "",
         kNothing,
         kDeletingClone},
        {Condition::kGone,
         &kube::kConfigMaps,
         {"clone delete", "clone create", "clone abort"},
         "the API server, at once unless somebody put a finalizer on it",
         "",
         kNothing,
         kDeletingClone},
        {Condition::kGone,
         &kube::kClaims,
         {"clone delete", "clone create", "clone abort"},
         "the claim protection controller, once no pod mounts it",
         "",
         kNothing,
         kDeletingClone},
        {Condition::kGone,
         &kube::kVolumes,
         {"clone delete", "clone create", "clone abort"},
         "the volume controller, once the claim is gone; the driver deletes the volume",
         "",
         kNothing,
         kDeletingClone},
    };
}

}  // namespace

std::vector<Waiting> clone_waits() {
    std::vector<Waiting> all;
    for (auto&& part : {clone_making_waits(), clone_clean_up_waits(), clone_removal_waits()})
        all.insert(all.end(), part.begin(), part.end());
    return all;
}

}  // namespace holdfast::plan
