"""Progress and the result, for programs, on a terminal, and where nobody reads them."""
import json
import os
import subprocess

import pytest
from conftest import MOVER

MIB = 1 << 20


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
