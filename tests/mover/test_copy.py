"""copy and verify, in one process: what is kept, what is refused, what is found."""
import errno
import fcntl
import os
import shutil
import socket
import struct
import subprocess

import dataset
import oracle
import pytest
from conftest import stopped, until
from wire import Receiver, make_key


@pytest.fixture
def odd(disk):
    source = disk("source", 96)
    dataset.make("odd", source.path)
    return source


def test_everything_that_ext4_holds_is_kept_and_no_hole_is_filled(odd, disk, mover, same):
    target = disk("target", 96)
    assert len(oracle.facts_of(odd.path)) == 3764  # and the root
    result = mover("copy", odd.path, target.path, "-o", "json").result
    assert result["verified"] and result["final"] and result["differences"] == []
    target.again()
    same(odd.path, target.path)
    assert oracle.allocated(target.path) <= oracle.allocated(odd.path)
    assert not os.path.exists(target.path / ".holdfast-mover")


def test_a_copy_between_different_filesystems_is_the_same(disk, mover, same):
    source, target = disk("source", 96), disk("target", 320, "xfs")
    dataset.make("odd", source.path)
    # What xfs has not: times before 1901 are in its range, these flags are not.
    for path in (source.path / "flags").iterdir():
        oracle.set_flags(path, 0)
    refused(mover, source.path, target.path, "a symlink of 4000 bytes", "source:links/s0", "block devices", "source:specials/device")
    for path in (source.path / "specials").glob("device*"):
        if os.minor(os.stat(path).st_rdev) >= 1 << 18:
            path.unlink()
    for path in (source.path / "links").glob("s*"):
        if len(os.readlink(path)) > 1000:
            path.unlink()
    mover("copy", source.path, target.path)
    same(source.path, target.path)


def test_what_the_target_has_too_much_goes_and_kinds_change(odd, disk, mover, same):
    target = disk("target", 96)
    (target.path / "old/deep").mkdir(parents=True)
    (target.path / "old/deep/file").write_text("old")
    (target.path / "names").write_text("a file where a directory comes")
    (target.path / "links").mkdir()
    (target.path / "links/s000").mkdir()
    (target.path / "links/s000/inside").write_text("a directory where a link comes")
    os.symlink("/etc", target.path / "modes")
    oracle.set_flags(target.path / "old/deep", oracle.IMMUTABLE)
    mover("copy", odd.path, target.path)
    same(odd.path, target.path)
    assert os.path.isdir("/etc")


def test_a_second_copy_writes_nothing(odd, disk, mover, same, tmp_path):
    target, state = disk("target", 96), tmp_path / "state"
    state.mkdir()
    mover("copy", odd.path, target.path, "--live", "--state", state)
    result = mover("copy", odd.path, target.path, "--state", state, "-o", "json").result
    assert result["changed"] == 0 and result["bytes_sent"] == 0
    same(odd.path, target.path)


@pytest.mark.parametrize("spoil,words", [
    (lambda p: p.write_bytes(b"X" + p.read_bytes()[1:]), "has another content"),
    (lambda p: os.chmod(p, 0o600), "mode is 0600"),
    (lambda p: os.chown(p, 1, 2), "owner is 1"),
    (lambda p: os.setxattr(p, "user.extra", b"1"), "attribute user.extra should not be there"),
    (lambda p: os.utime(p, ns=(0, 5)), "modification time is 0.000000005"),
    (lambda p: p.unlink(), "is missing"),
    (lambda p: p.rename(p.parent / "other\x1bname"), "should not be there"),
    (lambda p: p.write_bytes(p.read_bytes()[:-1]), "size is"),
], ids=["byte", "mode", "owner", "attribute", "time", "missing", "name", "size"])
def test_verify_names_one_wrong_thing(disk, mover, tmp_path, spoil, words):
    source, target = disk("source", 16), disk("target", 16)
    for name in ("one", "two"):
        (source.path / name).write_bytes(os.urandom(100_000))
    mover("copy", source.path, target.path, "--manifest", tmp_path / "manifest")
    mover("verify", target.path, "--manifest", tmp_path / "manifest")
    times = os.stat(target.path / "one").st_mtime_ns, os.stat(target.path).st_mtime_ns
    spoil(target.path / "one")
    if words == "has another content":
        os.utime(target.path / "one", ns=(0, times[0]))
    os.utime(target.path, ns=(0, times[1]))
    ran = mover("verify", target.path, "--manifest", tmp_path / "manifest", expect=6)
    assert words in ran.err and ("target:one" in ran.err or "target:other^[name" in ran.err) and "two" not in ran.err
    assert "\x1b" not in ran.err


def test_verify_names_the_block_of_a_wrong_byte_in_a_large_file(disk, mover, tmp_path):
    source, target = disk("source", 32), disk("target", 32)
    (source.path / "large").write_bytes(os.urandom(8_000_000))
    mover("copy", source.path, target.path, "--manifest", tmp_path / "manifest")
    before = os.stat(target.path / "large").st_mtime_ns
    with open(target.path / "large", "r+b") as file:
        file.seek(5_000_000)
        byte = file.read(1)
        file.seek(5_000_000)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(target.path / "large", ns=(0, before))
    ran = mover("verify", target.path, "--manifest", tmp_path / "manifest", expect=6)
    assert f"target:large: has another content from byte {5_000_000 // 16384 * 16384}" in ran.err


def test_a_broken_hard_link_is_found(disk, mover, tmp_path):
    source, target = disk("source", 16), disk("target", 16)
    (source.path / "a").write_text("linked")
    os.link(source.path / "a", source.path / "b")
    mover("copy", source.path, target.path, "--manifest", tmp_path / "manifest")
    info, root = os.stat(target.path / "b"), os.stat(target.path)
    (target.path / "b").unlink()
    (target.path / "b").write_text("linked")
    os.utime(target.path / "b", ns=(0, info.st_mtime_ns))
    os.utime(target.path, ns=(0, root.st_mtime_ns))
    assert "target:b: is not the same file as target:a" in mover("verify", target.path, "--manifest", tmp_path / "manifest", expect=6).err


def refused(mover, source, target, *words):
    before = oracle.facts_of(target)
    ran = mover("copy", source, target, expect=3)
    assert oracle.facts_of(target) == before
    for word in words:
        assert word in ran.err


def test_what_the_target_cannot_hold_is_refused_before_anything_is_changed(disk, mover):
    source, target = disk("source", 16), disk("target", 16, options=["-I", "128"])
    (target.path / "there").write_text("stays")
    (source.path / "late").write_text("after 2038, with nanoseconds")
    os.utime(source.path / "late", ns=(0, (2**32 + 5) * 10**9 + 1))
    refused(mover, source.path, target.path, "modification times")


def test_a_file_larger_than_the_target_can_have_is_refused(disk, mover):
    source, target = disk("source", 320, "xfs"), disk("target", 16)
    with open(source.path / "8EiB", "wb") as file:
        os.ftruncate(file.fileno(), 2**63 - 1)
    refused(mover, source.path, target.path, "source:8EiB", "9223372036854775807 bytes")


def test_an_empty_file_of_8_EiB_is_copied_in_no_time(disk, mover, same):
    source, target = disk("source", 320, "xfs"), disk("target", 320, "xfs")
    file = os.open(source.path / "8EiB", os.O_RDWR | os.O_CREAT)
    os.ftruncate(file, 2**63 - 1)
    os.pwrite(file, b"far out", 2**62)
    os.close(file)
    (source.path / "more").write_text("more than fits into a number with a sign")
    assert "3 entries, 8192Pi; " in mover("copy", source.path, target.path).out
    same(source.path, target.path)


def test_attributes_that_are_too_large_are_refused(disk, mover):
    source, target = disk("source", 320, "xfs"), disk("target", 16)
    (source.path / "file").write_text("x")
    os.setxattr(source.path / "file", "user.large", b"v" * 60_000)
    refused(mover, source.path, target.path, "attribute user.large", "source:file")


@pytest.mark.parametrize("names", ["one", "each-another"])
def test_attributes_that_are_large_together_are_kept_by_copy_and_over_the_wire(disk, mover, same, tmp_path, names):
    """More than a block of an index or a frame holds."""
    source, key = disk("source", 320, "xfs"), make_key(tmp_path / "key")
    for number in range(100):
        path = source.path / f"file{number:03}"
        path.write_bytes(os.urandom(100))
        os.setxattr(path, f"user.n{number if names != 'one' else ''}", os.urandom(65536))
    there, target = disk("there", 320, "xfs"), disk("target", 320, "xfs")
    mover("copy", source.path, target.path)
    same(source.path, target.path)
    receiver = Receiver(there.path, key)
    mover("send", source.path, "--to", receiver.address, "--key-file", key)
    receiver.end()
    same(source.path, there.path)


def test_more_attributes_than_can_be_listed_are_refused(disk, mover):
    source, target = disk("source", 320, "xfs"), disk("target", 320, "xfs")
    (source.path / "file").write_text("x")
    for number in range(300):  # over 64 KiB of names
        os.setxattr(source.path / "file", f"user.{number:0240}", b"")
    refused(mover, source.path, target.path, "source:file: has more attributes than the kernel lists (64 KiB of names)", "nothing was changed")


def give_much(path, space="user"):
    for number in range(10):
        os.setxattr(path, f"{space}.n{number}", os.urandom(60_000))


@pytest.mark.parametrize("name", ["small", "table", "directory", "fifo"])
def test_more_attributes_than_a_copy_holds_are_named_also_when_they_came_after_the_scan(disk, slow, same, mover, name):
    source, target = disk("source", 320, "xfs"), disk("target", 320, "xfs")
    (source.path / "a-large").write_bytes(os.urandom(6_000_000))
    last = source.path / ("z-" + name)
    if name == "directory":
        last.mkdir()
    elif name == "fifo":
        os.mkfifo(last)
    else:
        last.write_bytes(bytes(100 if name == "small" else 2_000_000))
    copy = slow("copy", source.path, target.path, "--live", "--group-bytes", "1Mi")
    until(lambda: (target.path / "a-large").exists())
    with stopped(copy):
        give_much(last, "trusted" if name == "fifo" else "user")
    said = copy.communicate(timeout=60)[1]
    assert copy.returncode == 5 and f"source:z-{name}: has over 512 KiB of extended attributes" in said, said
    refused(mover, source.path, target.path, f"source:z-{name}: has over 512 KiB of extended attributes", "nothing was changed")


def test_a_target_with_more_attributes_than_a_copy_holds_is_made_like_the_source(disk, mover, same):
    source, target = disk("source", 320, "xfs"), disk("target", 320, "xfs")
    for disk_of in (source, target):
        (disk_of.path / "file").write_text("content")
    (target.path / "other").write_text("content")
    give_much(target.path / "file")
    give_much(target.path / "other")
    mover("copy", source.path, target.path)
    same(source.path, target.path)


def test_flags_that_the_target_does_not_know_are_refused(disk, mover):
    source, target = disk("source", 16), disk("target", 320, "xfs")
    (source.path / "d").mkdir()
    oracle.set_flags(source.path / "d", oracle.DIRSYNC)
    refused(mover, source.path, target.path, "dirsync flag", "source:d")


def test_a_target_that_cannot_be_written_to_is_refused(disk, mover):
    source, target = disk("source", 16), disk("target", 16)
    (source.path / "file").write_text("content")
    target.unmount()
    target.mount("ro")
    refused(mover, source.path, target.path, "the target cannot hold anything: it is mounted for reading only", "nothing was changed")


def test_a_copy_of_an_immutable_root_can_be_copied_to_again(disk, mover, same):
    source, target = disk("source", 16), disk("target", 16, options=["-I", "128"])
    (source.path / "first").write_text("first")
    for path in (source.path, source.path / "first"):
        os.utime(path, (1, 1))
    oracle.set_flags(source.path, oracle.IMMUTABLE)
    mover("copy", source.path, target.path)
    same(source.path, target.path)
    oracle.set_flags(source.path, 0)
    (source.path / "second").write_text("second")
    for path in (source.path, source.path / "second"):
        os.utime(path, (2, 2))
    oracle.set_flags(source.path, oracle.IMMUTABLE)
    mover("copy", source.path, target.path)
    same(source.path, target.path)
    # One that cannot hold what comes next stays locked.
    os.utime(source.path / "second", ns=(0, 1))
    refused(mover, source.path, target.path, "modification times")
    oracle.set_flags(source.path, 0)


def test_a_copy_into_itself_is_refused(disk, mover):
    source = disk("source", 16)
    (source.path / "inside").mkdir()
    assert "lies in the other" in mover("copy", source.path, source.path / "inside", expect=3).err
    assert "lies in the other" in mover("copy", source.path / "inside", source.path, expect=3).err
    assert "lies in the other" in mover("copy", source.path, source.path, expect=3).err


@pytest.mark.parametrize("way", ["target", "source"])
def test_a_copy_into_itself_by_way_of_another_mount_is_refused(disk, mover, tmp_path, way):
    source, seen = disk("source", 16), tmp_path / "seen elsewhere"
    (source.path / "inside/deep").mkdir(parents=True)
    (source.path / "inside/deep/file").write_text("there is no other")
    (source.path / "other").mkdir()
    seen.mkdir()
    subprocess.run(["mount", "--bind", source.path / "inside", seen], check=True)
    before = oracle.facts_of(source.path)
    for part in ("", "deep"):
        words = [source.path, seen / part]
        ran = mover("copy", *(words if way == "target" else words[::-1]), expect=3)
        assert "lies in the other; nothing was changed" in ran.err
        assert oracle.facts_of(source.path) == before
    # One beside the other is another matter, also on one filesystem.
    mover("copy", seen / "deep", source.path / "other")
    assert (source.path / "other/file").read_text() == "there is no other"
    subprocess.run(["umount", seen], check=True)


@pytest.mark.parametrize("where", ["source", "target"])
def test_what_a_run_writes_for_itself_may_not_lie_in_what_it_copies(disk, mover, where):
    disks = {"source": disk("source", 16), "target": disk("target", 16)}
    (disks["source"].path / "file").write_text("content")
    (disks[where].path / "state").mkdir()
    before = [oracle.facts_of(one.path) for one in disks.values()]
    words = ["copy", disks["source"].path, disks["target"].path]
    for more, what in ((["--state", disks[where].path / "state"], "the folder of --state"), (["--manifest", disks[where].path / "state/manifest"], "the file of --manifest")):
        assert f"{what} (" in (said := mover(*words, *more, expect=3).err) and f"lies in the {where}; nothing was changed" in said
    times = os.stat(disks[where].path / "state")
    said = mover(*words, env={"TMPDIR": str(disks[where].path / "state")}, expect=3).err
    os.utime(disks[where].path / "state", ns=(times.st_atime_ns, times.st_mtime_ns))  # a folder came and went
    assert "the folder for what this run needs (" in said and f"lies in the {where}" in said and "set TMPDIR, or --state" in said
    for facts, one in zip(before, disks.values()):
        assert oracle.facts_of(one.path) == facts


def test_names_that_look_like_the_movers_own_are_kept(disk, mover, same, tmp_path):
    source, target, state = disk("source", 16), disk("target", 16), tmp_path / "state"
    state.mkdir()
    for kept in (".holdfast-removed-s", ".holdfast-removed-0", ".holdfast-removed-1"):
        (source.path / kept).mkdir()
    (source.path / ".holdfast-removed-1" / "file").write_text("kept")
    (source.path / "inside").mkdir()
    (source.path / "inside" / ".holdfast-removed-s").write_text("kept")
    deep = ["deep/" + "d/" * 40, "deep/" + "e/" * 40]
    for path in deep:
        os.makedirs(source.path / path)
    words = ["copy", source.path, target.path, "--no-verify", "--state", state]
    mover(*words, "--live")
    shutil.rmtree(source.path / "deep")
    for folder in (source.path, source.path / "inside"):
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(folder / "socket"))
    mover(*words)
    same(source.path, target.path)


def test_what_is_removed_deep_goes_also_where_a_killed_removal_left_something(disk, mover, same):
    source, target = disk("source", 16), disk("target", 16)
    os.makedirs(target.path / ".holdfast-removed-0" / "deeper")
    os.makedirs(target.path / "#first" / ("d/" * 40))
    mover("copy", source.path, target.path)
    same(source.path, target.path)


def test_a_project_that_a_directory_gives_on_is_no_hindrance_to_what_is_of_another(disk, mover, same, tmp_path):
    """Into such a directory the kernel neither links nor moves what has another project: errors of other filesystems, EXDEV."""
    source, target, state = disk("source", 320, "xfs"), disk("target", 320, "xfs"), tmp_path / "state"
    state.mkdir()
    (source.path / "file").write_text("content")
    (source.path / "gives-on").mkdir()
    os.link(source.path / "file", source.path / "gives-on/link")
    deep = source.path / "gives-on/deep"
    for number in range(40):
        deep.mkdir()
        oracle.set_project(deep, number + 1)
        deep = deep / "d"
    oracle.set_project(source.path / "gives-on", 4711)
    oracle.set_flags(source.path / "gives-on", oracle.PROJINHERIT)
    words = ["copy", source.path, target.path, "--state", state]
    mover(*words, "--live")
    (state / "index").unlink()  # what has several names is then made anew
    mover(*words)
    same(source.path, target.path)
    shutil.rmtree(source.path / "gives-on/deep")
    mover(*words)
    same(source.path, target.path)


def test_a_name_that_the_mover_needs_for_itself_is_refused(disk, mover):
    for name in (".holdfast-mover", ".holdfast-probe"):
        source, target = disk(f"source{name}", 16), disk(f"target{name}", 16)
        (source.path / name).mkdir()
        assert f"source:{name}: is a name that the mover needs for itself" in mover("copy", source.path, target.path, expect=3).err


def encrypt(disk, folder):
    """By a key that is all zeros (linux/fscrypt.h: fscrypt_add_key_arg, fscrypt_policy_v2)."""
    there = os.open(disk, os.O_RDONLY)
    key = bytearray(struct.pack("=II32xII32x", 2, 0, 64, 0) + bytes(64))
    fcntl.ioctl(there, 0xC0506617, key)
    os.close(there)
    inside = os.open(folder, os.O_RDONLY)
    fcntl.ioctl(inside, 0x800C6613, bytes([2, 1, 4, 0, 0, 0, 0, 0]) + bytes(key[8:24]))
    os.close(inside)


def test_what_is_encrypted_is_refused_since_its_copy_would_not_be(disk, mover):
    source, target = disk("source", 16, options=["-O", "encrypt"]), disk("target", 16)
    (source.path / "secret").mkdir()
    encrypt(source.path, source.path / "secret")
    (source.path / "secret/file").write_text("for those who have the key")
    ran = mover("copy", source.path, target.path, expect=3)
    for name in ("secret", "secret/file"):
        assert f"source:{name}: is encrypted (fscrypt), and its copy would not be" in ran.err
    assert os.listdir(target.path) == ["lost+found"]


def test_links_are_never_followed(disk, mover, same, tmp_path):
    source, target = disk("source", 16), disk("target", 16)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("not to be read, not to be changed")
    os.symlink(outside, source.path / "out")
    (source.path / "d").mkdir()
    (source.path / "d/secret").write_text("from inside")
    os.symlink(outside, target.path / "d")  # whoever follows it writes outside
    mover("copy", source.path, target.path)
    same(source.path, target.path)
    assert (outside / "secret").read_text() == "not to be read, not to be changed"


def test_another_filesystem_in_the_tree_is_not_entered(disk, mover):
    source, inner, target = disk("source", 16), disk("inner", 16), disk("target", 16)
    (source.path / "mounted").mkdir()
    subprocess.run(["mount", "--bind", inner.path, source.path / "mounted"], check=True)
    try:
        ran = mover("copy", source.path, target.path, expect=3)
        assert "source:mounted: another filesystem is mounted there" in ran.err
        assert list(os.listdir(target.path)) == ["lost+found"]
    finally:
        subprocess.run(["umount", source.path / "mounted"], check=True)


def test_a_full_disk_ends_with_5_and_names_the_file(disk, mover, same, tmp_path):
    source, target = disk("source", 64), disk("target", 48)
    for number in range(8):
        (source.path / f"file{number}").write_bytes(os.urandom(4_000_000))
    shutil.rmtree(source.path / "lost+found")  # directories are made before files are written
    (target.path / "others").write_bytes(os.urandom(16 << 20))
    (target.path / "here").mkdir()
    before = oracle.facts_of(source.path)
    ran = mover("copy", source.path, target.path / "here", expect=5)
    assert "target:file" in ran.err and "No space left on device" in ran.err and "source is untouched" in ran.err
    assert oracle.facts_of(source.path) == before


def fill_up(path):
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC


@pytest.mark.parametrize("room", ["size=4k", "size=120k", "size=300k", "nr_inodes=3", "nr_inodes=6"])
def test_a_state_without_room_ends_with_5_and_once_there_is_some_the_rest_is_copied(disk, mounted, mover, same, room):
    source, target, state = disk("source", 48), disk("target", 48), mounted("tmpfs", "state", room)
    for number in range(2000):
        (source.path / f"file{number:05}").write_bytes(os.urandom(200))
    for number in range(200):
        os.link(source.path / f"file{number:05}", source.path / f"link{number:05}")
    before = oracle.facts_of(source.path)
    for more in (["--live"], [], []):
        ran = mover("copy", source.path, target.path, "--state", state, *more, expect=5)
        assert f"{state}" in ran.err and "No space left on device" in ran.err and "source is untouched" in ran.err
    assert oracle.facts_of(source.path) == before
    subprocess.run(["mount", "-o", "remount,size=100m,nr_inodes=1000", state], check=True)
    mover("copy", source.path, target.path, "--state", state)
    same(source.path, target.path)


def test_a_state_that_cannot_be_written_to_says_so(disk, mounted, mover):
    source, target, state = disk("source", 16), disk("target", 16), mounted("tmpfs", "state", "nr_inodes=1")
    said = mover("copy", source.path, target.path, "--state", state, expect=1).err
    assert "No space left on device" in said and "try: give a folder that can be written to" in said
    said = mover("copy", source.path, target.path, "--state", state / "none", expect=1).err
    assert "try: make the folder of --state first" in said


def test_a_target_full_of_what_the_source_has_no_more_is_emptied_of_it_first(disk, mover, same, tmp_path):
    source, target, state = disk("source", 96), disk("target", 64), tmp_path / "state"
    state.mkdir()
    for number in range(6):
        (source.path / f"file{number}").write_bytes(os.urandom(8_000_000))
    (target.path / "others").write_bytes(os.urandom(16 << 20))
    (target.path / "here").mkdir()
    mover("copy", source.path, target.path / "here", "--state", state, expect=5)
    fill_up(target.path / "here/room")  # not a block is left
    for number in range(6):
        (source.path / f"file{number}").unlink()
    (source.path / "a-new").write_bytes(os.urandom(25_000_000))  # comes before all that goes
    mover("copy", source.path, target.path / "here", "--state", state)
    target.again()
    same(source.path, target.path / "here")


def test_a_disk_without_inodes_ends_with_5_and_names_the_file(disk, mover):
    source, target = disk("source", 32), disk("target", 32, options=["-N", "64"])
    for number in range(200):
        (source.path / f"file{number:03}").write_text("x")
    ran = mover("copy", source.path, target.path, expect=5)
    assert "target:file" in ran.err and "No space left on device" in ran.err


def test_a_read_error_ends_with_5_and_names_the_file(disk, mover):
    source, target = disk("source", 64), disk("target", 64)
    (source.path / "good").write_text("g")
    (source.path / "unreadable").write_bytes(os.urandom(45_000_000))
    source.again()
    os.truncate(source.image, 30 << 20)  # the disk's end is gone
    ran = mover("copy", source.path, target.path, expect=5)
    assert "read source:unreadable: Input/output error" in ran.err and "source is untouched" in ran.err


def test_a_directory_that_is_not_there_ends_with_1(disk, mover, tmp_path):
    target = disk("target", 16)
    assert "No such file or directory" in mover("copy", tmp_path / "nowhere", target.path, expect=1).err


@pytest.mark.parametrize("words", [[], ["cpy", "a", "b"], ["copy", "a"], ["copy", "a", "b", "--nonsense"], ["verify", "a"],
                                   ["copy", "a", "b", "--threads", "0"], ["copy", "a", "b", "--bandwidth", "-1"],
                                   ["copy", "a", "b", "--progress", "loud"], ["copy", "a", "b", "--state"], ["copy", "a", "b", "--state", ""]])
def test_wrong_usage_ends_with_2(mover, words):
    assert mover(*words, expect=2).err.startswith("error: ")


@pytest.mark.parametrize("words, commands", [
    (["receive", "a", "--listen", "127.0.0.1:0", "--key-file", "k", "--no-verify"], "copy and send"),
    (["receive", "a", "--listen", "127.0.0.1:0", "--key-file", "k", "--manifest", "m"], "copy, send and verify"),
    (["verify", "a", "--manifest", "m", "--live"], "copy and send"), (["copy", "a", "b", "--stay"], "receive"), (["copy", "a", "b", "--to", "127.0.0.1:1"], "send")])
def test_a_flag_that_a_command_would_pass_over_is_wrong_usage(mover, words, commands):
    assert f" is for {commands}\n" in mover(*words, expect=2).err


def test_help_has_every_flag_and_every_exit_code(mover):
    text = mover("--help").out
    for flag in ("--live", "--paranoid", "--no-verify", "--state", "--manifest", "--operation", "--bandwidth", "--threads", "--progress", "--output"):
        assert flag in text
    for code in range(8):
        assert f"\n  {code}  " in text
