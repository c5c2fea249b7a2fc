"""kubectl clone over real HTTPS on the simulated cluster."""
import json
import re

import pytest

from schema import conform, schema_of
from simulated_cluster import SPACE, Cluster, cluster, difference, writes

SPARE = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "spare"}, "status": {"phase": "Available"}, "spec": {
    "capacity": {"storage": "4Gi"}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem",
    "csi": {"driver": "fast.csi.hf.test", "volumeHandle": "a-stranger"}}}


def cloned(tmp_path, certificates, of_class, code):
    volume = {**SPARE, "spec": {**SPARE["spec"], "storageClassName": of_class}}
    cluster = Cluster(tmp_path / of_class, certificates, objects=[volume])
    try:
        source = cluster.get("pvc", "data-postgres-0")["spec"]["storageClassName"]
        cluster.requests()
        done = cluster.run("clone", "pvc/data-postgres-0", "copy", code=code)
        return source, done, writes(cluster.requests())
    finally:
        cluster.stop()


def test_a_free_volume_that_the_copy_would_get_is_refused_before_any_write(tmp_path, certificates):
    source, _, _ = cloned(tmp_path, certificates, "another", 0)  # one of another class is nobody's rival
    _, done, writes = cloned(tmp_path, certificates, source, 3)
    assert "pv/spare is free" in done.err and "nothing was changed" in done.err, done
    assert writes == []


def claims_of(cluster, name):
    return {c["metadata"]["name"]: c["metadata"] for c in cluster.get("pvc")["items"] if f"-{name}-" in c["metadata"]["name"]}


def test_the_claims_of_a_clone_are_found_by_its_selector_as_those_that_its_controller_makes_are(cluster):
    cluster.run("clone", "sts/postgres", "staging", "--replicas", "1")
    wanted = cluster.get("sts", "staging")["spec"]["selector"]["matchLabels"].items()
    claims = claims_of(cluster, "staging")
    assert set(claims) == {"data-staging-0", "wal-staging-0"}
    assert all(wanted <= claim["labels"].items() for claim in claims.values()), claims
    cluster.run("pvc-expand", "sts/staging", "--size", "2Gi", "--yes")
    assert {cluster.get("pvc", name)["status"]["capacity"]["storage"] for name in claims} == {"2Gi"}


def test_clone_delete_names_the_claims_that_the_clone_has_made_itself_and_leaves_them(cluster):
    cluster.run("clone", "sts/postgres", "staging", "--replicas", "1")
    cluster.write("PATCH", "sts", "staging", {"spec": {"replicas": 2}})
    cluster.settle()
    assert len(claims_of(cluster, "staging")) == 4
    done = cluster.run("clone", "delete", "staging", "--yes")
    assert set(claims_of(cluster, "staging")) == {"data-staging-1", "wal-staging-1"}
    told = " ".join(done.err.split())
    for name in ("data-staging-1", "wal-staging-1"):
        assert f"pvc/bookstore/{name} is left: the clone's StatefulSet made it" in told, done
        assert f"kubectl delete pvc {name} -n bookstore" in told, done


def test_clone_delete_is_refused_while_a_neighbour_whose_name_begins_with_its_own_uses_a_claim(cluster):
    cluster.run("clone", "deploy/files", "papers")
    web = cluster.get("deploy", "papers")
    cluster.write("POST", "deploy", "", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "papers-web", "namespace": SPACE}, "spec": {
        "replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}}, "spec": web["spec"]["template"]["spec"]}}})
    cluster.settle()
    refused = cluster.run("clone", "delete", "papers", "--yes", code=3)
    assert "pod/bookstore/papers-web-" in refused.err and "uses pvc/bookstore/papers-files" in refused.err, refused
    assert cluster.get("deploy", "papers") is not None


def test_a_config_map_that_source_and_clone_both_name_is_read_once(cluster):
    """Variables from it are looked at for what ties the clone to its source."""
    cluster.write("POST", "configmap", "", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": SPACE}, "data": {"PATRONI_SCOPE": "shop"}})
    spec = cluster.get("deploy", "files")["spec"]["template"]["spec"]
    spec["containers"][0]["envFrom"] = [{"configMapRef": {"name": "settings"}}]
    cluster.write("PATCH", "deploy", "files", {"spec": {"template": {"spec": {"containers": spec["containers"]}}}})
    cluster.settle()
    cluster.requests()
    refused = cluster.run("clone", "deploy/files", "papers", code=3)
    assert "is Patroni (env PATRONI_SCOPE of container" in " ".join(refused.err.split()), refused
    assert [r["method"] for r in cluster.requests() if r["target"].partition("?")[0].endswith("/configmaps/settings")] == ["GET"]


def test_what_the_line_asks_for_is_what_is_made(cluster):
    made = cluster.run("clone", "sts/postgres", "third", "--ordinals", "1=3", "--storage-class", "later", "--size", "2Gi", "--env", "ROLE=copy", "--set",
                       "spec.template.spec.terminationGracePeriodSeconds=3", "--ttl", "48h", "-o", "json")
    assert {c["name"] for c in json.loads(made.out)["claims"]} == {"data-third-3", "wal-third-3"}
    for name, claim in claims_of(cluster, "third").items():
        spec = cluster.get("pvc", name)["spec"]
        assert (spec["storageClassName"], spec["resources"]["requests"]["storage"]) == ("later", "2Gi"), claim
    workload = cluster.get("sts", "third")["spec"]
    assert (workload["replicas"], workload["ordinals"]["start"], workload["template"]["spec"]["terminationGracePeriodSeconds"]) == (1, 3, 3)
    assert {"name": "ROLE", "value": "copy"} in workload["template"]["spec"]["containers"][0]["env"]
    for one in workload["volumeClaimTemplates"]:  # of an ordinal that comes later
        assert (one["spec"]["storageClassName"], one["spec"]["resources"]["requests"]["storage"]) == ("later", "2Gi")
    assert cluster.get("service", "third")["spec"]["clusterIP"] == "None"
    (listed,) = json.loads(cluster.run("clone", "list", "-o", "json").out)["items"]
    assert (listed["expired"], listed["name"], listed["from"]) == (False, "third", "sts/bookstore/postgres") and listed["expires"]
    assert re.search(r"^third +sts/bookstore/postgres +2 +4Gi +in (47h|2d)", cluster.run("clone", "list").out, re.M)


def test_each_template_of_several_is_copied_as_its_own_claims_are(cluster):
    asked = {"data": ("fast", "1Gi"), "log": ("later", "2Gi")}
    templates = [{"metadata": {"name": name}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": of_class, "resources": {"requests": {"storage": size}}}}
                 for name, (of_class, size) in asked.items()]
    container = {"name": "main", "image": "registry.example/busybox:1", "volumeMounts": [{"name": name, "mountPath": f"/{name}"} for name in asked]}
    cluster.write("POST", "sts", "", {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "pair", "namespace": SPACE}, "spec": {
        "replicas": 1, "serviceName": "pair", "selector": {"matchLabels": {"app": "pair"}}, "volumeClaimTemplates": templates,
        "template": {"metadata": {"labels": {"app": "pair"}}, "spec": {"containers": [container]}}}})
    cluster.settle()
    cluster.run("clone", "sts/pair", "copy")
    told = {one["metadata"]["name"]: one["spec"] for one in cluster.get("sts", "copy")["spec"]["volumeClaimTemplates"]}
    for name, wanted in asked.items():
        for spec in (cluster.get("pvc", f"{name}-copy-0")["spec"], told[name]):
            assert (spec["storageClassName"], spec["resources"]["requests"]["storage"]) == wanted, name


def test_a_clone_past_its_time_is_shown_so_and_left(cluster):
    cluster.run("clone", "pvc/data-postgres-0", "old", "--ttl", "1ms")
    listed = cluster.run("clone", "list")
    assert re.search(r"^old .* expired \S+ ago ", listed.out, re.M) and "1 clone is past its time: kubectl clone delete NAME removes one" in listed.err, listed
    assert json.loads(cluster.run("clone", "list", "-o", "json").out)["items"][0]["expired"] is True
    assert cluster.get("pvc", "old") is not None


def test_a_pod_s_clone_is_listed_with_every_claim_that_it_consists_of(cluster):
    cluster.run("clone", "pod/postgres-0", "probe")
    cluster.run("clone", "sts/postgres", "staging", "--replicas", "1")
    probe, staging = sorted(json.loads(cluster.run("clone", "list", "-o", "json").out)["items"], key=lambda one: one["name"])
    conform({"apiVersion": "holdfast.dev/v1", "kind": "CloneList", "items": [probe, staging]}, schema_of("clone-list"))
    assert probe["from"] == "pvc/bookstore/data-postgres-0,wal-postgres-0"
    assert probe["claims"] == [{"name": f"probe-{one}", "from": f"pvc/bookstore/{one}"} for one in ("data-postgres-0", "wal-postgres-0")]
    assert (staging["from"], len(staging["claims"])) == ("sts/bookstore/postgres", 2)
    table = cluster.run("clone", "list").out
    assert re.search(r"^probe +pvc/bookstore/data-postgres-0,wal-postgres-0 +2 +2Gi ", table, re.M), table
    assert re.search(r"^staging +sts/bookstore/postgres +2 +2Gi ", table, re.M), table
    wide = cluster.run("clone", "list", "-o", "wide").out
    assert " pvc/probe-data-postgres-0,pvc/probe-wal-postgres-0 " in wide and " sts/staging,service/staging,pvc/data-staging-0,pvc/wal-staging-0 " in wide, wide


def test_what_the_pods_need_in_another_namespace_is_named_before_any_write(cluster):
    spec = cluster.get("deploy", "files")["spec"]["template"]["spec"]
    spec["containers"][0]["envFrom"] = [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "password"}}]
    cluster.write("PATCH", "deploy", "files", {"spec": {"template": {"spec": {"containers": spec["containers"], "serviceAccountName": "keeper"}}}})
    cluster.settle()
    cluster.requests()
    refused = cluster.run("clone", "deploy/files", "papers", "--to-namespace", "elsewhere", code=3)
    assert refused.err.startswith(
        "error: the pods of the clone need in namespace elsewhere: configmap/settings, secret/password, serviceaccount/keeper "
        "(a Secret is looked at only if it is named); nothing was changed\n"
        "copied, or left as they are where they exist, with: --copy-configmaps settings --copy-secrets password\n"), refused
    asked = cluster.requests()
    assert writes(asked) == []
    assert [r for r in asked if "/secrets" in r["target"]] == [], "a Secret that no flag names was read"


def test_a_snapshot_that_the_driver_refuses_is_told_in_its_words_and_taken_back(cluster):
    """Bad input 58: the driver's text cannot move the cursor, and what is left is taken back by the line that is said."""
    for one in cluster.get("vsclass")["items"]:
        cluster.write("PATCH", "vsclass", one["metadata"]["name"], {"parameters": {"fail": "pool \u001b[2Jfull"}})
    def source():
        everything = [one for kind in ("sts", "pvc", "pod") for one in cluster.get(kind)["items"]]
        return [{**one, "metadata": {**one["metadata"], "resourceVersion": ""}} for one in everything]

    before = source()
    stopped = cluster.run("clone", "sts/postgres", "staging", "--timeout", "3s", code=5)
    assert "pool ^[[2Jfull" in stopped.err and "\x1b" not in stopped.err, stopped
    assert not [s for s in cluster.get("sts")["items"] if s["metadata"]["name"] == "staging"]
    operation = re.search(r"clone-staging-\w+", stopped.err).group(0)
    assert f"kubectl clone abort {operation}" in stopped.err, stopped
    cluster.run("clone", "abort", operation, "--yes")
    assert cluster.get("vs")["items"] == []
    cluster.settle()
    assert source() == before


def test_the_token_of_a_service_account_is_not_copied(cluster):
    """Nobody but the API server can make one, and it is a key to the source's namespace."""
    cluster.write("POST", "secret", "", {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
                                         "metadata": {"name": "token", "namespace": SPACE, "annotations": {"kubernetes.io/service-account.name": "db"}},
                                         "data": {"token": "Mg=="}})
    cluster.requests()
    refused = cluster.run("clone", "deploy/files", "papers", "--to-namespace", "elsewhere", "--copy-secrets", "token", code=3)
    assert "secret/bookstore/token is the token of a service account, which only the API server makes" in refused.err, refused
    assert writes(cluster.requests()) == []


def test_clone_delete_leaves_what_has_the_labels_of_a_clone_and_was_not_made_as_part_of_it(cluster):
    """Labels and annotations travel with copies of a manifest."""
    cluster.run("clone", "pvc/data-postgres-0", "copy")
    made = cluster.get("pvc", "copy")
    kept = {key: made["metadata"][key] for key in ("labels", "annotations")}
    theirs = {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": made["spec"]["resources"]}
    cluster.write("POST", "pvc", "", {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "theirs", "namespace": SPACE, **kept}, "spec": theirs})
    bare = {"name": "bare", "namespace": SPACE, "labels": {"holdfast.dev/clone": "copy"}}
    cluster.write("POST", "pvc", "", {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": bare, "spec": theirs})
    cluster.settle()
    done = cluster.run("clone", "delete", "copy", "--yes")
    assert "pvc/bookstore/theirs is left: it has the labels of clone copy" in " ".join(done.err.split()), done
    assert cluster.get("pvc", "copy") is None and cluster.get("pvc", "theirs") is not None and cluster.get("pvc", "bare") is not None


def test_clone_delete_removes_each_thing_that_was_made_and_nothing_else(cluster):
    """Of a clone with all that one can have, a volume under Retain among it; a Secret and a claim beside it are somebody else's."""
    for kind, name, data in (("configmap", "settings", {"A": "1"}), ("secret", "password", {"B": "Mg=="})):
        cluster.write("POST", kind, "", {"apiVersion": "v1", "kind": {"configmap": "ConfigMap", "secret": "Secret"}[kind],
                                         "metadata": {"name": name, "namespace": SPACE}, "data": data})
    container = cluster.get("deploy", "files")["spec"]["template"]["spec"]["containers"][0]
    container = {**container, "env": [], "envFrom": [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "password"}}]}
    cluster.write("PATCH", "deploy", "files", {"spec": {"template": {"spec": {"containers": [container]}}}})
    cluster.write("POST", "secret", "", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs", "namespace": "elsewhere"}}, space="elsewhere")
    before = cluster.state()
    cluster.run("clone", "deploy/files", "papers", "--to-namespace", "elsewhere", "--isolated", "--copy-configmaps", "settings", "--copy-secrets", "password")
    made = {"deploy": "papers", "netpol": "papers-isolated", "configmap": "settings", "secret": "password", "pvc": "papers-files"}
    assert all(cluster.get(kind, name, space="elsewhere") for kind, name in made.items())
    assert cluster.get("secret", "password", space="elsewhere")["data"] == {"B": "Mg=="}
    cluster.run("clone", "delete", "papers", "-n", "elsewhere", "--yes")
    assert not any(cluster.get(kind, name, space="elsewhere") for kind, name in made.items())
    assert difference(before, cluster.state()) == []


def test_clone_delete_removes_the_clone_that_is_named_and_no_other(cluster):
    for name in ("alpha", "beta", "gamma"):
        cluster.run("clone", "pvc/data-postgres-0", name)
    done = cluster.run("clone", "delete", "beta", "--yes")
    assert done.out == "clone/beta deleted\n", done
    cluster.settle()
    assert {name: cluster.get("pvc", name) is not None for name in ("alpha", "beta", "gamma")} == {"alpha": True, "beta": False, "gamma": True}
    assert cluster.run("clone", "list", "-o", "name").out == "clone/alpha\nclone/gamma\n"


def test_clone_delete_leaves_a_claim_that_somebody_has_made_anew_under_its_name(cluster):
    cluster.run("clone", "sts/postgres", "staging", "--replicas", "1")
    spec = cluster.get("pvc", "data-staging-0")["spec"]
    for kind, name in (("sts", "staging"), ("pvc", "data-staging-0")):
        cluster.write("DELETE", kind, name, {})
    cluster.settle()
    cluster.write("POST", "pvc", "", {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-staging-0", "namespace": SPACE}, "spec": {
        "accessModes": spec["accessModes"], "storageClassName": spec["storageClassName"], "resources": spec["resources"]}})
    cluster.settle()
    theirs = cluster.get("pvc", "data-staging-0")
    cluster.run("clone", "delete", "staging", "--yes")
    cluster.settle()
    assert cluster.get("pvc", "data-staging-0")["metadata"]["uid"] == theirs["metadata"]["uid"] and cluster.get("pv", theirs["spec"]["volumeName"]) is not None
    assert cluster.get("pvc", "wal-staging-0") is None
    none = cluster.run("clone", "delete", "staging", "--yes", code=1)
    assert none.err == "error: no clone staging in namespace bookstore; nothing was changed\nsee: kubectl clone list -A\n", none


def test_a_clone_that_is_taken_back_leaves_a_claim_that_somebody_has_made_anew_under_its_name(cluster):
    before = cluster.state()
    cluster.rules({"method": "POST", "path": "/statefulsets", "reply": {"announce": True, "drop": True, "delay_ms": 600000}})
    started = cluster.start("clone", "sts/postgres", "staging", "--replicas", "1")
    cluster.arrived.get(timeout=60)
    assert started.kill().code == -9
    cluster.rules()
    spec = cluster.get("pvc", "wal-staging-0")["spec"]
    cluster.write("DELETE", "pvc", "wal-staging-0", {})
    cluster.settle()
    cluster.write("POST", "pvc", "", {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "wal-staging-0", "namespace": SPACE}, "spec": {
        "accessModes": spec["accessModes"], "storageClassName": spec["storageClassName"], "resources": spec["resources"]}})
    cluster.settle()
    theirs = cluster.get("pvc", "wal-staging-0")
    operation = next(one["metadata"]["labels"]["holdfast.dev/operation"] for one in cluster.get("configmap")["items"] if one["metadata"]["name"].startswith("holdfast-op-"))
    gone_on = cluster.run("clone", "resume", operation, code=3)
    assert "pvc/bookstore/wal-staging-0 exists already, and Holdfast did not make it" in gone_on.err, gone_on
    cluster.run("clone", "abort", operation, "--yes")
    cluster.settle()
    assert cluster.get("pvc", "wal-staging-0")["metadata"]["uid"] == theirs["metadata"]["uid"] and cluster.get("pv", theirs["spec"]["volumeName"])
    cluster.write("DELETE", "pvc", "wal-staging-0", {})
    assert difference(before, cluster.state()) == []


def test_clone_delete_leaves_the_secret_that_was_there_and_one_that_somebody_has_made_anew(cluster):
    container = {**cluster.get("deploy", "files")["spec"]["template"]["spec"]["containers"][0], "env": [], "envFrom": [{"secretRef": {"name": "password"}}]}
    cluster.write("PATCH", "deploy", "files", {"spec": {"template": {"spec": {"containers": [container]}}}})
    theirs = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "password", "namespace": "elsewhere"}, "data": {"B": "Mw=="}}
    cluster.write("POST", "secret", "", {**theirs, "metadata": {"name": "password", "namespace": SPACE}})
    cluster.settle()
    line = ("deploy/files", "papers", "--to-namespace", "elsewhere", "--copy-secrets", "password")
    cluster.run("clone", *line)
    cluster.write("DELETE", "secret", "password", {}, space="elsewhere")
    cluster.write("POST", "secret", "", theirs, space="elsewhere")
    cluster.run("clone", "delete", "papers", "-n", "elsewhere", "--yes")
    assert cluster.get("secret", "password", space="elsewhere")["data"] == theirs["data"]
    told = cluster.run("clone", *line).err
    assert "secret/password is in namespace elsewhere already and is left as it is" in " ".join(told.split())
    cluster.run("clone", "delete", "papers", "-n", "elsewhere", "--yes")
    assert cluster.get("secret", "password", space="elsewhere")["data"] == theirs["data"]


CLONES = {"matchLabels": {"app": "staging"}}  # what the clone's pods are going to be labelled
APART = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname", "labelSelector": CLONES}]}}
CONTAINERS = [{"name": "main", "image": "registry.example/busybox:1"}]
SELECTING = {
    "service": ("service", "v1", "Service", {"selector": {"app": "staging"}, "ports": [{"port": 80}]}, "the selector of service/bookstore/waits would"),
    "policy": ("netpol", "networking.k8s.io/v1", "NetworkPolicy", {"podSelector": CLONES}, "the selector of netpol/bookstore/waits would"),
    "policy's peers": ("netpol", "networking.k8s.io/v1", "NetworkPolicy",
                       {"podSelector": {"matchLabels": {"app": "files"}}, "ingress": [{"from": [{"podSelector": CLONES}]}]},
                       "the selector of netpol/bookstore/waits (ingress) would"),
    "budget": ("pdb", "policy/v1", "PodDisruptionBudget", {"selector": CLONES, "minAvailable": 1}, "the selector of pdb/bookstore/waits would"),
    "StatefulSet": ("sts", "apps/v1", "StatefulSet",
                    {"replicas": 0, "serviceName": "waits", "selector": CLONES, "template": {"metadata": {"labels": CLONES["matchLabels"]}, "spec": {"containers": CONTAINERS}}},
                    "the selector of sts/bookstore/waits would"),
    "Deployment's anti-affinity": ("deploy", "apps/v1", "Deployment",
                                   {"replicas": 0, "selector": {"matchLabels": {"app": "waits"}},
                                    "template": {"metadata": {"labels": {"app": "waits"}}, "spec": {"containers": CONTAINERS, "affinity": APART}}},
                                   "the selector of deploy/bookstore/waits (anti-affinity) would"),
    "pod's anti-affinity": ("pod", "v1", "Pod", {"containers": CONTAINERS, "affinity": APART}, "the selector of pod/bookstore/waits (anti-affinity) would"),
    "autoscaler": ("hpa", "autoscaling/v2", "HorizontalPodAutoscaler",
                   {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "staging"}}, "hpa/bookstore/waits scales sts/staging: it would"),
}


@pytest.mark.parametrize("what", SELECTING)
def test_whatever_would_select_the_clone_is_looked_for_each_by_itself_and_named(cluster, what):
    kind, version, name, spec, told = SELECTING[what]
    cluster.write("POST", kind, "", {"apiVersion": version, "kind": name, "metadata": {"name": "waits", "namespace": SPACE}, "spec": spec})
    cluster.settle()
    cluster.requests()
    refused = cluster.run("clone", "sts/postgres", "staging", code=3)
    assert told in refused.err and "nothing was changed" in refused.err, refused
    assert writes(cluster.requests()) == []


def test_copying_files_through_a_pod_is_refused_until_something_can_do_it(cluster):
    cluster.requests()
    refused = cluster.run("clone", "pvc/data-postgres-0", "copy", "--method", "copy", code=3)
    assert refused.err == ("error: --method copy reads the source's files through a pod, which this version cannot do; nothing was changed\n"
                           "--method snapshot or clone, where the driver can; auto says which\n"), refused
    assert writes(cluster.requests()) == []


def changed_while_its_claim_is_made(cluster, change, *words):
    """The end of a clone of claim `loose` for which `change` is done when the clone's claim is there and bound, and nobody has looked at it yet."""
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}}
    cluster.write("POST", "pvc", "", {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "loose", "namespace": SPACE}, "spec": spec})
    cluster.settle()
    cluster.rules({"method": "POST", "path": "/persistentvolumeclaims", "reply": {"through": True, "announce": True, "delay_ms": 3000}})
    started = cluster.start("clone", "pvc/loose", "copy", *words)
    cluster.arrived.get(timeout=60)
    cluster.settle()
    change(cluster)
    cluster.settle()
    return started.end()


def test_a_driver_s_clone_of_a_claim_that_is_gone_meanwhile_is_not_called_its_copy(cluster):
    done = changed_while_its_claim_is_made(cluster, lambda one: one.write("DELETE", "pvc", "loose", {}), "--method", "clone")
    assert done.code == 4, done
    assert ("pvc/bookstore/loose was deleted meanwhile, and pvc/bookstore/copy may be a copy of another one that had its name: object gone") in done.err, done
    assert "kubectl clone abort clone-copy-" in done.err, done


def test_a_claim_that_is_bound_to_what_the_driver_did_not_make_is_not_called_a_copy(cluster):
    def bind_to_another(one):
        volume = one.get("pvc", "copy")["spec"]["volumeName"]
        one.write("PATCH", "pv", volume, {"metadata": {"annotations": {"pv.kubernetes.io/bound-by-controller": "yes"}}})

    done = changed_while_its_claim_is_made(cluster, bind_to_another)
    assert done.code == 6, done
    assert "pvc/bookstore/copy is bound to pv/" in done.err and ", which the driver of pvc/bookstore/loose did not make for it" in done.err, done


def test_a_claim_that_another_operation_has_taken_is_not_called_a_copy(cluster):
    done = changed_while_its_claim_is_made(
        cluster, lambda one: one.write("PATCH", "pvc", "copy", {"metadata": {"labels": {"holdfast.dev/operation": "clone-copy-other"}}}))
    assert done.code == 4, done
    assert "pvc/bookstore/copy is not bound to a copied volume any more: somebody else changed it; the source is intact" in done.err, done
