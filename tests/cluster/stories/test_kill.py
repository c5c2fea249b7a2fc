"""kill -9 at any moment: the same command line, run again, finishes; after gc nothing is left over.

The moments are spread over the time that an undisturbed run takes, by a seed that is printed; HOLDFAST_KILL_SEED replays
it. HOLDFAST_SOAK=1 takes ten times as many.
"""
import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

SEED = int(os.environ.get("HOLDFAST_KILL_SEED", random.SystemRandom().randrange(10**6)))
MOMENTS = 200 if os.environ.get("HOLDFAST_SOAK") else 20
WORKERS = 4


def moments(seconds):
    """MOMENTS times between the start and a little after the end of a run that takes `seconds`, one in each stretch."""
    chance = random.Random(SEED)
    return [(i + chance.random()) * seconds * 1.1 / MOMENTS for i in range(MOMENTS)]


def strangers():
    """Processes of ours that outlived their parent: by the kubeconfig that only stories use."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if b"HOLDFAST_STORY=kill" in file.read():
                    with open(f"/proc/{pid}/cmdline", "rb") as line:
                        found.append(line.read().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            pass  # it has ended, or is a kernel thread
    return found


def killed_after(space, words, delay):
    """Starts the command and kills it with -9 after `delay`; what kubectl runs takes kubectl's place, so it is the plugin
    that dies. True if it was still at work."""
    with space.start(*words) as command:
        time.sleep(delay)
        alive = command.process.poll() is None
        command.end(signal.SIGKILL)
        return alive


def database(new_space):
    space = new_space("kill")
    space.cluster.environment["HOLDFAST_STORY"] = "kill"
    space.postgres()
    space.psql("postgres-0", "create table t as select 7 as x")
    space.snap("create", "sts/postgres", "--name", "base", "--wait", "ready").expect()
    return space


@pytest.fixture(scope="module")
def databases(cluster, _spaces):
    made = []

    def make(prefix):
        made.append(cluster.space(prefix))
        return made[-1]

    with ThreadPoolExecutor(WORKERS) as pool:
        spaces = list(pool.map(lambda _: database(make), range(WORKERS)))
    yield spaces
    for space in made:
        space.delete()
        _spaces.append(space)


def shared_out(databases, delays, story):
    """Tells each moment's story, several at a time, each database one at a time; the failures, as text."""
    def tell(worker):
        failures = []
        for number in range(worker, len(delays), WORKERS):
            try:
                story(databases[worker], number, delays[number])
            except AssertionError as failure:
                failures.append(f"seed {SEED}, moment {number} ({delays[number]:.3f} s): {failure}")
        return failures

    with ThreadPoolExecutor(WORKERS) as pool:
        return [failure for failures in pool.map(tell, range(WORKERS)) for failure in failures]


def test_a_drill_killed_at_any_moment_is_finished_by_the_next_and_leaves_nothing(databases):
    words = ["restore", "drill", "base", "--query", "select x from t", "--expect", "7"]
    with ThreadPoolExecutor(WORKERS) as pool:  # as loaded as the kills will be
        seconds = max(pool.map(lambda s: s.kubectl(*words).expect().seconds, databases))
    alive = []

    def story(space, number, delay):
        before = space.objects()
        alive.append(killed_after(space, words, delay))
        space.kubectl(*words).expect()
        space.restore("gc", "--yes").expect()
        assert space.left_behind(before) == []

    print(f"seed {SEED}; an undisturbed drill took {seconds:.1f} s")
    failures = shared_out(databases, moments(seconds), story)
    print(f"{sum(alive)} of {len(alive)} were killed at work")
    assert not failures, "\n\n".join(failures)
    assert sum(alive) >= MOMENTS / 2, "most kills came too late to prove anything"
    assert strangers() == []


def test_a_restored_claim_is_finished_by_the_next_run_after_a_kill_and_nothing_else_is_left(databases):
    def words(number):
        return ["restore", f"pvc/restored-{number}", "--from", "base"]

    seconds = max(s.kubectl(*words("trial")).expect().seconds for s in databases)
    alive = []

    def story(space, number, delay):
        before = space.objects()
        alive.append(killed_after(space, words(number), delay))
        space.kubectl(*words(number)).expect()
        space.restore("gc", "--yes").expect()
        claim = space.get(f"pvc/restored-{number}")
        assert claim["status"]["phase"] == "Bound"
        assert claim["spec"]["dataSource"]["kind"] == "VolumeSnapshot"
        left = space.left_behind(before)
        assert left == [("PersistentVolume", claim["spec"]["volumeName"]), ("PersistentVolumeClaim", f"restored-{number}")]

    print(f"seed {SEED}; an undisturbed restore took {seconds:.1f} s")
    failures = shared_out(databases, moments(seconds), story)
    print(f"{sum(alive)} of {len(alive)} were killed at work")
    assert not failures, "\n\n".join(failures)
    assert sum(alive) >= MOMENTS / 2, "most kills came too late to prove anything"
    assert strangers() == []
