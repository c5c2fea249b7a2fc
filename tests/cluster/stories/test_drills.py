"""Rehearsals: right and wrong data, an image that is missing, images and configurations that would phone home."""
import world

LISTENER = "while :; do nc -l -p 9000 >>/tmp/heard; done"


def test_data_that_is_not_as_expected_is_exit_6_and_the_set_says_failed(database):
    before = database.objects()
    drill = database.restore("drill", "base", "--query", "select x from t", "--expect", "8").expect(6)
    assert "7" in drill.text and "8" in drill.text
    assert database.set("base")["verified"]["level"] == "failed"
    assert database.left_behind(before) == []
    database.restore("drill", "base", "--query", "select x from t", "--expect", "7").expect()
    assert database.set("base")["verified"]["level"] == "checked"


def test_a_query_that_the_database_refuses_is_exit_6(database):
    drill = database.restore("drill", "base", "--query", "select x from nowhere", "--expect", "7").expect(6)
    assert "nowhere" in drill.err


def test_without_a_query_a_drill_proves_that_the_database_starts(database):
    database.snap("create", "sts/postgres", "--name", "started", "--wait", "ready").expect()
    database.restore("drill", "started").expect()
    assert database.set("started")["verified"]["level"] == "started"


def test_a_drill_is_read_only(database):
    drill = database.restore("drill", "base", "--query", "insert into t values (8) returning x", "--expect", "8").expect(6)
    assert "read-only" in drill.err


def test_an_image_that_is_missing_is_exit_5_and_changes_no_mark(database):
    before, mark = database.objects(), database.set("base")["verified"]["at"]
    drill = database.restore("drill", "base", "--image", "hf.test/missing:1", "--query", "select 1", "--expect", "1", "--timeout", "5s").expect(5)
    assert "hf.test/missing:1" in drill.err
    assert database.set("base")["verified"]["at"] == mark
    assert database.left_behind(before) == []


def test_another_image_than_the_recorded_one_must_have_a_database_in_it(database):
    before = database.objects()
    drill = database.restore("drill", "base", "--image", world.BUSYBOX_IMAGE, "--timeout", "20s")
    assert drill.code in (1, 3, 5) and "no program postgres" in drill.err, drill.text
    assert database.left_behind(before) == []


def test_other_software_is_checked_by_a_command(space):
    space.claim("state")
    container = {"name": "app", "image": world.BUSYBOX_IMAGE, "command": ["sh", "-c", "echo kept >/var/lib/app/file; sync; sleep 100000"],
                 "volumeMounts": [{"name": "files", "mountPath": "/var/lib/app"}]}
    template = {"metadata": {"labels": {"app": "app"}},
                "spec": {"terminationGracePeriodSeconds": 0, "containers": [container],
                         "volumes": [{"name": "files", "persistentVolumeClaim": {"claimName": "state"}}]}}
    space.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app"},
                 "spec": {"selector": {"matchLabels": {"app": "app"}}, "strategy": {"type": "Recreate"}, "template": template}})
    space.wait("condition=Available", "deployment/app")
    space.snap("create", "deploy/app", "--claim", "state", "--name", "one", "--wait", "ready").expect()
    before = space.objects()
    space.restore("drill", "one", "--exec", "grep -q kept /var/lib/app/file").expect()
    space.restore("drill", "one", "--exec", "grep -q lost /var/lib/app/file").expect(6)
    assert space.left_behind(before) == []


def test_a_drill_does_not_phone_home(space):
    """The container's command and the archive command of the live configuration both call a listener; the drill's database
    starts from the same volume and calls nobody."""
    space.pod("listener", command=LISTENER)
    address = space.path("pod/listener", ".status.podIP")
    call = f"echo %s >/dev/tcp/{address}/9000"
    space.apply(*with_command(world.postgres(), ["bash", "-c", (call % "entrypoint") + "; exec /entrypoint"]))
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres")
    space.psql("postgres-0", "alter system set archive_mode = on")
    archive = f"bash -c '{call % 'archive'}'".replace("'", "''")
    space.psql("postgres-0", f"alter system set archive_command = '{archive}'")
    space.psql("postgres-0", "create table t as select 7 as x")
    space.restart("postgres-0")
    space.psql("postgres-0", "select pg_switch_wal()")

    def heard():
        return space.shell("listener", "cat /tmp/heard").out

    space.eventually(lambda: "entrypoint" in heard() and "archive" in heard())
    space.psql("postgres-0", "alter system reset archive_command")  # the live one falls silent ...
    space.psql("postgres-0", f"alter system set archive_command = '{archive}'")  # ... only once it is reloaded
    space.snap("create", "sts/postgres", "--name", "one", "--wait", "ready").expect()
    space.kubectl("scale", "statefulset/postgres", "--replicas=0").expect()
    space.wait("delete", "pod/postgres-0")
    space.shell("listener", ": >/tmp/heard").expect()
    space.restore("drill", "one", "--query", "select x from t", "--expect", "7").expect()
    assert heard() == ""
    space.kubectl("scale", "statefulset/postgres", "--replicas=1").expect()
    space.eventually(lambda: "entrypoint" in heard())


def with_command(manifests, command):
    service, stateful_set = manifests
    stateful_set["spec"]["template"]["spec"]["containers"][0]["command"] = command
    return service, stateful_set


def test_a_foreign_snapshot_is_rehearsed_with_an_image_that_is_named(database):
    database.apply({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": "nightly"},
                    "spec": {"source": {"persistentVolumeClaimName": "data-postgres-0"}, "volumeSnapshotClassName": "fast"}})
    database.wait("jsonpath={.status.readyToUse}=true", "volumesnapshot/nightly")
    before = database.objects()
    without = database.restore("drill", "vs/nightly", "--query", "select x from t", "--expect", "7").expect(3)
    assert "--image" in without.err
    database.restore("drill", "vs/nightly", "--image", world.POSTGRES_IMAGE, "--query", "select x from t", "--expect", "7").expect()
    assert database.left_behind(before) == []


def test_every_ordinal_is_started_and_the_lowest_is_asked(space):
    space.postgres(replicas=2)
    for number in (0, 1):
        space.psql(f"postgres-{number}", f"create table t as select {number} as x")
    space.snap("create", "sts/postgres", "--name", "both", "--wait", "ready").expect()
    before = space.objects()
    space.restore("drill", "both", "--query", "select x from t", "--expect", "0").expect()
    space.restore("drill", "both", "--ordinal", "1", "--query", "select x from t", "--expect", "1").expect()
    assert space.left_behind(before) == []
