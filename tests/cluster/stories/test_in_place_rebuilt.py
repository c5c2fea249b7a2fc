"""Restore in place when somebody deletes the claim meanwhile, alone or together with its pod, as one who builds a replica
anew does."""
import pytest

from test_in_place import volumes
from test_in_place_trouble import database, killed_after, the_row_is_back  # noqa: F401 (a fixture)


def rebuild(space):
    uid = space.path("pvc/data-postgres-0", ".metadata.uid")
    space.kubectl("delete", "pvc/data-postgres-0", "pod/postgres-0").expect()
    space.eventually(lambda: space.path("pvc/data-postgres-0", ".metadata.uid") not in ("", uid))
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres")


def killed_before_the_stop(space, moment):
    """On a busy machine the kill can come after the pods were stopped, too late for what is told here: taken back, once more."""
    for _ in range(5):
        operation = killed_after(space, *moment)
        if space.path("sts/postgres", ".spec.replicas") != "0":
            return operation
        space.restore("abort", operation, "--yes", timeout=300).expect()
    pytest.fail("five kills came after the stop")


@pytest.mark.parametrize("moment", [("done: wait until the pods have seen",), ("done: set the claim retention policy", "to Retain")],
                         ids=["proven", "marked"])
def test_a_replica_that_is_built_anew_before_the_swap_is_left_as_it_is(database, moment):  # noqa: F811
    space = database
    space.kubectl("patch", "sts/postgres", "--type=merge", "-p",
                  '{"spec":{"persistentVolumeClaimRetentionPolicy":{"whenScaled":"Delete"}}}').expect()
    operation = killed_before_the_stop(space, moment)
    rebuild(space)
    theirs = space.path("pvc/data-postgres-0", ".spec.volumeName")
    pod = space.path("pod/postgres-0", ".metadata.uid")
    run = space.restore("resume", operation, "--yes", timeout=300).expect(4)
    assert "was deleted and made anew by somebody" in run.err and f"kubectl restore abort {operation}" in run.err, run.text
    space.restore("abort", operation, "--yes", timeout=300).expect()
    assert space.path("pod/postgres-0", ".metadata.uid") == pod  # never stopped
    assert space.path("pvc/data-postgres-0", ".spec.volumeName") == theirs
    assert volumes(space)[theirs] == ("data-postgres-0", "Bound", "Delete")
    assert space.restore("status", "-o", "json").expect().json()["items"] == []


def test_a_claim_that_somebody_deletes_meanwhile_gets_its_volume_all_the_same(database):  # noqa: F811
    space = database
    operation = killed_after(space, "done: scale sts/", "to 0")
    space.kubectl("delete", "pvc/data-postgres-0", "--wait=false").expect()
    space.restore("resume", operation, "--yes", timeout=300).expect()
    the_row_is_back(space)
