"""Block devices and images: every block, what changed, and only what an unmounted filesystem has allocated."""
import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import dataset
import oracle
import pytest
import shuffler
from conftest import MOVER, traced, until
from wire import Proxy, Receiver, make_key

MIB = 1 << 20


@pytest.fixture
def device(tmp_path):
    """Files as block devices."""
    loops = []

    def make(name, megabytes):
        image = tmp_path / f"{name}.device"
        with open(image, "wb") as file:
            file.truncate(megabytes * MIB)
        loops.append(subprocess.run(["losetup", "-f", "--show", image], check=True, capture_output=True, text=True).stdout.strip())
        return loops[-1]

    yield make
    for loop in loops:
        subprocess.run(["losetup", "-d", loop])


def some_blocks(path, size, seed=1):
    """Random bytes, zeros between them, and an end that is no whole block."""
    rng = random.Random(seed)
    with open(path, "r+b") as file:
        for at in range(0, size - MIB, 3 * MIB):
            file.seek(at)
            file.write(rng.randbytes(rng.randrange(1, 2 * MIB)))
        file.seek(size - 700)
        file.write(rng.randbytes(700))


def content(path):
    with open(path, "rb") as file:
        return file.read()


def test_a_block_device_is_copied_byte_by_byte_over_what_was_there(device, mover):
    source, target = device("source", 32), device("target", 33)
    some_blocks(source, 32 * MIB)
    some_blocks(target, 33 * MIB, 2)
    before = content(target)
    result = mover("copy", source, target, "-o", "json").result
    assert result["verified"] and result["final"] and result["bytes_read_back"] == 32 * MIB
    assert content(target) == content(source) + before[32 * MIB:]


def test_an_image_in_a_file_is_copied_with_its_holes(tmp_path, mover):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"")
    os.truncate(source, 200 * MIB + 5)
    some_blocks(source, 20 * MIB)
    mover("copy", source, target)
    assert content(target) == content(source)
    assert os.stat(target).st_blocks <= os.stat(source).st_blocks


def test_blocks_of_zeros_are_not_sent(tmp_path, mover):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(MIB) + bytes(16 * MIB) + os.urandom(MIB))
    result = mover("copy", source, target, "-o", "json").result
    assert result["bytes_sent"] == 2 * MIB and os.stat(target).st_blocks * 512 < 3 * MIB
    assert content(target) == content(source)


def test_a_second_pass_writes_only_blocks_that_changed_also_to_zeros(device, mover, tmp_path):
    source, target, state = device("source", 32), device("target", 32), tmp_path / "state"
    state.mkdir()
    some_blocks(source, 32 * MIB)
    words = ["copy", source, target, "--state", state, "-o", "json"]
    mover(*words, "--live")
    with open(source, "r+b") as file:
        for at, bytes_ in ((5000, b"!"), (3 * MIB, bytes(16384)), (31 * MIB, b"a" * 20000)):
            file.seek(at)
            file.write(bytes_)
    assert mover(*words).result["bytes_sent"] <= 3 * 16384
    assert content(target) == content(source)


def test_verify_names_the_place_of_one_wrong_byte_of_a_device(device, mover, tmp_path):
    source, target = device("source", 16), device("target", 16)
    some_blocks(source, 16 * MIB)
    mover("copy", source, target, "--manifest", tmp_path / "manifest")
    mover("verify", target, "--manifest", tmp_path / "manifest")
    with open(target, "r+b") as file:
        file.seek(3 * MIB + 20000)
        was = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([was[0] ^ 1]))
    ran = mover("verify", target, "--manifest", tmp_path / "manifest", expect=6)
    assert f"target: has another content from byte {3 * MIB + 16384}" in ran.err and ran.err.count("another content") == 1


def test_a_device_whose_index_is_lost_is_read_and_not_written_again(device, mover, tmp_path):
    source, target, state = device("source", 16), device("target", 16), tmp_path / "state"
    state.mkdir()
    some_blocks(source, 16 * MIB)
    words = ["copy", source, target, "--state", state, "-o", "json"]
    mover(*words, "--live")
    (state / "index").unlink()
    assert mover(*words).result["bytes_sent"] == 0


def test_another_device_is_not_taken_for_the_one_copied_to_before(device, mover, tmp_path):
    source, one, other, state = device("source", 16), device("one", 16), device("other", 16), tmp_path / "state"
    state.mkdir()
    some_blocks(source, 16 * MIB)
    mover("copy", source, one, "--state", state, "--live")
    mover("copy", source, other, "--state", state)
    assert content(other) == content(source)


def test_what_is_mounted_or_too_small_is_refused_and_nothing_is_changed(disk, device, mover, tmp_path):
    small, large, mounted = device("small", 8), device("large", 16), disk("mounted", 32)
    some_blocks(small, 8 * MIB)
    loop = subprocess.run(["findmnt", "-no", "SOURCE", mounted.path], capture_output=True, text=True, check=True).stdout.strip()
    before = content(small)
    assert "it has only" in mover("copy", large, small, expect=3).err
    assert "is in use (mounted" in mover("copy", loop, large, expect=3).err
    assert "is in use (mounted" in mover("copy", large, loop, expect=3).err
    assert f"is in use by {loop}" in mover("copy", mounted.image, tmp_path / "new", expect=3).err
    assert "it is a directory" in mover("copy", small, mounted.path, expect=3).err
    assert "it is a block device or a file" in mover("copy", mounted.path, small, expect=3).err
    assert "the same" in mover("copy", large, large, expect=3).err
    assert content(small) == before and not (tmp_path / "new").exists()


def test_an_image_that_changes_during_a_final_copy_ends_with_6(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(30 * MIB))
    copy = subprocess.Popen([MOVER, "copy", source, target, "--bandwidth", "10M"], stderr=subprocess.PIPE, text=True)
    while not target.exists() or target.stat().st_size == 0:
        assert copy.poll() is None
        time.sleep(0.01)
    copy.send_signal(signal.SIGSTOP)
    with open(source, "r+b") as file:
        file.write(b"changed")
    copy.send_signal(signal.SIGCONT)
    _, said = copy.communicate(timeout=120)
    assert copy.returncode == 6 and "source changed while it was copied" in said


def test_a_device_over_a_connection_that_breaks_is_taken_up_again(device, mover, tmp_path):
    source, target = device("source", 48), device("target", 48)
    key = make_key(tmp_path / "key")
    with open(source, "r+b") as file:
        file.write(os.urandom(48 * MIB))
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    there = Receiver(target, key, "--stay", "--state", tmp_path / "there")
    words = ["send", source, "--key-file", key, "--state", tmp_path / "here", "-o", "json", "--group-bytes", "4Mi", "--threads", "2"]
    proxy = Proxy(there.address, cut_at=32 * MIB, cut=lambda p: p.close_connections())
    mover(*words, "--to", proxy.address, expect=5)
    result = mover(*words, "--to", there.address).result
    # Of 32 MiB at most three stretches of 4 MiB were begun and not done, and 6 MiB lay in the receiver's buffer.
    assert 16 * MIB <= result["bytes_sent"] <= (48 - 32 + 12 + 6 + 4) * MIB
    there.end()
    assert content(target) == content(source)


FILESYSTEMS = {"ext4": ("ext4", 96, []), "ext4-1k": ("ext4", 64, ["-b", "1024"]), "ext4-bigalloc": ("ext4", 96, ["-O", "bigalloc"]),
               "ext4-no-journal": ("ext4", 64, ["-O", "^has_journal,^64bit"]), "xfs": ("xfs", 320, []),
               "xfs-groups": ("xfs", 640, ["-d", "agcount=9"])}


def check_filesystem(disk):
    command = ["e2fsck", "-fn", disk.image] if disk.kind == "ext4" else ["xfs_repair", "-n", disk.image]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def fill(disk):
    (disk.path / "junk").mkdir()
    for number in range(12):
        (disk.path / f"junk/{number:02}").write_bytes(os.urandom(MIB))
    (disk.path / "tables").mkdir()
    for number in range(400):
        (disk.path / f"tables/{number}").write_bytes(os.urandom(random.Random(number).randrange(30_000)))
    shuffler.Shuffler(str(disk.path / "tables"), 3).run(60)
    shutil.rmtree(disk.path / "junk")  # free, but not empty


@pytest.mark.parametrize("name", FILESYSTEMS)
def test_used_blocks_of_an_unmounted_filesystem_are_the_same_filesystem(disk, mover, same, tmp_path, name):
    kind, megabytes, options = FILESYSTEMS[name]
    source, target = disk("source", megabytes, kind, options), disk("target", megabytes, kind)
    fill(source)
    expected = oracle.facts_of(source.path)
    used = os.statvfs(source.path)
    used = (used.f_blocks - used.f_bfree) * used.f_frsize
    source.unmount()
    target.unmount()
    target.image.unlink()
    result = mover("copy", source.image, target.image, "--used-blocks", "-o", "json").result
    # The journal and inode tables are used and not in f_blocks, zeros are not sent.
    assert result["verified"] and result["bytes_sent"] < used + 20 * MIB < megabytes * MIB
    check_filesystem(target)
    target.mount()
    assert not oracle.differences(expected, oracle.facts_of(target.path))


def test_used_blocks_leave_what_is_free_on_the_target_alone(disk, mover, tmp_path):
    source = disk("source", 64)
    fill(source)
    source.unmount()
    target = tmp_path / "device"
    target.write_bytes(b"\xAA" * 64 * MIB)
    loop = subprocess.run(["losetup", "-f", "--show", target], check=True, capture_output=True, text=True).stdout.strip()
    try:
        mover("copy", source.image, loop, "--used-blocks")
    finally:
        subprocess.run(["losetup", "-d", loop], check=True)
    assert b"\xAA" * MIB in content(target)
    done = subprocess.run(["e2fsck", "-fn", target], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_a_filesystem_that_was_not_unmounted_is_refused(disk, mover, tmp_path, kind):
    source = disk("source", 320 if kind == "xfs" else 64, kind)
    (source.path / "file").write_text("in the journal")
    os.sync()
    (source.path / "more").write_text("in the journal")
    subprocess.run(["sync", "-f", source.path], check=True)
    shutil.copyfile(source.image, tmp_path / "crashed")
    ran = mover("copy", tmp_path / "crashed", tmp_path / "target", "--used-blocks", expect=3)
    assert "was not unmounted" in ran.err and "without --used-blocks" in ran.err and not (tmp_path / "target").exists()


@pytest.mark.parametrize("make,words", [
    (lambda p: p.write_bytes(os.urandom(5 * MIB)), "neither an ext4 nor an xfs filesystem"),
    (lambda p: p.write_bytes(b""), "neither an ext4 nor an xfs filesystem"),
    (lambda p: p.mkdir(), "the source is a directory"),
], ids=["noise", "empty", "directory"])
def test_used_blocks_of_what_is_no_filesystem_are_refused(mover, tmp_path, make, words):
    make(tmp_path / "source")
    (tmp_path / "target").mkdir()
    target = tmp_path / "target" if words == "the source is a directory" else tmp_path / "new"
    assert words in mover("copy", tmp_path / "source", target, "--used-blocks", expect=3).err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_a_damaged_map_never_leads_to_a_copy_that_misses_something(disk, mover, tmp_path, kind):
    """One bit of the superblock or the first head of free space is flipped: refused, or the copy reads as the source does."""
    source = disk("source", 320 if kind == "xfs" else 64, kind)
    held = os.urandom(3 * MIB)
    (source.path / "file").write_bytes(held)
    source.unmount()
    with open(source.image, "rb") as file:
        good = file.read(1 << 20)
    rng, refused = random.Random(5), 0
    areas = {"ext4": (1024, 1024 + 264), "xfs": (512, 512 + 60)}[kind]
    target = tmp_path / "copied"

    def read(image):
        if subprocess.run(["mount", "-o", "ro,loop", image, source.path], stderr=subprocess.DEVNULL).returncode != 0:
            return None
        try:
            return content(source.path / "file")
        except OSError:
            return None
        finally:
            source.unmount()

    for _ in range(25):
        at = rng.randrange(*areas)
        with open(source.image, "r+b") as file:
            file.seek(at)
            file.write(bytes([good[at] ^ (1 << rng.randrange(8))]))
        target.unlink(missing_ok=True)
        ran = mover("copy", source.image, target, "--used-blocks", expect=None)
        assert ran.code in (0, 3), ran.err
        refused += ran.code == 3
        if ran.code == 0:
            assert read(target) == read(source.image)
        with open(source.image, "r+b") as file:  # a mount may have changed more
            file.write(good[:1 << 20])
    assert refused > 0


def opened_by(pid):
    found = set()
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed by now
            found.add(os.readlink(one))
    return found


@pytest.mark.parametrize("image", [True, False], ids=["an-image", "a-file"])
def test_a_copy_that_reads_all_of_something_large_on_its_target_ends_when_it_is_asked_to(disk, tmp_path, image):
    source, target, state = (tmp_path / "one", tmp_path / "other", tmp_path / "state") if image else (disk("source", 96).path, disk("target", 96).path, tmp_path / "state")
    state.mkdir()
    for one in (source, target):
        (one if image else one / "large").write_bytes(os.urandom(60 << 20))
    words = ["copy", source, target, "--state", state]
    if image:
        subprocess.run([MOVER, *words, "--live"], check=True, stdout=subprocess.DEVNULL)
        (state / "index").unlink()
    slowly = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pread64", "-e", "inject=pread64:delay_enter=1000000"]  # for a minute
    copy = subprocess.Popen([*slowly, MOVER, *words], stderr=subprocess.PIPE, text=True)
    until(lambda: (state / "index").exists() and str(target if image else target / "large") in opened_by(traced(copy)))
    began = time.monotonic()
    os.kill(traced(copy), signal.SIGTERM)
    said = copy.communicate(timeout=60)[1]
    assert copy.returncode == 128 + signal.SIGTERM and "interrupted" in said and time.monotonic() - began < 20
