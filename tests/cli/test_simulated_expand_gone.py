"""kubectl pvc-expand while others delete: claims that were to grow, goes or gone, and pods that name a set which is gone. Over real HTTPS
on the simulated cluster."""
import json
import time

import pytest

from simulated_cluster import REAL, SPACE, Cluster
from test_simulated_expand import many, uids


@pytest.fixture
def unanswered(tmp_path, certificates):
    """db0 with two claims that ask to grow, and nobody who answers: their driver is gone."""
    cluster = Cluster(tmp_path / "unanswered", certificates, objects=many(1, 2), controllers=20)
    cluster.settle()
    for driver in cluster.get("csidriver")["items"]:
        cluster.write("DELETE", "csidriver", driver["metadata"]["name"], {})
    yield cluster
    cluster.stop()


def asking(cluster):
    return [c["metadata"]["name"] for c in cluster.get("pvc")["items"] if c["spec"]["resources"]["requests"]["storage"] == "2Gi"]


@pytest.mark.parametrize("target, claims", [("sts/db0", ["v0-db0-0", "v1-db0-0"]), ("pvc/v0-db0-0", ["v0-db0-0"])])
def test_a_claim_that_somebody_deletes_meanwhile_is_no_success_and_the_operation_can_be_ended(unanswered, target, claims):
    cluster, before = unanswered, unanswered.get("sts", "db0")["metadata"]["uid"]
    started = cluster.start("pvc-expand", target, "--size", "2Gi", "--yes", "--timeout", "30s")
    until = time.monotonic() + 30
    while sorted(asking(cluster)) != claims:
        assert time.monotonic() < until and started.running()
    for claim in claims:
        cluster.write("DELETE", "pvc", claim, {})
    done = started.end()
    assert done.code == 4 and "expanded" not in done.out, done
    assert "was deleted meanwhile" in done.err and "kubectl pvc-expand abort" in done.err, done
    going = [c for c in cluster.get("pvc")["items"] if c["metadata"].get("deletionTimestamp")]
    assert sorted(c["metadata"]["name"] for c in going) == claims and {c["status"]["capacity"]["storage"] for c in going} == {"1Gi"}
    assert cluster.get("sts", "db0")["metadata"]["uid"] == before
    operation = json.loads(cluster.run("pvc-expand", "status", "-o", "json").out)["items"][0]["operation"]
    again = cluster.run("pvc-expand", "resume", operation, "--yes", code=4)
    assert "was deleted meanwhile" in again.err
    cluster.run("pvc-expand", "abort", operation, "--yes")
    assert json.loads(cluster.run("pvc-expand", "status", "-o", "json").out)["items"] == []
    left = [c["metadata"] for c in cluster.get("pvc")["items"] if "holdfast.dev/expanding" in c["metadata"].get("labels", {})]
    assert left == [] and cluster.get("sts", "db0")["metadata"]["uid"] == before


def vanish(cluster, claim):
    """Deleted, and what would hold it while a pod mounts it was taken off before: wholly gone, and nobody makes it anew."""
    cluster.write("PATCH", "pvc", claim, {"metadata": {"finalizers": None}})
    cluster.write("DELETE", "pvc", claim, {})
    assert cluster.get("pvc", claim) is None


NOT_FOUND = {"status": 404, "json": {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404,
                                     "message": 'persistentvolumeclaims "v0-db0-0" not found'}}
CLAIM = "/persistentvolumeclaims/v0-db0-0"


# While it is waited for; before its patch; after that and before the wait has seen it.
@pytest.mark.parametrize("when", ("waited for", "before its patch", "before the wait"))
@pytest.mark.parametrize("target", ("sts/db0", "pvc/v0-db0-0"))
def test_a_claim_that_is_wholly_gone_meanwhile_ends_the_command_the_same_way_at_every_run(unanswered, target, when):
    cluster, before = unanswered, unanswered.get("sts", "db0")["metadata"]["uid"]
    pods = uids(cluster)
    if when != "waited for":
        reply = NOT_FOUND if when == "before its patch" else {"through": True}
        cluster.rules({"method": "PATCH", "path": CLAIM + REAL, "times": 1, "reply": {**reply, "announce": True, "delay_ms": 2000}})
    started = cluster.start("pvc-expand", target, "--size", "2Gi", "--yes", "--timeout", "8s")
    if when == "waited for":
        until = time.monotonic() + 30
        while "v0-db0-0" not in asking(cluster) or not any("watch=true" in r["target"] for r in cluster.requests()):
            assert time.monotonic() < until and started.running()
    else:
        cluster.arrived.get(timeout=30)
    vanish(cluster, "v0-db0-0")
    done = started.end()
    assert done.code == 4 and "expanded" not in done.out, done
    sets = "; no StatefulSet was replaced" if target.startswith("sts") else ""
    told = (f"error: pvc/{SPACE}/v0-db0-0 was deleted meanwhile by somebody else: it is gone, and its data with it unless its volume is under "
            f"Retain{sets}")
    assert told in done.err.splitlines(), done
    operation = json.loads(cluster.run("pvc-expand", "status", "-o", "json").out)["items"][0]["operation"]
    on = f"{operation} -n {SPACE}"
    hint = (f"`kubectl get pv` shows a volume that is kept as Released, with {SPACE}/v0-db0-0 as its claim; once a new claim is in its place, the same "
            f"command again grows that; to end this operation: kubectl pvc-expand abort {on}")
    assert hint in done.err, done
    for words in (["resume", operation], [target, "--size", "2Gi"]):
        again = cluster.run("pvc-expand", *words, "--yes", "--timeout", "8s", code=4)
        assert told in again.err.splitlines() and hint in again.err, again
    assert cluster.get("sts", "db0")["metadata"]["uid"] == before and uids(cluster) == pods
    cluster.run("pvc-expand", "abort", operation, "--yes")
    assert json.loads(cluster.run("pvc-expand", "status", "-o", "json").out)["items"] == []
    assert not [c for c in cluster.get("pvc")["items"] if "holdfast.dev/expanding" in c["metadata"].get("labels", {})]
    assert cluster.get("sts", "db0")["metadata"]["uid"] == before and uids(cluster) == pods


def test_a_pod_that_names_a_set_which_is_gone_loses_no_data_and_is_there_again(tmp_path, certificates):
    """By selector what names a deleted set is taken off it only when all sets were made anew. Until then the new one cannot take the
    pod up, and it is garbage: collected, and made again on its claims."""
    cluster = Cluster(tmp_path / "stale", certificates, objects=many(3, 1), controllers=20)
    cluster.settle()
    try:
        old, pods = cluster.get("sts", "db0")["metadata"]["uid"], uids(cluster)
        claims = {c["metadata"]["name"]: (c["metadata"]["uid"], c["spec"]["volumeName"]) for c in cluster.get("pvc")["items"]}
        cluster.order(judge=True)
        # The second set is gone, and the first one was made anew.
        cluster.rules({"method": "POST", "path": "/statefulsets" + REAL, "skip": 1, "times": 1, "reply": {"announce": True, "through": True, "delay_ms": 3000}})
        started = cluster.start("pvc-expand", "-l", "team=many", "--size", "2Gi", "--yes")
        cluster.arrived.get(timeout=60)
        assert cluster.get("sts", "db0")["metadata"]["uid"] != old
        cluster.write("PATCH", "pod", "db0-0", {"metadata": {"ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db0", "uid": old, "controller": True, "blockOwnerDeletion": True}]}})
        done = started.end()
        assert done.code == 0 and "not by this command, but meanwhile: db0-0 started anew" in done.out, done
        assert cluster.order(state=True)["violations"] == []
        now = uids(cluster)
        assert now.keys() == pods.keys() and {name for name in pods if now[name] != pods[name]} == {"db0-0"}
        assert {c["metadata"]["name"]: (c["metadata"]["uid"], c["spec"]["volumeName"]) for c in cluster.get("pvc")["items"]} == claims
        for name in ("db0", "db1", "db2"):
            assert cluster.get("pod", f"{name}-0")["metadata"]["ownerReferences"][0]["uid"] == cluster.get("sts", name)["metadata"]["uid"]
    finally:
        cluster.stop()


def test_a_set_in_the_gap_is_told_of_also_when_the_claim_that_told_of_it_has_gone_with_its_replica(tmp_path, certificates):
    """An autoscaler takes the highest replica away, whose claim goes with it (whenScaled: Delete); and then the journal is lost."""
    cluster, line = Cluster(tmp_path / "told", certificates), ["sts/postgres", "--size", "2Gi", "--yes"]

    try:
        cluster.start_and_kill("pvc-expand", line, "PATCH", "/persistentvolumeclaims/", through=False, skip=1)
        (bearer,) = [c["metadata"]["name"] for c in cluster.get("pvc")["items"] if "holdfast.dev/expand" in c["metadata"].get("annotations", {})]
        cluster.write("PATCH", "sts", "postgres", {"spec": {"replicas": 1}})
        cluster.settle()
        assert cluster.get("pvc", bearer) is None
        cluster.start_and_kill("pvc-expand", line, "DELETE", "/statefulsets")
        assert cluster.get("sts", "postgres") is None
        pods = uids(cluster)
        (journal,) = [c["metadata"]["name"] for c in cluster.get("configmap")["items"] if c["metadata"]["name"].startswith("holdfast-op-expand-")]
        cluster.write("DELETE", "configmap", journal, {})
        cluster.run("pvc-expand", *line)
        made, now = cluster.get("sts", "postgres"), uids(cluster)
        assert {name: now[name] for name in pods} == pods
        assert {t["spec"]["resources"]["requests"]["storage"] for t in made["spec"]["volumeClaimTemplates"]} == {"2Gi"}
    finally:
        cluster.stop()
