"""What the mover does with the limits of the cgroup that it runs in, and with what the page cache has."""
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest
from conftest import MOVER
from wire import make_key

MIB = 1 << 20
FILES = {"version 2": ("memory.max", "memory"), "version 1": ("memory/memory.limit_in_bytes", "memory")}


def within(limit, version):
    """A prefix: what it runs sees this limit where a container shows it."""
    name = FILES[version][0]
    return ["unshare", "-m", "--propagation", "private", "sh", "-c", f"mount -t tmpfs none /sys/fs/cgroup && mkdir -p $(dirname /sys/fs/cgroup/{name}) && "
            f"echo {limit} > /sys/fs/cgroup/{name} && exec \"$@\"", "sh"]


class Anonymous:
    """The most anonymous memory that a process has until it ends, in MiB."""

    def __init__(self, process):
        self.process, self.most = process, 0
        self.thread = threading.Thread(target=self.look)
        self.thread.start()

    def look(self):
        while self.process.poll() is None:
            try:
                status = Path(f"/proc/{self.process.pid}/status").read_text()
            except OSError:
                return
            if "RssAnon" in status:
                self.most = max(self.most, int(status.split("RssAnon:")[1].split()[0]) / 1024)
            time.sleep(0.005)

    def end(self):
        self.thread.join()
        return self.most


@pytest.mark.parametrize("version", FILES)
def test_content_on_its_way_follows_the_memory_that_there_is(disk, same, tmp_path, version):
    source, key = disk("source", 320), make_key(tmp_path / "key")
    for number in range(2):  # half of it can be compressed, which takes memory of its own
        with open(source.path / f"large-{number}", "wb") as file:
            for at in range(120):
                file.write(os.urandom(MIB) if number else (b"%d" % at) * (MIB // 4))
    most = {}
    for limit in (16 * MIB, 1024 * MIB):
        target = disk(f"target-{limit}", 320)
        there = subprocess.Popen([*within(limit, version), MOVER, "receive", target.path, "--listen", "127.0.0.1:0", "--key-file", key],
                                 stdout=subprocess.PIPE, text=True)
        to = there.stdout.readline().split()[-1]
        here = subprocess.Popen([*within(limit, version), MOVER, "send", source.path, "--to", to, "--key-file", key, "-o", "json"], stdout=subprocess.DEVNULL)
        watched = Anonymous(here), Anonymous(there)
        most[limit] = max(one.end() for one in watched)
        assert (here.wait(timeout=60), there.wait(timeout=60)) == (0, 0)
        same(source.path, target.path)
        target.unmount()
    assert most[16 * MIB] < 8, most
    assert most[1024 * MIB] > 8, most  # else this shows nothing


def large_file(disk):
    """A disk with a file of 64 MiB of which nothing is in memory."""
    source = disk("source", 160)
    (source.path / "large").write_bytes(os.urandom(64 * MIB))
    source.again()
    return source


def in_memory(path):
    return int(subprocess.run(["fincore", "-b", "-n", "-o", "RES", path], check=True, capture_output=True, text=True).stdout)


def bytes_read(disk):
    device = subprocess.run(["findmnt", "-no", "SOURCE", disk.path], check=True, capture_output=True, text=True).stdout.strip()
    return 512 * int(Path("/sys/block", Path(device).name, "stat").read_text().split()[2])


def test_large_content_goes_past_the_page_cache(disk, mover, same):
    source, target = large_file(disk), disk("target", 160)
    mover("copy", source.path, target.path, "--no-verify")
    for one in (source, target):
        assert in_memory(one.path / "large") < MIB, one.path
    target.again()
    same(source.path, target.path)


def test_what_the_page_cache_has_is_not_read_from_the_disk(disk, mover, same):
    source, target = large_file(disk), disk("target", 160)
    (source.path / "large").read_bytes()
    before = bytes_read(source)
    mover("copy", source.path, target.path)
    assert bytes_read(source) - before < 4 * MIB
    same(source.path, target.path)


def test_small_files_are_read_back_from_the_disk_not_from_the_page_cache(disk, mover):
    source, target = disk("source", 64), disk("target", 64)
    for number in range(200):
        (source.path / f"file-{number}").write_bytes(os.urandom(40_000))
    before = bytes_read(target)
    assert mover("copy", source.path, target.path, "-o", "json").result["bytes_read_back"] == 8_000_000
    assert bytes_read(target) - before >= 8_000_000


def test_small_pieces_are_read_back_from_the_disk_not_from_the_page_cache(disk, mover, tmp_path):
    source, target, state, block = disk("source", 64), disk("target", 64), tmp_path / "state", 16384
    state.mkdir()
    (source.path / "table").write_bytes(os.urandom(512 * block))
    mover("copy", source.path, target.path, "--live", "--state", state)
    with open(source.path / "table", "r+b") as file:
        for number in range(0, 512, 2):
            file.seek(number * block)
            file.write(os.urandom(block))
    before = bytes_read(target)
    assert mover("copy", source.path, target.path, "--state", state, "-o", "json").result["bytes_read_back"] == 256 * block
    assert bytes_read(target) - before >= 256 * block


@pytest.mark.parametrize("sizes", [[24 * MIB], [60_000] * 400], ids=["large", "small"])
def test_what_is_sent_a_second_is_what_was_allowed(disk, mover, sizes):
    """Faster it must never be; slower it is now and then on a machine with other things to do, but not each time."""
    source, rate = disk("source", 64), 8 * MIB
    for number, size in enumerate(sizes):
        (source.path / f"file-{number}").write_bytes(os.urandom(size))
    seconds = []

    def timed(*words):
        target = disk(f"target-{len(seconds)}-{len(words)}", 64)
        return mover("copy", source.path, target.path, "--no-verify", *words).result["seconds"]

    for _ in range(3):
        without = timed("-o", "json")
        seconds.append(timed("-o", "json", "--bandwidth", f"{rate}"))
        assert seconds[-1] > 0.97 * sum(sizes) / rate
        if seconds[-1] < 1.6 * sum(sizes) / rate + 2 * without:
            return
    raise AssertionError(f"{seconds} s, where {sum(sizes) / rate:.1f} s were allowed for")
