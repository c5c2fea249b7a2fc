"""The files that a drill's line names are kept nowhere: what is done where they are not there any more."""
import json

import pytest

from simulated_cluster import cluster


@pytest.mark.parametrize("words, gone, code", [
    (["--sql-file", "q.sql"], "q.sql", 1), (["--query", "select 1", "--report", "reports/drill.json"], "reports", 2)])
def test_an_unfinished_drill_is_taken_back_without_the_files_that_its_line_names(cluster, words, gone, code):
    (cluster.folder / "q.sql").write_text("select 1")
    (cluster.folder / "reports").mkdir()
    cluster.run("snap", "create", "pvc/data-postgres-0", "--name", "base", "--wait", "ready")
    cluster.start_and_kill("restore", ["drill", "base", *words], "POST", ".*/persistentvolumeclaims")
    operation = json.loads(cluster.run("restore", "status", "-o", "json").out)["items"][0]["operation"]
    drills = [one["metadata"]["name"] for one in cluster.get("pvc")["items"] if one["metadata"]["name"].startswith(operation)]
    assert drills
    (cluster.folder / gone).rename(cluster.folder / "elsewhere")
    assert "No such file or directory" in cluster.run("restore", "resume", operation, code=code).err
    cluster.run("restore", "abort", operation, "--yes")
    assert all(cluster.get("pvc", name) is None for name in drills)
