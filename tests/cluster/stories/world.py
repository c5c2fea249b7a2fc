"""What stories are told with: the real kubectl with our plugins on its PATH, namespaces of their own, and looks at what
is left behind. See conftest.py for the fixtures, and test_main_story.py for how a story reads."""
import base64
import hashlib
import json
import os
import random
import re
import signal
import string
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from reading import Reader, field

ROOT = Path(__file__).resolve().parents[3]
POSTGRES_IMAGE = "hf.test/postgres:1"
BUSYBOX_IMAGE = "hf.test/busybox:1"
# How long a story waits for what the cluster does by itself. Kubelets and controllers double the pause between their tries up to
# two minutes, so that on a busy machine one early failure makes a pod start minutes later; what is fast by nature is not slower for it.
PATIENCE_S = 240
HOLD = json.dumps([{"op": "add", "path": "/metadata/finalizers", "value": ["story.test/hold"]}])


@dataclass
class Run:
    """One command that ended. `text` is both streams, for messages of assertions."""
    argv: list
    code: int
    out: str
    err: str
    seconds: float

    @property
    def text(self):
        return f"$ {' '.join(self.argv)}\n{self.out}{self.err}[exit {self.code} after {self.seconds:.1f} s]"

    def json(self):
        return json.loads(self.out)

    def expect(self, code=0):
        """The run itself if it ended with this exit code; else the test fails and shows what was said."""
        assert self.code == code, f"expected exit {code}:\n{self.text}"
        return self


def run(argv, environment, stdin=None, timeout=300):
    began = time.monotonic()
    done = subprocess.run(argv, env=environment, input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=timeout, errors="replace")
    return Run([str(a) for a in argv], done.returncode, done.stdout, done.stderr, time.monotonic() - began)


class Started:
    """A command that goes on while the story does; `lines` grows as it prints. Ended, if it has not by itself, at the end
    of the `with`."""

    def __init__(self, argv, environment):
        self.argv, self.out, self.err = [str(a) for a in argv], [], []
        self.process = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True)
        self._readers = [threading.Thread(target=lambda s=s, l=l: l.extend(iter(s.readline, "")), daemon=True)
                         for s, l in ((self.process.stdout, self.out), (self.process.stderr, self.err))]
        for reader in self._readers:
            reader.start()

    def wait_for(self, pattern, timeout=PATIENCE_S):
        """The first match in stdout; the test fails if the command ends or the time passes before."""
        end = time.monotonic() + timeout
        while True:
            ended = self.process.poll() is not None
            if found := re.search(pattern, "".join(self.out)):
                return found
            assert not ended and time.monotonic() < end, f"never printed {pattern!r}: {self.text}"
            time.sleep(0.05)

    @property
    def text(self):
        return f"$ {' '.join(self.argv)}\n{''.join(self.out)}{''.join(self.err)}[exit {self.process.poll()}]"

    def end(self, number=signal.SIGINT, timeout=180):
        """Sends the signal and gives the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(timeout)
        for reader in self._readers:
            reader.join(5)
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.end(signal.SIGKILL)


class Cluster:
    """A running cluster and who talks to it. Every kubectl of ours is the cluster's own version, found by PATH."""

    def __init__(self, kubeconfig, programs, home):
        self.kubeconfig = Path(kubeconfig)
        self.programs = Path(programs)
        self.home = Path(home)
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("KUBE", "PG", "HOLDFAST"))}
        plugins = os.environ.get("HOLDFAST_PLUGINS", str(ROOT / "build/dev/bin"))
        # kubectl ends before it has much garbage: to collect that took a tenth of its time.
        self.environment = {**keep, "HOME": str(home), "KUBECONFIG": str(self.kubeconfig), "LC_ALL": "C.UTF-8", "GOGC": "1000",
                            "PATH": f"{plugins}:{self.programs}:/usr/bin:/bin:/usr/sbin:/sbin"}
        self._kinds = None
        self._reader = None

    def reader(self):
        if self._reader is None:
            self._reader = Reader(self.kubeconfig)
        return self._reader

    def with_kubeconfig(self, path):
        other = Cluster(path, self.programs, self.home)
        other._kinds = self._kinds
        return other

    def kubectl(self, *words, stdin=None, timeout=300, environment=None):
        """The run, whatever its exit code. `environment` adds to or replaces variables."""
        return run(["kubectl", *map(str, words)], {**self.environment, **(environment or {})}, stdin, timeout)

    def start(self, *words):
        return Started(["kubectl", *map(str, words)], self.environment)

    def get(self, *words):
        """Objects as `kubectl get … -o json` gives them."""
        read = self.reader().get(*words)
        return read if read is not None else self.kubectl("get", *words, "-o", "json").expect().json()

    def namespaced_kinds(self):
        """Every resource that a namespace can hold and that can be listed. Events come and go by themselves."""
        if self._kinds is None:
            names = self.kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name").expect().out.split()
            self._kinds = [n for n in names if not n.startswith("events")]
        return self._kinds

    def space(self, prefix="story"):
        name = f"{prefix}-{''.join(random.choices(string.ascii_lowercase, k=6))}"
        self.kubectl("create", "namespace", name).expect()
        space = Space(self, name)
        # Pods cannot be made before it is there.
        space.eventually(lambda: space.path("serviceaccount/default", ".metadata.name"))
        return space


# What the control plane makes by itself in a namespace or beside an object.
def _incidental(item):
    kind, name = item["kind"], item["metadata"]["name"]
    return (kind in ("Event", "EndpointSlice", "Endpoints", "ControllerRevision")
            or (kind == "ConfigMap" and name == "kube-root-ca.crt")
            or (kind == "ServiceAccount" and name == "default"))


# Finalizers that storage controllers put on and take off when they come to it: a snapshot of a claim may be ready before its
# claim is free again.
_PASSING = {"snapshot.storage.kubernetes.io/pvc-as-source-protection", "provisioner.storage.kubernetes.io/cloning-protection",
            "snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection", "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection",
            "snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection", "external-provisioner.volume.kubernetes.io/finalizer",
            "external-attacher/slow-csi-hf-test"}
# And an annotation: the snapshotter takes it off whenever a try to cut has failed for good, and puts it on for the next one.
_PASSING_ANNOTATION = "snapshot.storage.kubernetes.io/volumesnapshot-being-created"


def _digest(item):
    metadata = {k: v for k, v in item["metadata"].items() if k not in ("resourceVersion", "managedFields")}
    metadata["finalizers"] = [f for f in metadata.get("finalizers", []) if f not in _PASSING]
    metadata["annotations"] = {k: v for k, v in metadata.get("annotations", {}).items() if k != _PASSING_ANNOTATION}
    text = json.dumps({**{k: v for k, v in item.items() if k != "status"}, "metadata": metadata}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Space:
    """One namespace of a story."""

    def __init__(self, cluster, name):
        self.cluster, self.name = cluster, name

    def kubectl(self, *words, **more):
        """`kubectl WORDS -n NAME`: flags come after the plugin's name, where kubectl wants them. Words after a `--` stay
        last."""
        words = [str(w) for w in words]
        cut = words.index("--") if "--" in words else len(words)
        return self.cluster.kubectl(*words[:cut], "-n", self.name, *words[cut:], **more)

    def start(self, *words):
        return self.cluster.start(*words, "-n", self.name)

    def set(self, name):
        """The record of a snapshot set."""
        return json.loads(self.get(f"configmap/holdfast-set-{name}")["data"]["set.json"])

    def snap(self, *words, **more):
        return self.kubectl("snap", *words, **more)

    def restore(self, *words, **more):
        return self.kubectl("restore", *words, **more)

    def clone(self, *words, **more):
        return self.kubectl("clone", *words, **more)

    def get(self, *words):
        read = self.cluster.reader().get(*words, "-n", self.name)
        return read if read is not None else self.kubectl("get", *words, "-o", "json").expect().json()

    def path(self, target, jsonpath):
        """One field, "" if it or its object is missing."""
        read = self.cluster.reader().get(target, "-n", self.name, missing={})
        found = field(read, jsonpath) if read is not None else None
        if found is not None:
            return found
        return self.kubectl("get", target, "-o", f"jsonpath={{{jsonpath}}}", "--ignore-not-found").out

    def apply(self, *manifests):
        """Manifests are dicts or YAML text."""
        text = "\n---\n".join(m if isinstance(m, str) else yaml.safe_dump(m) for m in manifests)
        return self.kubectl("apply", "-f", "-", stdin=text).expect()

    def wait(self, condition, *targets, timeout=PATIENCE_S):
        """kubectl's own watch: wait("condition=Ready", "pod/x"), wait("delete", …), wait("jsonpath={…}=…", …). If it is in
        vain the test fails with what the cluster says of the namespace."""
        waited = self.kubectl("wait", f"--for={condition}", *targets, f"--timeout={timeout}s", timeout=timeout + 30)
        assert waited.code == 0, f"{waited.text}\n{self.events()}"
        return waited

    def events(self):
        """What controllers and kubelets said in this namespace, for the message of a failure."""
        return (self.kubectl("get", "events", "--sort-by=.metadata.creationTimestamp").text
                + self.kubectl("get", "pods,pvc", "-o", "wide").text)

    def restart(self, pod):
        """Deletes a StatefulSet's pod and waits for the one that takes its place. The set's status may be older than both."""
        uid = self.path(f"pod/{pod}", ".metadata.uid")
        self.kubectl("delete", "pod", pod).expect()
        self.eventually(lambda: self.path(f"pod/{pod}", ".metadata.uid") not in ("", uid))
        self.wait("condition=Ready", f"pod/{pod}")

    def hold(self, target):
        """Keeps an object that is deleted from being gone, until let_go(): whoever waits for its end waits."""
        self.kubectl("patch", target, "--type=json", "-p", HOLD).expect()

    def let_go(self, target):
        def done():
            held = self.get(target)["metadata"]  # others write to it too: to no other version than this
            left = {"resourceVersion": held["resourceVersion"],
                    "finalizers": [f for f in held.get("finalizers", []) if f != "story.test/hold"]}
            return self.kubectl("patch", target, "--type=merge", "-p", json.dumps({"metadata": left})).code == 0

        self.eventually(done)

    def eventually(self, question, timeout=PATIENCE_S):
        """For what no watch of kubectl's can wait for. A question that takes long, as one for all objects, is asked a third of the time."""
        end = time.monotonic() + timeout
        while True:
            began = time.monotonic()
            if answer := question():
                return answer
            now = time.monotonic()
            assert now < end, f"not so within {timeout} s: {question}\n{self.events()}"
            time.sleep(min(1, max(0.1, 2 * (now - began))))

    def shell(self, pod, command, container=None):
        place = ["-c", container] if container else []
        return self.kubectl("exec", pod, *place, "--", "sh", "-c", command)

    def psql(self, pod, *statements, database="postgres"):
        """What psql -qtAX prints of the statements, each of which is a transaction of its own."""
        each = [word for one in statements for word in ("-c", one)]
        return self.kubectl("exec", pod, "--", "psql", "-qtAX", "-v", "ON_ERROR_STOP=1", "-d", database, *each).expect().out.strip()

    def image_of(self, claim):
        """The storage's own file with all blocks of a claim's volume."""
        handle = self.path(f"pv/{self.path(f'pvc/{claim}', '.spec.volumeName')}", ".spec.csi.volumeHandle")
        (image,) = self.cluster.kubeconfig.parent.glob(f"state/*/volumes/{handle}/data.img")
        return image

    def claim(self, name, storage_class="fast", size="64Mi", **spec):
        self.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
                    "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": storage_class,
                             "resources": {"requests": {"storage": size}}, **spec}})

    def pod(self, name, claims=(), command="sleep 100000", **spec):
        """A busybox pod with each claim mounted at /CLAIM; up when this returns."""
        self.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
                    "spec": {"terminationGracePeriodSeconds": 0, **spec,
                             "volumes": [{"name": c, "persistentVolumeClaim": {"claimName": c}} for c in claims],
                             "containers": [{"name": "main", "image": BUSYBOX_IMAGE, "command": ["sh", "-c", command],
                                             "volumeMounts": [{"name": c, "mountPath": f"/{c}"} for c in claims]}]}})
        self.wait("condition=Ready", f"pod/{name}")

    def postgres(self, name="postgres", wait=True, **options):
        """A StatefulSet of PostgreSQL, as stateful_set() makes it, with every replica ready."""
        replicas = options.get("replicas", 1)
        self.apply(*postgres(name, **options))
        if wait:
            self.wait(f"jsonpath={{.status.readyReplicas}}={replicas}", f"statefulset/{name}")

    def objects(self, but=()):
        """{(kind, name): digest of all but status} of what is in the namespace, with the volumes and snapshot contents that
        belong to it; `but`: resources left out. Two of these compared show every write between them; controllers' notes in status do not count."""
        listed = self.get(",".join(kind for kind in self.cluster.namespaced_kinds() if kind not in but))["items"]
        found = {(i["kind"], i["metadata"]["name"]): _digest(i) for i in listed if not _incidental(i)}
        for item, _ in self.storage():
            found[(item["kind"], item["metadata"]["name"])] = _digest(item)
        return found

    def storage(self):
        """(volume or snapshot content of this namespace, its policy's field)."""
        kinds = [("pv", "claimRef", "persistentVolumeReclaimPolicy")]
        if any("volumesnapshots" in kind for kind in self.cluster.namespaced_kinds()):
            kinds.append(("volumesnapshotcontent", "volumeSnapshotRef", "deletionPolicy"))
        return [(item, policy) for kind, reference, policy in kinds for item in self.cluster.get(kind)["items"]
                if item["spec"].get(reference, {}).get("namespace") == self.name]

    def comes_back_to(self, before):
        """Waits until objects() is `before` again, and fails with what differs: what is gone, and what there is now."""
        try:
            self.eventually(lambda: self.objects() == before)
        except AssertionError as late:
            now = self.objects()
            differs = {key for key in {*before, *now} if before.get(key) != now.get(key)}
            shown = [item for kind in {kind for kind, _ in differs & set(now)} for item in self.get(kind)["items"] if (kind, item["metadata"]["name"]) in differs]
            shown += [item for item, _ in self.storage() if (item["kind"], item["metadata"]["name"]) in differs]
            raise AssertionError(f"gone: {sorted(differs - set(now))}; new or changed: {json.dumps(shown)}\n{late}") from late

    def left_behind(self, before):
        """Names of objects that are there now and were not `before` (an answer of objects())."""
        return sorted(set(self.objects()) - set(before))

    def account(self, name, rules=(), cluster_rules=()):
        """A Cluster for a service account that may do exactly this: rules in this namespace, cluster_rules everywhere."""
        full = f"{self.name}-{name}"
        subject = [{"kind": "ServiceAccount", "name": name, "namespace": self.name}]
        api = {"apiVersion": "rbac.authorization.k8s.io/v1"}
        manifests = [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}]
        for kind, what, where in (("Role", rules, name), ("ClusterRole", cluster_rules, full)):
            manifests += [{**api, "kind": kind, "metadata": {"name": where, "labels": {"story": self.name}}, "rules": list(what)},
                          {**api, "kind": f"{kind}Binding", "metadata": {"name": where, "labels": {"story": self.name}},
                           "subjects": subject, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": where}}]
        self.apply(*manifests)
        made = self.cluster.with_kubeconfig(self._kubeconfig_of(name))
        self.in_force(rules, cluster_rules, "--kubeconfig", made.kubeconfig)
        return made

    def in_force(self, rules, cluster_rules, *who):
        """Waits until the API server, which goes by the roles that it has read, knows that they may do this. Who is flags of
        kubectl. The roles were made one after the other, and this one last."""
        for rule, place in ((rules[-1:], ["-n", self.name]), (cluster_rules[-1:], ["-A"])):
            for one in rule:
                group = one["apiGroups"][0]
                resource = one["resources"][0] + (f".{group}" if group not in ("", "*") else "")
                self.eventually(lambda: self.cluster.kubectl("auth", "can-i", one["verbs"][0], resource, *place, *who).code == 0)

    def _kubeconfig_of(self, account):
        token = self.kubectl("create", "token", account).expect().out.strip()
        config = yaml.safe_load(self.cluster.kubeconfig.read_text())
        config["users"] = [{"name": account, "user": {"token": token}}]
        config["contexts"] = [{"name": "it", "context": {"cluster": config["clusters"][0]["name"], "user": account,
                                                         "namespace": self.name}}]
        config["current-context"] = "it"
        path = self.cluster.home / f"{self.name}-{account}.kubeconfig"
        path.write_text(yaml.safe_dump(config))
        path.chmod(0o600)
        return path

    def delete(self):
        """Begins the namespace's end, and that of cluster-wide roles made for it."""
        for pod in self.get("pods")["items"]:
            if "story.test/hold" in pod["metadata"].get("finalizers", []):  # of a story that failed
                self.let_go(f"pod/{pod['metadata']['name']}")
        self.cluster.kubectl("delete", "namespace", self.name, "--wait=false", "--ignore-not-found")
        if self.cluster.get("clusterrole,clusterrolebinding", "-l", f"story={self.name}")["items"]:
            self.cluster.kubectl("delete", "clusterrole,clusterrolebinding", "-l", f"story={self.name}", "--wait=false")
        # What Retain keeps would stay for ever: nobody looks at these volumes again.
        for item, policy in self.storage():
            if item["spec"].get(policy) == "Retain":
                self.cluster.kubectl("patch", item["kind"], item["metadata"]["name"], "--type=merge", "-p",
                                     json.dumps({"spec": {policy: "Delete"}}))
            if item["kind"] == "VolumeSnapshotContent":  # whose snapshot has gone already, nobody deletes it
                self.cluster.kubectl("delete", "volumesnapshotcontent", item["metadata"]["name"], "--wait=false", "--ignore-not-found")


def postgres(name="postgres", image=POSTGRES_IMAGE, replicas=1, storage_class="fast", size="256Mi", env=(), **more):
    """Manifests of a StatefulSet with the claim template `data`, and its headless Service. `more` goes into the pod's spec."""
    labels = {"app": name}
    container = {
        "name": "postgres", "image": image, "imagePullPolicy": "IfNotPresent",
        "env": [{"name": "PGDATA", "value": "/data/pgdata"}, {"name": "PGHOST", "value": "127.0.0.1"}, *env],
        "ports": [{"containerPort": 5432}],
        # Whether it has started, pg_isready knows; from then on the kubelet asks by itself: a program that is
        # started every second takes a twentieth of a core in each pod.
        "startupProbe": {"exec": {"command": ["pg_isready", "-q"]}, "periodSeconds": 1, "failureThreshold": 1000},
        "readinessProbe": {"tcpSocket": {"port": 5432}, "periodSeconds": 1},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
               "spec": {"clusterIP": "None", "selector": labels, "ports": [{"port": 5432}]}}
    claim = {"metadata": {"name": "data"},
             "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": storage_class, "resources": {"requests": {"storage": size}}}}
    user = {"runAsUser": 999, "runAsGroup": 999, "fsGroup": 999, "runAsNonRoot": True}
    return service, {
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name},
        "spec": {"serviceName": name, "replicas": replicas, "podManagementPolicy": "Parallel",
                 "selector": {"matchLabels": labels}, "volumeClaimTemplates": [claim],
                 "template": {"metadata": {"labels": labels},
                              "spec": {"terminationGracePeriodSeconds": 5, "securityContext": user,
                                       "containers": [container], **more}}}}


def decoded(secret, key):
    return base64.b64decode(secret["data"][key]).decode()
