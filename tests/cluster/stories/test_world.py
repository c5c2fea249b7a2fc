"""The stories' own tools tell the truth: what they call nothing is nothing, and what they call a write is seen."""

from reading import field


def test_a_postgres_keeps_a_row_and_a_new_object_is_seen(space):
    space.postgres()
    space.psql("postgres-0", "create table t as select 7 as x")
    assert space.psql("postgres-0", "select x from t") == "7"
    before = space.objects()
    assert ("PersistentVolumeClaim", "data-postgres-0") in before
    assert space.left_behind(before) == []
    space.claim("more")
    space.wait("jsonpath={.status.phase}=Bound", "pvc/more")
    kinds = [kind for kind, _ in space.left_behind(before)]
    assert kinds == ["PersistentVolume", "PersistentVolumeClaim"]


def test_an_account_may_do_what_its_rules_say_and_no_more(space):
    reader = space.account("reader", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}])
    assert reader.kubectl("get", "pods").code == 0
    assert "forbidden" in reader.kubectl("get", "configmaps").err


def test_what_a_snapshotter_notes_on_a_content_that_it_cannot_cut_is_not_a_write_of_a_client(space):
    space.claim("data")
    space.apply({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": "never"},
                 "spec": {"volumeSnapshotClassName": "broken", "source": {"persistentVolumeClaimName": "data"}}})
    space.wait("jsonpath={.status.error.message}", "volumesnapshot/never")
    content, before = f"volumesnapshotcontent/{space.path('volumesnapshot/never', '.status.boundVolumeSnapshotContentName')}", space.objects()
    note = "snapshot.storage.kubernetes.io/volumesnapshot-being-created"
    # It does both by itself, in this order and within milliseconds, at every try; and a client's note is seen.
    space.cluster.kubectl("annotate", "--overwrite", content, f"{note}=yes").expect()
    assert space.objects() == before
    space.cluster.kubectl("annotate", content, "note=yes").expect()
    assert space.objects() != before


def test_what_is_read_without_kubectl_is_what_kubectl_says(space):
    space.claim("data")
    space.wait("jsonpath={.status.phase}=Bound", "pvc/data")
    reader = space.cluster.reader()
    for words in (["pvc", "-n", space.name], ["PersistentVolumeClaim/data", "-n", space.name], ["pvc", "data", "-n", space.name],
                  ["sc,volumesnapshotclasses.snapshot.storage.k8s.io"], ["clusterroles", "-l", "kubernetes.io/bootstrapping=rbac-defaults"]):
        said = space.cluster.kubectl("get", *words, "-o", "json").expect().json()
        if said["kind"] == "List":
            del said["metadata"]
        assert reader.get(*words) == said, words
    for path in (".spec.accessModes", ".spec.accessModes[0]", ".spec.accessModes[1]", ".spec.resources.requests.storage", ".none",
                 ".metadata.annotations.volume\\.kubernetes\\.io/storage-provisioner"):
        said = space.kubectl("get", "pvc/data", "-o", f"jsonpath={{{path}}}")
        assert field(reader.get("pvc/data", "-n", space.name), path) == (said.out if said.code == 0 else ""), path
    assert reader.get("pvc/none", "-n", space.name) is None and space.path("pvc/none", ".spec") == ""
    assert reader.get("pvc", "--field-selector", "x=y") is reader.get("nosuchkind") is field({}, ".a[*]") is None
