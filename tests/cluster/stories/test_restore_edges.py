"""Restores and rehearsals at their edges: what a data directory may hold that must not wake up, classes that keep volumes,
uploads that take their time, interruptions, and refusals that change nothing."""
import json
import signal

import pytest

import world


def test_settings_and_signal_files_on_the_volume_do_not_wake_up(space):
    """A standby's signal file, a library that does not exist, an archive command and a role that may write: all of it lies
    in the data directory, and a drill starts all the same, as nobody's standby, with the archive off."""
    space.postgres()
    space.psql("postgres-0", "create table t as select 7 as x")
    space.shell("postgres-0", """
        touch $PGDATA/standby.signal
        echo "shared_preload_libraries = 'no_such_library'" >>$PGDATA/postgresql.auto.conf
        echo "primary_conninfo = 'host=192.0.2.1'" >>$PGDATA/postgresql.auto.conf
        echo "archive_mode = on" >>$PGDATA/postgresql.conf
        echo "archive_command = 'touch /data/archived'" >>$PGDATA/postgresql.conf
        echo "listen_addresses = '*'" >>$PGDATA/postgresql.conf
        sync""").expect()
    space.snap("create", "sts/postgres", "--name", "one", "--wait", "ready").expect()
    before = space.objects()
    settings = ("select x, pg_is_in_recovery(), " + ", ".join(
        f"current_setting('{name}')" for name in ("archive_mode", "listen_addresses", "primary_conninfo", "shared_preload_libraries",
                                                   "default_transaction_read_only", "max_logical_replication_workers")) + " from t")
    space.restore("drill", "one", "--query", settings, "--expect", "7|f|off|127.0.0.1|||on|0").expect()
    assert space.left_behind(before) == []


def test_slots_and_prepared_transactions_on_the_volume_find_their_place(space):
    space.postgres()
    space.psql("postgres-0", "create table t as select 7 as x")
    for name, value in (("wal_level", "'logical'"), ("max_prepared_transactions", "300"), ("max_replication_slots", "20")):
        space.psql("postgres-0", f"alter system set {name} = {value}")
    space.restart("postgres-0")
    space.psql("postgres-0", "select pg_create_logical_replication_slot('s', 'test_decoding')")
    for number in range(3):
        space.kubectl("exec", "postgres-0", "--", "psql", "-qX", "-c",
                      f"begin; insert into t values ({number}); prepare transaction 'p{number}'").expect()
    space.snap("create", "sts/postgres", "--name", "one", "--wait", "ready").expect()
    space.restore("drill", "one", "--query", "select (select count(*) from pg_prepared_xacts), (select count(*) from pg_replication_slots), count(*) from t",
                  "--expect", "3|1|1").expect()


def test_a_class_that_keeps_volumes_and_waits_for_a_pod_keeps_none_of_a_drill(space):
    space.postgres(storage_class="slow-retain")
    space.psql("postgres-0", "create table t as select 7 as x")
    space.snap("create", "sts/postgres", "--name", "one", "--wait", "ready").expect()
    before = space.objects()
    drill = space.restore("drill", "one", "--query", "select x from t", "--expect", "7").expect()
    assert "Delete" in drill.err
    assert space.left_behind(before) == []


def test_a_drill_waits_for_an_upload(database):
    database.snap("create", "sts/postgres", "--name", "slow", "--snapshot-class", "fast-delayed").expect()
    drill = database.restore("drill", "slow", "--query", "select x from t", "--expect", "7").expect()
    assert "can be restored" in drill.err


def test_ctrl_c_takes_a_drill_down(database):
    before = database.objects()
    with database.start("restore", "drill", "base", "--query", "select pg_sleep(100)") as drill:
        database.eventually(lambda: any(kind == "Pod" for kind, _ in database.left_behind(before)))
        assert drill.end(signal.SIGINT) == 130
    assert database.left_behind(before) == []


def test_open_serves_psql_and_pg_dump_read_only_until_ctrl_c(database):
    before = database.objects()
    with database.start("restore", "open", "base") as opened:
        uri = opened.wait_for(r"postgresql://postgres@127\.0\.0\.1:\d+/\w+").group()

        def here(*argv):
            return world.run([*argv], {**database.cluster.environment, "PGCONNECT_TIMEOUT": "10"})

        assert here("psql", "-qtAX", uri, "-c", "select x from t").expect().out.strip() == "7"
        assert "read-only" in here("psql", "-qtAX", uri, "-c", "create table no (x int)").err
        assert "COPY public.t" in here("pg_dump", "-t", "t", uri).expect().out
        assert opened.end(signal.SIGINT) == 0
    assert database.left_behind(before) == []


def test_what_no_cleanup_leaves_is_removed_by_gc(database):
    before = database.objects()
    left = database.restore("drill", "base", "--no-cleanup").expect()
    assert "gc" in left.out
    assert {kind for kind, _ in database.left_behind(before)} >= {"Pod", "PersistentVolumeClaim"}
    database.restore("gc", "--yes").expect()
    database.eventually(lambda: database.left_behind(before) == [])


@pytest.mark.parametrize("words, code, said", [
    (["pvc/copy", "--from", "base", "--size", "10Mi"], 3, ["10Mi", "256Mi"]),
    (["pvc/copy", "--from", "base", "--storage-class", "slow"], 3, ["slow.csi.hf.test", "fast.csi.hf.test"]),
    (["pvc/copy", "--from", "base", "--volume-mode", "Block"], 3, ["allow-volume-mode-change"]),
    (["pvc/copy", "--from", "base", "--ordinal", "4"], 3, ["data-postgres-0 (--ordinal 0)"]),
    (["pvc/copy", "--from", "bass"], 1, ["base"]),
    (["pvc/data-postgres-0", "--from", "base"], 3, ["exists already"]),
    (["sts/copy", "--from", "base"], 2, ["pvc/NEW"]),
    (["drill", "base", "--ordinal", "4"], 3, ["ordinal 0"]),
    (["drill", "base", "--expect", "7"], 2, ["--query"]),
    (["drill", "base", "--query", "select 1", "--exec", "true"], 2, ["--query", "--exec"]),
])
def test_a_refusal_names_the_fact_and_changes_nothing(database, words, code, said):
    before = database.objects()
    refused = database.restore(*words).expect(code)
    for part in said:
        assert part in refused.err
    assert database.objects() == before


def test_an_incomplete_set_is_refused_with_its_missing_ordinals(space):
    space.postgres(replicas=2)
    space.snap("create", "sts/postgres", "--name", "two", "--wait", "ready").expect()
    several = space.restore("pvc/copy", "--from", "two").expect(3)
    assert "data-postgres-0 (--ordinal 0), data-postgres-1 (--ordinal 1)" in several.err
    space.restore("pvc/copy", "--from", "two", "--ordinal", "1").expect()
    (gone,) = [s["metadata"]["name"] for s in space.get("volumesnapshot")["items"] if s["metadata"]["name"].endswith("postgres-1")]
    space.kubectl("delete", "volumesnapshot", gone).expect()
    for words in (["pvc/other", "--from", "two", "--ordinal", "0"], ["drill", "two"]):
        refused = space.restore(*words).expect(3)
        assert "ordinal 1" in refused.err and gone in refused.err


def test_a_service_that_would_select_the_throwaway_pods_stops_a_drill(space):
    space.postgres()
    space.snap("create", "sts/postgres", "--name", "one", "--wait", "ready").expect()
    space.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "greedy"},
                 "spec": {"selector": {"app.kubernetes.io/managed-by": "holdfast"}, "ports": [{"port": 80}]}})
    before = space.objects()
    assert "svc/" in space.restore("drill", "one").expect(3).err
    assert space.objects() == before


def test_damaged_data_is_exit_6_and_marks_the_set_failed(space):
    """The write-ahead log is cut off behind the running server's back: a snapshot is as good as what it was taken of."""
    space.postgres()
    space.psql("postgres-0", "create table t as select 7 as x")
    space.shell("postgres-0", "rm -rf $PGDATA/pg_wal/0* && sync").expect()
    space.snap("create", "sts/postgres", "--name", "one", "--wait", "ready").expect()
    before = space.objects()
    drill = space.restore("drill", "one").expect(6)
    assert "did not start" in drill.err
    assert space.set("one")["verified"]["level"] == "failed"
    assert space.left_behind(before) == []


def test_a_free_volume_of_the_class_is_never_taken_for_what_was_restored(space):
    """Kubernetes binds a claim to a free volume that fits before it asks for one made of the snapshot: a drill would judge
    somebody else's data, and then destroy it."""
    name = f"{space.name}-fast"
    space.apply({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
                 "provisioner": "fast.csi.hf.test"})
    try:
        space.claim("spare", storage_class=name)
        space.claim("data", storage_class=name)
        space.wait("jsonpath={.status.phase}=Bound", "pvc/spare", "pvc/data")
        space.snap("create", "pvc/data", "--name", "one", "--wait", "ready").expect()
        volume = space.path("pvc/spare", ".spec.volumeName")
        keep = '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'
        space.kubectl("patch", "pv", volume, "--type=merge", "-p", keep).expect()
        space.kubectl("delete", "pvc", "spare").expect()
        space.kubectl("patch", "pv", volume, "--type=merge", "-p", '{"spec":{"claimRef":null}}').expect()
        space.wait("jsonpath={.status.phase}=Available", f"pv/{volume}")
        before = space.objects()
        image = ("--image", world.BUSYBOX_IMAGE)
        for words in (("drill", "one", "--exec", "true", *image), ("open", "one", *image), ("pvc/copy", "--from", "one"),
                      ("pvc/data", "--from", "one", "--in-place", "--yes", *image)):
            refused = space.restore(*words).expect(3)
            assert f"pv/{volume} is free" in refused.err and "nothing was changed" in refused.err
        assert space.left_behind(before) == []
        # Reserved, as the message says, it is in nobody's way.
        reserved = {"spec": {"claimRef": {"namespace": space.name, "name": "somebodys"}}}
        space.kubectl("patch", "pv", volume, "-p", json.dumps(reserved)).expect()
        space.restore("pvc/copy", "--from", "one").expect()
        assert space.path(f"pv/{volume}", ".status.phase") == "Available"
        space.claim("somebodys", storage_class=name)
        space.wait("jsonpath={.status.phase}=Bound", "pvc/somebodys")
        assert space.path("pvc/somebodys", ".spec.volumeName") == volume
    finally:
        space.kubectl("delete", "storageclass", name)
