"""Bad inputs 64 to 69 of the project's list of 82 and those of every command, by their numbers, and what else kubectl pvc-expand refuses before any change: exit code
and message word for word, over real HTTPS on the simulated cluster, and not one object changed."""
import http.client
import json
import os
import subprocess

import pytest

from conftest import BUILD
from simulated_cluster import GROUPS, SPACE, Cluster

NOTHING = "nothing was changed"
CLAIMS, SETS = f"/api/v1/namespaces/{SPACE}/persistentvolumeclaims", f"/apis/apps/v1/namespaces/{SPACE}/statefulsets"
WEBHOOK = 'admission webhook "sizes.example" denied the request: no'


@pytest.fixture(scope="module")
def server(tmp_path_factory, certificates):
    kept = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast-fixed"}, "provisioner": "disk.example",
            "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate", "allowVolumeExpansion": False}
    fixed = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "fixed", "namespace": SPACE}, "spec": {
        "accessModes": ["ReadWriteOnce"], "storageClassName": "fast-fixed", "resources": {"requests": {"storage": "1Gi"}}}}
    cluster = Cluster(tmp_path_factory.mktemp("simulated") / "bad", certificates, objects=[kept, fixed])
    cluster.settle()
    cluster.order(save="start")
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(server):
    server.begin("start")
    return server


def send(cluster, method, path, body, kind="application/json"):
    """What somebody else does."""
    connection = http.client.HTTPSConnection(cluster.address, context=cluster.context)
    connection.request(method, path, json.dumps(body), {"Content-Type": kind})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status in (200, 201), (answer.status, text)


def edit(cluster, kind, name, body, subresource=""):
    send(cluster, "PATCH", "/" + GROUPS[kind].format(SPACE) + f"/{name}{subresource}", body, "application/merge-patch+json")
    cluster.settle()


def refused(cluster, words, code, message, hint=""):
    before = cluster.state()
    run = cluster.run("pvc-expand", *words, "--yes", code=code)
    assert [line for line in run.err.splitlines() if line.lower().startswith("error")] == [f"error: {message}"], run
    assert hint in run.err, run
    assert cluster.state() == before


@pytest.mark.parametrize("words", (["expand"], ["recover"]))
@pytest.mark.parametrize("target, near", [("sts/postgre", "sts/postgres"), ("pvc/data-postgres-7", "pvc/data-postgres-0"), ("deploy/file", "deploy/files")])
def test_01_what_is_not_there_names_the_nearest(cluster, words, target, near):
    size = ["--size", "2Gi"] if words == ["expand"] else []
    before = cluster.state()
    run = cluster.run("pvc-expand", *words, target, *size, "--yes", code=1)
    assert "not found" in run.err and near in run.err, run
    assert cluster.state() == before


def test_01_labels_that_no_claim_has(cluster):
    refused(cluster, ["-l", "team=none", "--size", "2Gi"], 1, f"no claim in namespace {SPACE} has the labels team=none; {NOTHING}",
            "`kubectl get pvc --show-labels` shows them")


@pytest.mark.parametrize("words", (["expand", "--size", "2Gi"], ["recover"]))
def test_02_a_kind_that_cannot_grow_names_those_that_can(cluster, words):
    refused(cluster, [words[0], "cronjob/report", *words[1:]], 2, '"cronjob/report" cannot grow: this takes sts/NAME, deploy/NAME or pvc/NAME',
            "for example: kubectl pvc-expand sts/postgres --size 100Gi")


@pytest.mark.parametrize("words", (["expand", "--size", "2Gi"], ["recover"]))
@pytest.mark.parametrize("selector", ("", " "))
def test_04_an_empty_selector_does_not_mean_everything(cluster, words, selector):
    refused(cluster, [words[0], "-l", selector, *words[1:]], 3, "refusing an empty --selector: it would mean every claim in the namespace",
            f"give a selector such as -l app=postgres, or name the targets; {NOTHING}")


@pytest.mark.parametrize("words, message", [
    (["sts/postgres", "--size", "2Gi", "--add", "1Gi"], "--size and --add contradict each other"),
    (["sts/postgres", "--percent", "20", "--until-usage", "70%"], "--percent and --until-usage contradict each other"),
    (["sts/postgres", "-l", "app=postgres", "--size", "2Gi"], "sts/postgres and --selector contradict each other"),
    (["pvc/files", "--claim", "files", "--size", "2Gi"], "--claim adds to the claims of a StatefulSet"),
    (["-l", "app=postgres", "--claim", "files", "--size", "2Gi"], "--claim adds to the claims of a StatefulSet"),
    (["pvc/files", "--template", "data", "--size", "2Gi"], "--template chooses among the claims of a StatefulSet"),
    (["deploy/files", "--template", "data", "--size", "2Gi"], "--template chooses among the claims of a StatefulSet"),
    (["pvc/files", "--include-unused", "--size", "2Gi"], "--include-unused means claims of a StatefulSet's ordinals that no pod has any more"),
    (["deploy/files", "--include-unused", "--size", "2Gi"], "--include-unused means claims of a StatefulSet's ordinals that no pod has any more"),
    (["sts/postgres", "--size", "2Gi", "--gitops-paused"], "--gitops-paused says something only of a workload that is stopped: with --restart offline"),
    (["sts/postgres", "--size", "2Gi", "--restart", "always"], "--restart always: it is never, if-needed or offline"),
    (["sts/postgres"], "how large? --size is missing"),
    (["sts/postgres", "--size", "+2Gi"], "--size +2Gi: a plus means nothing to Kubernetes, the size would be absolute"),
    (["sts/postgres", "--size", "0"], "--size 0 is no size"),
    (["sts/postgres", "--percent", "0"], "--percent 0 is not a whole number from 1 to 1000"),
    (["sts/postgres", "--until-usage", "100%"], "--until-usage 100% is not a whole number from 1 to 99"),
    (["recover", "sts/postgres", "-l", "app=postgres"], "sts/postgres and --selector contradict each other")])
def test_06_what_contradicts_itself_or_means_nothing(cluster, words, message):
    refused(cluster, words, 2, message)


@pytest.mark.parametrize("size", ("", "5 Gi", "1gi", "1GB", "-5Gi", "1e999", "0x10", "1e4294967299", "9Ei9", ".", "100m100"))
def test_41_a_size_that_is_none(cluster, size):
    run = cluster.run("pvc-expand", "sts/postgres", "--size", size, "--yes", code=2)
    assert run.err.startswith("error: --size"), run


def test_08_growing_asks_and_is_refused_where_nobody_can_answer(cluster):
    before = cluster.state()
    run = cluster.run("pvc-expand", "sts/postgres", "--size", "2Gi", code=3)
    assert "its plan needs a yes and standard input is no terminal; nothing was changed" in run.err and "--yes" in run.err, run
    assert cluster.state() == before


@pytest.mark.parametrize("target", ("sts/postgres", "pvc/data-postgres-0"))
def test_10_a_namespace_that_is_going_away(cluster, target):
    edit(cluster, "sts", "postgres", {"metadata": {"finalizers": ["example.com/hold"]}})
    send(cluster, "DELETE", f"/api/v1/namespaces/{SPACE}", {})
    run = cluster.run("pvc-expand", target, "--size", "2Gi", "--yes", code=3)
    assert "terminat" in run.err or "being deleted" in run.err, run
    assert NOTHING in run.err, run


def test_12_whose_end_nobody_reads_is_done_and_is_5(cluster):
    reader, writer = os.pipe()
    os.close(reader)
    started = subprocess.run([BUILD / "bin" / "kubectl-pvc_expand", "sts/postgres", "--size", "2Gi", "--yes"], stdin=subprocess.DEVNULL, stdout=writer,
                             stderr=subprocess.PIPE, text=True, timeout=60,
                             env={"PATH": os.environ["PATH"], "HOME": str(cluster.folder), "KUBECONFIG": str(cluster.kubeconfig)})
    os.close(writer)
    assert started.returncode == 5 and "the operation itself is done" in started.stderr, started
    assert {t["spec"]["resources"]["requests"]["storage"] for t in cluster.get("sts", "postgres")["spec"]["volumeClaimTemplates"]} == {"2Gi"}
    assert json.loads(cluster.run("pvc-expand", "status", "-o", "json").out)["items"] == []


def test_64_a_smaller_size(cluster):
    refused(cluster, ["sts/postgres", "--size", "512Mi"], 3,
            f"--size 512Mi is less than template data of sts/{SPACE}/postgres has: 1Gi; volumes cannot shrink; {NOTHING}",
            "to copy the data to smaller ones: kubectl migrate sts/postgres --size 512Mi")
    refused(cluster, ["pvc/data-postgres-0", "--size", "512Mi"], 3,
            f"--size 512Mi is less than pvc/{SPACE}/data-postgres-0 has: 1Gi; volumes cannot shrink; {NOTHING}",
            "kubectl migrate pvc/data-postgres-0 --size 512Mi")
    refused(cluster, ["-l", "app=postgres", "--size", "512Mi"], 3,
            f"--size 512Mi is less than template data of sts/{SPACE}/postgres has: 1Gi; volumes cannot shrink; {NOTHING}",
            "to copy the data to smaller ones: kubectl migrate sts/postgres --size 512Mi")


def test_65_a_class_that_does_not_expand(cluster):
    refused(cluster, ["pvc/fixed", "--size", "2Gi"], 3,
            f"pvc/{SPACE}/fixed has the storage class fast-fixed, which does not allow volume expansion; {NOTHING}",
            "kubectl patch storageclass fast-fixed -p '{\"allowVolumeExpansion\":true}'")


def test_66_a_quota_without_room(cluster):
    send(cluster, "POST", f"/api/v1/namespaces/{SPACE}/resourcequotas",
         {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "storage", "namespace": SPACE},
          "spec": {"hard": {"fast.storageclass.storage.k8s.io/requests.storage": "8Gi"}}})
    cluster.settle()
    refused(cluster, ["sts/postgres", "--size", "3Gi"], 3,
            f"resourcequota/{SPACE}/storage (fast.storageclass.storage.k8s.io/requests.storage) has room for 4Gi more, and 8Gi are needed; "
            f"{NOTHING}", "have the quota raised to 12Gi")


def test_67_a_size_that_the_storage_cannot_have(cluster):
    before = cluster.get("sts", "postgres")["metadata"]["uid"]
    run = cluster.run("pvc-expand", "sts/postgres", "--size", "2Ti", "--yes", code=5)
    # Both claims are asked for at the same time: the one that the storage answers first is told.
    assert [line for line in run.err.splitlines() if line.startswith("error: ")] in [[
        f"error: pvc/{SPACE}/{claim}: the storage cannot make it 2Ti (ControllerResizeInfeasible): rpc error: code = OutOfRange "
        f"desc = no such size; pvc/{SPACE}/{claim}: the driver disk.example refuses 2Ti for good, it says: no such size (OutOfRange); "
        "no StatefulSet was touched, its pods run on"] for claim in ("data-postgres-0", "data-postgres-1")], run
    assert "kubectl pvc-expand recover sts/postgres -n bookstore" in run.err, run
    assert cluster.get("sts", "postgres")["metadata"]["uid"] == before


@pytest.mark.parametrize("target", ("sts/postgres", "pvc/data-postgres-0", "-l app=postgres"))
def test_67_what_was_refused_for_good_and_is_to_get_less_asks_for_less_first(cluster, target):
    """It is no shrinking: the volume never had that."""
    cluster.run("pvc-expand", "pvc/data-postgres-0", "--size", "2Ti", "--yes", code=5)
    refused(cluster, [*target.split(), "--size", "3Gi"], 3,
            f"pvc/{SPACE}/data-postgres-0 asks for 2Ti, which the storage has refused for good (ControllerResizeInfeasible), and has 1Gi; {NOTHING}",
            "to have it ask for this instead: kubectl pvc-expand recover pvc/data-postgres-0 --size 3Gi, then the same command again")
    cluster.run("pvc-expand", "recover", "pvc/data-postgres-0", "--size", "3Gi", "--yes")
    cluster.settle()  # while a claim comes to its size, a plan made before is another one than that made after (exit 4)
    cluster.run("pvc-expand", *target.split(), "--size", "3Gi", "--yes")


def test_68_a_template_that_there_is_not(cluster):
    refused(cluster, ["sts/postgres", "--template", "dat", "--size", "2Gi"], 3,
            f"sts/{SPACE}/postgres has no volumeClaimTemplate dat; {NOTHING}", "it has data, wal")


@pytest.mark.parametrize("method, path, what", [
    ("PATCH", f"{CLAIMS}/data-postgres-1", f"grow pvc/{SPACE}/data-postgres-1 to 2Gi"),
    ("DELETE", f"{SETS}/postgres", f"delete sts/{SPACE}/postgres"),
    ("POST", SETS, f"make sts/{SPACE}/postgres anew: sts/{SPACE}/postgres-holdfast-dry-run")])
def test_69_what_a_webhook_refuses(cluster, method, path, what):
    cluster.rules({"method": method, "path": path, "reply": {"status": 403, "json": {
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403, "message": WEBHOOK}}})
    refused(cluster, ["sts/postgres", "--size", "2Gi"], 3, f"the API server would refuse to {what}: {WEBHOOK}; {NOTHING}",
            "tried with dryRun=All; what refuses it is named above (a quota, a policy, a webhook): once that allows it, run the same "
            "command again")


def test_69_a_webhook_that_would_change_the_pod_template(cluster):
    """The pods of a set that is made anew with another template are all restarted."""
    changed = cluster.get("sts", "postgres")
    changed["metadata"]["name"] = "postgres-holdfast-dry-run"
    changed["spec"]["template"]["metadata"].setdefault("annotations", {})["sidecar.example/injected"] = "true"
    cluster.rules({"method": "POST", "path": SETS, "reply": {"status": 201, "json": changed}})
    refused(cluster, ["sts/postgres", "--size", "2Gi"], 3,
            f"the API server would refuse to make sts/{SPACE}/postgres anew: sts/{SPACE}/postgres-holdfast-dry-run: the API server changed "
            f"spec/template: what it made is not what was asked for and holds no data of yours; {NOTHING}")


@pytest.mark.parametrize("field", ("volumeClaimTemplates", "replicas", "serviceName"))
def test_69_a_webhook_that_would_make_another_set(cluster, field):
    """With one more template the pods that it takes up could never be updated again; with fewer replicas some of them would end."""
    changed = cluster.get("sts", "postgres")
    changed["metadata"]["name"] = "postgres-holdfast-dry-run"
    for one in changed["spec"]["volumeClaimTemplates"]:
        one["spec"]["resources"]["requests"]["storage"] = "2Gi"
    changed["spec"][field] = {"volumeClaimTemplates": changed["spec"]["volumeClaimTemplates"] + [
        {**changed["spec"]["volumeClaimTemplates"][0], "metadata": {"name": "scratch"}}], "replicas": 1, "serviceName": "another"}[field]
    cluster.rules({"method": "POST", "path": SETS, "reply": {"status": 201, "json": changed}})
    refused(cluster, ["sts/postgres", "--size", "2Gi"], 3,
            f"the API server would refuse to make sts/{SPACE}/postgres anew: sts/{SPACE}/postgres-holdfast-dry-run: the API server changed "
            f"spec/{field}: what it made is not what was asked for and holds no data of yours; {NOTHING}")


def test_an_operators_set_and_a_foreign_finalizer(cluster):
    edit(cluster, "sts", "postgres", {"metadata": {"labels": {"application": "spilo", "cluster-name": "books"}}})
    refused(cluster, ["sts/postgres", "--size", "2Gi"], 3,
            f"sts/{SPACE}/postgres is owned by postgresql/books (the Zalando Postgres operator): its controller would put the old size back, or "
            f"delete what it does not know; {NOTHING}", "set spec.volume.size of the postgresql that it is made of")
    edit(cluster, "sts", "postgres", {"metadata": {"labels": None, "finalizers": ["example.com/hold"]}})
    refused(cluster, ["sts/postgres", "--size", "2Gi"], 3,
            f"sts/{SPACE}/postgres has the finalizer example.com/hold: deleted to be made anew, it would not go until somebody takes that away; "
            f"{NOTHING}", "see who has set it")


@pytest.mark.parametrize("version, kind, plural, short, more", [
    ("apps/v1", "DaemonSet", "daemonsets", "daemonset", {}), ("batch/v1", "Job", "jobs", "job", {"manualSelector": True}),
    ("v1", "ReplicationController", "replicationcontrollers", "rc", {"replicas": 0})])
def test_whoever_else_selects_its_pods_would_take_them_up(cluster, version, kind, plural, short, more):
    labels = cluster.get("sts", "postgres")["spec"]["selector"]["matchLabels"]
    agent = {"apiVersion": version, "kind": kind, "metadata": {"name": "agent", "namespace": SPACE}, "spec": {
        **more, "selector": labels if kind == "ReplicationController" else {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "registry.example/agent:1"}]}}}}
    send(cluster, "POST", f"/{'api' if version == 'v1' else 'apis'}/{version}/namespaces/{SPACE}/{plural}", agent)
    refused(cluster, ["sts/postgres", "--size", "2Gi"], 3,
            f"the selector of {short}/{SPACE}/agent chooses what is of sts/{SPACE}/postgres, too: while that is replaced, its pods would become the "
            f"other one's, which deletes those that it has too many; {NOTHING}", "each claim grows by itself: kubectl pvc-expand pvc/NAME")
    cluster.run("pvc-expand", "pvc/data-postgres-1", "--size", "2Gi", "--yes", code=0)


def test_a_job_that_selects_by_its_own_uid_or_has_ended_takes_up_nothing(cluster):
    labels = cluster.get("sts", "postgres")["spec"]["selector"]["matchLabels"]
    pods = {"metadata": {"labels": labels}, "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "registry.example/agent:1"}]}}
    jobs = f"/apis/batch/v1/namespaces/{SPACE}/jobs"
    for name, spec in (("own", {}), ("ended", {"manualSelector": True})):
        send(cluster, "POST", jobs, {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": SPACE}, "spec": {
            **spec, "selector": {"matchLabels": labels}, "template": pods}})
    edit(cluster, "job", "ended", {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}, "/status")
    assert "chooses what is of" not in cluster.run("pvc-expand", "sts/postgres", "--size", "2Gi", "--dry-run").err


def test_a_rollout_that_has_not_ended(cluster):
    edit(cluster, "sts", "postgres", {"spec": {"template": {"spec": {"readinessGates": [{"conditionType": "example.com/open"}]}}}})  # which nobody opens
    status = cluster.get("sts", "postgres")["status"]
    refused(cluster, ["sts/postgres", "--size", "2Gi"], 3,
            f"sts/{SPACE}/postgres is in the middle of a rollout (from {status['currentRevision']} to {status['updateRevision']}), or a partition holds "
            f"it there; {NOTHING}", "let it end: kubectl rollout status sts/postgres")


def test_a_claim_that_is_being_deleted_one_that_is_not_bound_and_one_that_another_workloads_pod_mounts(cluster):
    foreign = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "thief", "namespace": SPACE}, "spec": {
        "replicas": 1, "serviceName": "thief", "selector": {"matchLabels": {"app": "thief"}}, "template": {"metadata": {"labels": {"app": "thief"}}, "spec": {
            "containers": [{"name": "main", "image": "registry.example/thief:1"}], "volumes": [
                {"name": "x", "persistentVolumeClaim": {"claimName": "wal-postgres-1"}}]}}}}
    cluster.order(load="start")  # not judged: two write to one volume
    send(cluster, "POST", SETS, foreign)
    cluster.settle()
    refused(cluster, ["sts/postgres", "--size", "2Gi"], 3,
            f"pvc/{SPACE}/wal-postgres-1 is mounted by pod/{SPACE}/thief-0, which is not one of sts/postgres's: whose claim it is cannot be told from its "
            f"name; {NOTHING}", "grow that claim by itself: kubectl pvc-expand pvc/wal-postgres-1")
    send(cluster, "DELETE", f"{CLAIMS}/data-postgres-1", {})
    refused(cluster, ["pvc/data-postgres-1", "--size", "2Gi"], 3, f"pvc/{SPACE}/data-postgres-1 is being deleted; {NOTHING}",
            "`kubectl pvc-expand doctor pvc/data-postgres-1` says what holds it")
    send(cluster, "POST", CLAIMS, {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "later", "namespace": SPACE}, "spec": {
        "accessModes": ["ReadWriteOnce"], "storageClassName": "later", "resources": {"requests": {"storage": "1Gi"}}}})
    cluster.settle()
    refused(cluster, ["pvc/later", "--size", "2Gi"], 3,
            f"pvc/{SPACE}/later is not Bound, its phase is Pending: only a claim with a volume can grow; {NOTHING}",
            "`kubectl pvc-expand doctor pvc/later` says why")


@pytest.mark.parametrize("words, missing", [
    (["sts/postgres"], ["patch persistentvolumeclaims", "watch persistentvolumeclaims", "delete statefulsets.apps", "create statefulsets.apps",
                        "patch statefulsets.apps", "patch pods", "watch pods", "list controllerrevisions.apps", "create configmaps",
                        "update leases.coordination.k8s.io"]),
    (["sts/postgres", "--restart", "if-needed"], ["create pods/eviction"]),
    (["sts/postgres", "--restart", "offline"], ["delete pods", "watch volumeattachments.storage.k8s.io"])])
def test_who_may_not_do_all_of_it_is_told_before_any_of_it_is_done(cluster, words, missing):
    before = cluster.state()
    for verb in missing:
        cluster.order(forbid=[verb])
        run = cluster.run("pvc-expand", *words, "--size", "2Gi", "--yes", code=7)
        assert f"error: not allowed: {verb}" in run.err and NOTHING in run.err and "`kubectl pvc-expand rbac` prints the role" in run.err, run
    assert cluster.state() == before


def test_a_status_that_was_never_closed_is_refused_and_closed_by_recover(cluster):
    edit(cluster, "pvc", "data-postgres-0", {"status": {"allocatedResources": {"storage": "1Gi"},
                                                        "allocatedResourceStatuses": {"storage": "NodeResizePending"}}}, "/status")
    refused(cluster, ["sts/postgres", "--size", "2Gi"], 3,
            f"pvc/{SPACE}/data-postgres-0: the status of its last expansion was never closed (NodeResizePending, though capacity has reached it): "
            f"while it stands, the resizer does not act on a larger request; {NOTHING}",
            "kubectl pvc-expand recover pvc/data-postgres-0 closes it")
    assert "its status is closed" in cluster.run("pvc-expand", "recover", "pvc/data-postgres-0", "--yes").out
    assert "allocatedResourceStatuses" not in cluster.get("pvc", "data-postgres-0")["status"]
    cluster.run("pvc-expand", "sts/postgres", "--size", "2Gi", "--yes")


def test_a_claim_that_a_quota_refuses_half_way_is_told_and_the_next_run_goes_on(cluster):
    """The first was patched when somebody lowered the quota."""
    cluster.rules({"method": "PATCH", "path": f"{CLAIMS}/data-postgres-0\\?fieldManager", "reply": {"status": 403, "json": {
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403,
        "message": 'persistentvolumeclaims "data-postgres-0" is forbidden: exceeded quota: storage'}}})
    run = cluster.run("pvc-expand", "sts/postgres", "--size", "2Gi", "--yes", code=5)
    assert "exceeded quota: storage" in run.err and "kubectl pvc-expand resume expand-postgres-" in run.err, run
    asked = {c["metadata"]["name"]: c["spec"]["resources"]["requests"]["storage"] for c in cluster.get("pvc")["items"]}
    assert (asked["data-postgres-1"], asked["data-postgres-0"]) == ("2Gi", "1Gi")
    cluster.rules()
    cluster.run("pvc-expand", "sts/postgres", "--size", "2Gi", "--yes")


def test_recover_without_a_target_shows_no_line_that_grows(cluster):
    refused(cluster, ["recover"], 2, "no claim is meant: name a TYPE/NAME, or claims by --selector", "for example sts/postgres, pvc/files or -l app=db")


def test_recover_where_the_api_server_lets_no_claim_ask_for_less(cluster):
    """Before Kubernetes 1.32, or with the gate off: no claim is touched, and nothing stays open."""
    edit(cluster, "pvc", "data-postgres-0", {"spec": {"resources": {"requests": {"storage": "2Ti"}}}})
    before = cluster.state()
    cluster.rules({"method": "PATCH", "path": "/persistentvolumeclaims/data-postgres-0", "reply": {"status": 422, "json": {
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Invalid", "code": 422,
        "message": 'PersistentVolumeClaim "data-postgres-0" is invalid: spec.resources.requests.storage: Forbidden: field can not be less than previous value'}}})
    run = cluster.run("pvc-expand", "recover", "sts/postgres", "--yes", code=3)
    assert "field can not be less than previous value" in run.err and NOTHING in run.err, run
    assert cluster.state() == before and json.loads(cluster.run("pvc-expand", "status", "-o", "json").out)["items"] == []
