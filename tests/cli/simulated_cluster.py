"""The simulated cluster over HTTPS (sim_server) with the built binaries on it; see tests/cli/simulated/control.h. A Cluster may
be used by one thread at a time; several of them side by side do no harm."""
import http.client
import json
import os
import queue
import signal
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import BUILD, Run, binary

KUBECTL = Path(__file__).parent / "simulated" / "kubectl"
SPACE = "bookstore"
LIMIT_S = 60
GROUPS = {"sts": "apis/apps/v1/namespaces/{}/statefulsets", "deploy": "apis/apps/v1/namespaces/{}/deployments",
          "pvc": "api/v1/namespaces/{}/persistentvolumeclaims", "pv": "api/v1/persistentvolumes", "pod": "api/v1/namespaces/{}/pods",
          "service": "api/v1/namespaces/{}/services", "netpol": "apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
          "pdb": "apis/policy/v1/namespaces/{}/poddisruptionbudgets", "hpa": "apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
          "revision": "apis/apps/v1/namespaces/{}/controllerrevisions", "configmap": "api/v1/namespaces/{}/configmaps", "secret": "api/v1/namespaces/{}/secrets", "quota": "api/v1/namespaces/{}/resourcequotas",
          "namespace": "api/v1/namespaces", "node": "api/v1/nodes", "lease": "apis/coordination.k8s.io/v1/namespaces/{}/leases", "vs": "apis/snapshot.storage.k8s.io/v1/namespaces/{}/volumesnapshots",
          "daemonset": "apis/apps/v1/namespaces/{}/daemonsets", "job": "apis/batch/v1/namespaces/{}/jobs", "cronjob": "apis/batch/v1/namespaces/{}/cronjobs",
          "serviceaccount": "api/v1/namespaces/{}/serviceaccounts", "ingress": "apis/networking.k8s.io/v1/namespaces/{}/ingresses",
          "csidriver": "apis/storage.k8s.io/v1/csidrivers", "vsclass": "apis/snapshot.storage.k8s.io/v1/volumesnapshotclasses", "vsc": "apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents"}


class Started:
    """A binary at work. end() waits for it; kill() is kill -9."""

    def __init__(self, argv, environment, folder, stdin=subprocess.DEVNULL):
        self.out, self.err = open(folder / "out", "wb+"), open(folder / "err", "wb+")
        self.argv = argv
        self.process = subprocess.Popen(argv, env=environment, cwd=folder, stdin=stdin, stdout=self.out, stderr=self.err)

    def running(self):
        return self.process.poll() is None

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        return self.end()

    def end(self):
        try:
            code = self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            code = "none: it ran into the limit"
            self.process.kill()
            self.process.wait()
        texts = []
        for file in (self.out, self.err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
            file.close()
        return Run(code, *texts, 0)


class Cluster:
    def __init__(self, folder, certificates, objects=(), seed=4, controllers=5, other=False, cut_later=0):
        """other: with a second cluster on the same storage, context "other" of the kubeconfig. cut_later: on another
        storage after all, which has under each handle a snapshot of its own, so many seconds younger."""
        folder.mkdir()
        self.folder, self.log = folder, folder / "requests.jsonl"
        (folder / "objects.json").write_text(json.dumps(list(objects)))
        self.kubeconfig = folder / "kubeconfig"
        self.server = subprocess.Popen(
            [BUILD / "tests/cli/sim_server", "--cert", certificates.good[0], "--key", certificates.good[1], "--ca", certificates.ca,
             "--kubeconfig", self.kubeconfig, "--log", self.log, "--objects", folder / "objects.json", "--seed", str(seed), "--controllers", str(controllers),
             *(["--other", folder / "other.jsonl", "--other-storage-cut-later", str(cut_later)] if other else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        port = self.server.stdout.readline().split()
        assert port[:1] == ["listening"], "sim_server did not start"
        self.address = f"127.0.0.1:{port[1]}"
        assert self.server.stdout.readline() == f"kubeconfig {self.kubeconfig}\n"
        self.context = ssl.create_default_context(cafile=certificates.ca)
        self._answers, self.arrived = queue.Queue(), queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._seen = 0

        self.addresses = {one["name"]: one["cluster"]["server"].removeprefix("https://")
                          for one in json.loads(self.kubeconfig.read_text())["clusters"]}

    def _read(self):
        for line in self.server.stdout:
            word, _, rest = line.partition(" ")
            {"answer": self._answers, "arrived": self.arrived}[word].put(rest.strip())

    def order(self, **what):
        """Tells the server (control.h) and gives its answer."""
        self.server.stdin.write(json.dumps(what) + "\n")
        self.server.stdin.flush()
        answer = json.loads(self._answers.get(timeout=LIMIT_S))
        assert "error" not in answer, f"{what}: {answer['error']}"
        return answer

    def rules(self, *rules):
        self.order(rules=list(rules))

    def settle(self):
        self.order(settle=True)

    def state(self):
        """{object: text} in which two ways to the same end are equal, at rest; the invariants that were broken fail the test."""
        self.settle()
        answer = self.order(state=True)
        assert answer["violations"] == [], answer["violations"]
        return answer["state"]

    def begin(self, world, deletes=""):
        """Back to a world that was saved, with the invariants looked at from now on."""
        self.rules()
        self.order(load=world)
        self.order(judge=True, deletes=deletes)
        while not self.arrived.empty():
            self.arrived.get()

    def afresh(self, world="start"):
        """For a fixture: back to that world; at the end of the test, that every request of it was understood."""
        self.begin(world)
        self.requests()
        yield self
        unknown = [f'{r["method"]} {r["target"]}' for r in self.requests() if r["unknown"]]
        assert not unknown, f"requests that the server does not know: {unknown}"

    def start(self, plugin, *words, before=(), stdin=subprocess.DEVNULL):
        """`before`: what runs the binary, as `nice` would."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8", "KUBECONFIG": str(self.kubeconfig),
                       "KUBECTL_PATH": str(KUBECTL)}
        return Started([*before, str(binary(plugin)), *words], environment, self.folder, stdin)

    def start_and_kill(self, plugin, line, method, path, through=True, skip=0):
        """kill -9 while that request, and no dry run, waits for its answer; with `through` it has been carried out."""
        self.rules({"method": method, "path": path + REAL, "skip": skip, "times": 1,
                    "reply": {"announce": True, "through": through, "drop": True, "delay_ms": 600000}})
        started = self.start(plugin, *line)
        self.arrived.get(timeout=LIMIT_S)
        assert started.kill().code == -9
        self.rules()
        self.settle()

    def run(self, plugin, *words, code=0):
        """Runs to the end; the test fails unless it ends with this code (None: any)."""
        done = self.start(plugin, *words).end()
        assert code is None or done.code == code, f"{plugin} {' '.join(words)}: expected exit {code}:\n{done}"
        return done

    def get(self, kind, name="", query="", space=SPACE, context="simulated"):
        connection = http.client.HTTPSConnection(self.addresses[context], context=self.context)
        connection.request("GET", "/" + GROUPS[kind].format(space) + (f"/{name}" if name else "") + query)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
        return body if answer.status == 200 else None

    def write(self, method, kind, name, body, space=SPACE):
        """As somebody else's client: PATCH is a merge patch, POST makes an object; DELETE has delete options as its body."""
        connection = http.client.HTTPSConnection(self.addresses["simulated"], context=self.context)
        connection.request(method, "/" + GROUPS[kind].format(space) + (f"/{name}" if name else ""), json.dumps(body), {
            "Content-Type": "application/merge-patch+json" if method == "PATCH" else "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        assert answer.status in (200, 201), text

    def requests(self):
        """What was asked since the last call."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        fresh, self._seen = lines[self._seen:], len(lines)
        return [json.loads(line) for line in fresh]

    def stop(self):
        self.server.stdin.close()
        self.server.wait(timeout=10)
        self.server.stdout.close()


def writes(requests):
    """Those that change something or try to: to ask what is allowed, or a command in a pod that only asks, is none."""
    return [r for r in requests if r["method"] in ("POST", "PUT", "PATCH", "DELETE") and "accessreviews" not in r["target"]
            and r["target"] != "/simulated/exec"]


REAL = r"((?!dryRun).)*$"  # at the end of a rule's path: no dry run


def refusal(message="no", **more):
    """The reply of a rule: what whoever may not do it gets."""
    return {"status": 403, "json": {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403, "message": message}, **more}


@pytest.fixture
def cluster(tmp_path, certificates):
    made = Cluster(tmp_path / "clone", certificates)
    yield made
    made.stop()


def parted(expected, got):
    """Both from a little before where they part."""
    at = next((i for i, (a, b) in enumerate(zip(expected, got)) if a != b), 0)
    return f"\n  expected ...{expected[max(0, at - 60):at + 140]}\n  got      ...{got[max(0, at - 60):at + 140]}"


def difference(expected, got, or_else=None):
    """What is not as it should be, a line an object; an object may also be as in `or_else`."""
    lines = [f"missing: {name}" for name in expected if name not in got]
    lines += [f"left behind: {name}" for name in got if name not in expected]
    lines += [f"differs: {name}{parted(expected[name], got[name])}" for name in expected
              if name in got and got[name] not in (expected[name], (or_else or {}).get(name))]
    return lines


def shortened(text, keep=1500):
    return text if len(text) <= 2 * keep else f"{text[:keep]}\n[...]\n{text[-keep:]}"


def spread(clusters, cases, story):
    """story(cluster, case) for each case, each cluster one at a time; fails with what went wrong in any."""
    def work(number):
        failures = []
        for case in cases[number::len(clusters)]:
            try:
                story(clusters[number], case)
            except AssertionError as failure:
                failures.append(f"{case}: {failure}")
        return failures

    with ThreadPoolExecutor(len(clusters)) as pool:
        failures = [failure for found in pool.map(work, range(len(clusters))) for failure in found]
    assert not failures, f"{len(failures)} of {len(cases)} failed:\n" + "\n\n".join(shortened(one) for one in failures)
