"""undo where things have changed since the restore: nodes that are gone or take no pods, a kept volume that somebody deletes in the
middle of it. The database is not stopped in vain, and comes back on what it had."""
import json

import pytest

from test_in_place import in_place, operation_of, volumes
from test_in_place_trouble import DELETED, RETAINED, stopped_at
import world


@pytest.fixture
def restored(space, request):
    """A database of the class that the test asks for, restored in place."""
    space.postgres(storage_class=getattr(request, "param", "fast"))
    space.psql("postgres-0", "create table t as select 7 as x")
    space.snap("create", "sts/postgres", "--name", "base", "--wait", "ready").expect()
    space.psql("postgres-0", "drop table t")
    space.kept = space.path("pvc/data-postgres-0", ".spec.volumeName")
    space.done = operation_of(in_place(space).expect())
    space.now = space.path("pvc/data-postgres-0", ".spec.volumeName")
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres")
    return space


def undo(space, *words):
    run = space.restore("undo", space.done, *words, timeout=300)
    return run, " ".join(run.text.split())


def test_a_cordoned_node_that_alone_can_reach_the_kept_volume_is_warned_of(restored):
    space = restored
    term = ".spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0]"
    node = space.path(f"pv/{space.kept}", term + ".values[0]")
    assert space.path(f"pv/{space.kept}", term + ".key") == "fast.csi.hf.test/node"
    space.kubectl("cordon", node).expect()
    try:
        run, said = undo(space, "--dry-run")
    finally:
        space.kubectl("uncordon", node).expect()
    assert run.code == 0, run.text
    assert (f"WARNING: pv/{space.kept} (for pvc/data-postgres-0) can only be reached from {node}, which is cordoned: the pod stays "
            "Pending until one takes pods again (`kubectl get nodes`)") in said, run.text
    run, said = undo(space, "--dry-run")
    assert run.code == 0 and "can only be reached" not in said, run.text


@pytest.mark.parametrize("restored", ["slow"], indirect=True)
def test_undo_to_a_node_that_does_not_exist_is_refused_with_the_database_up(restored):
    space, node = restored, f"node-of-{restored.name}"
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
    patch = json.dumps({"spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}}})
    space.kubectl("patch", "pv", space.kept, "--type=merge", "-p", patch).expect()
    pod = space.path("pod/postgres-0", ".metadata.uid")
    before = space.objects()
    run, said = undo(space, "--yes")
    assert run.code == 3 and (
        f"no node can take pv/{space.kept} (for pvc/data-postgres-0): it can only be reached where kubernetes.io/hostname in ({node}), and "
        "no node is there; what is on it is intact; nothing was changed") in said, run.text
    assert space.objects() == before and space.path("pod/postgres-0", ".metadata.uid") == pod
    # The least role does not have them.
    few = space.restore("rbac", "undo", "--minimal").expect().out
    assert "nodes" not in few


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
