"""kill -9 of a restore in place at seeded moments: each time the next run finishes, the row is back, every old volume is
kept, and no database was ever started on an empty or foreign volume. That is seen in a log outside all volumes, to which
every start of the database appends its pod and the system identifier that it found."""
import json
import os

import pytest

import test_kill
import world

MOMENTS = 50 if os.environ.get("HOLDFAST_SOAK") else 5
START = ('id=EMPTY; [ -s "$PGDATA/PG_VERSION" ] && id=$(LC_ALL=C pg_controldata "$PGDATA" | sed -n "s/^Database system identifier: *//p"); '
         'echo "$POD_UID $id" >>/log/starts; exec /postgres-entrypoint')


def logged(space):
    """The database with the log on its node, and a pod that reads it."""
    service, sts = world.postgres()
    spec = sts["spec"]["template"]["spec"]
    container = spec["containers"][0]
    entrypoint = "/entrypoint"
    container["command"] = ["sh", "-c", "PATH=$PATH:$(ls -d /usr/lib/postgresql/*/bin); " + START.replace("/postgres-entrypoint", entrypoint)]
    container["env"].append({"name": "POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}})
    container["volumeMounts"].append({"name": "log", "mountPath": "/log"})
    log = {"name": "log", "hostPath": {"path": f"/tmp/starts-{space.name}", "type": "DirectoryOrCreate"}}
    spec["volumes"] = [log]
    node = space.cluster.get("nodes")["items"][0]["metadata"]["labels"]["kubernetes.io/hostname"]
    spec["nodeSelector"] = {"kubernetes.io/hostname": node}
    reader = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "reader"},
              "spec": {"nodeSelector": spec["nodeSelector"], "terminationGracePeriodSeconds": 0, "volumes": [log],
                       "containers": [{"name": "main", "image": world.BUSYBOX_IMAGE, "command": ["sh", "-c", "chmod 777 /log; sleep 100000"],
                                       "volumeMounts": [{"name": "log", "mountPath": "/log"}]}]}}
    space.apply(reader)
    space.wait("condition=Ready", "pod/reader")
    space.apply(service, sts)
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres", timeout=90)


def starts(space):
    return [line.split() for line in space.shell("reader", "cat /log/starts").expect().out.splitlines()]


@pytest.fixture
def database(new_space):
    space = new_space("in-place-kill")
    space.cluster.environment["HOLDFAST_STORY"] = "in-place-kill"
    logged(space)
    space.psql("postgres-0", "create table t as select 7 as x")
    space.snap("create", "sts/postgres", "--name", "base", "--wait", "ready").expect()
    return space


def test_a_restore_in_place_killed_at_any_moment_is_finished_by_the_next_run(database, monkeypatch):
    space = database
    words = ["restore", "sts/postgres", "--from", "base", "--in-place", "--again", "--yes", "--progress", "plain"]
    monkeypatch.setattr(test_kill, "MOMENTS", MOMENTS)
    gaps = test_kill.gaps_of(space, words)
    identifier = space.set("base")["app"]["systemIdentifier"]
    kept = {space.get("pvc/data-postgres-0")["spec"]["volumeName"]}
    print(f"seed {test_kill.SEED}; an undisturbed restore took {sum(gaps):.1f} s")
    alive = 0
    for moment in test_kill.moments(gaps):
        space.psql("postgres-0", "update t set x = 8")
        live = space.get("pvc/data-postgres-0")["spec"]["volumeName"]
        alive += test_kill.killed_at(space, words, moment)
        space.kubectl(*words, timeout=300).expect()
        assert space.psql("postgres-0", "select x from t") == "7", f"seed {test_kill.SEED}, moment {moment}"
        kept.add(live)
        held = {item["metadata"]["name"] for item, _ in space.storage() if item["kind"] == "PersistentVolume"}
        assert kept <= held, f"an old volume is gone: {kept - held}"
        assert [c["metadata"]["name"] for c in space.get("pvc")["items"]] == ["data-postgres-0"]
        assert space.path("sts/postgres", ".spec.replicas") == "1"
        assert space.path("sts/postgres", ".metadata.annotations.holdfast\\.dev/replicas") == ""
    found = starts(space)
    assert found[0][1] == "EMPTY", "the first start makes the database"
    assert {one[1] for one in found[1:]} == {identifier}, json.dumps(found)
    print(f"{alive} of {MOMENTS} were killed at work; {len(found)} starts of the database")
    assert alive >= MOMENTS / 2, "most kills came too late to prove anything"
