"""Hostile contents: depth, a crowd of names of one file, links that are swapped while they are copied; bounded memory for all of it."""
import os
import subprocess
import sys
import threading

import oracle
import pytest
from conftest import MOVER, SOAK
from test_kills import killed_at
from wire import Receiver, make_key

MOST_MIB = 64
DEPTH = 5000 if SOAK else 1500
LINKS = 1_000_000 if SOAK else 30_000


def peak_of(*words):
    """Runs the mover; its peak of resident memory in MiB. Done by a process of its own, whose only child it is."""
    code = ("import os, resource, subprocess, sys; done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL);"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024); sys.exit(done.returncode)")
    ran = subprocess.run([sys.executable, "-c", code, MOVER, *map(str, words)], capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stderr
    return int(ran.stdout)


def dig(root, depth):
    at = os.open(root, os.O_DIRECTORY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=at)
        down = os.open("d", os.O_DIRECTORY, dir_fd=at)
        os.close(at)
        at = down
    file = os.open("bottom", os.O_WRONLY | os.O_CREAT, dir_fd=at)
    os.write(file, b"as deep as this")
    os.close(file)
    os.close(at)


def bottom(root):
    """(depth, content) of what dig() made."""
    at, depth = os.open(root, os.O_DIRECTORY), 0
    while True:
        try:
            down = os.open("d", os.O_DIRECTORY, dir_fd=at)
        except FileNotFoundError:
            break
        os.close(at)
        at, depth = down, depth + 1
    file = os.open("bottom", os.O_RDONLY, dir_fd=at)
    os.close(at)
    try:
        return depth, os.read(file, 100)
    finally:
        os.close(file)


def test_a_link_that_takes_the_place_of_what_was_just_made_gives_no_way_out(disk, tmp_path):
    """Somebody who may write to the target, and a mover that is slow to set the mode."""
    source, target, outside, stop = disk("source", 16), disk("target", 16), tmp_path / "outside", threading.Event()
    os.mkfifo(source.path / "fifo")
    os.chmod(source.path / "fifo", 0o646)
    outside.mkdir(mode=0o501)
    (target.path / "here").mkdir()
    (target.path / "link").symlink_to(outside)

    def swap():
        while not stop.is_set():
            if (target.path / "here/fifo").is_fifo():
                os.rename(target.path / "link", target.path / "here/fifo")
                return

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        slowly = ["-e", "trace=fchmodat,chmod", "-e", "inject=fchmodat,chmod:delay_enter=500000"]
        subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", *slowly, MOVER, "copy", source.path, target.path / "here"], capture_output=True, timeout=60)
    finally:
        stop.set()
        thread.join()
    assert not (target.path / "link").is_symlink()  # else this shows nothing
    assert os.stat(outside).st_mode & 0o7777 == 0o501


SLOWLY = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fchmodat,chmod", "-e", "inject=fchmodat,chmod:delay_enter=500000"]


@pytest.fixture
def outside(tmp_path):
    """Where a link leads that somebody puts in the place of what the mover works with, as soon as `seen` answers True."""
    folder, threads, stop = tmp_path / "outside", [], threading.Event()
    folder.mkdir(mode=0o501)

    def swap(path, beside, seen):
        def wait_and_swap():
            while not stop.is_set():
                if seen():
                    os.rename(path, beside / "away")
                    os.rename(beside / "link", path)
                    return

        os.symlink(folder, beside / "link")
        threads.append(threading.Thread(target=wait_and_swap))
        threads[-1].start()

    yield folder, swap
    stop.set()
    for thread in threads:
        thread.join()


def test_a_link_that_takes_the_place_of_a_closed_directory_gives_no_way_out(disk, outside, tmp_path):
    """One that a killed pass has made, and that is opened again: first for what is in it, then as what is to be made."""
    source, target, state = disk("source", 16), disk("target", 16), tmp_path / "state"
    state.mkdir()
    here = target.path / "here"
    here.mkdir()
    words = [MOVER, "copy", source.path, here, "--state", state]
    subprocess.run([*words, "--live"], check=True, stdout=subprocess.DEVNULL)
    (source.path / "d").mkdir()
    (source.path / "d/file").write_text("content")
    subprocess.run([*killed_at("pwrite64", 2), "-P", here / ".holdfast-mover", *words], stderr=subprocess.DEVNULL)
    os.chmod(here / "d", 0o500)
    folder, swap = outside
    swap(here / "d", target.path, lambda: os.stat(here / "d").st_mode & 0o200)
    subprocess.run([*SLOWLY, *words], capture_output=True, timeout=60)
    assert (target.path / "away").is_dir() and not (target.path / "link").is_symlink()  # else this shows nothing
    assert os.stat(folder).st_mode & 0o7777 == 0o501


def test_a_link_that_takes_the_place_of_what_is_to_be_removed_gives_no_way_out(disk, outside, mover, tmp_path):
    source, target, state = disk("source", 16), disk("target", 16), tmp_path / "state"
    state.mkdir()
    here = target.path / "here"
    here.mkdir()
    for folder in ("d", "other"):
        (source.path / folder).mkdir()
        (source.path / folder / "file").touch(mode=0o400)
    words = ["copy", source.path, here, "--state", state]
    mover(*words, "--live")
    (source.path / "d/file").unlink()
    folder, swap = outside
    oracle.set_flags(here / "d", oracle.IMMUTABLE)
    swap(here / "d/file", target.path, lambda: not oracle.flags_at(here / "d"))
    subprocess.run([*SLOWLY, MOVER, *words], capture_output=True, timeout=60)
    assert (target.path / "away").exists() and not (target.path / "link").is_symlink()  # else this shows nothing
    assert os.stat(folder).st_mode & 0o7777 == 0o501


def test_5000_directories_in_one_another_are_copied_and_read_back_in_little_memory(disk, mover, tmp_path):
    source, target = disk("source", 96), disk("target", 96)
    dig(source.path, 5000)
    assert peak_of("copy", source.path, target.path, "--manifest", tmp_path / "manifest") <= MOST_MIB
    assert bottom(target.path) == (5000, b"as deep as this")
    mover("verify", target.path, "--manifest", tmp_path / "manifest")


def test_the_longest_names_in_the_deepest_directories_are_copied_and_a_path_over_64_KiB_is_refused(disk, mover, tmp_path):
    source, target, name = disk("source", 96), disk("target", 96), "\u00e9" * 127 + "x"  # 255 bytes

    def down(at, levels, make):
        for _ in range(levels):
            if make:
                os.mkdir(name, dir_fd=at)
            below = os.open(name, os.O_DIRECTORY, dir_fd=at)
            os.close(at)
            at = below
        return at

    at = down(os.open(source.path, os.O_DIRECTORY), 254, True)
    for kept, content in (("l" * 255, os.urandom(400_000)), ("s" * 255, b"small")):
        with open(os.open(kept, os.O_WRONLY | os.O_CREAT, dir_fd=at), "wb") as file:
            file.write(content)
        os.link(kept, f"{kept[:200]}-too", src_dir_fd=at, dst_dir_fd=at)
    os.symlink("t" * 4000, "k" * 255, dir_fd=at)
    os.mkfifo("f" * 255, dir_fd=at)
    mover("copy", source.path, target.path, "--manifest", tmp_path / "manifest")
    there = down(os.open(target.path, os.O_DIRECTORY), 254, False)
    assert sorted(os.listdir(there)) == sorted(os.listdir(at)) and os.readlink("k" * 255, dir_fd=there) == "t" * 4000
    os.close(there)
    mover("verify", target.path, "--manifest", tmp_path / "manifest")
    os.close(down(at, 4, True))
    said = mover("copy", source.path, target.path, expect=3).err
    assert "has a path of over 64 KiB" in said and "nothing was changed" in said
    mover("copy", disk("empty", 16).path, target.path)
    assert os.listdir(target.path) == ["lost+found"]


def test_directories_deep_in_one_another_come_over_a_connection_and_go_again(disk, mover, tmp_path):
    source, target, key = disk("source", 96), disk("target", 96), make_key(tmp_path / "key")
    dig(source.path, DEPTH)
    there = Receiver(target.path, key)
    mover("send", source.path, "--to", there.address, "--key-file", key)
    there.end()
    assert bottom(target.path) == (DEPTH, b"as deep as this")
    empty = disk("empty", 16)
    mover("copy", empty.path, target.path)
    assert os.listdir(target.path) == ["lost+found"]


def test_a_crowd_of_names_of_one_file_stays_one_file_in_little_memory(disk, mover, tmp_path):
    source, target = disk("source", 900 if SOAK else 320, "xfs"), disk("target", 900 if SOAK else 320, "xfs")
    (source.path / "names").mkdir()
    (source.path / "names/0000000").write_text("one file")
    at = os.open(source.path / "names", os.O_DIRECTORY)
    for number in range(1, LINKS):
        os.link("0000000", f"{number:07}", src_dir_fd=at, dst_dir_fd=at)
    os.close(at)
    assert peak_of("copy", source.path, target.path) <= MOST_MIB
    assert os.stat(target.path / "names/0000000").st_nlink == LINKS
    assert len(os.listdir(target.path / "names")) == LINKS


@pytest.mark.parametrize("what", ["directory", "file"])
def test_a_link_swapped_in_while_it_is_copied_is_never_followed(disk, mover, same, tmp_path, what):
    source, target, state = disk("source", 32), disk("target", 32), tmp_path / "state"
    outside = tmp_path / "outside"
    for folder in (state, outside, outside / "d", source.path / "many"):
        folder.mkdir()
    (outside / "secret").write_text("from outside")
    (outside / "d/secret").write_text("from outside")
    for number in range(300):
        (source.path / f"many/{number}").write_bytes(b"x" * 1000)
    swapped, stop = source.path / "many/150-swapped", threading.Event()
    if what == "directory":
        (source.path / "real").mkdir()
        (source.path / "real/secret").write_text("from inside")
    else:
        (source.path / "real").write_text("from inside")

    def swap():
        while not stop.is_set():
            os.symlink(outside / ("d" if what == "directory" else "secret"), swapped)
            swapped.unlink()
            os.rename(source.path / "real", swapped)
            os.rename(swapped, source.path / "real")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(8):
            ran = mover("copy", source.path, target.path, "--live", "--state", state, expect=None)
            assert ran.code in (0, 5, 6), ran.err
            found = subprocess.run(["grep", "-r", "from outside", target.path], capture_output=True, text=True)
            assert found.stdout == ""
    finally:
        stop.set()
        thread.join()
    mover("copy", source.path, target.path, "--state", state)
    same(source.path, target.path)
    assert (outside / "secret").read_text() == (outside / "d/secret").read_text() == "from outside"
