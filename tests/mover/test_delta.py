"""Later passes: what changed and nothing else, while the source is written to, and after kills at any moment."""
import contextlib
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import dataset
import pytest
import shuffler
from conftest import MOVER, SOAK, until

SEED = int(os.environ.get("HOLDFAST_KILL_SEED", "7"))
ROUNDS = 100 if SOAK else 5
KILLS = 200 if SOAK else 20
MIB = 1 << 20


def fill(folder, seed, rounds=150):
    shuffler.Shuffler(str(folder), seed).run(rounds)


# In an inode of 128 bytes times are of whole seconds.
@pytest.mark.parametrize("seed, inode", [(seed, 256) for seed in range(SEED, SEED + ROUNDS)] + [(seed, 128) for seed in range(SEED, SEED + ROUNDS // 5)])
def test_a_final_pass_after_writing_load_gives_the_same_tree(disk, mover, same, tmp_path, seed, inode):
    source, target, state = disk("source", 64, options=["-I", str(inode)]), disk("target", 64), tmp_path / "state"
    state.mkdir()
    print(f"seed {seed}")
    fill(source.path, seed)
    writer = subprocess.Popen([sys.executable, Path(__file__).parent / "shuffler.py", source.path, str(seed + 1000)],
                              stdout=subprocess.PIPE)
    assert writer.stdout.readline() == b"begun\n"
    try:
        ran = mover("copy", source.path, target.path, "--live", "--state", state, "-o", "json", expect=None)
        assert ran.code in (0, 5), ran.err  # 5: a full disk, which the writer may make
    finally:
        writer.send_signal(signal.SIGTERM)
        assert writer.wait(120) == 0
    result = mover("copy", source.path, target.path, "--state", state, "-o", "json").result
    assert result["final"] and result["verified"]
    target.again()
    same(source.path, target.path)


def test_only_changed_blocks_of_a_large_file_are_written(disk, mover, same, tmp_path):
    source, target, state = disk("source", 48), disk("target", 48), tmp_path / "state"
    state.mkdir()
    (source.path / "table").write_bytes(os.urandom(20_000_000))
    first = mover("copy", source.path, target.path, "--live", "--state", state, "-o", "json").result
    assert first["bytes_sent"] == 20_000_000
    with open(source.path / "table", "r+b") as file:
        for at in (0, 5_000_000, 19_999_999):
            file.seek(at)
            file.write(b"!")
    second = mover("copy", source.path, target.path, "--state", state, "-o", "json").result
    assert 0 < second["bytes_sent"] <= 3 * 16384
    assert second["verified"] and second["bytes_read_back"] == second["bytes_sent"]
    same(source.path, target.path)


def test_a_copy_without_state_that_is_killed_leaves_nothing_of_what_it_knew(disk, tmp_path):
    source, target, temporary = disk("source", 48), disk("target", 48), tmp_path / "temporary"
    temporary.mkdir()
    (source.path / "table").write_bytes(os.urandom(20_000_000))
    copy = subprocess.Popen([MOVER, "copy", source.path, target.path, "--bandwidth", "1Mi"], env={**os.environ, "TMPDIR": str(temporary)},
                            stdout=subprocess.DEVNULL)
    while not (target.path / "table").exists():
        assert copy.poll() is None
        time.sleep(0.01)
    copy.kill()
    copy.wait(120)
    assert [path for path in temporary.rglob("*") if not path.is_dir()] == []


def groups_of(index):
    """How many groups of work became durable one after the other; see docs/mover-protocol.md."""
    data, at, groups = index.read_bytes(), 8, 0
    while at < len(data):
        groups += data[at] == 3
        at += 13 + int.from_bytes(data[at + 1:at + 5], "little")
    return groups


def test_what_stays_as_it_is_makes_no_groups_of_its_own(disk, mover, tmp_path):
    source, target, state = disk("source", 96, options=["-N", "30000"]), disk("target", 96, options=["-N", "30000"]), tmp_path / "state"
    state.mkdir()
    for number in range(12_000):
        (source.path / f"file-{number:05}").touch()
    subprocess.run(["sync", "-f", source.path], check=True)
    time.sleep(3.1)  # what was written less than two seconds before a pass, in whole seconds, is looked at again anyway
    mover("copy", source.path, target.path, "--live", "--state", state)
    for number in range(0, 12_000, 1000):
        (source.path / f"file-{number:05}").write_text("changed")
    mover("copy", source.path, target.path, "--state", state)
    assert groups_of(state / "index") <= 2


@pytest.mark.parametrize("others", [0, 40])
def test_what_somebody_did_to_the_target_between_two_passes_is_found(disk, mover, same, tmp_path, others):
    """Entry by entry, and by the sum of a tree of which most was read back before."""
    source = disk("source", 16)
    for name, size in (("small", 1000), ("large", 500_000), *((f"other{number}", 10) for number in range(others))):
        (source.path / name).write_bytes(os.urandom(size))
        os.chmod(source.path / name, 0o644)
    subprocess.run(["sync", "-f", source.path], check=True)
    time.sleep(3.1)  # what was written less than two seconds before a pass, in whole seconds, is looked at again anyway

    def both_sides(path):
        os.truncate(path / "large", 300_000)
        with open(source.path / "large", "r+b") as file:
            file.write(b"changed")

    for number, (spoil, words) in enumerate([(lambda path: os.chmod(path / "small", 0o600), "target:small: mode is 0600, not 0644"),
                                             (lambda path: os.truncate(path / "large", 5), "target:large: size is 5"),
                                             (lambda path: (path / "small").unlink(), "target:small: is missing"),
                                             (lambda path: (path / "new").touch(), "target:new: should not be there"),
                                             (lambda path: os.setxattr(path, "user.new", b"1"), "target:/: attribute user.new should not be there"),
                                             (both_sides, "target:large: size is 300000, not 500000 bytes: somebody else changed it")]):
        target, state = disk(f"target{number}", 16), tmp_path / f"state{number}"
        state.mkdir()
        mover("copy", source.path, target.path, "--live", "--state", state)
        spoil(target.path)
        assert words in mover("copy", source.path, target.path, "--state", state, expect=6).err
        mover("copy", source.path, target.path, "--state", state)  # which reads all that is there
        same(source.path, target.path)


def swap_for(make):
    def spoil(path):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        make(path)
    return spoil


GONE, LINK, FIFO, DIRECTORY = swap_for(lambda path: None), swap_for(lambda path: os.symlink("/etc", path)), swap_for(os.mkfifo), swap_for(lambda path: path.mkdir())


@pytest.mark.parametrize("what, spoil", [(f"folder/{name}".rstrip("/"), GONE) for name in ("", "small", "large", "same", "one", "two")] +
                         [(what, spoil) for what in ("folder", "folder/large", "folder/same") for spoil in (LINK, FIFO, DIRECTORY)])
def test_what_somebody_took_away_from_a_target_between_two_passes_is_missed_at_most_once(disk, mover, same, tmp_path, what, spoil):
    """It is said whose doing that is, and the next run reads the target and goes on: never the same end again and again."""
    source, target, state = disk("source", 16), disk("target", 16), tmp_path / "state"
    state.mkdir()
    folder = source.path / "folder"
    folder.mkdir()
    for name, size in (("small", 1000), ("large", 500_000), ("same", 1000), ("one", 1000), ("other", 1000)):
        (folder / name).write_bytes(os.urandom(size))
    os.link(folder / "one", folder / "two")
    mover("copy", source.path, target.path, "--live", "--no-verify", "--state", state)
    spoil(target.path / what)
    for name in ("small", "large"):
        with open(folder / name, "r+b") as file:
            file.write(b"changed")
    for name in ("same", "one"):
        os.chmod(folder / name, 0o640)
    os.link(folder / "other", folder / "third")
    words = ["copy", source.path, target.path, "--state", state]
    ran = mover(*words, expect=None)
    assert ran.code == 0 or (ran.code == 6 and "target:folder" in ran.err), ran.err
    if ran.code != 0:
        mover(*words)
    same(source.path, target.path)


def test_what_no_pass_has_read_back_is_read_back_by_the_final_one(disk, mover, tmp_path):
    source, target, state = disk("source", 48), disk("target", 48), tmp_path / "state"
    state.mkdir()
    (source.path / "table").write_bytes(os.urandom(20_000_000))
    mover("copy", source.path, target.path, "--live", "--no-verify", "--state", state)
    with open(source.path / "table", "r+b") as file:
        file.write(os.urandom(10))
    result = mover("copy", source.path, target.path, "--state", state, "-o", "json").result
    assert result["bytes_sent"] == 16384 and result["bytes_read_back"] == 20_000_000


def test_a_page_written_through_a_mapping_with_the_old_time_is_found(disk, mover, same, tmp_path):
    source, target, state = disk("source", 16), disk("target", 16), tmp_path / "state"
    state.mkdir()
    path = source.path / "file"
    path.write_bytes(b"a" * 500_000)
    mover("copy", source.path, target.path, "--live", "--state", state)
    info = path.stat()
    with open(path, "r+b") as file:
        file.write(b"b")
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    mover("copy", source.path, target.path, "--state", state)
    same(source.path, target.path)


def test_hard_links_of_changed_files_stay_and_broken_ones_part(disk, mover, same, tmp_path):
    source, target, state = disk("source", 16), disk("target", 16), tmp_path / "state"
    state.mkdir()
    for name in ("kept", "parted", "moved"):
        (source.path / name).write_bytes(os.urandom(400_000 if name == "kept" else 1000))
        os.link(source.path / name, source.path / f"{name}-too")
    mover("copy", source.path, target.path, "--live", "--state", state)
    with open(source.path / "kept-too", "r+b") as file:
        file.write(b"through the other name")
    content = (source.path / "parted").read_bytes()
    (source.path / "parted").unlink()
    (source.path / "parted").write_bytes(content[::-1])
    os.rename(source.path / "moved", source.path / "a-moved")
    mover("copy", source.path, target.path, "--state", state)
    same(source.path, target.path)


def test_further_names_of_what_is_made_anew_are_names_of_the_new_one(disk, mover, same, tmp_path):
    """Links, fifos, sockets and devices are not changed but made again; their other names show no change by which name is the first."""
    source, target, state = disk("source", 16), disk("target", 16), tmp_path / "state"
    state.mkdir()
    os.symlink("nowhere", source.path / "link")
    os.mkfifo(source.path / "fifo", 0o600)
    os.mknod(source.path / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    (source.path / "folder").mkdir()
    for name in ("link", "fifo", "device"):
        for other in (f"{name}-too", f"folder/{name}"):
            os.link(source.path / name, source.path / other, follow_symlinks=False)
    mover("copy", source.path, target.path, "--live", "--state", state)
    os.lchown(source.path / "link", 1, 2)
    os.chmod(source.path / "fifo-too", 0o640)
    os.utime(source.path / "folder/device", ns=(0, 10**18))
    mover("copy", source.path, target.path, "--state", state)
    same(source.path, target.path)


@pytest.mark.parametrize("size", [1000, 400_000])
@pytest.mark.parametrize("killed", [False, True])
def test_a_new_name_of_a_file_whose_first_name_went_away_is_the_same_file(disk, mover, same, tmp_path, size, killed):
    source, target, state = disk("source", 16), disk("target", 16), tmp_path / "state"
    state.mkdir()
    for case in ("before", "after", "else"):
        (source.path / case).mkdir()
        (source.path / case / "first").write_bytes(os.urandom(size))
        os.link(source.path / case / "first", source.path / case / "second")
    mover("copy", source.path, target.path, "--live", "--state", state)
    (source.path / "elsewhere").mkdir()
    for case, new in (("before", "before/a-new"), ("after", "after/third"), ("else", "elsewhere/new")):
        os.link(source.path / case / "first", source.path / new)
        (source.path / case / "first").unlink()
        with open(source.path / new, "r+b") as file:
            file.write(b"changed since")
    if killed:  # the next pass cannot rely on what the index says of these names
        copy = subprocess.Popen([MOVER, "copy", source.path, target.path, "--state", state, "--bandwidth", "100Ki"], stderr=subprocess.DEVNULL)
        while not (state / "pass").exists():
            assert copy.poll() is None
            time.sleep(0.01)
        copy.kill()
        copy.wait()
    result = mover("copy", source.path, target.path, "--state", state, "-o", "json").result
    assert result["verified"]
    target.again()
    same(source.path, target.path)
    assert os.stat(target.path / "elsewhere/new").st_nlink == 2


def another_version(index):
    whole = index.read_bytes()
    index.write_bytes(whole[:5] + b"\2" + whole[6:])


def test_a_lost_or_damaged_index_is_made_again_from_the_target(disk, mover, same, tmp_path):
    source, target, state = disk("source", 48), disk("target", 48), tmp_path / "state"
    state.mkdir()
    (source.path / "table").write_bytes(os.urandom(20_000_000))
    (source.path / "more").mkdir()
    fill(source.path / "more", 3, 60)
    for spoil in (lambda index: index.unlink(), lambda index: index.write_bytes(index.read_bytes()[:-20]), another_version,
                  lambda index: index.write_bytes(index.read_bytes()[:3000] + b"?" + index.read_bytes()[3001:])):
        mover("copy", source.path, target.path, "--live", "--state", state)
        spoil(state / "index")
        with open(source.path / "table", "r+b") as file:
            file.write(os.urandom(100))
        result = mover("copy", source.path, target.path, "--live", "--state", state, "-o", "json").result
        assert result["bytes_sent"] < 5_000_000
    mover("copy", source.path, target.path, "--state", state)
    same(source.path, target.path)


def test_a_target_that_was_set_back_is_not_believed(disk, mover, same, tmp_path):
    source, target, state = disk("source", 32), disk("target", 32), tmp_path / "state"
    state.mkdir()
    (source.path / "table").write_bytes(os.urandom(5_000_000))
    mover("copy", source.path, target.path, "--live", "--state", state)
    target.unmount()
    earlier = target.image.read_bytes()
    target.mount()
    with open(source.path / "table", "r+b") as file:
        file.write(b"later")
    mover("copy", source.path, target.path, "--live", "--state", state)
    target.unmount()
    target.image.write_bytes(earlier)
    target.mount()
    mover("copy", source.path, target.path, "--state", state)
    same(source.path, target.path)


def stopped_in_between(source, target, seen, last, *words):
    """A copy that stands still: the file `seen` is on the target, and the end of the file `last` is not. On a busy machine it may be seen too
    late; then once more from the beginning."""
    for _ in range(20):
        for path in target.iterdir():
            if path.name != "lost+found":
                path.unlink()
        copy = subprocess.Popen([MOVER, "copy", source, target, *words], stderr=subprocess.PIPE, text=True)
        while not (target / seen).exists() and copy.poll() is None:
            time.sleep(0.01)
        copy.send_signal(signal.SIGSTOP)
        end = (source / last).stat().st_size - 1000
        with contextlib.suppress(FileNotFoundError), open(target / last, "rb") as file:
            file.seek(end)
            if any(file.read()):
                copy.kill()
                copy.communicate()
                continue
        assert copy.poll() is None
        return copy
    raise AssertionError("the copy was always further than it should be")


def test_a_source_that_changes_during_a_final_copy_ends_with_6(disk, mover, tmp_path):
    source, target = disk("source", 64), disk("target", 64)
    (source.path / "a-large").write_bytes(os.urandom(30_000_000))
    (source.path / "first").write_text("before")
    copy = stopped_in_between(source.path, target.path, "a-large", "a-large", "--bandwidth", "10M")
    (source.path / "a-large-later").write_text("appeared")
    copy.send_signal(signal.SIGCONT)
    _, said = copy.communicate(timeout=120)
    assert copy.returncode == 6 and "source:" in said and "while it was copied" in said


@pytest.mark.parametrize("change", [lambda path: (path / "later").touch(), lambda path: (path / "first").unlink(), lambda path: (path / "first").chmod(0o600),
                                    lambda path: os.link(path / "first", path / "another")])
def test_a_source_that_changes_after_it_was_looked_at_ends_with_6(disk, mover, tmp_path, change):
    source, target = disk("source", 64), disk("target", 64)
    (source.path / "first").write_text("before")
    (source.path / "first").chmod(0o644)
    (source.path / "large").write_bytes(os.urandom(5_000_000))
    copy = stopped_in_between(source.path, target.path, "first", "large", "--bandwidth", "5M", "--threads", "1")
    change(source.path)
    copy.send_signal(signal.SIGCONT)
    _, said = copy.communicate(timeout=120)
    assert copy.returncode == 6 and "source:" in said and "while it was copied" in said


def test_a_file_that_goes_away_during_a_live_pass_leaves_its_directory_as_the_index_has_it(disk, mover, tmp_path):
    source, target, state = disk("source", 64), disk("target", 64), tmp_path / "state"
    state.mkdir()
    (source.path / "folder").mkdir()
    (source.path / "folder/file").write_text("before")
    os.utime(source.path / "folder", ns=(0, 10**18))
    mover("copy", source.path, target.path, "--live", "--state", state)
    (source.path / "folder/file").write_text("changed, which its directory does not show")
    (source.path / "a-large").write_bytes(os.urandom(30_000_000))
    copy = subprocess.Popen([MOVER, "copy", source.path, target.path, "--live", "--bandwidth", "10M", "--state", state], stderr=subprocess.PIPE, text=True)
    while not (target.path / "a-large").exists():  # after the walk: all is one group
        assert copy.poll() is None
        time.sleep(0.01)
    copy.send_signal(signal.SIGSTOP)
    (source.path / "folder/file").unlink()
    copy.send_signal(signal.SIGCONT)
    _, said = copy.communicate(timeout=120)
    assert copy.returncode == 0, said
    assert os.listdir(target.path / "folder") == []


class Swapper(threading.Thread):
    """Renames directories and files away, puts other things in their place, and brings them back, again and again."""

    def __init__(self, folder, directories):
        super().__init__()
        self.folder, self.directories, self.ended, self.rng = folder, directories, threading.Event(), random.Random(SEED)

    def swap(self, path, away):
        os.rename(path, away)
        what = self.rng.randrange(3)
        if what == 0:
            os.symlink("/etc", path)
        elif what == 1:
            os.mkfifo(path)
        if what < 2:
            os.unlink(path)
        os.rename(away, path)

    def run(self):
        while not self.ended.is_set():
            one = f"{self.folder}/d{self.rng.randrange(self.directories)}"
            self.swap(one, f"{self.folder}/away")
            self.swap(f"{one}/large", f"{self.folder}/away")


def test_live_passes_go_on_while_what_they_come_to_is_moved_and_replaced(disk, mover, same, tmp_path):
    source, target, state = disk("source", 64), disk("target", 64), tmp_path / "state"
    state.mkdir()
    for number in range(40):
        (source.path / f"d{number}").mkdir()
        for small in range(15):
            (source.path / f"d{number}/f{small}").write_bytes(os.urandom(2000))
        (source.path / f"d{number}/large").write_bytes(os.urandom(300_000))
    swapper = Swapper(source.path, 40)
    swapper.start()
    try:
        for number in range(4):
            mover("copy", source.path, target.path, "--live", "--no-verify", "--state", state, "--operation", f"number {number}")
    finally:
        swapper.ended.set()
        swapper.join()
    mover("copy", source.path, target.path, "--state", state, "--operation", "number 3")
    same(source.path, target.path)


def test_a_copy_that_is_asked_to_end_does_so_before_all_that_waits_for_its_turn_is_sent(disk, mover, same, tmp_path):
    source, target, state = disk("source", 64), disk("target", 64), tmp_path / "state"
    state.mkdir()
    (source.path / "large").write_bytes(os.urandom(40_000_000))
    words = ["copy", source.path, target.path, "--state", state]
    run = subprocess.Popen([MOVER, *words, "--bandwidth", "4M", "--progress", "json"], stderr=subprocess.PIPE, text=True)
    while '"phase":"copy"' not in run.stderr.readline():
        pass
    run.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert "run the same command again" in run.communicate(timeout=60)[1] and run.returncode == 128 + signal.SIGTERM
    assert time.monotonic() - began < 5  # all of it takes ten
    mover(*words)
    same(source.path, target.path)


def test_a_copy_that_may_send_next_to_nothing_ends_all_the_same_when_it_is_asked_to(disk, mover, same):
    source, target = disk("source", 16), disk("target", 16)
    (source.path / "table").write_bytes(os.urandom(500_000))
    run = subprocess.Popen([MOVER, "copy", source.path, target.path, "--bandwidth", "1000"], stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: (target.path / "table").exists())  # its first piece would be sent in minutes
        run.send_signal(signal.SIGTERM)
        assert "run the same command again" in run.communicate(timeout=20)[1] and run.returncode == 128 + signal.SIGTERM
    finally:
        run.kill()
        run.wait()
    mover("copy", source.path, target.path, "--bandwidth", "2000000000Gi")
    same(source.path, target.path)


def put_in_place_with_its_inode(path, make):
    """Something else by the name of a file, which the filesystem gives the number that the file had."""
    number = os.stat(path).st_ino
    path.unlink()
    made = []
    for attempt in range(50):
        one = path if attempt == 0 else path.with_name(f"{path.name}-{attempt}")
        make(one)
        made.append(one)
        if os.lstat(one).st_ino == number:
            break
    assert os.lstat(made[-1]).st_ino == number
    os.rename(made.pop(), path)
    for one in made:
        if one != path:
            one.unlink()


@pytest.mark.parametrize("what", ["fifo", "device", "directory"])
@pytest.mark.parametrize("size", [20_000, 400_000, 800_000], ids=["small", "large", "with a hole"])
def test_what_takes_the_place_and_the_number_of_a_file_meanwhile_is_not_read(disk, mover, same, tmp_path, what, size):
    """A fifo gives nothing, and of this device there is no end."""
    source, target, state = disk("source", 32), disk("target", 32), tmp_path / "state"
    state.mkdir()
    make = {"fifo": os.mkfifo, "device": lambda path: os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5)), "directory": os.mkdir}[what]
    (source.path / "a").write_bytes(os.urandom(4 * MIB))
    (source.path / "b").write_bytes(os.urandom(size))
    if size == 800_000:
        with open(source.path / "b", "r+b") as file:
            file.seek(0)
            file.truncate(0)
            file.seek(400_000)
            file.write(os.urandom(400_000))
    run = subprocess.Popen([MOVER, "copy", source.path, target.path, "--live", "--threads", "1", "--state", state, "--bandwidth", "2Mi", "--progress", "json"],
                           stderr=subprocess.PIPE, text=True)
    try:
        while '"phase":"copy"' not in run.stderr.readline():
            pass
        until(lambda: (target.path / "a").exists())  # which is being sent, and b has been planned
        put_in_place_with_its_inode(source.path / "b", make)
        said = run.communicate(timeout=30)[1]
    finally:
        run.kill()
        run.wait()
    assert run.returncode == 0, said
    mover("copy", source.path, target.path, "--state", state)
    same(source.path, target.path)


def test_a_copy_that_is_killed_at_any_moment_goes_on(disk, mover, same, tmp_path):
    # In the end 200 rounds of changes have filled the source; a pass needs some room beyond what is there in the end.
    source, target, state = disk("source", 64), disk("target", 96 if SOAK else 64), tmp_path / "state"
    state.mkdir()
    rng = random.Random(SEED)
    print(f"HOLDFAST_KILL_SEED={SEED}")
    dataset.make("odd", source.path)
    (source.path / "table").write_bytes(os.urandom(20_000_000))
    began = time.monotonic()
    mover("copy", source.path, disk("measure", 64).path)
    whole = time.monotonic() - began
    changes = shuffler.Shuffler(str(source.path / "sizes"), SEED)
    for number in range(KILLS):
        copy = subprocess.Popen([MOVER, "copy", source.path, target.path, "--state", state], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            copy.wait(whole * rng.random())
        except subprocess.TimeoutExpired:
            copy.kill()
            copy.wait()
        if number % 3 == 0:
            changes.run(5)
        if number % 7 == 6:
            target.again()
    mover("copy", source.path, target.path, "--state", state)
    target.again()
    same(source.path, target.path)
