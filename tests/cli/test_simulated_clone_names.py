"""Clones that meet: two under one name, and two that live on one Secret."""
import json
import re

import pytest

from simulated_cluster import SPACE, cluster, difference, refusal, writes

ELSEWHERE = ("--to-namespace", "elsewhere")


def operation_of(cluster, kind, name):
    return cluster.get(kind, name)["metadata"]["labels"]["holdfast.dev/operation"]


def test_a_name_that_another_clone_has_is_refused_before_any_write(cluster):
    """None of its objects would be in the way of another: `delete` takes a clone by its name."""
    cluster.run("clone", "deploy/files", "staging")
    cluster.settle()
    cluster.requests()
    done = cluster.run("clone", "sts/postgres", "staging", code=3)
    assert done.err == (
        f"error: a clone is called staging already in namespace bookstore: pvc/bookstore/staging-files is a part of it (made by operation "
        f"{operation_of(cluster, 'pvc', 'staging-files')}), and delete would take both; nothing was changed\n"
        "choose another name; what there is: kubectl clone list -n bookstore\n"), done
    assert writes(cluster.requests()) == []
    cluster.run("clone", "sts/postgres", "staging", *ELSEWHERE)  # in another namespace it is another clone


def test_a_copy_of_a_part_of_a_clone_under_another_name_is_no_clone_of_that_name(cluster):
    cluster.run("clone", "pvc/data-postgres-0", "staging")
    made = cluster.get("pvc", "staging")
    metadata = {**{key: made["metadata"][key] for key in ("labels", "annotations")}, "name": "theirs", "namespace": SPACE}
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": made["spec"]["resources"]}
    cluster.write("POST", "pvc", "", {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})
    cluster.write("DELETE", "pvc", "staging", {})
    cluster.settle()
    cluster.run("clone", "sts/postgres", "staging", "--replicas", "1")


def cut_off(cluster, *line):
    """Begun, and killed before anything of it was made but its journal: its operation."""
    cluster.rules({"method": "POST", "path": "/volumesnapshots", "reply": {"announce": True, "drop": True, "delay_ms": 600000}})
    started = cluster.start("clone", *line)
    cluster.arrived.get(timeout=60)
    assert started.kill().code == -9
    cluster.rules()
    return next(one["metadata"]["labels"]["holdfast.dev/operation"] for one in cluster.get("configmap")["items"]
                if one["metadata"]["name"].startswith("holdfast-op-"))


def another_of_that_name(cluster):
    """From a source beside the clone, whose journal is not where the first one's is: its operation."""
    spec = {key: cluster.get("pvc", "data-postgres-0")["spec"][key] for key in ("accessModes", "storageClassName", "resources")}
    theirs = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "theirs", "namespace": "elsewhere"}, "spec": spec}
    cluster.write("POST", "pvc", "", theirs, space="elsewhere")
    cluster.settle()
    cluster.run("clone", "pvc/theirs", "staging", "-n", "elsewhere")
    return cluster.get("pvc", "staging", space="elsewhere")["metadata"]["labels"]["holdfast.dev/operation"]


def test_two_clones_that_got_one_name_at_one_time_are_told_apart_and_deleted_one_by_one(cluster):
    first = cut_off(cluster, "pod/postgres-0", "staging", *ELSEWHERE)
    second = another_of_that_name(cluster)
    cluster.run("clone", "resume", first)
    listed = {one["operation"]: one["from"] for one in json.loads(cluster.run("clone", "list", "-n", "elsewhere", "-o", "json").out)["items"]}
    assert listed == {first: "pvc/bookstore/data-postgres-0,wal-postgres-0", second: "pvc/elsewhere/theirs"}
    cluster.settle()
    cluster.requests()
    refused = cluster.run("clone", "delete", "staging", "-n", "elsewhere", "--yes", code=3)
    each = sorted(listed.items())
    assert refused.err == (
        "error: namespace elsewhere has more than one clone staging: "
        + ", ".join(f"of {source} by operation {operation}" for operation, source in each)
        + f"; nothing was changed\nsay which: kubectl clone delete staging -n elsewhere --operation {each[0][0]}\n"), refused
    assert writes(cluster.requests()) == []
    cluster.run("clone", "delete", "staging", "-n", "elsewhere", "--operation", second, "--yes")
    left = {claim["metadata"]["name"] for claim in cluster.get("pvc", space="elsewhere")["items"]}
    assert left == {"theirs", "staging-data-postgres-0", "staging-wal-postgres-0"}
    cluster.run("clone", "delete", "staging", "-n", "elsewhere", "--yes")
    assert [claim["metadata"]["name"] for claim in cluster.get("pvc", space="elsewhere")["items"]] == ["theirs"]


def test_a_workload_whose_clone_s_name_was_taken_meanwhile_is_not_made_and_can_be_taken_back(cluster):
    first = cut_off(cluster, "sts/postgres", "staging", "--replicas", "1", *ELSEWHERE)
    second = another_of_that_name(cluster)
    before = cluster.state()
    stopped = cluster.run("clone", "resume", first, code=4)
    assert (f"a clone is called staging already in namespace elsewhere: pvc/elsewhere/staging is a part of it (made by operation {second}) since this one "
            "was begun, and what selects the one's pods would select the other's; the source is intact\n"
            f"take this one back: kubectl clone abort {first} -n bookstore\n") in stopped.err, stopped
    assert cluster.get("sts", "staging", space="elsewhere") is None
    cluster.run("clone", "abort", first, "--yes")
    gone = [line for line in difference(before, cluster.state()) if "holdfast-op-" not in line]
    assert not any(line.startswith("missing: ") and "staging" in line for line in gone), gone
    assert cluster.get("pvc", "staging", space="elsewhere") is not None
    cluster.run("clone", "delete", "staging", "-n", "elsewhere", "--yes")


def test_which_clone_of_a_name_is_meant_can_be_said_of_one_name_only(cluster):
    refused = cluster.run("clone", "delete", "alpha", "beta", "--operation", "clone-alpha-1", "--yes", code=2)
    assert "--operation says which clone of one name is meant: give one name" in refused.err, refused
    cluster.run("clone", "pvc/data-postgres-0", "alpha")
    none = cluster.run("clone", "delete", "alpha", "--operation", "clone-alpha-1", "--yes", code=1)
    assert none.err.startswith("error: no clone alpha in namespace bookstore made by operation clone-alpha-1; nothing was changed\n"), none
    assert cluster.get("pvc", "alpha") is not None


def two_on_one_secret(cluster, optional=False):
    """Clones in another namespace, of which the second one lives on what the first one brought."""
    for kind, name, data in (("configmap", "settings", {"A": "1"}), ("secret", "password", {"B": "Mg=="})):
        cluster.write("POST", kind, "", {"apiVersion": "v1", "kind": {"configmap": "ConfigMap", "secret": "Secret"}[kind],
                                         "metadata": {"name": name, "namespace": SPACE}, "data": data})
    container = cluster.get("deploy", "files")["spec"]["template"]["spec"]["containers"][0]
    named = [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "password"}}]
    container = {**container, "env": [], "envFrom": [{key: {**value, "optional": optional} for key, value in one.items()} for one in named]}
    cluster.write("PATCH", "deploy", "files", {"spec": {"template": {"spec": {"containers": [container]}}}})
    for name in ("alpha", "beta"):
        cluster.run("clone", "deploy/files", name, *ELSEWHERE, "--copy-configmaps", "settings", "--copy-secrets", "password")


def copied(cluster):
    return [kind for kind, name in (("configmap", "settings"), ("secret", "password")) if cluster.get(kind, name, space="elsewhere")]


@pytest.mark.parametrize("optional", [False, True])
@pytest.mark.parametrize("replicas", [1, 0])
def test_clone_delete_leaves_the_secret_that_another_clone_lives_on(cluster, optional, replicas):
    two_on_one_secret(cluster, optional)
    cluster.write("PATCH", "deploy", "beta", {"spec": {"replicas": replicas}}, space="elsewhere")
    cluster.settle()
    done = cluster.run("clone", "delete", "alpha", "-n", "elsewhere", "--yes")
    told = " ".join(done.err.split())
    for kind, name, short in (("configmap", "settings", "configmap"), ("secret", "password", "secret")):
        assert re.search(fr"{short}/elsewhere/{name} is left: (deploy/elsewhere/beta|pod/elsewhere/beta-\S+) needs it; once nothing does: "
                         fr"kubectl delete {kind} {name} -n elsewhere", told), done
    assert cluster.get("deploy", "alpha", space="elsewhere") is None and cluster.get("pvc", "alpha-files", space="elsewhere") is None
    assert copied(cluster) == ["configmap", "secret"]
    cluster.run("clone", "delete", "beta", "-n", "elsewhere", "--yes")
    assert cluster.get("deploy", "beta", space="elsewhere") is None and copied(cluster) == ["configmap", "secret"]


POD = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox", "envFrom": [{"secretRef": {"name": "password"}}],
                                                 "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "A"}}}]}]}
USERS = {"daemonset": ("apps/v1", "DaemonSet", {"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": POD}}}),
         "job": ("batch/v1", "Job", {"spec": {"template": {"spec": POD}}}),
         "cronjob": ("batch/v1", "CronJob", {"spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": POD}}}}}),
         "serviceaccount": ("v1", "ServiceAccount", {"imagePullSecrets": [{"name": "password"}]}),
         "ingress": ("networking.k8s.io/v1", "Ingress", {"spec": {"tls": [{"secretName": "password"}]}})}


def user(cluster, kind, **more):
    version, called, rest = USERS[kind]
    cluster.write("POST", kind, "", {"apiVersion": version, "kind": called, "metadata": {"name": "other", "namespace": "elsewhere"}, **rest, **more},
                  space="elsewhere")


def one_with_a_secret(cluster):
    two_on_one_secret(cluster)
    cluster.write("DELETE", "deploy", "beta", {}, space="elsewhere")
    cluster.settle()


@pytest.mark.parametrize("kind", USERS)
def test_clone_delete_leaves_what_something_else_than_a_workload_needs(cluster, kind):
    one_with_a_secret(cluster)
    user(cluster, kind)
    done = cluster.run("clone", "delete", "alpha", "-n", "elsewhere", "--yes")
    told = " ".join(done.err.split())
    secret_only = kind in ("serviceaccount", "ingress")
    assert f"secret/elsewhere/password is left: {kind}/elsewhere/other needs it; once nothing does: kubectl delete secret password -n elsewhere" in told, done
    assert (f"configmap/elsewhere/settings is left: {kind}/elsewhere/other needs it" in told) != secret_only, done
    assert copied(cluster) == (["secret"] if secret_only else ["configmap", "secret"])


def test_a_job_that_has_ended_needs_nothing(cluster):
    one_with_a_secret(cluster)
    user(cluster, "job", status={"conditions": [{"type": "Complete", "status": "True"}]})
    cluster.run("clone", "delete", "alpha", "-n", "elsewhere", "--yes")
    assert copied(cluster) == []


@pytest.mark.parametrize("plural, left", [("daemonsets", ["configmap", "secret"]), ("jobs", ["configmap", "secret"]), ("cronjobs", ["configmap", "secret"]),
                                          ("serviceaccounts", ["secret"]), ("ingresses", ["secret"])])
def test_what_may_be_needed_by_something_that_may_not_be_listed_is_left(cluster, plural, left):
    one_with_a_secret(cluster)
    cluster.rules({"method": "GET", "path": f".*/namespaces/elsewhere/{plural}(\\?.*)?", "reply": refusal("may not")})
    done = cluster.run("clone", "delete", "alpha", "-n", "elsewhere", "--yes")
    told = " ".join(done.err.split())
    for kind, name in (("configmap", "settings"), ("secret", "password")):
        line = f"{kind}/elsewhere/{name} is left: whether something else needs it could not be seen (not allowed to list {plural}"
        assert (line in told) == (kind in left), done
    assert copied(cluster) == left
    assert cluster.get("deploy", "alpha", space="elsewhere") is None


def test_an_ingress_that_sends_to_a_clone_is_told_of(cluster):
    cluster.run("clone", "sts/postgres", "staging", *ELSEWHERE, "--replicas", "1")
    service = cluster.get("sts", "staging", space="elsewhere")["spec"]["serviceName"]
    backend = {"backend": {"service": {"name": service, "port": {"number": 5432}}}, "path": "/", "pathType": "Prefix"}
    cluster.write("POST", "ingress", "", {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "other", "namespace": "elsewhere"},
                                          "spec": {"rules": [{"http": {"paths": [backend]}}]}}, space="elsewhere")
    done = cluster.run("clone", "delete", "staging", "-n", "elsewhere", "--yes")
    assert f"ingress/elsewhere/other sends to service/{service}, which goes with the clone" in " ".join(done.err.split()), done
    assert cluster.get("service", service, space="elsewhere") is None


def test_what_a_deleted_clone_has_left_is_no_clone(cluster):
    two_on_one_secret(cluster)
    cluster.run("clone", "delete", "alpha", "-n", "elsewhere", "--yes")
    assert copied(cluster) == ["configmap", "secret"]
    listed = cluster.run("clone", "list", "-n", "elsewhere", "-o", "name")
    assert listed.out.split() == ["clone/beta"], listed
    again = cluster.run("clone", "delete", "alpha", "-n", "elsewhere", "--yes", code=None)
    assert again.code != 0 and "no clone alpha in namespace elsewhere" in again.err, again
    cluster.run("clone", "pvc/data-postgres-0", "alpha", *ELSEWHERE)
    cluster.run("clone", "delete", "alpha", "-n", "elsewhere", "--yes")
    assert cluster.get("pvc", "alpha", space="elsewhere") is None


def test_what_two_clones_live_on_goes_with_both_of_them(cluster):
    two_on_one_secret(cluster)
    cluster.run("clone", "delete", "alpha", "beta", "-n", "elsewhere", "--yes")
    assert copied(cluster) == []
