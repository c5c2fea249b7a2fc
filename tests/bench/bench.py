"""What the benchmarks share: a cluster of an API server alone, writing to it, and a command's time and peak memory."""
import http.client
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64decode
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import yaml

ROOT = Path(__file__).resolve().parents[2]
WRITERS = 8


@contextmanager
def api_server():
    """The kubeconfig of a cluster of its own, API server and CRDs only, and the environment of commands that use it."""
    with tempfile.TemporaryDirectory() as folder:
        env = environment(folder)
        try:
            up = subprocess.run([ROOT / "tests/cluster/up"], env=env, stdout=subprocess.PIPE, text=True, check=True)
            kubeconfig = up.stdout.strip()
            yield kubeconfig, {**env, "KUBECONFIG": kubeconfig, "HOME": folder,
                               "PATH": f"{Path(kubeconfig).parent / 'bin'}:{os.environ['PATH']}"}
        finally:
            subprocess.run([ROOT / "tests/cluster/down"], env=env, check=True)


def environment(folder):
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout
    net = next(f"10.{n}" for n in range(130, 160) if f"hf10-{n}" not in links)
    return {**os.environ, "HOLDFAST_CLUSTER_DIR": str(folder), "HOLDFAST_CLUSTER_NET": net, "HOLDFAST_CLUSTER_PARTS": "api,crd"}


def tls_context(kubeconfig):
    """What the cluster's admin shows and trusts."""
    config = yaml.safe_load(Path(kubeconfig).read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    context = ssl.create_default_context(cadata=b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.NamedTemporaryFile() as pair:
        pair.write(b64decode(user["client-certificate-data"]) + b64decode(user["client-key-data"]))
        pair.flush()
        context.load_cert_chain(pair.name)
    return context


class Api:
    """One connection to the API server as its admin."""

    def __init__(self, kubeconfig):
        server = urlsplit(yaml.safe_load(Path(kubeconfig).read_text())["clusters"][0]["cluster"]["server"])
        self.connection = http.client.HTTPSConnection(server.hostname, server.port, context=tls_context(kubeconfig))

    def send(self, method, path, body=None):
        text = None if body is None else json.dumps(body)
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        self.connection.request(method, path, text, {"Content-Type": kind})
        answer = self.connection.getresponse()
        said = answer.read()
        if answer.status == 429:  # CRDs that have just been made
            time.sleep(int(answer.headers.get("Retry-After", 1)))
            return self.send(method, path, body)
        assert answer.status < 300, said
        return json.loads(said)


# A child's ru_maxrss begins with its parent's size, so what is measured is started by something small.
LAUNCHER = """
import os, sys, time
out = os.open(sys.argv[1] + ".out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
began = time.perf_counter()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, out, 1)])
_, status, usage = os.wait4(pid, 0)
open(sys.argv[1], "w").write(f"{time.perf_counter() - began} {usage.ru_maxrss / 1024}")
sys.exit(os.waitstatus_to_exitcode(status))
"""


def measured(argv, env, note):
    subprocess.run([sys.executable, "-c", LAUNCHER, note, *argv], env=env, check=True, stdin=subprocess.DEVNULL)
    seconds, mebibytes = map(float, Path(note).read_text().split())
    return seconds, mebibytes, Path(note + ".out").stat().st_size


def by_writers(kubeconfig, count, write):
    """write(api, number) for each number below count, WRITERS at a time."""
    failures = []

    def share(first):
        try:
            api = Api(kubeconfig)
            for number in range(first, count, WRITERS):
                write(api, number)
        except Exception as failure:  # told by the main thread
            failures.append(failure)

    threads = [threading.Thread(target=share, args=(first,)) for first in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
