"""Bad inputs whose refusal needs a cluster's facts: exit code and message word for word, and not one object changed."""
import pytest

import world

NOTHING = "nothing was changed"


def refused(run, code, message, hint=""):
    lines = [line for line in run.expect(code).err.splitlines() if not line.startswith("Warning: ")]
    assert lines[:1] == [f"error: {message}"], run.text
    assert lines[1:] == ([hint] if hint else []), run.text


@pytest.fixture(scope="module")
def two(module_space):
    """Two StatefulSets, of which one has two ordinals, a set of each and one of all, made by a selector."""
    space = module_space
    space.apply(*world.postgres(replicas=2), *world.postgres("other"))
    for name, replicas in (("postgres", 2), ("other", 1)):
        space.wait(f"jsonpath={{.status.readyReplicas}}={replicas}", f"statefulset/{name}")
    space.kubectl("label", "pvc", "data-postgres-0", "data-postgres-1", "data-other-0", "team=books").expect()
    space.snap("create", "-l", "team=books", "--name", "both", "--wait", "ready").expect()
    space.snap("create", "sts/postgres", "--name", "pair", "--wait", "ready").expect()
    return space


@pytest.fixture
def untouched(two):
    before = two.objects()
    yield two
    assert two.objects() == before


@pytest.mark.parametrize("words", [["open", "both"], ["drill", "both", "--query", "select 1"], ["drill", "both", "--exec", "true"]])
def test_05_a_selector_that_hit_two_workloads(untouched, words):
    refused(untouched.restore(*words), 3,
            "set/both holds claims that are no ordinals of one workload, data-other-0, data-postgres-0, data-postgres-1: it does not "
            f"say which database is meant; {NOTHING}",
            "name one of its snapshots: vs/both-data-other-0, vs/both-data-postgres-0, vs/both-data-postgres-1")


@pytest.mark.parametrize("words", [["snap", "create", "pvc/data-other-0", "--name", "no"], ["clone", "pvc/data-other-0", "no"]],
                         ids=["snap", "clone"])
def test_57_a_class_of_another_driver(untouched, words):
    refused(untouched.kubectl(*words, "--snapshot-class", "slow"), 3,
            f"VolumeSnapshotClass slow is for driver slow.csi.hf.test, but the volume of pvc/{untouched.name}/data-other-0 belongs to "
            f"driver fast.csi.hf.test; {NOTHING}",
            "classes for that driver: broken, fast, fast-delayed, fast-retain, fast-uploading")


def test_62_a_target_smaller_than_the_snapshot_needs(untouched):
    refused(untouched.restore("pvc/copy", "--from", "pair", "--ordinal", "0", "--size", "10Mi"), 3,
            f"--size 10Mi is less than vs/{untouched.name}/pair-data-postgres-0 needs: 256Mi (268435456 bytes); {NOTHING}",
            "a restored volume cannot be smaller than its snapshot")
    refused(untouched.clone("sts/postgres", "copy", "--size", "10Mi"), 3,
            f"--size 10Mi is less than pvc/{untouched.name}/data-postgres-0 needs: 256Mi (268435456 bytes); {NOTHING}",
            "a restored volume cannot be smaller than its snapshot")


def test_60_a_name_that_another_operation_or_tool_holds(two):
    space = two
    space.apply({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": "theirs-data-other-0"},
                 "spec": {"volumeSnapshotClassName": "fast", "source": {"persistentVolumeClaimName": "data-other-0"}}})
    before = space.objects()
    refused(space.snap("create", "pvc/data-other-0", "--name", "theirs"), 4,
            f"the name is taken: vs/{space.name}/theirs-data-other-0 exists and was made by someone else; {NOTHING}",
            "choose another name with --name")
    assert space.objects() == before
    stopped = space.snap("create", "pvc/data-other-0", "--name", "held", "--snapshot-class", "broken", "--timeout", "8s").expect(5)
    operation = next(line.split()[3] for line in stopped.err.splitlines() if "kubectl snap resume" in line)
    before = space.objects()
    refused(space.snap("create", "pvc/data-other-0", "--name", "held"), 4,
            f"operation {operation} on data-other-0 is unfinished and was begun with other arguments; {NOTHING}",
            f"to go on: kubectl snap resume {operation} -n {space.name}; to take it back: kubectl snap abort {operation} -n {space.name}")
    assert space.objects() == before
    space.snap("abort", operation, "--yes").expect()


def test_61_labels_that_a_service_would_pick(two):
    """I16: no selector that is not empty finds the clone's pods, whoever has set their labels."""
    space = two
    space.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "front"},
                 "spec": {"selector": {"app": "other"}, "ports": [{"port": 5432}]}})
    try:
        before = space.objects()
        refused(space.clone("sts/other", "front"), 3, f"service/{space.name}/front exists already; {NOTHING}", "choose another name for the clone")
        refused(space.clone("sts/other", "copy", "--set", "spec.template.metadata.labels.app=other"), 3,
                f"the selector of service/{space.name}/front would pick the clone's pods; {NOTHING}",
                "choose another name for the clone, other labels with --set, or another namespace")
        assert space.objects() == before
        unmarked = [{"key": "holdfast.dev/operation", "operator": "DoesNotExist"}, {"key": "app", "operator": "Exists"}]
        space.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "unmarked"},
                     "spec": {"podSelector": {"matchExpressions": unmarked}}})
        before = space.objects()
        refused(space.clone("sts/other", "copy"), 3,
                f"the selector of netpol/{space.name}/unmarked would pick the clone's pods whatever their labels; {NOTHING}",
                "clone to another namespace (--to-namespace), or change that selector")
        assert space.objects() == before
    finally:
        space.kubectl("delete", "service/front", "networkpolicy/unmarked", "--ignore-not-found").expect()


def test_10_a_clone_where_it_cannot_be(two, cluster):
    """A namespace that is missing, that ends, that has no room or another pod security level; an image that nobody tells."""
    space, there = two, cluster.space("there")
    space.claim("alone")
    space.wait("jsonpath={.status.phase}=Bound", "pvc/alone")
    words = ["sts/other", "copy", "--to-namespace"]
    before = space.objects()
    refused(space.clone(*words, "no-such-namespace"), 1, f"namespace no-such-namespace does not exist; {NOTHING}",
            "make it first: kubectl create namespace no-such-namespace")
    try:
        there.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": {"requests.storage": "10Mi"}}})
        there.eventually(lambda: there.path("resourcequota/small", ".status.hard"))
        refused(space.clone(*words, there.name), 3,
                f"resourcequota/{there.name}/small has no room: requests.storage is 10Mi, 0 are used, and the clone needs 256Mi more; {NOTHING}",
                "remove something, have the quota raised, or clone to another namespace")
        there.kubectl("delete", "resourcequota", "small").expect()
        cluster.kubectl("label", "namespace", there.name, "pod-security.kubernetes.io/enforce=restricted").expect()
        level = f"namespace {there.name} enforces pod security level restricted, which does not admit "
        refused(space.clone(*words, there.name), 3,
                f"{level}the clone's pods: allowPrivilegeEscalation is not false of container postgres, "
                f"capabilities.drop lacks ALL of container postgres, no seccompProfile of container postgres; {NOTHING}",
                "change these with --set, or clone to a namespace with another level")
        mask = cluster.home / f"{there.name}.sql"
        mask.write_text("select 1")
        refused(space.clone("pvc/data-other-0", "copy", "--to-namespace", there.name, "--sql", mask), 3,
                f"{level}the throwaway database that prepares the data, which runs as the source's container does: "
                f"capabilities.drop lacks ALL of container database; {NOTHING}",
                "clone to a namespace with another level")
        refused(space.clone("pvc/alone", "copy", "--sql", mask), 3,
                f"pvc/alone: no pod uses it that would tell with which image its data is opened; {NOTHING}",
                "name one with --image, of the same major version as the data")
        cluster.kubectl("label", "namespace", there.name, "pod-security.kubernetes.io/enforce-").expect()
        there.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "stays", "finalizers": ["story.test/stays"]}})
        cluster.kubectl("delete", "namespace", there.name, "--wait=false").expect()
        refused(space.clone(*words, there.name), 3, f"namespace {there.name} is terminating: nothing can be created in it; {NOTHING}",
                "choose another with --to-namespace")
        assert space.objects() == before
    finally:
        there.kubectl("patch", "configmap", "stays", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
        there.delete()
        space.kubectl("delete", "pvc", "alone").expect()


def test_60_names_of_a_clone_that_are_taken(two):
    space = two
    space.claim("data-copy-0")
    before = space.objects()
    refused(space.clone("sts/other", "copy"), 3, f"pvc/{space.name}/data-copy-0 exists already, and Holdfast did not make it; {NOTHING}",
            "choose another name for the clone")
    assert space.objects() == before
    space.kubectl("delete", "pvc", "data-copy-0").expect()


def test_63_a_class_that_does_not_reach_the_place_of_the_volume(space, cluster):
    space.claim("data", "fast-later")
    space.pod("writer", claims=["data"])
    space.wait("jsonpath={.status.phase}=Bound", "pvc/data")
    volume = cluster.kubectl("get", "pv", space.path("pvc/data", ".spec.volumeName"), "-o", "json").json()
    (term,) = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    key, node = term["matchExpressions"][0]["key"], term["matchExpressions"][0]["values"][0]
    other = {"node-a": "node-b", "node-b": "node-a"}[node]
    name = f"{space.name}-far"
    space.apply({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}, "provisioner": "fast.csi.hf.test",
                 "volumeBindingMode": "WaitForFirstConsumer", "allowedTopologies": [{"matchLabelExpressions": [{"key": key, "values": [other]}]}]})
    try:
        before = space.objects()
        refused(space.clone("pvc/data", "copy", "--storage-class", name), 3,
                f"storageclass {name} makes volumes only in {key} in ({other}), and the volume of pvc/{space.name}/data is in {key} in ({node}); {NOTHING}",
                "choose a class that has that place too: --storage-class")
        assert space.objects() == before
    finally:
        cluster.kubectl("delete", "storageclass", name)


def test_70_an_incomplete_set(two):
    space = two
    space.snap("create", "sts/postgres", "--name", "half", "--wait", "ready").expect()
    content = space.path("volumesnapshot/half-data-postgres-1", ".status.boundVolumeSnapshotContentName")
    space.kubectl("delete", "volumesnapshot", "half-data-postgres-1").expect()
    space.wait("delete", f"volumesnapshotcontent/{content}")
    before = space.objects()
    for words in (["pvc/copy", "--from", "half", "--ordinal", "0"], ["drill", "half"], ["open", "half"]):
        refused(space.restore(*words), 3,
                f"set/half in namespace {space.name} is incomplete: ordinal 1 (vs/half-data-postgres-1 is gone); {NOTHING}",
                "a single snapshot of it can be restored as vs/NAME; `kubectl snap describe half` shows what is there")
    assert space.objects() == before


def test_55_an_ordinal_whose_claim_is_not_bound(space):
    space.apply(*world.postgres(replicas=2, storage_class="fast-later", nodeSelector={"no-such-node": "x"}))
    space.eventually(lambda: space.path("pvc/data-postgres-1", ".status.phase") == "Pending")
    space.eventually(lambda: "no-such-node" in str(space.get("pods")) and
                     space.path("pod/postgres-0", ".status.conditions[0].reason") == "Unschedulable")
    before = space.objects()
    refused(space.snap("create", "sts/postgres"), 3,
            f"pvc/{space.name}/data-postgres-0 (ordinal 0) is not bound but Pending: its class fast-later makes the volume on the node "
            "of its pod, and pod postgres-0 has none: the scheduler says: 0/2 nodes are available: 2 node(s) didn't match Pod's node "
            f"affinity/selector; {NOTHING}",
            f"see: kubectl snap doctor pvc/data-postgres-0 -n {space.name}")
    said = space.clone("sts/postgres", "copy").expect(3).err
    assert f"pvc/{space.name}/data-postgres-0 (ordinal 0) is not bound but Pending" in said and "kubectl clone doctor pvc/data-postgres-0" in said
    assert space.objects() == before


def test_56_two_default_classes_for_the_driver(space, cluster):
    driver, volume = f"{space.name}.csi.hf.test", f"{space.name}-static"
    default = {"snapshot.storage.kubernetes.io/is-default-class": "true"}
    classes = [{"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass", "driver": driver, "deletionPolicy": "Retain",
                "metadata": {"name": f"{space.name}-{n}", "annotations": default}} for n in "ab"]
    pv = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume},
          "spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "64Mi"}, "storageClassName": "",
                   "persistentVolumeReclaimPolicy": "Retain", "csi": {"driver": driver, "volumeHandle": volume},
                   "claimRef": {"namespace": space.name, "name": "data"}}}
    try:
        space.apply(pv, *classes)
        space.claim("data", "", volumeName=volume)
        space.wait("jsonpath={.status.phase}=Bound", "pvc/data")
        before = space.objects()
        refused(space.snap("create", "pvc/data"), 3,
                f"driver {driver} (of pvc/{space.name}/data) has 2 default VolumeSnapshotClasses: {space.name}-a, {space.name}-b; {NOTHING}",
                "choose one with --snapshot-class")
        refused(space.clone("pvc/data", "copy"), 3,
                f"driver {driver} (of pvc/{space.name}/data) has 2 default VolumeSnapshotClasses: {space.name}-a, {space.name}-b; {NOTHING}",
                "choose one with --snapshot-class")
        assert space.objects() == before
        space.snap("create", "pvc/data", "--snapshot-class", f"{space.name}-a", "--dry-run").expect()
        cluster.kubectl("delete", "volumesnapshotclass", f"{space.name}-a", f"{space.name}-b").expect()
        refused(space.snap("create", "pvc/data"), 3,
                f"no VolumeSnapshotClass is for driver {driver}, to which the volume of pvc/{space.name}/data belongs; {NOTHING}",
                "there are broken (fast.csi.hf.test), fast (fast.csi.hf.test), fast-delayed (fast.csi.hf.test), fast-retain "
                "(fast.csi.hf.test), fast-uploading (fast.csi.hf.test), slow (slow.csi.hf.test), unserved (absent.csi.hf.test); make one with "
                f"`driver: {driver}`")
    finally:
        cluster.kubectl("delete", "volumesnapshotclass", f"{space.name}-a", f"{space.name}-b", "--ignore-not-found")
        cluster.kubectl("delete", "pv", volume, "--wait=false")


def test_58_a_snapshot_that_never_gets_ready(space):
    space.claim("data")
    space.wait("jsonpath={.status.phase}=Bound", "pvc/data")
    stopped = space.snap("create", "pvc/data", "--name", "no", "--snapshot-class", "broken", "--timeout", "8s").expect(5)
    (error,) = [line for line in stopped.err.splitlines() if line.startswith("error: ")]
    assert error.startswith(f"error: vs/{space.name}/no-data: no progress in 8.0s: driver says: "), stopped.text
    assert error.endswith(f"; vs/{space.name}/no-data: the driver fast.csi.hf.test says: the array refused the snapshot (Internal)"), error
    assert "kubectl snap resume " in stopped.err and "the array refused the snapshot" in space.snap("describe", "no").out
    assert space.set("no")["complete"] is False
    assert "set/no in namespace" in space.restore("pvc/copy", "--from", "no").expect(3).err
    before = space.objects()
    stopped = space.clone("pvc/data", "copy", "--snapshot-class", "broken", "--timeout", "8s").expect(5)
    assert "says: the array refused the snapshot (Internal)" in stopped.err and "kubectl clone resume " in stopped.err
    operation = next(line.split()[3] for line in stopped.err.splitlines() if "kubectl clone abort" in line)
    # Bad input 60: whoever wants the same name for something else meanwhile is kept out.
    refused(space.clone("pvc/data", "copy", "--ttl", "1h"), 4,
            f"operation {operation} on copy is unfinished and was begun with other arguments; {NOTHING}",
            f"to go on: kubectl clone resume {operation} -n {space.name}; to take it back: kubectl clone abort {operation} -n {space.name}")
    space.clone("abort", operation, "--yes").expect()
    space.comes_back_to(before)
