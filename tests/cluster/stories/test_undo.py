"""undo where things have changed since the restore: nodes that are gone or take no pods, a kept volume that somebody deletes in the
middle of it. The database is not stopped in vain, and comes back on what it had."""
import json

import pytest

from test_in_place import database, in_place, operation_of, volumes  # noqa: F401
from test_in_place_trouble import DELETED, RETAINED, stopped_at
import world


@pytest.fixture
def restored(database):  # noqa: F811
    space = database
    space.kept = space.path("pvc/data-postgres-0", ".spec.volumeName")
    space.done = operation_of(in_place(space).expect())
    space.now = space.path("pvc/data-postgres-0", ".spec.volumeName")
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres")
    return space


@pytest.fixture
def node(restored):
    """A node without a kubelet, on which nothing is ever scheduled; the kept volume can be reached from it only."""
    space, name = restored, f"node-of-{restored.name}"
    space.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
                 "spec": {"unschedulable": True, "taints": [{"key": "story.test/none", "effect": "NoSchedule"}]}})
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [name]}]}
    patch = json.dumps({"spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}}})
    space.kubectl("patch", "pv", space.kept, "--type=merge", "-p", patch).expect()
    yield name
    space.cluster.kubectl("delete", "node", name, "--ignore-not-found")


def undo(space, *words):
    return space.restore("undo", space.done, *words, timeout=300)


def test_undo_to_a_node_that_is_gone_is_refused_and_to_one_that_takes_no_pods_warned_of(restored, node):
    space = restored
    pod = space.path("pod/postgres-0", ".metadata.uid")
    ready = json.dumps({"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "Story", "message": ""}]}})
    space.kubectl("cordon", node).expect()
    space.kubectl("patch", "node", node, "--subresource=status", "-p", ready).expect()
    only = f"WARNING: pv/{space.kept} (for pvc/data-postgres-0) can only be reached from {node}, which is "
    shown = " ".join(undo(space, "--dry-run").expect().text.split())
    assert only + "cordoned: the pod stays Pending" in shown or only + "not ready: the pod stays Pending" in shown, shown
    space.cluster.kubectl("delete", "node", node).expect()
    refused = undo(space, "--yes").expect(3)
    assert (f"no node can take pv/{space.kept} (for pvc/data-postgres-0): it can only be reached where kubernetes.io/hostname in "
            f"({node}), and no node is there; what is on it is intact; nothing was changed") in " ".join(refused.err.split()), refused.text
    assert space.path("pod/postgres-0", ".metadata.uid") == pod
    assert space.path("pvc/data-postgres-0", ".spec.volumeName") == space.now


def claim_finalizers(space, *names):
    patch = json.dumps({"metadata": {"finalizers": list(names) or None}})
    space.kubectl("patch", "pvc", "data-postgres-0", "--type=merge", "-p", patch).expect()


@pytest.mark.parametrize("moment", ["stopped", "claim goes"])
def test_a_kept_volume_that_is_deleted_in_the_middle_of_an_undo_leads_back_to_what_the_database_had(restored, moment):
    space = restored
    if moment == "stopped":
        space.hold("pod/postgres-0")
    with space.start("restore", "undo", space.done, "--yes", "--progress", "plain") as command:
        if moment == "stopped":
            stopped_at(space, command, "done: scale sts/", "to 0")
        else:
            stopped_at(space, command, *RETAINED)
            # One that the cluster takes off by itself as a rule: any other one ends the command.
            claim_finalizers(space, "kubernetes.io/pvc-protection", "snapshot.storage.kubernetes.io/pvc-as-source-protection")
            stopped_at(space, command, *DELETED)
        space.cluster.kubectl("delete", "pv", space.kept).expect()
        if moment == "stopped":
            space.let_go("pod/postgres-0")
        else:
            claim_finalizers(space)
        assert command.process.wait(world.PATIENCE_S) == 4, command.text
        command.end()
    said = " ".join(command.text.split())
    assert f"somebody deleted what was to be put back: pv/{space.kept} (driver fast.csi.hf.test, handle " in said, said
    assert "what the claims had until now is kept" in said and "goes on with that" in said, said
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres")
    assert space.path("pvc/data-postgres-0", ".spec.volumeName") == space.now
    assert space.psql("postgres-0", "select x from t") == "7"
    (open_one,) = [one["operation"] for one in space.restore("status", "-o", "json").expect().json()["items"] if one["operation"].startswith("undo")]
    space.restore("abort", open_one, "--yes", timeout=300).expect()
    assert volumes(space)[space.now] == ("data-postgres-0", "Bound", "Delete")
    assert space.psql("postgres-0", "select x from t") == "7"
