"""scratch"""
import base64, json, os
import pytest
from simulated_cluster import SPACE, cluster, refusal, writes, REAL, GROUPS
def show(x): print(json.dumps(x, indent=1))

def short(done): print("EXIT", done.code); print("OUT", done.out[-1500:]); print("ERR", done.err[-2500:])

def test_e1(cluster):
    a = cluster.folder / "mask.sql"
    a.write_text("update a set b = 1")
    cluster.start_and_kill("clone", ["pvc/data-postgres-0", "copy", "--sql", "mask.sql"], "POST", ".*/persistentvolumeclaims")
    short(cluster.run("clone", "status", code=None))
    a.write_text("select 'something else'")
    op = cluster.run("clone", "status", "-o", "name", code=None).out.strip()
    print(op)
    done = cluster.run("clone", "resume", op.split("/")[-1], code=None); short(done)
    a.unlink()
    done = cluster.run("clone", "resume", op.split("/")[-1], code=None); short(done)
    done = cluster.run("clone", "abort", op.split("/")[-1], "--yes", code=None); short(done)

@pytest.mark.parametrize("hard", [{"pods": "0"}, {"count/statefulsets.apps": "0"}, {"count/services": "0"}])
def test_e2(cluster, hard):
    cluster.write("POST", "quota", "", {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small", "namespace": "elsewhere"}, "spec": {"hard": hard}, "status": {"hard": hard, "used": {k: "0" for k in hard}}}, space="elsewhere")
    done = cluster.run("clone", "sts/postgres", "copy", "--to-namespace", "elsewhere", "--replicas", "1", "--timeout", "5s", code=None); short(done)

def test_e3(cluster):
    cluster.write("PATCH", "deploy", "files", {"spec": {"paused": True}})
    done = cluster.run("clone", "deploy/files", "papers", "--timeout", "5s", code=None); short(done)

def test_e5(cluster):
    value = base64.b64encode(b"topsecretvalue").decode()
    cluster.write("POST", "secret", "", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "password", "namespace": SPACE}, "data": {"password": value}})
    cluster.requests()
    done = cluster.run("clone", "deploy/files", "papers", "--to-namespace", "elsewhere", "--copy-secrets", "password", "-o", "yaml", "-v", "9", code=None); short(done)
    assert value not in done.out + done.err and "topsecretvalue" not in done.out + done.err
    for r in cluster.requests():
        if value in r["body"] or "topsecretvalue" in r["body"]: print("LEAK", r["method"], r["target"])

@pytest.mark.parametrize("words", [("sts/postgres", "c" * 52), ("deploy/files", "c" * 63), ("pod/postgres-0", "c" * 63), ("pvc/data-postgres-0", "c"*63), ("sts/postgres", "c"*53), ("deploy/files", "c"*64)])
def test_e8(cluster, words):
    done = cluster.run("clone", *words, code=None); short(done)
    short(cluster.run("clone", "list", "-o", "wide", code=None))
    short(cluster.run("clone", "delete", words[1], "--yes", code=None))
    short(cluster.run("clone", "list", code=None))
