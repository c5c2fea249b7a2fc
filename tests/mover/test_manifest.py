"""Where --manifest and --state may be, and what they are never written over."""
import os
import stat
import subprocess

import oracle
import pytest
from conftest import MOVER, files_in

MIB = 1 << 20


@pytest.mark.parametrize("manifest", ["nowhere/manifest", "folder", "pipe", "file/manifest"])
def test_a_manifest_that_cannot_be_written_is_found_before_anything_is_copied(disk, mover, tmp_path, manifest):
    source, target = disk("source", 16), disk("target", 16)
    (source.path / "file").write_text("content")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("a file")
    os.mkfifo(tmp_path / "pipe")  # which nobody reads
    before = oracle.facts_of(target.path)
    said = mover("copy", source.path, target.path, "--manifest", tmp_path / manifest, expect=1).err
    assert f"--manifest {tmp_path / manifest}" in said or f"manifest {tmp_path / manifest}" in said
    assert oracle.facts_of(target.path) == before
    assert sorted(os.listdir(tmp_path)) == ["file", "folder", "pipe", "source", "source.img", "target", "target.img"]


def test_a_manifest_is_written_into_what_is_no_file_and_never_over_a_disk(disk, mover, tmp_path):
    source, target = disk("source", 16), disk("target", 16)
    (source.path / "file").write_text("content")
    os.mknod(tmp_path / "null", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    mover("copy", source.path, target.path, "--manifest", tmp_path / "null")
    assert stat.S_ISCHR(os.stat(tmp_path / "null").st_mode)
    out = subprocess.run([MOVER, "copy", source.path, target.path, "--manifest", "/dev/stdout"], capture_output=True, timeout=60).stdout
    assert out.startswith(b"HFIDX\1")
    device = subprocess.run(["findmnt", "-no", "SOURCE", target.path], check=True, capture_output=True, text=True).stdout.strip()
    assert f"--manifest {device}: is a disk; nothing was changed" in mover("copy", source.path, target.path, "--manifest", device, expect=1).err


@pytest.mark.parametrize("name", ["manifest", "./manifest", "d/../manifest"])
def test_a_manifest_is_said_from_where_one_is(disk, mover, tmp_path, monkeypatch, name):
    source, target = disk("source", 16), disk("target", 16)
    for folder in (tmp_path, source.path, target.path):
        (folder / "d").mkdir()
    monkeypatch.chdir(tmp_path)
    for _ in ("new", "old"):
        mover("copy", source.path, target.path, "--manifest", name)
        mover("verify", target.path, "--manifest", tmp_path / "manifest")
    for one in (source, target):
        monkeypatch.chdir(one.path)
        assert f"lies in the {one.path.name}" in mover("copy", source.path, target.path, "--manifest", name, expect=3).err
        assert not (one.path / "manifest").exists()


def test_a_manifest_that_is_a_mount_of_its_own_is_found_before_anything_is_copied(disk, mover, tmp_path):
    """As a container has files of its host. Another cannot be put in its place."""
    source, target = disk("source", 16), disk("target", 16)
    (source.path / "file").write_text("content")
    for name in ("hosts", "manifest"):
        (tmp_path / name).write_text("old")
    subprocess.run(["mount", "--bind", tmp_path / "hosts", tmp_path / "manifest"], check=True)
    try:
        said = mover("copy", source.path, target.path, "--manifest", tmp_path / "manifest", expect=1).err
    finally:
        subprocess.run(["umount", tmp_path / "manifest"], check=True)
    assert f"--manifest {tmp_path / 'manifest'}: is mounted there by itself, so that no other can take its place; nothing was changed" in said
    assert files_in(target.path) == [] and (tmp_path / "hosts").read_text() == "old"


def test_a_manifest_on_a_disk_for_reading_only_is_found_before_anything_is_copied(disk, mover):
    source, target, readable = disk("source", 16), disk("target", 16), disk("readable", 16)
    (source.path / "file").write_text("content")
    readable.unmount()
    readable.mount("ro")
    assert "Read-only file system" in mover("copy", source.path, target.path, "--manifest", readable.path / "manifest", expect=1).err
    assert files_in(target.path) == []


def test_an_old_manifest_stays_whole_until_the_new_one_is(disk, mover, tmp_path):
    """A disk that the manifest does not fit on."""
    source, target, small = disk("source", 64), disk("target", 64), disk("small", 8)
    for number in range(3000):
        (source.path / f"{number}-{'n' * 200}").touch()
    (small.path / "manifest").write_text("the old one")
    for number in range(9):
        with open(small.path / f"room{number}", "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(16384 if number < 8 else 512))
            except OSError:
                pass
    said = mover("copy", source.path, target.path, "--manifest", small.path / "manifest", expect=5).err
    assert "manifest" in said and "No space left on device" in said
    assert (small.path / "manifest").read_text() == "the old one"
    assert sorted(os.listdir(small.path)) == ["lost+found", "manifest"] + [f"room{number}" for number in range(9)]
    for number in range(9):
        (small.path / f"room{number}").unlink()
    mover("copy", source.path, target.path, "--manifest", small.path / "manifest")
    mover("verify", target.path, "--manifest", small.path / "manifest")


def test_a_new_manifest_is_its_owners_alone_and_one_in_place_of_another_is_for_whom_that_was(disk, mover, tmp_path):
    source, target, manifest = disk("source", 16), disk("target", 16), tmp_path / "manifest"
    (source.path / "file").write_text("content")
    mover("copy", source.path, target.path, "--manifest", manifest)
    assert os.stat(manifest).st_mode & 0o7777 == 0o600
    os.chown(manifest, 1234, 5678)
    os.chmod(manifest, 0o644)
    mover("copy", source.path, target.path, "--manifest", manifest)
    there = os.stat(manifest)
    assert (there.st_uid, there.st_gid, there.st_mode & 0o7777) == (1234, 5678, 0o644)
    mover("verify", target.path, "--manifest", manifest)


BAD = {"empty": lambda whole: b"", "cut": lambda whole: whole[:-10], "one byte": lambda whole: whole[:100] + bytes([whole[100] ^ 1]) + whole[101:],
       "more behind it": lambda whole: whole + b"more", "twice": lambda whole: whole * 2, "another version": lambda whole: whole[:5] + b"\2" + whole[6:],
       "zeros": lambda whole: bytes(5000), "a fifo": os.mkfifo, "a directory": os.mkdir}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_whole_manifest_is_not_compared_with_and_says_nothing_of_the_target(disk, mover, tmp_path, what):
    """Nor that it is wrong, as exit 6 would."""
    source, target, bad = disk("source", 16), disk("target", 16), tmp_path / "bad"
    for name in ("file", "other"):
        (source.path / name).write_text("content")
    mover("copy", source.path, target.path, "--manifest", tmp_path / "manifest")
    if what in ("a fifo", "a directory"):
        BAD[what](bad)
    else:
        bad.write_bytes(BAD[what]((tmp_path / "manifest").read_bytes()))
    said = mover("verify", target.path, "--manifest", bad, expect=1).err
    assert str(bad) in said and "; nothing of the target was looked at\n" in said and "source" not in said
    assert ("an index of another version" in said) == (what == "another version")


def test_a_target_that_cannot_be_read_is_no_matter_of_the_source(disk, mover, tmp_path):
    source, target = disk("source", 64), disk("target", 64)
    (source.path / "large").write_bytes(os.urandom(45_000_000))
    mover("copy", source.path, target.path, "--manifest", tmp_path / "manifest")
    target.again()
    os.truncate(target.image, 30 << 20)
    said = mover("verify", target.path, "--manifest", tmp_path / "manifest", expect=5).err
    assert "read back target:large: Input/output error" in said and "source" not in said


@pytest.mark.parametrize("flag", ["--manifest", "--state"])
def test_an_image_is_never_taken_for_a_place_to_write_to(mover, tmp_path, flag):
    """--state has a file "index", and so may the folder that an image lies in."""
    (tmp_path / "index").write_bytes(os.urandom(MIB))
    (tmp_path / "second").write_bytes(os.urandom(MIB))
    content = [(tmp_path / name).read_bytes() for name in ("index", "second")]
    place = tmp_path / "index" if flag == "--manifest" else tmp_path
    for words in (("index", "second"), ("second", "index")):
        said = mover("copy", *(tmp_path / name for name in words), flag, place, expect=3).err
        assert "nothing was changed" in said
        assert [(tmp_path / name).read_bytes() for name in ("index", "second")] == content


def test_a_link_in_place_of_a_manifest_is_followed_to_its_file(disk, mover, tmp_path):
    source, target = disk("source", 16), disk("target", 16)
    (source.path / "file").write_text("content")
    (tmp_path / "real").write_text("old")
    os.symlink("real", tmp_path / "manifest")
    mover("copy", source.path, target.path, "--manifest", tmp_path / "manifest")
    assert os.readlink(tmp_path / "manifest") == "real"
    mover("verify", target.path, "--manifest", tmp_path / "real")
    # Nor by way of a link into what is copied.
    os.symlink(source.path / "file", tmp_path / "bad")
    before = oracle.facts_of(source.path)
    assert "lies in the source" in mover("copy", source.path, target.path, "--manifest", tmp_path / "bad", expect=3).err
    assert oracle.facts_of(source.path) == before


@pytest.mark.parametrize("name", ["index", "pass", "image-journal"])
def test_a_state_is_not_written_over_what_is_not_a_movers(disk, mover, tmp_path, name):
    source, target, state = disk("source", 16), disk("target", 16), tmp_path / "state"
    (source.path / "file").write_text("content")
    state.mkdir()
    (state / name).write_text("somebody's")
    said = mover("copy", source.path, target.path, "--state", state, expect=3).err
    assert f"--state: {state / name} is not a mover's, and would be written over; nothing was changed" in said
    assert files_in(state) == [name] and (state / name).read_text() == "somebody's" and files_in(target.path) == []
    # What a mover left is known also without its lock.
    (state / name).unlink()
    mover("copy", source.path, target.path, "--state", state)
    (state / "lock").unlink()
    mover("copy", source.path, target.path, "--state", state)
