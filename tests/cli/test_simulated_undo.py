"""What undo finds out before it stops anything, and what becomes of it when a kept volume is deleted in the middle of it: the
database runs on what it had."""
import json
import re
import time
from email.utils import formatdate

import pytest

from simulated_cluster import REAL, SPACE, refusal, writes
from test_simulated_restore import operations, swapped
from test_simulated_restore_since import held, volumes
from test_simulated_stories import FILES, IN_PLACE, cluster, holds, server  # noqa: F401


def kept(cluster, label="kept"):
    """claim -> volume."""
    return {one["spec"]["claimRef"]["name"]: one["metadata"]["name"]
            for one in cluster.get("pv", query=f"?labelSelector=holdfast.dev/{label}")["items"]}


def said(run):
    return " ".join((run.out + run.err).split())


def put_in_zone(cluster, volume, zone):
    term = {"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}]}
    cluster.write("PATCH", "pv", volume, {"spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}}})


@pytest.fixture
def zoned(cluster):
    """A restored database one of whose kept volumes can be reached from zone a only, where node-a is."""
    cluster.write("PATCH", "node", "node-a", {"metadata": {"labels": {"topology.kubernetes.io/zone": "a"}}})
    cluster.done = swapped(cluster, IN_PLACE)
    cluster.volume = kept(cluster)["data-postgres-0"]
    put_in_zone(cluster, cluster.volume, "a")
    cluster.settle()
    return cluster


def test_an_undo_to_a_zone_that_has_no_node_any_more_is_refused_before_anything_is_stopped(zoned):
    cluster = zoned
    cluster.write("PATCH", "node", "node-a", {"metadata": {"labels": {"topology.kubernetes.io/zone": "b"}}})
    before = cluster.state()
    cluster.requests()
    refused = cluster.run("restore", "undo", cluster.done, "--yes", code=3)
    assert said(refused) == (f"error: no node can take pv/{cluster.volume} (for pvc/data-postgres-0): it can only be reached where "
                             "topology.kubernetes.io/zone in (a), and no node is there; what is on it is intact; nothing was changed "
                             "have a node there again (`kubectl get nodes --show-labels`), and then undo"), refused
    assert writes(cluster.requests()) == [] and cluster.state() == before
    cluster.write("PATCH", "node", "node-a", {"metadata": {"labels": {"topology.kubernetes.io/zone": "a"}}})
    cluster.run("restore", "undo", cluster.done, "--yes")


def test_a_workload_that_does_not_run_is_only_warned_of_a_zone_without_nodes(cluster):
    done = swapped(cluster, FILES)
    volume = kept(cluster)["files"]
    put_in_zone(cluster, volume, "a")
    cluster.write("PATCH", "deploy", "files", {"spec": {"replicas": 0}})
    cluster.settle()
    assert f"WARNING: no node can take pv/{volume} (for pvc/files)" in said(cluster.run("restore", "undo", done, "--yes"))
    assert volumes(cluster)["files"] == volume


def test_a_node_that_takes_no_pods_is_warned_of(zoned):
    cluster = zoned
    cluster.write("PATCH", "node", "node-a", {"spec": {"unschedulable": True}})
    shown = cluster.run("restore", "undo", cluster.done, "--dry-run")
    assert (f"WARNING: pv/{cluster.volume} (for pvc/data-postgres-0) can only be reached from node-a, which is cordoned: the pod stays "
            "Pending until one takes pods again (`kubectl get nodes`)") in said(shown), shown
    cluster.write("PATCH", "node", "node-a", {"spec": {"unschedulable": None, "taints": [{"key": "maintenance", "effect": "NoSchedule"}]}})
    shown = cluster.run("restore", "undo", cluster.done, "--dry-run")
    assert "from node-a, which is tainted with maintenance:NoSchedule, which the pods do not tolerate: the pod stays Pending" in said(shown), shown


def test_who_may_not_list_nodes_is_told_that_it_was_not_looked_at(zoned):
    cluster = zoned
    cluster.rules({"method": "GET", "path": "/api/v1/nodes", "reply": refusal()})
    done = cluster.run("restore", "undo", cluster.done, "--yes")
    assert f"not looked at, since you may not list nodes: whether there is a node for pv/{cluster.volume}" in said(done), done


def test_nodes_that_go_between_the_plan_and_the_stop_end_the_undo_with_the_database_up(zoned):
    cluster = zoned
    pods = sorted(one["metadata"]["uid"] for one in cluster.get("pod")["items"])
    ended = held(cluster, "PATCH", "persistentvolumes/" + REAL, ["undo", cluster.done, "--yes"],
                 lambda: cluster.write("PATCH", "node", "node-a", {"metadata": {"labels": {"topology.kubernetes.io/zone": "b"}}}))
    assert ended.code == 4, ended
    assert "and no node is there, by now; no claim was deleted, and no volume was swapped" in said(ended), ended
    assert sorted(one["metadata"]["uid"] for one in cluster.get("pod")["items"]) == pods
    (left,) = [one["operation"] for one in operations(cluster) if one["operation"].startswith("undo")]
    cluster.run("restore", "abort", left, "--yes")
    assert kept(cluster)["data-postgres-0"] == cluster.volume


def by_server(ahead_s):
    return {"path": ".*", "reply": {"through": True, "headers": {"Date": formatdate(time.time() + ahead_s, usegmt=True)}}}


def test_how_long_ago_is_told_by_the_clock_of_the_api_server(cluster):
    """As from a laptop whose clock is five hours behind, or ahead."""
    cluster.rules(by_server(5 * 3600))
    shown = said(cluster.run("restore", *IN_PLACE, "--dry-run"))
    assert re.search(r"writes that will be lost: those since \S+, 5h\d*m?;", shown), shown
    cluster.rules(by_server(-5 * 3600))
    done = swapped(cluster, IN_PLACE)
    cluster.rules()
    shown = said(cluster.run("restore", "undo", done, "--dry-run"))
    assert re.search(r"those since \S+, 5h\d*m?, when " + done, shown), shown
    assert re.search(r"until \S+, 5h\d*m? ago", said(cluster.run("restore", "finalize", done, "--dry-run"))), shown


def test_without_a_time_of_the_server_no_figure_is_told(cluster):
    cluster.rules({"path": ".*", "reply": {"through": True, "headers": {"Date": "today"}}})
    shown = said(cluster.run("restore", *IN_PLACE, "--dry-run"))
    assert re.search(r"writes that will be lost: those since \S+Z; newer sets", shown), shown


def reclaim(cluster):
    return {one["metadata"]["name"]: one["spec"]["persistentVolumeReclaimPolicy"] for one in cluster.get("pv")["items"]}


def delete_put_in(cluster, *claims):
    """Somebody tidies up: the object goes, the disk stays (Retain)."""
    cluster.order(judge=False)
    for claim, volume in kept(cluster, "put-in").items():
        if claim in claims:
            cluster.write("DELETE", "pv", volume, {})


def test_a_kept_volume_that_is_deleted_with_the_claim_away_leads_back_to_what_the_database_had(cluster):
    done = swapped(cluster, IN_PLACE)
    now, other, policies = volumes(cluster), kept(cluster)["data-postgres-1"], reclaim(cluster)
    lost = kept(cluster)["wal-postgres-1"]
    ended = held(cluster, "DELETE", r"persistentvolumeclaims/wal-postgres-1(\?|$)", ["undo", done, "--yes"],
                 lambda: delete_put_in(cluster, "wal-postgres-1"))
    assert ended.code == 4 and f"somebody deleted what was to be put back: pv/{lost} (driver disk.example, handle " in said(ended), ended
    assert "what the claims had until now is kept, and sts/bookstore/postgres goes on with that" in said(ended), ended
    cluster.settle()
    assert volumes(cluster) == now and cluster.get("sts", "postgres")["status"]["readyReplicas"] == 2
    undo = next(one["operation"] for one in operations(cluster) if one["operation"].startswith("undo"))
    assert f"kubectl restore abort {undo} -n {SPACE}" in said(ended), ended
    again = cluster.run("restore", "resume", undo, "--yes", code=4)
    assert f"pv/{lost}" in said(again) and volumes(cluster) == now, again
    cluster.run("restore", "abort", undo, "--yes")
    cluster.settle()
    assert volumes(cluster) == now and kept(cluster, "put-in") == {}
    # What the undo had not lost is kept on, and nothing of the database's is.
    assert kept(cluster)["data-postgres-1"] == other
    assert reclaim(cluster)[other] == "Retain" and all(reclaim(cluster)[one] == policies[one] for one in now.values())
    assert "undo would mix old and new volumes" in said(cluster.run("restore", "undo", done, "--yes", code=3))


def test_a_kept_volume_that_is_deleted_before_a_claim_is_leaves_the_database_on_what_it_had(cluster):
    done = swapped(cluster, IN_PLACE)
    now = volumes(cluster)
    ended = held(cluster, "PATCH", r"statefulsets/postgres" + REAL, ["undo", done, "--yes"],
                 lambda: delete_put_in(cluster, "wal-postgres-1"), skip=1)
    assert ended.code == 4 and "goes on with that" in said(ended) and "kubectl restore abort undo-" in said(ended), ended
    cluster.settle()
    assert volumes(cluster) == now and cluster.get("sts", "postgres")["status"]["readyReplicas"] == 2
    (undo,) = [one["operation"] for one in operations(cluster) if one["operation"].startswith("undo")]
    cluster.run("restore", "abort", undo, "--yes")
    assert volumes(cluster) == now and kept(cluster, "put-in") == {}


def test_a_kept_volume_of_a_claim_by_itself_that_is_deleted_after_a_kill_leaves_the_other_one_kept_and_named(cluster):
    cluster.run("restore", "pvc/alone", "--from", "papers", "--yes")
    cluster.run("snap", "create", "pvc/alone", "--name", "of-alone", "--wait", "ready")
    done = swapped(cluster, ["pvc/alone", "--from", "of-alone", "--in-place", "--image", "postgres:16", "--yes"])
    now, lost = cluster.get("pvc", "alone")["spec"]["volumeName"], kept(cluster)["alone"]
    cluster.start_and_kill("restore", ["undo", done, "--yes"], "DELETE", r"persistentvolumeclaims/alone(\?|$)")
    delete_put_in(cluster, "alone")
    cluster.settle()
    (undo,) = [one["operation"] for one in operations(cluster) if one["operation"].startswith("undo")]
    again = cluster.run("restore", "resume", undo, "--yes", code=1)
    assert f"pvc/{SPACE}/alone is not bound to pv/{lost} any more" in said(again) and f"the old volume pv/{now} is kept" in said(again), again
    assert reclaim(cluster)[now] == "Retain" and operations(cluster) == []
