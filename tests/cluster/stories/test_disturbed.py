"""Drills and snapshots that somebody disturbs: what they stand on is deleted, records are edited, the environment is meant
for other databases. Nothing may be taken for good data, and nothing may stay behind."""
import json

import pytest

import world

SLOW = ["--query", "select pg_sleep(100)"]
SOUND = ["--query", "select x from t", "--expect", "7"]


@pytest.fixture(scope="module")
def database(module_space):
    """A set `base` of a database with x = 7 in table t."""
    space = module_space
    space.postgres()
    space.psql("postgres-0", "create table t as select 7 as x")
    space.snap("create", "sts/postgres", "--name", "base", "--wait", "ready").expect()
    return space


def throwaway(space, kind):
    """The name of the one object of a drill that runs, as soon as it is there."""
    return space.eventually(lambda: space.get(kind, "-l", "holdfast.dev/role=drill")["items"])[0]["metadata"]["name"]


def asked(space):
    """Waits until a drill's query runs."""
    pod = throwaway(space, "pod")
    space.wait("condition=Ready", f"pod/{pod}")
    space.eventually(lambda: "pg_sleep" in space.kubectl("exec", pod, "--", "psql", "-qtAX", "-h", "127.0.0.1", "-p", "5432", "-c",
                                                         "select query from pg_stat_activity where pid <> pg_backend_pid()").out)
    return pod


def test_variables_meant_for_the_users_own_databases_do_not_reach_a_drill(database, tmp_path):
    (tmp_path / "services").write_text("[live]\nhostaddr=192.0.2.1\nport=1\ndbname=live\nuser=root\n")
    variables = {"PGSERVICE": "live", "PGSERVICEFILE": tmp_path / "services", "PGREQUIREAUTH": "scram-sha-256", "PGHOST": "192.0.2.1",
                 "PGHOSTADDR": "192.0.2.1", "PGPORT": "1", "PGDATABASE": "live", "PGUSER": "root", "PGPASSWORD": "wrong",
                 "PGSSLMODE": "verify-full", "PGCHANNELBINDING": "require", "PGTARGETSESSIONATTRS": "standby",
                 "PGOPTIONS": "-c default_transaction_read_only=off", "PGLOADBALANCEHOSTS": "nonsense"}
    before = database.objects()
    database.restore("drill", "base", *SOUND, environment={k: str(v) for k, v in variables.items()}).expect()
    assert database.left_behind(before) == []


def test_a_drill_whose_pod_is_deleted_is_exit_5_and_leaves_nothing(database):
    before, mark = database.objects(), database.set("base").get("verified")
    with database.start("restore", "drill", "base", *SLOW) as drill:
        pod = asked(database)
        database.kubectl("delete", "pod", pod, "--wait=false").expect()
        drill.process.wait(world.PATIENCE_S)
        assert drill.end() == 5, drill.text
    assert "not judged" in "".join(drill.err), drill.text
    assert database.set("base").get("verified") == mark
    database.restore("gc", "--yes").expect()
    assert database.left_behind(before) == []


def test_a_drill_whose_namespace_is_deleted_is_exit_5_and_leaves_nothing(space):
    space.postgres()
    space.snap("create", "sts/postgres", "--name", "base", "--wait", "ready").expect()
    with space.start("restore", "drill", "base", *SLOW, "--timeout", "60s") as drill:
        asked(space)
        space.kubectl("delete", "namespace", space.name, "--wait=false").expect()
        drill.process.wait(world.PATIENCE_S)
        assert drill.end() == 5, drill.text
    space.cluster.kubectl("wait", "--for=delete", f"namespace/{space.name}", f"--timeout={world.PATIENCE_S}s", timeout=300).expect()
    assert space.storage() == []


def test_a_drill_whose_journal_is_deleted_says_so_and_gc_leaves_nothing(database):
    before = database.objects()
    with database.start("restore", "drill", "base", *SLOW) as drill:
        asked(database)
        database.kubectl("delete", "configmap", "-l", "holdfast.dev/role=journal").expect()
        pod = throwaway(database, "pod")
        database.kubectl("delete", "pod", pod, "--wait=false").expect()
        drill.process.wait(world.PATIENCE_S)
        # The pod's end is judged first, or the journal's: whatever comes first, and maybe the second amid the cleaning up.
        assert drill.end() in (4, 5), drill.text
    assert "resume" not in "".join(drill.err), drill.text
    database.restore("gc", "--yes").expect()
    assert database.left_behind(before) == []


def test_gc_finds_what_a_killed_drill_without_a_journal_left(database):
    before = database.objects()
    with database.start("restore", "drill", "base", *SLOW) as drill:
        asked(database)
        database.kubectl("delete", "configmap", "-l", "holdfast.dev/role=journal").expect()
        drill.process.kill()
        drill.process.wait(60)
    assert database.left_behind(before) != []
    database.restore("gc", "--yes").expect()
    assert database.left_behind(before) == []


@pytest.mark.parametrize("pre", [
    "touch /data/held; sleep 8",  # the Lease of its own is due, whose renewal asks after the journal
    "rm -f /data/go; touch /data/held; until test -e /data/go; do sleep 0.05; done"])  # often before that
def test_a_snapshot_whose_journal_is_deleted_says_so_with_lines_that_work(database, pre):
    before = database.objects()
    with database.start("snap", "create", "sts/postgres", "--name", "orphan", "--pre", pre, "--post", "rm -f /data/held") as snap:
        database.eventually(lambda: database.shell("postgres-0", "test -e /data/held").code == 0)
        database.kubectl("delete", "configmap", "-l", "holdfast.dev/role=journal").expect()
        database.shell("postgres-0", "touch /data/go").expect()
        snap.process.wait(world.PATIENCE_S)
        snap.end()
    said = "".join(snap.err)
    assert snap.process.returncode == 4 and "deleted the journal" in said and "resume" not in said, snap.text
    assert database.shell("postgres-0", "test -e /data/held").code == 1  # --post has run
    (line,) = [line for line in said.splitlines() if "kubectl get" in line]
    found = database.cluster.kubectl(*line.split("kubectl ", 1)[1].split(), "-o", "name").expect().out.split()
    assert "configmap/holdfast-set-orphan" in found
    database.snap("delete", "orphan", "--yes").expect()
    assert database.left_behind(before) == []


def test_a_report_that_cannot_be_written_is_said_and_the_drill_leaves_nothing(database, tmp_path):
    before = database.objects()
    (tmp_path / "reports").mkdir()
    with database.start("restore", "drill", "base", *SOUND, "--report", tmp_path / "reports/drill.json") as drill:
        throwaway(database, "pvc")
        (tmp_path / "reports").rmdir()
        drill.process.wait(world.PATIENCE_S)
        assert drill.end() == 1, drill.text
    assert "checked" in "".join(drill.err), drill.text
    assert str(tmp_path / "reports/drill.json") in "".join(drill.err)
    assert database.set("base")["verified"]["level"] == "checked"
    assert database.left_behind(before) == []  # there is nothing to resume or to take back


def test_a_set_whose_record_names_a_foreign_snapshot_is_incomplete(database):
    database.apply({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": "foreign"},
                    "spec": {"source": {"persistentVolumeClaimName": "data-postgres-0"}, "volumeSnapshotClassName": "fast"}})
    database.wait("jsonpath={.status.readyToUse}=true", "volumesnapshot/foreign")
    database.snap("create", "sts/postgres", "--name", "edited", "--wait", "ready").expect()
    record = database.set("edited")
    own = record["members"][0]["snapshot"]
    for uid in (record["members"][0]["snapshotUID"], ""):
        record["members"][0].update(snapshot="foreign", snapshotUID=uid)
        database.kubectl("patch", "configmap", "holdfast-set-edited", "--type=merge", "-p",
                         json.dumps({"data": {"set.json": json.dumps(record)}})).expect()
        before = database.objects()
        for words in (["drill", "edited"], ["pvc/copy", "--from", "edited"]):
            assert "incomplete" in database.restore(*words).expect(3).err
        assert database.objects() == before
    database.snap("delete", "edited", "--yes", "--force").expect()
    assert database.path("volumesnapshot/foreign", ".metadata.name") == "foreign"
    database.kubectl("delete", "volumesnapshot", "foreign", own, "--ignore-not-found").expect()
