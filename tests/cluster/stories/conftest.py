"""Fixtures of the stories. A story gets `space`, a namespace of its own on a real cluster, which is started when none
runs; several pytest processes may use one cluster at a time."""
import contextlib
import fcntl
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import world

sys.path.insert(0, str(world.ROOT / "tests"))  # schema.py


def start(environment=None):
    """The kubeconfig of a running cluster, and the folder with its kubectl."""
    up = subprocess.run([world.ROOT / "tests/cluster/up"], stdout=subprocess.PIPE, text=True, timeout=1800, env=environment,
                        stdin=subprocess.DEVNULL)
    assert up.returncode == 0, "tests/cluster/up failed; what it said stands above"
    kubeconfig = Path(up.stdout.split()[-1])
    return kubeconfig, kubeconfig.parent / "bin"


@contextlib.contextmanager
def second_cluster(tmp_path_factory, name, **settings):
    """Another cluster of this machine, as HOLDFAST_CLUSTER_… says, until the `with` ends."""
    with open(Path(tempfile.gettempdir()) / "holdfast-stories.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another story might find the same addresses free
        links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout
        net = next(f"10.{n}" for n in range(60, 80) if f"hf10-{n}:" not in links and f"hf10-{n}@" not in links)
        environment = {**os.environ, "HOLDFAST_CLUSTER_DIR": str(tmp_path_factory.mktemp(name)), "HOLDFAST_CLUSTER_NET": net,
                       **{f"HOLDFAST_CLUSTER_{key}": str(value) for key, value in settings.items()}}
        kubeconfig, programs = start(environment)
    try:
        yield world.Cluster(kubeconfig, programs, tmp_path_factory.mktemp("home"))
    finally:
        subprocess.run([world.ROOT / "tests/cluster/down"], check=True, env=environment, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    kubeconfig, programs = start()
    return world.Cluster(kubeconfig, programs, tmp_path_factory.mktemp("home"))


def release_stuck_claims(cluster, namespace):
    """The snapshot controller looks whether a claim is still needed when one of its snapshots goes, and never again: of
    two that go at once it can miss that the other goes too, and its finalizer stays on the claim for ever
    (external-snapshotter, checkandRemovePVCFinalizer)."""
    if cluster.get("volumesnapshots", "-n", namespace)["items"]:
        return
    for claim in cluster.get("pvc", "-n", namespace)["items"]:
        if claim["metadata"].get("finalizers") == ["snapshot.storage.kubernetes.io/pvc-as-source-protection"]:
            cluster.kubectl("patch", "pvc", claim["metadata"]["name"], "-n", namespace, "--type=merge",
                            "-p", '{"metadata":{"finalizers":null}}')


@pytest.fixture(scope="session")
def _spaces(cluster):
    """Namespaces begin to end when their story has; here it is seen that all of them do, and their volumes with them."""
    spaces = []
    yield spaces
    end = time.monotonic() + world.PATIENCE_S
    for space in spaces:
        while space.path(f"namespace/{space.name}", ".metadata.name"):
            assert time.monotonic() < end, f"namespace {space.name} does not end: " + cluster.kubectl(
                "get", "namespace", space.name, "-o", "jsonpath={.status.conditions[*].message}").out
            release_stuck_claims(cluster, space.name)
            time.sleep(0.5)
        while left := [f"{item['kind']}/{item['metadata']['name']}" for item, _ in space.storage()]:
            assert time.monotonic() < end, f"of namespace {space.name} there still is {left}"
            time.sleep(0.5)


@pytest.fixture
def new_space(cluster, _spaces):
    """A function that makes further namespaces."""
    made = []

    def make(prefix="story"):
        made.append(cluster.space(prefix))
        return made[-1]

    yield make
    for space in made:
        space.delete()
        _spaces.append(space)


@pytest.fixture
def space(new_space, request):
    return new_space(request.node.module.__name__.removeprefix("test_").replace("_", "-")[:20])


@pytest.fixture(scope="module")
def module_space(cluster, _spaces, request):
    """One namespace for all stories of a file that only read, or whose writes do not disturb each other."""
    made = cluster.space(request.module.__name__.removeprefix("test_").replace("_", "-")[:20])
    yield made
    made.delete()
    _spaces.append(made)


@pytest.fixture(scope="module")
def database(module_space):
    """A set `base` of a database with x = 7 in table t."""
    space = module_space
    space.postgres()
    space.psql("postgres-0", "create table t as select 7 as x")
    space.snap("create", "sts/postgres", "--name", "base", "--wait", "ready").expect()
    return space


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The folder that `make install` has put plugins and completions into."""
    prefix = tmp_path_factory.mktemp("prefix")
    subprocess.run(["make", "-s", "-C", world.ROOT, "install", f"PREFIX={prefix}"], check=True, stdin=subprocess.DEVNULL)
    return prefix / "bin"
