"""What pods and claims of a namespace were like at any moment: their watch streams, kept while a story goes on. Events of
both kinds are ordered by resourceVersion, since they come from one store."""
import json
import subprocess
import threading


class Chronicle:
    """`with Chronicle(space) as chronicle:`; what it knows is asked for after catch_up()."""

    def __init__(self, space):
        self.space, self.events, self._processes, self._readers = space, [], [], []

    def __enter__(self):
        for kind in ("pods", "persistentvolumeclaims"):
            process = subprocess.Popen(["kubectl", "get", kind, "-n", self.space.name, "--watch", "--output-watch-events", "-o", "json"],
                                       env=self.space.cluster.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
            reader.start()
            self._processes.append(process)
            self._readers.append(reader)
        return self

    def __exit__(self, *_):
        ended = [process.poll() for process in self._processes]
        for process in self._processes:
            process.terminate()
            process.wait(10)
        for reader in self._readers:
            reader.join(10)
        assert ended == [None, None], "a watch ended before the story did: events may be missing"

    def _read(self, stream):
        for line in stream:
            item = json.loads(line)["object"]
            self.events.append((int(item["metadata"]["resourceVersion"]), item))

    def catch_up(self):
        """Waits until both watches have told of everything that is there now."""
        for kind in ("pods", "persistentvolumeclaims"):
            for item in self.space.get(kind)["items"]:
                uid, version = item["metadata"]["uid"], int(item["metadata"]["resourceVersion"])
                self.space.eventually(lambda uid=uid, version=version: any(
                    at >= version and seen["metadata"]["uid"] == uid for at, seen in list(self.events)))

    def _of(self, kind):
        return sorted((e for e in list(self.events) if e[1]["kind"] == kind), key=lambda e: e[0])

    def started(self, pod_uid):
        """(resourceVersion, pod) of when a container of that pod was first seen to have started; None if no such pod was."""
        for version, pod in self._of("Pod"):
            if pod["metadata"]["uid"] != pod_uid:
                continue
            for status in pod["status"].get("containerStatuses", []):
                if any(key in state for state in (status["state"], status.get("lastState", {})) for key in ("running", "terminated")):
                    return version, pod
        return None

    def claim(self, name, version):
        """The claim of that name as it was then."""
        found = [claim for at, claim in self._of("PersistentVolumeClaim") if at <= version and claim["metadata"]["name"] == name]
        return found[-1] if found else None

    def source_of(self, volume):
        """The snapshot that a volume was provisioned from, as the first claim that was bound to it says; "" for an empty one."""
        for _, claim in self._of("PersistentVolumeClaim"):
            if claim["spec"].get("volumeName") == volume:
                return (claim["spec"].get("dataSource") or {}).get("name", "")
        return None
