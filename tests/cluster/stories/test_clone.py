"""kubectl clone on the real cluster: the copy has the data, the source is as it was before, byte for byte and object for
object, and what was made can be removed again without a trace."""
import hashlib

import pytest

import world
from schema import conform, schema_of

CONTENT = "find /data -xdev -type f -not -name postmaster.pid -exec sha256sum {} + | sort"


@pytest.fixture(scope="module")
def files(module_space):
    """A claim with content that nobody changes, mounted by a pod."""
    space = module_space
    space.claim("data")
    space.pod("writer", claims=["data"])
    space.shell("writer", "seq 1 20000 > /data/rows && mkdir /data/deep && head -c 300000 /dev/urandom > /data/deep/blob && sync").expect()
    return space


def content(space, pod, folder):
    return space.shell(pod, f"cd {folder} && find . -type f -not -path './lost*' -exec sha256sum {{}} + | sort").expect().out


def source_of(space, before):
    """Of these objects those that were there before, as they are now."""
    now = space.objects()
    return {key: now.get(key) for key in before}


def without_protection(space, claim):
    """The claim's specification and metadata but for the finalizer that the CSI provisioner puts on what a driver clones."""
    item = space.get(f"pvc/{claim}")
    kept = {k: v for k, v in item["metadata"].items() if k not in ("resourceVersion", "managedFields")}
    kept["finalizers"] = [f for f in kept["finalizers"] if f != "provisioner.storage.kubernetes.io/cloning-protection"]
    return kept, item["spec"]


@pytest.mark.parametrize("method", ["auto", "snapshot", "clone"])
def test_a_claim_is_copied_and_its_source_is_only_read(files, method):
    claim = without_protection(files, "data")
    if method == "clone":  # so that its finalizer is there before and after
        files.clone("pvc/data", "first", "--method", method).expect()
        files.clone("delete", "first", "--yes").expect()
        assert without_protection(files, "data") == claim
    before, data = files.objects(), content(files, "writer", "/data")
    done = files.clone("pvc/data", f"copy-{method}", "--method", method).expect()
    assert f"persistentvolumeclaim/copy-{method} cloned from pvc/{files.name}/data" in done.out
    files.pod(f"reader-{method}", claims=[f"copy-{method}"])
    assert content(files, f"reader-{method}", f"/copy-{method}") == data == content(files, "writer", "/data")
    files.eventually(lambda: source_of(files, before) == before)
    files.kubectl("delete", "pod", f"reader-{method}", "--now").expect()
    files.clone("delete", f"copy-{method}", "--yes").expect()
    files.comes_back_to(before)


@pytest.mark.parametrize("method", ["snapshot", "clone"])
def test_not_one_byte_of_a_source_that_nobody_has_mounted_is_changed(space, method):
    space.claim("data")
    space.pod("writer", claims=["data"])
    space.shell("writer", "seq 1 20000 > /data/rows && sync").expect()
    node = space.path("pod/writer", ".spec.nodeName")
    space.kubectl("delete", "pod", "writer", "--now").expect()
    volume = space.path("pvc/data", ".spec.volumeName")
    space.eventually(lambda: volume not in str((space.cluster.get("volumeattachments"), space.cluster.get("node", node))))

    def blocks():
        with open(space.image_of("data"), "rb") as image:
            return hashlib.file_digest(image, "sha256").hexdigest()

    before = blocks()
    space.clone("pvc/data", "copy", "--method", method).expect()
    space.pod("reader", claims=["copy"])
    assert space.shell("reader", "sha256sum /copy/rows | cut -c1-64").expect().out.strip() == hashlib.sha256(
        b"".join(b"%d\n" % i for i in range(1, 20001))).hexdigest()
    space.kubectl("delete", "pod", "reader", "--now").expect()
    assert blocks() == before
    space.clone("delete", "copy", "--yes").expect()
    assert blocks() == before


def test_the_plan_says_the_method_and_why(files):
    before = files.objects()
    plan = files.clone("pvc/data", "copy", "--dry-run").expect()
    assert "method: snapshot (the driver has a VolumeSnapshotClass" in plan.out + plan.err
    assert files.objects() == before


def test_another_namespace_larger_and_waiting_for_a_pod(files, cluster):
    before, data = files.objects(), content(files, "writer", "/data")
    other = cluster.space("staging")
    try:
        files.clone("pvc/data", "copy", "--to-namespace", other.name, "--storage-class", "fast-later", "--size", "96Mi",
                    "--ttl", "1s").expect()
        other.pod("reader", claims=["copy"])
        assert content(other, "reader", "/copy") == data
        assert other.path("pvc/copy", ".status.capacity.storage") == "96Mi" and other.path("pvc/copy", ".spec.storageClassName") == "fast-later"
        files.comes_back_to(before)
        assert "expired" in other.clone("list").expect().out
        refused = other.clone("delete", "copy", "--yes").expect(3)
        assert "pod/" in refused.err and "reader" in refused.err
        other.kubectl("delete", "pod", "reader", "--now").expect()
        other.clone("delete", "copy", "--yes").expect()
        assert not [kind for kind, _ in other.objects() if kind in ("PersistentVolumeClaim", "VolumeSnapshot")]
    finally:
        other.delete()


def test_delete_removes_what_the_clone_is_made_of_and_nothing_else(files):
    """Labels travel with copies of a manifest: they do not make it the clone's."""
    before = files.objects()
    files.clone("pvc/data", "copy").expect()
    stranger = files.get("pvc/copy")
    stranger["metadata"] = {"name": "theirs", "labels": stranger["metadata"]["labels"],
                            "annotations": {k: v for k, v in stranger["metadata"]["annotations"].items() if "holdfast" in k}}
    stranger["spec"] = {k: v for k, v in stranger["spec"].items() if k in ("accessModes", "storageClassName", "resources")}
    files.apply({**{k: stranger[k] for k in ("apiVersion", "kind", "metadata", "spec")}})
    said = files.clone("delete", "copy", "--yes").expect()
    assert "theirs" in said.err
    assert files.left_behind(before) and all(name in ("theirs",) or name.startswith("pvc-") for _, name in files.left_behind(before))
    files.kubectl("delete", "pvc", "theirs").expect()
    files.eventually(lambda: files.left_behind(before) == [])


def test_volumes_under_retain_and_waiting_classes_leave_nothing(space):
    """slow-retain waits for a pod and keeps volumes: neither the throwaway pod nor the clone's volume stays."""
    space.claim("data", storage_class="slow-retain")
    space.pod("writer", claims=["data"])
    space.shell("writer", "echo 7 > /data/x && sync").expect()
    before = space.objects()
    space.clone("pvc/data", "copy").expect()
    space.pod("reader", claims=["copy"], command="cat /copy/x && sleep 1000")
    assert space.shell("reader", "cat /copy/x").expect().out.strip() == "7"
    space.kubectl("delete", "pod", "reader", "--now").expect()
    space.clone("delete", "copy", "--yes").expect()
    space.eventually(lambda: space.left_behind(before) == [])


def test_a_block_volume_that_one_pod_alone_may_mount_while_that_has_it(space):
    """R16: nothing of ours mounts the source, and the throwaway pod has left the copy when the clone is done."""
    def with_device(name, claim):
        space.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
            "terminationGracePeriodSeconds": 0, "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
            "containers": [{"name": "main", "image": world.BUSYBOX_IMAGE, "command": ["sleep", "100000"],
                            "volumeDevices": [{"name": "data", "devicePath": "/dev/data"}]}]}})
        space.wait("condition=Ready", f"pod/{name}")

    space.claim("raw", "fast-later", volumeMode="Block", accessModes=["ReadWriteOncePod"])
    with_device("writer", "raw")
    space.shell("writer", "echo raw-bytes | dd of=/dev/data conv=fsync,notrunc 2>/dev/null").expect()
    before = space.objects()
    space.clone("pvc/raw", "copy").expect()
    copied = {field: space.path("pvc/copy", f".spec.{field}") for field in ("volumeMode", "accessModes[*]")}
    assert copied == {"volumeMode": "Block", "accessModes[*]": "ReadWriteOncePod"}
    with_device("reader", "copy")
    assert space.shell("reader", "head -c 9 /dev/data").expect().out == "raw-bytes"
    space.kubectl("delete", "pod", "reader", "--now").expect()
    space.clone("delete", "copy", "--yes").expect()
    space.comes_back_to(before)


def test_every_claim_of_a_pod(files):
    before = files.objects()
    done = files.clone("pod/writer", "twin", "-o", "json").expect().json()
    conform(done, schema_of("clone"))
    assert [c["name"] for c in done["claims"]] == ["twin-data"]
    listed = files.clone("list", "-o", "json").expect().json()
    assert [c["name"] for c in listed["items"]] == ["twin"] and listed["items"][0]["from"] == f"pvc/{files.name}/data"
    files.clone("delete", "twin", "--yes").expect()
    files.comes_back_to(before)


@pytest.mark.parametrize("words, code, said", [
    (["pvc/data", "copy", "--size", "10Mi"], 3, ["10Mi", "64Mi"]),
    (["pvc/data", "copy", "--storage-class", "slow"], 3, ["slow.csi.hf.test", "fast.csi.hf.test"]),
    (["pvc/data", "copy", "--storage-class", "nowhere"], 3, ["nowhere"]),
    (["pvc/data", "copy", "--snapshot-class", "slow"], 3, ["slow.csi.hf.test", "fast.csi.hf.test"]),
    (["pvc/data", "copy", "--method", "copy"], 3, ["--method snapshot"]),
    (["pvc/data", "copy", "--method", "clone", "--to-namespace", "elsewhere"], 3, ["only within one namespace"]),
    (["pvc/data", "copy", "--to-namespace", "no-such-namespace"], 1, ["no-such-namespace does not exist"]),
    (["pvc/dat", "copy"], 1, ["did you mean pvc/data"]),
    (["pvc/data", "data"], 2, ["another name"]),
    (["pvc/data", "Not_A_Name"], 2, ["clone's name"]),
    (["node/x", "copy"], 2, ["cannot clone"]),
    (["pvc/data"], 2, ["DST"]),
    (["pvc/data", "copy", "--replicas", "2"], 2, ["whole workload"]),
    (["pvc/data", "copy", "--ttl", "soon"], 2, ["--ttl"]),
    (["delete", "nothing", "--yes"], 1, ["no clone nothing"]),
])
def test_a_refusal_names_the_fact_and_changes_nothing(files, words, code, said):
    before = files.objects()
    refused = files.clone(*words).expect(code)
    for part in said:
        assert part in refused.err, refused.text
    assert files.objects() == before


def test_names_that_are_taken(files):
    before = files.objects()
    files.claim("theirs")
    assert "exists already" in files.clone("pvc/data", "theirs").expect(3).err
    files.kubectl("delete", "pvc", "theirs").expect()
    files.clone("pvc/data", "copy").expect()
    again = files.clone("pvc/data", "copy").expect(3)
    assert "made by operation" in again.err and "clone delete" in again.err
    assert files.clone("delete", "copy").expect(3).err.count("--yes")
    files.clone("delete", "copy", "--yes").expect()
    files.comes_back_to(before)


def test_a_driver_that_fails_is_explained_and_abort_takes_all_back(space):
    space.claim("data", storage_class="slow")
    space.pod("writer", claims=["data"])
    before = space.objects()
    stuck = space.clone("pvc/data", "copy", "--storage-class", "broken", "--timeout", "8s").expect(5)
    assert "the storage system is full" in stuck.err and "clone resume" in stuck.err
    (operation,) = [o["operation"] for o in space.clone("status", "-o", "json").expect().json()["items"]]
    other = space.clone("pvc/data", "copy", "--size", "128Mi").expect(4)
    assert operation in other.err
    space.clone("abort", operation, "--yes").expect()
    space.comes_back_to(before)
