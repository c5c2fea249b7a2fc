"""The real binaries against what a process and a wire can do, on the simulated cluster over HTTPS: kill -9 when a request has arrived
and before or after it was carried out, connections that break, half answers, 429, slowness. Then the same command line
again: it must come to the same end as a run without any fault, with the invariants of the crash matrix kept after each write.

The kills' moments are chosen by a seed that is printed; HOLDFAST_KILL_SEED replays it.
"""
import json
import os
import queue
import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from simulated_cluster import Cluster, difference, spread

SEED = int(os.environ.get("HOLDFAST_KILL_SEED", random.SystemRandom().randrange(10**6)))
WORKERS = 3
FOR_EVER = {"announce": True, "drop": True, "delay_ms": 600000}
CREATE = ["snap", "create", "sts/postgres", "--name", "before", "--app", "none"]
# name -> (world, command line, kills, exit code of a run that finds everything done)
KILLED = {
    "create": ("start", CREATE, 6, 3),
    "create-quiesced": ("start", [*CREATE, "--quiesce", "exec", "--pre", "freeze", "--post", "thaw"], 4, 3),
    "delete": ("sets", ["snap", "delete", "before", "--force", "--yes"], 4, 1),
    "pvc": ("sets", ["restore", "pvc/data-copy", "--from", "before", "--claim", "data-postgres-0"], 5, 0),
    "pvc-consumer": ("sets", ["restore", "pvc/files-copy", "--from", "papers", "--storage-class", "later"], 5, 0),
    "in-place": ("sets", ["restore", "sts/postgres", "--from", "before", "--in-place", "--accept-skew", "--yes"], 10, 0),
    "undo": ("swapped", ["restore", "undo", "OPERATION", "--yes"], 6, 0),
    "finalize": ("swapped", ["restore", "finalize", "OPERATION", "--yes"], 4, 1),
}
# What a command is asked to delete, and need not keep.
DELETES = {"delete": "snapshots", "finalize": "kept volumes"}
# After a kill the end of this one is as good: a quiescence that an interrupted run cannot promise any more.
OR_ELSE = {"create-quiesced": CREATE}
# What happens to one request; `through`: the server has done what was asked.
WIRE = {
    "reset-before": {"drop": True},
    "reset-after": {"drop": True, "through": True},
    "half-body": {"through": True, "cut_after": 40},
    "slow": {"through": True, "delay_ms": 700},
    "429": {"status": 429, "headers": {"Retry-After": "1", "Content-Type": "text/plain"}, "body": "slow down"},
}


def prepared(folder, certificates):
    cluster = Cluster(folder, certificates)
    cluster.order(save="start")
    cluster.run("snap", "create", "sts/postgres", "--name", "before", "--wait", "ready")
    cluster.run("snap", "create", "deploy/files", "--name", "papers", "--wait", "ready")
    cluster.settle()
    cluster.order(save="sets")
    cluster.operation = json.loads(cluster.run(*KILLED["in-place"][1], "-o", "json").out)["operation"]
    cluster.settle()
    cluster.order(save="swapped")
    cluster.references = {}
    return cluster


@pytest.fixture(scope="module")
def clusters(tmp_path_factory, certificates):
    folder = tmp_path_factory.mktemp("simulated")
    with ThreadPoolExecutor(WORKERS) as pool:
        made = list(pool.map(lambda number: prepared(folder / str(number), certificates), range(WORKERS)))
    yield made
    for cluster in made:
        cluster.stop()


def words_of(cluster, words):
    return [cluster.operation if word == "OPERATION" else word for word in words]


def reference(cluster, name):
    """(requests, end, another end that is as good) of a run without any fault, on this cluster."""
    if name not in cluster.references:
        world, words, _, _ = KILLED[name]
        cluster.begin(world, deletes=DELETES.get(name, ""))
        cluster.requests()
        cluster.run(*words_of(cluster, words))
        count = len(cluster.requests())
        end, other = cluster.state(), None
        if name in OR_ELSE:
            cluster.begin(world)
            cluster.run(*OR_ELSE[name])
            other = cluster.state()
        cluster.references[name] = (count, end, other)
    return cluster.references[name]


def finish(cluster, name, first):
    """The same command line again ends well, and all is as if nothing had happened."""
    _, words, _, when_done = KILLED[name]
    cluster.settle()
    again = cluster.run(*words_of(cluster, words), code=None)
    allowed = {0, when_done}
    assert again.code in allowed, f"the next run ends with {again.code}\n{again}\nthe first one:\n{first}"
    assert difference(reference(cluster, name)[1], cluster.state(), reference(cluster, name)[2]) == [], f"{first}\nthen:\n{again}"


def test_killed_at_any_request_the_next_run_comes_to_the_same_end(clusters):
    chance, cases = random.Random(SEED), []
    for name, (_, _, kills, _) in KILLED.items():
        cases += [(name, (i + chance.random()) / kills, chance.random() < 0.5) for i in range(kills)]
    at_work = []

    def story(cluster, case):
        name, share, carried_out = case
        count = reference(cluster, name)[0]
        world, words, _, _ = KILLED[name]
        cluster.begin(world, deletes=DELETES.get(name, ""))
        cluster.rules({"skip": int(share * count), "times": 1, "reply": {**FOR_EVER, "through": carried_out}})
        started = cluster.start(*words_of(cluster, words))
        arrived = None
        while arrived is None and started.running():
            try:
                arrived = cluster.arrived.get(timeout=0.01)
            except queue.Empty:
                pass
        done = started.kill()
        at_work.append(arrived is not None)
        cluster.rules()
        finish(cluster, name, f"killed at {arrived}\n{done}")

    spread(clusters, cases, story)
    print(f"seed {SEED}: {sum(at_work)} of {len(at_work)} were killed at work")
    assert sum(at_work) >= 0.9 * len(at_work), "most kills came too late to prove anything"


@pytest.mark.parametrize("fault", WIRE)
def test_a_fault_on_the_wire_at_each_request_of_a_snapshot_loses_nothing(clusters, fault):
    count = reference(clusters[0], "create")[0]
    each = {"slow": 6, "429": 6}.get(fault, 3)
    first = random.Random(f"{SEED}{fault}").randrange(each)
    hit, failed = [], []

    def story(cluster, number):
        reference(cluster, "create")
        cluster.begin("start")
        cluster.requests()
        cluster.rules({"skip": number, "times": 1, "reply": {"announce": True, **WIRE[fault]}})
        began = time.monotonic()
        done = cluster.run(*CREATE, code=None)
        seconds = time.monotonic() - began
        cluster.rules()
        assert done.code in (0, 1, 3, 4, 5, 7), done
        assert done.code == 0 or "error" in done.err.lower(), f"a failure without a word: {done}"
        if not cluster.arrived.empty():
            hit.append(cluster.arrived.get())
        if fault in ("slow", "429"):
            assert done.code == 0, f"{fault} is to be waited for: {hit[-1:]}\n{done}"
        failed.append(done.code != 0)
        assert seconds < 30, f"{seconds:.1f} s\n{done}"
        if done.code == 0:
            assert difference(reference(cluster, "create")[1], cluster.state()) == [], f"exit 0, but: {hit[-1:]} {done}"
        else:
            finish(cluster, "create", f"{fault} at {hit[-1:]}\n{done}")

    spread(clusters, list(range(first, count, each)), story)
    print(f"{fault}: {len(hit)} of {count} requests were hit, {sum(failed)} runs failed and were run again")
    assert len(hit) >= count / each * 0.8


# No file can grow: neither what the output goes to nor a copy of its own that a command keeps on the machine.
FULL_DISK = ["sh", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]


@pytest.mark.parametrize("name, words", [
    ("create", CREATE), ("in-place", KILLED["in-place"][1]), ("clone", ["clone", "sts/postgres", "staging"]),
    ("expand", ["pvc-expand", "sts/postgres", "--size", "2Gi", "--yes"])])
def test_a_full_disk_changes_nothing_but_that_nobody_reads_of_it(clusters, name, words):
    cluster, world = clusters[0], "start" if name in ("create", "clone", "expand") else "sets"
    cluster.begin(world)
    cluster.run(*words)
    end = cluster.state()
    cluster.begin(world)
    done = cluster.start(words[0], *words[1:], before=FULL_DISK).end()
    assert (done.out, done.err) == ("", ""), "the disk is not full: this test proves nothing"
    assert done.code == 5, "what nobody can read of was not told by the exit code"
    assert difference(end, cluster.state()) == []
