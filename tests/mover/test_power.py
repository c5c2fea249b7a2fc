"""The power is cut: what was never synced is gone. A filesystem is shut down in the middle of what it does without writing out what it
holds (the ioctl that xfstests cut power with), and mounted again. Nothing is read back here: that would tell what was lost, and make it good."""
import fcntl
import os
import random
import shutil
import signal
import struct
import subprocess
import time

import pytest
import shuffler
from conftest import MOVER, SOAK, stopped, until
from test_kills import killed_at

SEED = int(os.environ.get("HOLDFAST_KILL_SEED", "11"))
ROUNDS = 40 if SOAK else 2
SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2  # fs/ext4/ext4.h, fs/xfs/xfs_fs.h


def cut(*disks):
    for one in disks:
        there = os.open(one.path, os.O_RDONLY)
        fcntl.ioctl(there, SHUTDOWN, struct.pack("<I", NO_LOG_FLUSH))
        os.close(there)


def power_on(*disks):
    for one in disks:
        one.again()


def epoch_of(target):
    """What the journal in its root says is durable (docs/mover-protocol.md): the pass, and the group of it; 0: there is none."""
    try:
        said = (target.path / ".holdfast-mover").read_bytes()
    except FileNotFoundError:
        return 0, 0
    return divmod(struct.unpack("<Q", said[-16:-8])[0], 1 << 24) if said else (0, 0)


def fill(folder, number):
    """Much that is small, and something large."""
    (folder / f"round-{number}").mkdir()
    for small in range(80):
        (folder / f"round-{number}/{small}").write_bytes(os.urandom(20_000))
    (folder / f"round-{number}/large").write_bytes(os.urandom(2_000_000))


@pytest.mark.parametrize("kind, megabytes", [("ext4", 64), ("xfs", 320)])
def test_a_target_whose_power_is_cut_at_any_moment_has_what_it_said_was_durable(disk, mover, same, tmp_path, kind, megabytes):
    print(f"HOLDFAST_KILL_SEED={SEED}")
    source, target, state = disk("source", 64), disk("target", megabytes, kind), disk("state", 16)
    moments, changes, kept = random.Random(SEED), shuffler.Shuffler(str(source.path), SEED), 0
    words = ["copy", source.path, target.path, "--state", state.path, "--no-verify"]
    for number in range(ROUNDS):
        changes.run(15)
        fill(source.path, number)
        # Every other time the state is on the machine that loses its power.
        lost = [target, state] if number % 2 else [target]
        run = subprocess.Popen([MOVER, *words, "--group-bytes", "100k", "--bandwidth", "5M"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        before, group = epoch_of(target)[0], moments.randrange(1, 20)
        while run.poll() is None and not (epoch_of(target)[0] != before and epoch_of(target)[1] >= group):
            time.sleep(0.001)
        cut(*lost)
        print(number, group, run.communicate(timeout=60)[0], run.returncode)
        assert run.returncode in (0, 5, 6)
        power_on(*lost)
        kept += epoch_of(target)[1] >= group
        mover(*words)
        cut(target)  # exit 0 says that all of it is there
        power_on(target)
        same(source.path, target.path)
        shutil.rmtree(source.path / f"round-{number}")
    assert kept >= ROUNDS // 2  # else nothing was tried


def test_what_was_found_on_a_target_is_on_its_disk_before_it_is_relied_on(disk, mover, same, tmp_path):
    source, target, state = disk("source", 64), disk("target", 64), tmp_path / "state"
    state.mkdir()
    for number in range(20):
        (source.path / f"small-{number}").write_bytes(os.urandom(3000))
        (source.path / f"table-{number}").write_bytes(os.urandom(200_000))
    words = ["copy", source.path, target.path, "--state", state, "--no-verify"]
    shutil.copytree(source.path, target.path, dirs_exist_ok=True, ignore=lambda *_: ["lost+found"])  # nobody syncs it
    # The first is the index of what was found there; nothing has been sent by the second.
    assert subprocess.run([*killed_at("fdatasync", 2), MOVER, *words], stderr=subprocess.DEVNULL).returncode == -signal.SIGKILL
    cut(target)
    power_on(target)
    mover(*words)
    same(source.path, target.path)


def test_what_a_group_may_touch_is_on_the_disk_of_the_state_before_it_is_sent(disk, mover, same):
    source, target, state = disk("source", 32), disk("target", 32), disk("state", 16)
    (source.path / "old").write_bytes(os.urandom(3000))
    words = ["copy", source.path, target.path, "--state", state.path, "--no-verify"]
    mover(*words, "--live")
    (source.path / "new").write_bytes(os.urandom(3000))
    # What was sent is on the target, whose journal does not say so yet, only that a pass has begun: the state alone knows of it.
    kill = [*killed_at("pwrite64", 2), "-P", target.path / ".holdfast-mover"]
    assert subprocess.run([*kill, MOVER, *words], stderr=subprocess.DEVNULL).returncode == -signal.SIGKILL
    cut(state)
    power_on(state)
    assert (target.path / "new").exists()
    (source.path / "new").unlink()
    mover(*words)
    same(source.path, target.path)


def blocks_of(path):
    """The kinds of the blocks of an index, up to where it breaks off (docs/mover-protocol.md)."""
    data, at, kinds = path.read_bytes(), 8, []
    while at + 13 <= len(data) and at + 13 + int.from_bytes(data[at + 1:at + 5], "little") <= len(data) and data[at]:
        kinds.append(data[at])
        at += 13 + int.from_bytes(data[at + 1:at + 5], "little")
    return kinds


@pytest.mark.parametrize("more", [[], ["--no-verify"]], ids=["read-back", "not"])
def test_what_a_group_did_is_not_known_where_the_state_has_lost_that_it_was_done(disk, mover, same, more):
    """The target's disk has the group, the state's disk only what it was going to touch. Then the source is again as the index of before has it."""
    source, target, state = disk("source", 32), disk("target", 32), disk("state", 16)
    before, changed = os.urandom(100_000), os.urandom(100_000)
    (source.path / "table").write_bytes(before * 10)
    (source.path / "small").write_bytes(before)
    words = ["copy", source.path, target.path, "--state", state.path]
    mover(*words, "--live")

    def write(content):
        for name in ("table", "small"):
            with open(source.path / name, "r+b") as file:
                file.write(content)

    write(changed)
    # The first is of the pass, the second of what the group may touch, the third is when all of it is durable on the target.
    assert subprocess.run([*killed_at("fdatasync", 3), MOVER, *words], stderr=subprocess.DEVNULL).returncode == -signal.SIGKILL
    cut(state)
    power_on(state)
    assert blocks_of(state.path / "pass") == [1, 4, 4] and (target.path / "table").read_bytes()[:100_000] == changed  # else this shows nothing
    write(before)
    mover(*words, *more)
    target.again()
    same(source.path, target.path)


@pytest.mark.parametrize("kind, megabytes", [("ext4", 96), ("xfs", 320)])
@pytest.mark.parametrize("more", [[], ["--live"]], ids=["final", "live"])
def test_a_source_whose_disk_goes_away_midway_is_said_and_nothing_of_it_counts_as_removed(disk, mover, slow, same, tmp_path, kind, megabytes, more):
    source, target, state = disk("source", megabytes, kind), disk("target", 96), tmp_path / "state"
    state.mkdir()
    (source.path / "a-large").write_bytes(os.urandom(8_000_000))
    for number in range(300):
        (source.path / f"folder-{number % 20}").mkdir(exist_ok=True)
        (source.path / f"folder-{number % 20}/{number}").write_bytes(os.urandom(5000))
    words = ["copy", source.path, target.path, "--state", state]
    mover(*words, "--live")
    (source.path / "a-large").write_bytes(os.urandom(8_000_000))
    for number in range(0, 300, 7):
        (source.path / f"folder-{number % 20}/{number}").write_bytes(os.urandom(6000))
    source.again()
    sent = (target.path / "a-large").stat().st_ctime_ns
    copy = slow(*words, "--group-bytes", "256Ki", *more)
    until(lambda: (target.path / "a-large").stat().st_ctime_ns != sent)
    with stopped(copy):
        cut(source)
    said = copy.communicate(timeout=120)[1]
    assert copy.returncode == 5 and "source:" in said and "source is untouched" in said, said
    assert sum(len(files) for _, _, files in os.walk(target.path)) == 302  # and the journal
    power_on(source)
    mover(*words)
    same(source.path, target.path)
