"""Plugins start at once: `kubectl-snap --version`, as installed, in a quarter of the time of `kubectl version --client`
or less, kubectl being built alone from its module. Median of 21 alternating runs."""
import os
import statistics
import subprocess
import time

import pytest

import world

RUNS = 21


def seconds(argv):
    began = time.perf_counter()
    with open(os.devnull, "w") as nothing:
        assert subprocess.run(argv, stdout=nothing, stdin=subprocess.DEVNULL).returncode == 0
    return time.perf_counter() - began


@pytest.fixture(scope="module")
def kubectl_alone():
    """The cluster's own kubectl is one of many commands of a larger program: this one is what people install."""
    path = world.ROOT / "build/kubectl-alone"
    subprocess.run(["go", "build", "-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false", "-ldflags=-s -w", "-o", path,
                    "k8s.io/kubernetes/cmd/kubectl"], cwd=world.ROOT / "tests/cluster/go", check=True,
                   env={**os.environ, "CGO_ENABLED": "0", "GOGC": "400", "GOFLAGS": "-mod=readonly"})
    return path


def test_a_plugin_starts_in_a_quarter_of_kubectls_time(installed, kubectl_alone):
    ours, theirs = [], []
    for _ in range(RUNS):
        ours.append(seconds([installed / "kubectl-snap", "--version"]))
        theirs.append(seconds([kubectl_alone, "version", "--client"]))
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    print(f"kubectl-snap --version {ours * 1000:.1f} ms, kubectl version --client {theirs * 1000:.1f} ms")
    assert ours <= theirs / 4
