"""What somebody else does between the decision to swap volumes and its end: deletes a volume that was to be kept, scales up, grows or deletes a
claim, makes a snapshot anew. No database starts on an empty volume, nothing that was to be kept is lost in silence."""
import json
import os
import pty
import time

import pytest

from simulated_cluster import REAL, SPACE, refusal
from test_simulated_stories import FILES, IN_PLACE, cluster, holds, server  # noqa: F401

UNTOUCHED = "no claim was deleted"


def held(cluster, method, path, words, act, skip=0):
    """Runs `words`; while such a request, the first after `skip`, is held back somebody else acts."""
    cluster.rules({"method": method, "path": path, "skip": skip, "times": 1, "reply": {"announce": True, "through": True, "delay_ms": 4000}})
    started = cluster.start("restore", *words)
    cluster.arrived.get(timeout=60)
    act()
    done = started.end()
    cluster.rules()
    return done


def volumes(cluster):
    """Of the claims that are bound, without those of an operation."""
    return {c["metadata"]["name"]: c["spec"]["volumeName"] for c in cluster.get("pvc")["items"]
            if c["spec"].get("volumeName") and "holdfast.dev/operation" not in c["metadata"].get("labels", {})}


def operation(cluster):
    return json.loads(cluster.run("restore", "status", "-o", "json").out)["items"][0]["operation"]


def delete_volume(cluster, claim):
    cluster.write("DELETE", "pv", volumes(cluster)[claim], {})
    cluster.settle()


def make_snapshot_anew(cluster, name, claim):
    cluster.order(judge=True, deletes="snapshots")
    cluster.write("DELETE", "vs", name, {})
    cluster.settle()
    cluster.write("POST", "vs", "", {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": name, "namespace": SPACE},
                                     "spec": {"volumeSnapshotClassName": "cuts", "source": {"persistentVolumeClaimName": claim}}})
    cluster.settle()


@pytest.mark.parametrize("words, claim", [(IN_PLACE, "data-postgres-0"), (FILES, "files")])
def test_a_volume_that_is_being_deleted_could_not_be_kept(cluster, words, claim):
    delete_volume(cluster, claim)
    before = cluster.state()
    done = cluster.run("restore", *words, code=3)
    assert f"of pvc/{SPACE}/{claim} is being deleted: it goes as soon as the claim lets go of it, and could not be kept" in done.err
    assert cluster.state() == before


def test_a_volume_that_is_deleted_while_the_new_ones_are_proven_ends_it_before_anything_is_stopped(cluster):
    before = volumes(cluster)
    done = held(cluster, "POST", r"/pods(\?|$)", IN_PLACE, lambda: delete_volume(cluster, "data-postgres-0"))
    assert done.code == 4 and f"pv/{before['data-postgres-0']} of pvc/{SPACE}/data-postgres-0 is being deleted by somebody" in done.err, done
    assert UNTOUCHED in done.err and cluster.get("sts", "postgres")["spec"]["replicas"] == 2
    cluster.run("restore", "abort", operation(cluster), "--yes")
    assert volumes(cluster) == before


def test_a_kept_volume_that_somebody_deletes_in_the_swap_is_told_with_where_its_data_is(cluster):
    old = volumes(cluster)["files"]
    cluster.order(judge=False)
    # The claim's own deletion is done when its successor is asked for: the second POST, after the temporary claim's.
    done = held(cluster, "POST", "persistentvolumeclaims" + REAL, FILES, lambda: cluster.write("DELETE", "pv", old, {}), skip=1)
    assert done.code == 1 and f"pv/{old} is gone (driver disk.example, handle " in done.err, done
    assert "the storage still has the data" in done.err and cluster.get("deploy", "files")["spec"]["replicas"] == 1


def test_replicas_that_come_while_the_new_volumes_are_proven_are_no_mixed_set(cluster):
    before = volumes(cluster)
    done = held(cluster, "POST", r"/pods(\?|$)", IN_PLACE, lambda: cluster.write("PATCH", "sts", "postgres", {"spec": {"replicas": 3}}))
    assert done.code == 4 and f"sts/{SPACE}/postgres was scaled to 3 meanwhile: ordinals from 2 on would stay on what they have" in done.err, done
    cluster.settle()
    assert {c: v for c, v in volumes(cluster).items() if c in before} == before and cluster.get("sts", "postgres")["spec"]["replicas"] == 3


def test_replicas_that_come_while_an_undo_secures_its_volumes_are_no_mixed_set(cluster):
    first = json.loads(cluster.run("restore", *IN_PLACE, "-o", "json").out)["operation"]
    before = volumes(cluster)
    done = held(cluster, "PATCH", "persistentvolumes/" + REAL, ["undo", first, "--yes"], lambda: cluster.write("PATCH", "sts", "postgres", {"spec": {"replicas": 3}}))
    assert done.code == 4 and "was scaled to 3 meanwhile" in done.err, done
    cluster.settle()
    assert {c: v for c, v in volumes(cluster).items() if c in before} == before


def test_a_claim_that_grows_meanwhile_does_not_shrink_and_one_that_gets_a_label_keeps_it(cluster):
    def grow():
        cluster.write("PATCH", "pvc", "data-postgres-0", {"spec": {"resources": {"requests": {"storage": "3Gi"}}}})
    done = held(cluster, "POST", r"/pods(\?|$)", IN_PLACE, grow)
    assert done.code == 4 and f"pvc/{SPACE}/data-postgres-0 was changed meanwhile: it asks for 3Gi, not 1Gi" in done.err, done
    cluster.run("restore", "abort", operation(cluster), "--yes")

    def label():
        cluster.write("PATCH", "pvc", "data-postgres-0", {"metadata": {"labels": {"billing": "new"}, "annotations": {"who": "me"}}})
    done = held(cluster, "POST", r"/pods(\?|$)", IN_PLACE, label)
    assert done.code == 0, done
    metadata = cluster.get("pvc", "data-postgres-0")["metadata"]
    assert metadata["labels"]["billing"] == "new" and metadata["annotations"]["who"] == "me"


def grow(cluster, claim):
    return lambda: cluster.write("PATCH", "pvc", claim, {"spec": {"resources": {"requests": {"storage": "3Gi"}}}})


def test_a_claim_that_grows_in_the_very_moment_of_the_first_deletion_is_not_deleted(cluster):
    before = volumes(cluster)
    # The third list of snapshots is the last thing that is read before the deletion.
    done = held(cluster, "GET", r"/volumesnapshots(\?|$)", IN_PLACE, grow(cluster, "data-postgres-0"), skip=2)
    assert done.code == 4 and f"pvc/{SPACE}/data-postgres-0 was changed meanwhile: it asks for 3Gi, not 1Gi" in done.err, done
    assert cluster.get("sts", "postgres")["spec"]["replicas"] == 2
    assert {c: v for c, v in volumes(cluster).items() if c in before} == before


def test_a_claim_that_grows_once_another_one_is_deleted_is_told_of(cluster):
    done = held(cluster, "DELETE", "persistentvolumeclaims/data-postgres-0", IN_PLACE, grow(cluster, "data-postgres-1"))
    assert done.code == 0, done
    assert (f"WARNING: pvc/{SPACE}/data-postgres-1 was changed by somebody while other claims were being swapped: it asked for 3Gi when it was deleted, "
            f"and asks for 1Gi now, as planned; to grow it: kubectl pvc-expand pvc/data-postgres-1 -n {SPACE} --size 3Gi\n") in done.out, done
    cluster.run("pvc_expand", "pvc/data-postgres-1", "--size", "3Gi", "--yes")
    assert cluster.get("pvc", "data-postgres-1")["spec"]["resources"]["requests"]["storage"] == "3Gi"


def test_a_finalizer_that_comes_meanwhile_keeps_nothing_down(cluster):
    def protect():
        have = cluster.get("pvc", "data-postgres-1")["metadata"]["finalizers"]
        cluster.write("PATCH", "pvc", "data-postgres-1", {"metadata": {"finalizers": [*have, "provisioner.storage.kubernetes.io/cloning-protection"]}})
    done = held(cluster, "POST", r"/pods(\?|$)", IN_PLACE, protect)
    assert done.code == 4 and "has got the finalizer provisioner.storage.kubernetes.io/cloning-protection meanwhile" in done.err, done
    assert cluster.get("sts", "postgres")["spec"]["replicas"] == 2


def test_a_snapshot_that_was_made_anew_is_another_one_also_for_a_resume(cluster):
    cluster.rules({"method": "POST", "path": "persistentvolumeclaims" + REAL, "reply": refusal()})
    cluster.run("restore", "deploy/files", "--from", "vs/papers-files", "--in-place", "--yes", code=5)
    cluster.rules()
    make_snapshot_anew(cluster, "papers-files", "files")
    before = volumes(cluster)
    done = cluster.run("restore", "resume", operation(cluster), "--yes", code=4)
    assert f"the snapshot of pvc/{SPACE}/files was deleted and made anew since this operation began" in done.err
    assert volumes(cluster) == before
    cluster.run("restore", "abort", operation(cluster), "--yes")


def test_a_snapshot_that_is_made_anew_while_the_question_stands_is_not_the_one_that_was_shown(cluster):
    near, far = pty.openpty()
    started = cluster.start("restore", "deploy/files", "--from", "vs/papers-files", "--in-place", stdin=far)
    end = time.monotonic() + 30
    while "Go on?" not in (cluster.folder / "err").read_text(errors="replace"):
        assert time.monotonic() < end and started.running()
        time.sleep(0.05)
    make_snapshot_anew(cluster, "papers-files", "files")
    before = volumes(cluster)
    os.write(near, b"y\n")
    done = started.end()
    os.close(near)
    os.close(far)
    assert done.code == 4 and "was deleted and made anew since the plan was shown; nothing was changed" in done.err, done
    assert volumes(cluster) == before


def delete_claim_when_read(cluster, started):
    """Somebody deletes a claim after it was read for the last time and before the workload is started."""
    cluster.arrived.get(timeout=60)
    cluster.settle()
    cluster.write("DELETE", "pvc", "data-postgres-0", {})
    cluster.settle()
    done = started.end()
    cluster.rules()
    return done


def test_service_is_not_brought_back_on_an_empty_volume(cluster):
    cluster.rules({"method": "DELETE", "path": "/pods/postgres", "reply": refusal(announce=True, delay_ms=5000)})
    started = cluster.start("restore", *IN_PLACE)
    cluster.arrived.get(timeout=60)
    cluster.rules({"method": "GET", "path": "volumeattachments", "times": 1, "reply": {"through": True, "announce": True, "delay_ms": 4000}},
                  {"method": "DELETE", "path": "/pods/postgres", "reply": refusal()})
    done = delete_claim_when_read(cluster, started)
    assert done.code in (4, 5) and "data-postgres-0" in done.err, done
    cluster.settle()
    assert cluster.get("sts", "postgres")["spec"]["replicas"] == 0 and cluster.get("pvc", "data-postgres-0") is None
    cluster.run("restore", "resume", operation(cluster), "--yes")
    assert cluster.get("sts", "postgres")["spec"]["replicas"] == 2
    holds(cluster)  # and no invariant was broken


def test_what_is_started_at_a_resume_is_not_started_on_an_empty_volume(cluster):
    cluster.rules({"method": "PATCH", "path": "statefulsets/postgres" + REAL, "skip": 2, "reply": refusal()})
    cluster.run("restore", *IN_PLACE, code=5)
    assert cluster.get("sts", "postgres")["spec"]["replicas"] == 0
    cluster.rules({"method": "GET", "path": "volumeattachments", "times": 1, "skip": 1, "reply": {"through": True, "announce": True, "delay_ms": 4000}})
    done = delete_claim_when_read(cluster, cluster.start("restore", "resume", operation(cluster), "--yes"))
    assert done.code == 4 and "data-postgres-0" in done.err, done
    cluster.run("restore", "resume", operation(cluster), "--yes")
    assert cluster.get("sts", "postgres")["spec"]["replicas"] == 2
    holds(cluster)


def test_an_incoming_volume_that_goes_with_the_old_claim_is_made_anew(cluster):
    def act():
        cluster.order(judge=False)
        for one in cluster.get("pv")["items"]:
            if one["metadata"].get("labels", {}).get("holdfast.dev/put-in"):
                cluster.write("DELETE", "pv", one["metadata"]["name"], {})
    done = held(cluster, "DELETE", r"persistentvolumeclaims/files(\?|$)", [*FILES, "--timeout", "5s"], act)
    assert done.code != 0, done
    cluster.run("restore", "resume", operation(cluster), "--yes", "--timeout", "5s")
    assert cluster.get("deploy", "files")["spec"]["replicas"] == 1 and "files" in volumes(cluster)


def test_an_undo_whose_kept_volume_is_deleted_goes_back_to_what_the_claim_had(cluster):
    cluster.run("restore", *FILES)
    taken_out = volumes(cluster)["files"]

    def act():
        cluster.order(judge=False)
        for one in cluster.get("pv")["items"]:
            if one["metadata"].get("labels", {}).get("holdfast.dev/put-in"):
                cluster.write("DELETE", "pv", one["metadata"]["name"], {})
    began = time.monotonic()
    done = held(cluster, "DELETE", r"persistentvolumeclaims/files(\?|$)", ["undo", "--yes", "--timeout", "10m"], act)
    assert done.code == 4 and time.monotonic() - began < 40, done  # found in seconds, not after --timeout
    assert "somebody deleted what was to be put back: pv/" in done.err and "what the claims had until now is kept" in " ".join(done.err.split()), done
    assert volumes(cluster)["files"] == taken_out and cluster.get("deploy", "files")["spec"]["replicas"] == 1
    undo = next(o["operation"] for o in json.loads(cluster.run("restore", "status", "-o", "json").out)["items"] if o["operation"].startswith("undo"))
    cluster.run("restore", "abort", undo, "--yes")
    assert volumes(cluster)["files"] == taken_out
