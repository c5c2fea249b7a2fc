"""A token, a password and a Secret's value appear in no output, log, object, file or command line, even at -v=10."""
import base64
import os
import threading

import pytest
import yaml


PASSWORD = "canary-password-5e1f"     # literal in the pod template, under a name that says what it is
SECRET = "canary-secret-77ab"         # in a Secret that the pod reads
GIVEN = "canary-given-19c4"           # on a command line of ours, which refuses it
QUERY = "select x from t"


class CommandLines:
    """Every command line that any process of this machine has while the `with` lasts, as often as it can be read."""

    def __enter__(self):
        self.seen, self.ended = set(), threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while not self.ended.is_set():
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as file:
                        self.seen.add(file.read().decode(errors="replace"))
                except OSError:
                    pass  # it has ended
            self.ended.wait(0.005)

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


@pytest.fixture
def told(space, tmp_path):
    """A database with secrets, and a cluster whose credentials come from a token."""
    space.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "stringData": {"password": SECRET}})
    space.postgres(env=[{"name": "POSTGRES_PASSWORD", "value": PASSWORD},
                        {"name": "LOGIN", "valueFrom": {"secretKeyRef": {"name": "login", "key": "password"}}}])
    space.psql("postgres-0", "create table t as select 7 as x")
    everything = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    user = space.account("user", cluster_rules=everything)
    user.environment["TMPDIR"] = str(tmp_path)
    token = yaml.safe_load(user.kubeconfig.read_text())["users"][0]["user"]["token"]
    return user, token


def said_by_every_command(user):
    """Runs each command at -v=10 and gives what all of them have said."""
    said = []

    def run(*words, codes=(0,)):
        done = user.kubectl(*words, "-v=10", timeout=180)
        assert done.code in codes, done.text[-3000:]
        said.append(done.out + done.err)

    run("snap", "create", "sts/postgres", "--name", "one", "--wait", "ready", "--quiesce", "exec", "--pre", "echo $LOGIN; echo $POSTGRES_PASSWORD >&2",
        "--post", "true")
    run("snap", "list", "-o", "json")
    run("snap", "describe", "one", "-o", "json")
    run("snap", "doctor", "sts/postgres")
    run("restore", "drill", "one", "--query", QUERY, "--expect", "7")
    run("restore", "drill", "one", "--query", QUERY, "--expect", "8", codes=(6,))
    run("restore", "pvc/again", "--from", "one")
    run("clone", "sts/postgres", "twin")
    run("clone", "sts/postgres", "third", "--env", f"LOGIN={GIVEN}", "--env", f"URL=postgres://app:{GIVEN}@db/shop", codes=(3,))
    run("clone", "delete", "twin", "--yes")
    run("snap", "status")
    with user.start("restore", "open", "one", "-v=10") as opened:
        opened.wait_for(r"postgres(?:ql)?://\S+")
        opened.end()
        said += opened.out + opened.err
    run("restore", "gc", "--yes")
    run("snap", "delete", "one", "--yes", "--force")
    return "".join(said)


def traces(canary, text):
    return [form for form in (canary, base64.b64encode(canary.encode()).decode()) if form in text]


def test_no_secret_is_told_to_anyone(space, told, tmp_path):
    user, token = told
    with CommandLines() as lines:
        said = said_by_every_command(user)
        objects = space.kubectl("get", ",".join(k for k in space.cluster.namespaced_kinds()
                                               if k not in ("secrets", "pods", "statefulsets.apps", "controllerrevisions.apps")),
                                "-o", "yaml").expect().out
        objects += space.kubectl("get", "events", "-o", "yaml").expect().out
        objects += space.cluster.kubectl("get", "pv,volumesnapshotcontent", "-o", "yaml").expect().out
    template = space.kubectl("get", "statefulset/postgres", "-o", "yaml").out
    assert traces(PASSWORD, template), "the canary is where the user has put it, so a trace of it would be seen"
    assert any("kubectl-restore" in line for line in lines.seen), "command lines are seen"
    assert "GET" in said, "-v=10 says what is asked"
    files = "".join(p.read_text(errors="replace") for p in [*tmp_path.rglob("*"), *(space.cluster.home / ".kube").rglob("*")] if p.is_file())
    places = {"output": said, "objects": objects, "files": files, "command lines": "\n".join(lines.seen)}
    for name, canary in (("token", token), ("password", PASSWORD), ("Secret", SECRET), ("value of --env", GIVEN)):
        for place, text in places.items():
            if canary == GIVEN and place == "command lines":
                continue  # its user put it there
            assert not traces(canary, text), f"the {name} stands in {place}: {around(canary, text)}"


def around(canary, text):
    """Where it stands, without repeating it."""
    at = text.find(traces(canary, text)[0])
    return repr(text[max(0, at - 200):at]) + "…"
