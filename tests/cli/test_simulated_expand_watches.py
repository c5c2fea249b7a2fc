"""pvc-expand on a way to the API server that holds watches up: a proxy that buffers, drops or ends them."""
import re
import signal
import time
from urllib.parse import urlsplit

import pytest

from simulated_cluster import Cluster
from test_simulated_expand import many

SILENT = {"status": 200, "generate": {"repeat": "\n", "count": 100000, "pause_ms": 1000}}
NEVER = {"delay_ms": 600000, "drop": True}
HELD_UP = {"silent": SILENT, "without a head": NEVER, "dropped": {"drop": True}, "ended at once": {"status": 200, "body": ""}}
GROW = ("pvc-expand", "sts/db0", "--size", "2Gi", "--yes")


@pytest.fixture
def cluster(tmp_path, certificates):
    made = Cluster(tmp_path / "held-up", certificates, objects=many(1, 1), controllers=20)
    made.settle()
    yield made
    made.stop()


def asked(cluster, kind):
    return [r for r in cluster.requests() if urlsplit(r["target"]).path.endswith(kind)]


@pytest.mark.parametrize("how", HELD_UP)
def test_a_set_is_made_again_at_once_whatever_holds_watches_of_it_up(cluster, how):
    """Its pods have no controller until then: one that ends is not replaced."""
    pod = cluster.get("pod", "db0-0")["metadata"]["uid"]
    cluster.rules({"method": "GET", "path": r"/statefulsets.*watch=true", "reply": HELD_UP[how]})
    done = cluster.run(*GROW, "--progress", "plain", "--timeout", "20s")
    (took,) = re.findall(r"done: delete sts/bookstore/db0 and leave its pods \(([0-9.]+)(ms|s)\)", done.err)
    assert float(took[0]) / (1000 if took[1] == "ms" else 1) < 2, done
    assert cluster.get("pod", "db0-0")["metadata"]["uid"] == pod


def test_watches_that_end_at_once_are_not_opened_without_a_pause(cluster):
    for driver in cluster.get("csidriver")["items"]:
        cluster.write("DELETE", "csidriver", driver["metadata"]["name"], {})  # nobody grows the claim: it is waited for
    cluster.rules({"method": "GET", "path": "/persistentvolumeclaims.*watch=true", "reply": HELD_UP["ended at once"]})
    cluster.requests()
    cluster.run(*GROW, "--timeout", "6s", code=None)
    watches = [r for r in asked(cluster, "/persistentvolumeclaims") if "watch=true" in r["target"]]
    assert len(watches) <= 10, len(watches)


def test_the_first_signal_is_heeded_while_a_watch_does_not_open(cluster):
    cluster.rules({"method": "GET", "path": "/persistentvolumeclaims.*watch=true", "reply": {"announce": True, **NEVER}})
    started = cluster.start(*GROW, "--timeout", "60s")
    cluster.arrived.get(timeout=30)
    began = time.monotonic()
    started.process.send_signal(signal.SIGINT)
    done = started.end()
    assert (done.code, time.monotonic() - began < 5) == (130, True), (done, time.monotonic() - began)
    assert cluster.get("sts", "db0") is not None
