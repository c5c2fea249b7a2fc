"""kubectl restore … --in-place on a real PostgreSQL: the row is back, the old volumes are kept, undo and finalize."""
import json

import pytest
import yaml

import world


def seven(space, pod="postgres-0"):
    return space.psql(pod, "select x from t")


@pytest.fixture
def database(space):
    space.postgres()
    space.psql("postgres-0", "create table t as select 7 as x")
    space.snap("create", "sts/postgres", "--name", "base", "--wait", "ready").expect()
    space.psql("postgres-0", "drop table t")
    return space


def volumes(space):
    """{volume: (claim, phase, policy)} of this namespace."""
    return {i["metadata"]["name"]: (i["spec"]["claimRef"]["name"], i["status"]["phase"],
                                    i["spec"]["persistentVolumeReclaimPolicy"]) for i, _ in space.storage()
            if i["kind"] == "PersistentVolume"}


def operation_of(run):
    return run.json()["operation"]


def in_place(space, *words, **more):
    return space.restore("sts/postgres", "--from", "base", "--in-place", "--yes", "-o", "json", *words, timeout=300, **more)


def test_a_set_restored_in_place_brings_the_row_back_and_keeps_the_old_volume(database):
    space = database
    before = volumes(space)
    old = space.path("pvc/data-postgres-0", ".spec.volumeName")
    run = in_place(space).expect()
    assert seven(space) == "7"
    new = space.path("pvc/data-postgres-0", ".spec.volumeName")
    now = volumes(space)
    assert set(now) == set(before) | {new}
    assert now[old] == ("data-postgres-0", "Released", "Retain")
    assert now[new] == ("data-postgres-0", "Bound", "Delete")
    assert space.path("sts/postgres", ".spec.replicas") == "1"
    claims = [i["metadata"]["name"] for i in space.get("pvc")["items"]]
    assert claims == ["data-postgres-0"]
    assert run.json()["claims"] == [{"claim": "data-postgres-0", "volume": new, "keptVolume": old}]
