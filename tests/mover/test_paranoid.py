"""--paranoid: what was read before is read again, on both sides, whatever times say."""
import os
import subprocess
import time

import pytest
from conftest import MOVER, durable_epoch, stopped, until

MIB = 1 << 20


def spoil(disk, old, new):
    """Content that changes on the disk, of which no time tells."""
    disk.unmount()
    image = disk.image.read_bytes()
    assert image.count(old) == 1 and len(old) == len(new)
    with open(disk.image, "r+b") as file:
        file.seek(image.index(old))
        file.write(new)
    disk.mount()


@pytest.mark.parametrize("size", [20_000, 4 * MIB], ids=["small", "large"])
def test_paranoid_sees_what_no_time_tells_of_on_both_sides(disk, mover, same, tmp_path, size):
    source, target, state = disk("source", 32), disk("target", 32), tmp_path / "state"
    state.mkdir()
    known = os.urandom(64)
    (source.path / "file").write_bytes(os.urandom(size - 100) + known + os.urandom(36))
    old = time.time() - 60
    os.utime(source.path / "file", (old, old))
    time.sleep(3.1)  # or it would be read again as just changed
    mover("copy", source.path, target.path, "--state", state, "--live")
    mover("copy", source.path, target.path, "--state", state, "--live")
    spoil(source, known, b"s" * 64)
    mover("copy", source.path, target.path, "--state", state, "--live")
    assert (target.path / "file").read_bytes() != (source.path / "file").read_bytes()  # else this shows nothing
    mover("copy", source.path, target.path, "--state", state, "--paranoid")
    same(source.path, target.path)
    mover("copy", source.path, target.path, "--state", state, "--live")
    spoil(target, b"s" * 64, b"t" * 64)
    said = mover("copy", source.path, target.path, "--state", state, "--paranoid", expect=6).err
    assert "target:file: has another content" in said
    mover("copy", source.path, target.path, "--state", state, "--paranoid")
    same(source.path, target.path)


def test_paranoid_sees_what_somebody_else_wrote_into_what_was_just_read_back(disk, mover, same, tmp_path):
    source, target = disk("source", 64), disk("target", 64)
    (source.path / "large").write_bytes(os.urandom(40 * MIB))
    process = subprocess.Popen([MOVER, "copy", source.path, target.path, "--paranoid", "--bandwidth", "8Mi", "--group-bytes", "1Mi"], stderr=subprocess.PIPE, text=True)
    until(lambda: durable_epoch(target.path) >= 8)  # what of the first of these is read back at once has been; most is still to come
    with stopped(process):
        assert process.poll() is None
        with open(target.path / "large", "r+b") as file:
            file.write(b"somebody else's")
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 6 and "target:large: has another content from byte 0" in said
    mover("copy", source.path, target.path)
    same(source.path, target.path)
