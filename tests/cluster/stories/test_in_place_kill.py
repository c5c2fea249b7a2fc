"""kill -9 of a restore in place at seeded moments: each time the next run finishes, the row is back, every old volume is
kept, and no database was ever started on an empty or foreign volume. That is seen in a log outside all volumes, to which
every start of the database appends its pod and the system identifier that it found; it is joined with what the API server
said then of that pod, of its claim and of the volume under it."""
import json
import os

import pytest

import test_kill
import world
from chronicle import Chronicle

MOMENTS = 50 if os.environ.get("HOLDFAST_SOAK") else 5
START = ('PATH=$PATH:$(ls -d /usr/lib/postgresql/*/bin); id=EMPTY; '
         '[ -s "$PGDATA/PG_VERSION" ] && id=$(LC_ALL=C pg_controldata "$PGDATA" | sed -n "s/^Database system identifier: *//p"); '
         'echo "$POD_UID $id" >>/log/starts; exec /entrypoint')
WORDS = ["restore", "sts/postgres", "--from", "base", "--in-place", "--again", "--yes", "--progress", "plain"]


def logged(space):
    """The database with the log on its node, and a pod that reads it."""
    service, sts = world.postgres()
    spec = sts["spec"]["template"]["spec"]
    container = spec["containers"][0]
    container["command"] = ["sh", "-c", START]
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
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres")


def starts(space):
    return [line.split() for line in space.shell("reader", "cat /log/starts").expect().out.splitlines()]


@pytest.fixture
def recorded(new_space):
    """A namespace, and what its pods and claims are like from its beginning on."""
    space = new_space("in-place-kill")
    space.cluster.environment["HOLDFAST_STORY"] = "in-place-kill"
    with Chronicle(space) as chronicle:
        logged(space)
        space.psql("postgres-0", "create table t as select 7 as x")
        space.snap("create", "sts/postgres", "--name", "base", "--wait", "ready").expect()
        yield space, chronicle


def volumes(space):
    """{name: handle} of the namespace's volumes, those that are only kept among them."""
    return {item["metadata"]["name"]: item["spec"]["csi"]["volumeHandle"]
            for item, _ in space.storage() if item["kind"] == "PersistentVolume"}


def killed_and_finished(space, moment, kept):
    """One restore, killed at that moment, and the run after it. True if it was still at work."""
    space.psql("postgres-0", "update t set x = 8")
    kept.add(space.get("pvc/data-postgres-0")["spec"]["volumeName"])
    alive = test_kill.killed_at(space, WORDS, moment)
    space.kubectl(*WORDS, timeout=300).expect()
    assert space.psql("postgres-0", "select x from t") == "7", f"seed {test_kill.SEED}, moment {moment}"
    held = set(volumes(space))
    assert kept <= held, f"an old volume is gone: {kept - held}"
    assert [c["metadata"]["name"] for c in space.get("pvc")["items"]] == ["data-postgres-0"]
    assert space.path("sts/postgres", ".spec.replicas") == "1"
    assert space.path("sts/postgres", ".metadata.annotations.holdfast\\.dev/replicas") == ""
    return alive


def killed_at_work(space, moment, kept):
    """The same; a run that was quicker than the one which was measured had ended, and the next is killed sooner. True if one was
    still at work."""
    steps, rest = moment
    return any(killed_and_finished(space, (steps, rest / 3**tries), kept) for tries in range(3))


def check_starts(found, chronicle, handles, identifier, snapshot):
    """Each start of the log -> pod -> claim, as they were then -> volume -> handle -> what that was made from. The handles
    that a database was started on."""
    used = []
    for number, (uid, said) in enumerate(found):
        version, pod = chronicle.started(uid) or (None, None)
        assert pod, f"start {number}: no pod of uid {uid} was ever seen"
        (name,) = [v["persistentVolumeClaim"]["claimName"] for v in pod["spec"]["volumes"] if "persistentVolumeClaim" in v]
        claim = chronicle.claim(name, version)
        assert claim and claim["status"]["phase"] == "Bound", f"start {number} of {pod['metadata']['name']}: {claim}"
        volume = claim["spec"]["volumeName"]
        used.append(handles[volume])
        source = chronicle.source_of(volume)
        if number == 0:
            assert (said, source) == ("EMPTY", ""), "the first start makes the database"
            continue
        at = f"start {number}: pod {uid}, pvc/{name} uid {claim['metadata']['uid']}, pv/{volume}, handle {handles[volume]}"
        assert said == identifier, f"{at}: found {said} and not {identifier}"
        assert handles[volume] == used[0] or source == snapshot, f"{at}: a volume made from {source!r}"
    return used


def test_a_restore_in_place_killed_at_any_moment_is_finished_by_the_next_run(recorded, monkeypatch):
    space, chronicle = recorded
    monkeypatch.setattr(test_kill, "MOMENTS", MOMENTS)
    first = space.get("pvc/data-postgres-0")["spec"]["volumeName"]
    gaps = test_kill.gaps_of(space, WORDS)
    record = space.set("base")
    print(f"seed {test_kill.SEED}; an undisturbed restore took {sum(gaps):.1f} s")
    kept = {first}
    alive = sum(killed_at_work(space, moment, kept) for moment in test_kill.moments(gaps))
    chronicle.catch_up()
    found, handles = starts(space), volumes(space)
    used = check_starts(found, chronicle, handles, record["app"]["systemIdentifier"], record["members"][0]["snapshot"])
    # One start on the first volume, and one at least on every one that was restored.
    assert set(used) >= {handles[name] for name in kept} and used[0] == handles[first], json.dumps(used)
    assert len(set(handles.values())) == len(handles), "two volumes with one handle"
    print(f"{alive} of {MOMENTS} were killed at work; {len(found)} starts of the database on {len(set(used))} volumes")
    assert alive >= MOMENTS / 2, "most kills came too late to prove anything"
    # Until finalize: it removes what its own operation keeps, and nothing else.
    mark = json.loads(space.cluster.get(f"pv/{first}")["metadata"]["annotations"]["holdfast.dev/swap"])
    space.restore("finalize", mark["operation"], "--yes").expect()
    left = set(volumes(space))
    assert first not in left and kept - {first} <= left
