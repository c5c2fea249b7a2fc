"""Whole stories: the real binaries over real HTTPS on the simulated cluster, from the first snapshot to the end of the old
volumes. What the plugins do is judged by the data's tokens and by the invariants of the crash matrix after each write."""
import json

import pytest

from simulated_cluster import SPACE, Cluster, difference

CREATE = ["create", "sts/postgres", "--name", "before", "--wait", "ready"]
IN_PLACE = ["sts/postgres", "--from", "before", "--in-place", "--accept-skew", "--yes"]
FILES = ["deploy/files", "--from", "papers", "--in-place", "--yes"]


@pytest.fixture(scope="module")
def server(tmp_path_factory, certificates):
    cluster = Cluster(tmp_path_factory.mktemp("simulated") / "stories", certificates)
    cluster.order(save="start")
    cluster.run("snap", *CREATE)
    cluster.run("snap", "create", "deploy/files", "--name", "papers", "--wait", "ready")
    cluster.settle()
    cluster.order(save="sets")
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(server, request):
    yield from server.afresh(getattr(request, "param", "sets"))


def holds(cluster):
    """claim -> whose data is on its disk."""
    state = cluster.state()
    disks = {name.removeprefix("disk "): text.removeprefix("holds ") for name, text in state.items() if name.startswith("disk ")}
    found = {}
    for claim in cluster.get("pvc")["items"]:
        volume = json.loads(state[next(n for n in state if n.startswith("pv/") and f'"name":"{claim["metadata"]["name"]}"' in state[n]
                                       and '"phase":"Bound"' in state[n])])
        found[claim["metadata"]["name"]] = disks[volume["spec"]["csi"]["volumeHandle"]]
    return found


@pytest.mark.parametrize("cluster", ["start"], indirect=True)
def test_a_set_is_made_listed_described_protected_and_deleted(cluster):
    before = cluster.state()
    cluster.run("snap", *CREATE)
    listed = cluster.run("snap", "list", "-o", "json").out
    assert "before" in listed
    assert len(cluster.get("vs")["items"]) == 4
    described = cluster.run("snap", "describe", "before").out
    assert "data-postgres-0" in described and "wal-postgres-1" in described
    cluster.run("snap", "protect", "before", "--yes")
    cluster.run("snap", "delete", "before", "--yes", code=3)
    cluster.begin("start")
    cluster.run("snap", *CREATE)
    cluster.settle()
    cluster.order(judge=True, deletes="snapshots")
    cluster.run("snap", "delete", "before", "--force", "--yes")
    assert difference(before, cluster.state()) == []


def test_what_was_there_is_refused_and_what_is_not_there_is_said(cluster):
    before = cluster.state()
    assert "already" in cluster.run("snap", *CREATE, code=3).err
    assert "not found" in cluster.run("snap", "describe", "never", code=1).err
    assert difference(before, cluster.state()) == []


@pytest.mark.parametrize("cluster", ["start"], indirect=True)
def test_a_dry_run_writes_nothing(cluster):
    before = cluster.state()
    for mode in ("client", "server"):
        cluster.run("snap", *CREATE, f"--dry-run={mode}")
        assert difference(before, cluster.state()) == []
    writes = [r for r in cluster.requests() if r["method"] not in ("GET",) and "accessreviews" not in r["target"]]
    assert all("dryRun=All" in r["target"] or "dryRun" in r["body"] for r in writes), writes


def test_a_claim_is_made_from_a_snapshot_also_where_it_waits_for_a_pod(cluster):
    cluster.run("restore", "pvc/data-copy", "--from", "before", "--claim", "data-postgres-0")
    cluster.run("restore", "pvc/files-copy", "--from", "papers", "--storage-class", "later")
    data = holds(cluster)
    assert data["data-copy"] == f"{SPACE}/data-postgres-0" and data["files-copy"] == f"{SPACE}/files"
    assert [p for p in cluster.get("pod")["items"] if p["metadata"]["labels"].get("app.kubernetes.io/managed-by")] == []


def test_a_drill_with_a_command_leaves_only_its_mark(cluster):
    before = cluster.state()
    drilled = cluster.run("restore", "drill", "papers", "--exec", "true", "-o", "json")
    assert '"checked"' in drilled.out, drilled
    changed = difference(before, cluster.state())
    assert changed and all("configmap/bookstore/holdfast-set-papers" in line for line in changed), changed


def test_a_full_disk_under_a_drills_report_loses_neither_its_result_nor_what_is_to_be_removed(cluster):
    """The report is the one file that a plugin writes. A mount of our own, which has no room for it."""
    words = ["drill", "papers", "--exec", "true"]
    cluster.run("restore", *words)
    well = cluster.state()
    cluster.begin("sets")
    full = cluster.folder / "full"
    full.mkdir(exist_ok=True)
    script = f"mount -t tmpfs -o size=4k none {full} && ! head -c 5000 /dev/zero 2>/dev/null >{full}/fill; \"$@\"; code=$?; ls {full}; exit $code"
    done = cluster.start("restore", *words, "--report", str(full / "report.json"), before=["unshare", "-rm", "sh", "-c", script, "sh"]).end()
    assert done.code == 1, done
    assert "the report was not written" in done.err and "No space left" in done.err, done
    assert "set/papers" in done.err and "stands above" in done.err, done
    assert done.out.split() == ["fill"], done  # no half of a report
    assert difference(well, cluster.state()) == []


def test_volumes_are_swapped_swapped_back_and_swapped_again_and_the_old_ones_go_at_finalize(cluster):
    volumes = {pv["metadata"]["name"] for pv in cluster.get("pv")["items"]}
    before = cluster.state()
    first = json.loads(cluster.run("restore", *IN_PLACE, "-o", "json").out)["operation"]
    new = {pv["metadata"]["name"] for pv in cluster.get("pv")["items"]} - volumes
    assert len(new) == 4
    data = holds(cluster)
    assert all(data[c] == f"{SPACE}/{c}" for c in data), data
    undo = json.loads(cluster.run("restore", "undo", "--yes", "-o", "json").out)["operation"]
    bound = {c["metadata"]["name"]: c["spec"]["volumeName"] for c in cluster.get("pvc")["items"]}
    assert set(bound.values()) <= volumes
    assert "undone already" in cluster.run("restore", "undo", first, "--yes").out
    cluster.run("restore", "undo", undo, "--yes")
    bound = {c["metadata"]["name"]: c["spec"]["volumeName"] for c in cluster.get("pvc")["items"]}
    assert new <= set(bound.values())
    assert cluster.get("sts", "postgres")["status"]["readyReplicas"] == 2
    cluster.run("restore", "finalize", first, "--yes", code=None)
    assert before.keys() - cluster.state().keys() <= {name for name in before if name.startswith(("pv/", "disk ", "volumeattachment"))}


def test_what_is_half_swapped_is_not_undone_and_both_ways_on_are_named(cluster):
    """Of a restore in place that was killed, whose lock somebody has deleted."""
    path = f"/api/v1/namespaces/{SPACE}/persistentvolumeclaims/files"
    cluster.rules({"method": "DELETE", "path": path, "times": 1, "reply": {"announce": True, "through": True, "drop": True, "delay_ms": 600000}})
    started = cluster.start("restore", "deploy/files", "--from", "papers", "--in-place", "--yes")
    cluster.arrived.get(timeout=60)
    started.kill()
    cluster.rules()
    cluster.settle()
    (stopped,) = json.loads(cluster.run("snap", "status", "-o", "json").out)["items"]
    operation = stopped["operation"]
    assert stopped["resume"] == f"kubectl restore resume {operation} -n {SPACE}"
    assert stopped["abort"] == f"kubectl restore abort {operation} -n {SPACE} --dry-run"
    assert f"Take back:   {stopped['abort']}   says whether it still can be" in cluster.run("snap", "status", operation).out
    for lease in cluster.get("lease")["items"]:
        cluster.write("DELETE", "lease", lease["metadata"]["name"], {})
    before = cluster.state()
    refused = cluster.run("restore", "undo", operation, "--yes", code=3)
    assert f"operation {operation} is unfinished" in refused.err
    assert f"to go on: {stopped['resume']}; whether it can be taken back says: {stopped['abort']}" in refused.err
    assert difference(before, cluster.state()) == []
    cluster.run("restore", "resume", operation, "--yes")
    cluster.run("restore", "undo", operation, "--yes")
    assert holds(cluster)["files"] == f"{SPACE}/files"


def test_a_deployment_and_a_bare_claim_in_place(cluster):
    old = cluster.get("pvc", "files")["spec"]["volumeName"]
    cluster.run("restore", "deploy/files", "--from", "papers", "--in-place", "--yes")
    cluster.settle()
    assert cluster.get("pvc", "files")["spec"]["volumeName"] != old
    assert cluster.get("deploy", "files")["status"]["readyReplicas"] == 1
    assert holds(cluster)["files"] == f"{SPACE}/files"
    assert cluster.run("restore", "pvc/files", "--from", "papers", "--in-place", "--yes", "--again", code=3)


def test_a_command_that_fails_before_the_cut_leaves_nothing(cluster):
    cluster.begin("start")
    before = cluster.state()
    cluster.run("snap", *CREATE, "--quiesce", "exec", "--pre", "fail", "--post", "thaw", code=None)
    assert difference(before, cluster.state()) == []


def test_a_list_in_pages_shows_one_moment(cluster):
    first = cluster.get("vs", query="?limit=2")
    assert len(first["items"]) == 2 and "kind" not in first["items"][0]
    cluster.order(judge=True, deletes="snapshots")
    cluster.run("snap", "delete", "before", "--force", "--yes")
    second = cluster.get("vs", query=f"?limit=9&continue={first['metadata']['continue']}")
    assert len(first["items"]) + len(second["items"]) == 5, "the pages after are of the list that the first page was of"
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert len(cluster.get("vs")["items"]) == 1
