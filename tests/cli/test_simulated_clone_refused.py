"""What keeps a clone from being made is told before anything is: exit code and words, and not one write."""
import json
import shlex

import pytest

from simulated_cluster import SPACE, cluster, refusal, writes

NOTHING = "nothing was changed"
ELSEWHERE = ("sts/postgres", "copy", "--to-namespace", "elsewhere")
CHANGE = "change these with --set, or clone to a namespace with another level"


def refused(cluster, words, code, message, hint):
    cluster.settle()
    cluster.requests()
    done = cluster.run("clone", *words, code=code)
    assert done.err == f"error: {message}\n{hint}\n", done
    assert writes(cluster.requests()) == []


def limit(cluster, hard, used):
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small", "namespace": "elsewhere"},
             "spec": {"hard": hard}, "status": {"hard": hard, "used": used}}
    cluster.write("POST", "quota", "", quota, space="elsewhere")


def test_a_namespace_that_is_not_there(cluster):
    refused(cluster, ("pvc/data-postgres-0", "copy", "--to-namespace", "nowhere"), 1, f"namespace nowhere does not exist; {NOTHING}",
            "make it first: kubectl create namespace nowhere")


def test_a_namespace_that_ends(cluster):
    cluster.write("PATCH", "namespace", "elsewhere", {"metadata": {"finalizers": ["example.test/stays"]}})  # holds its end up
    cluster.write("DELETE", "namespace", "elsewhere", {})
    refused(cluster, ELSEWHERE, 3, f"namespace elsewhere is terminating: nothing can be created in it; {NOTHING}", "choose another with --to-namespace")


@pytest.mark.parametrize("what, hard, text", [
    ("requests.storage", "3Gi", "3Gi, 0 are used, and the clone needs 4Gi"),
    ("persistentvolumeclaims", "3", "3, 0 are used, and the clone needs 4"),
    ("count/persistentvolumeclaims", "3", "3, 0 are used, and the clone needs 4"),
    ("fast.storageclass.storage.k8s.io/requests.storage", "1Gi", "1Gi, 0 are used, and the clone needs 4Gi"),
    ("fast.storageclass.storage.k8s.io/persistentvolumeclaims", "0", "0, 0 are used, and the clone needs 4")])
def test_a_quota_without_room(cluster, what, hard, text):
    limit(cluster, {what: hard}, {what: "0"})
    refused(cluster, ELSEWHERE, 3, f"resourcequota/elsewhere/small has no room: {what} is {text} more; {NOTHING}",
            "remove something, have the quota raised, or clone to another namespace")


def test_a_quota_with_room_for_every_claim_and_no_more(cluster):
    limit(cluster, {"persistentvolumeclaims": "4"}, {"persistentvolumeclaims": "0"})
    cluster.run("clone", *ELSEWHERE)


def test_a_quota_that_has_no_room_for_the_drafts_of_a_masking(cluster, tmp_path):
    (tmp_path / "mask.sql").write_text("select 1")
    limit(cluster, {"persistentvolumeclaims": "3"}, {"persistentvolumeclaims": "0"})
    refused(cluster, (*ELSEWHERE, "--replicas", "1", "--sql", str(tmp_path / "mask.sql")), 3,
            f"resourcequota/elsewhere/small has no room: persistentvolumeclaims is 3, 0 are used, and the clone needs 4 more; {NOTHING}",
            "remove something, have the quota raised, or clone to another namespace")


@pytest.mark.parametrize("claim", ["data-copy-0", "wal-copy-1"])
def test_the_name_of_any_of_its_claims_is_somebody_else_s(cluster, claim):
    spec = cluster.get("pvc", "data-postgres-0")["spec"]
    cluster.write("POST", "pvc", "", {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim, "namespace": SPACE}, "spec": {
        "accessModes": spec["accessModes"], "storageClassName": "fast", "resources": spec["resources"]}})
    refused(cluster, ("sts/postgres", "copy"), 3, f"pvc/bookstore/{claim} exists already, and Holdfast did not make it; {NOTHING}",
            "choose another name for the clone")


def test_the_name_of_a_claim_is_another_clone_s(cluster):
    made = json.loads(cluster.run("clone", "pvc/data-postgres-0", "copy", "-o", "json").out)["operation"]
    refused(cluster, ("pvc/data-postgres-1", "copy"), 3, f"pvc/bookstore/copy exists already (made by operation {made}); {NOTHING}",
            "choose another name, or remove the clone: kubectl clone delete NAME -n bookstore")


@pytest.mark.parametrize("kind, spec, called", [
    ("sts", {"replicas": 0, "serviceName": "x", "selector": {"matchLabels": {"app": "x"}},
             "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "x", "image": "registry.example/busybox:1"}]}}}, "sts/bookstore/copy"),
    ("service", {"selector": {"app": "x"}, "ports": [{"port": 80}]}, "service/bookstore/copy"),
    ("netpol", {"podSelector": {"matchLabels": {"app": "x"}}}, "netpol/bookstore/copy-isolated")])
def test_the_name_of_what_it_is_made_of_is_taken(cluster, kind, spec, called):
    version, name = {"sts": ("apps/v1", "StatefulSet"), "service": ("v1", "Service"), "netpol": ("networking.k8s.io/v1", "NetworkPolicy")}[kind]
    cluster.write("POST", kind, "", {"apiVersion": version, "kind": name, "metadata": {"name": called.rpartition("/")[2], "namespace": SPACE}, "spec": spec})
    refused(cluster, ("sts/postgres", "copy", "--isolated"), 3, f"{called} exists already; {NOTHING}", "choose another name for the clone")


def waiting_pod(cluster, name, claim, labels):
    """It starts as soon as there is a claim of that name."""
    cluster.write("POST", "pod", "", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": SPACE, "labels": labels}, "spec": {
        "containers": [{"name": "main", "image": "registry.example/postgres:15", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]}})


def test_a_throwaway_of_another_operation_that_waits_for_a_claim_of_its_name(cluster):
    """Its maker was taken back while the request that made it was under way: it would open the database that comes now."""
    waiting_pod(cluster, "clone-copy-aaaaa-db-0", "data-copy-0", {"app.kubernetes.io/managed-by": "holdfast", "holdfast.dev/role": "mask",
                                                                  "holdfast.dev/operation": "clone-copy-aaaaa"})
    for more in (["--isolated"], []):
        refused(cluster, ("sts/postgres", "copy", "--replicas", "1", *more), 3,
                f"pod/bookstore/clone-copy-aaaaa-db-0, a throwaway of operation clone-copy-aaaaa, would open pvc/bookstore/data-copy-0 as soon as that is made; {NOTHING}",
                "remove what that operation has left: kubectl clone gc -n bookstore")
    cluster.run("clone", "gc", "--yes")
    cluster.run("clone", "sts/postgres", "copy", "--replicas", "1")


def test_a_pod_that_waits_for_what_is_to_be_prepared_first(cluster):
    waiting_pod(cluster, "impatient", "data-copy-0", {"a": "b"})
    refused(cluster, ("sts/postgres", "copy", "--replicas", "1", "--isolated"), 3,
            f"pod/bookstore/impatient would open pvc/bookstore/data-copy-0 as soon as that is made, before it is prepared; {NOTHING}",
            "stop that pod first: kubectl delete pod impatient -n bookstore")
    waiting_pod(cluster, "patient", "wanted", {"a": "b"})
    cluster.run("clone", "pvc/data-postgres-0", "wanted")  # nothing is done to it before


def test_the_pod_security_level_of_the_namespace(cluster, tmp_path):
    """The clone's own pods, and the throwaway database that would mask its data, each by itself."""
    cluster.write("PATCH", "namespace", "elsewhere", {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})
    level = "namespace elsewhere enforces pod security level restricted, which does not admit "
    refused(cluster, ELSEWHERE, 3,
            f"{level}the clone's pods: runAsNonRoot is not true of container postgres, allowPrivilegeEscalation is not false of container postgres, "
            f"capabilities.drop lacks ALL of container postgres, no seccompProfile of container postgres; {NOTHING}", CHANGE)
    (tmp_path / "mask.sql").write_text("select 1")
    refused(cluster, ("pvc/data-postgres-0", "copy", "--to-namespace", "elsewhere", "--sql", str(tmp_path / "mask.sql")), 3,
            f"{level}the throwaway database that prepares the data, which runs as the source's container does: "
            f"runAsNonRoot is not true of container database, capabilities.drop lacks ALL of container database; {NOTHING}",
            "clone to a namespace with another level")
    cluster.run("clone", "deploy/files", "papers")  # the source's own namespace has no level
    cluster.write("PATCH", "namespace", "elsewhere", {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline"}}})
    cluster.run("clone", *ELSEWHERE)


def test_a_clone_does_not_mount_its_source_s_claims(cluster):
    volumes = [{"name": "files", "persistentVolumeClaim": {"claimName": "files"}}]
    refused(cluster, ("deploy/files", "papers", "--set", f"spec.template.spec.volumes={json.dumps(volumes)}"), 3,
            f"the clone would mount pvc/bookstore/files, which its source uses; {NOTHING}", "mount the clone's own claims")


def changed(cluster, kind, name, **spec):
    """The template of a workload, with these fields of its pod spec, those of its first container in `container`."""
    pod = cluster.get(kind, name)["spec"]["template"]["spec"]
    pod["containers"][0].update(spec.pop("container", {}))
    pod["volumes"] = pod.get("volumes", []) + spec.pop("volumes", [])
    cluster.write("PATCH", kind, name, {"spec": {"template": {"spec": {**pod, **spec}}}})


@pytest.mark.parametrize("source", [{"nfs": {"server": "files.test", "path": "/export"}}, {"hostPath": {"path": "/srv"}}])
def test_storage_without_a_claim_that_its_source_writes_to(cluster, source):
    mounts = cluster.get("deploy", "files")["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    changed(cluster, "deploy", "files", volumes=[{"name": "export", **source}],
            container={"volumeMounts": [*mounts, {"name": "export", "mountPath": "/export"}]})
    where = f"spec.template.spec.containers[0].volumeMounts[{len(mounts)}].readOnly=true"
    refused(cluster, ("deploy/files", "papers"), 3, f"the clone would write to volume export ({next(iter(source))}) of its source, which is no claim; {NOTHING}",
            f"mount it read-only: --set {where}, or give the clone another one with --set")
    cluster.run("clone", "deploy/files", "papers", "--set", where)
    made = cluster.get("deploy", "papers")["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    assert made[-1] == {"name": "export", "mountPath": "/export", "readOnly": True}


def test_pods_beyond_those_that_claims_are_made_for(cluster):
    refused(cluster, ("sts/postgres", "copy", "--replicas", "1", "--set", "spec.replicas=2"), 3,
            "--set must not change the clone's replicas, ordinals or claim templates: its claims are made for these, and a pod beyond them would "
            f"mount what is there under its claim's name; {NOTHING}", "--replicas and --ordinals say how many and which")


def test_a_mongodb_whose_image_is_named_like_a_mysql(cluster):
    changed(cluster, "deploy", "files", container={"image": "percona/percona-server-mongodb:7.0", "args": ["mongod", "--replSet", "rs0"]})
    done = cluster.run("clone", "deploy/files", "papers", "--env", "MYSQL_SERVER_ID=7", code=3)
    assert "deploy/files is MongoDB (image percona-server-mongodb:7.0 of container files)" in done.err, done


@pytest.mark.parametrize("more, said", [
    ([("PATRONI_SCOPE", "shop")], "variable PATRONI_SCOPE has the scope of the source's cluster"),
    ([("WALG_S3_PREFIX", "s3://shop")], "by variable WALG_S3_PREFIX it would archive to where its source does")])
def test_a_patroni_with_half_an_identity_of_its_own(cluster, more, said):
    env = [{"name": name, "value": value} for name, value in [("SCOPE", "shop"), *more]]
    changed(cluster, "deploy", "files", container={"image": "registry.test/spilo-15:3.0", "env": env})
    by = "env PATRONI_SCOPE" if more[0][0] == "PATRONI_SCOPE" else "image spilo-15:3.0"
    refused(cluster, ("deploy/files", "papers", "--env", "SCOPE=papers"), 3, f"deploy/files is Patroni ({by} of container files): {said}; {NOTHING}",
            f"give it one of its own: --env {more[0][0]}=papers" if by.startswith("env") else f"give it another value: --env {more[0][0]}=...")
    cluster.run("clone", "deploy/files", "papers", "--env", "SCOPE=papers", "--env", f"{more[0][0]}=papers")


def asked(cluster):
    """Whether a pod was asked, as a database is, what ties it to others: the simulated ones answer whatever they are."""
    return any("pg_replication_slots" in r["body"] for r in cluster.requests() if r["target"] == "/simulated/exec")


def test_an_application_that_is_told_where_its_database_is(cluster):
    env = [{"name": name, "value": value} for name, value in (("POSTGRES_HOST", "postgres"), ("POSTGRES_DB", "shop"), ("POSTGRES_USER", "shop"))]
    changed(cluster, "deploy", "files", hostNetwork=True, container={"env": env, "ports": [{"containerPort": 8080, "hostPort": 8080}]})
    done = cluster.run("clone", "deploy/files", "papers")
    assert not asked(cluster)
    told = " ".join(done.err.split())
    assert "hostNetwork is taken off: the clone would answer at its node's address" in told and "hostPort of container files is taken off" in told, done
    made = cluster.get("deploy", "papers")["spec"]["template"]["spec"]
    assert "hostNetwork" not in made and made["containers"][0]["ports"] == [{"containerPort": 8080}]


def test_a_container_with_a_database_s_image_that_runs_its_client(cluster):
    changed(cluster, "deploy", "files", container={"image": "postgres:16", "command": ["sh", "-c", "pg_dump -h postgres shop >/files/shop.sql; sleep 86400"]})
    cluster.run("clone", "deploy/files", "papers")
    assert not asked(cluster)
    changed(cluster, "deploy", "files", container={"command": ["docker-entrypoint.sh", "postgres"]})
    cluster.run("clone", "deploy/files", "more")
    assert asked(cluster)


def test_a_mysql_is_started_by_the_line_that_the_refusal_says(cluster):
    changed(cluster, "deploy", "files", container={"image": "mysql:8.4", "args": ["--server-id=1"]})
    cluster.requests()
    done = cluster.run("clone", "deploy/files", "papers", "--env", "MYSQL_SERVER_ID=9", code=3)
    said, line = done.err.splitlines()
    assert said == ("error: deploy/files is MySQL (image mysql:8.4 of container files): variable MYSQL_SERVER_ID does nothing in its image; the clone "
                    f"has the source's server_uuid (auto.cnf) and the clone would replicate as its source does, by what its tables say; {NOTHING}")
    assert writes(cluster.requests()) == []
    cluster.run("clone", "deploy/files", "papers", *shlex.split(line.removeprefix("start it by itself: ")))
    made = cluster.get("deploy", "papers")["spec"]["template"]["spec"]["containers"][0]
    assert made["command"] == ["sh", "-c", 'rm -f /var/lib/mysql/auto.cnf; exec "$@"', "sh", "docker-entrypoint.sh"]
    assert made["args"] == ["--server-id=1", "--loose-skip-replica-start", "--loose-skip-slave-start"]


@pytest.mark.parametrize("container, cut, said, hint", [
    ({"image": "quay.io/coreos/etcd:v3.5.9", "args": ["--initial-cluster=a=http://a:2380,b=http://b:2380"]}, ["--env", "ETCD_FORCE_NEW_CLUSTER=true"],
     "etcd (image etcd:v3.5.9 of container files): the members of its cluster stand in its data, and the clone would be one of them",
     "make each pod of the clone a cluster of its own: --env ETCD_FORCE_NEW_CLUSTER=true"),
    ({"image": "redis:7", "args": ["redis-server", "--cluster-enabled", "yes"]},
     ["--set", 'spec.template.spec.containers[0].args=["redis-server","--cluster-enabled","yes","--cluster-config-file","papers.conf"]'],
     "Redis (image redis:7 of container files): the other nodes of its cluster and its own id stand in its data (nodes.conf), and the clone would be taken for it",
     'give the clone another file for them: "--cluster-config-file","papers.conf" among its args, with --set'),
    ({"image": "cassandra:4.1", "env": [{"name": "CASSANDRA_SEEDS", "value": "cassandra-0.cassandra"}]}, [],
     "Cassandra (image cassandra:4.1 of container files): its host id and the addresses of the other nodes stand in its data, and no setting keeps a copy "
     "from speaking with them",
     "copy its claims by themselves, kubectl clone pvc/NAME COPY for each, and start them where they reach none of the source's")])
def test_software_whose_nodes_would_be_members_of_the_source_s_cluster(cluster, container, cut, said, hint):
    changed(cluster, "deploy", "files", container=container)
    refused(cluster, ("deploy/files", "papers"), 3, f"deploy/files is {said}; {NOTHING}", hint)
    if cut:
        cluster.run("clone", "deploy/files", "papers", *cut)


def set_by_a_file(cluster, text):
    """deploy/files is a Redis that is set by a ConfigMap's file."""
    cluster.write("POST", "configmap", "", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cache", "namespace": SPACE},
                                            "data": {"redis.conf": text}})
    pod = cluster.get("deploy", "files")["spec"]["template"]["spec"]
    pod["volumes"].append({"name": "conf", "configMap": {"name": "cache"}})
    container = pod["containers"][0]
    container.update(image="redis:7", args=["redis-server", "/conf/redis.conf"])
    container["volumeMounts"].append({"name": "conf", "mountPath": "/conf"})
    cluster.write("PATCH", "deploy", "files", {"spec": {"template": {"spec": pod}}})
    cluster.settle()


def test_a_redis_that_follows_another_by_its_configuration_file(cluster):
    set_by_a_file(cluster, "replicaof redis-0.redis 6379\n")
    line = 'spec.template.spec.containers[0].args=["redis-server","/conf/redis.conf","--replicaof","no","one"]'
    refused(cluster, ("deploy/files", "papers"), 3, "deploy/files is Redis (image redis:7 of container files): what sets it has it follow "
            f"redis-0.redis 6379, as the source does; {NOTHING}", f"let it follow nobody: --set '{line}'")
    cluster.run("clone", "deploy/files", "papers", "--set", line)


def test_a_redis_whose_configuration_file_leads_to_nobody_is_cloned(cluster):
    set_by_a_file(cluster, "appendonly yes\n")
    cluster.run("clone", "deploy/files", "papers")


def test_a_redis_whose_configuration_may_not_be_read(cluster):
    set_by_a_file(cluster, "appendonly yes\n")
    cluster.rules({"method": "GET", "path": ".*/configmaps/cache(\\?.*)?", "reply": refusal("may not")})
    done = cluster.run("clone", "deploy/files", "papers", code=3)
    assert "its configuration file /conf/redis.conf is not seen from here" in done.err, done


def selected(cluster, selector):
    """Names of the pods that a Service with this selector sends to."""
    return sorted(pod["metadata"]["name"] for pod in cluster.get("pod")["items"] if selector.items() <= pod["metadata"]["labels"].items())


@pytest.mark.parametrize("put_on", [{"apps.kubernetes.io/pod-index": "0"}, {"role": "master"}])
def test_a_label_that_is_not_the_template_s_does_not_make_a_service_send_to_it(cluster, put_on):
    """Nothing refuses this: another label of the clone's is changed. A clone's software would label itself as its source's did."""
    cluster.write("PATCH", "sts", "postgres", {"spec": {"template": {"metadata": {"labels": {"cluster-name": "db"}}}}})
    cluster.settle()
    cluster.write("PATCH", "pod", "postgres-0", {"metadata": {"labels": put_on}})
    selector = {"cluster-name": "db", **put_on}
    cluster.write("POST", "service", "", {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "primary", "namespace": SPACE},
                                          "spec": {"selector": selector, "ports": [{"port": 5432}]}})
    cluster.run("clone", "sts/postgres", "copy", "--replicas", "1")
    cluster.write("PATCH", "pod", "copy-0", {"metadata": {"labels": put_on}})
    assert selected(cluster, put_on) == ["copy-0", "postgres-0"]
    assert selected(cluster, selector) == ["postgres-0"]


def in_one_pod(cluster, *containers):
    """The containers in front of the one of deploy/files, which is changed by the last of these."""
    base = cluster.get("deploy", "files")["spec"]["template"]["spec"]["containers"][0]
    all_of_it = [*containers[:-1], {**base, **containers[-1]}]
    cluster.write("PATCH", "deploy", "files", {"spec": {"template": {"spec": {"containers": all_of_it}}}})
    cluster.settle()


def test_a_new_variable_is_given_to_the_container_that_runs_the_software(cluster):
    in_one_pod(cluster, {"name": "exporter", "image": "quay.io/x/postgres-exporter:1"},
               {"image": "cp-kafka:7", "env": [{"name": "KAFKA_ZOOKEEPER_CONNECT", "value": "zoo:2181"}]})
    cluster.run("clone", "deploy/files", "papers", "--env", "KAFKA_ZOOKEEPER_CONNECT=zoo-copy:2181", "--env", "MARK=1")
    exporter, kafka = cluster.get("deploy", "papers")["spec"]["template"]["spec"]["containers"]
    assert not exporter.get("env") and {"name": "MARK", "value": "1"} in kafka["env"]


def test_a_variable_of_another_container_sets_nothing_apart(cluster):
    in_one_pod(cluster, {"name": "exporter", "image": "x/exporter:1", "env": [{"name": "PATRONI_SCOPE", "value": "shop"}]},
               {"image": "registry.test/spilo:3", "env": []})
    done = cluster.run("clone", "deploy/files", "papers", "--env", "PATRONI_SCOPE=papers", code=3)
    assert "under the same scope the clone would join the source's cluster" in done.err, done


@pytest.mark.parametrize("image, env, said", [
    ("bitnami/kafka:3.7", [{"name": "KAFKA_CFG_CONTROLLER_QUORUM_VOTERS", "value": "0@kafka-0:9093"}], "is Kafka (image kafka:3.7"),
    ("mysql:8.4", [], "is MySQL (image mysql:8.4 of container files)")])
def test_a_cache_in_front_of_a_database_hides_nothing(cluster, image, env, said):
    in_one_pod(cluster, {"name": "cache", "image": "redis:7"}, {"image": image, "env": env})
    done = cluster.run("clone", "deploy/files", "papers", code=3)
    assert said in done.err, done


@pytest.mark.parametrize("shell", [True, False])
def test_each_container_that_has_claims_is_looked_at_although_another_has_no_shell(cluster, shell):
    mounts = cluster.get("deploy", "files")["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    in_one_pod(cluster, {"name": "web", "image": "registry.test/web:1", "volumeMounts": mounts}, {"image": "registry.test/files:1", "env": []})
    pod = next(p["metadata"]["name"] for p in cluster.get("pod")["items"] if p["metadata"]["name"].startswith("files-"))
    both = cluster.get("deploy", "files")["spec"]["template"]["spec"]["containers"]
    cluster.write("PATCH", "pod", pod, {"spec": {"containers": both}})  # as if it had been made anew
    cluster.requests()
    if not shell:
        cluster.rules({"method": "POST", "path": "/simulated/exec", "times": 1, "reply": {"json": {"out": "", "err": "no such file: sh", "exit": 126}}})
    done = cluster.run("clone", "deploy/files", "papers")
    looked = [json.loads(r["body"])["container"] for r in cluster.requests() if r["target"] == "/simulated/exec" and "WiredTiger" in r["body"]]
    assert looked == ["web", "files"]
    assert ("has no shell in container web, or did not answer" in " ".join(done.err.split())) != shell, done


def test_a_container_beside_a_database_that_has_its_claim_is_looked_at_and_is_none(cluster):
    """Its volume is of a StatefulSet's template, which only the pods have."""
    pod = cluster.get("sts", "postgres")["spec"]["template"]["spec"]
    both = [*pod["containers"], {"name": "browser", "image": "registry.test/browser:1", "volumeMounts": pod["containers"][0]["volumeMounts"]}]
    cluster.write("PATCH", "sts", "postgres", {"spec": {"template": {"spec": {"containers": both}}}})
    cluster.settle()
    for name in ("postgres-0", "postgres-1"):
        cluster.write("PATCH", "pod", name, {"spec": {"containers": both}})
    cluster.requests()
    cluster.run("clone", "sts/postgres", "copy", "--dry-run=client")
    bodies = [json.loads(r["body"]) for r in cluster.requests() if r["target"] == "/simulated/exec"]
    assert {b["container"] for b in bodies if "WiredTiger" in str(b["argv"])} == {"postgres", "browser"}
    assert {b["container"] for b in bodies if "pg_replication_slots" in str(b["argv"])} == {"postgres"}


def test_a_postgres_behind_a_cache_is_asked(cluster):
    pod = cluster.get("sts", "postgres")["spec"]["template"]["spec"]
    pod["containers"] = [{"name": "cache", "image": "redis:7"}, *pod["containers"]]
    cluster.write("PATCH", "sts", "postgres", {"spec": {"template": {"spec": pod}}})
    cluster.settle()
    cluster.requests()
    cluster.run("clone", "sts/postgres", "copy", "--replicas", "1", "--dry-run=client", code=None)
    questions = [r["body"] for r in cluster.requests() if r["target"] == "/simulated/exec"]
    containers = {json.loads(body)["container"] for body in questions if "pg_replication_slots" in body}
    assert containers == {pod["containers"][-1]["name"]}, questions
