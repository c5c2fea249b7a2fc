"""Snapshots and restores of every kind of volume and class that the test cluster has."""
import json

import world


def busy_claim(space, name, storage_class, **spec):
    """A claim with a file in it, and the pod that wrote it."""
    space.claim(name, storage_class)
    space.pod("writer", [name], **spec)
    space.shell("writer", f"echo kept >/{name}/file; sync").expect()


def read_back(space, claim, **spec):
    space.pod("reader", [claim], **spec)
    return space.shell("reader", f"cat /{claim}/file").expect().out.strip()


def test_a_snapshot_of_another_namespace_is_restored_and_its_source_stays_as_it_was(new_space):
    source, target = new_space("from"), new_space("to")
    busy_claim(source, "data", "fast")
    source.snap("create", "pvc/data", "--name", "one", "--wait", "ready").expect()
    before = source.objects()
    target.restore("pvc/copy", "--from", "one", "--from-namespace", source.name).expect()
    assert read_back(target, "copy") == "kept"
    assert source.left_behind(before) == []

    # The snapshot's data belongs to the source: what the target holds of it must never delete it.
    for content in source.cluster.get("volumesnapshotcontent")["items"]:
        if content["spec"]["volumeSnapshotRef"]["namespace"] == target.name:
            assert content["spec"]["deletionPolicy"] == "Retain"
    target.cluster.kubectl("delete", "namespace", target.name, f"--timeout={world.PATIENCE_S}s", timeout=300).expect()
    source.restore("pvc/again", "--from", "one").expect()
    source.kubectl("delete", "pod", "writer").expect()
    assert read_back(source, "again") == "kept"


def test_a_claim_that_waits_for_its_first_consumer_is_restored_on_the_right_node(space):
    node = {"nodeSelector": {"kubernetes.io/hostname": "node-b"}}
    busy_claim(space, "data", "fast-later", **node)
    space.snap("create", "pod/writer", "--name", "one", "--wait", "ready").expect()
    before = space.objects()
    space.restore("pvc/copy", "--from", "one", "--storage-class", "fast-later").expect()
    assert space.path("pvc/copy", ".status.phase") == "Bound"
    volume = space.path("pvc/copy", ".spec.volumeName")
    assert space.left_behind(before) == [("PersistentVolume", volume), ("PersistentVolumeClaim", "copy")], "the consumer is gone"
    terms = space.cluster.get(f"pv/{volume}")["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert terms[0]["matchExpressions"][0]["values"] == ["node-b"], "where the source's pod runs"
    assert read_back(space, "copy", **node) == "kept"


def test_a_block_volume_is_restored_byte_for_byte(space):
    space.claim("raw", "fast", volumeMode="Block")
    pod = {"apiVersion": "v1", "kind": "Pod",
           "spec": {"terminationGracePeriodSeconds": 0,
                    "containers": [{"name": "main", "image": world.BUSYBOX_IMAGE, "command": ["sleep", "100000"],
                                    "volumeDevices": [{"name": "data", "devicePath": "/dev/data"}]}]}}

    def with_device(name, claim):
        spec = {**pod["spec"], "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]}
        space.apply({**pod, "metadata": {"name": name}, "spec": spec})
        space.wait("condition=Ready", f"pod/{name}")

    with_device("writer", "raw")
    space.shell("writer", "echo raw-bytes | dd of=/dev/data conv=fsync,notrunc 2>/dev/null").expect()
    space.snap("create", "pvc/raw", "--name", "one", "--wait", "ready").expect()
    space.restore("pvc/copy", "--from", "one").expect()
    assert space.path("pvc/copy", ".spec.volumeMode") == "Block"
    with_device("reader", "copy")
    assert space.shell("reader", "head -c 9 /dev/data").expect().out == "raw-bytes"


def test_deleting_a_set_under_retain_says_that_the_storage_keeps_it_and_storage_removes_that_too(space):
    busy_claim(space, "data", "fast")
    for name in ("kept", "gone", "newest"):
        space.snap("create", "pvc/data", "--name", name, "--snapshot-class", "fast-retain", "--wait", "ready").expect()

    def content(name):
        (snapshot,) = space.get("volumesnapshot", "-l", f"holdfast.dev/set={name}")["items"]
        return snapshot["status"]["boundVolumeSnapshotContentName"]

    kept, gone = content("kept"), content("gone")
    said = space.snap("delete", "kept", "--yes").expect()
    assert "Retain" in said.text or "keeps" in said.text
    assert space.cluster.kubectl("get", "volumesnapshotcontent", kept).code == 0
    space.snap("delete", "gone", "--yes", "--storage").expect()
    assert "NotFound" in space.cluster.kubectl("get", "volumesnapshotcontent", gone).err


def test_a_slow_upload_is_cut_at_once_and_ready_later(space):
    busy_claim(space, "data", "fast")
    cut = space.snap("create", "pvc/data", "--name", "slow", "--snapshot-class", "fast-uploading").expect()
    assert "not ready" in cut.text
    too_early = space.restore("pvc/copy", "--from", "slow", "--timeout", "2s")
    assert too_early.code in (3, 5), too_early.text
    ready = space.snap("create", "pvc/data", "--name", "later", "--snapshot-class", "fast-delayed", "--wait", "ready").expect()
    assert ready.seconds > 10
    assert all(s["status"]["readyToUse"] for s in space.get("volumesnapshot", "-l", "holdfast.dev/set=later")["items"])


def test_a_quota_without_room_is_named_and_nothing_is_left(space):
    busy_claim(space, "data", "fast")
    space.snap("create", "pvc/data", "--name", "one", "--wait", "ready").expect()
    space.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"},
                 "spec": {"hard": {"requests.storage": "100Mi"}}})
    space.wait("jsonpath={.status.hard}", "resourcequota/small")
    refused = space.restore("pvc/copy", "--from", "one")
    assert refused.code in (1, 3, 5) and "small" in refused.err and "quota" in refused.err, refused.text
    assert space.path("pvc/copy", ".metadata.name") == ""


def test_a_data_source_that_the_server_drops_is_never_called_a_restore(space, cluster):
    """What an API server does with a wrong apiGroup: the field is gone, and an empty volume would bind."""
    busy_claim(space, "data", "fast")
    space.snap("create", "pvc/data", "--name", "one", "--wait", "ready").expect()
    policy = f"{space.name}-drop"
    api = {"apiVersion": "admissionregistration.k8s.io/v1"}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["persistentvolumeclaims"]}
    drop = " + ".join(f"(has(object.spec.{field}) ? [JSONPatch{{op: 'remove', path: '/spec/{field}'}}] : [])"
                      for field in ("dataSource", "dataSourceRef"))
    space.apply(
        {**api, "kind": "MutatingAdmissionPolicy", "metadata": {"name": policy},
         "spec": {"failurePolicy": "Fail", "reinvocationPolicy": "Never", "matchConstraints": {"resourceRules": [rule]},
                  "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": drop}}]}},
        {**api, "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": policy},
         "spec": {"policyName": policy,
                  "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space.name}}}}})
    try:
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "probe"},
                 "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "64Mi"}},
                          "dataSource": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "x"}}}

        def dropped():
            made = space.kubectl("create", "-f", "-", "--dry-run=server", "-o", "json", stdin=json.dumps(claim)).expect()
            return "dataSource" not in made.json()["spec"]

        space.eventually(dropped)
        refused = space.restore("pvc/copy", "--from", "one")
        assert refused.code not in (0, 2), refused.text
        assert "dataSource" in refused.err or "data source" in refused.err, refused.text
        assert space.path("pvc/copy", ".metadata.name") == "" or "pvc/" in refused.err
    finally:
        cluster.kubectl("delete", "mutatingadmissionpolicy,mutatingadmissionpolicybinding", policy)


def test_snapshots_that_others_have_made_are_listed_restored_and_described(space):
    busy_claim(space, "data", "fast")
    space.apply({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": "nightly"},
                 "spec": {"source": {"persistentVolumeClaimName": "data"}, "volumeSnapshotClassName": "fast"}})
    space.wait("jsonpath={.status.readyToUse}=true", "volumesnapshot/nightly")
    assert "nightly" in space.snap("list").expect().out
    assert "nightly" in space.snap("describe", "vs/nightly").expect().out
    space.restore("pvc/copy", "--from", "vs/nightly").expect()
    assert read_back(space, "copy") == "kept"
