"""What scripts read: -o json of every command is as docs/schemas says, -o yaml is the same, -o name names what can be asked for."""
import json

import pytest
import yaml

from schema import conform, schema_of
from world import BUSYBOX_IMAGE


@pytest.fixture(scope="module")
def database(module_space):
    module_space.postgres()
    made = module_space.snap("create", "sts/postgres", "--name", "one", "--wait", "ready", "-o", "json").expect()
    conform(made.json(), schema_of("snapshot-set"))
    return module_space


def read(run, schema, code=0):
    """What was printed, which is as the schema says."""
    value = run.expect(code).json()
    conform(value, schema_of(schema))
    return value


def test_sets_and_snapshots(database):
    listed = read(database.snap("list", "-o", "json"), "snapshot-list")
    assert [item["name"] for item in listed["items"]] == ["one"]
    assert yaml.safe_load(database.snap("list", "-o", "yaml").expect().out)["items"][0]["name"] == "one"
    assert database.snap("list", "-o", "name").expect().out == "set/one\n"
    described = read(database.snap("describe", "one", "-o", "json"), "snapshot-set")
    assert described["members"][0]["claim"] == "data-postgres-0" and described["snapshots"][0]["ready"]


def test_findings(database):
    found = database.snap("doctor", "sts/postgres", "--fail-on", "error", "-o", "json")
    assert found.code in (0, 8), found.text
    conform(found.json(), schema_of("findings"))
    assert "never-drilled" in [item["code"] for item in found.json()["items"]]


def test_drills_also_when_the_data_is_not_as_expected(database, tmp_path):
    words = ["drill", "one", "--query", "select 7", "--expect", "7", "-o", "json"]
    assert read(database.restore(*words), "drill-report")["level"] == "checked"
    report = tmp_path / "report"
    wrong = read(database.restore(*words[:-3], "8", "-o", "json", "--report", report), "drill-report", code=6)
    assert (wrong["level"], wrong["answer"], wrong["expected"]) == ("failed", "7", "8") and wrong["problems"]
    kept = json.loads(report.read_text())
    assert {**kept, "phases": [], "rtoSeconds": 0} == {**wrong, "phases": [], "rtoSeconds": 0}
    foreign = read(database.restore("drill", "vs/one-data-postgres-0", *words[2:]), "drill-report")
    assert foreign["source"] == "vs/one-data-postgres-0"


def test_a_restored_claim(database):
    made = read(database.restore("pvc/copy", "--from", "one", "-o", "json"), "restored-claim")
    assert made["volume"] == database.path("pvc/copy", ".spec.volumeName")


def test_volumes_that_are_swapped_swapped_back_and_removed(module_space):
    space = module_space
    space.claim("files")
    space.wait("jsonpath={.status.phase}=Bound", "pvc/files")
    space.snap("create", "pvc/files", "--name", "files", "--wait", "ready").expect()
    old = space.path("pvc/files", ".spec.volumeName")
    words = ["pvc/files", "--from", "files", "--in-place", "--image", BUSYBOX_IMAGE, "--yes", "-o", "json"]
    swapped = read(space.restore(*words), "swapped-volumes")
    new = space.path("pvc/files", ".spec.volumeName")
    assert swapped["claims"] == [{"claim": "files", "volume": new, "keptVolume": old}] and new != old
    assert read(space.restore(*words), "swapped-volumes")["claims"] == []
    undone = read(space.restore("undo", swapped["operation"], "--yes", "-o", "json"), "swapped-volumes")
    assert (undone["from"], undone["claims"]) == (swapped["operation"], [{"claim": "files", "volume": old, "keptVolume": new}])
    removed = read(space.restore("finalize", undone["operation"], "--yes", "-o", "json"), "finalized-operation")
    assert (removed["finalized"], removed["volumes"]) == (undone["operation"], [new])


def test_operations_and_what_ends_a_set(database):
    database.snap("create", "pvc/data-postgres-0", "--name", "stuck", "--snapshot-class", "broken", "--timeout", "3s").expect(5)
    (stopped,) = read(database.snap("status", "-o", "json"), "operation-list")["items"]
    assert stopped["abort"] == f"kubectl snap abort {stopped['operation']} -n {database.name} --dry-run"
    database.snap("abort", stopped["operation"], "--yes").expect()
    assert read(database.snap("status", "-o", "json"), "operation-list")["items"] == []
    (kept,) = read(database.snap("protect", "one", "--yes", "-o", "json"), "protected")["items"]
    (gone,) = read(database.snap("delete", "one", "--yes", "--force", "-o", "json"), "deleted")["items"]
    assert gone["keptContents"] == kept["contents"] != []
