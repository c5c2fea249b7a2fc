"""Reads objects from an API server as `kubectl get` does, without starting a program for it: stories look again and again, and a
kubectl takes a fifth of a second of a processor each time. What this does not understand it leaves to kubectl (None)."""
import base64
import http.client
import json
import re
import ssl
import tempfile
import threading
import urllib.parse

import yaml

DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


class Reader:
    def __init__(self, kubeconfig):
        config = yaml.safe_load(kubeconfig.read_text())
        context = next(c["context"] for c in config["contexts"] if c["name"] == config["current-context"])
        cluster = next(c["cluster"] for c in config["clusters"] if c["name"] == context["cluster"])
        user = next(u["user"] for u in config["users"] if u["name"] == context["user"])
        self._host = urllib.parse.urlsplit(cluster["server"]).netloc
        self._tls = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        self._headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
        if "client-certificate-data" in user:
            with tempfile.NamedTemporaryFile() as both:  # the TLS library takes files only
                both.write(base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"]))
                both.flush()
                self._tls.load_cert_chain(both.name)
        self._namespace = context.get("namespace", "default")
        self._mine = threading.local()
        self._kinds = {}

    def get(self, *words, missing=None):
        """What `kubectl get WORDS -o json` prints, read; None if it is better asked: also of all that fails. `missing` is the
        answer for an object by name that is not there."""
        asked = _Asked.of(words, self._namespace)
        try:
            return asked and self._answer(asked)
        except _Missing:
            return missing
        except (OSError, http.client.HTTPException, _Failed):
            return None

    def _answer(self, asked):
        kinds = [self._kind(name) for name in asked.kinds]
        if None in kinds:
            return None
        if asked.name:
            return _shown(self._request(self._path(kinds[0], asked.namespace) + "/" + asked.name))
        items = []
        for kind in kinds:
            some = self._request(self._path(kind, asked.namespace) + asked.query)
            kind = {"apiVersion": some["apiVersion"], "kind": some["kind"].removesuffix("List")}
            items += [_shown({**kind, **item}) for item in some["items"]]
        return {"apiVersion": "v1", "kind": "List", "items": items}

    @staticmethod
    def _path(kind, namespace):
        root, plural, namespaced = kind
        return f"{root}/namespaces/{namespace}/{plural}" if namespaced and namespace else f"{root}/{plural}"

    def _kind(self, name):
        if name not in self._kinds:
            self._kinds = self._discovered()
        return self._kinds.get(name)

    def _discovered(self):
        """Every name by which kubectl knows a kind -> where it is served. The first that has a name keeps it."""
        found = {}
        for root in ("/api", "/apis"):
            for group in self._request(root, DISCOVERY)["items"]:
                name = group["metadata"].get("name", "")
                version = group["versions"][0]
                for one in version["resources"]:
                    place = (f"/apis/{name}/{version['version']}" if name else f"/api/{version['version']}", one["resource"],
                             one["scope"] == "Namespaced")
                    short = [one["resource"], one.get("singularResource", ""), *one.get("shortNames", [])]
                    for word in short + [f"{w}.{name}" for w in short if name]:
                        found.setdefault(word, place)
        return found

    def _request(self, path, accept="application/json"):
        for last in (False, True):
            try:
                if getattr(self._mine, "connection", None) is None:
                    self._mine.connection = http.client.HTTPSConnection(self._host, context=self._tls, timeout=30)
                self._mine.connection.request("GET", path, headers={**self._headers, "Accept": accept})
                response = self._mine.connection.getresponse()
                body = response.read()
                break
            except (OSError, http.client.HTTPException):
                self._mine.connection = None  # the server may have closed what it was idle on
                if last:
                    raise
        if response.status != 200:
            raise _Missing if response.status == 404 else _Failed
        return json.loads(body)


def _shown(item):
    item["metadata"].pop("managedFields", None)  # as kubectl
    return item


class _Failed(Exception):
    """An answer that is an error: kubectl has the words for it."""


class _Missing(Exception):
    pass


class _Asked:
    """What the words of a `kubectl get` ask for."""

    def __init__(self):
        self.kinds, self.name, self.namespace, self.query = [], "", "", ""

    @staticmethod
    def of(words, namespace):
        asked, rest, selectors = _Asked(), [], {}
        asked.namespace = namespace
        left = [str(word) for word in words]
        while left:
            word = left.pop(0)
            if word == "-A":
                asked.namespace = ""
            elif word == "-n" and left:
                asked.namespace = left.pop(0)
            elif word == "-l" and left:
                selectors["labelSelector"] = left.pop(0)
            elif word.startswith("-") or len(rest) == 2:
                return None
            else:
                rest.append(word)
        parts = rest[0].split("/") + rest[1:] if rest else []
        if len(parts) not in (1, 2) or not all(parts) or (len(parts) == 2 and ("," in parts[0] or selectors)):
            return None
        asked.kinds, asked.name = parts[0].lower().split(","), parts[1] if len(parts) == 2 else ""
        asked.query = "?" + urllib.parse.urlencode(selectors) if selectors else ""
        return asked


def field(item, path):
    """What kubectl prints of a jsonpath ".a.b\\.c[0]"; None for one with more than fields and numbers in it."""
    steps = re.findall(r"\.((?:[^.\[\\]|\\.)+)|\[(\d+)\]", path)
    if "".join(f".{name}" if name else f"[{number}]" for name, number in steps) != path:
        return None
    for name, number in steps:
        try:
            item = item[int(number)] if number else item[re.sub(r"\\(.)", r"\1", name)]
        except (KeyError, IndexError):
            return ""
    if item is None:
        return ""
    return item if isinstance(item, str) else json.dumps(item, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
