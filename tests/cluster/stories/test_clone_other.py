"""kubectl clone --to-context on two real clusters: their first storage's snapshots are one, their second storages are two."""
import pytest
import yaml

import conftest
import world

MASK = "update users set email = 'user' || id || '@masked.test';"


@pytest.fixture(scope="module")
def beside(cluster, tmp_path_factory):
    with conftest.second_cluster(tmp_path_factory, "beside", SNAPSHOTS_OF=cluster.kubeconfig.parent) as other:
        yield other


@pytest.fixture
def there(space, beside):
    """The namespace of the same name in the other cluster."""
    beside.kubectl("create", "namespace", space.name).expect()
    made = world.Space(beside, space.name)
    made.eventually(lambda: made.path("serviceaccount/default", ".metadata.name"))
    yield made
    made.delete()


def into(other):
    """The other cluster's context has the name of the first one's: what counts is its kubeconfig."""
    return "--to-kubeconfig", other.cluster.kubeconfig, "--to-context", other.cluster.kubectl("config", "current-context").expect().out.strip()


def imports(space):
    return [i["metadata"]["name"] for i in space.cluster.get("volumesnapshotcontents")["items"]
            if i["spec"]["volumeSnapshotRef"]["namespace"] == space.name]


def test_a_masked_database_in_another_cluster_on_the_same_storage(space, there, tmp_path):
    space.postgres(size="128Mi")
    space.psql("postgres-0", "create table users as select i as id, 'unm4sked-' || i as email from generate_series(1, 100) i; checkpoint")
    mask = tmp_path / "mask.sql"
    mask.write_text(MASK)
    before, empty = space.objects(), there.objects()
    space.clone("sts/postgres", "staging", "--sql", mask, "--ordinals", "0=0,0=1", *into(there), timeout=300).expect()
    for pod in ("staging-0", "staging-1"):
        assert there.psql(pod, "select count(*), count(*) filter (where email like '%@masked.test') from users") == "100|100"
        assert there.shell(pod, "sync; grep -rl unm4sked /data; true").expect().out == ""
    assert space.psql("postgres-0", "select count(*) from users where email like 'unm4sked%'") == "100"
    space.comes_back_to(before)
    assert imports(there) == [] and there.get("volumesnapshots")["items"] == []
    there.clone("delete", "staging", "--yes").expect()
    there.eventually(lambda: there.left_behind(empty) == [])


def test_a_storage_that_does_not_know_the_snapshot_is_explained_and_abort_takes_all_back_in_both(space, there):
    space.claim("data", storage_class="slow")
    space.wait("jsonpath={.status.phase}=Bound", "pvc/data")
    before, empty = space.objects(), there.objects()
    stopped = space.clone("pvc/data", "copy", *into(there), "--timeout", "8s").expect(5)
    assert "the driver slow.csi.hf.test says: " in stopped.err, stopped.text
    assert there.kubectl("get", "pvc", "copy").code == 1, "a claim was made of what its storage does not have"
    (operation,) = [o["operation"] for o in space.clone("status", "-o", "json").expect().json()["items"]]
    assert f"its journal is there, in namespace {space.name}" in there.clone("abort", operation, "--yes").expect(3).err
    space.clone("abort", operation, "--yes").expect()
    space.comes_back_to(before)
    there.eventually(lambda: there.objects() == empty and imports(there) == [])


def test_the_same_cluster_under_another_address_is_refused(space):
    space.claim("data")
    space.wait("jsonpath={.status.phase}=Bound", "pvc/data")
    config = yaml.safe_load(space.cluster.kubeconfig.read_text())
    (entry,) = config["clusters"]
    host, _, port = entry["cluster"]["server"].removeprefix("https://").rpartition(":")
    entry["cluster"].update({"server": f"https://[::ffff:{host}]:{port}", "tls-server-name": host})
    alias = space.cluster.home / f"{space.name}-alias.kubeconfig"
    alias.write_text(yaml.safe_dump(config))
    alias.chmod(0o600)
    before = space.objects()
    refused = space.clone("pvc/data", "copy", "--to-kubeconfig", alias).expect(2)
    assert f"the other cluster is this one: namespace {space.name} is the same in the other cluster, uid " in refused.err, refused.text
    assert space.objects() == before
