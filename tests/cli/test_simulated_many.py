"""Many objects through the real binary and real HTTPS, quick enough to be looked at in every check; figures against a real API
server are docs/benchmarks.md's."""
import json
import time

import pytest

from simulated_cluster import SPACE, Cluster

SETS, MEMBERS = 500, 10
CLAIMS = 1000
DRIVER = "disk.example"


def snapshot(number):
    name = f"set-{number // MEMBERS:04}-{number % MEMBERS}"
    return {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
            "metadata": {"name": name, "namespace": SPACE, "uid": f"00000000-0000-4000-8000-{number:012}", "creationTimestamp": "2026-11-20T04:30:00Z",
                         "finalizers": ["snapshot.storage.kubernetes.io/volumesnapshot-bound-protection"],
                         "labels": {"holdfast.dev/set": f"set-{number // MEMBERS:04}", "app.kubernetes.io/managed-by": "holdfast"}},
            "spec": {"source": {"persistentVolumeClaimName": f"data-{number % MEMBERS}"}, "volumeSnapshotClassName": "cuts"},
            "status": {"boundVolumeSnapshotContentName": f"content-{number}", "creationTime": "2026-11-20T04:30:00Z", "readyToUse": True, "restoreSize": "1Gi"}}


def content(number):
    of = snapshot(number)["metadata"]
    return {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotContent",
            "metadata": {"name": f"content-{number}", "finalizers": ["snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection"]},
            "spec": {"deletionPolicy": "Delete", "driver": DRIVER, "source": {"snapshotHandle": f"cut-{number}"}, "volumeSnapshotClassName": "cuts",
                     "volumeSnapshotRef": {"kind": "VolumeSnapshot", "namespace": SPACE, "name": of["name"], "uid": of["uid"]}},
            "status": {"snapshotHandle": f"cut-{number}", "creationTime": 1795235405000000000, "readyToUse": True, "restoreSize": 2**30}}


def claim(number):
    name, uid = f"data-{number:04}", f"00000000-0000-4000-9000-{number:012}"
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "volumeMode": "Filesystem"}
    bound = {"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"}
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"pv-{name}", "finalizers": ["kubernetes.io/pv-protection"]},
              "spec": {**spec, "capacity": {"storage": "1Gi"}, "persistentVolumeReclaimPolicy": "Retain", "csi": {"driver": DRIVER, "volumeHandle": name},
                       "claimRef": {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": SPACE, "name": name, "uid": uid}}, "status": {"phase": "Bound"}}
    return [volume, {"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                     "metadata": {"name": name, "namespace": SPACE, "uid": uid, "labels": {"app": "many"}, "annotations": bound, "finalizers": ["kubernetes.io/pvc-protection"]},
                     "spec": {**spec, "volumeName": f"pv-{name}", "resources": {"requests": {"storage": "1Gi"}}},
                     "status": {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}}]


@pytest.fixture
def cluster_of(tmp_path, certificates):
    made = []

    def make(objects):
        made.append(Cluster(tmp_path / f"many{len(made)}", certificates, objects, controllers=500))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def test_thousands_of_snapshots_are_listed_page_by_page(cluster_of):
    cluster = cluster_of([one for n in range(SETS * MEMBERS) for one in (snapshot(n), content(n))])
    began = time.monotonic()
    listed = json.loads(cluster.run("snap", "list", "-o", "json").out)
    seconds = time.monotonic() - began
    assert len(listed["items"]) == SETS and all(one["ready"] == one["total"] == MEMBERS for one in listed["items"]), listed["items"][:2]
    pages = [r for r in cluster.requests() if "/volumesnapshots?" in r["target"]]
    assert len(pages) == SETS * MEMBERS / 500 and all("limit=500" in r["target"] for r in pages)
    print(f"{SETS * MEMBERS} snapshots in {seconds:.2f} s")
    assert seconds < 10


def test_a_thousand_snapshots_are_made_in_one_set(cluster_of):
    cluster = cluster_of([one for n in range(CLAIMS) for one in claim(n)])
    began = time.monotonic()
    cluster.run("snap", "create", "-l", "app=many", "--name", "many", "--wait", "cut", "--progress", "none")
    seconds = time.monotonic() - began
    requests = cluster.requests()
    made = [r for r in requests if r["method"] == "POST" and "/volumesnapshots?" in r["target"]]
    assert len(made) == CLAIMS and all(r["status"] == 201 for r in made), "each is sent once"
    watches = [r for r in requests if "watch=true" in r["target"]]
    assert len(watches) <= 3, [r["target"] for r in watches]
    journal = [r for r in requests if r["method"] in ("PATCH", "PUT") and "/configmaps/" in r["target"]]
    assert len(journal) < 20, "a thousand snapshots are not a thousand journal writes"
    print(f"{CLAIMS} claims, {len(requests)} requests in {seconds:.1f} s")
