"""Restore in place among others: a workload whose name begins alike, a snapshot that somebody begins in the middle, a pod's
own volume, names as long as charts make them, volumes that somebody has looked into."""
import json
import re

import pytest

import world


def deployment(name, claim, node=None, **pod):
    labels = {"app": name}
    where = {"nodeSelector": {"kubernetes.io/hostname": node}} if node else {}
    container = {"name": "main", "image": world.BUSYBOX_IMAGE, "command": ["sleep", "100000"],
                 "volumeMounts": [{"name": "files", "mountPath": "/files"}]}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels}, "spec": {
                         "terminationGracePeriodSeconds": 0, **where,
                         "volumes": [{"name": "files", "persistentVolumeClaim": {"claimName": claim}}],
                         "containers": [{**container, **pod}]}}}}


def snapped(space, target="deploy/web"):
    space.snap("create", target, "--name", "base", "--wait", "ready").expect()


def in_place(space, target="deploy/web", *words):
    return space.restore(target, "--from", "base", "--in-place", "--yes", *words, timeout=300)


@pytest.fixture
def web(space):
    space.claim("files")
    space.apply(deployment("web", "files"))
    space.wait("condition=Available", "deployment/web")
    return space


def test_pods_of_a_deployment_whose_name_begins_alike_are_not_the_workloads_own(web):
    space = web
    pod = space.get("pods", "-l", "app=web")["items"][0]
    space.apply(deployment("web-admin", "files", pod["spec"]["nodeName"]))
    space.wait("condition=Available", "deployment/web-admin")
    snapped(space)
    before = space.objects()
    refused = in_place(space).expect(3)
    assert re.search(r"pod/\S+/web-admin-\S+ mounts pvc/\S+/files and is not one of deploy/\S+/web's", refused.err)
    assert "nothing was changed" in refused.err and space.left_behind(before) == []


def test_a_snapshot_that_is_begun_in_the_middle_brings_the_workload_back_before_a_claim_is_deleted(space):
    space.claim("files")
    space.apply(deployment("web", "files"))
    space.wait("condition=Available", "deployment/web")
    snapped(space)
    pod = space.get("pods", "-l", "app=web")["items"][0]["metadata"]["name"]
    space.hold(f"pod/{pod}")
    uid = space.path("pvc/files", ".metadata.uid")
    with space.start("restore", "deploy/web", "--from", "base", "--in-place", "--yes") as restoring:
        space.eventually(lambda: space.path("deploy/web", ".spec.replicas") == "0")
        # As far as it is uploaded while the pod stops it is not ready, and this one stays so.
        space.apply({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": "nightly"},
                     "spec": {"volumeSnapshotClassName": "broken", "source": {"persistentVolumeClaimName": "files"}}})
        space.let_go(f"pod/{pod}")
        assert restoring.process.wait(world.PATIENCE_S) == 4, restoring.text
    restoring.end()
    assert f"vs/{space.name}/nightly of pvc/{space.name}/files was begun meanwhile" in restoring.text
    assert space.path("deploy/web", ".spec.replicas") == "1" and space.path("pvc/files", ".metadata.uid") == uid
    space.wait("condition=Available", "deployment/web")
    space.kubectl("delete", "volumesnapshot", "nightly").expect()
    in_place(space).expect()


def test_the_volume_of_a_single_pod_is_its_own(space):
    claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "64Mi"}}}
    space.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "job"},
                 "spec": {"terminationGracePeriodSeconds": 0,
                          "volumes": [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": claim}}}],
                          "containers": [{"name": "main", "image": world.BUSYBOX_IMAGE, "command": ["sleep", "100000"],
                                          "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}]}})
    space.wait("condition=Ready", "pod/job")
    snapped(space, "pod/job")
    assert [member["claim"] for member in space.set("base")["members"]] == ["job-scratch"]
    refused = in_place(space, "pvc/job-scratch", "--image", world.BUSYBOX_IMAGE).expect(3)
    assert "is owned by Pod/job" in refused.err and "nothing was changed" in refused.err


def test_a_claim_with_a_name_as_charts_make_them(space):
    name = "prometheus-kube-prometheus-stack-prometheus-db-prometheus-kube-prometheus-stack-prometheus"
    space.claim(name)
    space.apply(deployment("web", name))
    space.wait("condition=Available", "deployment/web")
    space.shell("deploy/web", "echo seven > /files/x; sync").expect()
    snapped(space)
    space.shell("deploy/web", "echo eight > /files/x; sync").expect()
    in_place(space).expect()
    assert space.shell("deploy/web", "cat /files/x").expect().out == "seven\n"


def test_an_image_without_a_shell_says_nothing_about_the_data(space):
    space.claim("files")
    space.apply(deployment("web", "files", image="hf.test/pause:1", command=None))
    space.wait("condition=Available", "deployment/web")
    snapped(space)
    blind = in_place(space).expect(5)
    assert "could not be looked at" in blind.err and "the data was not judged" in blind.err and "--image" in blind.err
    in_place(space, "deploy/web", "--image", world.BUSYBOX_IMAGE).expect()


def test_finalize_removes_a_volume_whose_reservation_was_taken_off_and_knows_where_it_is(web):
    space = web
    snapped(space)
    operation = in_place(space, "deploy/web", "-o", "json").expect().json()["operation"]
    old = space.get("pv", "-l", f"holdfast.dev/kept={operation}")["items"][0]["metadata"]["name"]
    elsewhere = space.cluster.kubectl("restore", "finalize", operation, "--yes", "-n", "default").expect(1)
    assert f"keeps no volumes in namespace default, but in {space.name}" in elsewhere.err
    # Of a class that nobody asks for: without its reservation any claim of the cluster that waits could be bound to it.
    unreserved = {"spec": {"claimRef": None, "storageClassName": "nobody-asks-for-this"}}
    space.kubectl("patch", "pv", old, "--type=merge", "-p", json.dumps(unreserved)).expect()
    space.wait("jsonpath={.status.phase}=Available", f"pv/{old}")
    space.restore("finalize", operation, "--yes").expect()
    assert space.kubectl("get", "pv", old, "--ignore-not-found").out == ""


def test_a_wait_for_a_workload_that_does_not_start_says_which_pod_and_why(web):
    space = web
    snapped(space)
    space.kubectl("set", "image", "deploy/web", "main=hf.test/nope:1").expect()
    space.wait("jsonpath={.status.updatedReplicas}=1", "deploy/web")
    space.kubectl("rollout", "pause", "deploy/web").expect()
    failed = in_place(space, "deploy/web", "--timeout", "20s").expect(5)
    assert "is in the middle of a rollout" in failed.err
    assert re.search(r"0 of 1 pods are ready.*hf\.test/nope:1", failed.err), failed.text
