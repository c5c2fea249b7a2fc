"""Killed at a chosen step rather than at a moment: at each call that makes something durable, puts one thing in another's place or takes it away."""
import collections
import os
import random
import re
import subprocess

import pytest
import shuffler
from conftest import MOVER, SOAK
from wire import Receiver, make_key

SEED = int(os.environ.get("HOLDFAST_KILL_SEED", "5"))
STEPS = ["fsync", "fdatasync", "syncfs", "rename", "renameat", "renameat2", "linkat", "unlink", "unlinkat", "ftruncate", "fallocate"]
KILLS = 8  # of all steps; `make soak` takes each


def traced(log, *how):
    return ["strace", "-f", "-qq", "-o", log, *[word for one in how for word in ("-e", one)]]


def killed_at(call, number):
    """When some thread makes its `number`th such call, before the kernel does it."""
    return traced("/dev/null", f"trace={call}", f"inject={call}:signal=KILL:when={number}")


def steps_of(log):
    """Each call with the number that it had in its thread: what killed_at() counts by."""
    counts = collections.Counter()
    for line in log.read_text().splitlines():
        thread, call = re.match(r"(\d+) +(\w+)\(", line).groups() if re.match(r"\d+ +\w+\(", line) else (None, None)
        if call:
            counts[thread, call] += 1
    most = collections.Counter()
    for (_, call), count in counts.items():
        most[call] = max(most[call], count)
    return [(call, number + 1) for call in STEPS for number in range(most[call])]


class World:
    """A source that goes on changing, its target, and how often each side was killed."""

    def __init__(self, disk, mover, same, folder):
        self.source, self.target, self.state = disk("source", 48), disk("target", 48), folder / "state"
        self.mover, self.same, self.log, self.killed = mover, same, folder / "log", 0
        self.state.mkdir()
        self.key = make_key(folder / "key")
        (self.source.path / "shuffled").mkdir()
        self.changes = shuffler.Shuffler(str(self.source.path / "shuffled"), SEED)
        self.changes.run(60)
        (self.source.path / "table").write_bytes(os.urandom(8_000_000))

    def change(self):
        self.changes.run(6)
        with open(self.source.path / "table", "r+b") as file:
            file.seek(random.Random(self.killed).randrange(7_000_000))
            file.write(os.urandom(40_000))
        (self.source.path / "again").write_bytes(os.urandom(1000))
        os.replace(self.source.path / "again", self.source.path / "replaced")

    def run(self, side, under):
        words = ["--state", self.state]
        if side == "copy":
            return subprocess.run([*under, MOVER, "copy", self.source.path, self.target.path, *words], capture_output=True, text=True).returncode
        there = Receiver(self.target.path, self.key, under=under if side == "receive" else ())
        send = [MOVER, "send", self.source.path, "--to", there.address, "--key-file", self.key, *words]
        code = subprocess.run([*(under if side == "send" else ()), *send], capture_output=True, text=True, timeout=120).returncode
        if code != 0:  # a receiver waits for another sender
            there.process.kill()
        there.process.communicate(timeout=120)
        return code if side == "send" else there.process.returncode


@pytest.mark.parametrize("side", ["copy", "send", "receive"])
def test_a_side_that_is_killed_at_any_durable_step_goes_on(disk, mover, same, tmp_path, side):
    print(f"HOLDFAST_KILL_SEED={SEED}")
    world = World(disk, mover, same, tmp_path)
    assert world.run(side, []) == 0
    world.change()
    assert world.run(side, traced(world.log, "trace=" + ",".join(STEPS))) == 0
    steps = steps_of(world.log)
    seen = {call for call, _ in steps}
    assert {"rename", "renameat", "renameat2"} & seen if side != "receive" else "syncfs" in seen
    for call, number in steps if SOAK else random.Random(SEED).sample(steps, min(KILLS, len(steps))):
        world.change()
        code = world.run(side, killed_at(call, number))
        print(call, number, code)
        world.killed += code != 0
        assert world.run("copy" if side == "copy" else "send", []) == 0
        world.target.again()
        same(world.source.path, world.target.path)
    # Threads share their work differently each time, so that now and then none of them comes to a late number.
    assert world.killed >= (len(steps) if SOAK else min(KILLS, len(steps))) // 2
