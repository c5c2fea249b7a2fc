"""What keeps a clone from being made is told before anything is: exit code and words, and not one write."""
import json

import pytest

from simulated_cluster import SPACE, Cluster

NOTHING = "nothing was changed"
ELSEWHERE = ("sts/postgres", "copy", "--to-namespace", "elsewhere")
CHANGE = "change these with --set, or clone to a namespace with another level"


@pytest.fixture
def cluster(tmp_path, certificates):
    made = Cluster(tmp_path / "clone", certificates)
    yield made
    made.stop()


def writes(cluster):
    return [r for r in cluster.requests() if r["method"] in ("POST", "PUT", "PATCH", "DELETE") and "accessreviews" not in r["target"]]


def refused(cluster, words, code, message, hint):
    cluster.settle()
    cluster.requests()
    done = cluster.run("clone", *words, code=code)
    assert done.err == f"error: {message}\n{hint}\n", done
    assert writes(cluster) == []


def limit(cluster, hard, used):
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small", "namespace": "elsewhere"},
             "spec": {"hard": hard}, "status": {"hard": hard, "used": used}}
    cluster.write("POST", "quota", "", quota, space="elsewhere")


def test_a_namespace_that_is_not_there(cluster):
    refused(cluster, ("pvc/data-postgres-0", "copy", "--to-namespace", "nowhere"), 1, f"namespace nowhere does not exist; {NOTHING}",
            "make it first: kubectl create namespace nowhere")


def test_a_namespace_that_ends(cluster):
    cluster.write("PATCH", "namespace", "elsewhere", {"metadata": {"finalizers": ["example.test/stays"]}})  # holds its end up
    cluster.write("DELETE", "namespace", "elsewhere", {})
    refused(cluster, ELSEWHERE, 3, f"namespace elsewhere is terminating: nothing can be created in it; {NOTHING}", "choose another with --to-namespace")


@pytest.mark.parametrize("what, hard, text", [
    ("requests.storage", "3Gi", "3Gi, 0 are used, and the clone needs 4Gi"),
    ("persistentvolumeclaims", "3", "3, 0 are used, and the clone needs 4"),
    ("count/persistentvolumeclaims", "3", "3, 0 are used, and the clone needs 4"),
    ("fast.storageclass.storage.k8s.io/requests.storage", "1Gi", "1Gi, 0 are used, and the clone needs 4Gi"),
    ("fast.storageclass.storage.k8s.io/persistentvolumeclaims", "0", "0, 0 are used, and the clone needs 4")])
def test_a_quota_without_room(cluster, what, hard, text):
    limit(cluster, {what: hard}, {what: "0"})
    refused(cluster, ELSEWHERE, 3, f"resourcequota/elsewhere/small has no room: {what} is {text} more; {NOTHING}",
            "remove something, have the quota raised, or clone to another namespace")


def test_a_quota_with_room_for_every_claim_and_no_more(cluster):
    limit(cluster, {"persistentvolumeclaims": "4"}, {"persistentvolumeclaims": "0"})
    cluster.run("clone", *ELSEWHERE)


def test_a_quota_that_has_no_room_for_the_drafts_of_a_masking(cluster, tmp_path):
    (tmp_path / "mask.sql").write_text("select 1")
    limit(cluster, {"persistentvolumeclaims": "3"}, {"persistentvolumeclaims": "0"})
    refused(cluster, (*ELSEWHERE, "--replicas", "1", "--sql", str(tmp_path / "mask.sql")), 3,
            f"resourcequota/elsewhere/small has no room: persistentvolumeclaims is 3, 0 are used, and the clone needs 4 more; {NOTHING}",
            "remove something, have the quota raised, or clone to another namespace")


@pytest.mark.parametrize("claim", ["data-copy-0", "wal-copy-1"])
def test_the_name_of_any_of_its_claims_is_somebody_else_s(cluster, claim):
    spec = cluster.get("pvc", "data-postgres-0")["spec"]
    cluster.write("POST", "pvc", "", {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim, "namespace": SPACE}, "spec": {
        "accessModes": spec["accessModes"], "storageClassName": "fast", "resources": spec["resources"]}})
    refused(cluster, ("sts/postgres", "copy"), 3, f"pvc/bookstore/{claim} exists already, and Holdfast did not make it; {NOTHING}",
            "choose another name for the clone")


def test_the_name_of_a_claim_is_another_clone_s(cluster):
    made = json.loads(cluster.run("clone", "pvc/data-postgres-0", "copy", "-o", "json").out)["operation"]
    refused(cluster, ("pvc/data-postgres-1", "copy"), 3, f"pvc/bookstore/copy exists already (made by operation {made}); {NOTHING}",
            "choose another name, or remove the clone: kubectl clone delete NAME -n bookstore")


@pytest.mark.parametrize("kind, spec, called", [
    ("sts", {"replicas": 0, "serviceName": "x", "selector": {"matchLabels": {"app": "x"}},
             "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "x", "image": "registry.example/busybox:1"}]}}}, "sts/bookstore/copy"),
    ("service", {"selector": {"app": "x"}, "ports": [{"port": 80}]}, "service/bookstore/copy"),
    ("netpol", {"podSelector": {"matchLabels": {"app": "x"}}}, "netpol/bookstore/copy-isolated")])
def test_the_name_of_what_it_is_made_of_is_taken(cluster, kind, spec, called):
    version, name = {"sts": ("apps/v1", "StatefulSet"), "service": ("v1", "Service"), "netpol": ("networking.k8s.io/v1", "NetworkPolicy")}[kind]
    cluster.write("POST", kind, "", {"apiVersion": version, "kind": name, "metadata": {"name": called.rpartition("/")[2], "namespace": SPACE}, "spec": spec})
    refused(cluster, ("sts/postgres", "copy", "--isolated"), 3, f"{called} exists already; {NOTHING}", "choose another name for the clone")


def test_the_pod_security_level_of_the_namespace(cluster, tmp_path):
    """The clone's own pods, and the throwaway database that would mask its data, each by itself."""
    cluster.write("PATCH", "namespace", "elsewhere", {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})
    level = "namespace elsewhere enforces pod security level restricted, which does not admit "
    refused(cluster, ELSEWHERE, 3,
            f"{level}the clone's pods: runAsNonRoot is not true of container postgres, allowPrivilegeEscalation is not false of container postgres, "
            f"capabilities.drop lacks ALL of container postgres, no seccompProfile of container postgres; {NOTHING}", CHANGE)
    (tmp_path / "mask.sql").write_text("select 1")
    refused(cluster, ("pvc/data-postgres-0", "copy", "--to-namespace", "elsewhere", "--sql", str(tmp_path / "mask.sql")), 3,
            f"{level}the throwaway database that prepares the data, which runs as the source's container does: "
            f"runAsNonRoot is not true of container database, capabilities.drop lacks ALL of container database; {NOTHING}",
            "clone to a namespace with another level")
    cluster.run("clone", "deploy/files", "papers")  # the source's own namespace has no level
    cluster.write("PATCH", "namespace", "elsewhere", {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline"}}})
    cluster.run("clone", *ELSEWHERE)


def test_a_clone_does_not_mount_its_source_s_claims(cluster):
    volumes = [{"name": "files", "persistentVolumeClaim": {"claimName": "files"}}]
    refused(cluster, ("deploy/files", "papers", "--set", f"spec.template.spec.volumes={json.dumps(volumes)}"), 3,
            f"the clone would mount pvc/bookstore/files, which its source uses; {NOTHING}", "mount the clone's own claims")
