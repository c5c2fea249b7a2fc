"""kubectl pvc-expand on a real PostgreSQL: volumes and template grow, nothing is restarted, and the database answers meanwhile."""
import json
import os
import threading
import time

import pytest

import world
from growing import capacities, controllers, expand, killed_in_the_gap, killed_when_it_has_deleted, pods, sleeping
from schema import conform, schema_of

SOAK = bool(os.environ.get("HOLDFAST_SOAK"))


class Asked:
    """SELECT 1 every 100 ms in one session, for as long as the `with` lasts. A session and not a psql each: on a busy machine it is
    the processes that take their time, and a connection that breaks is a failure, too."""

    def __init__(self, space, pod):
        self.process = world.Started(
            ["kubectl", "exec", "-n", space.name, pod, "--", "sh", "-c",
             "echo 'select 1 \\watch 0.1' | psql -qtAX -v ON_ERROR_STOP=1 -d postgres; echo failed"], space.cluster.environment)

    def __enter__(self):
        self.process.wait_for(r"1\n")
        return self

    def __exit__(self, *_):
        self.process.__exit__()

    def answers(self):
        lines = [line.strip() for line in list(self.process.out)]
        return lines.count("1"), [line for line in lines if line not in ("1", "")]


class Windows:
    """Watches StatefulSets and their pods: how long each set's pods have nobody (safety R29), in seconds from the moment that the
    deletion of the set has been accepted until the last of its pods has another controller."""

    def __init__(self, space):
        def watch(kind, fields):
            return world.Started(["kubectl", "get", kind, "-n", space.name, "-w", "-o", f"jsonpath={fields}{{\"\\n\"}}"], space.cluster.environment)
        self.sets = watch("sts", "{.metadata.name} {.metadata.uid} {.metadata.deletionTimestamp}")
        self.pods = watch("pods", "{.metadata.name} {.metadata.ownerReferences[0].uid}")
        self.deleted, self.owned = {}, {}  # set: (its uid, when it was deleted); pod: (its controller, since when)
        self._thread = threading.Thread(target=self._read, daemon=True)

    def _read(self):
        read = {self.sets: 0, self.pods: 0}
        while any(watch.process.poll() is None for watch in read):
            for watch, note in ((self.sets, self._set), (self.pods, self._pod)):
                for line in watch.out[read[watch]:]:
                    read[watch] += 1
                    note(*line.split())
            time.sleep(0.005)

    def _set(self, name, uid, deleted=None):
        if deleted:
            self.deleted.setdefault(name, (uid, time.monotonic()))

    def _pod(self, name, owner=""):
        if self.owned.get(name, (None,))[0] != owner:
            self.owned[name] = owner, time.monotonic()

    def __enter__(self):
        self._thread.start()
        self.sets.wait_for(r"\S+ \S+ *\n")
        self.pods.wait_for(r"\S+ \S+\n")
        return self

    def __exit__(self, *_):
        self.sets.__exit__()
        self.pods.__exit__()
        self._thread.join(5)

    def seconds(self, names):
        """One for each of these sets; none while one of them has a pod without a new controller."""
        found = []
        for name in names:
            pods = [owned for pod, owned in list(self.owned.items()) if pod.rsplit("-", 1)[0] == name]
            uid, since = self.deleted.get(name, ("", 0))
            if not uid or not pods or any(owner in ("", uid) for owner, _ in pods):
                return []
            found.append(max(when for _, when in pods) - since)
        return found


@pytest.fixture
def database(space):
    space.postgres(replicas=2)
    for pod in ("postgres-0", "postgres-1"):
        space.psql(pod, "create table t as select 7 as x")
    return space


def test_a_statefulset_grows_under_a_database_that_answers_all_the_while(database):
    space = database
    before, live = pods(space), space.get("sts/postgres")
    revisions = set(controllers(space, "controllerrevisions"))
    fields = [f for f in space.kubectl("get", "sts/postgres", "-o", "json", "--show-managed-fields").json()["metadata"]["managedFields"]
              if "subresource" not in f]
    with Asked(space, "postgres-0") as asked:
        run = expand(space, "sts/postgres", "--size", "384Mi", "--yes", "-o", "json").expect()
        answered, failures = asked.answers()
    assert failures == [] and answered > 10, (answered, failures)
    conform(run.json(), schema_of("expanded-claims"))
    assert pods(space) == before
    assert capacities(space) == {"data-postgres-0": "384Mi", "data-postgres-1": "384Mi"}
    now = space.get("sts/postgres")
    assert now["metadata"]["uid"] != live["metadata"]["uid"]
    assert now["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] == "384Mi"
    for spec in (now["spec"], live["spec"]):
        spec["volumeClaimTemplates"][0]["spec"]["resources"].pop("requests")
    assert now["spec"] == live["spec"]
    assert {k: v for k, v in now["metadata"].items() if k in ("labels", "annotations", "name")} == \
           {k: v for k, v in live["metadata"].items() if k in ("labels", "annotations", "name")}
    for which in ("currentRevision", "updateRevision"):
        assert now["status"][which] == live["status"][which]
    assert controllers(space, "controllerrevisions") == dict.fromkeys(revisions, now["metadata"]["uid"])
    assert controllers(space, "pods") == dict.fromkeys(before, now["metadata"]["uid"])
    assert all("ownerReferences" not in c["metadata"] for c in space.get("pvc")["items"])
    again = [f for f in space.kubectl("get", "sts/postgres", "-o", "json", "--show-managed-fields").json()["metadata"]["managedFields"]
             if "subresource" not in f]
    assert again == fields, "whoever owned the fields owns them still"
    assert int(space.shell("postgres-0", "df -Pk /data | tail -1").expect().out.split()[1]) > 300 * 1024, "the filesystem has grown too"
    assert space.psql("postgres-0", "select x from t") == "7"
    assert space.kubectl("pvc-expand", "status", "-o", "name").expect().out == ""
    assert space.get("leases")["items"] == []
    # All that a StatefulSet does goes on: a pod that dies comes again, another replica has the new size.
    space.kubectl("delete", "pod", "postgres-1", "--now").expect()
    space.kubectl("scale", "sts/postgres", "--replicas=3").expect()
    space.wait("jsonpath={.status.readyReplicas}=3", "sts/postgres")
    assert capacities(space)["data-postgres-2"] == "384Mi"


def test_the_claims_belong_to_the_new_set_as_the_retention_policy_says(space):
    service, sts = world.postgres(replicas=1)
    sts["spec"]["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": "Delete", "whenScaled": "Retain"}
    space.apply(service, sts)
    space.wait("jsonpath={.status.readyReplicas}=1", "sts/postgres")
    space.eventually(lambda: controllers(space, "pvc")["data-postgres-0"])
    before = pods(space)
    expand(space, "sts/postgres", "--size", "320Mi", "--yes").expect()
    now = space.get("sts/postgres")
    assert now["spec"]["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Delete", "whenScaled": "Retain"}
    assert pods(space) == before
    space.eventually(lambda: controllers(space, "pvc") == {"data-postgres-0": now["metadata"]["uid"]})


def test_a_policy_that_deletes_claims_at_a_scale_down_is_set_aside_and_comes_back(space):
    """whenScaled: Delete; a scale-down afterwards deletes the claim, as it did before."""
    service, sts = sleeping("db")
    sts["spec"]["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": "Retain", "whenScaled": "Delete"}
    by_server = ("apply", "--server-side", "-f", "-")
    space.kubectl(*by_server, stdin=json.dumps(sts)).expect()
    owners = space.kubectl("get", "sts/db", "-o", "json", "--show-managed-fields").json()["metadata"]["managedFields"][0]
    space.wait("jsonpath={.status.readyReplicas}=2", "sts/db")
    before, uid = pods(space), space.path("sts/db", ".metadata.uid")
    volumes = {c["metadata"]["name"]: c["spec"]["volumeName"] for c in space.get("pvc")["items"]}
    expand(space, "sts/db", "--size", "128Mi", "--yes").expect()
    now = space.get("sts/db")
    assert now["metadata"]["uid"] != uid and pods(space) == before
    assert now["spec"]["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Delete"}
    assert {c["metadata"]["name"]: c["spec"]["volumeName"] for c in space.get("pvc")["items"]} == volumes
    fields = space.kubectl("get", "sts/db", "-o", "json", "--show-managed-fields").json()["metadata"]["managedFields"]
    assert [f for f in fields if "subresource" not in f] == [owners], "whoever applied the policy owns it still"
    space.kubectl("scale", "sts/db", "--replicas=1").expect()
    space.eventually(lambda: [c["metadata"]["name"] for c in space.get("pvc")["items"]] == ["data-db-0"])
    sts["spec"] |= {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Retain"}, "replicas": 1}
    sts["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = "128Mi"
    space.kubectl(*by_server, "--dry-run=server", stdin=json.dumps(sts)).expect()


def swapped(space, names, *words):
    """Seconds that the pods of each of these sets had no controller while this expansion ran."""
    with Windows(space) as windows:
        expand(space, *words, "--yes").expect()
        return space.eventually(lambda: windows.seconds(names))


def test_the_time_without_a_controller(space):
    """Ten times; and in make soak 190 times more, by selector, of sets whose claims are large enough already, so that only the sets
    are made anew: within 2 s, in make soak 198 of 200."""
    names, seconds = [f"many-{i}" for i in range(19 if SOAK else 0)], []
    for name in names:
        service, sts = sleeping(name)
        space.apply(*(large_claim(f"data-{name}-{i}", sts) for i in range(2)), service, sts)  # claims before who would make smaller ones
    space.apply(*sleeping("postgres"))
    for name in ["postgres", *names]:
        space.wait("jsonpath={.status.readyReplicas}=2", f"sts/{name}")
    before = pods(space)
    for i in range(10):
        seconds += swapped(space, ["postgres"], "sts/postgres", "--size", f"{65 + i}Mi")
        if names:
            seconds += swapped(space, names, "-l", "large=yes", "--size", f"{65 + i}Mi")
    print(f"seconds without a controller, {len(seconds)} times:", " ".join(f"{s:.3f}" for s in sorted(seconds)))
    assert pods(space) == before
    assert len(seconds) == (200 if SOAK else 10)
    assert sum(s <= 2 for s in seconds) >= len(seconds) - (2 if SOAK else 0), sorted(seconds)


def large_claim(name, sts):
    """A claim of the StatefulSet's first template, larger than that asks for."""
    template = sts["spec"]["volumeClaimTemplates"][0]
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "labels": {**sts["spec"]["selector"]["matchLabels"], "large": "yes"}},
            "spec": {**template["spec"], "resources": {"requests": {"storage": "128Mi"}}}}


def test_a_bare_claim_and_a_deployment(space):
    space.claim("files")
    labels = {"app": "web"}
    space.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
                 "spec": {"replicas": 1, "selector": {"matchLabels": labels},
                          "template": {"metadata": {"labels": labels}, "spec": {
                              "terminationGracePeriodSeconds": 0,
                              "volumes": [{"name": "files", "persistentVolumeClaim": {"claimName": "files"}}],
                              "containers": [{"name": "main", "image": world.BUSYBOX_IMAGE, "command": ["sleep", "100000"],
                                              "volumeMounts": [{"name": "files", "mountPath": "/files"}]}]}}}})
    space.wait("condition=Available", "deployment/web")
    before = pods(space)
    expand(space, "deploy/web", "--size", "128Mi", "--yes").expect()
    assert capacities(space) == {"files": "128Mi"} and pods(space) == before
    assert "as large already" in expand(space, "pvc/files", "--size", "128Mi", "--yes").expect().out
    used = expand(space, "usage", "deploy/web", "-o", "json").expect().json()
    conform(used, schema_of("claim-usage-list"))
    assert used["items"][0]["claim"] == "files" and used["items"][0]["capacityBytes"] > 100 << 20


def test_canaries_grow_first_and_claims_without_a_pod_only_when_asked_for(space):
    """Of a StatefulSet whose ordinals begin at 3."""
    service, sts = sleeping("db")
    sts["spec"]["ordinals"] = {"start": 3}
    space.apply(service, sts)
    space.wait("jsonpath={.status.readyReplicas}=2", "sts/db")
    before = pods(space)
    run = expand(space, "sts/db", "--size", "96Mi", "--canary", "1", "--yes", "--progress", "plain").expect()
    done = [line for line in run.err.splitlines() if line.startswith("  done: ")]
    first, second = (next(i for i, line in enumerate(done) if f"grow pvc/{space.name}/data-db-{n} " in line) for n in (4, 3))
    waited = next(i for i, line in enumerate(done) if "wait until 1 claim " in line)
    assert first < waited < second, run.text
    assert capacities(space) == {"data-db-3": "96Mi", "data-db-4": "96Mi"} and pods(space) == before

    space.kubectl("scale", "sts/db", "--replicas=1").expect()
    space.eventually(lambda: list(pods(space)) == ["db-3"])
    run = expand(space, "sts/db", "--size", "128Mi", "--yes").expect()
    assert "without a pod and left as they are: data-db-4 (--include-unused grows them too)" in run.err, run.text
    assert capacities(space) == {"data-db-3": "128Mi", "data-db-4": "96Mi"}
    run = expand(space, "sts/db", "--size", "128Mi", "--include-unused", "--yes").expect()
    assert "data-db-4: 96Mi -> 128Mi" in run.out and "its filesystem grows at the next mount" in run.out, run.text
    assert space.path("sts/db", ".spec.ordinals.start") == "3" and pods(space) == {"db-3": before["db-3"]}
    space.kubectl("scale", "sts/db", "--replicas=2").expect()
    space.eventually(lambda: capacities(space)["data-db-4"] == "128Mi")


def test_a_run_that_is_killed_between_delete_and_create_is_finished_by_the_next(database):
    space = database
    before = pods(space)
    size, uid = killed_in_the_gap(space, "sts/postgres", "320Mi", "352Mi", "384Mi")
    kept = list((space.cluster.home / ".local/state/holdfast").glob("expand-postgres-*.json"))
    assert len(kept) == 1 and kept[0].stat().st_mode & 0o777 == 0o600 and "volumeClaimTemplates" in kept[0].read_text()
    run = expand(space, "sts/postgres", "--size", size, "--yes").expect()
    assert size in run.out and not kept[0].exists()
    assert pods(space) == before and space.path("sts/postgres", ".metadata.uid") != uid
    assert space.path("sts/postgres", ".spec.volumeClaimTemplates[0].spec.resources.requests.storage") == size


@pytest.mark.parametrize("way", ("again", "resume"))
def test_a_set_without_pods_that_was_killed_in_the_gap_comes_back_by_what_its_revisions_tell(space, way):
    """At 0 replicas no pod tells of a StatefulSet that is gone: its ControllerRevision is all that is left of it."""
    space.apply(*sleeping("db"))
    space.wait("jsonpath={.status.readyReplicas}=2", "sts/db")
    space.kubectl("scale", "sts/db", "--replicas=0").expect()
    space.eventually(lambda: not pods(space))
    size, uid = killed_when_it_has_deleted(space, "sts/db", "96Mi", "128Mi", "160Mi", more=("--include-unused",))
    assert set(controllers(space, "controllerrevisions").values()) == {""}
    if way == "resume":
        operation = space.kubectl("pvc-expand", "status", "-o", "json").expect().json()["items"][0]["operation"]
        run = expand(space, "resume", operation).expect()
    else:
        run = expand(space, "sts/db", "--size", size, "--include-unused", "--yes").expect()
    new = space.path("sts/db", ".metadata.uid")
    assert new != uid and set(controllers(space, "controllerrevisions").values()) == {new}, run.text
    assert space.path("sts/db", ".spec.volumeClaimTemplates[0].spec.resources.requests.storage") == size
    space.kubectl("scale", "sts/db", "--replicas=2").expect()
    space.eventually(lambda: capacities(space) == {"data-db-0": size, "data-db-1": size})


def test_without_its_journal_a_set_is_made_anew_from_what_a_claim_tells_and_its_last_revision_confirms(space):
    space.apply(*sleeping("db"))
    space.wait("jsonpath={.status.readyReplicas}=2", "sts/db")
    before = pods(space)
    size, _ = killed_in_the_gap(space, "sts/db", "96Mi", "112Mi", "128Mi")
    space.kubectl("delete", "sts", "db", "--cascade=orphan", "--ignore-not-found").expect()
    space.kubectl("delete", "configmap", "-l", "app.kubernetes.io/managed-by=holdfast").expect()
    told = next(c for c in space.get("pvc")["items"] if "holdfast.dev/expand" in c["metadata"].get("annotations", {}))
    name, trace = told["metadata"]["name"], told["metadata"]["annotations"]["holdfast.dev/expand"]
    words = ("annotate", "pvc", name, "--overwrite")
    space.kubectl(*words, "holdfast.dev/expand=" + trace.replace('"command":["sleep","100000"]', '"command":["sleep","6"]')).expect()
    refused = expand(space, "sts/db", "--size", size, "--yes").expect(4)
    assert f"only an annotation of pvc/{space.name}/{name} says what it was" in refused.err
    assert space.get("sts")["items"] == [] and pods(space) == before
    space.kubectl("delete", "configmap", "-l", "app.kubernetes.io/managed-by=holdfast").expect()
    space.kubectl(*words, "holdfast.dev/expand=" + trace).expect()
    run = expand(space, "sts/db", "--size", size, "--yes").expect()
    assert "the journal was lost: sts/" in run.err and pods(space) == before
    assert space.path("sts/db", ".spec.volumeClaimTemplates[0].spec.resources.requests.storage") == size


def test_status_resume_and_abort_of_an_expansion(space):
    """Killed before the first claim was asked it is taken back whole; killed between delete and create it can only be finished."""
    space.apply(*sleeping("db"))
    space.wait("jsonpath={.status.readyReplicas}=2", "sts/db")
    before, uid = pods(space), space.path("sts/db", ".metadata.uid")
    with space.start("pvc-expand", "sts/db", "--size", "96Mi", "--yes", "--progress", "plain") as command:
        space.eventually(lambda: space.get("configmaps", "-l", "app.kubernetes.io/managed-by=holdfast")["items"])
        command.process.kill()
        command.process.wait()
    listed = space.kubectl("pvc-expand", "status", "-o", "json").expect().json()["items"]
    assert len(listed) == 1 and listed[0]["target"] == "db", listed
    operation = listed[0]["operation"]
    asked = {c["spec"]["resources"]["requests"]["storage"] for c in space.get("pvc")["items"]}
    aborted = expand(space, "abort", operation, "--yes")
    if asked == {"64Mi"}:  # the usual case: the kill came before the first patch
        aborted.expect()
        assert capacities(space) == {"data-db-0": "64Mi", "data-db-1": "64Mi"} and space.path("sts/db", ".metadata.uid") == uid
    else:
        aborted.expect(3)
        expand(space, "resume", operation).expect()
    assert pods(space) == before
    size, _ = killed_in_the_gap(space, "sts/db", "128Mi", "160Mi", "192Mi")
    operation = space.kubectl("pvc-expand", "status", "-o", "json").expect().json()["items"][0]["operation"]
    assert "has passed its point of no return" in expand(space, "abort", operation, "--yes").expect(3).err
    expand(space, "resume", operation).expect()
    assert pods(space) == before and set(capacities(space).values()) == {size}
    assert space.path("sts/db", ".spec.volumeClaimTemplates[0].spec.resources.requests.storage") == size
    expand(space, "gc", "--yes").expect()
    left = [key for key in space.objects() if key[0] in ("ConfigMap", "Lease") and "holdfast" in key[1]]
    assert left == [], left
