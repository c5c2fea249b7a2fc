"""kubectl pvc-expand abort where it is granted, and where it is not, of an expansion that was killed in each of its phases: exit code,
message, and what is left. Over real HTTPS on the simulated cluster."""
import json

import pytest

from simulated_cluster import SPACE, Cluster, difference
from test_simulated_expand import many, sizes, uids

GROW = ["sts/postgres", "--size", "2Gi", "--yes"]
CLAIMS = ("data-postgres-0", "data-postgres-1", "wal-postgres-0", "wal-postgres-1")
SETS = "/statefulsets"
RETENTION = {"whenDeleted": "Retain", "whenScaled": "Delete"}  # of the simulated world's sts/postgres


def offline():
    """StatefulSet stuck, whose storage grows only a volume that no node has."""
    labels = {"app": "stuck"}
    yield {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "slow-offline"}, "provisioner": "disk.example",
           "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate", "allowVolumeExpansion": True}
    yield {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "stuck", "namespace": SPACE, "generation": 1}, "spec": {
        "replicas": 2, "serviceName": "stuck", "podManagementPolicy": "OrderedReady", "selector": {"matchLabels": labels},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Delete"}, "updateStrategy": {"type": "RollingUpdate"},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{
            "name": "main", "image": "registry.example/stuck:1", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]}},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "slow-offline", "resources": {"requests": {"storage": "1Gi"}}}}]}}


@pytest.fixture(scope="module")
def server(tmp_path_factory, certificates):
    cluster = Cluster(tmp_path_factory.mktemp("simulated") / "abort", certificates, objects=[*offline(), *many(2, 1)])
    cluster.settle()
    cluster.order(save="start")
    yield cluster
    cluster.stop()


@pytest.fixture
def disturbed(server):
    """Somebody deletes a claim, and data goes with it: that is no violation of ours."""
    server.begin("start")
    return server


@pytest.fixture
def cluster(disturbed):
    yield disturbed
    disturbed.state()  # judged


def state(cluster):
    cluster.settle()
    return cluster.order(state=True)["state"]


def killed(cluster, line, method, path, through, skip=0):
    """While that request waits for its answer; with `through` it has been carried out. Gives the operation's id."""
    if method == "DELETE":
        skip += 1  # which is tried before, as its body says
    cluster.start_and_kill("pvc-expand", line, method, path, through, skip)
    (found,) = operations(cluster)
    return found["operation"]


def operations(cluster):
    return json.loads(cluster.run("pvc-expand", "status", "-o", "json").out)["items"]


def aborted(cluster, operation):
    """First asked whether it would be granted, which changes nothing."""
    before = state(cluster)
    shown = cluster.run("pvc-expand", "abort", operation, "--dry-run")
    assert difference(before, state(cluster)) == []
    done = cluster.run("pvc-expand", "abort", operation, "--yes")
    assert done.out.splitlines()[-1] == f"operation/{operation} aborted", done
    cluster.settle()
    left_nothing(cluster)
    return shown


def left_nothing(cluster):
    """No journal, no lock, no mark of ours but the epoch, which fences an earlier owner off (safety R3)."""
    assert operations(cluster) == [] and "warning" not in cluster.run("pvc-expand", "status").err
    for kind in ("configmap", "lease", "pvc", "sts"):
        for one in cluster.get(kind)["items"]:
            marks = {**one["metadata"].get("labels", {}), **one["metadata"].get("annotations", {})}
            held = kind == "lease" and not one.get("spec", {}).get("holderIdentity")
            ours = [key for key in marks if key.startswith("holdfast.dev/") and key != "holdfast.dev/epoch"]
            assert held or not ours, one["metadata"]


def refused(cluster, operation, why):
    before = state(cluster)
    run = cluster.run("pvc-expand", "abort", operation, "--yes", code=3)
    assert f"error: {operation} has passed its point of no return: {why}; nothing was changed" in run.err, run
    assert f"to finish it: kubectl pvc-expand resume {operation} -n {SPACE}" in run.err, run
    assert difference(before, state(cluster)) == []


def template(cluster, name="postgres"):
    return {t["spec"]["resources"]["requests"]["storage"] for t in cluster.get("sts", name)["spec"]["volumeClaimTemplates"]}


def owners(cluster, prefix):
    return {p["metadata"]["name"]: [o["uid"] for o in p["metadata"].get("ownerReferences", [])]
            for p in cluster.get("pod")["items"] if p["metadata"]["name"].startswith(prefix)}


def test_before_any_claim_was_asked_all_is_as_it_was(cluster):
    before = state(cluster)
    operation = killed(cluster, GROW, "PATCH", "/persistentvolumeclaims/", through=False)
    aborted(cluster, operation)
    assert difference(before, state(cluster)) == []


def test_before_the_swap_of_a_template_alone_all_is_as_it_was(cluster):
    """Its claims were large enough. It has let them go, and its retention policy is set aside: both come back."""
    for claim in CLAIMS:
        cluster.write("PATCH", "pvc", claim, {"spec": {"resources": {"requests": {"storage": "2Gi"}}}})
    cluster.settle()
    before, pods = state(cluster), uids(cluster)
    operation = killed(cluster, GROW, "DELETE", SETS, through=False)
    assert cluster.get("sts", "postgres")["spec"]["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    aborted(cluster, operation)
    assert difference(before, state(cluster)) == [] and uids(cluster) == pods
    assert cluster.get("sts", "postgres")["spec"]["persistentVolumeClaimRetentionPolicy"] == RETENTION


def test_while_claims_grow_it_is_refused_until_one_of_them_is_deleted(disturbed):
    operation = killed(disturbed, GROW, "PATCH", "/persistentvolumeclaims/", through=True)
    refused(disturbed, operation, "claims have grown or are growing, and volumes do not shrink")
    before = disturbed.get("sts", "postgres")
    disturbed.write("DELETE", "pvc", "wal-postgres-1", {})  # its pod holds it
    disturbed.settle()
    pods = uids(disturbed)
    stopped = disturbed.run("pvc-expand", "resume", operation, "--yes", code=4)
    assert f"pvc/{SPACE}/wal-postgres-1 was deleted meanwhile by somebody else" in stopped.err
    aborted(disturbed, operation)
    after = disturbed.get("sts", "postgres")
    assert after["metadata"]["uid"] == before["metadata"]["uid"] and after["spec"] == before["spec"] and uids(disturbed) == pods
    grown = {name: size for name, size in sizes(disturbed).items() if "postgres" in name}
    assert grown["data-postgres-1"] == "2Gi" and grown["wal-postgres-1"] == "1Gi"  # what was asked goes on growing


def test_a_rollout_that_begins_while_claims_grow_ends_in_an_abort_that_leaves_it_alone(cluster):
    operation = killed(cluster, GROW, "DELETE", SETS, through=False)
    refused(cluster, operation, "claims have grown or are growing, and volumes do not shrink")
    never_ready = {"spec": {"template": {"spec": {"readinessGates": [{"conditionType": "example.com/open"}]}}}}
    cluster.write("PATCH", "sts", "postgres", never_ready)
    cluster.settle()
    before, pods = cluster.get("sts", "postgres"), uids(cluster)
    stopped = cluster.run("pvc-expand", "resume", operation, "--yes", code=4)
    assert "a rollout began meanwhile" in stopped.err and "it was not deleted, its claims have grown" in stopped.err, stopped
    aborted(cluster, operation)
    after = cluster.get("sts", "postgres")
    assert after["metadata"]["uid"] == before["metadata"]["uid"] and uids(cluster) == pods and template(cluster) == {"1Gi"}
    assert after["spec"]["persistentVolumeClaimRetentionPolicy"] == RETENTION and after["spec"]["template"] == before["spec"]["template"]
    assert {size for name, size in sizes(cluster).items() if "postgres" in name} == {"2Gi"}


@pytest.mark.parametrize("metadata, undone, why", [
    ({"finalizers": ["example.com/hold"]}, {"finalizers": None},
     "has got the finalizer example.com/hold: deleted to be made anew, it would not go until somebody takes that away"),
    ({"ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "files", "controller": True}]}, {"ownerReferences": None},
     "is owned by Deployment/files by now, whose controller would put the old size back, or delete what it does not know")])
def test_what_comes_to_hold_or_own_the_set_while_claims_grow_keeps_it_from_being_replaced(cluster, metadata, undone, why):
    """Deleted it would stay half there, its pods nobody's, until somebody comes."""
    operation = killed(cluster, GROW, "DELETE", SETS, through=False)
    owners = [{**one, "uid": cluster.get("deploy", "files")["metadata"]["uid"]} for one in metadata.get("ownerReferences", [])]
    cluster.write("PATCH", "sts", "postgres", {"metadata": {**metadata, **({"ownerReferences": owners} if owners else {})}})
    cluster.settle()
    before, pods = cluster.get("sts", "postgres"), uids(cluster)
    stopped = cluster.run("pvc-expand", "resume", operation, "--yes", code=4)
    assert f"error: sts/{SPACE}/postgres {why}; it was not deleted, its claims have grown" in stopped.err, stopped
    now = cluster.get("sts", "postgres")
    assert now["metadata"]["uid"] == before["metadata"]["uid"] and "deletionTimestamp" not in now["metadata"] and uids(cluster) == pods
    cluster.write("PATCH", "sts", "postgres", {"metadata": undone})
    cluster.run("pvc-expand", "resume", operation, "--yes")
    assert template(cluster) == {"2Gi"} and uids(cluster) == pods


def test_whoever_comes_to_select_its_pods_while_claims_grow_keeps_it_from_being_replaced(cluster):
    """Looked at again right before the deletion; then its pods would be the other one's."""
    operation = killed(cluster, GROW, "DELETE", SETS, through=False)
    labels = cluster.get("sts", "postgres")["spec"]["selector"]["matchLabels"]
    agent = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent", "namespace": SPACE}, "spec": {
        "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [{
            "name": "main", "image": "registry.example/agent:1"}]}}}}
    cluster.write("POST", "daemonset", "", agent)
    cluster.settle()
    before, pods = cluster.get("sts", "postgres"), uids(cluster)
    stopped = cluster.run("pvc-expand", "resume", operation, "--yes", code=4)
    assert (f"the selector of daemonset/{SPACE}/agent chooses what is of sts/{SPACE}/postgres, too: while that is replaced, its pods would become the other "
            "one's, which deletes those that it has too many; it was not deleted, its claims have grown") in stopped.err, stopped
    aborted(cluster, operation)
    after = cluster.get("sts", "postgres")
    assert after["metadata"]["uid"] == before["metadata"]["uid"] and template(cluster) == {"1Gi"} and uids(cluster) == pods
    cluster.write("DELETE", "daemonset", "agent", {})
    cluster.run("pvc-expand", *GROW)
    assert template(cluster) == {"2Gi"} and uids(cluster) == pods


def test_in_the_gap_it_is_refused_and_resume_makes_the_set_anew(cluster):
    pods = uids(cluster)
    operation = killed(cluster, GROW, "DELETE", SETS, through=True)
    assert cluster.get("sts", "postgres") is None
    refused(cluster, operation, f"sts/{SPACE}/postgres was deleted to be made anew, and is not there")
    cluster.run("pvc-expand", "resume", operation, "--yes")
    assert template(cluster) == {"2Gi"} and uids(cluster) == pods


def test_in_the_gap_a_set_that_its_owner_has_taken_away_for_good_is_not_made_anew(cluster):
    operation = killed(cluster, GROW, "DELETE", SETS, through=True)
    for kind in ("pod", "revision"):
        for one in cluster.get(kind)["items"]:
            if one["metadata"]["name"].startswith("postgres-"):
                cluster.write("DELETE", kind, one["metadata"]["name"], {})
    cluster.settle()
    stopped = cluster.run("pvc-expand", "resume", operation, "--yes", code=4)
    assert f"sts/{SPACE}/postgres was deleted by somebody else; its manifest is in the journal of {operation}" in stopped.err, stopped
    volumes = {c["metadata"]["name"]: c["spec"]["volumeName"] for c in cluster.get("pvc")["items"]}
    aborted(cluster, operation)
    assert cluster.get("sts", "postgres") is None and owners(cluster, "postgres-") == {}
    assert {c["metadata"]["name"]: c["spec"]["volumeName"] for c in cluster.get("pvc")["items"]} == volumes  # no claim goes with it


@pytest.mark.parametrize("killed_in_gap", (False, True))
def test_a_set_that_has_never_had_a_pod_nor_a_claim_gets_its_template(cluster, killed_in_gap):
    """Nothing of it but its ControllerRevision and the journal tells of it while it is replaced."""
    spec = {"replicas": 0, "serviceName": "empty", "selector": {"matchLabels": {"app": "empty"}},
            "template": {"metadata": {"labels": {"app": "empty"}}, "spec": {"containers": [{"name": "main", "image": "registry.example/empty:1"}]}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {
                "accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}}}]}
    cluster.write("POST", "sts", "", {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "empty", "namespace": SPACE}, "spec": spec})
    cluster.settle()
    line = ["sts/empty", "--size", "2Gi", "--yes"]
    if killed_in_gap:
        operation = killed(cluster, line, "DELETE", f"{SETS}/empty", through=True)
        assert cluster.get("sts", "empty") is None
        line = ["resume", operation, "--yes"]
    cluster.run("pvc-expand", *line)
    assert template(cluster, "empty") == {"2Gi"} and cluster.get("sts", "empty")["spec"]["replicas"] == 0
    left_nothing(cluster)


def remake_as_another(cluster, name):
    """Somebody deletes the set without its pods and makes another one of its name, with the templates of before. Gives it as it then is."""
    other = cluster.get("sts", name)
    cluster.write("DELETE", "sts", name, {"propagationPolicy": "Orphan"})
    cluster.settle()
    assert cluster.get("sts", name) is None
    kept = {key: other["metadata"][key] for key in ("name", "namespace", "labels") if key in other["metadata"]}
    other = {"apiVersion": other["apiVersion"], "kind": other["kind"], "metadata": kept, "spec": other["spec"]}
    other["spec"]["podManagementPolicy"] = "OrderedReady" if other["spec"]["podManagementPolicy"] == "Parallel" else "Parallel"
    for one in other["spec"]["volumeClaimTemplates"]:
        one["spec"]["resources"]["requests"]["storage"] = "1Gi"
    cluster.write("POST", "sts", "", other)
    cluster.settle()
    return cluster.get("sts", name)


def test_in_the_gap_of_one_set_and_with_another_that_is_no_longer_the_same_the_first_one_is_made_anew(cluster):
    """Two sets by one selector: the operation comes to no end, and what it has deleted comes again before it is aborted."""
    pods = uids(cluster)
    operation = killed(cluster, ["-l", "team=many", "--size", "2Gi", "--yes"], "POST", SETS, through=False)
    assert cluster.get("sts", "db0") is None
    other = remake_as_another(cluster, "db1")
    shown = aborted(cluster, operation)
    assert f"make sts/{SPACE}/db0 anew, as it was, with v0 2Gi" in shown.out, shown
    new = cluster.get("sts", "db0")["metadata"]["uid"]
    assert template(cluster, "db0") == {"2Gi"} and owners(cluster, "db0-") == {"db0-0": [new]}
    now = cluster.get("sts", "db1")
    assert (now["metadata"]["uid"], now["spec"]) == (other["metadata"]["uid"], other["spec"]) and template(cluster, "db1") == {"1Gi"}
    assert owners(cluster, "db1-") == {"db1-0": [now["metadata"]["uid"]]} and uids(cluster) == pods


def test_after_the_set_was_made_anew_it_is_refused_until_somebody_makes_another_one_of_it(cluster):
    pods = uids(cluster)
    operation = killed(cluster, GROW, "POST", SETS, through=True)
    assert template(cluster) == {"2Gi"}
    refused(cluster, operation, "claims have grown or are growing, and volumes do not shrink")
    other = remake_as_another(cluster, "postgres")
    stopped = cluster.run("pvc-expand", "resume", operation, "--yes", code=4)
    assert f"sts/{SPACE}/postgres was deleted and made anew by somebody else, and spec.podManagementPolicy is not what it was: it is left as it is" in stopped.err, stopped
    assert cluster.get("sts", "postgres")["spec"] == other["spec"]
    aborted(cluster, operation)
    now = cluster.get("sts", "postgres")
    assert (now["metadata"]["uid"], now["spec"]) == (other["metadata"]["uid"], other["spec"]) and uids(cluster) == pods
    assert set(sum(owners(cluster, "postgres-").values(), [])) == {now["metadata"]["uid"]}


def test_after_the_set_was_made_anew_a_claim_that_is_deleted_ends_in_an_abort_that_gives_it_all_that_is_its(disturbed):
    pods = uids(disturbed)
    operation = killed(disturbed, GROW, "POST", SETS, through=True)
    disturbed.write("DELETE", "pvc", "data-postgres-0", {})  # its pod holds it
    disturbed.settle()
    refused(disturbed, operation, "claims have grown or are growing, and volumes do not shrink")  # first it gets what is its
    stopped = disturbed.run("pvc-expand", "resume", operation, "--yes", code=4)
    assert f"pvc/{SPACE}/data-postgres-0 was deleted meanwhile by somebody else" in stopped.err and "; all else is done" in stopped.err, stopped
    aborted(disturbed, operation)
    new = disturbed.get("sts", "postgres")
    assert template(disturbed) == {"2Gi"} and new["spec"]["persistentVolumeClaimRetentionPolicy"] == RETENTION
    assert owners(disturbed, "postgres-") == {"postgres-0": [new["metadata"]["uid"]], "postgres-1": [new["metadata"]["uid"]]} and uids(disturbed) == pods


def test_whoever_waits_for_what_grows_only_while_nobody_uses_it_is_told_the_way_that_comes_to_an_end(cluster):
    line = ["sts/stuck", "--size", "2Gi", "--yes"]
    waited = cluster.run("pvc-expand", *line, "--timeout", "3s", code=5)
    assert "the driver disk.example grows a volume only while no pod uses it (--restart offline stops its workload for that)" in waited.err, waited
    assert "the same command with --restart offline goes on: it stops the workload, lets the volumes grow, and starts it again" in waited.err, waited
    cluster.run("pvc-expand", *line, "--restart", "offline")
    assert template(cluster, "stuck") == {"2Gi"}


def test_while_the_workload_is_stopped_abort_starts_it_and_claims_go_on_asking(cluster):
    before = cluster.get("sts", "stuck")
    line = ["sts/stuck", "--size", "2Gi", "--restart", "offline", "--yes"]
    # The first patch marks a claim before the workload is stopped; the next one asks it.
    operation = killed(cluster, line, "PATCH", "/persistentvolumeclaims/", through=True, skip=2)
    assert cluster.get("sts", "stuck")["spec"]["replicas"] == 0 and owners(cluster, "stuck-") == {}
    shown = aborted(cluster, operation)
    assert "claims that were asked to grow go on asking, and grow when no pod uses them; no template was changed" in " ".join(shown.out.split()), shown
    after = cluster.get("sts", "stuck")
    assert after["metadata"]["uid"] == before["metadata"]["uid"] and after["spec"] == before["spec"] and after["status"]["readyReplicas"] == 2
    assert "2Gi" in {c["spec"]["resources"]["requests"]["storage"] for c in cluster.get("pvc")["items"] if "stuck" in c["metadata"]["name"]}
    cluster.run("pvc-expand", *line)  # begins anew
    assert template(cluster, "stuck") == {"2Gi"} and {sizes(cluster)[f"data-stuck-{n}"] for n in (0, 1)} == {"2Gi"}
