"""doctor on faults that a real cluster really has: each is provoked, then found by its code, with the words of whoever said it
and a remedy. What cannot be provoked here without breaking the cluster for others stands in tests/unit/diagnose."""
import json
import subprocess

import pytest

import conftest
import world

NOBODY = {"kubernetes.io/hostname": "nobody"}


def doctor(space, target, *flags):
    """{code: finding} of `kubectl snap doctor TARGET`."""
    words = [target] if target else []
    found = space.snap("doctor", *words, "-o", "json", *flags)
    assert found.code in (0, 8), found.text
    findings = found.json()["items"]
    for finding in findings:
        assert finding["message"] and finding["remedy"] and finding["object"], finding
    worst = {"info", "warning", "error"} & {f["severity"] for f in findings}
    assert found.code == (8 if "error" in worst else 0), found.text
    return {f["code"]: f for f in findings}


def find(space, target, code, *words):
    """Asks until the cause shows, in these words, since events and controllers take their time."""
    found = [None]

    def shows():
        found[0] = doctor(space, target).get(code)
        return found[0] if found[0] and all(word in found[0]["message"] for word in words) else None

    try:
        return space.eventually(shows)
    except AssertionError as late:
        raise AssertionError(f"{target}: {code} in the words {words}; it is {found[0]}") from late


def snapshot(space, name, claim, snapshot_class=None):
    space.apply({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": name},
                 "spec": {"source": {"persistentVolumeClaimName": claim},
                          **({"volumeSnapshotClassName": snapshot_class} if snapshot_class else {})}})


def pod(space, name, claim=None, command="sleep 100000", image=world.BUSYBOX_IMAGE, **spec):
    """Not waited for: these do not start."""
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}] if claim else []
    space.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
                 "spec": {"terminationGracePeriodSeconds": 0, **spec, "volumes": volumes,
                          "containers": [{"name": "main", "image": image, "imagePullPolicy": "Never", "command": ["sh", "-c", command],
                                          "volumeMounts": [{"name": "data", "mountPath": "/data"}] if claim else []}]}})


def source(name, group="snapshot.storage.k8s.io"):
    return {"dataSource": {**({"apiGroup": group} if group else {}), "kind": "VolumeSnapshot", "name": name}}


def bound(space, name, **spec):
    space.claim(name, **spec)
    space.wait("jsonpath={.status.phase}=Bound", f"pvc/{name}")


def test_claims_that_stay_pending(module_space):
    space = module_space
    space.claim("no-class", "nosuch")
    space.claim("full", "broken")
    space.claim("unserved", "unserved")
    space.claim("by-hand", "")
    space.claim("later", "fast-later")
    find(space, "pvc/no-class", "claim-class-missing", "nosuch", "fast (default)")
    find(space, "pvc/full", "claim-provisioning-failed", "the storage system is full")
    find(space, "pvc/unserved", "claim-nobody-provisions", "absent.csi.hf.test")
    find(space, "pvc/by-hand", "claim-no-volume")
    assert find(space, "pvc/later", "claim-waits-for-pod")["severity"] == "info"
    pod(space, "nowhere", "later", nodeSelector=NOBODY)
    assert find(space, "pod/nowhere", "pod-unschedulable", "node affinity/selector")["severity"] == "error"
    space.eventually(lambda: doctor(space, "pvc/later").get("claim-waits-for-pod", {}).get("severity") == "error")


def test_data_sources(module_space):
    space = module_space
    bound(space, "origin")
    snapshot(space, "good", "origin", "fast")
    space.wait("jsonpath={.status.readyToUse}=true", "volumesnapshot/good")
    snapshot(space, "never", "origin", "broken")
    space.claim("missing", **source("nosuch"))
    space.claim("small", size="32Mi", **source("good"))
    space.claim("elsewhere", "slow", **source("good"))
    space.claim("unready", **source("never"))
    find(space, "pvc/missing", "claim-source-missing", "VolumeSnapshot/nosuch")
    find(space, "pvc/small", "claim-smaller-than-source", "32Mi", "64Mi")
    find(space, "pvc/elsewhere", "claim-source-other-driver", "fast.csi.hf.test")
    find(space, "pvc/unready", "claim-source-not-ready", "the array refused the snapshot")
    # What many examples say: the API server drops it, and an empty volume binds.
    bound(space, "no-group", **source("good", group=None))
    bound(space, "versioned", **source("good", group="snapshot.storage.k8s.io/v1beta1"))
    find(space, "pvc/no-group", "claim-source-dropped", "no apiGroup", "EMPTY")
    find(space, "pvc/versioned", "claim-source-dropped", "v1beta1", "EMPTY")


def test_snapshots_that_do_not_get_ready(module_space):
    space = module_space
    bound(space, "subject")
    snapshot(space, "refused", "subject", "broken")
    snapshot(space, "wrong-driver", "subject", "slow")
    snapshot(space, "no-such-class", "subject", "nosuch")
    snapshot(space, "no-such-claim", "nosuch", "fast")
    snapshot(space, "delayed", "subject", "fast-delayed")
    snapshot(space, "uploading", "subject", "fast-uploading")
    find(space, "vs/uploading", "snapshot-uploading", "it was cut at")
    refused = find(space, "vs/refused", "driver-refused", "the array refused the snapshot")
    assert refused["layer"] == "driver"
    find(space, "vs/wrong-driver", "snapshot-class-wrong-driver", "slow.csi.hf.test", "fast.csi.hf.test")
    find(space, "vs/no-such-class", "snapshot-class-missing", "nosuch")
    find(space, "vs/no-such-claim", "snapshot-claim-missing", "nosuch")
    space.wait("jsonpath={.status.readyToUse}=true", "volumesnapshot/delayed")
    assert doctor(space, "vs/delayed") == {}


def test_volumes_that_no_driver_serves(new_space, cluster):
    space = new_space("doctor")
    printed = [world.ROOT / "tests/cluster/manifest", "hostpath", space.name, "plain"]
    space.apply(subprocess.run(printed, capture_output=True, text=True, check=True).stdout)
    space.wait("jsonpath={.status.phase}=Bound", "pvc/plain")
    find(space, "pvc/plain", "volume-not-csi", "hostPath")
    # Nothing provisioned it, so nothing takes it away with its claim.
    space.kubectl("delete", "pvc/plain").expect()
    cluster.kubectl("delete", "pv", "-l", f"hf.test/manifest={space.name}").expect()


def test_pods_that_do_not_start(module_space):
    space = module_space
    bound(space, "local")
    bound(space, "remote", storage_class="slow")
    pod(space, "crash", command="echo wrong owner; exit 3")
    pod(space, "no-image", image="hf.test/nosuch:1")
    pod(space, "no-claim", "nosuch")
    pod(space, "first", "remote", nodeSelector={"kubernetes.io/hostname": "node-a"})
    space.wait("condition=Ready", "pod/first")
    pod(space, "second", "remote", nodeSelector={"kubernetes.io/hostname": "node-b"})
    home = space.cluster.get("pv", space.path("pvc/local", ".spec.volumeName"))
    node = home["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]["values"][0]
    other = {"node-a": "node-b", "node-b": "node-a"}[node]
    pod(space, "far", "local", nodeSelector={"kubernetes.io/hostname": other})
    find(space, "pod/no-image", "pod-image", "hf.test/nosuch:1")
    find(space, "pod/no-claim", "claim-missing")
    find(space, "pod/second", "pod-multi-attach", "pod first uses it on node-a")
    find(space, "pod/far", "pod-volume-elsewhere", node)
    find(space, "pod/crash", "pod-crashes", "exit code 3")


def test_what_quota_and_pod_security_refuse_is_found_on_the_statefulset(new_space):
    space = new_space("doctor")
    space.kubectl("create", "quota", "small", "--hard=requests.storage=100Mi").expect()
    space.eventually(lambda: space.path("quota/small", ".status.hard"))
    space.postgres("big", wait=False, size="1Gi")
    find(space, "sts/big", "refused-by-quota", "exceeded quota: small", "requested: requests.storage=1Gi")
    find(space, "pvc/data-big-0", "refused-by-quota")
    space.cluster.kubectl("label", "namespace", space.name, "pod-security.kubernetes.io/enforce=restricted").expect()
    space.postgres("plain", wait=False, size="64Mi")
    find(space, "sts/plain", "refused-by-pod-security", "allowPrivilegeEscalation")


def test_practices_of_a_healthy_database_and_what_mends_them(new_space):
    space = new_space("doctor")
    space.postgres(env=[{"name": "POSTGRES_PASSWORD", "value": "canary-in-the-manifest"}])
    before = space.objects()
    found = doctor(space, "sts/postgres", "--fail-on", "error")
    assert {"volume-reclaim-delete", "never-snapped", "literal-secret"} <= found.keys(), found
    assert "canary" not in json.dumps(found)
    assert space.snap("doctor", "sts/postgres", "--fail-on", "warning").code == 8
    assert space.objects() == before
    space.snap("create", "sts/postgres", "--name", "first", "--wait", "ready").expect()
    found = doctor(space, "sts/postgres")
    assert "never-drilled" in found and "snapshots-die-with-namespace" in found and "never-snapped" not in found, found
    space.snap("protect", "first", "--yes").expect()
    assert "snapshots-die-with-namespace" not in doctor(space, "sts/postgres")


def test_words_for_people(new_space):
    space = new_space("doctor")
    space.claim("no-class", "nosuch")
    shown = space.snap("doctor", "pvc/no-class").expect(8)
    assert f"error   pvc/{space.name}/no-class (claim-class-missing)" in shown.out, shown.text
    assert "1 error" in shown.out and "-> " in shown.out, shown.text
    space.snap("doctor", "pvc/nosuch").expect(1)
    space.snap("doctor", "service/x").expect(2)
    empty = new_space("doctor").snap("doctor", "--fail-on", "error").expect()
    assert "examined: " in empty.out, empty.text


@pytest.fixture(scope="module")
def unanswered(tmp_path_factory):
    """A second cluster, with the snapshot API and nobody behind it."""
    with conftest.second_cluster(tmp_path_factory, "unanswered", PARTS="api,crd") as cluster:
        cluster.kubectl("create", "namespace", "quiet").expect()
        yield world.Space(cluster, "quiet")


def test_a_snapshot_that_nothing_answers_names_the_missing_controller(unanswered):
    space = unanswered
    printed = [world.ROOT / "tests/cluster/manifest", "csi", space.name, "data"]
    space.apply(subprocess.run(printed, capture_output=True, text=True, check=True).stdout)
    space.wait("jsonpath={.status.phase}=Bound", "pvc/data")
    snapshot(space, "silent", "data", "fast")
    finding = find(space, "vs/silent", "snapshot-unanswered", "no status, no event")
    assert "snapshot-controller" in finding["remedy"], finding
