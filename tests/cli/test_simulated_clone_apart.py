"""What a clone must not have in common with its source: the pods that its affinity terms mean, the application that a
deployer takes it for, the Services by which it would reach it."""
import json

import pytest

from simulated_cluster import SPACE, cluster

SOURCE = {"app": "postgres"}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
INSTANCE = "app.kubernetes.io/instance"


def template(cluster, spec):
    cluster.write("PATCH", "sts", "postgres", {"spec": {"template": {"spec": spec}}})
    cluster.settle()


@pytest.mark.parametrize("reach", [{"namespaceSelector": {}}, {"namespaces": [SPACE]}, {"namespaces": [SPACE, "elsewhere"]}])
def test_anti_affinity_across_namespaces_keeps_neither_off_the_other_s_nodes(cluster, reach):
    """Of two pods one of which is kept away from the other neither gets to the other's node, whichever was there first."""
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": SOURCE}, **reach}
    template(cluster, {"affinity": {"podAntiAffinity": {REQUIRED: [term]}}})
    done = cluster.run("clone", "sts/postgres", "copy", "--to-namespace", "elsewhere", "--replicas", "1")
    made = cluster.get("sts", "copy", space="elsewhere")["spec"]["template"]
    labels = made["metadata"]["labels"]
    own = made["spec"]["affinity"]["podAntiAffinity"][REQUIRED]
    # The clone's term is about its own pods, in its own namespace.
    assert own == [{"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": labels["app"]}}}]
    if reach != {"namespaces": [SPACE]}:  # the source's reaches the clone's namespace
        assert not SOURCE.items() <= labels.items(), labels
    assert ("affinity terms that mean the source's pods in other namespaces are about the clone's own pods in namespace elsewhere alone"
            in " ".join(done.err.split())), done


def test_a_service_that_selects_the_source_by_what_its_software_labels_is_one_of_its_names(cluster):
    cluster.write("POST", "service", "", {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "primary", "namespace": SPACE},
                                          "spec": {"selector": {**SOURCE, "role": "master"}, "ports": [{"port": 5432}]}})
    pod = cluster.get("sts", "postgres")["spec"]["template"]["spec"]
    pod["containers"][0].setdefault("env", []).append({"name": "PEER", "value": "primary"})
    template(cluster, pod)
    cluster.write("PATCH", "pod", "postgres-0", {"metadata": {"labels": {"role": "master"}}})
    told = " ".join(cluster.run("clone", "sts/postgres", "copy", "--replicas", "1", "--dry-run=client").out.split())
    assert "env PEER of container postgres names svc primary, which means the source" in told, told


def test_nothing_of_a_clone_has_the_mark_of_its_source_s_application(cluster):
    """By it Argo CD tells what is an application's, and prunes what stands in none of its manifests."""
    mark = {"metadata": {"labels": {INSTANCE: "shop"}}}
    old = cluster.get("sts", "postgres")
    cluster.write("DELETE", "sts", "postgres", {"propagationPolicy": "Orphan"})
    cluster.settle()
    labels = {**old["spec"]["template"]["metadata"]["labels"], INSTANCE: "shop"}
    spec = {**old["spec"], "selector": {"matchLabels": {**SOURCE, INSTANCE: "shop"}}}
    spec["template"]["metadata"]["labels"] = labels
    for pod in ("postgres-0", "postgres-1"):
        cluster.write("PATCH", "pod", pod, mark)
    cluster.write("POST", "sts", "", {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "postgres", "namespace": SPACE, **mark["metadata"]}, "spec": spec})
    cluster.write("PATCH", "service", "postgres", mark)
    cluster.write("POST", "configmap", "", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": SPACE, **mark["metadata"]}, "data": {"a": "b"}})
    cluster.settle()
    cluster.run("clone", "sts/postgres", "copy", "--to-namespace", "elsewhere", "--replicas", "1", "--copy-configmaps", "settings")
    made = [cluster.get(kind, name, space="elsewhere") for kind, name in
            (("sts", "copy"), ("service", "copy"), ("configmap", "settings"), ("pvc", "data-copy-0"), ("pod", "copy-0"))]
    for one in made:
        assert one["metadata"]["labels"].get(INSTANCE) not in (None, "shop"), json.dumps(one["metadata"])
