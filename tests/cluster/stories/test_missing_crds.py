"""A cluster without snapshots, as many have it: every command says so, names the remedy and changes nothing."""
import pytest

import conftest
import world


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A second cluster of this machine, of nothing but an API server."""
    with conftest.second_cluster(tmp_path_factory, "bare", PARTS="api") as cluster:
        cluster.kubectl("create", "namespace", "bare").expect()
        yield world.Space(cluster, "bare")


def claim(space):
    space.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
                 "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "64Mi"}}}})


def test_commands_that_need_snapshots_are_refused_and_name_the_missing_crds(bare):
    claim(bare)
    before = bare.objects()
    for words in (["snap", "create", "pvc/data"], ["snap", "list"], ["restore", "pvc/copy", "--from", "vs/one"],
                  ["restore", "drill", "vs/one", "--image", "x"]):
        refused = bare.kubectl(*words)
        assert refused.code in (1, 3), refused.text
        assert "snapshot.storage.k8s.io" in refused.err, refused.text
    assert bare.objects() == before


def test_doctor_finds_that_snapshots_are_missing(bare):
    claim(bare)
    found = bare.snap("doctor", "pvc/data", "-o", "json")
    assert found.code in (0, 8), found.text
    assert "snapshot.storage.k8s.io" in found.out, found.text
