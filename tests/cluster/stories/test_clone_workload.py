"""kubectl clone of whole workloads on the real cluster with a real PostgreSQL: the clone runs on its own copies, nothing
that selects the source selects it, and the source has not seen it."""
import pytest

import world
from schema import conform, schema_of


@pytest.fixture(scope="module")
def database(module_space):
    """Two replicas with a claim of each of two templates, behind everything that can select pods."""
    space = module_space
    terms = [{"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "postgres"}}}]
    service, database = world.postgres(replicas=2, affinity={"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 1, "podAffinityTerm": terms[0]}]}})
    database["spec"]["volumeClaimTemplates"].append(
        {"metadata": {"name": "files"}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast",
                                                 "resources": {"requests": {"storage": "64Mi"}}}})
    database["spec"]["template"]["spec"]["containers"][0]["volumeMounts"].append({"name": "files", "mountPath": "/files"})
    space.apply(service, database)
    space.wait("jsonpath={.status.readyReplicas}=2", "statefulset/postgres")
    labels = {"matchLabels": {"app": "postgres"}}
    space.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "front"},
                 "spec": {"selector": {"app": "postgres"}, "ports": [{"port": 5432}]}},
                {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "keep"},
                 "spec": {"minAvailable": 1, "selector": labels}},
                {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "own"},
                 "spec": {"podSelector": labels, "ingress": [{"from": [{"podSelector": labels}]}]}},
                {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "all"},
                 "spec": {"podSelector": {}, "ingress": [{}]}})
    for pod in ("postgres-0", "postgres-1"):
        space.psql(pod, f"create table t as select '{pod}' as x; checkpoint")
        space.shell(pod, f"echo {pod} >/files/whose; sync").expect()
    return space


def facts(space, pod="postgres-0"):
    return space.psql(pod, "select system_identifier from pg_control_system()")


def two_addresses(space, service):
    """Those of a Service's ready pods, once its controller knows of both."""
    found = space.path(f"endpoints/{service}", ".subsets[*].addresses[*].ip").split()
    return found if len(found) == 2 else None


def test_a_stateful_set_beside_its_source(database):
    addresses = database.eventually(lambda: two_addresses(database, "front"))
    before = database.objects()
    said = database.clone("sts/postgres", "staging", "--ttl", "48h").expect()
    assert "statefulset.apps/staging cloned from" in said.out
    told = " ".join(said.err.split())
    assert "label app of the pods: postgres becomes staging" in told, said.text
    assert f"these mean every pod of namespace {database.name}, the clone's too: netpol/{database.name}/all" in told, said.text
    for ordinal in (0, 1):
        assert database.psql(f"staging-{ordinal}", "select x from t") == f"postgres-{ordinal}"
        assert database.shell(f"staging-{ordinal}", "cat /files/whose").expect().out.strip() == f"postgres-{ordinal}"
    database.psql("staging-0", "insert into t values ('only here')")
    assert database.psql("postgres-0", "select count(*) from t") == "1"
    # Nothing of the source's knows the clone's pods.
    selected = database.kubectl("get", "pods", "-l", "app=postgres", "-o", "name").expect().out.split()
    assert selected == ["pod/postgres-0", "pod/postgres-1"]
    database.eventually(lambda: two_addresses(database, "staging"))
    assert two_addresses(database, "front") == addresses
    now = database.objects()
    assert {k: now.get(k) for k in before} == before
    listed = database.clone("list", "-o", "json").expect().json()
    conform(listed, schema_of("clone-list"))
    assert "statefulset.apps/staging" in listed["items"][0]["objects"] and not listed["items"][0]["expired"]
    conform(database.clone("delete", "staging", "--yes", "-o", "json").expect().json(), schema_of("deleted-clones"))
    database.comes_back_to(before)


def test_one_ordinal_alone_under_another_number_with_settings_of_its_own(database):
    before = database.objects()
    made = database.clone("sts/postgres", "third", "--ordinals", "1=3", "--env", "ROLE=copy", "--set",
                          "spec.template.spec.terminationGracePeriodSeconds=3", "-o", "json").expect().json()
    conform(made, schema_of("clone"))
    assert {c["name"] for c in made["claims"]} == {"data-third-3", "files-third-3"} and made["workload"]["ready"] == 1
    assert database.psql("third-3", "select x from t") == "postgres-1"
    assert database.shell("third-3", "cat /files/whose").expect().out.strip() == "postgres-1"
    assert database.shell("third-3", "echo $ROLE").expect().out.strip() == "copy"
    fields = ("spec.ordinals.start", "spec.template.spec.terminationGracePeriodSeconds", "spec.serviceName")
    assert [database.path("sts/third", f".{field}") for field in fields] == ["3", "3", "third"]
    database.clone("delete", "third", "--yes").expect()
    database.comes_back_to(before)


def test_another_namespace_needs_what_the_pods_need(database, cluster):
    """What is missing there is named before anything is made; what is named by flag is copied."""
    source = cluster.space("prod")
    other = cluster.space("staging")
    try:
        source.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"GREETING": "hello"}},
                     {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "password"}, "stringData": {"SECRET": "canary-5ecret"}})
        source.claim("data")
        template = {"metadata": {"labels": {"app": "files"}}, "spec": {
            "terminationGracePeriodSeconds": 0, "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}],
            "containers": [{"name": "main", "image": world.BUSYBOX_IMAGE, "command": ["sh", "-c", "date > /d/$(hostname); sleep 100000"],
                            "envFrom": [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "password"}}],
                            "volumeMounts": [{"name": "d", "mountPath": "/d"}]}]}}
        source.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "files"},
                      "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "files"}}, "template": template}})
        source.wait("condition=Available", "deployment/files")
        source.eventually(lambda: source.shell("deploy/files", "ls /d/files-* && sync").code == 0)
        before, there = source.objects(), other.objects()
        words = ["deploy/files", "files", "--to-namespace", other.name]
        refused = source.clone(*words).expect(3)
        assert "configmap/settings" in refused.err and "secret/password" in refused.err and "--copy-secrets password" in refused.err
        assert (source.objects(), other.objects()) == (before, there)
        done = source.clone(*words, "--copy-configmaps", "settings", "--copy-secrets", "password", "-v=10").expect()
        assert "canary-5ecret" not in done.out + done.err and "Y2FuYXJ5LTVlY3JldA" not in done.out + done.err
        (pod,) = other.get("pod")["items"]
        assert other.shell(pod["metadata"]["name"], "echo $GREETING $SECRET").expect().out.split() == ["hello", "canary-5ecret"]
        # The source's file, and soon its own.
        other.eventually(lambda: other.shell(pod["metadata"]["name"], "ls /d | grep -c '^files-'").out.strip() == "2")
        source.comes_back_to(before)
        other.clone("delete", "files", "--yes").expect()
        other.eventually(lambda: other.left_behind(there) == [])
    finally:
        source.delete()
        other.delete()


@pytest.mark.parametrize("words, code, said", [
    (["sts/postgres", "staging", "--replicas", "3"], 3, ["has ordinals 0, 1"]),
    (["sts/postgres", "staging", "--ordinals", "0=0,1=2"], 3, ["gaps"]),
    (["sts/postgres", "staging", "--ordinals", "0-1"], 2, ["SRC=DST"]),
    (["sts/postgres", "staging", "--replicas", "1", "--ordinals", "0=0"], 2, ["--replicas", "--ordinals"]),
    (["sts/postgres", "front"], 3, ["exists already"]),
    (["sts/postgres", "staging", "--set", "spec.template.metadata.labels.app=postgres"], 3, ["would pick the clone's pods"]),
    (["sts/postgres", "1st"], 2, ["must begin with a letter"]),
    (["sts/postgre", "staging"], 1, ["did you mean sts/postgres"]),
])
def test_a_refusal_names_the_fact_and_changes_nothing(database, words, code, said):
    before = database.objects()
    refused = database.clone(*words).expect(code)
    for part in said:
        assert part in refused.err, refused.text
    assert database.objects() == before


def test_a_database_that_archives_or_replicates_is_not_started_beside_its_source(space):
    space.postgres()
    before = space.objects()
    space.psql("postgres-0", "select pg_create_physical_replication_slot('standby', true)")
    refused = space.clone("sts/postgres", "staging").expect(3)
    assert "1 replication slot" in refused.err and "postgres-0" in refused.err
    assert space.objects() == before
    space.psql("postgres-0", "select pg_drop_replication_slot('standby')")
    space.clone("sts/postgres", "staging").expect()


def deployed(space, name, command, **container):
    """A Deployment of busybox with the claim NAME at /data; its pod's name."""
    space.claim(name)
    labels = {"app": name}
    space.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "terminationGracePeriodSeconds": 0, "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}],
            "containers": [{"name": "main", "image": world.BUSYBOX_IMAGE, "command": ["sh", "-c", command],
                            "volumeMounts": [{"name": "data", "mountPath": "/data"}], **container}]}}}})
    space.wait("condition=Available", f"deployment/{name}")
    return space.get("pods", "-l", f"app={name}")["items"][0]["metadata"]["name"]


def test_several_claims_of_one_pod_come_to_one_node_though_their_class_binds_at_once(space):
    """Each volume of the class is on one node, chosen by its claim's name: by chance two of four are on another one."""
    names = ["a", "b", "c", "d"]
    for name in names:
        space.claim(name, "fast-later")
    labels = {"app": "papers"}
    space.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "papers"}, "spec": {
        "replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "terminationGracePeriodSeconds": 0, "volumes": [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in names],
            "containers": [{"name": "main", "image": world.BUSYBOX_IMAGE, "command": ["sleep", "100000"],
                            "volumeMounts": [{"name": name, "mountPath": f"/{name}"} for name in names]}]}}}})
    space.wait("condition=Available", "deployment/papers")
    pod = space.get("pods", "-l", "app=papers")["items"][0]["metadata"]["name"]
    space.shell(pod, "for i in a b c d; do echo $i >/$i/whose; done; sync").expect()
    before = space.objects()
    made = space.clone("deploy/papers", "copy", "--storage-class", "fast").expect()
    assert "a number ends the name of" in made.err, made.text
    (copy,) = [p["metadata"]["name"] for p in space.get("pods")["items"] if p["metadata"]["name"].startswith("copy-")]
    assert space.shell(copy, "cat /a/whose /b/whose /c/whose /d/whose").expect().out.split() == names
    space.clone("delete", "copy", "--yes").expect()
    space.clone(f"pod/{pod}", "probe", "--storage-class", "fast").expect()
    node = ".spec.nodeAffinity.required.nodeSelectorTerms[*].matchExpressions[*].values[*]"
    places = {space.path(f"pv/{item['spec']['volumeName']}", node) for item in space.get("pvc")["items"] if item["metadata"]["name"].startswith("probe-")}
    assert len(places) == 1, places
    space.clone("delete", "probe", "--yes").expect()
    space.comes_back_to(before)


def test_a_database_that_only_its_files_tell_of_is_treated_before_it_starts_and_so_says_the_plan(space):
    """Neither image, environment nor arguments say that it is one."""
    pod = deployed(space, "keeper", "mkdir -p /data/db/global; echo 15 >/data/db/PG_VERSION; echo x >/data/db/global/pg_control; sync; sleep 100000")
    space.eventually(lambda: "pg_control" in space.shell(pod, "ls /data/db/global").out)
    before = space.objects()
    refused = space.clone("deploy/keeper", "copy").expect(3)
    assert "is PostgreSQL (files on its volumes of container main)" in refused.err, refused.text
    plan = space.clone("deploy/keeper", "copy", "--isolated", "--dry-run").expect()
    assert "start a throwaway PostgreSQL on the clone's volume, on loopback alone, take archiving, replication" in " ".join(plan.text.split())
    failed = space.clone("deploy/keeper", "copy", "--isolated", "--timeout", "60s", timeout=300).expect(5)
    assert space.path("deployment/copy", ".metadata.name") == "", failed.text
    (operation,) = [o["operation"] for o in space.clone("status", "-o", "json").expect().json()["items"]]
    space.clone("abort", operation, "--yes").expect()
    space.comes_back_to(before)


def test_variables_from_config_maps_and_sidecars_among_the_init_containers_tie_a_clone_to_its_source(space):
    space.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ring"}, "data": {"SCOPE": "shop", "peer": "front"}},
                {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "front"}, "spec": {"selector": {"app": "keeper"}, "ports": [{"port": 80}]}})
    service, keeper = world.postgres("keeper")
    keeper["spec"]["template"]["spec"]["containers"][0]["envFrom"] = [{"prefix": "PATRONI_", "configMapRef": {"name": "ring"}}]
    space.apply(service, keeper)
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/keeper")
    before = space.objects()
    refused = space.clone("sts/keeper", "copy", "--isolated").expect(3)
    assert "is Patroni (env PATRONI_SCOPE of container postgres)" in refused.err and "--env PATRONI_SCOPE=copy" in refused.err, refused.text
    scoped = ("clone", "sts/keeper", "copy", "--env", "PATRONI_SCOPE=copy", "--dry-run")
    plan = space.kubectl(*scoped).expect()
    assert "env PATRONI_peer of container postgres names svc front, which means the source" in " ".join(plan.text.split()), plan.text
    assert space.objects() == before

    # What Patroni's own configuration sets the running server says.
    space.psql("keeper-0", "alter system set archive_mode = on")
    space.psql("keeper-0", "alter system set archive_command = '/bin/true'")
    space.restart("keeper-0")
    refused = space.kubectl(*scoped).expect(3)
    assert "in pod/keeper-0 it archives its WAL, and so would the clone" in refused.err and "--isolated" in refused.err, refused.text
    space.kubectl(*scoped, "--isolated").expect()
    space.psql("keeper-0", "alter system set restore_command = '/bin/false'")
    space.psql("keeper-0", "select pg_reload_conf()")
    space.eventually(lambda: space.psql("keeper-0", "show restore_command") == "/bin/false")
    for more in ([], ["--isolated"]):
        refused = space.kubectl(*scoped, *more).expect(3)
        assert "in pod/keeper-0 restore_command is set: the clone would read its source's archive" in refused.err, refused.text

    service, database = world.postgres()
    database["spec"]["template"]["spec"]["initContainers"] = [
        {"name": "archive", "image": world.POSTGRES_IMAGE, "restartPolicy": "Always", "command": ["sh", "-c", "# wal-g daemon\nsleep 100000"]}]
    space.apply(service, database)
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres")
    refused = space.clone("sts/postgres", "staging", "--isolated").expect(3)
    assert "--set spec.template.spec.initContainers[0]=null" in refused.err, refused.text
