"""Bad inputs 64 to 69 of the project's list of 82, by their numbers, and what else kubectl pvc-expand refuses before any change: exit code
and message word for word, over real HTTPS on the simulated cluster, and not one object changed."""
import http.client
import json

import pytest

from simulated_cluster import GROUPS, SPACE, Cluster

NOTHING = "nothing was changed"
CLAIMS, SETS = f"/api/v1/namespaces/{SPACE}/persistentvolumeclaims", f"/apis/apps/v1/namespaces/{SPACE}/statefulsets"
WEBHOOK = 'admission webhook "sizes.example" denied the request: no'


@pytest.fixture(scope="module")
def server(tmp_path_factory, certificates):
    kept = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast-fixed"}, "provisioner": "disk.example",
            "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate", "allowVolumeExpansion": False}
    fixed = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "fixed", "namespace": SPACE}, "spec": {
        "accessModes": ["ReadWriteOnce"], "storageClassName": "fast-fixed", "resources": {"requests": {"storage": "1Gi"}}}}
    cluster = Cluster(tmp_path_factory.mktemp("simulated") / "bad", certificates, objects=[kept, fixed])
    cluster.settle()
    cluster.order(save="start")
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(server):
    server.begin("start")
    return server


def send(cluster, method, path, body, kind="application/json"):
    """What somebody else does."""
    connection = http.client.HTTPSConnection(cluster.address, context=cluster.context)
    connection.request(method, path, json.dumps(body), {"Content-Type": kind})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status in (200, 201), (answer.status, text)


def edit(cluster, kind, name, body, subresource=""):
    send(cluster, "PATCH", "/" + GROUPS[kind].format(SPACE) + f"/{name}{subresource}", body, "application/merge-patch+json")
    cluster.settle()


def refused(cluster, words, code, message, hint=""):
    before = cluster.state()
    run = cluster.run("pvc-expand", *words, "--yes", code=code)
    assert [line for line in run.err.splitlines() if line.lower().startswith("error")] == [f"error: {message}"], run
    assert hint in run.err, run
    assert cluster.state() == before


def test_64_a_smaller_size(cluster):
    refused(cluster, ["sts/postgres", "--size", "512Mi"], 3,
            f"--size 512Mi is less than template data of sts/{SPACE}/postgres has: 1Gi; volumes cannot shrink; {NOTHING}",
            "to copy the data to smaller ones: kubectl migrate sts/postgres --size 512Mi")
    refused(cluster, ["pvc/data-postgres-0", "--size", "512Mi"], 3,
            f"--size 512Mi is less than pvc/{SPACE}/data-postgres-0 has: 1Gi; volumes cannot shrink; {NOTHING}",
            "kubectl migrate pvc/data-postgres-0 --size 512Mi")


def test_65_a_class_that_does_not_expand(cluster):
    refused(cluster, ["pvc/fixed", "--size", "2Gi"], 3,
            f"pvc/{SPACE}/fixed has the storage class fast-fixed, which does not allow volume expansion; {NOTHING}",
            "kubectl patch storageclass fast-fixed -p '{\"allowVolumeExpansion\":true}'")


def test_66_a_quota_without_room(cluster):
    send(cluster, "POST", f"/api/v1/namespaces/{SPACE}/resourcequotas",
         {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "storage", "namespace": SPACE},
          "spec": {"hard": {"fast.storageclass.storage.k8s.io/requests.storage": "8Gi"}}})
    cluster.settle()
    refused(cluster, ["sts/postgres", "--size", "3Gi"], 3,
            f"resourcequota/{SPACE}/storage (fast.storageclass.storage.k8s.io/requests.storage) has room for 4Gi more, and 8Gi are needed; "
            f"{NOTHING}", "have the quota raised to 12Gi")


def test_67_a_size_that_the_storage_cannot_have(cluster):
    before = cluster.get("sts", "postgres")["metadata"]["uid"]
    run = cluster.run("pvc-expand", "sts/postgres", "--size", "2Ti", "--yes", code=5)
    assert [line for line in run.err.splitlines() if line.startswith("error: ")] == [
        f"error: pvc/{SPACE}/data-postgres-0: the storage cannot make it 2Ti (ControllerResizeInfeasible): rpc error: code = OutOfRange "
        f"desc = no such size; pvc/{SPACE}/data-postgres-0: the driver disk.example refuses 2Ti for good, it says: no such size (OutOfRange); "
        "no StatefulSet was touched, its pods run on"], run
    assert "kubectl pvc-expand recover sts/postgres -n bookstore" in run.err, run
    assert cluster.get("sts", "postgres")["metadata"]["uid"] == before


def test_68_a_template_that_there_is_not(cluster):
    refused(cluster, ["sts/postgres", "--template", "dat", "--size", "2Gi"], 3,
            f"sts/{SPACE}/postgres has no volumeClaimTemplate dat; {NOTHING}", "it has data, wal")


@pytest.mark.parametrize("method, path, what", [
    ("PATCH", f"{CLAIMS}/data-postgres-1", f"grow pvc/{SPACE}/data-postgres-1 to 2Gi"),
    ("DELETE", f"{SETS}/postgres", f"delete sts/{SPACE}/postgres"),
    ("POST", SETS, f"make sts/{SPACE}/postgres anew: sts/{SPACE}/postgres-holdfast-dry-run")])
def test_69_what_a_webhook_refuses(cluster, method, path, what):
    cluster.rules({"method": method, "path": path, "reply": {"status": 403, "json": {
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403, "message": WEBHOOK}}})
    refused(cluster, ["sts/postgres", "--size", "2Gi"], 3, f"the API server would refuse to {what}: {WEBHOOK}; {NOTHING}",
            "tried with dryRun=All; what refuses it is named above (a quota, a policy, a webhook): once that allows it, run the same "
            "command again")


def test_69_a_webhook_that_would_change_the_pod_template(cluster):
    """The pods of a set that is made anew with another template are all restarted."""
    changed = cluster.get("sts", "postgres")
    changed["metadata"]["name"] = "postgres-holdfast-dry-run"
    changed["spec"]["template"]["metadata"].setdefault("annotations", {})["sidecar.example/injected"] = "true"
    cluster.rules({"method": "POST", "path": SETS, "reply": {"status": 201, "json": changed}})
    refused(cluster, ["sts/postgres", "--size", "2Gi"], 3,
            f"the API server would refuse to make sts/{SPACE}/postgres anew: sts/{SPACE}/postgres-holdfast-dry-run: the API server changed "
            f"spec/template: what it made is not what was asked for and holds no data of yours; {NOTHING}")


def test_an_operators_set_a_foreign_finalizer_and_a_rollout(cluster):
    edit(cluster, "sts", "postgres", {"metadata": {"labels": {"application": "spilo", "cluster-name": "books"}}})
    refused(cluster, ["sts/postgres", "--size", "2Gi"], 3,
            f"sts/{SPACE}/postgres is owned by postgresql/books (the Zalando Postgres operator): its controller would put the old size back, or "
            f"delete what it does not know; {NOTHING}", "set spec.volume.size of the postgresql that it is made of")
    edit(cluster, "sts", "postgres", {"metadata": {"labels": None, "finalizers": ["example.com/hold"]}})
    refused(cluster, ["sts/postgres", "--size", "2Gi"], 3,
            f"sts/{SPACE}/postgres has the finalizer example.com/hold: deleted to be made anew, it would not go until somebody takes that away; "
            f"{NOTHING}", "see who has set it")


def test_a_status_that_was_never_closed_is_refused_and_closed_by_recover(cluster):
    edit(cluster, "pvc", "data-postgres-0", {"status": {"allocatedResources": {"storage": "1Gi"},
                                                        "allocatedResourceStatuses": {"storage": "NodeResizePending"}}}, "/status")
    refused(cluster, ["sts/postgres", "--size", "2Gi"], 3,
            f"pvc/{SPACE}/data-postgres-0: the status of its last expansion was never closed (NodeResizePending, though capacity has reached it): "
            f"while it stands, the resizer does not act on a larger request; {NOTHING}",
            "kubectl pvc-expand recover pvc/data-postgres-0 closes it")
    assert "its status is closed" in cluster.run("pvc-expand", "recover", "pvc/data-postgres-0", "--yes").out
    assert "allocatedResourceStatuses" not in cluster.get("pvc", "data-postgres-0")["status"]
    cluster.run("pvc-expand", "sts/postgres", "--size", "2Gi", "--yes")


def test_a_claim_that_a_quota_refuses_half_way_is_told_and_the_next_run_goes_on(cluster):
    """The first was patched when somebody lowered the quota."""
    cluster.rules({"method": "PATCH", "path": f"{CLAIMS}/data-postgres-0\\?fieldManager", "reply": {"status": 403, "json": {
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403,
        "message": 'persistentvolumeclaims "data-postgres-0" is forbidden: exceeded quota: storage'}}})
    run = cluster.run("pvc-expand", "sts/postgres", "--size", "2Gi", "--yes", code=5)
    assert "exceeded quota: storage" in run.err and "kubectl pvc-expand resume expand-postgres-" in run.err, run
    asked = {c["metadata"]["name"]: c["spec"]["resources"]["requests"]["storage"] for c in cluster.get("pvc")["items"]}
    assert (asked["data-postgres-1"], asked["data-postgres-0"]) == ("2Gi", "1Gi")
    cluster.rules()
    cluster.run("pvc-expand", "sts/postgres", "--size", "2Gi", "--yes")


def test_recover_without_a_target_shows_no_line_that_grows(cluster):
    refused(cluster, ["recover"], 2, "no claim is meant: name a TYPE/NAME, or claims by --selector", "for example sts/postgres, pvc/files or -l app=db")
