"""What SOURCE and TARGET may be: other filesystems, links to them, full and small ones, and what has lain there before."""
import os
import shutil
import subprocess

import dataset
import oracle
import pytest
from conftest import MOVER, files_in

MIB = 1 << 20


def overlay(mounted, below, above, name, *options):
    for path in (above / "upper", above / "work"):
        path.mkdir()
    return mounted("overlay", name, f"lowerdir={below}", f"upperdir={above / 'upper'}", f"workdir={above / 'work'}", *options, device="overlay")


# Filesystems

def test_files_of_two_layers_that_have_one_number_are_two_files(disk, mounted, mover, same):
    """An overlay of two filesystems shows the numbers of both, and says by the device which is whose."""
    below, above, target = disk("below", 16), disk("above", 16), disk("target", 16)
    (below.path / "lower").mkdir()
    for number in range(40):
        (below.path / f"lower/low{number}").write_text(f"below {number}")
        os.link(below.path / f"lower/low{number}", below.path / f"lower/low{number}-too")
    source = overlay(mounted, below.path / "lower", above.path, "source", "xino=off")
    for number in range(40):
        (source / f"up{number}").write_text(f"above {number}")
        os.link(source / f"up{number}", source / f"up{number}-too")
    numbers = {}
    for name in os.listdir(source):
        info = os.stat(source / name)
        numbers.setdefault(info.st_ino, set()).add(info.st_dev)
    assert any(len(devices) > 1 for devices in numbers.values())  # else this shows nothing
    mover("copy", source, target.path)
    for name in os.listdir(source):
        assert (target.path / name).read_text() == (source / name).read_text(), name
        assert os.path.samefile(target.path / name, target.path / f"{name.removesuffix('-too')}-too")


@pytest.mark.parametrize("which", ["overlay", "tmpfs"])
def test_a_containers_own_filesystems_are_copied_from_and_to(disk, mounted, mover, same, tmp_path, which):
    one, other, state = disk("one", 32), disk("other", 32), tmp_path / "state"
    state.mkdir()
    if which == "overlay":
        (one.path / "lower/d").mkdir(parents=True)
        for name in ("gone", "changed", "d/stays"):
            (one.path / "lower" / name).write_bytes(os.urandom(100_000))
        middle = overlay(mounted, one.path / "lower", one.path, "middle")
        (middle / "gone").unlink()
        with open(middle / "changed", "r+b") as file:
            file.write(b"changed")
    else:
        middle = mounted("tmpfs", "middle")
        (middle / "d").mkdir()
        (middle / "d/file").write_bytes(os.urandom(100_000))
    (middle / "new").write_text("new")
    os.link(middle / "new", middle / "d/new-too")
    with open(middle / "sparse", "wb") as file:
        file.truncate(4 * MIB)
        file.seek(MIB)
        file.write(os.urandom(1000))
    mover("copy", middle, other.path, "--state", state)
    same(middle, other.path)
    (other.path / "d/late").write_text("late")
    (other.path / "new").unlink()
    mover("copy", other.path, middle)
    same(middle, other.path)


@pytest.mark.parametrize("kind, path", [("proc", "/proc"), ("sysfs", "/sys"), ("proc", "/proc/self"), ("devpts", "/dev/pts")])
@pytest.mark.parametrize("side", ["source", "target"])
def test_what_the_kernel_makes_up_is_no_volume(disk, mover, tmp_path, kind, path, side):
    there = disk("there", 16)
    (there.path / "file").write_text("content")
    before = oracle.facts_of(there.path)
    words = (path, there.path) if side == "source" else (there.path, path)
    said = mover("copy", *words, expect=3).err
    assert f"{side} {path} is of {kind}, which the kernel makes up and no disk holds; nothing was changed" in said
    assert "try: give the folder where the volume is mounted" in said
    assert oracle.facts_of(there.path) == before


# Links, and ways to say a path

@pytest.mark.parametrize("way", ["link", "link/", "link of a link", "relative", "dot"])
def test_a_link_to_a_directory_stands_for_the_directory(disk, mover, same, tmp_path, monkeypatch, way):
    disks = {"source": disk("source", 16), "target": disk("target", 16)}
    (disks["source"].path / "d").mkdir()
    (disks["source"].path / "d/file").write_text("content")
    (tmp_path / "beside").mkdir()
    said = {}
    for side, one in disks.items():
        os.symlink(one.path, tmp_path / f"link-{side}")
        os.symlink(f"link-{side}", tmp_path / f"second-{side}")
        said[side] = {"link": tmp_path / f"link-{side}", "link/": f"{tmp_path}/link-{side}/", "link of a link": tmp_path / f"second-{side}",
                      "relative": f"../{side}/.", "dot": "."}[way]
    monkeypatch.chdir(disks["source"].path if way == "dot" else tmp_path / "beside")
    if way == "dot":
        said["target"] = "../target"
    before = sorted(os.listdir(tmp_path))
    mover("copy", said["source"], said["target"])
    same(disks["source"].path, disks["target"].path)
    assert sorted(os.listdir(tmp_path)) == before and os.listdir(tmp_path / "beside") == []


@pytest.mark.parametrize("source_is", ["directory", "image"])
def test_a_link_that_leads_nowhere_is_not_written_through(disk, mover, tmp_path, source_is):
    source, nowhere = disk("source", 16), tmp_path / "nowhere"
    (source.path / "file").write_text("content")
    if source_is == "image":
        source.unmount()
    os.symlink(nowhere, tmp_path / "link")
    what = source.image if source_is == "image" else source.path
    said = mover("copy", what, tmp_path / "link", expect=1).err
    assert "link" in said
    assert not nowhere.exists() and os.readlink(tmp_path / "link") == str(nowhere)
    said = mover("copy", tmp_path / "link", source.path if source_is == "directory" else source.image, expect=1).err
    assert "No such file or directory" in said


def test_a_link_to_a_device_or_to_an_image_stands_for_it(disk, mover, tmp_path):
    source, target = disk("source", 16), disk("target", 16)
    (source.path / "file").write_text("content")
    for one in (source, target):
        one.unmount()
    device = subprocess.run(["losetup", "--show", "-f", target.image], check=True, capture_output=True, text=True).stdout.strip()
    try:
        os.symlink(device, tmp_path / "device")
        os.symlink(source.image, tmp_path / "image")
        mover("copy", tmp_path / "image", tmp_path / "device")
    finally:
        subprocess.run(["losetup", "-d", device], check=True)
    assert source.image.read_bytes() == target.image.read_bytes() and os.readlink(tmp_path / "device") == device


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_path_through_another_processs_mounts_is_found_again_there(disk, mover, same, tmp_path, side):
    """/proc/PID/root says "/" to who asks where it leads, and here something else has the rest of the path."""
    here, hidden = disk("here", 16), tmp_path / "hidden"
    for folder in (hidden, here.path):
        (folder / "d").mkdir(parents=True)
    (hidden / "d/another").write_text("another")
    other = subprocess.Popen(["unshare", "-m", "sh", "-c", f"mount -t tmpfs none {hidden} && mkdir {hidden}/d && echo there && exec cat"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "there\n"
        there = f"/proc/{other.pid}/root{hidden}/d"
        words = (there, here.path / "d") if side == "source" else (here.path / "d", there)
        with open(f"{words[0]}/file", "w", encoding="ascii") as file:
            file.write("content")
        mover("copy", *words)
        same(*words)
        assert files_in(hidden) == ["d", "d/another"]
    finally:
        other.kill()
        other.communicate()


def test_a_user_who_may_not_go_the_whole_way_to_where_they_are_copies_from_there(tmp_path, mover):
    """Begun by somebody who may, in a folder of the user's own beneath one that is closed to them."""
    closed = tmp_path / "closed"
    for name in ("source", "target"):
        (closed / name).mkdir(parents=True)
    (closed / "source/file").write_text("content")
    for path in (closed / "source", closed / "target", closed / "source/file"):
        os.chown(path, 4242, 4242)
    way = [path for path in (closed, *closed.parents) if str(path).startswith("/tmp/")]
    for folder in way:
        os.chmod(folder, 0o755)
    source = os.open(closed / "source", os.O_RDONLY)
    os.chmod(closed, 0o700)
    mover("copy", f"/proc/self/fd/{source}", ".", cwd=closed / "target", pass_fds=[source], user=4242, group=4242, extra_groups=[])
    os.close(source)
    assert (closed / "target/file").read_text() == "content"


# How much fits, and what is there

def test_an_image_that_was_refused_leaves_no_file_behind(mover, tmp_path):
    (tmp_path / "image").write_bytes(os.urandom(MIB))
    mover("copy", tmp_path / "image", tmp_path / "made", "--manifest", tmp_path / "nowhere/manifest", expect=1)
    mover("copy", tmp_path / "image", tmp_path / "made", "--state", tmp_path / "nowhere", expect=1)
    assert os.listdir(tmp_path) == ["image"]


@pytest.mark.parametrize("what", ["directory", "file"])
def test_a_target_in_which_something_else_is_mounted_is_refused_and_that_is_not_touched(disk, mover, same, mounted, tmp_path, what):
    source, target, other = disk("source", 16), disk("target", 16), disk("other", 16)
    (source.path / "in a way").mkdir()
    (source.path / "in a way/file").write_text("content")
    (other.path / "file").write_text("precious")
    (target.path / "in a way").mkdir()
    if what == "file":
        (target.path / "in a way/file").write_text("covered")
    where, shown = (target.path / "in a way", other.path) if what == "directory" else (target.path / "in a way/file", other.path / "file")
    subprocess.run(["mount", "--bind", shown, where], check=True)
    try:
        said = mover("copy", source.path, target.path, expect=3).err
        assert f"the target cannot hold anything at target:{where.relative_to(target.path)}: another filesystem is mounted there" in said
        assert (other.path / "file").read_text() == "precious" and files_in(target.path)[0] == "in a way"
    finally:
        subprocess.run(["umount", where], check=True)
    mover("copy", source.path, target.path)
    same(source.path, target.path)


@pytest.mark.parametrize("folder", ["nowhere", "for reading only"])
def test_without_a_folder_for_what_a_run_needs_it_says_which_and_what_to_do(disk, mover, same, tmp_path, folder):
    """As in a container whose own filesystem is for reading only."""
    source, target, state, readable = disk("source", 16), disk("target", 16), tmp_path / "state", disk("for reading only", 16)
    (source.path / "file").write_text("content")
    state.mkdir()
    readable.unmount()
    readable.mount("ro")
    for words in (["copy", source.path, target.path], ["verify", target.path, "--manifest", tmp_path / "manifest"]):
        said = mover(*words, env={"TMPDIR": str(tmp_path / folder)}, expect=1).err
        assert f"no folder for what this run needs: {tmp_path / folder}: " in said and "; nothing was changed\ntry: set TMPDIR to one that can be written to, or give --state\n" in said
    assert files_in(target.path) == []
    mover("copy", source.path, target.path, "--state", state, env={"TMPDIR": str(tmp_path / folder)})
    same(source.path, target.path)


def test_nothing_of_an_image_is_needed_but_proc(disk, mounted, mover, same, monkeypatch):
    """No library, no shell, no list of users."""
    source, target = disk("source", 96), disk("target", 96)
    dataset.make("odd", source.path)
    image = mounted("tmpfs", "image")
    for name in ("source", "target", "state", "proc"):
        (image / name).mkdir()
    shutil.copy(MOVER, image / "mover")
    for one in (source, target):
        subprocess.run(["mount", "--bind", one.path, image / one.path.name], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", image / "proc"], check=True)
    monkeypatch.setattr("conftest.MOVER", "chroot")
    try:
        mover(image, "/mover", "copy", "/source", "/target", "--state", "/state")
    finally:
        for name in ("source", "target", "proc"):
            subprocess.run(["umount", "-l", image / name], check=True)
    same(source.path, target.path)


def test_a_full_target_that_was_never_copied_to_says_what_to_do(disk, mover, same):
    source, target = disk("source", 16), disk("target", 16)
    (source.path / "file").write_text("content")
    for size in (1 << 16, 4096):
        for number in range(9):
            with open(target.path / f"room-{size}-{number}", "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    pass
    said = mover("copy", source.path, target.path, expect=5).err
    assert "target:.holdfast-mover: No space left on device" in said
    assert "try: remove something from the target: a block must be free" in said
    os.truncate(target.path / "room-65536-0", 0)
    mover("copy", source.path, target.path)
    same(source.path, target.path)


def test_a_target_that_is_too_small_altogether_is_refused_with_numbers(disk, mover):
    source, target = disk("source", 96), disk("target", 16)
    (source.path / "large").write_bytes(os.urandom(40 * MIB))
    os.link(source.path / "large", source.path / "large-too")
    (target.path / "there").write_text("stays")
    before = oracle.facts_of(target.path)
    said = mover("copy", source.path, target.path, expect=3).err
    assert f"the target cannot hold {40 * MIB} bytes of content: it has room for " in said and " in all\n" in said
    assert oracle.facts_of(target.path) == before


def test_what_takes_no_room_is_not_counted(disk, mover, same):
    """Holes, room that was set aside and never written, further names of a file."""
    source, target = disk("source", 96), disk("target", 16)
    with open(source.path / "sparse", "wb") as file:
        file.truncate(1 << 33)
        os.pwrite(file.fileno(), b"content", 1 << 32)
    with open(source.path / "set-aside", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, 30 * MIB)
        os.pwrite(file.fileno(), b"content", 20 * MIB)
    with open(source.path / "past-its-end", "wb") as file:
        file.write(b"content")
    subprocess.run(["fallocate", "-n", "-o", "0", "-l", str(20 * MIB), source.path / "past-its-end"], check=True)
    (source.path / "file").write_bytes(os.urandom(4 * MIB))
    for number in range(8):
        os.link(source.path / "file", source.path / f"file{number}")
    mover("copy", source.path, target.path)
    same(source.path, target.path)


def test_a_source_that_is_mounted_for_reading_only_is_copied(disk, mover, same):
    source, target = disk("source", 16), disk("target", 16)
    (source.path / "file").write_text("content")
    (source.path / "large").write_bytes(os.urandom(MIB))
    source.unmount()
    source.mount("ro")
    mover("copy", source.path, target.path)
    same(source.path, target.path)
    mover("copy", source.path, target.path, "--live")


def test_lost_and_found_of_both_sides_is_handled(disk, mover, same):
    source, target, bare = disk("source", 16), disk("target", 16), disk("bare", 16)
    (source.path / "lost+found/#12").write_text("found by fsck in the source")
    (target.path / "lost+found/#13").write_text("found by fsck in the target")
    mover("copy", source.path, target.path)
    assert os.listdir(target.path / "lost+found") == ["#12"]
    shutil.rmtree(bare.path / "lost+found")
    (bare.path / "file").write_text("content")
    mover("copy", bare.path, target.path)
    assert sorted(os.listdir(target.path)) == ["file", "lost+found"]
