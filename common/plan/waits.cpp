#include "common/plan/waits.h"

#include "common/core/text.h"
#include "common/plan/clone_waits.h"
#include "common/plan/observe.h"
#include "common/plan/owners.h"

#include <algorithm>

namespace holdfast::plan {
namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;

constexpr char kDeleted[] = "it is deleted or replaced: exit 4";
constexpr char kGoesAway[] = "";
constexpr char kThrowaway[] =
    "Nothing of the user's is among it. Exit 5; the same command again, or `kubectl restore gc`, goes on removing it.";

// Until the first claim is deleted the old volumes are under their claims; from then on the new ones are reserved for
// them.
constexpr char kProving[] =
    "Exit 5. The workload runs on and nothing of it was changed; the temporary claims stay. `resume` waits on, `abort` "
    "removes them.";
constexpr char kDown[] =
    "Exit 5. Service is brought back first: up again on the old volumes, which are under Retain. `resume` goes on with "
    "the swap, `abort` takes it back.";

const std::vector<std::string> kSwaps = {"restore in-place", "restore undo"};
const std::vector<std::string> kDrills = {"restore drill", "restore open"};

std::vector<Waiting> snapshot_waits() {
    return {
        {Condition::kSnapshotCut,
         &kube::kSnapshots,
         {"snap create"},
         "the snapshot controller binds a content; the driver's snapshotter sidecar asks the storage to cut",
         "`--timeout`; with `--quiesce`, the time that writes may be held back",
         "the snapshot is being deleted: exit 1; it is deleted or replaced: exit 4",
         "Writes that were held back are let go first. Exit 5 with the driver's own error. The snapshots stay, the set "
         "stays incomplete and cannot be restored. `resume` waits on, `abort` removes what was made."},
        {Condition::kSnapshotReady,
         &kube::kSnapshots,
         {"snap create", "restore pvc"},
         "the driver: cut long since, it may still upload",
         "",
         "the snapshot is being deleted: exit 1; it is deleted or replaced: exit 4",
         "Exit 5. `snap create --wait ready`: the set is complete and becomes ready by itself; `kubectl snap list` "
         "shows "
         "when. `restore pvc`: no claim was made yet; `resume` waits on."},
        {Condition::kSnapshotReady,
         &kube::kSnapshots,
         {"restore in-place", "restore drill", "restore open"},
         "the driver: cut long since, it may still upload",
         "",
         "the snapshot is being deleted: exit 1; it is deleted or replaced: exit 4",
         "Exit 5. Nothing was made of it yet and no workload was touched; a drill says that the data was not judged. "
         "The same command again waits on."},
        {Condition::kGone,
         &kube::kSnapshots,
         {"snap delete", "snap abort", "restore abort"},
         "the snapshot controller takes its finalizers away; the driver deletes the snapshot where the policy says so",
         "",
         kGoesAway,
         "Exit 5. What is being deleted goes when the driver can; the same command again waits on."},
        {Condition::kGone,
         &kube::kSnapshotContents,
         {"snap delete", "restore pvc", "restore abort"},
         "the driver's snapshotter sidecar deletes the storage's snapshot and takes its finalizer away",
         "",
         kGoesAway,
         "Exit 5. The same command again waits on; `kubectl snap describe` shows the driver's error meanwhile."},
    };
}

std::vector<Waiting> throwaway_waits() {
    return {
        {Condition::kClaimBound,
         &kube::kClaims,
         {"restore pvc"},
         "the driver's provisioner makes a volume from the snapshot, the volume controller binds it; with a "
         "WaitForFirstConsumer class the scheduler first chooses a node for a throwaway pod",
         "",
         "its volume is gone (phase Lost), it is being deleted: exit 1; it is deleted or replaced: exit 4; its "
         "snapshot "
         "is gone or being deleted, seen within 5 s: exit 5",
         "The throwaway pod is removed. Exit 5 with what keeps it Pending. The claim stays; `resume` waits on, `abort` "
         "removes it if no pod uses it."},
        {Condition::kClaimBound,
         &kube::kClaims,
         {"restore drill", "restore open"},
         "the driver's provisioner makes a volume from the snapshot, the volume controller binds it",
         "",
         "its volume is gone (phase Lost), it is being deleted: exit 1; it is deleted or replaced: exit 4; its "
         "snapshot "
         "is gone or being deleted, seen within 5 s: exit 5",
         "All throwaways are taken down. Exit 5: an infrastructure failure, the data was not judged, no mark is "
         "changed. The same command again begins anew."},
        {Condition::kPodRunning, &kube::kPods, kDrills,
         "the scheduler chooses a node; the kubelet mounts the volumes, pulls the image and starts the containers", "",
         "the image cannot be had: exit 5; the pod ended: exit 5, or 6 if the database says that it is the data",
         "All throwaways are taken down. Exit 5 with what keeps the pod from starting; the data was not judged."},
        {Condition::kPodReady, &kube::kPods, kDrills,
         "the throwaway database, which recovers from its log; the kubelet's probe asks it", "",
         "the pod ended: exit 6 if the database says that it is the data, else exit 5",
         "All throwaways are taken down. Exit 5; the data was not judged."},
    };
}

std::vector<Waiting> clean_up_waits() {
    return {
        {Condition::kGone,
         &kube::kPods,
         {"restore pvc", "restore drill", "restore open", "restore gc", "restore abort"},
         "the kubelet stops the containers and unmounts",
         "",
         kGoesAway,
         kThrowaway},
        {Condition::kGone,
         &kube::kClaims,
         {"restore drill", "restore open", "restore gc", "restore abort"},
         "the claim protection controller, once no pod mounts it",
         "",
         kGoesAway,
         kThrowaway},
        {Condition::kGone,
         &kube::kVolumes,
         {"restore drill", "restore open", "restore gc", "restore abort"},
         "the volume controller, once the claim is gone; the driver deletes the volume",
         "",
         kGoesAway,
         kThrowaway},
        {Condition::kGone,
         &kube::kConfigMaps,
         {"snap create", "snap delete", "restore drill", "restore open", "restore undo", "restore finalize",
          "restore gc", "snap abort", "restore abort"},
         "the API server, at once unless somebody put a finalizer on it",
         "",
         kGoesAway,
         "Exit 5. It holds a record and no data; the same command again goes on."},
        {Condition::kGone,
         &kube::kNetworkPolicies,
         {"restore drill", "restore open", "restore gc", "restore abort"},
         "the API server, at once unless somebody put a finalizer on it",
         "",
         kGoesAway,
         kThrowaway},
        {Condition::kGone,
         &kube::kLeases,
         {"snap gc", "restore gc"},
         "the API server, at once unless somebody put a finalizer on it",
         "",
         kGoesAway,
         kThrowaway},
    };
}

std::vector<Waiting> proof_waits() {
    return {
        {Condition::kClaimBound,
         &kube::kClaims,
         {"restore in-place"},
         "for the temporary claims: the driver's provisioner makes the volumes from the snapshots, the volume "
         "controller "
         "binds them",
         "",
         "a volume is gone (phase Lost), a claim is being deleted: exit 1; it is deleted or replaced: exit 4; its "
         "snapshot "
         "is gone or being deleted, seen within 5 s: exit 1, and what was made is taken back",
         kProving},
        {Condition::kPodSucceeded,
         &kube::kPods,
         {"restore in-place"},
         "the scheduler and the kubelet run throwaway pods that look at the new volumes",
         "",
         "the image cannot be had: exit 5; what is on a volume is not what was recorded: exit 6, and nothing of the "
         "operation stays",
         kProving},
    };
}

std::vector<Waiting> stop_waits() {
    return {
        {Condition::kUnowned, &kube::kClaims, kSwaps,
         "the StatefulSet controller takes its ownerReferences away when the retention policy says Retain", "",
         kDeleted,
         "Exit 5. The workload runs on; its volumes are under Retain. `resume` waits on, `abort` puts the policies "
         "back."},
        {Condition::kObserved, &kube::kStatefulSets, kSwaps, "the StatefulSet controller", "",
         "it is being deleted: exit 1; it is deleted or replaced: exit 4", kDown},
        {Condition::kNoReplicas, &kube::kDeployments, kSwaps,
         "the Deployment's and ReplicaSet's controllers delete the pods, the kubelets stop them", "",
         "it is being deleted: exit 1; it is deleted or replaced: exit 4", kDown},
        {Condition::kGone, &kube::kPods, kSwaps,
         "the kubelet stops the containers within the pod's own grace and unmounts. A pod on a lost node stays: it is "
         "never deleted by force, since it may still write",
         "", kGoesAway, kDown},
        {Condition::kGone, &kube::kVolumeAttachments, kSwaps,
         "the attach-detach controller, once the kubelet has unmounted; the driver's attacher detaches", "", kGoesAway,
         kDown},
    };
}

std::vector<Waiting> swap_waits() {
    return {
        {Condition::kGone, &kube::kClaims, kSwaps,
         "the claim protection controller, once no pod mounts it; the snapshot controller, once no snapshot of it is "
         "still being cut",
         "", kGoesAway,
         "Exit 5. Before the first of the old claims was asked to go: service on the old volumes. After it: what is "
         "left of the swap is done and service comes back on the new ones; a claim that does not go is named. Both "
         "volumes are under Retain. `resume` waits on."},
        {Condition::kVolumeAvailable, &kube::kVolumes, kSwaps,
         "the volume controller sees that the volume is reserved by name", "",
         "the volume is being deleted, its phase is Failed: exit 1; it is deleted or replaced: exit 4", kDown},
        {Condition::kClaimBound, &kube::kClaims, kSwaps,
         "the volume controller binds the claim that was made anew, by us or by anybody, to the volume that is "
         "reserved "
         "for it",
         "",
         "it is bound to another volume, it is deleted or replaced: exit 4; phase Lost: exit 1; the reserved volume is "
         "deleted: exit 5 within seconds, and an undo goes back to the volumes that the claims had: exit 4",
         "Exit 5. The workload stays down rather than start on half of its volumes; both copies are under Retain. "
         "`resume` goes on; `undo` after it goes back."},
        {Condition::kClaimBound,
         &kube::kClaims,
         {"restore in-place", "restore undo", "restore abort"},
         "nobody: one look at each claim before the policy of its volume goes back to Delete, since a claim that is "
         "being deleted would take it along",
         "",
         "it is being deleted, phase Lost: exit 1; it is bound to another volume, deleted or replaced: exit 4",
         "Exit 5. The volume stays under Retain. The same command again looks again."},
        {Condition::kAllReady, &kube::kStatefulSets, kSwaps,
         "the StatefulSet controller makes the pods; scheduler and kubelets start them; their probes say ready", "",
         "it is being deleted: exit 1; it is deleted or replaced: exit 4",
         "Exit 5: the swap is done and what was put in does not come up. Policies are put back, the operation ends. "
         "The "
         "old volumes are kept; the message gives the `undo` line."},
        {Condition::kAllReady, &kube::kDeployments, kSwaps,
         "the Deployment's and ReplicaSet's controllers make the pods; scheduler and kubelets start them", "",
         "it is being deleted: exit 1; it is deleted or replaced: exit 4",
         "Exit 5: the swap is done and what was put in does not come up. Policies are put back, the operation ends. "
         "The "
         "old volumes are kept; the message gives the `undo` line."},
        {Condition::kGone,
         &kube::kVolumes,
         {"restore in-place", "restore abort"},
         "the volume controller and the driver: a new volume that is given up, made of a snapshot that is kept",
         "",
         kGoesAway,
         "Exit 5. The same command, or `abort`, goes on removing it."},
        {Condition::kVolumeReleased,
         &kube::kVolumes,
         {"restore finalize"},
         "the volume controller, which sees that the claim of that uid is gone",
         "",
         "the volume is being deleted, its phase is Failed: exit 1; it is deleted or replaced: exit 4",
         "Exit 5. Nothing was removed of this volume. The same command again goes on."},
        {Condition::kGone,
         &kube::kVolumes,
         {"restore finalize"},
         "the volume controller and the driver",
         "",
         kGoesAway,
         "Exit 5. It was asked for and goes when the driver can. The same command again waits on."},
    };
}

const std::vector<std::string> kExpands = {"pvc-expand expand"};
// An abort of it starts the workload, too.
const std::vector<std::string> kStarts = {"pvc-expand expand", "pvc-expand abort"};
constexpr char kStartedFirst[] =
    "Exit 5. The workload is started again first. `resume` stops it anew and goes on; `abort` ends the operation.";
constexpr char kReplacedExit[] = "it is being deleted: exit 1; it is deleted or replaced: exit 4";

// With --restart offline.
std::vector<Waiting> offline_waits() {
    return {
        {Condition::kObserved, &kube::kStatefulSets, kExpands, "with `--restart offline`: the StatefulSet controller",
         "", kReplacedExit, kStartedFirst},
        {Condition::kNoReplicas, &kube::kDeployments, kStarts,
         "with `--restart offline`: the Deployment's and ReplicaSet's controllers delete the pods, the kubelets stop "
         "them",
         "", kReplacedExit, kStartedFirst},
        {Condition::kGone, &kube::kPods, kStarts,
         "with `--restart offline`: the kubelet stops the containers within the pod's own grace and unmounts; a pod on "
         "a lost node is never deleted by force",
         "", kGoesAway, kStartedFirst},
        {Condition::kGone, &kube::kVolumeAttachments, kExpands,
         "with `--restart offline`: the attach-detach controller, once the kubelet has unmounted; the driver's "
         "attacher detaches",
         "", kGoesAway, kStartedFirst},
        {Condition::kGrown, &kube::kClaims, kExpands,
         "with `--restart offline`: the driver's resizer sidecar grows the volumes, which no pod uses now", "",
         "the storage says that it cannot have this size: exit 5, the workload is started and the operation ends",
         kStartedFirst},
        {Condition::kAllReady, &kube::kStatefulSets, kStarts,
         "with `--restart offline`: the StatefulSet controller makes the pods; scheduler and kubelets start them", "",
         kReplacedExit,
         "Exit 5. The volumes have grown, the StatefulSet is not replaced yet. `resume` waits on. Of `abort`: "
         "exit 5, the operation has been taken back and has ended."},
        {Condition::kAllReady, &kube::kDeployments, kStarts,
         "with `--restart offline`: the Deployment's and ReplicaSet's controllers make the pods; scheduler and "
         "kubelets start them",
         "", kReplacedExit,
         "Exit 5. The volumes have grown. `resume` waits on. Of `abort`: exit 5, the operation has been taken back and "
         "has ended."},
    };
}

std::vector<Waiting> growing_waits() {
    return {
        {Condition::kResized, &kube::kClaims, kExpands,
         "the driver's resizer sidecar grows the volume, the kubelet of a pod that mounts it the filesystem", "",
         "the storage says that it cannot have this size (`ControllerResizeInfeasible`, `NodeResizeInfeasible`): exit "
         "5, the "
         "operation ends and its message names `recover`",
         "Exit 5 with what the driver says. Pods run on, the StatefulSet was not touched; the claims ask for the new "
         "size and get "
         "it when the storage can. `resume` waits on."},
        {Condition::kGrown, &kube::kClaims, kExpands,
         "for claims that no pod mounts: the driver's resizer sidecar grows the volume; the filesystem grows at the "
         "next mount",
         "", "the storage says that it cannot have this size: exit 5, as above", "Exit 5 as above."},
        {Condition::kGrown,
         &kube::kClaims,
         {"pvc-expand recover"},
         "the driver's resizer sidecar, which pursues the smaller size now",
         "",
         "the storage refuses this size too: exit 5",
         "Exit 5 with what the driver says; the claim asks for less. `resume` waits on."},
        {Condition::kClaimBound, &kube::kClaims, kExpands,
         "for a replica that came before the new template: the driver's provisioner makes the volume, once the "
         "scheduler has a node for its pod",
         "", "its volume is gone (phase Lost), it is being deleted: exit 1; it is deleted or replaced: exit 4",
         "Exit 5. All else is done: the StatefulSet has its new template and its pods; `resume` waits on and grows "
         "that claim."},
        {Condition::kPodReady, &kube::kPods, kExpands,
         "with `--restart if-needed`: the StatefulSet controller makes the evicted pod again, the kubelet mounts and "
         "starts "
         "it",
         "", "a pod is deleted: the pods are read again and waited for",
         "Exit 5 with what keeps the pod from starting; no other pod is evicted. `resume` goes on with it."},
        {Condition::kAllReady, &kube::kStatefulSets, kExpands,
         "with `--restart if-needed`, before each eviction: the StatefulSet controller has made every pod, and their "
         "probes say ready",
         "", kDeleted, "Exit 5; no other pod is evicted. `resume` goes on."},
        {Condition::kGone, &kube::kPods, kExpands,
         "with `--restart if-needed`: the evicted pod ends within its own grace", "", kGoesAway,
         "Exit 5; no other pod is evicted. `resume` goes on."},
        {Condition::kUnowned, &kube::kClaims, kExpands,
         "the StatefulSet controller takes its ownerReferences away when the retention policy says Retain", "",
         kDeleted, "Exit 5. The StatefulSet is there, with policy Retain/Retain; pods run on. `resume` waits on."},
        {Condition::kObserved, &kube::kStatefulSets, kExpands,
         "before a set is replaced: the StatefulSet controller, where somebody has changed the set a moment ago", "",
         kDeleted, "Exit 5. Nothing was deleted, the claims have grown, pods run on. `resume` waits on."},
        {Condition::kObserved, &kube::kStatefulSets, kExpands,
         "after a set without pods was made anew: the StatefulSet controller, which takes its revisions up first", "",
         kDeleted, "Exit 5. The new StatefulSet is there, the claims have grown. `resume` waits on."},
        {Condition::kGone, &kube::kStatefulSets, kExpands,
         "the garbage collector takes the set off its pods, revisions and claims, then lets it go", "", kGoesAway,
         "Exit 5. Before that the set is made anew if it has gone meanwhile; its manifest is in the journal. Pods run "
         "on. `resume` "
         "waits on and makes it."},
        {Condition::kAdopted, &kube::kPods, kExpands,
         "the StatefulSet controller adopts the pods of the set that was made anew", "",
         "a pod is deleted: the pods are read again and waited for",
         "Exit 5. The new StatefulSet is there; pods run on, and one that dies is replaced once they are adopted. "
         "`resume` waits "
         "on."},
    };
}

std::string number(std::chrono::milliseconds time) { return std::to_string(duration_cast<seconds>(time).count()); }

// Waits that are not for an object of a step.
std::string other_waits() {
    return "| Wait | Who acts | Evidence | Bound | When it ends |\n|---|---|---|---|---|\n"
           "| for an owner that is silent, before taking over | the other process | its Lease or journal is written to "
           "again | " +
           number(kExpireAfter) +
           " s in all | it renewed: exit 4, nothing was changed; it did not: this process goes on, and the other one "
           "writes no more |\n"
           "| for a renewal of its own Lease, before a write | the API server | an answer | " +
           number(kWriteFor) +
           " s since the last one that went well | no write is sent; exit 5, or 4 if somebody has taken over |\n"
           "| for an answer | the API server | bytes | `--request-timeout`; where the server says `Retry-After`, that "
           "long, 2 minutes in all | a read: exit 5. A write whose answer was lost: the object is read and judged, "
           "at most four times; then exit 5 |\n"
           "| for a command in a pod (`--pre`, `--post`, `--exec`) | the container | its exit code | `--timeout` | "
           "`--post` runs whatever failed before; exit 1 if nothing is left half-way, else 5 |\n"
           "| for `--hold` to be up, and to end | the container | a line of output; its end | `--timeout`, at most "
           "2 min, and 10 s | one without a line: nothing is cut, exit 1; one that ended before the cut: the set is "
           "not "
           "quiesced, exit 1 or 5; one that does not end: its connection is cut, exit 5 |\n"
           "| for an answer to \"go on?\" | a person | a line on the terminal | none: nothing was changed yet | "
           "anything "
           "but yes: exit 3 |\n"
           "| `restore open`, between two rounds | a person | Ctrl-C | none | the throwaways are taken down, exit 0 "
           "|\n";
}

}  // namespace

const std::vector<Waiting>& waits() {
    static const std::vector<Waiting> kAll = [] {
        std::vector<Waiting> all;
        for (auto&& part : {snapshot_waits(), throwaway_waits(), clean_up_waits(), proof_waits(), stop_waits(),
                            swap_waits(), clone_waits(), growing_waits(), offline_waits()})
            all.insert(all.end(), part.begin(), part.end());
        return all;
    }();
    return kAll;
}

const Waiting* waiting(const kube::Resource& resource, Condition condition) {
    const auto found = std::find_if(waits().begin(), waits().end(), [&](const Waiting& one) {
        return *one.resource == resource && one.condition == condition;
    });
    return found == waits().end() ? nullptr : &*found;
}

std::string evidence_of(Condition condition) {
    switch (condition) {
        case Condition::kSnapshotCut:
            return "`status.boundVolumeSnapshotContentName` and `status.creationTime`";
        case Condition::kSnapshotReady:
            return "`status.readyToUse` is true, beside what a cut has";
        case Condition::kClaimBound:
            return "`status.phase` is Bound; in a swap, `spec.volumeName` is the reserved volume";
        case Condition::kPodReady:
            return "every `status.containerStatuses[].ready`";
        case Condition::kPodRunning:
            return "every `status.containerStatuses[].state.running`";
        case Condition::kPodStarted:
            return "every `status.containerStatuses[].state.running`, or `status.phase` is Succeeded";
        case Condition::kPodSucceeded:
            return "`status.phase` is Succeeded";
        case Condition::kExists:
            return "the object is there";
        case Condition::kGone:
            return "no object of that name, or one with another uid";
        case Condition::kContentBound:
            return "`status.snapshotHandle`";
        case Condition::kResized:
            return "`status.capacity.storage` has reached the size; never a condition";
        case Condition::kGrown:
            return "that, or the claim waits for a node (`FileSystemResizePending`, `NodeResizePending`)";
        case Condition::kAdopted:
            return "the controller in `metadata.ownerReferences` is the new object";
        case Condition::kVolumeAvailable:
            return "`status.phase` is Available";
        case Condition::kVolumeReleased:
            return "`status.phase` is Released";
        case Condition::kUnowned:
            return "no `metadata.ownerReferences`";
        case Condition::kObserved:
            return "`status.observedGeneration` has reached `metadata.generation`";
        case Condition::kNoReplicas:
            return "that, and `status.replicas` is 0";
        case Condition::kAllReady:
            return "`status.observedGeneration` is current and `status.readyReplicas` has reached `spec.replicas`";
    }
    return "";
}

std::string waits_page() {
    std::string page =
        "# What Holdfast waits for\n\n"
        "Made from the steps' own table (`common/plan/waits.cpp`) by a unit test: do not edit.\n\n"
        "Every wait is one list and one watch for all objects of a kind. Waits that follow each other in one round and "
        "are for objects of the same kind and namespace share a watch, which each reads from its own list on "
        "(`common/plan/shared_watches.h`). That a StatefulSet which is replaced is gone is asked again and again "
        "instead, "
        "at least twice a second: until it is made again its pods have no controller, and a way to the API server that "
        "holds watches up must not make that longer. What is seen is judged by a pure function "
        "(`common/plan/observe.cpp`). The bound is `--timeout`, ten minutes by default, *without progress*: whatever "
        "changes in what is waited for starts it anew. Every five seconds without progress the reason is looked for in "
        "the storage stack and told. A namespace that is gone or goes ends every wait for something to come in it. "
        "When the time is up the message names the object, what is missing, the reason, "
        "and "
        "the line that goes on; the exit code is 5. The first Ctrl-C ends a wait, except while a workload is down "
        "([safety.md](safety.md) R13).\n\n"
        "| Commands | For | Who acts | Evidence | Bound | Ended at once | When the time is up |\n"
        "|---|---|---|---|---|---|---|\n";
    for (const Waiting& one : waits()) {
        page += "| " + join(one.commands, ", ") + " | " + one.resource->plural + " " + condition_name(one.condition) +
                " | " + one.acts + " | " + evidence_of(one.condition) + " | " +
                (one.bound.empty() ? "`--timeout`" : one.bound) + " | " +
                (one.at_once.empty() ? "nothing" : one.at_once) + " | " + one.otherwise + " |\n";
    }
    return page + "\n## Waits that are not for objects\n\n" + other_waits();
}

}  // namespace holdfast::plan
