"""`kubectl snap list`: its forms, its end when nobody reads on, and rows that follow what happens."""
import signal
import subprocess


def foreign(space, name, claim, snapshot_class="fast"):
    space.apply({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": name},
                 "spec": {"volumeSnapshotClassName": snapshot_class, "source": {"persistentVolumeClaimName": claim}}})


def rows(text):
    """{first column: columns} of a table; columns are three spaces apart."""
    lines = [[c.strip() for c in line.split("   ") if c.strip()] for line in text.splitlines()]
    return {line[0]: line for line in lines[1:]}


def test_sets_and_single_snapshots_stand_beside_each_other(space, cluster):
    assert space.snap("list").expect().out == ""
    for name in ("data", "other"):
        space.claim(name)
    space.wait("jsonpath={.status.phase}=Bound", "pvc/data", "pvc/other")
    space.snap("create", "pvc/data", "--name", "ours", "--wait", "ready").expect()
    foreign(space, "theirs", "other")
    space.wait("jsonpath={.status.readyToUse}=true", "volumesnapshot/theirs")
    foreign(space, "stuck", "data", "broken")
    space.eventually(lambda: "(error)" in space.snap("list").out)
    table = rows(space.snap("list").expect().out)
    assert table["ours"][1:5] == ["pvc/data", "1/1", "none", "64Mi"]
    assert table["vs/theirs"][1:5] == ["pvc/other", "1/1", "<none>", "64Mi"]
    assert table["vs/stuck"][1:3] == ["pvc/data", "0/1 (error)"]
    assert sorted(rows(space.snap("list", "pvc/data").expect().out)) == ["ours", "vs/stuck"]
    assert sorted(space.snap("list", "-o", "name").expect().out.split()) == ["set/ours", "vs/stuck", "vs/theirs"]
    assert "fast.csi.hf.test" in rows(space.snap("list", "-o", "wide").expect().out)["vs/theirs"]
    everywhere = rows(cluster.kubectl("snap", "list", "-A").expect().out)
    assert everywhere[space.name][0] == space.name
    as_yaml = space.snap("list", "-o", "yaml").expect().out
    assert "kind: SnapshotList" in as_yaml and "name: theirs" in as_yaml


def test_a_reader_that_has_seen_enough_is_no_error(space, cluster):
    space.claim("data")
    space.wait("jsonpath={.status.phase}=Bound", "pvc/data")
    space.snap("create", "pvc/data", "--name", "one").expect()
    done = subprocess.run(["bash", "-c", f"set -o pipefail; kubectl snap list -n {space.name} | true; echo ${{PIPESTATUS[0]}}"],
                          env=cluster.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["0"] and done.stderr == ""


def test_watched_rows_follow_what_happens_until_interrupted(space):
    space.claim("data")
    space.wait("jsonpath={.status.phase}=Bound", "pvc/data")
    space.snap("create", "pvc/data", "--name", "first", "--wait", "ready").expect()
    with space.start("snap", "list", "--watch") as watching:
        watching.wait_for(r"first +pvc/data +1/1 ")
        foreign(space, "later", "data", "fast-delayed")
        watching.wait_for(r"vs/later +pvc/data +0/1 ")
        watching.wait_for(r"vs/later +pvc/data +1/1 ")
        assert watching.end(signal.SIGINT) == 130
    assert sum("first" in line for line in watching.out) == 1, "a row that has not changed is not repeated"
