"""Holes of files, and room that was set aside for them, in full passes and in later ones."""
import os
import random
import subprocess
import time

import oracle
import pytest
from conftest import MOVER
from wire import Receiver, make_key

MIB = 1 << 20


def test_a_hole_that_was_punched_is_punched(disk, mover, same, tmp_path):
    source, target, state = disk("source", 48), disk("target", 48), tmp_path / "state"
    state.mkdir()
    (source.path / "table").write_bytes(os.urandom(20_000_000))
    mover("copy", source.path, target.path, "--live", "--state", state)
    subprocess.run(["fallocate", "-p", "-o", "4194304", "-l", "12582912", source.path / "table"], check=True)
    mover("copy", source.path, target.path, "--state", state)
    same(source.path, target.path)
    assert oracle.allocated(target.path) <= oracle.allocated(source.path)


def test_parts_of_blocks_become_holes_and_holes_become_data(disk, mover, same, tmp_path):
    """A seeded row of writes and punched holes of 4 KiB in a file of which half is a hole: blocks are of 16 KiB."""
    source, target, state = disk("source", 64), disk("target", 64), tmp_path / "state"
    state.mkdir()
    rng, pages = random.Random(5), 5000
    with open(source.path / "file", "wb") as file:
        file.truncate(pages * 4096)
        for start in range(0, pages, 100):
            file.seek(start * 4096)
            file.write(rng.randbytes(50 * 4096))
    for words in (["--live"], ["--live"], []):
        mover("copy", source.path, target.path, "--state", state, *words)
        assert (target.path / "file").read_bytes() == (source.path / "file").read_bytes()
        if not words:
            break
        for _ in range(300):
            at = rng.randrange(pages) * 4096
            if rng.random() < 0.5:
                subprocess.run(["fallocate", "-p", "-o", str(at), "-l", "4096", source.path / "file"], check=True)
            else:
                with open(source.path / "file", "r+b") as file:
                    file.seek(at)
                    file.write(rng.randbytes(4096))
    same(source.path, target.path)
    assert oracle.allocated(target.path) <= oracle.allocated(source.path)


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_room_that_was_set_aside_and_never_written_to_becomes_a_hole_also_in_deltas(disk, mover, same, tmp_path, kind):
    """Past a file's end, and within it: by the number of its blocks alone such a file has no holes."""
    source, target, state = disk("source", 320, kind), disk("target", 320, kind), tmp_path / "state"
    state.mkdir()
    for name, more in (("past", ["-n", "-o", f"{8 * MIB}"]), ("within", []), ("small-past", ["-n", "-o", "60000"])):
        with open(source.path / name, "wb") as file:
            file.truncate(60_000 if "small" in name else 8 * MIB)
            os.pwrite(file.fileno(), os.urandom(20_000), 0 if "small" in name else 4 * MIB)
        subprocess.run(["fallocate", *more, "-l", f"{8 * MIB}", source.path / name], check=True)
    for round_ in range(3):
        mover("copy", source.path, target.path, "--state", state, *(["--live"] if round_ < 2 else []))
        for name in ("past", "within"):
            assert os.stat(source.path / name).st_blocks * 512 >= 8 * MIB
            assert os.stat(target.path / name).st_blocks * 512 <= (round_ + 1) * 64 * 1024, (name, round_)
            if round_ < 2:
                with open(source.path / name, "r+b") as file:
                    os.pwrite(file.fileno(), os.urandom(20_000), (6 + round_) * MIB)
        assert os.stat(target.path / "small-past").st_blocks * 512 <= 64 * 1024
    target.again()
    same(source.path, target.path)


def test_room_that_xfs_takes_back_from_a_file_is_no_change_of_it(disk, mover, same, tmp_path):
    """What was set aside for a file that grew goes again minutes later, or when memory is short: no time of the file tells of it."""
    source, target = disk("source", 320, "xfs"), disk("target", 96)
    for _ in range(40):  # opened again and again, it keeps what is set aside for it
        with open(source.path / "grown", "ab") as file:
            file.write(os.urandom(200_000))
    (source.path / "other").write_bytes(os.urandom(12 * MIB))
    before = os.stat(source.path / "grown")
    process = subprocess.Popen([MOVER, "copy", source.path, target.path, "--bandwidth", "8Mi"], stderr=subprocess.PIPE, text=True)
    while not (target.path / "other").exists() and process.poll() is None:
        time.sleep(0.01)
    # -s: waits for what has not been written out; else such a file is passed over.
    subprocess.run(["xfs_spaceman", "-c", "prealloc -s -m 0", source.path], check=True)
    after = os.stat(source.path / "grown")
    assert before.st_blocks > after.st_blocks and before.st_ctime_ns == after.st_ctime_ns  # else this shows nothing
    assert process.wait(timeout=60) == 0, process.communicate()[1]
    same(source.path, target.path)


@pytest.mark.parametrize("kind, longest", [("ext4", 2**44 - 4096), ("xfs", 2**63 - 4096)])
def test_what_lies_beyond_8_TiB_is_copied_and_sent_and_found_by_deltas(disk, mover, same, tmp_path, kind, longest):
    source, target, there = (disk(name, 320, kind) for name in ("source", "target", "there"))
    key, states = make_key(tmp_path / "key"), [tmp_path / "one", tmp_path / "other"]
    for state in states:
        state.mkdir()
    far = 2**43 + 12345

    def write(name, *places, size=longest):
        file = os.open(source.path / name, os.O_WRONLY | os.O_CREAT)
        os.ftruncate(file, size)
        for place in places:
            os.pwrite(file, os.urandom(4000), place)
        os.close(file)

    receiver = Receiver(there.path, key, "--stay")

    def both(*more):
        mover("copy", source.path, target.path, "--state", states[0], *more)
        mover("send", source.path, "--to", receiver.address, "--key-file", key, "--state", states[1], *more)

    write("huge", 0, 2**43 - 4096, far, longest - 4000)
    write("empty")
    write("end", longest - 4000)
    both("--live")
    write("huge", 2**42, far)
    subprocess.run(["fallocate", "-p", "-o", str(2**43 - 8192), "-l", "8192", source.path / "huge"], check=True)
    write("empty", size=2**43)
    write("end", size=5)
    both("--live")
    write("empty")
    os.rename(source.path / "huge", source.path / "moved")
    both()
    receiver.end()
    for one in (target, there):
        same(source.path, one.path)
        assert oracle.allocated(one.path) <= oracle.allocated(source.path)
