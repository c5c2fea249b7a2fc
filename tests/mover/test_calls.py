"""Where the kernel, or what a container may ask of it, lacks a call: what is missing is said, and nothing else is tried in its place."""
import os

import pytest
from conftest import MOVER, files_in
from wire import make_key


@pytest.fixture
def without(mover, monkeypatch):
    """A mover for which a system call ends with an error, each time or only the one time that is said."""
    monkeypatch.setattr("conftest.MOVER", "strace")

    def run(call, error, *words, expect=0, when="1+", only=()):
        inject = f"inject={call}:error={error}:when={when}"
        return mover("-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject, *(word for path in only for word in ("-P", path)), MOVER, *words, expect=expect)

    return run


@pytest.mark.parametrize("call, error, said", [("openat2", "ENOSYS", "Function not implemented"), ("openat2", "EPERM", "Operation not permitted"),
                                               ("statx", "ENOSYS", "Function not implemented"), ("statx", "EPERM", "Operation not permitted")])
def test_a_call_that_is_needed_and_not_there_is_named_and_nothing_is_changed(disk, without, tmp_path, call, error, said):
    source, target, state, key = disk("source", 16), disk("target", 16), tmp_path / "state", make_key(tmp_path / "key")
    state.mkdir()
    (source.path / "file").write_text("content")
    (target.path / "old").write_text("old")
    for words in (["copy", source.path, target.path, "--state", state], ["send", source.path, "--to", "127.0.0.1:1", "--key-file", key],
                  ["receive", target.path, "--listen", "127.0.0.1:0", "--key-file", key], ["verify", target.path, "--state", state]):
        err = without(call, error, *words, expect=3).err
        side = "target" if words[0] in ("receive", "verify") else "source"
        assert f"{side} {words[1]}: the system call {call} is not allowed here ({said})" in err and "; nothing was changed\n" in err
        assert "try: " in err and "Linux 5.6" in err and "seccomp" in err
    assert files_in(target.path) == ["old"] and files_in(state) == []


def test_a_file_that_is_cut_between_two_questions_about_its_holes_is_no_error(disk, without, mover, same, monkeypatch, tmp_path):
    """There was data, and what comes after it is past the end by now: as if it had been cut a moment before."""
    source, target, state = disk("source", 16), disk("target", 16), tmp_path / "state"
    state.mkdir()
    with open(source.path / "file", "wb") as file:  # the scan asks only of larger ones
        file.write(os.urandom(300_000))
        file.seek(500_000)
        file.write(os.urandom(300_000))
    without("lseek", "ENXIO", "copy", source.path, target.path, "--live", "--threads", "1", "--state", state, when="2", only=[source.path / "file"])
    assert (target.path / "file").read_bytes() != (source.path / "file").read_bytes()  # else this shows nothing
    os.utime(source.path / "file")  # as cutting it would have done
    monkeypatch.undo()
    mover("copy", source.path, target.path, "--state", state)
    same(source.path, target.path)


def test_a_note_that_finds_no_room_in_the_state_ends_no_copy_that_is_done(disk, without, mover, same, monkeypatch, tmp_path):
    source, target, state = disk("source", 16), disk("target", 16), tmp_path / "state"
    state.mkdir()
    (source.path / "file").write_bytes(os.urandom(300_000))
    note = state / "verified-new"
    without("openat", "ENOSPC", "copy", source.path, target.path, "--live", "--state", state, only=[note])
    assert (state / "index").exists() and not (state / "verified").exists() and not note.exists()
    monkeypatch.undo()
    assert mover("copy", source.path, target.path, "--state", state, "-o", "json").result["bytes_read_back"] == 300_000
    same(source.path, target.path)
