"""The owner of a restore in place, of an undo and of a finalize is stopped (SIGSTOP) at seeded moments, another user goes on or
takes it back meanwhile, and it wakes up: it writes nothing more, and the data is that of the one who went on."""
import json
import os
import random
import signal
import time

import pytest

import test_kill
import world
from test_lock import elsewhere, versions

MOMENTS = 20 if os.environ.get("HOLDFAST_SOAK") else 2
RESTORE = ["restore", "sts/postgres", "--from", "base", "--in-place", "--again", "--yes"]


@pytest.fixture
def database(new_space):
    space = new_space("in-place-paused")
    space.apply(*world.postgres())
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres")
    space.psql("postgres-0", "create table t as select 7 as x")
    space.snap("create", "sts/postgres", "--name", "base", "--wait", "ready").expect()
    space.psql("postgres-0", "update t set x = 8")
    return space


def all_that_is_written(space):
    volumes = {item["metadata"]["name"]: (item["spec"], item["metadata"].get("labels"), item["metadata"].get("annotations"))
               for item, _ in space.storage() if item["kind"] == "PersistentVolume"}
    return versions(space), volumes


def taken_over(space, words):
    """Another machine's user runs this until the owner is silent for so long that it is not refused any more."""
    end = time.monotonic() + world.PATIENCE_S
    while True:
        done = elsewhere(space, *words)
        if done.code != 4 or time.monotonic() > end:
            return done
        time.sleep(1)


def paused_in(space, words, seconds, successor):
    """True if it was still at work when it was stopped. `successor` runs what others do then."""
    with space.start(*words) as owner:
        time.sleep(seconds)
        if owner.process.poll() is not None:
            return False
        owner.process.send_signal(signal.SIGSTOP)
        try:
            successor()
            before = all_that_is_written(space)
        finally:
            owner.process.send_signal(signal.SIGCONT)
        code = owner.process.wait(world.PATIENCE_S)
        assert all_that_is_written(space) == before, f"it wrote after it was succeeded: {owner.text}"
        # What was done by somebody else meanwhile may be all that it had to see; else it says whose it is now.
        assert code in (0, 1, 3, 4, 5), owner.text
        assert code == 0 or "nothing" in owner.text or "no more writes" in owner.text or "no longer ours" in owner.text, owner.text
    return True


def last(space):
    """The operation whose volumes were kept last."""
    marks = [json.loads(item["metadata"]["annotations"]["holdfast.dev/swap"]) for item, _ in space.storage()
             if item["kind"] == "PersistentVolume" and "holdfast.dev/kept" in item["metadata"].get("labels", {})]
    return max(marks, key=lambda mark: mark["at"])["operation"]


def unfinished(space):
    return [one["operation"] for one in space.restore("status", "-o", "json").expect().json()["items"] if one["state"] != "done"]


def at_rest(space):
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres")
    assert unfinished(space) == []
    assert space.path("sts/postgres", ".spec.replicas") == "1"
    return space.psql("postgres-0", "select x from t")


def handles(space):
    return {item["spec"]["csi"]["volumeHandle"] for item, _ in space.storage() if item["kind"] == "PersistentVolume"}


def test_an_owner_that_wakes_after_a_takeover_writes_nothing_and_loses_nothing(database):
    space, dice = database, random.Random(f"{test_kill.SEED} paused")
    began = time.monotonic()
    space.kubectl(*RESTORE, timeout=300).expect()
    length = time.monotonic() - began
    assert at_rest(space) == "7"
    at_work = 0
    for _ in range(MOMENTS):
        moment, seen = dice.uniform(0.2, 0.9) * length, handles(space)
        print(f"seed {test_kill.SEED}: undo, stopped after {moment:.2f} s")
        name, was = last(space), at_rest(space)
        undo = ["restore", "undo", name, "--yes"]
        at_work += paused_in(space, undo, moment, lambda: taken_over(space, undo).expect())
        assert at_rest(space) == {"7": "8", "8": "7"}[was] and seen <= handles(space)

        moment, was = dice.uniform(0.2, 0.9) * length, at_rest(space)
        print(f"restore, stopped after {moment:.2f} s")
        back = []

        def abort_or_resume():
            for operation in unfinished(space):
                ended = taken_over(space, ["restore", "abort", operation, "--yes"])
                back.append(ended.code == 0)
                if ended.code == 3:
                    assert "point of no return" in ended.err, ended.text
                    ended = taken_over(space, ["restore", "resume", operation, "--yes"])
                ended.expect()

        at_work += paused_in(space, RESTORE, moment, abort_or_resume)
        assert at_rest(space) == (was if any(back) else "7") and seen <= handles(space)
    finalize = ["restore", "finalize", last(space), "--yes"]
    at_work += paused_in(space, finalize, 0.4, lambda: taken_over(space, finalize).expect())
    at_rest(space)
    print(f"{at_work} of {2 * MOMENTS + 1} were stopped at work")
    assert at_work >= MOMENTS
