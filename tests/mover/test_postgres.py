"""A real PostgreSQL that pgbench writes to while it is copied; the copy, made final after a stop, is the same database."""
import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path

import oracle
import pytest
from conftest import SOAK

ROUNDS = 25 if SOAK else 1
BIN = Path("/usr/lib/postgresql/15/bin")


class Database:
    def __init__(self, data, sockets):
        self.data, self.sockets = data, sockets
        self.user = pwd.getpwnam("postgres")

    def run(self, program, *words, **more):
        return subprocess.run([BIN / program, *map(str, words)], check=True, user=self.user.pw_uid, group=self.user.pw_gid, extra_groups=[],
                              capture_output=True, text=True, cwd=self.sockets, env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}, **more).stdout

    def control(self, *words):
        self.run("pg_ctl", "-D", self.data, "-w", "-l", self.sockets / "log", "-o",
                 f"-c listen_addresses= -c unix_socket_directories={self.sockets} -c max_wal_size=64MB", *words)

    def ask(self, question):
        return self.run("psql", "-h", self.sockets, "-U", "postgres", "-AtXc", question, "postgres")

    def load(self):
        """pgbench for longer than any test, at a rate whose log does not fill the disk while the copy waits for a busy machine."""
        return subprocess.Popen([BIN / "pgbench", "-h", self.sockets, "-U", "postgres", "-n", "-c", "2", "-R", "100", "-T", "3600", "postgres"],
                                user=self.user.pw_uid, group=self.user.pw_gid, extra_groups=[], cwd=self.sockets,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def database(disk, tmp_path):
    def make(path):
        sockets = Path(os.path.realpath(os.environ.get("TMPDIR", "/tmp"))) / f"holdfast-pg-{os.getpid()}-{len(made)}"
        sockets.mkdir(mode=0o777)
        sockets.chmod(0o777)
        for folder in [path, *path.parents]:
            if folder.is_relative_to(tmp_path.parent.parent):
                os.chmod(folder, os.stat(folder).st_mode | 0o055)
        made.append(Database(path / "pgdata", sockets))
        return made[-1]

    made = []
    yield make
    for one in made:
        if (one.data / "postmaster.pid").exists():
            one.control("stop", "-m", "immediate")
        shutil.rmtree(one.sockets)


def transactions(database):
    return int(database.ask("SELECT count(*) FROM pgbench_history"))


SUMS = "SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(tbalance) FROM pgbench_tellers), count(*) FROM pgbench_history"


def copy_under_load(one, source, target, mover, state):
    """What the database answered before it was stopped for the final pass."""
    state.mkdir()
    load = one.load()
    try:
        before = transactions(one)
        while transactions(one) < before + 100:
            assert load.poll() is None
            time.sleep(0.05)
        mover("copy", source.path, target.path, "--live", "--state", state)
        before = transactions(one)
        while transactions(one) < before + 100:  # it went on, and writes what the final pass must bring
            time.sleep(0.05)
    finally:
        load.terminate()
        load.wait(120)
    expected = one.ask(SUMS)
    one.control("stop", "-m", "fast")
    result = mover("copy", source.path, target.path, "--state", state, "-o", "json").result
    assert result["final"] and result["verified"]
    return expected


def test_a_database_under_load_is_the_same_after_the_final_pass(disk, database, mover, same, tmp_path):
    source, target = disk("source", 512), disk("target", 512)
    one = database(source.path)
    one.data.mkdir()
    os.chown(one.data, one.user.pw_uid, one.user.pw_gid)
    one.run("initdb", "-k", "-A", "trust", "-U", "postgres", "-D", one.data, "--no-sync")
    one.control("start")
    one.run("pgbench", "-h", one.sockets, "-U", "postgres", "-i", "-q", "-s", "2", "postgres")
    for number in range(ROUNDS):  # onto what the round before left on the target
        print("round", number)
        expected = copy_under_load(one, source, target, mover, tmp_path / f"state{number}")
        target.again()
        same(source.path, target.path)
        if number + 1 < ROUNDS:
            one.control("start")
    assert oracle.allocated(target.path) <= oracle.allocated(source.path)
    two = database(target.path)
    two.run("pg_checksums", "--check", "-D", two.data)
    two.control("start")
    assert two.ask(SUMS) == expected
    two.control("stop", "-m", "fast")
