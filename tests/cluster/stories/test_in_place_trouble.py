"""Restore in place when something gets in the way: signals while the workload is down, data that does not come up, a
journal that is lost, several who want the same."""
import json
import signal
import time

import pytest

from test_in_place import operation_of, seven, volumes
import world
from world import BUSYBOX_IMAGE

IN_PLACE = ["restore", "sts/postgres", "--from", "base", "--in-place", "--yes", "--progress", "plain"]


@pytest.fixture
def database(space):
    space.postgres()
    space.psql("postgres-0", "create table t as select 7 as x")
    space.snap("create", "sts/postgres", "--name", "base", "--wait", "ready").expect()
    space.psql("postgres-0", "drop table t")
    return space


def stopped_at(space, command, *parts):
    """Waits until the command has told of its progress in a line with these words."""
    space.eventually(lambda: command.process.poll() is not None or any(
        all(part in line for part in parts) for line in list(command.err)))
    assert command.process.poll() is None, command.text


def killed_after(space, *parts):
    """A restore in place, killed with -9 when it had told of that. Its operation."""
    with space.start(*IN_PLACE) as command:
        stopped_at(space, command, *parts)
        command.end(signal.SIGKILL)
    return the_operation(space)


def the_operation(space):
    (item,) = space.restore("status", "-o", "json").expect().json()["items"]
    return item["operation"]


def the_row_is_back(space):
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres")
    assert seven(space) == "7"
    assert [c["metadata"]["name"] for c in space.get("pvc")["items"]] == ["data-postgres-0"]
    assert space.path("sts/postgres", ".metadata.annotations.holdfast\\.dev/replicas") == ""


def test_a_second_ctrl_c_during_the_downtime_does_not_stop_the_way_back_to_service(database):
    space = database
    old = space.path("pvc/data-postgres-0", ".spec.volumeName")
    with space.start(*IN_PLACE) as command:
        stopped_at(space, command, "done: scale sts/", "to 0")
        command.process.send_signal(signal.SIGINT)
        space.eventually(lambda: command.process.poll() is not None or "until then another Ctrl-C" in "".join(command.err))
        for _ in range(3):
            if command.process.poll() is None:
                command.process.send_signal(signal.SIGINT)
        assert command.process.wait(world.PATIENCE_S) == 130, command.text
        command.end()
    assert "service is brought back first; until then another Ctrl-C does not stop it" in command.text
    assert "kubectl restore resume" in command.text
    assert space.path("sts/postgres", ".spec.replicas") == "1", command.text
    assert space.path("sts/postgres", ".metadata.annotations.holdfast\\.dev/replicas") == ""
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres")
    assert space.path("pvc/data-postgres-0", ".spec.volumeName") == old
    space.kubectl(*IN_PLACE, timeout=300).expect()
    the_row_is_back(space)


def test_pods_that_never_get_ready_leave_the_data_safe_and_the_undo_line(database):
    space = database
    old = space.path("pvc/data-postgres-0", ".spec.volumeName")
    probe = [{"op": "replace", "path": "/spec/template/spec/containers/0/readinessProbe", "value":
              {"exec": {"command": ["sh", "-c", 'test "$(psql -qtAX -d postgres -c "select count(*) from pg_tables where tablename = \'t\'")" = 0']},
               "periodSeconds": 1}}]
    space.kubectl("patch", "sts/postgres", "--type=json", "-p", json.dumps(probe)).expect()
    space.kubectl("rollout", "status", "sts/postgres", f"--timeout={world.PATIENCE_S}s", timeout=300).expect()
    run = space.kubectl(*IN_PLACE, "--timeout", "20s", timeout=300).expect(5)
    assert "the volumes are swapped, but " in run.err and "0 of 1 pods are ready" in run.err, run.text
    assert "the old volumes are kept" in run.err
    (kept,) = [name for name, (_, phase, policy) in volumes(space).items() if (phase, policy) == ("Released", "Retain")]
    assert kept == old
    undo = next(line for line in run.err.splitlines() if "kubectl restore undo " in line)
    words = undo[undo.index("kubectl restore undo ") + len("kubectl "):].split()
    space.cluster.kubectl(*words, "--yes", timeout=300).expect()
    assert space.path("pvc/data-postgres-0", ".spec.volumeName") == old
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres")


# Bad input 50: what the journal said is told by the volumes.

STAGES = [("done: set the reclaim policy", "to Retain"), ("done: scale sts/", "to 0"), ("done: reserve pv/",),
          ("waiting: pvc/", "/data-postgres-0: being deleted")]
RETAINED, *_, DELETED = STAGES


def killed_while_the_claim_goes(space):
    """As killed_after(); the old claim is held where it goes, else it may be gone before anybody has seen it go: by a finalizer
    that the cluster takes off by itself as a rule, since any other one ends the command."""
    def finalizers(names):
        patch = json.dumps({"metadata": {"finalizers": names}})
        space.kubectl("patch", "pvc", "data-postgres-0", "--type=merge", "-p", patch).expect()

    with space.start(*IN_PLACE) as command:
        stopped_at(space, command, *RETAINED)
        finalizers(["kubernetes.io/pvc-protection", "snapshot.storage.kubernetes.io/pvc-as-source-protection"])
        try:
            stopped_at(space, command, *DELETED)
            command.end(signal.SIGKILL)
        finally:
            finalizers([])
    return the_operation(space)


@pytest.mark.parametrize("way", ["resume", "rerun"])
@pytest.mark.parametrize("step", STAGES, ids=["retained", "stopped", "reserved", "deleted"])
def test_a_lost_journal_is_made_again_from_the_volumes(database, step, way):
    space = database
    operation = killed_while_the_claim_goes(space) if step == DELETED else killed_after(space, *step)
    space.kubectl("delete", "configmap", f"holdfast-op-{operation}").expect()
    assert "is unfinished" in space.restore("finalize", operation, "--yes").expect(3).err
    (item,) = space.restore("status", "-o", "json").expect().json()["items"]
    assert (item["operation"], item["target"], item["kind"]) == (operation, "postgres", "in-place"), item
    # Somebody who wants something else there is told of it.
    other = space.restore("sts/postgres", "--from", "base", "--in-place", "--again", "--yes").expect(4)
    assert operation in other.err, other.text
    if way == "resume":
        space.restore("resume", operation, "--yes", timeout=300).expect()
    else:
        again = space.kubectl(*IN_PLACE, "-o", "json", timeout=300).expect()
        assert operation_of(again) == operation
    the_row_is_back(space)
    space.restore("undo", operation, "--yes", timeout=300).expect()
    assert space.psql("postgres-0", "select count(*) from pg_tables where tablename = 't'") == "0"


def test_a_lost_journal_before_the_first_delete_can_be_taken_back(database):
    space = database
    before = volumes(space)
    operation = killed_after(space, "done: scale sts/", "to 0")
    space.kubectl("delete", "configmap", f"holdfast-op-{operation}").expect()
    space.restore("abort", operation, "--yes", timeout=300).expect()
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres")
    assert volumes(space) == before
    assert [c["metadata"]["name"] for c in space.get("pvc")["items"]] == ["data-postgres-0"]
    assert space.restore("status", "-o", "json").expect().json()["items"] == []


CLAIMS = 10


@pytest.fixture
def no_named_volumes(database):
    """A policy of the namespace: no claim may name its volume. A restored copy names none; the claim made anew does."""
    space, name = database, f"{database.name}-no-named-volumes"
    api = {"apiVersion": "admissionregistration.k8s.io/v1"}
    space.apply({**api, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": {
                    "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                                                            "resources": ["persistentvolumeclaims"]}]},
                    "validations": [{"expression": "!has(object.spec.volumeName)", "message": "claims must not name volumes"}]}},
                {**api, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name}, "spec": {
                    "policyName": name, "validationActions": ["Deny"],
                    "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space.name}}}}})
    probe = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "probe", "namespace": space.name},
             "spec": {"accessModes": ["ReadWriteOnce"], "volumeName": "x", "resources": {"requests": {"storage": "1Mi"}}}}
    refused = lambda: space.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(probe)).code != 0
    space.eventually(refused)  # policies take effect a moment after they are there
    yield
    space.cluster.kubectl("delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", name)


def test_a_policy_that_refuses_the_claim_made_anew_is_found_before_anything_is_changed(database, no_named_volumes):
    space = database
    before, uid = space.objects(), space.path("pvc/data-postgres-0", ".metadata.uid")
    said = space.kubectl(*IN_PLACE).expect(3).err
    assert "would refuse to make pvc/" in said and "claims must not name volumes" in said and "nothing was changed" in said
    assert space.left_behind(before) == []
    assert space.path("pvc/data-postgres-0", ".metadata.uid") == uid
    assert space.path("sts/postgres", ".spec.replicas") == "1"


def many_claims(space):
    """A Deployment of ten claims, each with a tenth of a mebibyte of annotations: what is recorded of them does not fit into
    one ConfigMap."""
    names = [f"part-{i}" for i in range(CLAIMS)]
    for name in names:
        space.claim(name, "fast-later")  # all where the pod is
        space.kubectl("annotate", "pvc", name, f"notes={name * 15000}").expect()
    labels = {"app": "web"}
    mounts = [{"name": n, "mountPath": f"/{n}"} for n in names]
    volumes_of_pod = [{"name": n, "persistentVolumeClaim": {"claimName": n}} for n in names]
    space.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
                 "spec": {"replicas": 1, "strategy": {"type": "Recreate"}, "selector": {"matchLabels": labels},
                          "template": {"metadata": {"labels": labels}, "spec": {
                              "terminationGracePeriodSeconds": 0, "volumes": volumes_of_pod,
                              "containers": [{"name": "main", "image": BUSYBOX_IMAGE, "command": ["sleep", "100000"],
                                              "volumeMounts": mounts}]}}}})
    space.wait("condition=Available", "deployment/web")
    return names


def shards_of(space, operation):
    return [c["metadata"]["name"] for c in space.get("configmap", "-l", "holdfast.dev/role=journal-shard")["items"]
            if c["metadata"]["labels"]["holdfast.dev/operation"] == operation]


def test_a_journal_that_does_not_fit_into_one_configmap_and_loses_a_part(space):
    names = many_claims(space)
    say = "; ".join(f"echo %s >/{n}/x" for n in names) + "; sync"
    space.shell("deploy/web", say.replace("%s", "seven")).expect()
    space.snap("create", "deploy/web", "--name", "base", "--wait", "ready").expect()
    space.shell("deploy/web", say.replace("%s", "eight")).expect()
    words = ["restore", "deploy/web", "--from", "base", "--in-place", "--accept-skew", "--yes", "--progress", "plain"]
    with space.start(*words) as command:
        stopped_at(space, command, "from here on the operation can only go forward")
        command.end(signal.SIGKILL)
    (item,) = space.restore("status", "-o", "json").expect().json()["items"]
    operation, head = item["operation"], f"holdfast-op-{item['operation']}"
    shards = shards_of(space, operation)
    uid = space.path(f"configmap/{head}", ".metadata.uid")
    assert shards
    assert all(space.path(f"configmap/{s}", ".metadata.ownerReferences[0].uid") == uid for s in shards)
    space.kubectl("delete", "configmap", shards[0]).expect()
    space.restore("resume", operation, "--yes", timeout=300).expect()
    space.wait("condition=Available", "deployment/web")
    assert space.shell("deploy/web", "cat /part-*/x").expect().out.split() == ["seven"] * CLAIMS
    assert space.path("pvc/part-3", ".metadata.annotations.notes") == "part-3" * 15000
    # With the record of the operation its parts go too.
    space.restore("finalize", operation, "--yes").expect()
    space.eventually(lambda: not shards_of(space, operation))
    assert space.path(f"configmap/{head}", ".metadata.name") == ""


def test_a_journal_that_is_deleted_under_a_running_restore_stops_it_with_service_back(database):
    space = database
    with space.start(*IN_PLACE) as command:
        stopped_at(space, command, "done: scale sts/", "to 0")
        (item,) = space.restore("status", "-o", "json").expect().json()["items"]
        space.kubectl("delete", "configmap", f"holdfast-op-{item['operation']}").expect()
        code = command.process.wait(world.PATIENCE_S)
        command.end()
    if code != 0:  # it may have written its last to the journal by then
        assert code == 5 and f"kubectl restore resume {item['operation']}" in command.text, command.text
        space.kubectl(*IN_PLACE, timeout=300).expect()
    the_row_is_back(space)


def test_four_equal_restores_of_a_claim_at_once(space):
    space.claim("data")
    space.pod("app", ["data"])
    space.shell("app", "echo seven >/data/x; sync").expect()
    space.snap("create", "pvc/data", "--name", "slow", "--snapshot-class", "fast-delayed").expect()
    words = ["restore", "pvc/copy", "--from", "slow"]
    began = [space.start(*words) for _ in range(4)]
    try:
        codes = {}
        end = time.monotonic() + world.PATIENCE_S
        while len(codes) < 4 and time.monotonic() < end:
            codes |= {i: c.process.poll() for i, c in enumerate(began) if c.process.poll() is not None}
            time.sleep(0.05)
        assert sorted(codes.values()) == [0, 4, 4, 4], "\n".join(c.text for c in began)
    finally:
        for command in began:
            command.end(signal.SIGKILL)
    for number, command in enumerate(began):
        if codes[number] == 4:
            assert "operation restore-copy-" in command.text, command.text
    assert sorted(c["metadata"]["name"] for c in space.get("pvc")["items"]) == ["copy", "data"]
    space.pod("reader", ["copy"])
    assert space.shell("reader", "cat /copy/x").expect().out.strip() == "seven"
