"""Restore in place and undo on the simulated cluster, where something came in between: a process that is killed, a journal that is
edited, a command line that means something else than the one before."""
import json
import time

import pytest

from simulated_cluster import REAL, SPACE, refusal
from test_simulated_stories import FILES, IN_PLACE, cluster, holds, server  # noqa: F401

DENIED = refusal("not any more")


def killed_at(cluster, method, path, *words):
    """Runs until this request has been carried out, and then kill -9; gives the operation that is left."""
    cluster.rules({"method": method, "path": path, "times": 1, "reply": {"announce": True, "through": True, "drop": True, "delay_ms": 600000}})
    started = cluster.start("restore", *words)
    cluster.arrived.get(timeout=60)
    started.kill()
    cluster.rules()
    cluster.settle()
    (left,) = [one["operation"] for one in operations(cluster) if one["owner"] == "stopped"]
    cluster.requests()
    return left


def operations(cluster):
    return json.loads(cluster.run("restore", "status", "-o", "json").out)["items"]


def swapped(cluster, words):
    return json.loads(cluster.run("restore", *words, "-o", "json").out)["operation"]


def test_an_undo_that_is_resumed_knows_what_it_is_on(cluster):
    done = swapped(cluster, IN_PLACE)
    undo = killed_at(cluster, "DELETE", r"persistentvolumeclaims/data-postgres-0(\?|$)", "undo", done, "--yes")
    cluster.rules({"method": "PATCH", "path": "statefulsets/postgres" + REAL, "skip": 1, "reply": DENIED})
    cluster.run("restore", "resume", undo, "--yes", code=5)
    assert cluster.get("sts", "postgres")["spec"]["replicas"] == 0
    events = [json.loads(r["body"])["involvedObject"] for r in cluster.requests() if r["method"] == "POST" and "/events" in r["target"]]
    assert [(one["kind"], one["name"]) for one in events] == [("StatefulSet", "postgres")]
    cluster.rules()
    cluster.order(save="down")
    ended = cluster.run("restore", "resume", undo, "--yes")
    assert ended.out.startswith(f"statefulsets.apps/postgres: {done} undone\n"), ended
    cluster.begin("down")
    assert cluster.run("restore", "resume", undo, "--yes", "-o", "name").out == "statefulsets.apps/postgres\n"
    # Nothing is left to be done, and it is told by the same name.
    assert cluster.run("restore", "undo", done, "--yes", "-o", "name").out == "statefulsets.apps/postgres\n"


def volumes(cluster):
    return {one["metadata"]["name"]: one["spec"]["volumeName"] for one in cluster.get("pvc")["items"]}


def test_only_the_same_command_line_finds_its_restore_done(cluster):
    """In parts before, or with others: whether it is done once more is for the user to say."""
    parts = [swapped(cluster, [*IN_PLACE, "--ordinal", number]) for number in "01"]
    before = volumes(cluster)
    refused = cluster.run("restore", *IN_PLACE, code=3)
    assert all(part in refused.err for part in parts) and "--again" in refused.err and "nothing was changed" in refused.err, refused
    assert parts[1] in cluster.run("restore", *IN_PLACE, "--ordinal", "1").out
    assert volumes(cluster) == before
    whole = swapped(cluster, [*IN_PLACE, "--again"])
    assert set(volumes(cluster).values()).isdisjoint(before[claim] for claim in before if "postgres" in claim)
    assert whole in cluster.run("restore", *IN_PLACE).out
    assert whole in cluster.run("restore", *IN_PLACE, "--ordinal", "1", code=3).err


def test_a_deployments_claim_that_the_set_does_not_have_is_not_passed_over(cluster):
    cluster.write("POST", "pvc", "", {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "index", "namespace": SPACE}, "spec": {
        "accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}}})
    pod = cluster.get("deploy", "files")["spec"]["template"]["spec"]
    pod["volumes"].append({"name": "index", "persistentVolumeClaim": {"claimName": "index"}})
    cluster.write("PATCH", "deploy", "files", {"spec": {"template": {"spec": {"volumes": pod["volumes"]}}}})
    cluster.settle()
    before = volumes(cluster)
    refused = cluster.run("restore", *FILES, code=3)
    assert "set/papers holds no snapshot of index; nothing was changed" in refused.err and "--claim" in refused.err, refused
    assert volumes(cluster) == before
    chosen = cluster.run("restore", *FILES, "--claim", "files")
    assert "left as they are, since set/papers holds no snapshot of them: index" in chosen.err, chosen
    after = volumes(cluster)
    assert after["index"] == before["index"] and after["files"] != before["files"]


def test_what_an_unfinished_undo_puts_back_is_not_finalized(cluster):
    done = swapped(cluster, IN_PLACE)
    undo = killed_at(cluster, "DELETE", r"persistentvolumeclaims/data-postgres-0(\?|$)", "undo", done, "--yes")
    refused = cluster.run("restore", "finalize", done, "--yes", code=4)
    assert f"operation {undo} is putting back what {done} took out, and is unfinished; nothing was changed" in refused.err, refused
    assert f"kubectl restore resume {undo} -n {SPACE}" in refused.err, refused
    assert cluster.get("configmap", f"holdfast-op-{done}")
    cluster.run("restore", "resume", undo, "--yes")
    assert f"these do: {undo}" in cluster.run("restore", "finalize", done, "--yes", code=1).err
    assert set(holds(cluster)) == set(volumes(cluster))


def test_an_edited_journal_does_not_hide_what_the_volumes_tell(cluster):
    left = killed_at(cluster, "DELETE", r"persistentvolumeclaims/files(\?|$)", *FILES)
    journal = f"holdfast-op-{left}"
    body = json.loads(cluster.get("configmap", journal)["data"]["journal.json"])
    body["record"]["swaps"][0]["request"] = "5Gi"
    cluster.write("PATCH", "configmap", journal, {"data": {"journal.json": json.dumps(body)}})
    way = f"kubectl delete configmap {journal} -n {SPACE}; then: kubectl restore resume {left} -n {SPACE}"
    told = cluster.run("restore", "status")
    assert left in told.out and "journal damaged" in told.out, told
    assert way in told.err and "kubectl scale" not in told.err and "was skipped" not in told.err, told
    listed = json.loads(cluster.run("restore", "status", "-o", "json").out)
    assert listed["forgotten"] == []
    (one,) = listed["items"]
    assert one["operation"] == left and one["owner"] == "journal damaged" and way in one["message"], one
    for words in (["resume", left, "--yes"], ["abort", left, "--yes"], ["status", left], FILES):
        refused = cluster.run("restore", *words, code=3)
        assert "this journal was edited" in refused.err and way in refused.err, refused
    cluster.write("DELETE", "configmap", journal, {})
    cluster.run("restore", "resume", left, "--yes")
    assert holds(cluster)["files"] == f"{SPACE}/files" and cluster.get("deploy", "files")["spec"]["replicas"] == 1


def test_who_may_not_look_any_more_is_not_told_that_what_runs_is_down(cluster):
    cluster.rules({"method": "DELETE", "path": r"persistentvolumeclaims/files(\?|$)", "times": 1, "reply": {"announce": True, "through": True, "delay_ms": 3000}})
    started = cluster.start("restore", *FILES)
    cluster.arrived.get(timeout=60)
    cluster.rules({"method": "GET", "path": r"/pods(\?|$)", "reply": DENIED})
    stopped = started.end()
    assert stopped.code == 5 and cluster.get("deploy", "files")["spec"]["replicas"] == 1, stopped
    assert "held down" not in stopped.err, stopped
    # Past the point of no return as far as anybody could see: an abort would be refused.
    assert "kubectl restore resume" in stopped.err and "kubectl restore abort" not in stopped.err, stopped


def test_finalize_says_what_to_do_where_the_namespace_is_gone(cluster):
    done = swapped(cluster, FILES)
    cluster.write("DELETE", "namespace", SPACE, {})
    cluster.settle()
    kept = [one["metadata"]["name"] for one in cluster.get("pv", query=f"?labelSelector=holdfast.dev/kept={done}")["items"]]
    assert len(kept) == 1
    refused = cluster.run("restore", "finalize", done, "--yes", code=1)
    assert "nothing was changed" in refused.err and f"kubectl create namespace {SPACE}" in refused.err, refused
    assert cluster.get("pv", kept[0])["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    cluster.write("POST", "namespace", "", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    cluster.run("restore", "finalize", done, "--yes")
    assert cluster.get("pv", kept[0]) is None


@pytest.mark.parametrize("forced", [False, True])
def test_a_snapshot_that_is_deleted_while_its_volume_is_made_ends_the_proof(cluster, forced):
    """No volume comes of it any more, so nobody waits until --timeout, and what was made goes. Forced: its finalizers are taken off too."""
    before, pods = volumes(cluster), [one["metadata"]["uid"] for one in cluster.get("pod")["items"]]
    cluster.rules({"method": "POST", "path": "persistentvolumeclaims" + REAL, "times": 1, "reply": {"announce": True, "through": True, "delay_ms": 1500}})
    started = cluster.start("restore", *IN_PLACE, "--timeout", "10m")
    cluster.arrived.get(timeout=60)
    cluster.order(judge=True, deletes="snapshots")
    cluster.write("DELETE", "vs", "before-data-postgres-0", {})
    if forced:
        cluster.write("PATCH", "vs", "before-data-postgres-0", {"metadata": {"finalizers": None}})
    began = time.monotonic()
    stopped = started.end()
    assert stopped.code == 1 and time.monotonic() - began < 30, stopped
    said = " ".join(stopped.err.split())
    why = "does not exist" if forced else "is being deleted by somebody: no volume is made from it any more"
    assert "before-data-postgres-0" in said and why in said, stopped
    assert "the workload was not touched and runs on" in said and "another set" in said, stopped
    cluster.settle()
    assert volumes(cluster) == before and [one["metadata"]["uid"] for one in cluster.get("pod")["items"]] == pods
    assert cluster.get("vs", "before-data-postgres-0") is None and operations(cluster) == []
    # Of snapshots that are still there nothing was lost, and the volumes that were made from them are gone or kept.
    assert len(cluster.get("vs")["items"]) == 4


def test_an_undo_is_refused_where_the_workload_is_of_another_major_version_now(cluster):
    done = swapped(cluster, IN_PLACE)
    before = volumes(cluster)
    template = cluster.get("sts", "postgres")["spec"]["template"]
    template["spec"]["containers"][0]["image"] = "registry.example/postgres:16"
    cluster.write("PATCH", "sts", "postgres", {"spec": {"template": template}})
    refused = cluster.run("restore", "undo", done, "--yes", code=3)
    said = " ".join(refused.err.split())
    assert "hold the files of registry.example/postgres:15, and the workload runs registry.example/postgres:16" in said, refused
    assert "nothing was changed" in said and "image back to registry.example/postgres:15 first" in said, refused
    assert volumes(cluster) == before
    template["spec"]["containers"][0]["image"] = "registry.example/postgres:15"
    cluster.write("PATCH", "sts", "postgres", {"spec": {"template": template}})
    cluster.settle()
    undone = swapped(cluster, ["undo", done, "--yes"])
    # What an undo takes out is of the same version as what it puts in.
    template["spec"]["containers"][0]["image"] = "registry.example/postgres:16"
    cluster.write("PATCH", "sts", "postgres", {"spec": {"template": template}})
    assert "image back to registry.example/postgres:15 first" in " ".join(cluster.run("restore", "undo", undone, "--yes", code=3).err.split())


MOMENTS = {"the journal is written": ("PUT", "configmaps/"), "claims are made": ("POST", "persistentvolumeclaims" + REAL),
           "volumes are marked": ("PATCH", "persistentvolumes/"), "the workload is stopped": ("PATCH", "statefulsets/postgres" + REAL),
           "a claim is deleted": ("DELETE", r"persistentvolumeclaims/data-postgres-0(\?|$)")}


@pytest.mark.parametrize("undo", [False, True])
@pytest.mark.parametrize("moment", list(MOMENTS))
def test_a_namespace_that_is_deleted_midway_is_named_and_what_is_kept_of_it(cluster, moment, undo):
    words = ["undo", swapped(cluster, IN_PLACE), "--yes"] if undo else IN_PLACE
    method, path = MOMENTS[moment]
    cluster.rules({"method": method, "path": path, "times": 1, "reply": {"announce": True, "through": True, "delay_ms": 1500}})
    started = cluster.start("restore", *words, "--timeout", "10m")
    cluster.arrived.get(timeout=60)
    cluster.write("DELETE", "namespace", SPACE, {})
    cluster.settle()
    stopped = started.end()
    said = " ".join(stopped.err.split())
    assert stopped.code == 4 and f"somebody deleted namespace {SPACE}" in said, stopped
    assert "Error from server" not in said and "restore resume" not in said, stopped
    kept = [one["metadata"]["name"] for label in ("kept", "put-in") for one in cluster.get("pv", query=f"?labelSelector=holdfast.dev/{label}")["items"]]
    reason = said[said.index("somebody deleted namespace"):]
    assert all("pv/" + one in reason for one in kept), (kept, stopped)
    half = [one["metadata"]["name"] for one in cluster.get("pv", query="?labelSelector=holdfast.dev/put-in")["items"]]
    abort = said.split("kubectl create namespace bookstore; kubectl ", 1)[1:]
    assert bool(abort) == bool(half), stopped
    if not abort:
        return
    # The line that it gives ends the operation and destroys nothing.
    cluster.write("POST", "namespace", "", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    words = abort[0].split()
    ended = cluster.run(*words[:5], "--yes")
    told = " ".join((ended.out + ended.err).split())
    cluster.settle()
    there = {one["metadata"]["name"]: one["spec"]["persistentVolumeReclaimPolicy"] for one in cluster.get("pv")["items"]}
    assert all(there.get(one) == "Retain" for one in kept), (kept, there, ended)
    assert all(one in told for one in half), (half, ended)


def test_a_namespace_that_goes_before_anything_was_done_is_not_taken_for_a_missing_permission(cluster):
    terminated = refusal(f'leases.coordination.k8s.io "x" is forbidden: unable to create new content in namespace {SPACE} because it is being terminated')
    cluster.rules({"method": "POST", "path": "/leases", "reply": terminated})
    refused = cluster.run("restore", *IN_PLACE, code=1)
    said = " ".join(refused.err.split())
    assert f"namespace {SPACE} is being deleted; nothing was changed" in said and f"kubectl create namespace {SPACE}" in said, refused
