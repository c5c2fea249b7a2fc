"""Fixtures for tests that run the built binaries: an API server double, a kubeconfig for it, a clean home."""
import base64
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))  # schema.py
BUILD = Path(os.environ.get("HOLDFAST_BUILD", ROOT / "build" / "dev"))
PLUGINS = ["snap", "restore", "clone", "pvc-expand"]


def binary(plugin):
    """kubectl looks for a plugin's words with underscores: kubectl pvc-expand is kubectl-pvc_expand."""
    return BUILD / "bin" / f"kubectl-{plugin.replace('-', '_')}"


# A child's ru_maxrss begins with its parent's size, so what is measured is started by something small. Arguments: where to write
# the peak, then the command.
LAUNCHER = """
import os, sys
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
open(sys.argv[1], "w").write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"""


@dataclass
class Run:
    """What a run of a binary left behind."""
    code: int
    out: str
    err: str
    peak_kib: int

    def __str__(self):
        return f"exit {self.code}, {self.peak_kib} KiB\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Certificates:
    """A CA of this test run and what it signs; made by openssl once, never stored in the tree."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = self._ca("ca")
        self.other_ca = self._ca("other-ca")
        self.good = self._signed("good", "IP:127.0.0.1,DNS:localhost")
        self.wrong_host = self._signed("wrong-host", "DNS:elsewhere.example")
        self.expired = self._signed("expired", "IP:127.0.0.1", begin="20200101000000Z", end="20200201000000Z")
        self.not_yet = self._signed("not-yet", "IP:127.0.0.1", begin="20900101000000Z", end="20910101000000Z")

    def _openssl(self, *args):
        subprocess.run(["openssl", *args], cwd=self.folder, check=True, capture_output=True)

    def _key(self, name):
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")

    def _ca(self, name):
        self._key(name)
        self._openssl("req", "-x509", "-new", "-key", f"{name}.key", "-days", "3650", "-subj", f"/CN={name}", "-out", f"{name}.pem",
                      "-addext", "keyUsage=critical,keyCertSign")
        return self.folder / f"{name}.pem"

    def _signed(self, name, names, begin=None, end=None):
        self._key(name)
        self._openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr")
        home = self.folder / f"{name}-db"
        home.mkdir()
        (home / "index.txt").write_text("")
        (home / "serial").write_text("01\n")
        (home / "ca.cnf").write_text(
            f"[ca]\ndefault_ca=d\n[d]\ndatabase={home}/index.txt\nserial={home}/serial\nnew_certs_dir={home}\ndefault_md=sha256\n"
            f"policy=p\n[p]\ncommonName=supplied\n[e]\nsubjectAltName={names}\n")
        dates = ["-startdate", begin, "-enddate", end] if begin else ["-days", "30"]
        self._openssl("ca", "-batch", "-config", str(home / "ca.cnf"), "-extensions", "e", "-cert", "ca.pem", "-keyfile", "ca.key",
                      "-in", f"{name}.csr", "-out", f"{name}.pem", "-notext", *dates)
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


class Double:
    """A running api_double."""

    def __init__(self, folder, certificate, rules, objects):
        self.log = folder / "requests.jsonl"
        self.secure = certificate is not None
        (folder / "script.json").write_text(json.dumps(rules))
        (folder / "objects.json").write_text(json.dumps(objects))
        command = [BUILD / "tests/cli/api_double", "--log", self.log, "--script", folder / "script.json", "--objects", folder / "objects.json"]
        if self.secure:
            command += ["--cert", certificate[0], "--key", certificate[1]]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        words = self.process.stdout.readline().split()
        assert words[:1] == ["listening"], "api_double did not start"
        self.address = f"127.0.0.1:{words[1]}"
        self.url = ("https://" if self.secure else "http://") + self.address

    def requests(self):
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def writes(self):
        """What would change the cluster: access reviews store nothing."""
        return [r for r in self.requests() if r["method"] != "GET" and "selfsubjectaccessreviews" not in r["target"]]

    def unknown(self):
        return [f'{r["method"]} {r["target"]}' for r in self.requests() if r["unknown"]]

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()


@pytest.fixture
def start_double(tmp_path, certificates):
    """start_double(rules=[], objects=[], certificate=...) -> Double. certificate None: plain HTTP. A request that no rule and not the
    store knows fails the test."""
    running = []

    def start(rules=(), objects=(), certificate="good"):
        folder = tmp_path / f"double{len(running)}"
        folder.mkdir()
        double = Double(folder, getattr(certificates, certificate) if certificate else None, list(rules), list(objects))
        running.append(double)
        return double

    yield start
    for double in running:
        double.stop()
    unknown = [request for double in running for request in double.unknown()]
    assert not unknown, f"requests that the double does not know: {unknown}"


@pytest.fixture
def make_kubeconfig(tmp_path, certificates):
    """make_kubeconfig(double, ca=..., user={...}, cluster={...}) -> path. The default user has a token."""

    def make(double, ca="ca", user=None, cluster=None, namespace="shop"):
        entry = {"server": double.url}
        if double.secure and ca:
            entry["certificate-authority-data"] = base64.b64encode(getattr(certificates, ca).read_bytes()).decode()
        entry.update(cluster or {})
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "double",
            "contexts": [{"name": "double", "context": {"cluster": "double", "user": "double", "namespace": namespace}}],
            "clusters": [{"name": "double", "cluster": entry}],
            "users": [{"name": "double", "user": {"token": "token-of-the-test"} if user is None else user}],
        }
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(config))
        path.chmod(0o600)
        return path

    return make


@pytest.fixture
def run(tmp_path):
    """run("snap", "list", ..., kubeconfig=path, timeout=60, env={}, input=None, after=(seconds, signal), measure=False) -> Run, in a
    clean home. peak_kib is 0 unless measure is set."""
    home = tmp_path / "home"
    home.mkdir()

    def go(plugin, *args, kubeconfig=None, timeout=60, env=None, input=None, after=None, measure=False):
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
        if kubeconfig:
            environment["KUBECONFIG"] = str(kubeconfig)
        environment.update(env or {})
        out, err, peak = tmp_path / "out", tmp_path / "err", tmp_path / "peak"
        command = [str(binary(plugin)), *args]
        if measure:
            command = ["/usr/bin/python3", "-SIc", LAUNCHER, str(peak)] + command
        with open(out, "wb") as out_file, open(err, "wb") as err_file:
            process = subprocess.Popen(command, cwd=home, env=environment, stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL, stdout=out_file, stderr=err_file)
        timers = [threading.Timer(timeout, process.kill)]
        if after:
            timers.append(threading.Timer(after[0], process.send_signal, [after[1]]))
        for timer in timers:
            timer.start()
        if input is not None:
            process.stdin.write(input.encode())
            process.stdin.close()
        process.wait()
        for timer in timers:
            timer.cancel()
        done = Run(process.returncode, out.read_bytes().decode(errors="surrogateescape"),
                   err.read_bytes().decode(errors="surrogateescape"), int(peak.read_text()) if measure else 0)
        assert done.code != -signal.SIGKILL, f"ran into the limit of {timeout} s\n{done}"
        return done

    return go
