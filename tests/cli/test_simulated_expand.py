"""kubectl pvc-expand over real HTTPS on the simulated cluster: whole stories, and a hundred StatefulSets by one selector."""
import json
import os
import pty
import time
from collections import Counter
from urllib.parse import urlsplit

import pytest

from schema import conform, schema_of
from simulated_cluster import SPACE, Cluster

GROW = ["sts/postgres", "--size", "2Gi", "--yes"]


@pytest.fixture(scope="module")
def server(tmp_path_factory, certificates):
    cluster = Cluster(tmp_path_factory.mktemp("simulated") / "expand", certificates)
    cluster.order(save="start")
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(server):
    yield from server.afresh()


def sizes(cluster):
    return {c["metadata"]["name"]: c["status"]["capacity"]["storage"] for c in cluster.get("pvc")["items"]}


def uids(cluster):
    return {p["metadata"]["name"]: p["metadata"]["uid"] for p in cluster.get("pod")["items"]}


def test_claims_and_template_grow_and_pods_stay(cluster):
    pods, before = uids(cluster), cluster.get("sts", "postgres")
    done = json.loads(cluster.run("pvc-expand", *GROW, "-o", "json").out)
    conform(done, schema_of("expanded-claims"))
    after = cluster.get("sts", "postgres")
    assert {s for name, s in sizes(cluster).items() if "postgres" in name} == {"2Gi"}
    assert {t["spec"]["resources"]["requests"]["storage"] for t in after["spec"]["volumeClaimTemplates"]} == {"2Gi"}
    assert after["metadata"]["uid"] != before["metadata"]["uid"] and uids(cluster) == pods
    assert after["spec"]["persistentVolumeClaimRetentionPolicy"] == before["spec"]["persistentVolumeClaimRetentionPolicy"]
    again = json.loads(cluster.run("pvc-expand", *GROW, "-o", "json").out)
    assert again["operation"] is None and again["claims"] == []


@pytest.mark.parametrize("done", (False, True))
@pytest.mark.parametrize("target, claims", [("sts/postgres", ["data-postgres-1", "wal-postgres-0"]), ("pvc/data-postgres-1", ["data-postgres-1"]),
                                            ("sts/postgres", ["data-postgres-0", "data-postgres-1", "wal-postgres-0", "wal-postgres-1"])])
def test_what_somebody_else_lets_grow_after_the_plan_was_shown_is_left_out_of_it(cluster, target, claims, done):
    """`done`: it has its size by the time that the lock is held; else it is still waited for."""
    cluster.rules({"method": "POST", "path": "/leases", "times": 1, "reply": {"announce": True, "through": True, "delay_ms": 2000}})
    started = cluster.start("pvc-expand", target, "--size", "2Gi", "--yes")
    cluster.arrived.get(timeout=60)
    for claim in claims:
        cluster.write("PATCH", "pvc", claim, {"spec": {"resources": {"requests": {"storage": "2Gi"}}}})
    if done:
        cluster.settle()
    ended = started.end()
    assert ended.code == 0, ended
    told = " ".join(ended.err.split())
    assert "since the plan was shown somebody else has asked " in told and "to grow as far as is wanted: not asked again" in told, ended
    assert all(f"pvc/{SPACE}/{claim}" in told for claim in claims)
    grown = claims if target.startswith("pvc/") else [name for name in sizes(cluster) if "postgres" in name]
    assert {sizes(cluster)[name] for name in grown} == {"2Gi"}
    templates = {t["spec"]["resources"]["requests"]["storage"] for t in cluster.get("sts", "postgres")["spec"]["volumeClaimTemplates"]}
    assert templates == ({"1Gi"} if target.startswith("pvc/") else {"2Gi"})


@pytest.mark.parametrize("size", ("1200Mi", "1500Mi"))
def test_what_was_asked_for_another_size_after_the_plan_was_shown_is_another_plan(cluster, size):
    cluster.rules({"method": "POST", "path": "/leases", "times": 1, "reply": {"announce": True, "through": True, "delay_ms": 2000}})
    started = cluster.start("pvc-expand", *GROW)
    cluster.arrived.get(timeout=60)
    cluster.write("PATCH", "pvc", "data-postgres-1", {"spec": {"resources": {"requests": {"storage": size}}}})
    ended = started.end()
    assert ended.code == 4 and "what was to be done is not the same any more" in ended.err, ended


def test_a_claim_that_the_pod_template_names_grows_on_request(cluster):
    free = next(name for name in sizes(cluster) if "postgres" not in name)
    cluster.write("PATCH", "sts", "postgres", {"spec": {"template": {"spec": {"volumes": [{"name": "shared", "persistentVolumeClaim": {"claimName": free}}]}}}})
    cluster.settle()
    size = sizes(cluster)[free]
    told = cluster.run("pvc-expand", *GROW, "--dry-run").out
    assert f"mounted by name and left as they are: pvc/{free} (--claim NAME grows one too)" in told
    nothing = cluster.run("pvc-expand", *GROW, "--claim", "nothing", code=3)
    assert "--claim nothing: the pod template of sts/" in nothing.err and f"it names {free}" in nothing.err
    alone = cluster.run("pvc-expand", f"pvc/{free}", "--size", "2Gi", "--claim", free, code=2)
    assert "--claim adds to the claims of a StatefulSet" in alone.err
    done = json.loads(cluster.run("pvc-expand", *GROW, "--claim", free, "-o", "json").out)
    assert free in {one["claim"] for one in done["claims"]} and size != "2Gi"
    assert sizes(cluster)[free] == "2Gi" and {s for name, s in sizes(cluster).items() if "postgres" in name} == {"2Gi"}


def test_what_a_webhook_or_quota_would_refuse_is_refused_before_any_change(cluster):
    before = cluster.state()
    for method, path in (("POST", f"/apis/apps/v1/namespaces/{SPACE}/statefulsets"),
                         ("DELETE", f"/apis/apps/v1/namespaces/{SPACE}/statefulsets/postgres"),
                         ("PATCH", f"/api/v1/namespaces/{SPACE}/persistentvolumeclaims/wal-postgres-1")):
        cluster.rules({"method": method, "path": path, "reply": {"status": 403, "json": {
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403,
            "message": 'admission webhook "sizes.example" denied the request: no'}}})
        refused = cluster.run("pvc-expand", *GROW, code=3)
        assert "the API server would refuse to" in refused.err and "sizes.example" in refused.err
        assert "nothing was changed" in refused.err
        cluster.rules()
        assert cluster.state() == before


def test_status_tells_of_a_set_that_is_marked_and_of_which_nothing_else_tells(cluster):
    """Its journal is gone, and the marks were taken off its claims."""
    assert "warning" not in cluster.run("pvc-expand", "status").err
    held = {"metadata": {"annotations": {"holdfast.dev/replicas": "2", "holdfast.dev/remade": "expand-postgres-aaaaa"}}, "spec": {"replicas": 0}}
    cluster.write("PATCH", "sts", "postgres", held)
    cluster.settle()
    for plugin in ("pvc-expand", "snap", "restore", "clone"):
        told = cluster.run(plugin, "status", "-o", "json")
        listed = json.loads(told.out)
        conform(listed, schema_of("operation-list"))
        assert listed["items"] == [] and {one["mark"] for one in listed["forgotten"]} == {"holdfast.dev/replicas", "holdfast.dev/remade"}
        assert f"warning: sts/{SPACE}/postgres is held at 0 replicas (it had 2)" in told.err
        assert f"kubectl scale statefulsets.apps/postgres -n {SPACE} --replicas=2" in told.err
    assert "is held at 0 replicas" in cluster.run("pvc-expand", "status").err
    assert "is held at 0 replicas" in cluster.run("pvc-expand", "status", "-o", "name").err


@pytest.fixture
def terminal():
    ours, theirs = pty.openpty()
    yield theirs
    os.close(ours)
    os.close(theirs)


# Each claim has 1Gi, and 700Mi of that are used.
@pytest.mark.parametrize("words, becomes", [
    (["--add", "512Mi"], "1536Mi"), (["--percent", "25"], "1280Mi"), (["--percent", "25%"], "1280Mi"),
    (["--until-usage", "50%"], "1400Mi"), (["--until-usage", "50%", "--template", "data"], "1400Mi")])
def test_a_relative_size_becomes_an_absolute_one_once(cluster, terminal, words, becomes):
    """On a terminal alone; whoever runs the line again after a kill does not grow twice."""
    line, before = ["sts/postgres", *words, "--yes"], cluster.state()
    refused = cluster.run("pvc-expand", *line, code=3)
    assert "off a terminal only --size is taken" in refused.err and "--dry-run prints the absolute sizes" in refused.err
    assert cluster.state() == before
    # The first claim was asked, which tells of the others; before that each template's is tried.
    tried = 1 if "--template" in line else 2
    cluster.rules({"method": "PATCH", "path": "/persistentvolumeclaims/", "skip": tried, "times": 1,
                   "reply": {"announce": True, "through": True, "drop": True, "delay_ms": 600000}})
    started = cluster.start("pvc-expand", *line, stdin=terminal)
    cluster.arrived.get(timeout=60)
    killed = started.kill()
    cluster.rules()
    assert killed.code == -9 and f"1Gi becomes {becomes}" in killed.err, killed
    done = cluster.start("pvc-expand", *line, stdin=terminal).end()
    assert done.code == 0, done
    grown = {name: size for name, size in sizes(cluster).items() if "postgres" in name}
    assert grown == {name: becomes if "--template" not in line or name.startswith("data") else "1Gi" for name in grown}
    templates = {t["metadata"]["name"]: t["spec"]["resources"]["requests"]["storage"]
                 for t in cluster.get("sts", "postgres")["spec"]["volumeClaimTemplates"]}
    assert templates == {"data": becomes, "wal": "1Gi" if "--template" in line else becomes}


@pytest.mark.parametrize("through", (False, True))
def test_whoever_comes_with_another_size_is_told_only_what_works(cluster, through):
    cluster.start_and_kill("pvc-expand", GROW, "PATCH", "/persistentvolumeclaims/", through)  # the first that is asked to grow
    operation = json.loads(cluster.run("pvc-expand", "status", "-o", "json").out)["items"][0]["operation"]
    refused = cluster.run("pvc-expand", "sts/postgres", "--size", "3Gi", "--yes", code=4)
    assert f"operation {operation} on postgres is unfinished and was begun with other arguments" in refused.err
    assert f"kubectl pvc-expand resume {operation}" in refused.err
    assert (f"kubectl pvc-expand abort {operation}" in refused.err) is not through, refused
    cluster.run("pvc-expand", "abort", operation, "--yes", code=3 if through else 0)


def test_status_shows_the_selector_that_chose_the_claims(cluster):
    cluster.start_and_kill("pvc-expand", ["-l", "app in (postgres)", "--size", "2Gi", "--yes"], "PATCH", "/persistentvolumeclaims/")
    found = json.loads(cluster.run("pvc-expand", "status", "-o", "json").out)["items"][0]
    assert found["target"] == "-l 'app in (postgres)'"
    assert "-l 'app in (postgres)'" in cluster.run("pvc-expand", "status").out
    assert "Target:      -l 'app in (postgres)'" in cluster.run("pvc-expand", "status", found["operation"]).out
    refused = cluster.run("pvc-expand", "-l", "app in (postgres)", "--size", "3Gi", "--yes", code=4)
    assert f"operation {found['operation']} on -l 'app in (postgres)' is unfinished" in refused.err


def test_the_usage_of_what_does_not_exist_is_not_found(cluster):
    for target in ("pvc/nope", "sts/nope", "deploy/nope", "pod/nope"):
        for source in ("exec", "kubelet"):
            missing = cluster.run("pvc-expand", "usage", target, "--from", source, code=1)
            assert "not found" in missing.err and "nope" in missing.err, missing


def many(sets, templates):
    """StatefulSets of one pod with so many claims each."""
    for number in range(sets):
        name, labels = f"db{number}", {"app": f"db{number}", "team": "many"}
        names = [f"v{i}" for i in range(templates)]
        yield {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name, "namespace": SPACE, "generation": 1}, "spec": {
            "replicas": 1, "serviceName": name, "podManagementPolicy": "Parallel", "selector": {"matchLabels": labels},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            "updateStrategy": {"type": "RollingUpdate"},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{
                "name": "main", "image": "registry.example/db:1", "volumeMounts": [{"name": n, "mountPath": f"/{n}"} for n in names]}]}},
            "volumeClaimTemplates": [{"metadata": {"name": n}, "spec": {
                "accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}}} for n in names]}}


def test_a_hundred_statefulsets_of_ten_claims_are_bounded_by_requests(tmp_path, certificates):
    # The server double takes most of the time, a minute for a hundred: make check, which has two in all, runs a fifth of them.
    sets, claims = 20 if os.environ.get("HOLDFAST_SUITE") == "check" else 100, 10
    cluster = Cluster(tmp_path / "many", certificates, objects=many(sets, claims), controllers=300)
    try:
        pods = uids(cluster)
        cluster.requests()
        began = time.monotonic()
        done = cluster.start("pvc-expand", "-l", "team=many", "--size", "2Gi", "--yes", "--progress", "none", "-o", "json")
        done.process.wait(900)
        took = time.monotonic() - began
        ended = done.end()
        assert ended.code == 0, ended
        assert len(json.loads(ended.out)["claims"]) == sets * claims
        requests = cluster.requests()
        leases = [r for r in requests if "/leases" in r["target"]]
        others = [r for r in requests if "/leases" not in r["target"]]
        watches = [r for r in others if "watch=true" in r["target"]]
        reads = [r for r in others if r["method"] == "GET" and "watch=true" not in r["target"]]
        own = [r for r in others if r["method"] != "GET" and ("/configmaps" in r["target"] or "accessreviews" in r["target"])]
        writes = [r for r in others if r["method"] != "GET" and r not in own]
        watched = Counter(urlsplit(r["target"]).path.rsplit("/", 1)[1] for r in watches)
        print(f"{sets} StatefulSets x {claims} claims in {took:.0f} s: {len(others)} requests ({len(writes)} writes, {len(reads)} reads, {len(own)} of journal and "
              f"access, watches {dict(watched)}), and {len(leases)} of leases")
        # A patch a claim and its trial, for each is of a template of its own; for each set a mark that goes, a deletion, a creation, the
        # field owners, and a trial of two of these.
        assert len(writes) <= 2 * sets * claims + 8 * sets, len(writes)
        # Of a set before and after, of its deletion until it is gone, and before each of these writes; once more of all of them in each round.
        assert len(reads) <= 20 * sets, len(reads)
        # The journal before each of the creations, and what is allowed before the first write.
        assert len(own) <= 2 * sets + 40, len(own)
        # One watch for all claims and one for all sets, which go one after the other; perhaps one for the pods that they take up. Of a
        # kind another one only after ten seconds in which it told nothing.
        assert watched.keys() <= {"persistentvolumeclaims", "statefulsets", "pods"}, watched
        assert max(watched.values()) <= 1 + took // 10, watched
        # Each lock is looked at, taken and given back, and renewed every 2 s.
        assert len(leases) <= sets * (6 + took / 2), (len(leases), took)
        now = uids(cluster)
        assert {n: now[n] for n in pods} == pods
        assert {s for n, s in sizes(cluster).items() if n.startswith("v")} == {"2Gi"}
    finally:
        cluster.stop()
