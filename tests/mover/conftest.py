"""Real filesystems on loop devices, in a mount namespace of the test's own; the built mover."""
import contextlib
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import oracle  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
MOVER = ROOT / "build/dev/bin/holdfast-mover"
SOAK = bool(os.environ.get("HOLDFAST_SOAK"))


def pytest_configure(config):
    if os.geteuid() != 0:
        pytest.exit("the mover's tests mount filesystems: run them as root", returncode=1)
    oracle.unshare_mounts()
    # Every pytest that begins on this machine closes the folder they share by default to others (getbasetemp in its
    # tmpdir.py). Here files are read as another user, and other parts begin beside this one.
    if config.option.basetemp is None:
        config.option.basetemp = tempfile.mkdtemp(prefix="holdfast-mover-")
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))


def files_in(path):
    return sorted(str(one.relative_to(path)) for one in path.rglob("*") if one.name != "lost+found")


def until(what):
    for _ in range(3000):
        if what():
            return
        time.sleep(0.01)
    raise AssertionError("it does not come to that")


def durable_epoch(target):
    """The last group of work of its last pass that the target's journal says is on its disk; see docs/mover-protocol.md."""
    try:
        return struct.unpack("<Q", (target / ".holdfast-mover").read_bytes()[-16:-8])[0] & 0xFFFFFF
    except (OSError, struct.error):  # not yet, or just being replaced
        return 0


@contextlib.contextmanager
def stopped(process):
    """However long what is done meanwhile takes, the process is not through before; and who waited for it would wait without end."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def traced(strace):
    """The process that runs under it, which would outlive it."""
    return int(Path(f"/proc/{strace.pid}/task/{strace.pid}/children").read_text())


class Disk:
    """A filesystem in a file, mounted."""

    def __init__(self, folder, name, megabytes, kind="ext4", options=()):
        self.image, self.path = folder / f"{name}.img", folder / name
        self.kind = kind
        self.path.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(megabytes << 20)
        self.format(options)
        self.mount()

    def format(self, options):
        command = {"ext4": ["mkfs.ext4", "-q", "-F", "-b", "4096"], "xfs": ["mkfs.xfs", "-q", "-f"],
                   "btrfs": ["mkfs.btrfs", "-q", "-f"]}[self.kind]
        subprocess.run([*command, *options, self.image], check=True, stdout=subprocess.DEVNULL)

    def mount(self, *options):
        subprocess.run(["mount", "-o", ",".join(("loop", *options)), self.image, self.path], check=True)

    def unmount(self):
        subprocess.run(["umount", self.path], check=True)

    def again(self):
        """Nothing is left in any cache."""
        self.unmount()
        self.mount()


@pytest.fixture
def disk(tmp_path):
    made = []

    def make(name, megabytes=64, kind="ext4", options=()):
        made.append(Disk(tmp_path, name, megabytes, kind, options))
        return made[-1]

    yield make
    for one in made:
        subprocess.run(["umount", "-l", one.path], stderr=subprocess.DEVNULL)


class Ran:
    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr

    @property
    def result(self):
        return json.loads(self.out)


@pytest.fixture
def mover():
    def run(*words, expect=0, **more):
        process = subprocess.run([MOVER, *map(str, words)], capture_output=True, text=True, errors="surrogateescape",
                                 stdin=subprocess.DEVNULL, timeout=120, **more)
        assert expect is None or process.returncode == expect, process.stderr + process.stdout
        return Ran(process)

    return run


@pytest.fixture
def same():
    def check(source, target):
        wrong = oracle.differences(oracle.facts_of(source), oracle.facts_of(target))
        assert not wrong, "\n".join(wrong)

    return check


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
