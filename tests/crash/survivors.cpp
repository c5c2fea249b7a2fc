#include "tests/crash/survivors.h"

#include <algorithm>
#include <iterator>
#include <sstream>

namespace holdfast::crash {
namespace {

// Mutants of one command that survive for one reason.
struct Survivors {
    const char *command, *kind, *steps, *reason;

    std::vector<std::string> all() const {
        std::istringstream words(steps);
        std::vector<std::string> names{std::istream_iterator<std::string>(words), {}};
        for (std::string& name : names) name = std::string(command) + " " + kind + ":" + name;
        return names;
    }
};

constexpr Survivors kSurvivors[] = {
    {"clone create", "no-order", "create-claim-* create-claim-OWN* create-consumer-*",
     "a claim whose snapshot is not there yet, and a pod whose claim is not there yet, stay Pending "
     "until it is; the wait for Bound waits for both"},
    {"clone create", "no-wait", "wait-fresh",
     "the next round waits for the pods that copy to have begun and to have succeeded, and one whose "
     "claim is not Bound does not begin"},
    {"clone create", "no-precondition",
     "delete-OWN* delete-vs-* remove-* remove-deploy-papers remove-netpol-OWN* remove-netpol-staging-isolated "
     "remove-pod-OWN* remove-pvc-OWN* remove-service-staging remove-sts-staging remove-vs-OWN* remove-vs-import* "
     "remove-vsc-import*",
     "without a uid the executor reads the object, demands the operation's label and pins the uid that it has: "
     "two safeguards of one thing, of which each is enough (tests/unit/plan/delete_test.cpp has the executor's)"},
    {"restore drill", "no-precondition", "delete-netpol-OWN* delete-pod-OWN* delete-pvc-OWN*",
     "without a uid the executor reads the object, demands the operation's label and pins the uid that it has: "
     "two safeguards of one thing, of which each is enough"},
    {"restore open", "no-precondition", "delete-netpol-OWN* delete-pod-OWN* delete-pvc-OWN*", "as of restore drill"},
    {"restore in-place", "no-precondition", "delete-OWN* delete-pod-OWN*", "as of restore drill"},
    {"restore pvc", "no-precondition", "delete-consumer",
     "the executor sends no delete without a uid; this one is a step of a recovery only, in which the "
     "matrix has nobody else. In the plan that makes the pod it has none anyhow: there the label tells "
     "whose it is"},
    {"restore in-place", "no-precondition", "start",
     "the executor's Scale reads the workload itself and names uid and version of what it read; the "
     "next round refuses a workload whose uid is not the recorded one"},
    {"pvc-expand expand", "no-precondition", "start-* stop-* stop-stuck",
     "the executor's Scale and Evict read the object themselves and name uid and version of what they "
     "read"},
    {"restore undo", "no-precondition", "start", "as of restore in-place"},
    {"clone create", "no-reread",
     "horizontalpodautoscalers namespaces networkpolicies poddisruptionbudgets resourcequotas",
     "read in every round with all else, for guards that are passed before the first write (quota, "
     "selectors, a namespace that goes): no case changes one while the command runs"},
    {"clone create", "no-reread", "configmaps deployments",
     "the source, which is only read: what the clone is made of is decided in the first round, and a "
     "later one that looks again decides the same"},
    {"clone create", "no-reread", "volumesnapshotcontents",
     "what is decided by one stays as it was while it is there: its handle never changes, one that is made anew has "
     "another name, and no case has anybody change its policy"},
    {"clone create", "no-reread", "persistentvolumes",
     "what is decided by one stays as it was while it is there: driver, size and the claim that it was made for never "
     "change, one that is made anew has another name; and no case has anybody put a clone's volume under Retain, which "
     "what takes it away looks at"},
    {"clone create", "no-reread", "services",
     "shows only in a few of many cases, if at all: clone-masked/268/tidies/rerun was red with it on an "
     "earlier state of the tree, 298 other cases were not"},
    {"pvc-expand expand", "no-reread", "horizontalpodautoscalers",
     "read in every round with all else, for guards that are passed before the first write: no case "
     "changes one while the command runs"},
    {"pvc-expand expand", "no-reread", "daemonsets jobs replicasets replicationcontrollers",
     "read before a StatefulSet is deleted, for who would take up its pods: no case has anybody come who "
     "does. tests/cli/test_simulated_expand_abort.py has a DaemonSet come"},
    {"pvc-expand expand", "no-reread", "resourcequotas storageclasses",
     "read for guards that are passed before the first write; shows only in a few of many cases, if at all: "
     "expand-restart/11/other-command/rerun was red with it on an earlier state of the tree, and is not drawn any "
     "more"},
    {"pvc-expand expand", "no-reread", "controllerrevisions",
     "read at the end, and before that only by a run that finds a set missing, which is none of the cases that are "
     "looked at: tests/unit/pvc-expand/told_test.cpp and way_out_test.cpp, and story-expand"},
    {"pvc-expand recover", "no-reread", "persistentvolumeclaims",
     "every run begins with a fresh look, its patches name the version of that and its wait watches: what somebody "
     "changes meanwhile is a conflict, and the next run looks anew. The one case that was red with it had a second "
     "user begin to grow to less than what was refused, which is refused itself since"},
    {"pvc-expand recover", "no-reread", "pods resourcequotas statefulsets storageclasses",
     "its only changes are patches that name the uid, and then a wait, which watches: no later round "
     "decides by what these say"},
    {"restore drill", "no-reread", "configmaps networkpolicies",
     "the set is read again only to be marked, by a patch that names the version read; the policy only "
     "to be deleted, by the uid that the executor reads"},
    {"restore open", "no-reread", "networkpolicies",
     "read again only to be deleted, by the uid that the executor reads"},
    {"restore finalize", "no-reread", "configmaps persistentvolumes volumeattachments",
     "the second look is for what changes while somebody is asked: the matrix says --yes, so no time "
     "passes. A kept volume that somebody takes into use after it was read is not given to the storage: "
     "the patch names the version that was read"},
    {"restore in-place", "no-reread", "horizontalpodautoscalers storageclasses",
     "guards: read again between the question and the first write, where no case has anybody make one"},
    {"restore in-place", "no-reread", "configmaps volumesnapshotcontents",
     "shows only in a few of many cases, if at all: restore-in-place-one/118/takes-over/rerun was red on "
     "an earlier state of the tree, 558 cases of that line were not"},
    {"restore undo", "no-reread", "configmaps horizontalpodautoscalers",
     "guards: read again between the question and the first write, where no case has anybody make one"},
    {"clone create", "no-survive", "create-claim-copy-*",
     "the report reads the claim and does not call one a copy that has no source "
     "(plugins/clone/report.cpp)"},
    {"restore pvc", "no-survive", "create-claim",
     "the report reads the claim and does not call one restored that has no source "
     "(plugins/restore/restore_pvc.cpp)"},
    {"restore in-place", "no-survive", "create-OWN*",
     "R7: the pod that looks at the new volume before anything is stopped finds no data directory"},
    {"clone create", "no-survive", "create-vs-* create-workload import-content-* import-snapshot-*",
     "no case has an API server drop a field of anything but a claim; "
     "tests/unit/plan/executor_test.cpp has it"},
    {"pvc-expand expand", "no-survive", "remake-stuck remake-postgres",
     "no case has an API server drop a field of anything but a claim; "
     "tests/unit/plan/executor_test.cpp has it"},
    {"snap create", "no-survive", "create-vs-*",
     "no case has an API server drop a field of anything but a claim; "
     "tests/unit/plan/executor_test.cpp has it"},
    {"restore drill", "no-step", "delete-later-* reclaim-*",
     "each does what the other does: Delete once the volume is known, and again at the teardown for a "
     "run that was stopped between"},
    {"snap create", "no-step", "note-vs-*",
     "a copy of the record for who loses the set's ConfigMap, which nobody in the matrix does; the set "
     "is whole without"},
    {"clone create", "no-wait", "cut wait-import",
     "what waits behind it waits for more: ready for a cut, Bound for a claim whose imported snapshot "
     "is not ready"},
    {"clone create", "no-wait", "wait-copier",
     "what waits behind it waits for the same pods to end; this one is for a pod that never starts, "
     "which that would wait 48 hours for (tests/unit/clone/prepare_test.cpp, story-clone-masking)"},
    {"clone create", "no-wait", "wait-db",
     "the simulated database answers as soon as its container runs, a real one refuses until then: "
     "story-clone"},
    {"pvc-expand expand", "no-wait", "observed-postgres",
     "the next round looks at what the controller has seen and deletes nothing before that: without the wait it only "
     "comes sooner, as often as an operation may have rounds; expand-selector/60/slow-cluster/rerun was red with it on "
     "an earlier state of the tree, and is not drawn any more"},
    {"pvc-expand expand", "no-wait", "gone-postgres gone-stuck",
     "the delete before it waits for the end itself; this wait is for a resume that finds the object "
     "going, which the next round then meets as a conflict and looks at again"},
    {"pvc-expand expand", "no-wait", "adopted-stuck",
     "the set is stopped when it is made anew, and the wait for the pods that it starts then waits for its controller, "
     "too. Of a set that stays without pods, which no case has: tests/unit/pvc-expand/rounds_test.cpp"},
    {"pvc-expand expand", "no-wait", "calm-stuck-*",
     "does what the wait for the pod before does: tests/crash/planted/restarts-together takes out both, and is found"},
    {"pvc-expand expand", "no-wait", "mounted-stuck-*",
     "a container starts when its volume is mounted, and its filesystem grows before that: the wait for the pod to be "
     "ready waits for both. Of a volume that stays mounted, since its pod was gone too soon, and of pods of no "
     "StatefulSet, which no case restarts: tests/unit/pvc-expand/restart_test.cpp has it"},
    {"pvc-expand expand", "no-wait", "whole-stuck-*",
     "of a pod that is not made again, since its name is taken or a quota is full, which no case has: "
     "tests/unit/pvc-expand/restart_test.cpp has it"},
    {"pvc-expand expand", "no-wait", "wait-ended-* wait-stopped-* wait-stopped-stuck wait-told-* wait-unowned-stuck",
     "as of restore in-place"},
    {"restore finalize", "no-wait", "wait-released-*",
     "the storage deletes a volume when it is Released and under Delete, in whichever order it becomes so; "
     "the wait for the end waits for both"},
    {"restore in-place", "no-wait", "wait-unowned",
     "the next round looks at the claims' owners and does not go on before they are gone"},
    {"restore drill", "no-wait", "wait-bound wait-running wait-ready",
     "each round reads afresh: what is not there yet is waited for by the next wait, and a question "
     "that comes too early is an error after which the same line goes on"},
    {"restore open", "no-wait", "wait-bound wait-running wait-ready",
     "each round reads afresh: what is not there yet is waited for by the next wait"},
    {"restore drill", "no-wait", "wait-claims-gone wait-pods-gone",
     "a volume goes only when its claim has gone, and that only when its pod has: the wait for the "
     "volumes waits for all of it"},
    {"restore open", "no-wait", "wait-claims-gone wait-pods-gone",
     "a volume goes only when its claim has gone, and that only when its pod has: the wait for the "
     "volumes waits for all of it"},
    {"restore in-place", "no-wait", "wait-reserved wait-stopped wait-told",
     "the next round looks at pods, attachments, replicas and phases and does not go on before they "
     "are so: without the wait it only comes sooner"},
    {"restore in-place", "no-wait", "wait-ended",
     "stands before a Deployment is started again, where the next round does not look. Simulated pods "
     "stop sooner than others start: with pods that take 8 s to stop restore-in-place-deploy/105 was "
     "red (I6)"},
    {"restore undo", "no-wait", "wait-ended wait-reserved wait-stopped wait-told", "as of restore in-place"},
    {"restore undo", "no-wait", "wait-bound",
     "a claim that is made here can be bound to nothing but the volume that is reserved for it; the wait is for one "
     "that "
     "somebody deletes meanwhile, and without it there is no request between the creates and the start at which a case "
     "could do that (the same wait of restore in-place is caught)"},
};

}  // namespace

std::string reason_to_survive(const Mutant& mutant) {
    for (const Survivors& group : kSurvivors) {
        const auto names = group.all();
        if (std::find(names.begin(), names.end(), mutant.name()) != names.end()) return group.reason;
    }
    return "";
}

std::vector<std::string> listed_without(const std::vector<Mutant>& mutants) {
    std::vector<std::string> left;
    for (const Survivors& group : kSurvivors) {
        for (const std::string& name : group.all()) {
            const bool known =
                std::any_of(mutants.begin(), mutants.end(), [&](const Mutant& one) { return one.name() == name; });
            if (!known) left.push_back(name);
        }
    }
    return left;
}

}  // namespace holdfast::crash
