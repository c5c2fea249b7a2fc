"""What SOURCE, TARGET, --state and --manifest may be: other filesystems, links to them, ones that go away or that another mover has."""
import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import time

import oracle
import pytest
from conftest import MOVER
from wire import Receiver, make_key

MIB = 1 << 20


def files_in(path):
    return sorted(str(one.relative_to(path)) for one in path.rglob("*") if one.name != "lost+found")


def until(what):
    for _ in range(3000):
        if what():
            return
        time.sleep(0.01)
    raise AssertionError("it does not come to that")


@pytest.fixture
def slow():
    """A mover that takes its time, begun and not waited for; gone at the end in any case."""
    begun = []

    def begin(*words):
        begun.append(subprocess.Popen([MOVER, *map(str, words), "--bandwidth", "4Mi"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return begun[-1]

    yield begin
    for one in begun:
        one.kill()
        one.communicate()


@pytest.fixture
def mounted(tmp_path):
    """Mounts until the end of the test."""
    made = []

    def mount(kind, name, *options, device="none"):
        path = tmp_path / name
        path.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", kind, *(("-o", ",".join(options)) if options else ()), device, path], check=True)
        made.append(path)
        return path

    yield mount
    for path in reversed(made):
        subprocess.run(["umount", "-l", path], stderr=subprocess.DEVNULL)


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


# Who else is there

def begin_slow(disk, slow, tmp_path, *words):
    source, target = disk("source", 96), disk("target", 96)
    (source.path / "large").write_bytes(os.urandom(24 * MIB))
    first = slow("copy", source.path, target.path, "--no-verify", *words)
    until(lambda: (target.path / "large").exists())
    return source, target, first


@contextlib.contextmanager
def stopped(process):
    """However long what is done meanwhile takes, the process is not through before; and who waited for it would wait without end."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


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


# Where it may write

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


# How much fits

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


# Who listens

def test_progress_for_programs_has_what_the_manual_says(disk, mover, tmp_path):
    source, target, state = disk("source", 64), disk("target", 64), tmp_path / "state"
    state.mkdir()
    (source.path / "large").write_bytes(os.urandom(12 * MIB))
    ran = mover("copy", source.path, target.path, "--live", "--state", state, "--progress", "json", "--bandwidth", "5Mi", "-o", "json")
    lines = [json.loads(line) for line in ran.err.splitlines()]
    progress = [line for line in lines if line["type"] == "progress"]
    assert all({"phase", "pass", "entries", "bytes", "bytes_sent", "seconds", "bytes_per_second"} <= line.keys() for line in progress)
    copying = [line for line in progress if line["phase"] == "copy" and line["pass"] == 1]
    assert len(copying) > 1 and all(line["bytes_total"] == 12 * MIB and line["entries_total"] == 3 for line in copying)
    assert [line["bytes_sent"] for line in copying] == sorted(line["bytes_sent"] for line in copying) and "remaining_seconds" in copying[-1]
    prediction, = [line for line in lines if line["type"] == "prediction"]
    assert prediction["final_bytes"] == 0 and prediction["final_seconds"] == ran.result["predicted_final_seconds"]


def test_on_a_terminal_there_is_a_bar_and_it_goes_again(disk):
    source, target = disk("source", 64), disk("target", 64)
    (source.path / "large").write_bytes(os.urandom(12 * MIB))
    ours, theirs = os.openpty()
    process = subprocess.Popen([MOVER, "copy", source.path, target.path, "--bandwidth", "5Mi"], stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the terminal's other end is closed
        pass
    assert process.wait(timeout=60) == 0
    os.close(ours)
    assert b"copy " in shown and b" of 12Mi [#" in shown and b"/s" in shown and shown.endswith(b"\r\x1b[K")


def test_a_result_that_nobody_reads_is_said(disk, mover, same):
    source, target = disk("source", 16), disk("target", 16)
    (source.path / "file").write_text("content")
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run([MOVER, "copy", source.path, target.path, "-o", "json"], stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writer)
    assert ran.returncode == 5
    assert "error: the result could not be written to stdout; the copy itself is done and was read back" in ran.stderr
    same(source.path, target.path)


@pytest.mark.parametrize("mode", ["json", "bar"])
def test_a_copy_does_not_wait_for_who_reads_its_progress(disk, same, mode):
    source, target = disk("source", 64), disk("target", 64)
    (source.path / "large").write_bytes(os.urandom(12 * MIB))
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(writer, True)
    ran = subprocess.run([MOVER, "copy", source.path, target.path, "--progress", mode, "--bandwidth", "5Mi", "-o", "json"], stdout=subprocess.PIPE, stderr=writer, timeout=60)
    os.close(writer)
    os.close(reader)
    assert ran.returncode == 0
    same(source.path, target.path)


@pytest.mark.parametrize("stderr", ["/dev/full", "closed"])
def test_progress_that_cannot_be_written_is_no_error_of_the_copy(disk, same, stderr):
    source, target = disk("source", 64), disk("target", 64)
    (source.path / "large").write_bytes(os.urandom(12 * MIB))
    where = os.open("/dev/full", os.O_WRONLY)
    if stderr == "closed":
        os.close(where)
        reader, where = os.pipe()
        os.close(reader)
    ran = subprocess.run([MOVER, "copy", source.path, target.path, "--progress", "json", "--bandwidth", "5Mi", "-o", "json"], stdout=subprocess.PIPE, stderr=where, timeout=60)
    os.close(where)
    assert ran.returncode == 0 and b'"verified":true' in ran.stdout
    same(source.path, target.path)
