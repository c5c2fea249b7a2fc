"""With the rights that a pod has: the baseline profile (root with few capabilities) and the restricted one (no root)."""
import os
import shutil
import stat
import sys
from pathlib import Path

import dataset
import oracle
import pytest
from conftest import MOVER
from wire import Receiver, make_key

BASELINE = ["chown", "dac_override", "fowner", "fsetid", "setfcap", "mknod"]
GROUP, USER = 4242, 4242


def with_rights(capabilities):
    listed = ",".join(f"+{name}" for name in capabilities)
    return ["setpriv", "--bounding-set", f"-all{',' if listed else ''}{listed}", "--inh-caps", "-all", "--no-new-privs"]


def let_in(path):
    """Lets others reach what lies deep in a temporary folder."""
    for folder in path.parents:
        if str(folder).startswith("/tmp/"):
            os.chmod(folder, os.stat(folder).st_mode | 0o055)


@pytest.fixture
def run_with(mover, monkeypatch):
    def run(prefix, *words, expect=0):
        wrapper = [*prefix, str(MOVER)]
        monkeypatch.setattr("conftest.MOVER", wrapper[0])
        return mover(*wrapper[1:], *words, expect=expect)

    return run


def without_locked_and_trusted(path):
    """What the baseline profile cannot hold by its rights: locking flags, trusted attributes, project ids."""
    for entry in (path / "flags").iterdir():
        oracle.set_flags(entry, 0)
    for entry in (path / "xattrs").iterdir():
        if "trusted.holdfast" in os.listxattr(entry):
            os.removexattr(entry, "trusted.holdfast")


def test_root_with_the_baseline_capabilities_copies_everything(disk, run_with, same):
    source, target = disk("source", 96), disk("target", 96)
    dataset.make("odd", source.path)
    without_locked_and_trusted(source.path)
    run_with(with_rights(BASELINE), "copy", source.path, target.path)
    same(source.path, target.path)


def refused(run, prefix, source, target):
    """The whole data set, which these rights cannot hold: it must be said, and nothing may have been done."""
    before = oracle.facts_of(source.path), oracle.facts_of(target.path)
    ran = run(prefix, "copy", source.path, target.path, expect=3)
    assert (oracle.facts_of(source.path), oracle.facts_of(target.path)) == before
    return ran.err


def test_the_whole_data_set_is_refused_with_the_baseline_capabilities_and_what_they_lack_is_named(disk, run_with):
    source, target = disk("source", 96), disk("target", 96)
    dataset.make("odd", source.path)
    said = refused(run_with, with_rights(BASELINE), source, target)
    assert "immutable flag (source:flags/" in said and "append-only flag (source:flags/" in said


def test_without_root_the_whole_data_set_is_refused_and_what_is_left_of_it_for_a_user_is_copied_whole(disk, run_with, same):
    source, target = disk("source", 96), disk("target", 96)
    dataset.make("odd", source.path)
    let_in(source.path)
    for one in (source, target):
        shutil.rmtree(one.path / "lost+found")
    os.chown(target.path, USER, GROUP)
    prefix = ["setpriv", "--reuid", str(USER), "--regid", str(GROUP), "--clear-groups", "--no-new-privs"]
    os.chmod(source.path, 0o2755)  # to be seen at all
    said = refused(run_with, prefix, source, target)
    assert "may not be read" in said
    without_locked_and_trusted(source.path)
    for folder, names, files in os.walk(os.fsencode(source.path), topdown=False):
        for path in (os.path.join(folder, name) for name in names + files):
            os.lchown(path, USER, GROUP)
            mode = os.lstat(path).st_mode
            if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
                os.chmod(path, stat.S_IMODE(mode) | (0o500 if stat.S_ISDIR(mode) else 0o400))
    os.chown(source.path, USER, GROUP)
    said = refused(run_with, prefix, source, target)
    assert "device" in said
    for folder, _, files in os.walk(os.fsencode(source.path)):
        for name in files:
            mode = os.lstat(os.path.join(folder, name)).st_mode
            if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
                os.unlink(os.path.join(folder, name))
    run_with(prefix, "copy", source.path, target.path)
    same(source.path, target.path)


def test_without_the_right_to_set_immutable_an_immutable_file_is_refused(disk, run_with):
    source, target = disk("source", 96), disk("target", 96)
    (source.path / "file").write_text("x")
    oracle.set_flags(source.path / "file", oracle.IMMUTABLE)
    ran = run_with(with_rights(BASELINE), "copy", source.path, target.path, expect=3)
    assert "immutable flag (source:file)" in ran.err and os.listdir(target.path) == ["lost+found"]


def test_without_root_foreign_owners_devices_and_closed_files_are_refused_and_named(disk, run_with):
    source, target = disk("source", 16), disk("target", 16)
    os.chown(target.path, USER, GROUP)
    let_in(source.path)
    for name in ("own", "foreign", "closed"):
        (source.path / name).write_text(name)
        os.chown(source.path / name, 0 if name == "foreign" else USER, GROUP)
    prefix = ["setpriv", "--reuid", str(USER), "--regid", str(GROUP), "--clear-groups", "--no-new-privs"]
    ran = run_with(prefix, "copy", source.path, target.path, expect=3)
    assert "owner 0:" in ran.err
    os.chown(source.path / "closed", 0, 0)
    os.chmod(source.path / "closed", 0o600)
    ran = run_with(prefix, "copy", source.path, target.path, expect=3)
    assert "source:closed: may not be read" in ran.err


def test_of_many_files_that_may_not_be_read_the_first_are_named_and_all_counted(disk, run_with):
    source, target = disk("source", 16), disk("target", 16)
    os.chown(target.path, USER, GROUP)
    let_in(source.path)
    shutil.rmtree(source.path / "lost+found")
    for number in range(300):
        (source.path / f"{number:03}").mkdir()
        (source.path / f"{number:03}/closed").touch(mode=0o600)
    prefix = ["setpriv", "--reuid", str(USER), "--regid", str(GROUP), "--clear-groups", "--no-new-privs"]
    said = run_with(prefix, "copy", source.path, target.path, expect=3).err.splitlines()
    named = [line.strip() for line in said if "may not be read" in line]
    assert named == [f"source:{number:03}/closed: may not be read" for number in range(20)]
    assert "  and 280 more" in said


def test_without_root_what_is_all_ones_own_is_copied(disk, run_with, same, mover):
    source, target = disk("source", 16), disk("target", 16)
    for one in (source, target):
        shutil.rmtree(one.path / "lost+found")
        os.chown(one.path, USER, GROUP)
    state = source.path.parent / "state"
    state.mkdir()
    os.chown(state, USER, GROUP)
    let_in(source.path)
    prefix = ["setpriv", "--reuid", str(USER), "--regid", str(GROUP), "--clear-groups", "--no-new-privs"]
    (source.path / "d").mkdir()
    for name in ("d/plain", "d/read-only", "large"):
        (source.path / name).write_bytes(os.urandom(300_000 if name == "large" else 100))
    os.link(source.path / "large", source.path / "d/link")
    os.chmod(source.path / "d/read-only", 0o400)
    os.chmod(source.path / "large", 0o440)
    for folder, names, files in os.walk(source.path):
        for name in names + files:
            os.lchown(os.path.join(folder, name), USER, GROUP)
    os.chmod(source.path / "d", 0o500)
    run_with(prefix, "copy", source.path, target.path, "--live", "--state", state)
    (source.path / "d/read-only").write_bytes(b"changed, and still read-only")
    (source.path / "d/new").write_bytes(b"in a directory that may not be written")
    os.chown(source.path / "d/new", USER, GROUP)
    run_with(prefix, "copy", source.path, target.path, "--state", state)
    same(source.path, target.path)


def of_a_user(root):
    """What is beneath becomes what a user without any rights can copy, and that user's."""
    shutil.rmtree(root / "lost+found", ignore_errors=True)
    shutil.rmtree(root / "specials", ignore_errors=True)
    for folder, names, files in os.walk(os.fsencode(root), topdown=False):
        for path in (os.path.join(folder, name) for name in names + files):
            os.lchown(path, USER, GROUP)
            if not stat.S_ISLNK(os.lstat(path).st_mode):
                os.chmod(path, os.lstat(path).st_mode & 0o7777 | (0o500 if os.path.isdir(path) else 0o400))
    os.chown(root, USER, GROUP)


@pytest.mark.parametrize("profile, error", [("baseline", "EPERM"), ("restricted", "ENOSYS")])
def test_no_system_call_is_needed_that_a_container_runtime_forbids(disk, run_with, same, tmp_path, profile, error):
    """What a runtime's own profile refuses ends with EPERM in some, with ENOSYS in others."""
    source, target, there, key = disk("source", 96), disk("target", 96), disk("there", 96), make_key(tmp_path / "key")
    states = [tmp_path / name for name in ("state", "of-sender", "of-receiver")]
    for state in states:
        state.mkdir()
    dataset.make("odd", source.path)
    without_locked_and_trusted(source.path)
    prefix = with_rights(BASELINE)
    if profile == "restricted":
        prefix = ["setpriv", "--reuid", str(USER), "--regid", str(GROUP), "--clear-groups", "--no-new-privs"]
        let_in(source.path)
        for one in (source, target, there):
            of_a_user(one.path)
        for one in (*states, key):
            os.chown(one, USER, GROUP)
    confined = [*prefix, sys.executable, str(Path(__file__).parent / "confined.py"), error]

    receiver = Receiver(there.path, key, "--stay", "--state", states[2], under=confined)
    words = [["copy", source.path, target.path, "--state", states[0]], ["send", source.path, "--to", receiver.address, "--key-file", key, "--state", states[1]]]
    for one in words:
        run_with(confined, *one, "--live")
    (source.path / "sizes/1").write_text("changed")
    shutil.rmtree(source.path / "deep")
    for one in words:
        run_with(confined, *one)
    run_with(confined, "verify", target.path, "--state", states[0])
    receiver.end()
    same(source.path, target.path)
    same(source.path, there.path)
