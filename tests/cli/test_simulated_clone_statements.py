"""The file of --sql is kept nowhere: what is done where it is not there any more, or is another one, when an unfinished
clone is gone on with or taken back."""
import json

import pytest

from simulated_cluster import SPACE, cluster


@pytest.mark.parametrize("since", [None, "", "select 'nothing is masked'"])
def test_an_unfinished_masking_goes_on_with_its_own_statements_alone_and_is_taken_back_without_them(cluster, since):
    file = cluster.folder / "mask.sql"
    file.write_text("update customers set name = ''")
    cluster.start_and_kill("clone", ["pvc/data-postgres-0", "copy", "--sql", "mask.sql"], "POST", ".*/persistentvolumeclaims")
    operation = json.loads(cluster.run("clone", "status", "-o", "json").out)["items"][0]["operation"]
    drafts = [one["metadata"]["name"] for one in cluster.get("pvc")["items"] if "draft" in one["metadata"]["name"]]
    assert len(drafts) == 1
    file.unlink()
    if since is not None:
        file.write_text(since)
    done = cluster.run("clone", "resume", operation, code={None: 1, "": 2, "select 'nothing is masked'": 3}[since])
    said = {None: "No such file or directory", "": "--sql mask.sql is empty",
            "select 'nothing is masked'": "the file of --sql does not hold the statements that this clone was begun with"}[since]
    assert said in done.err and f"kubectl clone abort {operation} -n {SPACE}" in done.err, done
    assert cluster.get("pvc", drafts[0]) is not None and cluster.get("pvc", "copy") is None
    cluster.run("clone", "abort", operation, "--yes")
    assert cluster.get("pvc", drafts[0]) is None and cluster.get("vs")["items"] == []


def test_a_file_of_statements_that_is_not_there_or_empty_is_told_before_anything_is_made(cluster):
    line = ("clone", "pvc/data-postgres-0", "copy", "--sql", "mask.sql")
    assert "No such file or directory" in cluster.run(*line, code=1).err
    (cluster.folder / "mask.sql").write_text(" \n")
    assert "--sql mask.sql is empty" in cluster.run(*line, code=2).err
    assert cluster.get("vs")["items"] == []


def test_a_volume_that_each_pod_has_made_of_unmasked_data_is_refused(cluster):
    pod = cluster.get("sts", "postgres")["spec"]["template"]["spec"]
    claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}},
             "dataSource": {"kind": "PersistentVolumeClaim", "name": "data-postgres-1"}}
    pod["volumes"] = [{"name": "seed", "ephemeral": {"volumeClaimTemplate": {"spec": claim}}}]
    cluster.write("PATCH", "sts", "postgres", {"spec": {"template": {"spec": pod}}})
    cluster.settle()
    (cluster.folder / "mask.sql").write_text("select 1")
    line = ("clone", "sts/postgres", "copy", "--replicas", "1", "--sql", "mask.sql", "--dry-run=client")
    let = "spec.template.spec.volumes[0].ephemeral.volumeClaimTemplate.spec.dataSource=null"
    done = cluster.run(*line, code=3)
    assert done.err == ("error: each pod of the clone would have volume seed made of what --sql does not mask (dataSource); nothing was changed\n"
                        f"let it be empty: --set {let}\n"), done
    cluster.run(*line, "--set", let)
