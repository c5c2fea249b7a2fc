"""kubectl restore … --in-place on a real PostgreSQL: the row is back, the old volumes are kept, undo and finalize."""
import json

import pytest
import yaml

import world


def seven(space, pod="postgres-0"):
    return space.psql(pod, "select x from t")


@pytest.fixture
def database(space):
    space.postgres()
    space.psql("postgres-0", "create table t as select 7 as x")
    space.snap("create", "sts/postgres", "--name", "base", "--wait", "ready").expect()
    space.psql("postgres-0", "drop table t")
    return space


def volumes(space):
    """{volume: (claim, phase, policy)} of this namespace."""
    return {i["metadata"]["name"]: (i["spec"]["claimRef"]["name"], i["status"]["phase"],
                                    i["spec"]["persistentVolumeReclaimPolicy"]) for i, _ in space.storage()
            if i["kind"] == "PersistentVolume"}


def operation_of(run):
    return run.json()["operation"]


def in_place(space, *words, **more):
    return space.restore("sts/postgres", "--from", "base", "--in-place", "--yes", "-o", "json", *words, timeout=300, **more)


def test_a_set_restored_in_place_brings_the_row_back_and_keeps_the_old_volume(database):
    space = database
    before = volumes(space)
    old = space.path("pvc/data-postgres-0", ".spec.volumeName")
    run = in_place(space).expect()
    assert seven(space) == "7"
    new = space.path("pvc/data-postgres-0", ".spec.volumeName")
    now = volumes(space)
    assert set(now) == set(before) | {new}
    assert (now[old][0], now[old][2]) == ("data-postgres-0", "Retain")
    space.wait("jsonpath={.status.phase}=Released", f"pv/{old}")
    assert now[new] == ("data-postgres-0", "Bound", "Delete")
    assert space.path("sts/postgres", ".spec.replicas") == "1"
    claims = [i["metadata"]["name"] for i in space.get("pvc")["items"]]
    assert claims == ["data-postgres-0"]
    assert run.json()["claims"] == [{"claim": "data-postgres-0", "volume": new, "keptVolume": old}]


def refused(space, *words, says, code=3):
    before = space.objects()
    run = in_place(space, *words)
    assert run.code == code, run.text
    assert says in run.err and "nothing was changed" in run.err, run.text
    changed = {k for k, v in space.objects().items() if before.get(k) != v}
    assert changed == set() and space.left_behind(before) == [], changed


def patch(space, target, value):
    space.kubectl("patch", target, "--type=merge", "-p", json.dumps(value)).expect()


def test_each_guard_refuses_before_any_change(database):
    space = database
    owner = {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": "db", "uid": "0", "controller": True}
    patch(space, "sts/postgres", {"metadata": {"ownerReferences": [owner]}})
    refused(space, says="CloudNativePG")
    patch(space, "sts/postgres", {"metadata": {"ownerReferences": None, "annotations": {"argocd.argoproj.io/tracking-id": "shop:x"}}})
    refused(space, says="Argo CD application shop")
    patch(space, "sts/postgres", {"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": None},
                                               "labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}})
    refused(space, says="Flux kustomization apps")
    patch(space, "sts/postgres", {"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": None}}})
    space.apply({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                 "metadata": {"name": "keda-hpa-db", "labels": {"scaledobject.keda.sh/name": "db"}},
                 "spec": {"maxReplicas": 2, "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}],
                          "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "postgres"}}})
    refused(space, says="KEDA")
    space.kubectl("delete", "hpa", "keda-hpa-db").expect()
    node = space.path("pod/postgres-0", ".spec.nodeName")
    space.pod("backup", claims=["data-postgres-0"], nodeSelector={"kubernetes.io/hostname": node})
    refused(space, says="pod/" + space.name + "/backup mounts pvc/" + space.name + "/data-postgres-0")
    space.kubectl("delete", "pod", "backup", "--now").expect()
    space.kubectl("scale", "sts/postgres", "--replicas=2").expect()
    space.wait("jsonpath={.status.readyReplicas}=2", "sts/postgres")
    second = space.path("pvc/data-postgres-1", ".spec.volumeName")
    refused(space, says="has the ordinals 0, 1, and set/base has 0")
    space.kubectl("scale", "sts/postgres", "--replicas=1").expect()
    space.wait("delete", "pod/postgres-1")
    space.kubectl("delete", "pvc", "data-postgres-1").expect()
    space.wait("delete", f"pv/{second}")
    record = space.set("base")
    as_it_was = json.dumps(record)
    for container in record["containers"]:
        container["image"] = "hf.test/postgres:" + record["app"]["majorVersion"]
    text = json.dumps(record)
    image = space.path("sts/postgres", ".spec.template.spec.containers[0].image")
    patch(space, "configmap/holdfast-set-base", {"data": {"set.json": text}})
    patch(space, "sts/postgres", {"spec": {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}})
    space.kubectl("set", "image", "sts/postgres", "postgres=hf.test/postgres:99").expect()
    refused(space, says="major version")
    space.kubectl("set", "image", "sts/postgres", f"postgres={image}").expect()
    patch(space, "configmap/holdfast-set-base", {"data": {"set.json": as_it_was}})
    in_place(space).expect()
    assert seven(space) == "7"


def test_a_claim_with_a_snapshot_that_is_not_ready_is_refused(database):
    space = database
    space.snap("create", "sts/postgres", "--name", "uploading", "--snapshot-class", "fast-uploading").expect()
    refused(space, says="is not ready yet: its finalizer keeps the claim from going away")


def test_size_and_attributes_class_that_would_not_bind(database):
    space = database
    patch(space, "pvc/data-postgres-0", {"spec": {"resources": {"requests": {"storage": "320Mi"}}}})
    space.wait("jsonpath={.status.capacity.storage}=320Mi", "pvc/data-postgres-0")
    in_place(space).expect()
    assert space.path("pvc/data-postgres-0", ".spec.resources.requests.storage") == "320Mi"
    assert space.path("pvc/data-postgres-0", ".status.capacity.storage") == "320Mi"
    assert seven(space) == "7"
    patch(space, "pvc/data-postgres-0", {"spec": {"volumeAttributesClassName": "gold"}})
    refused(space, "--again", says="volumeAttributesClassName")


def test_an_unready_pod_does_not_hold_up_the_scale_down(space):
    service, sts = world.postgres(replicas=2)
    sts["spec"]["podManagementPolicy"] = "OrderedReady"
    space.apply(service, sts)
    space.wait("jsonpath={.status.readyReplicas}=2", "statefulset/postgres")
    for pod in ("postgres-0", "postgres-1"):
        space.psql(pod, "create table t as select 7 as x")
    space.snap("create", "sts/postgres", "--name", "base", "--wait", "ready").expect()
    space.shell("postgres-0", "rm -rf /data/pgdata/base /data/pgdata/global; kill 1")
    space.eventually(lambda: space.path("sts/postgres", ".status.readyReplicas") in ("1", "0", ""))
    in_place(space, "--accept-skew").expect()
    space.wait("jsonpath={.status.readyReplicas}=2", "statefulset/postgres")
    assert seven(space) == "7" and seven(space, "postgres-1") == "7"


def test_a_set_of_a_stopped_workload_is_consistent_and_needs_no_accept_skew(space):
    space.postgres(replicas=2)
    space.kubectl("scale", "sts/postgres", "--replicas=0").expect()
    space.eventually(lambda: not space.get("pods")["items"])
    assert "consistency stopped" in space.snap("create", "sts/postgres", "--name", "base", "--wait", "ready").expect().out
    assert space.set("base")["consistency"] == "stopped"
    in_place(space).expect()
    assert space.path("sts/postgres", ".spec.replicas") == "0"


def test_one_ordinal_is_restored_while_the_others_run_on(space):
    space.postgres(replicas=2)
    for pod in ("postgres-0", "postgres-1"):
        space.psql(pod, "create table t as select 7 as x")
    space.snap("create", "sts/postgres", "--name", "base", "--wait", "ready").expect()
    for pod in ("postgres-0", "postgres-1"):
        space.psql(pod, "update t set x = 8")
    uid = space.path("pod/postgres-0", ".metadata.uid")
    in_place(space, "--ordinal", "1").expect()
    assert seven(space, "postgres-1") == "7" and seven(space, "postgres-0") == "8"
    assert space.path("pod/postgres-0", ".metadata.uid") == uid
    assert space.path("sts/postgres", ".spec.replicas") == "2"


def test_a_deployment_and_a_bare_claim(space):
    space.claim("files")
    labels = {"app": "web"}
    space.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
                 "spec": {"replicas": 1, "strategy": {"type": "Recreate"}, "selector": {"matchLabels": labels},
                          "template": {"metadata": {"labels": labels}, "spec": {
                              "terminationGracePeriodSeconds": 0,
                              "volumes": [{"name": "files", "persistentVolumeClaim": {"claimName": "files"}}],
                              "containers": [{"name": "main", "image": world.BUSYBOX_IMAGE, "command": ["sleep", "100000"],
                                              "volumeMounts": [{"name": "files", "mountPath": "/files"}]}]}}}})
    space.wait("condition=Available", "deployment/web")

    def said():
        pod = space.get("pods", "-l", "app=web")["items"][0]["metadata"]["name"]
        return space.shell(pod, "cat /files/x").expect().out.strip()

    space.shell("deploy/web", "echo seven > /files/x; sync").expect()
    space.snap("create", "deploy/web", "--name", "base", "--wait", "ready").expect()
    space.shell("deploy/web", "echo eight > /files/x; sync").expect()
    space.restore("deploy/web", "--from", "base", "--in-place", "--yes", timeout=300).expect()
    assert said() == "seven"
    before = space.objects()
    run = space.restore("pvc/files", "--from", "base", "--in-place", "--yes", "--again").expect(3)
    assert "mounts pvc/" + space.name + "/files" in run.err and "nothing was changed" in run.err
    assert space.left_behind(before) == []
    space.shell("deploy/web", "echo nine > /files/x; sync").expect()
    space.kubectl("scale", "deploy/web", "--replicas=0").expect()
    space.eventually(lambda: not space.get("pods", "-l", "app=web")["items"])
    space.restore("pvc/files", "--from", "base", "--in-place", "--yes", "--again", timeout=300).expect()
    space.kubectl("scale", "deploy/web", "--replicas=1").expect()
    space.wait("condition=Available", "deployment/web")
    assert said() == "seven"


def test_data_that_is_not_the_recorded_one_is_found_while_the_workload_runs(database):
    space = database
    record = space.set("base")
    record["app"]["systemIdentifier"] = "1234567890123456789"
    patch(space, "configmap/holdfast-set-base", {"data": {"set.json": json.dumps(record)}})
    before = space.objects()
    uid = space.path("pod/postgres-0", ".metadata.uid")
    run = in_place(space).expect(6)
    assert "recorded was 1234567890123456789" in run.err
    assert space.path("pod/postgres-0", ".metadata.uid") == uid
    space.eventually(lambda: space.left_behind(before) == [])


def test_abort_before_the_point_of_no_return_and_ctrl_c_bring_the_start_back(database):
    space = database
    before = volumes(space)
    with space.start("restore", "sts/postgres", "--from", "base", "--in-place", "--yes", "--progress", "plain") as command:
        space.eventually(lambda: any("scale sts/" in line and "to 0" in line and "done" in line for line in command.err))
        assert command.end() == 130, command.text
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres")
    assert space.path("sts/postgres", ".spec.replicas") == "1"
    operation = space.restore("status", "-o", "name").expect().out.strip().removeprefix("operation/")
    space.restore("abort", operation, "--yes").expect()
    assert volumes(space) == before
    assert [i["metadata"]["name"] for i in space.get("pvc")["items"]] == ["data-postgres-0"]
    assert space.path("sts/postgres", ".metadata.annotations.holdfast\\.dev/replicas") == ""


def test_undo_puts_the_old_volume_back_and_is_undone_in_turn(database):
    space = database
    space.psql("postgres-0", "create table since as select 1 as y")
    old = space.path("pvc/data-postgres-0", ".spec.volumeName")
    first = operation_of(in_place(space).expect())
    new = space.path("pvc/data-postgres-0", ".spec.volumeName")
    assert seven(space) == "7"
    patch(space, "sts/postgres", {"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}})
    refused = space.restore("undo", "--yes").expect(3)
    assert "is kept in step by Flux kustomization apps" in refused.err and "--gitops-paused" in refused.err
    undone = space.restore("undo", "--gitops-paused", "--yes", "-o", "json", timeout=300).expect()
    patch(space, "sts/postgres", {"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": None}}})
    assert space.path("pvc/data-postgres-0", ".spec.volumeName") == old
    assert space.psql("postgres-0", "select y from since") == "1"
    space.wait("jsonpath={.status.phase}=Released", f"pv/{new}")
    assert volumes(space)[new] == ("data-postgres-0", "Released", "Retain")
    assert volumes(space)[old] == ("data-postgres-0", "Bound", "Delete")
    assert "writes that will be lost" in undone.err
    again = space.restore("undo", first, "--yes", timeout=300).expect()
    assert "undone already" in again.out
    space.restore("undo", operation_of(undone), "--yes", timeout=300).expect()
    assert space.path("pvc/data-postgres-0", ".spec.volumeName") == new
    assert seven(space) == "7"


def test_finalize_names_what_it_removes_and_removes_only_that(database):
    space = database
    old = space.path("pvc/data-postgres-0", ".spec.volumeName")
    operation = operation_of(in_place(space).expect())
    refused = space.restore("finalize", operation).expect(3)
    assert old in refused.err and "256Mi" in refused.err and "data-postgres-0" in refused.err
    assert old in volumes(space)
    space.restore("finalize", operation, "--yes").expect()
    assert old not in volumes(space)
    assert seven(space) == "7"
    gone = space.restore("finalize", operation, "--yes").expect(1)
    assert f"there is no operation {operation} that keeps volumes" in gone.err and "no operation keeps any here" in gone.err
    space.restore("undo", "--yes").expect(1)
