"""Completion: the protocol that kubectl and our scripts speak, and the scripts in real shells (bash, zsh and fish)."""
import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

from conftest import BUILD, PLUGINS, binary


def claim(name):
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "shop"}}


def sized(kind, api, name, namespace="shop"):
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **({"namespace": namespace} if namespace else {})}}


OBJECTS = [claim("data-postgres-0"), claim("data-postgres-1"), claim("other"), sized("StatefulSet", "apps/v1", "postgres"),
           sized("Namespace", "v1", "shop", None), sized("Namespace", "v1", "prod", None),
           sized("VolumeSnapshotClass", "snapshot.storage.k8s.io/v1", "fast", None),
           sized("VolumeSnapshot", "snapshot.storage.k8s.io/v1", "foreign"),
           {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "holdfast-set-nightly", "namespace": "shop", "labels": {"holdfast.dev/role": "set"}}},
           *({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"holdfast-op-{name}", "namespace": "shop", "labels": {"holdfast.dev/role": role}}}
             for name, role in (("in-place-postgres-7k2mx", "journal"), ("undo-postgres-8p3ny", "journal"),
                                ("in-place-postgres-7k2mx.0123456789abcdef", "journal-shard")))]


@pytest.fixture
def offered(start_double, make_kubeconfig, run):
    """offered("snap", "create", "sts/") -> the candidates and the directive."""
    config = make_kubeconfig(start_double(objects=OBJECTS))

    def go(plugin, *words):
        done = run(plugin, "__complete", *words, kubeconfig=config)
        assert (done.code, done.err) == (0, ""), done
        *lines, directive = done.out.splitlines()
        assert re.fullmatch(r":\d+", directive), done
        return [line.split("\t")[0] for line in lines], int(directive[1:])

    return go


def test_commands_with_their_summaries(run):
    done = run("snap", "__complete", "")
    assert re.search(r"^create\tSnapshot ", done.out, re.M)
    assert re.search(r"^rbac\t", done.out, re.M)
    assert not re.search(r"^options", done.out, re.M)
    assert done.out.endswith(":4\n")


@pytest.mark.parametrize("words, wanted", [
    (["create", "sts/"], ["sts/postgres"]),
    (["create", "pvc/data"], ["pvc/data-postgres-0", "pvc/data-postgres-1"]),
    (["sts/p"], ["sts/postgres"]),
    (["create", "pvc/other", "-n", ""], ["prod", "shop"]),
    (["create", "pvc/other", "--namespace=p"], ["--namespace=prod"]),
    (["create", "pvc/other", "--snapshot-class", ""], ["fast"]),
    (["describe", ""], ["nightly", "vs/"]),
    (["describe", "vs/"], ["vs/foreign"]),
    (["list", "--context", ""], ["double"]),
    (["list", "-o", ""], ["table", "wide", "json", "yaml", "name"]),
    (["completion", ""], ["bash", "zsh", "fish", "kubectl"]),
    (["create", "--wait="], ["--wait=cut", "--wait=ready"]),
])
def test_names_and_values(offered, words, wanted):
    assert sorted(offered("snap", *words)[0]) == sorted(wanted)


@pytest.mark.parametrize("words, wanted", [
    (["sts/"], ["sts/postgres"]),
    (["in-place", "sts/p"], ["sts/postgres"]),
    (["in-place", "pvc/data"], ["pvc/data-postgres-0", "pvc/data-postgres-1"]),
    (["sts/postgres", "--in-place", "--from", ""], ["nightly", "vs/"]),
    (["sts/postgres", "--in-place", "--from", "vs/"], ["vs/foreign"]),
    (["sts/postgres", "--in-place", "--claim", "data"], ["data-postgres-0", "data-postgres-1"]),
    (["sts/postgres", "--in-place", "--ac"], ["--accept-skew"]),
    (["undo", ""], ["in-place-postgres-7k2mx", "undo-postgres-8p3ny"]),
    (["undo", "in"], ["in-place-postgres-7k2mx"]),
    (["finalize", "undo"], ["undo-postgres-8p3ny"]),
    (["resume", "in-place-"], ["in-place-postgres-7k2mx"]),
    (["finalize", "--"], None),
])
def test_restore_in_place_undo_and_finalize(offered, words, wanted):
    found = offered("restore", *words)[0]
    if wanted is None:
        assert {"--yes", "--dry-run"} <= set(found) and "--from" not in found
    else:
        assert sorted(found) == sorted(wanted)


def test_types_are_offered_without_a_space_after_them(offered):
    words, directive = offered("snap", "create", "")
    assert words == ["sts/", "deploy/", "pod/", "pvc/"]
    assert directive & 2


def test_our_flags_and_the_connection_flags(offered):
    words, _ = offered("snap", "create", "--")
    assert {"--snapshot-class", "--kubeconfig", "--dry-run", "--help"} <= set(words)
    assert offered("snap", "create", "--snapshot")[0] == ["--snapshot-class"]


@pytest.mark.parametrize("plugin", PLUGINS)
def test_the_link_that_kubectl_runs(run, tmp_path, plugin):
    link = tmp_path / f"kubectl_complete-{plugin.replace('-', '_')}"
    link.symlink_to(binary(plugin))
    done = subprocess.run([link, "vers"], capture_output=True, text=True, timeout=60, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    assert (done.returncode, done.stdout, done.stderr) == (0, "version\tPrint the version\n:4\n", "")


def test_a_server_that_does_not_answer_costs_a_second_and_says_nothing(start_double, make_kubeconfig, run):
    double = start_double([{"method": "GET", "path": ".*", "reply": {"body": "{}", "delay_ms": 20000}}])
    began = time.monotonic()
    done = run("snap", "__complete", "create", "sts/", kubeconfig=make_kubeconfig(double))
    assert time.monotonic() - began < 3  # 0.9 s, on a machine that may be busy
    assert done.err == ""
    assert done.out in ("", ":4\n")


def test_a_credential_plugin_that_hangs_costs_a_second_and_says_nothing(start_double, make_kubeconfig, run, tmp_path):
    double = start_double(objects=OBJECTS)
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sleep", "args": ["30"], "interactiveMode": "Never"}}
    began = time.monotonic()
    done = run("snap", "__complete", "create", "sts/", kubeconfig=make_kubeconfig(double, user=user))
    assert time.monotonic() - began < 3
    assert done.err == ""
    assert double.requests() == []


def test_no_kubeconfig_says_nothing(run):
    done = run("snap", "__complete", "create", "pvc/", env={"KUBECONFIG": "/nonexistent"})
    assert done.err == ""


# In real shells: what is on the line after the tab key.

def environment(tmp_path, kubeconfig):
    fake = tmp_path / "bin"
    fake.mkdir(exist_ok=True)
    kubectl = fake / "kubectl"  # only its name is completed
    kubectl.write_text("#!/bin/sh\n")
    kubectl.chmod(0o755)
    return {"PATH": f"{BUILD}/bin:{fake}:/usr/bin:/bin", "HOME": str(tmp_path), "KUBECONFIG": str(kubeconfig), "TERM": "dumb", "LANG": "C.UTF-8"}


class Terminal:
    """A shell on a terminal."""

    def __init__(self, command, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, env)
        self.shown = ""

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, pattern, seconds=30):
        limit = time.monotonic() + seconds
        while not re.search(pattern, self.shown):
            ready, _, _ = select.select([self.fd], [], [], max(0, limit - time.monotonic()))
            assert ready, f"{pattern!r} was not shown: {self.shown!r}"
            try:
                self.shown += os.read(self.fd, 65536).decode(errors="replace").replace("\a", "")
            except OSError:
                raise AssertionError(f"the shell ended: {self.shown!r}")
        found, self.shown = self.shown, ""
        return found

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "bind 'set enable-bracketed-paste off'; PS1='ready$ '; source <(kubectl-snap completion bash)\n"),
    "zsh": (["zsh", "-f", "-i"], "PS1='ready$ '; unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; source <(kubectl-snap completion zsh)\n"),
}
LINES = [
    ("kubectl-snap creat", r"kubectl-snap create "),
    ("kubectl snap creat", r"kubectl snap create "),
    ("kubectl snap create sts/pos", r"kubectl snap create sts/postgres "),
    ("kubectl snap create --snapshot-class=fa", r"kubectl snap create --snapshot-class=fast"),
    ("kubectl snap create -n pro", r"kubectl snap create -n prod "),
    ("kubectl snap describe night", r"kubectl snap describe nightly "),
    ("kubectl snap create pvc/data", r"kubectl snap create pvc/data-postgres-"),
]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes(start_double, make_kubeconfig, tmp_path, shell):
    assert shutil.which(shell), f"{shell} is missing: tests/setup/deps test"
    config = make_kubeconfig(start_double(objects=OBJECTS))
    command, setup = SHELLS[shell]
    terminal = Terminal(command, environment(tmp_path, config))
    try:
        terminal.type(setup)
        terminal.type("echo set''up\n")
        terminal.wait_for(r"setup\r?\n(.|\n)*ready\$ ")
        for typed, completed in LINES:
            terminal.type(typed + "\t")
            terminal.wait_for(re.escape(completed))
            terminal.type("\x15")  # clears the line
            terminal.type("echo ne''xt\n")
            terminal.wait_for(r"next\r?\n(.|\n)*ready\$ ")
    finally:
        terminal.close()


@pytest.mark.parametrize("typed, wanted", [
    ("kubectl-snap creat", "create\tSnapshot the claims of workloads as one set"),
    ("kubectl snap creat", "create\tSnapshot the claims of workloads as one set"),
    ("kubectl snap create sts/pos", "sts/postgres"),
    ("kubectl snap create -n pro", "prod"),
    ("kubectl snap create --snapshot-class=fa", "--snapshot-class=fast"),
])
def test_fish_completes(start_double, make_kubeconfig, tmp_path, typed, wanted):
    assert shutil.which("fish"), "fish is missing: tests/setup/deps test"
    config = make_kubeconfig(start_double(objects=OBJECTS))
    done = subprocess.run(["fish", "--no-config", "-c", f"kubectl-snap completion fish | source; complete -C '{typed}'"], capture_output=True, text=True,
                          timeout=120, env=environment(tmp_path, config))
    assert wanted in done.stdout.splitlines(), done
