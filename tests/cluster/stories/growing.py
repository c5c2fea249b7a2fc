"""What the stories of kubectl pvc-expand have in common."""
import signal
import time

import world

HELD = {"holdfast.dev/replicas", "holdfast.dev/retention", "holdfast.dev/remade"}  # on a workload while an operation has it


def expand(space, *words, **more):
    return space.kubectl("pvc-expand", *words, timeout=300, **more)


def killed_in_the_gap(space, target, *sizes):
    """Expands to one of these sizes and kills the command when it has deleted the StatefulSet. A run that is quicker than that ends,
    and the next size is tried. The size, and the uid that the set had."""
    for size in sizes:
        uid = space.path(target, ".metadata.uid")
        with space.start("pvc-expand", target, "--size", size, "--yes", "--progress", "plain") as command:
            while command.process.poll() is None and not any("delete sts/" in line for line in list(command.err)):
                time.sleep(0.005)
            if command.end(signal.SIGKILL) == -signal.SIGKILL:
                return size, uid
            assert command.process.returncode == 0, command.text
    raise AssertionError(f"every one of {len(sizes)} runs had ended before it was killed")


def killed_when_it_has_deleted(space, target, *sizes, more=()):
    """The same, and it is certain that the deletion of the StatefulSet has been accepted, which then goes on by itself."""
    watched = ["kubectl", "get", target, "-n", space.name, "-w", "-o", 'jsonpath=.{.metadata.deletionTimestamp}{"\\n"}']
    for size in sizes:
        uid = space.path(target, ".metadata.uid")
        with world.Started(watched, space.cluster.environment) as watch:
            watch.wait_for(r"\.\n")
            with space.start("pvc-expand", target, "--size", size, *more, "--yes", "--progress", "plain") as command:
                while command.process.poll() is None and not any(line.strip() != "." for line in list(watch.out)):
                    time.sleep(0.002)
                if command.end(signal.SIGKILL) == -signal.SIGKILL:
                    space.eventually(lambda uid=uid: uid not in [s["metadata"]["uid"] for s in space.get("sts")["items"]], 60)
                    if not space.get("sts")["items"]:
                        return size, uid
                    expand(space, target, "--size", size, *more, "--yes").expect()
                else:
                    assert command.process.returncode == 0, command.text
    raise AssertionError(f"every one of {len(sizes)} runs had ended before it was killed")


def pods(space):
    """{pod: (uid, restarts)}"""
    return {p["metadata"]["name"]: (p["metadata"]["uid"], sum(c["restartCount"] for c in p["status"]["containerStatuses"]))
            for p in space.get("pods")["items"]}


def controllers(space, kind):
    """{object: uid of its controller}"""
    return {o["metadata"]["name"]: next((r["uid"] for r in o["metadata"].get("ownerReferences", []) if r.get("controller")), "")
            for o in space.get(kind)["items"]}


def capacities(space):
    return {c["metadata"]["name"]: c["status"]["capacity"]["storage"] for c in space.get("pvc")["items"]}


def sleeping(name, storage_class="fast", size="64Mi", replicas=2):
    """A Service and a StatefulSet of busybox that sleeps."""
    service, sts = world.postgres(name, replicas=replicas, size=size)
    container = {"name": "main", "image": world.BUSYBOX_IMAGE, "command": ["sleep", "100000"],
                 "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    sts["spec"]["template"]["spec"] = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    sts["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = storage_class
    return service, sts
