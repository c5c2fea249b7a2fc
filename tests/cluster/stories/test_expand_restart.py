"""kubectl pvc-expand where a volume or its filesystem does not grow under a running pod: pods that start again one at a time, and a
workload that is stopped meanwhile."""
import world
from growing import HELD, capacities, controllers, expand, pods, sleeping
from schema import conform, schema_of


def test_filesystems_that_grow_only_when_mounted_anew(space):
    """Class fast-offline. Without --restart nothing is touched and the layer is named; with it one pod at a time starts again, as the
    budget allows."""
    service, sts = sleeping("db", "fast-offline")
    # With 0 a pod's successor comes before the node has let go of the volume, which then is not mounted anew.
    sts["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 1
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "db"},
              "spec": {"minAvailable": 2, "selector": {"matchLabels": sts["spec"]["selector"]["matchLabels"]}}}
    space.apply(service, sts, budget)
    space.wait("jsonpath={.status.readyReplicas}=2", "sts/db")
    before, uid = pods(space), space.path("sts/db", ".metadata.uid")
    run = expand(space, "sts/db", "--size", "128Mi", "--timeout", "8s", "--yes").expect(5)
    assert "its volume has grown, and the filesystem under pod db-" in run.err and "no StatefulSet was touched" not in run.err, run.text
    assert pods(space) == before and space.path("sts/db", ".metadata.uid") == uid
    operation = space.kubectl("pvc-expand", "status", "-o", "name").expect().out.split("/")[-1].strip()
    assert "has passed its point of no return" in expand(space, "abort", operation, "--yes").expect(3).err
    # Of another size: the first one's is open.
    assert operation in expand(space, "sts/db", "--size", "129Mi", "--restart", "if-needed", "--yes").expect(4).err
    for pod in ("db-0", "db-1"):
        space.restart(pod)  # by hand; then the first line ends well
    expand(space, "resume", operation).expect()
    assert set(capacities(space).values()) == {"128Mi"} and space.path("sts/db", ".metadata.uid") != uid
    before = pods(space)
    with space.start("pvc-expand", "sts/db", "--size", "192Mi", "--restart", "if-needed", "--timeout", "60s", "--yes",
                     "--progress", "plain") as command:
        space.eventually(lambda: any("not evicted yet" in line for line in command.err))
        assert pods(space) == before, "the budget allows no pod to go"
        space.kubectl("patch", "pdb", "db", "-p", '{"spec":{"minAvailable":1}}').expect()
        assert command.process.wait(world.PATIENCE_S) == 0, command.err
    now = pods(space)
    assert now.keys() == before.keys() and all(now[p][0] != before[p][0] for p in now), (before, now)
    assert set(capacities(space).values()) == {"192Mi"}
    for pod in now:
        assert int(space.shell(pod, "df -Pk /data | tail -1").expect().out.split()[1]) > 150 * 1024
    assert controllers(space, "pods") == dict.fromkeys(now, space.path("sts/db", ".metadata.uid"))
    measured = space.eventually(lambda: as_kubelets_measure(space, 150 << 20))
    assert {m["claim"]: m["pod"] for m in measured} == {"data-db-0": "db-0", "data-db-1": "db-1"}


class Journey:
    """Watches a StatefulSet, its pods and its claims: what happened in which order, each thing once. Three watches arrive as they
    like: what is ordered is the versions, which are of one store."""

    def __init__(self, space, name):
        fields = {"sts": "{.spec.replicas} {.status.readyReplicas}", "pods": "{.metadata.name} {.metadata.deletionTimestamp}",
                  "pvc": "{.metadata.name} {.spec.resources.requests.storage} {.status.capacity.storage}"}
        which = {"sts": [name], "pods": ["-l", f"app={name}"], "pvc": ["-l", f"app={name}"]}
        self.watches = {kind: world.Started(["kubectl", "get", kind, *which[kind], "-n", space.name, "-w", "-o",
                                             f"jsonpath={{.metadata.resourceVersion}} {{.kind}} {shown}{{\"\\n\"}}"], space.cluster.environment)
                        for kind, shown in fields.items()}

    def order(self):
        """As far as the watches have told it."""
        lines = [line.split() for watch in self.watches.values() for line in list(watch.out) if line.endswith("\n")]
        told = []
        for _, kind, *words in sorted(lines, key=lambda line: int(line[0])):
            at = {"StatefulSet": self._set, "Pod": self._pod, "PersistentVolumeClaim": self._claim}[kind](told, *words)
            if at and at not in told:
                told.append(at)
        return told

    @staticmethod
    def _set(told, replicas, ready="0"):
        if replicas == "0":
            return "stopped"
        return "ready" if "started" in told and ready == replicas else "started" if "stopped" in told else None

    @staticmethod
    def _pod(_, name, deleted=None):
        return f"{name} ends" if deleted else None

    @staticmethod
    def _claim(told, name, asked, has):
        return f"{name} has {has}" if asked == has and "stopped" in told else f"{name} asks {asked}" if asked != has else None

    def __enter__(self):
        for watch in self.watches.values():
            watch.wait_for(r"\S+ \S+ \S+.*\n")
        return self

    def __exit__(self, *_):
        for watch in self.watches.values():
            watch.__exit__()


def test_a_storage_that_expands_only_what_no_node_has(space):
    """Class slow-offline, a real PostgreSQL. Without --restart offline the driver's refusal is told, and what to do; the same line
    with it goes on: stopped, grown, started, ready, and only then a new StatefulSet; the same volumes, and the row is there."""
    service, sts = world.postgres(replicas=2, storage_class="slow-offline", size="256Mi")
    sts["spec"]["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": "Retain", "whenScaled": "Delete"}
    space.apply(service, sts)
    space.wait("jsonpath={.status.readyReplicas}=2", "sts/postgres")
    space.psql("postgres-0", "create table t as select 7 as x")
    before, uid = pods(space), space.path("sts/postgres", ".metadata.uid")
    volumes = {c["metadata"]["name"]: c["spec"]["volumeName"] for c in space.get("pvc")["items"]}
    line = ["sts/postgres", "--size", "320Mi", "--timeout", "10s"]
    run = expand(space, *line, "--yes").expect(5)
    assert "grows a volume only while no pod uses it" in run.err and "\nthe same command with --restart offline goes on" in run.err, run.text
    assert pods(space) == before and space.path("sts/postgres", ".metadata.uid") == uid
    operation = space.kubectl("pvc-expand", "status", "-o", "name").expect().out.split("/")[-1].strip()
    line = ["sts/postgres", "--size", "320Mi", "--restart", "offline"]
    plan = expand(space, *line, "--dry-run").expect().out
    assert "STOPPED: sts/" in plan and "expected downtime: until the pods have stopped" in plan, plan
    assert "needs a yes" in expand(space, *line).expect(3).err
    assert pods(space) == before
    with Journey(space, "postgres") as journey:
        run = expand(space, *line, "--yes", "-o", "json").expect()
        wanted = {"stopped", "started", "ready", *(f"{pod} ends" for pod in before), *(f"{claim} has 320Mi" for claim in volumes)}
        space.eventually(lambda: wanted <= set(journey.order()))
    conform(run.json(), schema_of("expanded-claims"))
    assert run.json()["operation"] == operation and run.json()["stopped"] == [f"sts/{space.name}/postgres"]
    order = journey.order()
    at = order.index
    for pod in ("postgres-0", "postgres-1"):
        assert at("stopped") < at(f"{pod} ends") < at("started") < at("ready"), order
    for claim in volumes:
        assert at("started") < at(f"{claim} has 320Mi"), order  # the filesystem's part; the volume's was before
    assert {c["metadata"]["name"]: c["spec"]["volumeName"] for c in space.get("pvc")["items"]} == volumes
    assert set(capacities(space).values()) == {"320Mi"}
    now = space.get("sts/postgres")
    assert now["metadata"]["uid"] != uid and now["spec"]["replicas"] == 2
    assert now["spec"]["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Delete"}
    assert not now["metadata"].get("annotations", {}).keys() & HELD
    assert controllers(space, "pods") == dict.fromkeys(before, now["metadata"]["uid"])
    space.eventually(lambda: space.path("sts/postgres", ".status.readyReplicas") == "2")
    assert space.psql("postgres-0", "select x from t") == "7"
    assert int(space.shell("postgres-0", "df -Pk /data | tail -1").expect().out.split()[1]) > 280 * 1024


def test_whoever_is_killed_while_the_workload_is_stopped_leaves_it_to_resume_or_abort(space):
    """abort brings the pods back and ends the operation; resume grows the volumes first."""
    service, sts = sleeping("db", "slow-offline")
    sts["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 1
    space.apply(service, sts)
    space.wait("jsonpath={.status.readyReplicas}=2", "sts/db")

    def killed_while_down(size):
        space.hold("pod/db-0")
        with space.start("pvc-expand", "sts/db", "--size", size, "--restart", "offline", "--yes", "--progress", "plain") as command:
            space.eventually(lambda: space.path("sts/db", ".spec.replicas") == "0")
            command.process.kill()
            command.process.wait()
        space.let_go("pod/db-0")
        return space.kubectl("pvc-expand", "status", "-o", "name").expect().out.split("/")[-1].strip()
    expand(space, "abort", killed_while_down("128Mi"), "--yes").expect()
    # It says so when it is so: what the set counts as ready may still be of those that go.
    assert not any("deletionTimestamp" in p["metadata"] for p in space.get("pods")["items"])
    assert space.path("sts/db", ".status.readyReplicas") == "2" and len(pods(space)) == 2
    assert not space.get("sts/db")["metadata"].get("annotations", {}).keys() & HELD
    assert space.kubectl("pvc-expand", "status", "-o", "name").expect().out == ""
    expand(space, "resume", killed_while_down("192Mi")).expect()
    assert set(capacities(space).values()) == {"192Mi"} and space.path("sts/db", ".status.readyReplicas") == "2"


def as_kubelets_measure(space, at_least):
    """What `usage --from kubelet` says, once it has seen all claims of sts/db of that size: it is some seconds old."""
    run = expand(space, "usage", "sts/db", "--from", "kubelet", "-o", "json")
    found = run.json() if run.code == 0 else {"items": []}
    if not found["items"] or any((m["capacityBytes"] or 0) < at_least for m in found["items"]):
        return None
    conform(found, schema_of("claim-usage-list"))
    assert "data-db-0" in expand(space, "usage", "sts/db", "--from", "kubelet").expect().out
    return found["items"]
