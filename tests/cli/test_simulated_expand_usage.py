"""kubectl pvc-expand usage --from kubelet over real HTTPS on the simulated cluster: what kubelets measure, and what they do not say."""
import http.client
import json

import pytest

from schema import conform, schema_of
from simulated_cluster import SPACE, Cluster, refusal

PROXY = "/api/v1/nodes/{}/proxy/stats/summary"
NOT_THERE = {"status": 503, "json": {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "ServiceUnavailable", "code": 503,
                                     "message": "error trying to reach service: dial tcp 10.0.0.8:10250: connect: connection refused"}}
MEASURED = {"capacityBytes": 1 << 30, "usedBytes": 700 << 20, "freeBytes": 324 << 20, "usedPercent": 69, "inodes": 65536, "inodesUsed": 12}


def on_another_node():
    """Pod far on node-b with a claim of its own, one that has a raw block device, and one claim that no pod mounts."""
    yield {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-b"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    for name in ("far", "raw", "idle"):
        yield {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": SPACE, "labels": {"app": "far"}}, "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}}}
    yield {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "far", "namespace": SPACE}, "spec": {
        "nodeName": "node-b", "containers": [{"name": "main", "image": "registry.example/far:1", "volumeMounts": [{"name": "far", "mountPath": "/far"}]}],
        "volumes": [{"name": "far", "persistentVolumeClaim": {"claimName": "far"}}]}, "status": {"phase": "Pending"}}
    yield {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "raw", "namespace": SPACE}, "spec": {
        "nodeName": "node-b", "containers": [{"name": "main", "image": "registry.example/raw:1", "volumeDevices": [{"name": "raw", "devicePath": "/raw"}]}],
        "volumes": [{"name": "raw", "persistentVolumeClaim": {"claimName": "raw"}}]}, "status": {"phase": "Pending"}}


@pytest.fixture(scope="module")
def server(tmp_path_factory, certificates):
    cluster = Cluster(tmp_path_factory.mktemp("simulated") / "usage", certificates, objects=on_another_node())
    cluster.settle()
    cluster.order(save="start")
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(server):
    yield from server.afresh()


def asked(cluster):
    """The nodes whose kubelet was asked, in this order."""
    return [r["target"].split("/")[4] for r in cluster.requests() if "/proxy/" in r["target"]]


def usage(cluster, *words, code=0):
    return cluster.run("pvc-expand", "usage", *words, "--from", "kubelet", code=code)


def listed(run):
    found = json.loads(run.out)
    conform(found, schema_of("claim-usage-list"))
    return {one["claim"]: one for one in found["items"]}


def summary(cluster, node):
    connection = http.client.HTTPSConnection(cluster.address, context=cluster.context)
    connection.request("GET", PROXY.format(node))
    answer = json.loads(connection.getresponse().read())
    connection.close()
    cluster.requests()
    return answer


def test_what_the_kubelets_measure_is_shown_and_each_is_asked_once(cluster):
    found = listed(usage(cluster, "-o", "json"))
    assert asked(cluster) == ["node-a", "node-b"]
    mounted = {"data-postgres-0": "postgres-0", "data-postgres-1": "postgres-1", "wal-postgres-0": "postgres-0", "wal-postgres-1": "postgres-1", "far": "far"}
    assert found.keys() == {*mounted, "files", "raw", "idle"}
    for claim, pod in mounted.items():
        assert found[claim] == {"claim": claim, "pod": pod, "problem": "", **MEASURED}
    assert found["files"]["pod"].startswith("files-") and found["files"]["usedPercent"] == 69
    assert found["idle"] == {"claim": "idle", "pod": "", "problem": "no running pod mounts it", **dict.fromkeys(MEASURED)}


@pytest.mark.parametrize("way", ("kubelet", "exec"))
def test_of_a_raw_block_device_nothing_is_known_and_no_other_way_is_named(cluster, way):
    device = cluster.run("pvc-expand", "usage", "pvc/raw", "--from", way, code=5)
    assert device.err == "pvc/raw: a raw block device of pod/raw: only what writes to it knows how much is used\n"


def test_the_table_says_what_df_would_say(cluster):
    by_kubelet = usage(cluster, "sts/postgres")
    assert asked(cluster) == ["node-a"]
    rows = [line.split() for line in by_kubelet.out.splitlines()]
    assert rows[0] == ["NAME", "POD", "CAPACITY", "USED", "FREE", "USE%", "INODES%"]
    assert ["data-postgres-1", "postgres-1", "1Gi", "700Mi", "324Mi", "69%", "1%"] in rows, by_kubelet
    by_df = [line.split()[:6] for line in cluster.run("pvc-expand", "usage", "sts/postgres").out.splitlines()]
    assert sorted(by_df[1:]) == sorted(row[:6] for row in rows[1:])


def test_who_may_not_ask_a_kubelet_is_told_which_permission_is_missing(cluster):
    cluster.order(forbid=["get nodes/proxy"])
    refused = usage(cluster, "sts/postgres", code=7)
    assert "error: not allowed: get nodes/proxy; nothing was changed" in refused.err
    assert "`kubectl pvc-expand rbac` prints the role that is needed" in refused.err and refused.out == ""
    assert asked(cluster) == []
    cluster.run("pvc-expand", "usage", "sts/postgres")  # which df needs not


def test_who_is_refused_by_the_kubelets_themselves_is_not_allowed_either(cluster):
    """The API server's review does not ask a node's own authorizer."""
    no = "Forbidden (user=jo, verb=get, resource=nodes, subresource=[proxy])"
    cluster.rules({"path": "/proxy/", "reply": refusal(no)})
    refused = usage(cluster, "sts/postgres", code=7)
    assert f"pvc/data-postgres-0: not allowed to ask the kubelet of node node-a: {no}" in refused.err
    assert "kubectl pvc-expand usage --from exec" in refused.err
    cluster.rules({"path": PROXY.format("node-a"), "reply": refusal(no)})
    some = usage(cluster, "-o", "json")  # node-b's may be
    assert listed(some)["far"]["usedPercent"] == 69 and "not allowed to ask the kubelet of node node-a" in listed(some)["files"]["problem"]


def test_a_kubelet_that_does_not_answer_is_named_and_the_others_are_asked(cluster):
    cluster.rules({"path": PROXY.format("node-b"), "reply": NOT_THERE})
    some = usage(cluster, "-o", "json")
    assert asked(cluster) == ["node-a", "node-b"]
    why = "the kubelet of node node-b does not answer: error trying to reach service: dial tcp 10.0.0.8:10250: connect: connection refused"
    assert listed(some)["far"] == {"claim": "far", "pod": "far", "problem": why, **dict.fromkeys(MEASURED)}
    assert listed(some)["files"]["usedPercent"] == 69
    assert f"pvc/far: {why}" in some.err
    none = usage(cluster, "pvc/far", code=5)
    assert why in none.err and "kubectl pvc-expand usage --from exec" in none.err
    assert ["far", "far", "<unknown>", "<unknown>", "<unknown>", "<unknown>", "<unknown>"] == none.out.splitlines()[1].split()


@pytest.mark.parametrize("how", ("left out", "without numbers"))
def test_a_claim_of_which_its_kubelet_says_nothing_yet(cluster, how):
    said = summary(cluster, "node-a")
    pod = next(one for one in said["pods"] if one["podRef"]["name"] == "postgres-0")
    if how == "left out":
        pod["volume"] = [one for one in pod["volume"] if one["pvcRef"]["name"] != "data-postgres-0"]
    else:
        for one in pod["volume"]:
            if one["pvcRef"]["name"] == "data-postgres-0":
                for key in ("availableBytes", "capacityBytes", "usedBytes", "inodesFree", "inodes", "inodesUsed"):
                    del one[key]
    cluster.rules({"path": PROXY.format("node-a"), "reply": {"status": 200, "json": said}})
    found = listed(usage(cluster, "sts/postgres", "-o", "json"))
    assert found["data-postgres-0"]["problem"] == "the kubelet of node node-a has not measured it yet, which it does about once a minute"
    assert found["data-postgres-0"]["usedBytes"] is None and found["wal-postgres-0"]["usedPercent"] == 69
    usage(cluster, "pvc/data-postgres-0", code=5)


def test_a_claim_on_two_nodes_is_told_once_whichever_kubelet_answers(cluster):
    cluster.write("POST", "pod", "", {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "near", "namespace": SPACE}, "spec": {
            "containers": [{"name": "main", "image": "registry.example/far:1", "volumeMounts": [{"name": "far", "mountPath": "/far"}]}],
            "volumes": [{"name": "far", "persistentVolumeClaim": {"claimName": "far"}}]}})
    cluster.settle()
    for silent in ("node-a", "node-b"):
        cluster.rules({"path": PROXY.format(silent), "reply": NOT_THERE})
        run = usage(cluster, "pvc/far", "-o", "json")
        (one,) = json.loads(run.out)["items"]
        assert (one["usedPercent"], one["problem"], run.err) == (69, "", ""), run


@pytest.mark.parametrize("said", (
    {"json": []}, {"json": {}}, {"json": {"pods": 7}}, {"json": {"pods": [None, 1, {"volume": "x"}, {"volume": [None, 1, {"pvcRef": []}, {"pvcRef": {"name": 3}}]}]}},
    {"body": "<html>who are you?</html>", "headers": {"Content-Type": "text/html"}}, {"body": "{\"pods\": ["}))
def test_a_kubelet_that_talks_nonsense_is_not_believed(cluster, said):
    cluster.rules({"path": PROXY.format("node-b"), "reply": {"status": 200, **said}})
    run = usage(cluster, "pvc/far", code=5)
    assert "pvc/far: the kubelet of node node-b " in run.err, run


def test_what_a_kubelet_calls_a_pod_does_no_harm_to_a_terminal(cluster):
    said = summary(cluster, "node-b")
    said["pods"][0]["podRef"]["name"] = "far\x1b]52;c;cm0=\x07\n"
    cluster.rules({"path": PROXY.format("node-b"), "reply": {"status": 200, "json": said}})
    run = usage(cluster, "pvc/far")
    assert "\x1b" not in run.out and "\x07" not in run.out and len(run.out.splitlines()) == 2 and "69%" in run.out, run
