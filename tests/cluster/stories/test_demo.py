"""`make demo`, as a newcomer types it, and on "a cluster that the user has" with another image and storage class."""
import os
import subprocess
import time

import yaml

import world

# Docker's official image differs from Debian's packages in who runs it, where data and socket lie, and in wanting a password.
OFFICIAL_LAYOUT = "hf.test/postgres-docker:1"


def demo(cluster, *variables, **environment):
    began = time.monotonic()
    done = subprocess.run(["make", "-s", "-C", world.ROOT, "demo", *variables], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=400, env={**cluster.environment, "PATH": os.environ["PATH"],
                               # What was built once is found in the real home; the cluster is the stories' own.
                               "HOME": os.environ.get("HOME", "/root"),
                               **{k: v for k, v in os.environ.items() if k.startswith("HOLDFAST_CLUSTER_")}, **environment})
    return world.Run(["make", "demo", *variables], done.returncode, done.stdout, done.stderr, time.monotonic() - began)


def told(run):
    run.expect()
    assert "\nrow: 7\n" in run.out
    assert [line for line in run.out.splitlines() if line.startswith("rows: ")] == ["rows: 7", "rows: 7,8", "rows: 7"]
    for command in ("kubectl snap create sts/postgres --name first --wait ready",
                    "kubectl restore drill before-migration --query 'select x from snap_demo' --expect 7",
                    "kubectl restore pvc/data-postgres-restore --from before-migration", "kubectl restore open before-migration",
                    "kubectl restore sts/postgres --from before-migration --in-place --yes", "kubectl restore undo --yes",
                    "kubectl snap list", "kubectl snap describe before-migration", "kubectl snap delete first --yes",
                    "kubectl snap doctor sts/postgres"):
        assert f"$ {command}\n" in run.out, command


def gone(cluster, namespace):
    cluster.kubectl("wait", "--for=delete", f"namespace/{namespace}", f"--timeout={world.PATIENCE_S}s")
    return cluster.kubectl("get", "namespace", namespace, "--ignore-not-found", "-o", "name").out == ""


def test_the_demo_tells_its_story_in_two_minutes_and_leaves_nothing(cluster):
    run = demo(cluster)
    told(run)
    assert run.seconds < 120, run.text
    assert gone(cluster, "bookstore")


def test_on_a_cluster_of_the_users_with_another_image_and_class(cluster, tmp_path):
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["contexts"].append({"name": "mine", "context": {**config["contexts"][0]["context"], "namespace": "elsewhere"}})
    config["current-context"] = ""
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))
    namespace = "demo-of-mine"
    run = demo(cluster, "CONTEXT=mine", f"IMAGE={OFFICIAL_LAYOUT}", "STORAGE_CLASS=slow", "SIZE=256Mi", f"NAMESPACE={namespace}", KUBECONFIG=str(path),
               PATH=f"{cluster.programs}:{os.environ['PATH']}")
    told(run)
    assert yaml.safe_load(path.read_text()) == config, "the user's kubeconfig is as it was"
    assert gone(cluster, namespace)


def test_a_namespace_that_is_not_the_demos_is_left_alone(cluster, space):
    space.claim("precious")
    before = space.objects()
    run = demo(cluster, f"NAMESPACE={space.name}")
    assert run.code != 0 and "nothing was changed" in run.err, run.text
    assert space.left_behind(before) == []


def test_keep_leaves_all_of_it_up_and_says_how_to_look(cluster):
    run = demo(cluster, "KEEP=1", "NAMESPACE=demo-kept")
    try:
        told(run)
        (line,) = [line.strip() for line in run.out.splitlines() if line.strip().startswith("export KUBECONFIG=")]
        shown = subprocess.run(["bash", "-c", f"{line}; kubectl snap list -n demo-kept"], capture_output=True, text=True, timeout=60,
                               env={"HOME": str(cluster.home), "PATH": "/usr/bin:/bin"})
        assert "before-migration" in shown.stdout, shown.stderr
    finally:
        cluster.kubectl("delete", "namespace", "demo-kept", "--wait=false")
