"""A cluster without snapshots, as many have it: every command says so, names the remedy and changes nothing."""
import os
import subprocess

import pytest

import conftest
import world


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A second cluster of this machine, of nothing but an API server."""
    folder = tmp_path_factory.mktemp("bare")
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout
    net = next(f"10.{n}" for n in range(60, 80) if f"hf10-{n}:" not in links and f"hf10-{n}@" not in links)
    environment = {**os.environ, "HOLDFAST_CLUSTER_DIR": str(folder), "HOLDFAST_CLUSTER_NET": net, "HOLDFAST_CLUSTER_PARTS": "api"}
    kubeconfig, programs = conftest.start(environment)
    cluster = world.Cluster(kubeconfig, programs, tmp_path_factory.mktemp("home"))
    cluster.kubectl("create", "namespace", "bare").expect()
    yield world.Space(cluster, "bare")
    subprocess.run([world.ROOT / "tests/cluster/down"], check=True, env=environment, stdin=subprocess.DEVNULL)


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
