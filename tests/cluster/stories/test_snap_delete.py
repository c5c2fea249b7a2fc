"""`kubectl snap delete` and `protect`: what is kept from us, and what outlives what."""
import pytest

import world


@pytest.fixture
def claim(space):
    space.claim("data")
    space.wait("jsonpath={.status.phase}=Bound", "pvc/data")
    return space


def snapped(space, *names, snapshot_class="fast"):
    for name in names:
        space.snap("create", "pvc/data", "--name", name, "--snapshot-class", snapshot_class, "--wait", "ready").expect()


def content_of(space, snapshot):
    return space.path(f"volumesnapshot/{snapshot}", ".status.boundVolumeSnapshotContentName")


def test_deleting_asks_and_off_a_terminal_is_refused(claim):
    snapped(claim, "first", "second")
    before = claim.objects()
    refused = claim.snap("delete", "first").expect(3)
    assert "--yes" in refused.err and "delete vs/" + claim.name + "/first-data" in refused.err
    assert claim.objects() == before
    assert claim.snap("delete", "first", "--yes").expect().out == "set/first deleted (1 snapshot)\n"
    assert claim.kubectl("get", "volumesnapshot", "first-data").code == 1
    assert claim.kubectl("get", "configmap", "holdfast-set-first").code == 1
    assert claim.snap("delete", "first", "--yes").expect(1).err.startswith(f"error: set/{claim.name}/first not found")


def test_the_last_one_that_can_be_restored_is_kept_unless_forced(claim):
    snapped(claim, "first", "second")
    both = claim.snap("delete", "first", "second", "--yes").expect(3)
    assert "the last one of pvc/data that can be restored" in both.err and "--force" in both.err
    assert claim.set("first")["complete"] and claim.set("second")["complete"]
    claim.snap("delete", "first", "--yes").expect()
    claim.snap("delete", "second", "--yes").expect(3)
    claim.snap("delete", "second", "--yes", "--force").expect()
    assert claim.snap("list").expect().out == ""


def test_the_last_one_whose_restore_was_checked_is_kept_unless_forced(space):
    space.postgres()
    space.psql("postgres-0", "create table t as select 7 as x")
    for name in ("checked", "newer"):
        space.snap("create", "sts/postgres", "--name", name, "--wait", "ready").expect()
    space.restore("drill", "checked", "--query", "select x from t", "--expect", "7").expect()
    refused = space.snap("delete", "checked", "--yes").expect(3)
    assert "the last one of StatefulSet/postgres whose restore was checked" in refused.err
    space.snap("delete", "newer", "--yes").expect()
    space.snap("delete", "checked", "--yes", "--force").expect()


def test_one_that_a_claim_still_needs_is_kept_and_goes_once_the_claim_is_gone(claim):
    snapped(claim, "first", "second")
    claim.claim("copy", "fast-later", dataSource={"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "first-data"})
    refused = claim.snap("delete", "first", "--yes").expect(3)
    assert "pvc/copy is not bound yet and is made of vs/first-data" in refused.err
    assert "pvc/copy (still needs it)" in claim.snap("describe", "first").expect().out
    waited = claim.snap("delete", "first", "--yes", "--force", "--timeout", "3s").expect(5)
    assert "claims that are still to be filled from it: copy" in waited.err and "kubectl snap resume" in waited.err
    claim.kubectl("delete", "pvc", "copy").expect()
    claim.snap("delete", "first", "--yes", "--force").expect()
    assert claim.kubectl("get", "volumesnapshot", "first-data").code == 1
    assert claim.snap("status").expect().out == ""


def test_what_is_protected_outlives_its_namespace_and_can_be_rebuilt_from_its_content(new_space, cluster):
    space = new_space("protected")
    space.claim("data")
    space.wait("jsonpath={.status.phase}=Bound", "pvc/data")
    snapped(space, "first", "second")
    assert "outlives the namespace" in space.snap("protect", "first").expect().out
    assert "unchanged" in space.snap("protect", "first").expect().out
    kept, lost = content_of(space, "first-data"), content_of(space, "second-data")
    cluster.kubectl("delete", "namespace", space.name, f"--timeout={world.PATIENCE_S}s", timeout=300).expect()
    try:
        content = cluster.get("volumesnapshotcontent", kept)
        assert content["spec"]["deletionPolicy"] == "Retain"
        assert '"claim":"data"' in content["metadata"]["annotations"]["holdfast.dev/record"]
        space.wait("delete", f"volumesnapshotcontent/{lost}")  # the other one dies with its namespace
    finally:
        cluster.kubectl("patch", "volumesnapshotcontent", kept, "--type=merge", "-p", '{"spec":{"deletionPolicy":"Delete"}}')
        cluster.kubectl("delete", "volumesnapshotcontent", kept, "--wait=false")


def test_snapshots_of_others_are_described_protected_and_deleted(claim, cluster):
    claim.apply({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": "nightly"},
                 "spec": {"volumeSnapshotClassName": "fast", "source": {"persistentVolumeClaimName": "data"}}})
    claim.wait("jsonpath={.status.readyToUse}=true", "volumesnapshot/nightly")
    content = content_of(claim, "nightly")
    assert content in claim.snap("describe", "vs/nightly").expect().out
    assert "did you mean vs/nightly?" in claim.snap("describe", "vs/nightli").expect(1).err
    claim.snap("protect", "vs/nightly").expect()
    assert "the last one of pvc/data" in claim.snap("delete", "vs/nightly", "--yes").expect(3).err
    snapped(claim, "ours")
    kept = claim.snap("delete", "vs/nightly", "--yes").expect()
    assert f"the storage keeps 1 copy: volumesnapshotcontent/{content}" in kept.out
    cluster.kubectl("patch", "volumesnapshotcontent", content, "--type=merge", "-p", '{"spec":{"deletionPolicy":"Delete"}}').expect()
    cluster.kubectl("delete", "volumesnapshotcontent", content, f"--timeout={world.PATIENCE_S}s", timeout=300).expect()


def test_storage_takes_the_storages_copy_along(claim, cluster):
    snapped(claim, "first", "second", snapshot_class="fast-retain")
    content = content_of(claim, "first-data")
    deleted = claim.snap("delete", "first", "--yes", "--storage", "-o", "json").expect().json()
    assert deleted["items"] == [{"name": "set/first", "snapshots": 1, "keptContents": []}]
    assert cluster.kubectl("get", "volumesnapshotcontent", content).code == 1
