"""kill -9 at any moment: the same command line, run again, finishes; after gc nothing is left over.

The moments are spread over the time that an undisturbed run takes, by a seed that is printed; HOLDFAST_KILL_SEED replays
it. Each is so long after so many steps, since a whole run is now quicker and now slower. HOLDFAST_SOAK=1 takes ten times
as many.
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


def steps_done(command):
    return sum(line.startswith("  done: ") for line in list(command.err))


def gaps_of(space, words):
    """Seconds from the start of an undisturbed run to its first step's end, from there to the second's, ..., to the run's end."""
    seen = [time.monotonic()]
    with space.start(*words) as command:
        ended = False
        while not ended:
            ended = command.process.poll() is not None
            seen += [time.monotonic()] * (steps_done(command) + 1 - len(seen))
            time.sleep(0.005)
        seen.append(time.monotonic())
        assert command.end() == 0, command.text
    return [after - before for before, after in zip(seen, seen[1:])]


def moments(gaps):
    """MOMENTS times (steps done, seconds after that), one in each stretch of a run with these gaps."""
    chance, found = random.Random(SEED), []
    for i in range(MOMENTS):
        rest, steps = (i + chance.random()) * sum(gaps) / MOMENTS, 0
        while steps < len(gaps) - 1 and rest > gaps[steps]:
            rest -= gaps[steps]
            steps += 1
        found.append((steps, rest))
    return found


def strangers():
    """Processes of ours that outlived their parent: by the kubeconfig that only stories use."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if b"HOLDFAST_STORY=kill\0" in file.read():
                    with open(f"/proc/{pid}/cmdline", "rb") as line:
                        found.append(line.read().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            pass  # it has ended, or is a kernel thread
    return found


def killed_at(space, words, moment):
    """Starts the command and kills it with -9 at that moment; what kubectl runs takes kubectl's place, so it is the plugin
    that dies. True if it was still at work."""
    steps, rest = moment
    with space.start(*words) as command:
        while command.process.poll() is None and steps_done(command) < steps:
            time.sleep(0.005)
        time.sleep(rest)
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


def shared_out(databases, planned, story):
    """Tells each moment's story, several at a time, each database one at a time; the failures, as text."""
    def tell(worker):
        failures = []
        for number in range(worker, len(planned), WORKERS):
            try:
                story(databases[worker], number, planned[number])
            except AssertionError as failure:
                failures.append(f"seed {SEED}, moment {number} {planned[number]}: {failure}")
        return failures

    with ThreadPoolExecutor(WORKERS) as pool:
        return [failure for failures in pool.map(tell, range(WORKERS)) for failure in failures]


def test_a_drill_killed_at_any_moment_is_finished_by_the_next_and_leaves_nothing(databases):
    words = ["restore", "drill", "base", "--query", "select x from t", "--expect", "7"]
    with ThreadPoolExecutor(WORKERS) as pool:  # as loaded as the kills will be
        gaps = min(pool.map(lambda s: gaps_of(s, words), databases), key=sum)
    alive = []

    def story(space, number, moment):
        before = space.objects()
        alive.append(killed_at(space, words, moment))
        space.kubectl(*words).expect()
        space.restore("gc", "--yes").expect()
        assert space.left_behind(before) == []

    print(f"seed {SEED}; an undisturbed drill took {sum(gaps):.1f} s")
    failures = shared_out(databases, moments(gaps), story)
    print(f"{sum(alive)} of {len(alive)} were killed at work")
    assert not failures, "\n\n".join(failures)
    assert sum(alive) >= MOMENTS / 2, "most kills came too late to prove anything"
    assert strangers() == []


def test_a_restored_claim_is_finished_by_the_next_run_after_a_kill_and_nothing_else_is_left(databases):
    def words(number):
        return ["restore", f"pvc/restored-{number}", "--from", "base"]

    gaps = min((gaps_of(s, words("trial")) for s in databases), key=sum)
    alive = []

    def story(space, number, moment):
        before = space.objects()
        alive.append(killed_at(space, words(number), moment))
        space.kubectl(*words(number)).expect()
        space.restore("gc", "--yes").expect()
        claim = space.get(f"pvc/restored-{number}")
        assert claim["status"]["phase"] == "Bound"
        assert claim["spec"]["dataSource"]["kind"] == "VolumeSnapshot"
        left = space.left_behind(before)
        assert left == [("PersistentVolume", claim["spec"]["volumeName"]), ("PersistentVolumeClaim", f"restored-{number}")]

    print(f"seed {SEED}; an undisturbed restore took {sum(gaps):.1f} s")
    failures = shared_out(databases, moments(gaps), story)
    print(f"{sum(alive)} of {len(alive)} were killed at work")
    assert not failures, "\n\n".join(failures)
    assert sum(alive) >= MOMENTS / 2, "most kills came too late to prove anything"
    assert strangers() == []
