"""kubectl clone --to-context over real HTTPS: two simulated clusters on one storage, each behind a face of its own."""
import re

import pytest

from simulated_cluster import SPACE, Cluster

LINE = ("pvc/data-postgres-0", "copy", "--to-context", "other")


@pytest.fixture
def cluster(tmp_path, certificates):
    made = Cluster(tmp_path / "two", certificates, other=True)
    yield made
    made.stop()


def left_there(cluster):
    """What is of an operation in the other cluster: anything but the clone itself."""
    found = [("configmap", one) for one in cluster.get("configmap", context="other")["items"]]
    found += [("vsc", one) for one in cluster.get("vsc", context="other")["items"]]
    found += [("vs", one) for one in cluster.get("vs", context="other")["items"]]
    found += [("pod", one) for one in cluster.get("pod", context="other")["items"]]
    return [f"{kind}/{one['metadata']['name']}" for kind, one in found if "holdfast.dev/operation" in one["metadata"].get("labels", {})]


def killed_when_imported(cluster):
    """kill -9 when the other cluster knows the snapshot and no claim is made of it: at the journal's second change."""
    cluster.rules({"method": "PUT", "path": "/configmaps/holdfast-op-", "skip": 1, "reply": {"announce": True, "drop": True, "delay_ms": 600000}})
    started = cluster.start("clone", *LINE)
    cluster.arrived.get(timeout=60)
    assert started.kill().code == -9
    cluster.rules()


def test_a_claim_is_cloned_into_another_cluster_on_the_same_storage(cluster):
    before = cluster.get("pvc", "data-postgres-0")
    done = cluster.run("clone", *LINE)
    assert "kubectl clone delete copy -n bookstore --context other" in done.out, done
    assert "in context other" in done.err, done
    copy = cluster.get("pvc", "copy", context="other")
    assert copy["status"]["phase"] == "Bound" and cluster.get("pvc", "copy") is None
    assert cluster.get("pvc", "data-postgres-0")["spec"] == before["spec"]
    cluster.settle()
    assert left_there(cluster) == [] and cluster.get("vs")["items"] == [] and cluster.get("vsc")["items"] == []
    held = [text for name, text in cluster.state().items() if name.startswith("disk ") and copy["metadata"]["uid"] in name or "bookstore/data-postgres-0" in text]
    assert len([text for text in held if text == "holds bookstore/data-postgres-0"]) == 2, held  # the source's disk and its copy


def test_a_context_or_kubeconfig_that_is_not_there_is_told_by_the_flag_that_named_it(cluster):
    refused = cluster.run("clone", "pvc/data-postgres-0", "copy", "--to-context", "othr", code=2)
    assert 'error: context "othr" does not exist (--to-context)\ndid you mean other?\n' in refused.err, refused
    refused = cluster.run("clone", "pvc/data-postgres-0", "copy", "--to-kubeconfig", "/nowhere", code=7)
    assert "error: kubeconfig /nowhere does not exist\ncheck --to-kubeconfig\n" in refused.err, refused


def test_the_plan_says_on_which_cluster_each_step_acts(cluster):
    plan = cluster.run("clone", *LINE, "--dry-run", "-o", "json").out
    assert "under policy Retain: only this cluster deletes them" in plan
    assert '"cluster": "other"' in plan  # of its permissions
    cluster.requests()
    assert cluster.get("vs")["items"] == []


def test_killed_in_the_middle_both_clusters_say_how_it_goes_on_and_gc_of_either_leaves_the_snapshot_alone(cluster):
    killed_when_imported(cluster)
    assert len(cluster.get("vsc", context="other")["items"]) == 1
    signpost = [one for one in cluster.get("configmap", context="other")["items"] if one["metadata"]["name"].startswith("holdfast-op-clone-copy-")]
    assert len(signpost) == 1
    operation = signpost[0]["metadata"]["labels"]["holdfast.dev/operation"]
    for words in (["resume", operation], ["abort", operation, "--yes"]):
        refused = cluster.run("clone", *words, "--context", "other", code=3)
        assert f"its journal is there, in namespace {SPACE}: kubectl clone resume {operation} -n {SPACE} --context simulated" in refused.err, refused
    listed = cluster.run("clone", "status", "--context", "other", code=None)
    assert operation in listed.out + listed.err, listed
    cluster.run("clone", "gc", "--yes", "--context", "other")
    cluster.run("clone", "gc", "--yes")
    assert len(cluster.get("vs")["items"]) == 1, "gc has deleted the source's snapshot"
    cluster.run("clone", "resume", operation)
    cluster.settle()
    assert left_there(cluster) == [] and cluster.get("vs")["items"] == [] and cluster.get("vsc")["items"] == []
    assert cluster.get("pvc", "copy", context="other")["status"]["phase"] == "Bound"


def test_abort_takes_it_back_in_both(cluster):
    killed_when_imported(cluster)
    name = cluster.get("configmap")["items"]
    operation = [one["metadata"]["labels"]["holdfast.dev/operation"] for one in name if one["metadata"]["name"].startswith("holdfast-op-clone-copy-")][0]
    cluster.run("clone", "abort", operation, "--yes")
    cluster.settle()
    assert left_there(cluster) == [] and cluster.get("vs")["items"] == [] and cluster.get("pvc", "copy", context="other") is None
    assert cluster.get("pvc", "data-postgres-0")["status"]["phase"] == "Bound"


@pytest.mark.parametrize("words", [LINE, ("sts/postgres", "copy", "--replicas", "1", "--to-context", "other")])
def test_another_storage_under_the_same_handle_is_exit_6_and_nothing_is_left(tmp_path, certificates, words):
    made = Cluster(tmp_path / "two", certificates, other=True, cut_later=3600)
    try:
        before = made.state()
        done = made.run("clone", *words, code=6)
        assert re.search(
            r"error: the storage in context other is not that of the source: what it has under the handle of vs/bookstore/\S+ was cut at (\S+) "
            r"with 1073741824 bytes, and the snapshot at (\S+) with 1073741824; all of the clone was removed, the source is intact\n", done.err), done
        assert "its driver disk.example may be set up for another one there" in done.err, done
        assert made.state() == before
        assert left_there(made) == [] and made.get("vs")["items"] == [] and made.get("vsc")["items"] == []
        assert made.get("pvc", context="other")["items"] == [] and made.get("sts", context="other")["items"] == []
    finally:
        made.stop()


def test_clocks_that_a_storage_rounds_are_no_other_storage(tmp_path, certificates):
    made = Cluster(tmp_path / "two", certificates, other=True, cut_later=1)
    try:
        made.run("clone", *LINE)
        assert made.get("pvc", "copy", context="other")["status"]["phase"] == "Bound"
    finally:
        made.stop()


@pytest.mark.parametrize("words, code, text", [
    (["--to-context", "nowhere"], 2, 'context "nowhere" does not exist'),
    (["--to-context", "simulated"], 2, "the other cluster is this one"),
    (["--to-context", "other", "--method", "clone"], 3, "works across clusters on the same storage"),
    (["--to-context", "other", "--to-namespace", "nowhere"], 1, "namespace nowhere does not exist in context other"),
    (["--to-context", "other", "--storage-class", "nothing"], 3, "storageclass nothing does not exist"),
])
def test_what_cannot_be_is_refused_before_any_write(cluster, words, code, text):
    done = cluster.run("clone", "pvc/data-postgres-0", "copy", *words, code=code)
    assert text in done.err, done
    assert cluster.get("vs")["items"] == [] and left_there(cluster) == []
