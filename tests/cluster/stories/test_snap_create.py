"""`kubectl snap create` where it is not plain: commands that hold writes back, what is refused before any write, and what
a kill leaves."""
import datetime
import json
import signal

import pytest
import world


@pytest.fixture(scope="module")
def database(module_space):
    """Two databases of their own, and the story's namespace."""
    module_space.postgres(replicas=2)
    return module_space


def logged(space, file, pod="postgres-0"):
    return space.shell(pod, f"cat /tmp/{file} 2>/dev/null; true").expect().out.split()


def snapshots(space, name):
    return space.get("volumesnapshot", "-l", f"holdfast.dev/set={name}")["items"]


def skew(record):
    """Milliseconds from the first cut to the last."""
    cuts = sorted(datetime.datetime.fromisoformat(member["cutAt"].replace("Z", "+00:00")) for member in record["members"])
    return round((cuts[-1] - cuts[0]).total_seconds() * 1000)


def test_commands_hold_writes_back_and_let_go_when_the_cut_is_done_not_when_it_is_uploaded(database):
    done = database.snap("create", "sts/postgres", "--name", "held", "--snapshot-class", "fast-uploading",
                         "--pre", "echo pre >>/tmp/held", "--post", "echo post >>/tmp/held",
                         "--hold", "echo up; cat; echo released >>/tmp/held").expect()
    assert "not ready yet" in done.out
    for pod in ("postgres-0", "postgres-1"):
        assert logged(database, "held", pod) == ["pre", "released", "post"]
    record = database.set("held")
    assert record["complete"] and record["consistency"] == "quiesced" and abs(record["skewMilliseconds"] - skew(record)) <= 1
    assert [m["ordinal"] for m in record["members"]] == [0, 1]


def test_a_set_whose_configmap_is_lost_is_rebuilt_from_its_snapshots(database):
    database.snap("create", "sts/postgres", "--name", "lost", "--wait", "ready", "--pre", "true").expect()
    before = database.snap("list", "-o", "json").expect().json()["items"]
    database.kubectl("delete", "configmap", "holdfast-set-lost").expect()
    after = database.snap("list", "-o", "json").expect().json()["items"]
    (was,), (now,) = ([i for i in items if i["name"] == "lost"] for items in (before, after))
    assert now["rebuilt"] and not was["rebuilt"]
    for key in ("target", "ready", "total", "complete", "consistency", "sizeBytes", "createdAt"):
        assert now[key] == was[key], key
    described = database.snap("describe", "lost").expect().out
    assert "ConfigMap is lost" in described and "postgres 15" in described


def test_what_the_database_says_of_itself_is_recorded(database):
    database.snap("create", "sts/postgres", "--name", "facts").expect()
    app = database.set("facts")["app"]
    assert app["kind"] == "postgres" and app["dataDirectory"] == "/data/pgdata"
    assert app["systemIdentifier"] == database.psql("postgres-0", "select system_identifier from pg_control_system()")
    assert app["timeline"] == database.psql("postgres-0", "select timeline_id from pg_control_checkpoint()")


def test_no_literal_secret_of_the_workload_is_kept(space):
    space.postgres(env=[{"name": "APP_PASSWORD", "value": "canary-password"}, {"name": "APP_URL", "value": "pg://u:canary-url@h/d"}])
    space.snap("create", "sts/postgres", "--name", "one").expect()
    everything = json.dumps([space.get("configmap"), space.get("volumesnapshot")])
    assert "canary" not in everything and "hashed:" in everything


def test_a_failing_pre_lets_go_and_leaves_nothing(database):
    before = database.objects()
    failed = database.snap("create", "sts/postgres", "--name", "no", "--pre", "echo pre >>/tmp/no; exit 3",
                           "--post", "echo post >>/tmp/no").expect(1)
    assert "exit code 3" in failed.err and "no snapshot was made" in failed.err
    assert logged(database, "no") == ["pre", "post"]
    assert database.left_behind(before) == []


def test_a_failing_post_is_told_and_can_go_on(database):
    arguments = ["create", "sts/postgres", "--name", "thaw", "--pre", "true", "--post", "test -e /tmp/may-thaw"]
    failed = database.snap(*arguments).expect(5)
    assert "let them go by hand: test -e /tmp/may-thaw" in failed.err and "kubectl snap resume" in failed.err
    assert not database.set("thaw")["complete"]
    for pod in ("postgres-0", "postgres-1"):
        database.shell(pod, "touch /tmp/may-thaw").expect()
    database.snap(*arguments).expect()
    record = database.set("thaw")
    assert record["complete"] and record["consistency"] == "none", "whether writes were held back is not known any more"


def test_a_held_command_that_ends_early_has_not_held(database):
    failed = database.snap("create", "sts/postgres", "--name", "early", "--hold", "echo up; sleep 0.2",
                           "--snapshot-class", "broken", "--timeout", "4s").expect(5)
    assert "the held command ended before the cut was done" in failed.err
    database.snap("abort", operation(database), "--yes").expect()


def test_nothing_is_cut_before_a_held_command_has_said_that_it_is_up(database):
    database.snap("create", "sts/postgres", "--name", "slow-lock",
                  "--hold", "sleep 3; date -u +%Y-%m-%dT%H:%M:%SZ >>/tmp/slow-lock; echo up; cat").expect()
    record = database.set("slow-lock")
    (up,) = logged(database, "slow-lock")
    assert record["consistency"] == "quiesced"
    assert all(member["cutAt"][:19] >= up[:19] for member in record["members"]), (up, record)


def test_a_held_command_that_says_nothing_is_not_known_to_hold_and_nothing_is_cut(database):
    failed = database.snap("create", "sts/postgres", "--name", "silent", "--hold", "sleep 5000", "--timeout", "4s").expect(1)
    assert "printed no line in 4.0s" in failed.err and "echo up" in failed.err
    assert snapshots(database, "silent") == []


def operation(space):
    (one,) = space.snap("status", "-o", "json").expect().json()["items"]
    return one["operation"]


def test_a_kill_while_writes_are_held_back_lets_them_go_and_the_next_run_ends_it(database):
    words = ["create", "sts/postgres", "--name", "killed", "--snapshot-class", "broken", "--timeout", "5s",
             "--pre", "echo pre >>/tmp/killed", "--post", "echo post >>/tmp/killed",
             "--hold", "echo up >>/tmp/killed; echo up; cat; echo released >>/tmp/killed"]
    with database.start("snap", *words) as first:
        # Nothing of this class is ever cut: it is held until we come.
        database.eventually(lambda: len(snapshots(database, "killed")) == 2)
        first.end(signal.SIGKILL)
    database.eventually(lambda: logged(database, "killed") == ["pre", "up", "released"])
    assert "set/killed" not in database.snap("delete", "killed", "--yes", "--force").expect(4).out
    refused = database.snap(*words).expect(5)
    assert "the array refused the snapshot" in refused.err
    assert logged(database, "killed") == ["pre", "up", "released", "pre", "up", "released", "post"]
    aborted = database.snap("abort", operation(database), "--yes").expect()
    assert "--post is not run by abort" in aborted.err
    assert snapshots(database, "killed") == []


def test_a_kill_before_the_cut_is_finished_by_the_same_command_line(database):
    words = ["create", "sts/postgres", "--name", "again", "--pre", "echo pre >>/tmp/again; sleep 1",
             "--post", "echo post >>/tmp/again", "--wait", "ready"]
    with database.start("snap", *words) as first:
        database.eventually(lambda: logged(database, "again") == ["pre"])
        first.end(signal.SIGKILL)
    database.snap(*words).expect()
    assert logged(database, "again") == ["pre", "pre", "post"]
    record = database.set("again")
    assert record["complete"] and record["consistency"] == "quiesced", "nothing was cut before the second run held writes back"


def test_a_name_is_taken_once(database):
    database.snap("create", "sts/postgres", "--name", "mine").expect()
    before = database.objects()
    finished = database.snap("create", "sts/postgres", "--name", "mine").expect(3)
    assert "kubectl snap describe mine" in finished.err and "kubectl snap delete mine" in finished.err
    database.apply({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
                    "metadata": {"name": "theirs-data-postgres-1"},
                    "spec": {"volumeSnapshotClassName": "fast", "source": {"persistentVolumeClaimName": "data-postgres-1"}}})
    foreign = database.snap("create", "sts/postgres", "--name", "theirs").expect(4)
    assert "theirs-data-postgres-1" in foreign.err and "nothing was changed" in foreign.err
    assert [k for k in database.left_behind(before) if k[0] == "ConfigMap"] == []


def test_claims_that_cannot_be_snapshotted_are_named_with_the_reason(space):
    space.claim("waiting", "fast-later")
    space.claim("full", "broken")
    space.apply({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"{space.name}-local"},
                 "spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "64Mi"}, "hostPath": {"path": "/tmp"},
                          "claimRef": {"namespace": space.name, "name": "local"}, "storageClassName": ""}})
    try:
        space.claim("local", "", volumeName=f"{space.name}-local")
        space.wait("jsonpath={.status.phase}=Bound", "pvc/local")
        space.wait("jsonpath={.metadata.annotations.volume\\.kubernetes\\.io/storage-provisioner}", "pvc/full")
        before = space.objects()
        waiting = space.snap("create", "pvc/waiting").expect(3)
        assert "pvc/" + space.name + "/waiting is not bound but Pending" in waiting.err and "WaitForFirstConsumer" in waiting.err
        space.eventually(lambda: "the storage system is full" in space.snap("create", "pvc/full").expect(3).err)
        local = space.snap("create", "pvc/local").expect(3)
        assert "hostPath" in local.err and "not a CSI volume" in local.err
        assert "did you mean pvc/full?" in space.snap("create", "pvc/ful").expect(1).err
        assert space.objects() == before
    finally:
        space.cluster.kubectl("delete", "pv", f"{space.name}-local", "--wait=false")


def test_a_quota_on_snapshots_is_seen_before_the_first_one(space):
    space.claim("one")
    space.claim("two")
    space.kubectl("label", "pvc", "one", "two", "app=x").expect()
    space.wait("jsonpath={.status.phase}=Bound", "pvc/one", "pvc/two")
    space.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"},
                 "spec": {"hard": {"count/volumesnapshots.snapshot.storage.k8s.io": "1"}}})
    space.wait("jsonpath={.status.hard}", "resourcequota/few")
    before = space.objects()
    refused = space.snap("create", "-l", "app=x", "--name", "no").expect(3)
    assert "few allows 1 snapshots, 0 are used, and 2 more are needed" in refused.err
    assert space.objects() == before
    space.snap("create", "pvc/one", "--name", "yes").expect()


def test_a_namespace_that_is_going_away_is_refused(new_space):
    space = new_space("leaving")
    space.claim("data")
    space.wait("jsonpath={.status.phase}=Bound", "pvc/data")
    space.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "stays", "finalizers": ["holdfast.test/stay"]}})
    space.cluster.kubectl("delete", "namespace", space.name, "--wait=false").expect()
    try:
        assert "is terminating" in space.snap("create", "pvc/data").expect(3).err
    finally:
        space.kubectl("patch", "configmap", "stays", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


def test_a_client_dry_run_changes_nothing_and_prints_the_plan_as_data(database):
    before = database.objects()
    plan = database.snap("create", "sts/postgres", "--name", "dry", "--dry-run", "-o", "json").expect().json()
    assert [s["object"] for s in plan["steps"] if s["change"] == "create"][0].endswith("holdfast-set-dry")
    assert database.objects() == before
    database.snap("create", "sts/postgres", "--name", "dry", "--dry-run=server").expect()
    assert database.objects() == before


def test_twenty_claims_are_one_set(space):
    space.apply(*[{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": f"c{i:02}", "labels": {"app": "many"}},
                   "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "1Mi"}}}}
                  for i in range(20)])
    space.eventually(lambda: all(c["status"]["phase"] == "Bound" for c in space.get("pvc")["items"]))
    space.snap("create", "-l", "app=many", "--name", "many", "--wait", "ready").expect()
    record = space.set("many")
    assert record["complete"] and len(record["members"]) == 20
