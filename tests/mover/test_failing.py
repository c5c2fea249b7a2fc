"""A source that cannot be read to its end, as a FUSE double shows it: nothing is passed over, and what is wrong is named."""
import contextlib
import os
import subprocess
import sys
from pathlib import Path

import oracle
import pytest
from wire import Receiver, make_key

MIB = 1 << 20


@contextlib.contextmanager
def double(tmp_path, program):
    """A folder, and what a FUSE double shows of it. The program goes into the background once it is mounted."""
    folder, shown = tmp_path / "whole", tmp_path / "shown"
    for one in (folder, shown):
        one.mkdir()
    subprocess.run([sys.executable, Path(__file__).parent / program, folder, shown], check=True)
    yield folder, shown
    subprocess.run(["umount", "-l", shown], check=True)


@pytest.fixture
def failing(tmp_path):
    """What lies in a folder, as a dying disk shows it."""
    with double(tmp_path, "failing_fs.py") as both:
        yield both


@pytest.fixture
def quota(tmp_path):
    """What lies in a folder, where no more may lie than the file quota says."""
    with double(tmp_path, "quota_fs.py") as (folder, shown):
        yield folder.with_name("whole.quota"), shown


def fill(folder, bad):
    (folder / "before").write_bytes(os.urandom(5 * MIB))
    (folder / "some").mkdir()
    for number in range(20):
        (folder / f"some/{number}").write_bytes(os.urandom(1000 * number))
    path = folder / bad
    if bad.endswith(".bad"):
        path.mkdir()
        (path / "inside").write_text("not to be seen")
    else:
        path.write_bytes(os.urandom(4 * MIB if "large" in bad else 3000))


@pytest.mark.parametrize("bad", ["some/small.bad-0", "large.bad-0", f"large.bad-{3 * MIB}", f"large.bad-{4 * MIB - 1}"])
def test_a_read_that_fails_ends_with_5_names_the_file_and_leaves_the_source(failing, disk, mover, same, tmp_path, bad):
    (folder, shown), target, state = failing, disk("target", 64), tmp_path / "state"
    state.mkdir()
    fill(folder, bad)
    before = oracle.facts_of(folder)
    ran = mover("copy", shown, target.path, "--state", state, expect=5)
    assert f"read source:{bad}: Input/output error" in ran.err and "source is untouched" in ran.err
    assert oracle.facts_of(folder) == before
    # Once what is there can be read, the same command does the rest.
    mover("copy", folder, target.path, "--state", state)
    same(folder, target.path)


@pytest.mark.parametrize("flag, what", [("800", "is encrypted (fscrypt), and its copy would not be"), ("100000", "is sealed (fs-verity), and its copy would not be"),
                                        ("40000000", "takes names in any case (casefold), and its copy would not")])
def test_what_a_copy_of_files_can_never_be_is_refused(failing, disk, mover, flag, what):
    (folder, shown), target = failing, disk("target", 16)
    (folder / f"some.flags-{flag}").touch()
    ran = mover("copy", shown, target.path, expect=3)
    assert f"source:some.flags-{flag}: {what}\n" in ran.err and "nothing was changed" in ran.err
    assert os.listdir(target.path) == ["lost+found"]


def test_a_directory_that_cannot_be_listed_ends_with_5_before_the_target_is_changed(failing, disk, mover):
    (folder, shown), target = failing, disk("target", 64)
    fill(folder, "some/folder.bad")
    (target.path / "old").write_text("old")
    ran = mover("copy", shown, target.path, expect=5)
    assert "source:some/folder.bad: Input/output error" in ran.err
    assert sorted(os.listdir(target.path)) == ["lost+found", "old"]


def test_a_read_that_fails_is_said_by_the_sender_and_the_receiver_waits_for_another(failing, disk, mover, same, tmp_path):
    (folder, shown), target, key = failing, disk("target", 64), make_key(tmp_path / "key")
    fill(folder, f"large.bad-{2 * MIB}")
    there = Receiver(target.path, key)
    ran = mover("send", shown, "--to", there.address, "--key-file", key, expect=5)
    assert f"read source:large.bad-{2 * MIB}: Input/output error" in ran.err
    mover("send", folder, "--to", there.address, "--key-file", key)
    assert "waiting for the next one" in there.end()
    same(folder, target.path)


def test_a_first_name_that_goes_away_during_a_live_pass_is_no_difference_and_the_next_pass_makes_it_good(failing, disk, mover, same, tmp_path):
    (folder, shown), target, state = failing, disk("target", 64), tmp_path / "state"
    state.mkdir()
    (folder / "a.gone").write_text("one file")
    os.link(folder / "a.gone", folder / "b")
    mover("copy", folder, target.path, "--live", "--state", state)
    (folder / "a.gone").write_text("one file, and changed")
    mover("copy", shown, target.path, "--live", "--state", state)
    (folder / "a.gone").unlink()
    mover("copy", folder, target.path, "--state", state)
    same(folder, target.path)


@pytest.mark.parametrize("size", [1000, 400_000])
@pytest.mark.parametrize("back", [False, True])
def test_other_names_of_a_file_whose_first_name_is_gone_before_it_was_ever_copied_end_no_live_pass(failing, disk, mover, same, tmp_path, size, back):
    (folder, shown), target, state = failing, disk("target", 64), tmp_path / "state"
    state.mkdir()
    (folder / "other").write_text("other")
    (folder / "a.gone").write_bytes(os.urandom(size))
    (folder / "d").mkdir()
    for name in ("b", "d/c"):
        os.link(folder / "a.gone", folder / name)
    mover("copy", shown, target.path, "--live", "--state", state)
    assert (target.path / "other").read_text() == "other" and not (target.path / "a.gone").exists()
    if not back:
        (folder / "a.gone").unlink()
    mover("copy", folder, target.path, "--state", state)
    same(folder, target.path)


@pytest.mark.parametrize("size", [1000, 400_000])
def test_a_file_in_whose_place_a_link_comes_during_a_live_pass_is_passed_over_and_the_next_pass_brings_the_link(failing, disk, mover, same, tmp_path, size):
    (folder, shown), target, state = failing, disk("target", 64), tmp_path / "state"
    state.mkdir()
    (folder / "other").write_text("other")
    (folder / "a.link").write_bytes(os.urandom(size))
    mover("copy", shown, target.path, "--live", "--state", state)
    assert sorted(os.listdir(target.path)) == [".holdfast-mover", "lost+found", "other"]
    (folder / "a.link").unlink()
    os.symlink("elsewhere", folder / "a.link")
    mover("copy", folder, target.path, "--state", state)
    same(folder, target.path)


@pytest.mark.parametrize("size", [MIB, 20_000], ids=["large", "small"])
def test_a_quota_ends_with_5_names_the_file_and_once_there_is_room_the_rest_is_copied(quota, disk, mover, same, tmp_path, size):
    (limit, target), source, state = quota, disk("source", 64), tmp_path / "state"
    state.mkdir()
    limit.write_text(str(8 * MIB))
    for number in range(24 * MIB // size):
        (source.path / f"file{number}").write_bytes(os.urandom(size))
    before = oracle.facts_of(source.path)
    for more in (["--state", state], [], ["--state", state]):
        ran = mover("copy", source.path, target, *more, expect=5)
        assert "target:file" in ran.err and "Disk quota exceeded" in ran.err and "source is untouched" in ran.err
    assert oracle.facts_of(source.path) == before
    limit.write_text(str(1 << 40))
    mover("copy", source.path, target, "--state", state)
    same(source.path, target)
