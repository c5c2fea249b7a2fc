"""The real kubectl and our tool side by side. There is no skipping: without a kubectl these tests fail."""
import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TOOL = ROOT / "build/dev/tests/differential/kubeconfig_tool"


def find_kubectl():
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "holdfast-cluster"
    places = [os.environ.get("HOLDFAST_KUBECTL")]
    places += [f"{folder}/bin/kubectl" for folder in (os.environ.get("HOLDFAST_CLUSTER_DIR"), cache) if folder]
    for place in places:
        if place and os.access(place, os.X_OK):
            return place
    pytest.fail(f"no kubectl in {', '.join(p for p in places if p)}: run tests/cluster/up once, or set HOLDFAST_KUBECTL")


@pytest.fixture(scope="session")
def kubectl_path():
    return find_kubectl()


@pytest.fixture
def world(tmp_path, kubectl_path):
    return World(tmp_path, kubectl_path)


class World:
    """A home directory of its own, in which kubectl and our tool run with the same environment."""

    def __init__(self, folder, kubectl_path):
        self.folder = folder
        self.kubectl_path = kubectl_path
        self.environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "GOGC": "1000"}  # kubectl ends before it has much garbage

    def run(self, argv, text=None):
        done = subprocess.run([str(a) for a in argv], input=text or b"", capture_output=True, cwd=self.folder,
                              env=self.environment, timeout=60)
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def kubectl(self, *argv):
        return self.run([self.kubectl_path, *argv])

    def tool(self, *argv, text=None):
        return self.run([TOOL, *argv], text)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path


def parsed(text):
    """JSON with numbers as values, so that 1e3 and 1000 are the same."""
    return json.loads(text, parse_int=lambda digits: int(digits) if -2**63 <= int(digits) < 2**64 else float(digits))
