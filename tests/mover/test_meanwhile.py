"""What happens beside a copy: another mover with the same target or state, targets and sources that go away."""
import fcntl
import os
import subprocess

import oracle
import pytest
from conftest import MOVER, files_in, stopped, until
from wire import Receiver, make_key

MIB = 1 << 20


def begin_slow(disk, slow, tmp_path, *words):
    source, target = disk("source", 96), disk("target", 96)
    (source.path / "large").write_bytes(os.urandom(24 * MIB))
    first = slow("copy", source.path, target.path, "--no-verify", *words)
    until(lambda: (target.path / "large").exists())
    return source, target, first


def test_a_second_mover_is_kept_out_of_a_target_that_another_writes_to(disk, mover, slow, same, tmp_path):
    source, target, first = begin_slow(disk, slow, tmp_path)
    other = disk("other", 16)
    (other.path / "foreign").write_text("foreign")
    key = make_key(tmp_path / "key")
    with stopped(first):
        said = mover("copy", other.path, target.path, expect=4).err
        said += mover("receive", target.path, "--listen", "127.0.0.1:0", "--key-file", key, expect=4).err
    assert said.count(f"target {target.path}: another mover works with it; nothing was changed") == 2
    assert not (target.path / "foreign").exists()
    assert first.wait(timeout=60) == 0
    same(source.path, target.path)


@pytest.mark.parametrize("first_in", ["folder", "folder/inside"])
def test_a_second_mover_is_kept_out_of_a_folder_in_a_target_and_of_one_around_it(disk, mover, slow, same, tmp_path, first_in):
    """The one around it would remove what the other writes."""
    source, other, target = disk("source", 96), disk("other", 16), disk("target", 96)
    (source.path / "large").write_bytes(os.urandom(24 * MIB))
    (other.path / "foreign").write_text("foreign")
    (target.path / "folder/inside/deep").mkdir(parents=True)
    (target.path / "beside").mkdir()
    second_in = "folder/inside/deep" if first_in == "folder" else "folder"
    if first_in == "folder":
        (source.path / "inside/deep").mkdir(parents=True)
    first = slow("copy", source.path, target.path / first_in, "--no-verify")
    until(lambda: (target.path / first_in / "large").exists())
    with stopped(first):
        said = mover("copy", other.path, target.path / second_in, expect=4).err
        mover("copy", other.path, target.path / "beside")
    way = "which it lies in" if first_in == "folder" else "in it"
    assert f"target {target.path / second_in}: another mover works with a folder {way}; nothing was changed" in said
    assert not (target.path / second_in / "foreign").exists() and (target.path / "beside/foreign").exists()
    assert first.wait(timeout=60) == 0
    same(source.path, target.path / first_in)


def test_a_lock_of_no_movers_on_a_folder_around_the_target_is_no_hindrance(disk, mover, same):
    source, target = disk("source", 16), disk("target", 16)
    (source.path / "file").write_text("content")
    (target.path / "folder").mkdir()
    around = os.open(target.path, os.O_RDONLY)
    fcntl.flock(around, fcntl.LOCK_EX)  # as flock(1) in a script does
    mover("copy", source.path, target.path / "folder")
    os.close(around)
    same(source.path, target.path / "folder")


def test_a_second_mover_is_kept_out_of_an_image_that_another_writes_to(disk, mover, slow, tmp_path):
    for name, megabytes in (("one", 24), ("other", 8)):
        (tmp_path / name).write_bytes(os.urandom(megabytes * MIB))
    first = slow("copy", tmp_path / "one", tmp_path / "target", "--no-verify")
    until(lambda: (tmp_path / "target").exists() and os.stat(tmp_path / "target").st_blocks)
    with stopped(first):
        assert "another mover works with it" in mover("copy", tmp_path / "other", tmp_path / "target", expect=4).err
    assert first.wait(timeout=60) == 0
    assert (tmp_path / "one").read_bytes() == (tmp_path / "target").read_bytes()


def test_a_second_mover_is_kept_out_of_a_state_before_it_looks_at_anything(disk, mover, slow, same, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    source, target, first = begin_slow(disk, slow, tmp_path, "--state", state)
    other = disk("other", 16)
    before = oracle.facts_of(other.path)
    with stopped(first):
        ran = mover("copy", source.path, other.path, "--state", state, "--progress", "json", expect=4)
    assert "another mover works with this state" in ran.err and "scan" not in ran.err
    assert oracle.facts_of(other.path) == before
    assert first.wait(timeout=60) == 0
    same(source.path, target.path)


def test_two_receivers_with_one_state_the_second_is_kept_out(disk, mover, tmp_path):
    one, other, state, key = disk("one", 16), disk("other", 16), tmp_path / "state", make_key(tmp_path / "key")
    state.mkdir()
    first = Receiver(one.path, key, "--state", state)
    try:
        said = mover("receive", other.path, "--listen", "127.0.0.1:0", "--key-file", key, "--state", state, expect=4).err
        assert "another mover works with this state" in said
    finally:
        first.kill()


def test_where_a_filesystem_has_no_locks_that_is_said_of_a_state_and_a_target_is_copied_to(disk, mover, same, tmp_path, monkeypatch):
    """Some over a network have none. Then nobody's end is to be waited for."""
    source, target, state = disk("source", 16), disk("target", 16), tmp_path / "state"
    (source.path / "file").write_text("content")
    state.mkdir()
    monkeypatch.setattr("conftest.MOVER", "strace")
    without = ("-f", "-qq", "-o", "/dev/null", "-e", "trace=flock", "-e", "inject=flock:error=ENOLCK", MOVER)
    said = mover(*without, "copy", source.path, target.path, "--state", state, expect=1).err
    assert f"{state}: cannot be locked: No locks available; nothing was changed\ntry: give a folder of --state on a disk of this machine" in said
    assert files_in(target.path) == []
    mover(*without, "copy", source.path, target.path)
    same(source.path, target.path)


def test_the_state_of_one_target_says_nothing_of_another(disk, mover, same, tmp_path):
    source, one, other, state = disk("source", 32), disk("one", 32), disk("other", 32), tmp_path / "state"
    state.mkdir()
    for number in range(5):
        (source.path / f"file{number}").write_bytes(os.urandom(300_000))
    (other.path / "file0").write_bytes(os.urandom(300_000))
    os.utime(other.path / "file0", ns=(0, os.stat(source.path / "file0").st_mtime_ns))  # looks like the source's
    for target, more in ((one, ["--live"]), (other, ["--live"]), (one, []), (other, []), (one, [])):
        mover("copy", source.path, target.path, "--state", state, *more)
        if not more:
            same(source.path, target.path)


# What goes away

@pytest.mark.parametrize("what", ["unmounted", "covered"])
def test_a_target_that_goes_away_meanwhile_is_missed_and_nothing_is_written_beneath(disk, mover, slow, same, mounted, tmp_path, what):
    source, target, first = begin_slow(disk, slow, tmp_path, "--group-bytes", "2Mi")
    if what == "unmounted":
        subprocess.run(["umount", "-l", target.path], check=True)
    else:
        mounted("tmpfs", "target")
    _, said = first.communicate(timeout=60)
    assert first.returncode == 5, said
    assert f"target {target.path} is no more what it was when this began: it was unmounted or replaced, or something was mounted over it" in said
    assert "source is untouched" in said and files_in(target.path) == []
    if what == "unmounted":
        subprocess.run(["mount", "-o", "loop", target.image, target.path], check=True)
    else:
        subprocess.run(["umount", target.path], check=True)
    mover("copy", source.path, target.path)
    same(source.path, target.path)


def test_a_receivers_target_that_goes_away_is_missed_by_both_sides(disk, slow, tmp_path):
    source, target, key = disk("source", 96), disk("target", 96), make_key(tmp_path / "key")
    (source.path / "large").write_bytes(os.urandom(24 * MIB))
    there = Receiver(target.path, key)
    here = slow("send", source.path, "--to", there.address, "--key-file", key, "--group-bytes", "2Mi")
    until(lambda: (target.path / "large").exists())
    subprocess.run(["umount", "-l", target.path], check=True)
    _, said = here.communicate(timeout=60)
    assert here.returncode == 5 and "is no more what it was when this began" in said
    assert "is no more what it was when this began" in there.end(5)
    assert files_in(target.path) == []


def test_an_image_that_is_replaced_meanwhile_is_missed(slow, tmp_path):
    (tmp_path / "one").write_bytes(os.urandom(24 * MIB))
    (tmp_path / "target").write_bytes(bytes(MIB))
    first = slow("copy", tmp_path / "one", tmp_path / "target", "--no-verify", "--group-bytes", "2Mi")
    until(lambda: os.stat(tmp_path / "target").st_size != MIB)
    (tmp_path / "target").unlink()
    (tmp_path / "target").write_text("another")
    _, said = first.communicate(timeout=60)
    assert first.returncode == 5 and "is no more what it was when this began" in said
    assert (tmp_path / "target").read_text() == "another"


def test_a_source_that_goes_away_meanwhile_is_missed(disk, slow, tmp_path):
    source, target, first = begin_slow(disk, slow, tmp_path)
    subprocess.run(["umount", "-l", source.path], check=True)
    _, said = first.communicate(timeout=60)
    assert first.returncode == 5 and f"source {source.path} is no more what it was when this began" in said
