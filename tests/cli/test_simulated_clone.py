"""kubectl clone over real HTTPS on the simulated cluster."""
from simulated_cluster import Cluster

SPARE = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "spare"}, "status": {"phase": "Available"}, "spec": {
    "capacity": {"storage": "4Gi"}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem",
    "csi": {"driver": "fast.csi.hf.test", "volumeHandle": "a-stranger"}}}


def cloned(tmp_path, certificates, of_class, code):
    volume = {**SPARE, "spec": {**SPARE["spec"], "storageClassName": of_class}}
    cluster = Cluster(tmp_path / of_class, certificates, objects=[volume])
    try:
        source = cluster.get("pvc", "data-postgres-0")["spec"]["storageClassName"]
        cluster.requests()
        done = cluster.run("clone", "pvc/data-postgres-0", "copy", code=code)
        return source, done, [r for r in cluster.requests() if r["method"] in ("POST", "PATCH", "DELETE") and "accessreviews" not in r["target"]]
    finally:
        cluster.stop()


def test_a_free_volume_that_the_copy_would_get_is_refused_before_any_write(tmp_path, certificates):
    source, _, _ = cloned(tmp_path, certificates, "another", 0)  # one of another class is nobody's rival
    _, done, writes = cloned(tmp_path, certificates, source, 3)
    assert "pv/spare is free" in done.err and "nothing was changed" in done.err, done
    assert writes == []
