"""The story of README.md: a snapshot of a PostgreSQL that is proven to hold the row, and a dropped table brought back."""
import subprocess


def snapshots_of(space, name):
    return space.get("volumesnapshot", "-l", f"holdfast.dev/set={name}")["items"]


def test_a_dropped_table_comes_back_from_a_snapshot_that_a_drill_has_proven(space):
    space.postgres()
    space.snap("create", "sts/postgres", "--name", "first", "--wait", "ready").expect()
    space.psql("postgres-0", "create table snap_demo (x int); insert into snap_demo values (7)")

    space.snap("create", "sts/postgres", "--name", "before-migration", "--wait", "ready").expect()
    (snapshot,) = snapshots_of(space, "before-migration")
    assert snapshot["status"]["readyToUse"] is True
    assert space.set("before-migration")["complete"] is True
    pod = space.get("pod/postgres-0")

    space.psql("postgres-0", "drop table snap_demo")
    before = space.objects()
    drill = space.restore("drill", "before-migration", "--query", "select x from snap_demo", "--expect", "7").expect()
    assert "RTO" in drill.out
    assert space.left_behind(before) == []
    assert space.get("pod/postgres-0")["metadata"]["uid"] == pod["metadata"]["uid"]
    assert space.psql("postgres-0", "select to_regclass('snap_demo') is null") == "t", "the live database is as it was"
    assert space.set("before-migration")["verified"]["level"] == "checked"

    space.restore("pvc/data-postgres-restore", "--from", "before-migration").expect()
    claim = space.get("pvc/data-postgres-restore")
    assert claim["status"]["phase"] == "Bound"
    assert claim["spec"]["dataSource"]["name"] == snapshot["metadata"]["name"]

    before = space.objects()
    with space.start("restore", "open", "before-migration") as opened:
        uri = opened.wait_for(r"postgres(?:ql)?://\S+").group()
        dump = subprocess.run(["pg_dump", "-t", "snap_demo", uri], capture_output=True, text=True, timeout=60)
        assert dump.returncode == 0, dump.stderr
        space.kubectl("exec", "-i", "postgres-0", "--", "psql", "-qX", "-v", "ON_ERROR_STOP=1", stdin=dump.stdout).expect()
        assert opened.end() in (0, 130), opened.text
    assert space.psql("postgres-0", "select x from snap_demo") == "7"
    assert space.left_behind(before) == []

    listed = space.snap("list").expect().out
    assert "before-migration" in listed and "first" in listed
    described = space.snap("describe", "before-migration").expect().out
    assert snapshot["metadata"]["name"] in described and "data-postgres-restore" in described
    space.snap("delete", "first", "--yes").expect()
    assert snapshots_of(space, "first") == []
    assert len(snapshots_of(space, "before-migration")) == 1
    space.snap("doctor", "sts/postgres").expect()
