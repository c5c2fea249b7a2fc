"""What kubectl pvc-expand refuses, what the storage refuses it, and what it warns of."""
import pytest

import world
from growing import capacities, expand, pods, sleeping
from schema import conform, schema_of


def refused(run, code, message, hint=None):
    lines = [line for line in run.expect(code).err.splitlines() if line.startswith("error: ")]
    assert lines == [f"error: {message}"], run.text
    if hint is not None:
        assert hint in run.err, run.text


@pytest.fixture(scope="module")
def small(module_space):
    """A StatefulSet without a database, and claims of several classes."""
    space = module_space
    space.apply(*sleeping("db", replicas=1))
    space.claim("fixed", "fast-fixed")
    space.claim("files")
    space.wait("jsonpath={.status.readyReplicas}=1", "sts/db")
    space.wait("jsonpath={.status.phase}=Bound", "pvc/fixed", "pvc/files")
    return space


NOTHING = "nothing was changed"


def test_64_to_68_what_cannot_be_is_refused_word_for_word(small):
    space = small
    before = space.objects()
    refused(expand(space, "sts/db", "--size", "32Mi", "--yes"), 3,
            f"--size 32Mi is less than template data of sts/{space.name}/db has: 64Mi; volumes cannot shrink; {NOTHING}",
            "kubectl migrate sts/db --size 32Mi")
    refused(expand(space, "pvc/fixed", "--size", "128Mi", "--yes"), 3,
            f"pvc/{space.name}/fixed has the storage class fast-fixed, which does not allow volume expansion; {NOTHING}")
    refused(expand(space, "sts/db", "--template", "dat", "--size", "1Gi", "--yes"), 3,
            f"sts/{space.name}/db has no volumeClaimTemplate dat; {NOTHING}", "it has data")
    refused(expand(space, "sts/db", "--add", "1Gi", "--yes"), 3,
            "off a terminal only --size is taken: growing cannot be taken back, and nobody sees here what a relative size "
            f"becomes; {NOTHING}")
    refused(expand(space, "sts/dbb", "--size", "1Gi", "--yes"), 1, f"sts/{space.name}/dbb not found; {NOTHING}", "did you mean sts/db?")
    assert "--yes" in expand(space, "sts/db", "--size", "1Gi").expect(3).err
    assert space.objects() == before


def test_66_a_quota_without_room(small):
    space = small
    space.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "storage"}, "spec": {"hard": {"requests.storage": "256Mi"}}})
    space.eventually(lambda: space.path("quota/storage", ".status.used.requests\\.storage") == "192Mi")
    before = space.objects()
    refused(expand(space, "sts/db", "--size", "256Mi", "--yes"), 3,
            f"resourcequota/{space.name}/storage (requests.storage) has room for 64Mi more, and 192Mi are needed; {NOTHING}")
    assert space.objects() == before
    space.kubectl("delete", "quota", "storage").expect()


def test_67_what_the_storage_cannot_have_is_told_and_the_set_left_alone(small):
    space = small
    before, uid = pods(space), space.path("sts/db", ".metadata.uid")
    run = expand(space, "sts/db", "--size", "2Ti", "--yes").expect(5)
    assert "the storage cannot make it 2Ti" in run.err and "are more than a volume can have" in run.err, run.text
    assert "kubectl pvc-expand recover sts/db" in run.err
    assert space.path("sts/db", ".metadata.uid") == uid and pods(space) == before
    assert space.kubectl("pvc-expand", "status", "-o", "name").expect().out == ""


def test_recover_asks_for_less_after_a_refusal_and_then_expanding_works(small):
    """After test_67: data-db-0 asks for 2Ti, which the storage refused for good."""
    space = small
    before, uid = pods(space), space.path("sts/db", ".metadata.uid")
    refused(expand(space, "recover", "sts/db", "--size", "3Ti", "--yes"), 3,
            f"pvc/{space.name}/data-db-0 has 64Mi and asks for 2Ti: 3Ti is not between the two, and back to what it has a claim "
            f"cannot go; {NOTHING}")
    run = expand(space, "recover", "sts/db", "--yes", "-o", "json").expect()
    conform(run.json(), schema_of("recovered-claims"))
    assert "nothing to recover" in expand(space, "recover", "sts/db", "--yes").expect().out  # whether or not the node has done its part
    space.eventually(lambda: capacities(space)["data-db-0"] == "65Mi")  # the node's part, which recover does not wait for
    assert pods(space) == before
    assert space.path("pvc/data-db-0", ".spec.resources.requests.storage") == "65Mi"
    assert "nothing to recover" in expand(space, "recover", "sts/db", "--yes").expect().out
    expand(space, "sts/db", "--size", "96Mi", "--yes").expect()
    assert capacities(space)["data-db-0"] == "96Mi" and pods(space) == before
    assert space.path("sts/db", ".metadata.uid") != uid


def test_gitops_marks_are_told_the_value_to_change(small):
    space = small
    space.kubectl("annotate", "sts/db", "argocd.argoproj.io/tracking-id=books:apps/StatefulSet:x/db").expect()
    run = expand(space, "sts/db", "--size", "3Ti", "--dry-run").expect()
    assert "Argo CD application books: put the new size into Git" in run.err + run.out
    assert "volumeClaimTemplates[data].spec.resources.requests.storage: 3Ti" in run.err + run.out
    space.kubectl("annotate", "sts/db", "argocd.argoproj.io/tracking-id-").expect()


def selecting(kind, name, labels, **spec):
    """A workload of that kind whose pods have these labels, and whose selector chooses every pod that has them."""
    version = {"Job": "batch/v1", "ReplicationController": "v1"}.get(kind, "apps/v1")
    never = {"restartPolicy": "Never"} if kind == "Job" else {}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": {
        **spec, "selector": labels if kind == "ReplicationController" else {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "terminationGracePeriodSeconds": 0, **never,
            "containers": [{"name": "main", "image": world.BUSYBOX_IMAGE, "command": ["sleep", "100000"]}]}}}}


@pytest.mark.parametrize("kind, short, spec, harm", [
    ("DaemonSet", "daemonset", {}, "its pods would become the other one's, which deletes those that it has too many"),
    ("ReplicaSet", "rs", {"replicas": 0}, "its pods would become the other one's, which deletes those that it has too many"),
    ("ReplicationController", "rc", {"replicas": 0}, "its pods would become the other one's, which deletes those that it has too many"),
    ("Job", "job", {"manualSelector": True, "suspend": True}, "its pods would become the other one's, which deletes those that it has too many"),
    ("StatefulSet", "sts", {"replicas": 0, "serviceName": "db"}, "its ControllerRevisions would become the other one's, which may then restart "
     "its own pods")])
def test_whoever_else_selects_its_pods_would_take_them_up_and_is_named(space, kind, short, spec, harm):
    """Its pods and revisions are nobody's while it is replaced, and such a workload deletes the pods or keeps the revisions."""
    space.apply(*sleeping("db"), selecting(kind, "agent", {"app": "db"}, **spec))
    space.wait("jsonpath={.status.readyReplicas}=2", "sts/db")
    before = pods(space)
    refused(expand(space, "sts/db", "--size", "96Mi", "--yes"), 3,
            f"the selector of {short}/{space.name}/agent chooses what is of sts/{space.name}/db, too: while that is replaced, {harm}; {NOTHING}",
            "one of the two needs another selector; until then each claim grows by itself: kubectl pvc-expand pvc/NAME")
    assert pods(space) == before and set(capacities(space).values()) == {"64Mi"}
    expand(space, "pvc/data-db-0", "--size", "96Mi", "--yes").expect()
    space.kubectl("delete", kind, "agent").expect()
    space.eventually(lambda: set(pods(space)) == {"db-0", "db-1"})
    expand(space, "sts/db", "--size", "96Mi", "--yes").expect()
    assert set(capacities(space).values()) == {"96Mi"} and {n: pods(space)[n] for n in ("db-0", "db-1")} == {n: before[n] for n in ("db-0", "db-1")}
