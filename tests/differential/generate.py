"""kubeconfig files, flags and environments out of a seed: mostly valid, often odd, sometimes wrong."""
import base64
import json
import random

import yaml

NAMES = ["a", "b", "c", "prod", "on", "1", "x y", "été"]
TEXTS = ["plain", "yes", "0x1F", "1e3", "", "~", "with space", "a: b", "#no", "line\nbreak\n", "ümlaut", "'", '"', "\\", "true"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.tame = seed % 5 != 0  # nothing that must fail
        self.files = {}  # path -> bytes
        self.arguments = []
        self.environment = {}

    def chance(self, probability):
        return self.random.random() < probability

    def mishap(self, probability):
        return not self.tame and self.chance(probability)

    def pick(self, *values):
        return self.random.choice(values)

    def value(self, depth=0):
        kind = self.random.randrange(4 if depth > 2 else 7)
        if kind == 0:
            return self.pick(*TEXTS)
        if kind == 1:
            return self.pick(0, 1, -5, 2**40, 2**63 - 1, 1.5, 1e3, 1e21)
        if kind == 2:
            return self.pick(True, False, None)
        if kind < 5:
            return [self.value(depth + 1) for _ in range(self.random.randrange(3))]
        return {self.pick(*TEXTS, "k", "l"): self.value(depth + 1) for _ in range(self.random.randrange(4))}

    def maybe(self, entry, key, make, probability=0.3):
        if self.chance(probability):
            entry[key] = make()

    def extensions(self):
        names = self.random.sample(["one", "two", "client.authentication.k8s.io/exec"], self.random.randrange(1, 3))
        if self.mishap(0.1):
            names += names[:1]
        return [{"name": n, "extension": self.value()} if self.chance(0.9) else {"name": n} for n in names]

    def file_reference(self):
        name = self.pick("ca.pem", "sub/key.pem", "../up.pem", "empty.pem")
        if self.mishap(0.06):
            return "missing.pem"
        return name

    def data(self):
        if self.mishap(0.02):
            return self.pick("not base64!", "abc", 5)
        encoded = base64.b64encode(self.random.randbytes(self.random.randrange(0, 90))).decode()
        return encoded if self.chance(0.8) else "\n".join(encoded[i:i + 20] for i in range(0, len(encoded), 20))

    def certificate(self, entry, key):
        if self.chance(0.4):
            entry[key] = self.file_reference()
        if self.mishap(0.05) if key in entry else self.chance(0.5):
            entry[key + "-data"] = self.data()

    def cluster(self):
        entry = {"server": self.pick("https://1.2.3.4:6443", "https://h/prefix/", "http://localhost:8080", "h:1", "")}
        self.certificate(entry, "certificate-authority")
        self.maybe(entry, "tls-server-name", lambda: self.pick("name", "yes"))
        self.maybe(entry, "insecure-skip-tls-verify", lambda: self.pick(True, False))
        self.maybe(entry, "proxy-url", lambda: self.pick("http://p:1", "socks5://u:p@q", "file:///etc/passwd"))
        self.maybe(entry, "disable-compression", lambda: self.pick(True, False))
        self.maybe(entry, "extensions", self.extensions, 0.25)
        self.maybe(entry, "unknown-field", self.value, 0.1)
        return entry

    def exec(self):
        entry = {"command": self.pick("plugin", "./plugin", "bin/plugin", "/abs/plugin", "")}
        self.maybe(entry, "apiVersion", lambda: "client.authentication.k8s.io/" + self.pick("v1", "v1beta1", "v1alpha1"), 0.9)
        self.maybe(entry, "args", lambda: self.pick([], ["x"], ["--a", "b c"], None))
        self.maybe(entry, "env", lambda: self.pick([], [{"name": "A", "value": "b"}], [{"name": "A"}]))
        self.maybe(entry, "interactiveMode", lambda: self.pick("Never", "IfAvailable", "Always", "Sometimes"), 0.5)
        self.maybe(entry, "installHint", lambda: "get it")
        self.maybe(entry, "provideClusterInfo", lambda: self.pick(True, False))
        return entry

    def user(self):
        entry = {}
        self.certificate(entry, "client-certificate")
        self.certificate(entry, "client-key")
        for key in ("token", "username", "password", "as", "as-uid"):
            self.maybe(entry, key, lambda: self.pick("text", "yes", "a b", "", None), 0.2)
        self.maybe(entry, "tokenFile", lambda: self.pick("token", "/abs/token", "../token"))
        self.maybe(entry, "as-groups", lambda: self.pick(["g"], [], ["g", "h"], None), 0.15)
        self.maybe(entry, "as-user-extra", lambda: self.pick({"k": ["v"]}, {}, {"k": [], "l": ["a", "b"]}, {"k": None}), 0.15)
        self.maybe(entry, "auth-provider", lambda: self.pick({"name": "oidc", "config": {"a": "b"}}, {"name": "gcp"},
                                                             {"name": "oidc", "config": None}), 0.1)
        self.maybe(entry, "exec", self.exec)
        self.maybe(entry, "extensions", self.extensions, 0.2)
        return entry

    def context(self):
        entry = {}
        self.maybe(entry, "cluster", lambda: self.pick(*NAMES[:4]), 0.95)
        self.maybe(entry, "user", lambda: self.pick(*NAMES[:4]), 0.95)
        self.maybe(entry, "namespace", lambda: self.pick("ns", "yes", "", "Not_DNS"), 0.4)
        self.maybe(entry, "extensions", self.extensions, 0.2)
        return entry

    def named(self, field, make, names):
        entries = [{"name": name, field: make()} for name in names]
        if self.mishap(0.1):
            entries.append({"name": names[0], field: make()})
        if self.mishap(0.1):
            entries.append(self.pick({field: make()}, None, {"name": "bare"}))
        self.random.shuffle(entries)
        return entries

    def spoil(self, config):
        """Something of a wrong type somewhere."""
        key = self.pick("clusters", "users", "contexts", "current-context", "apiVersion", "kind", "preferences", "extensions")
        config[key] = self.pick("text", 5, True, {}, [], [5], None, "v2", {"colors": "yes"}, {"colors": 1})

    def config(self):
        some = lambda: self.random.sample(NAMES[:4], 4) if self.tame else self.random.sample(NAMES, self.random.randrange(3, 9))
        config = {}
        self.maybe(config, "apiVersion", lambda: "v1", 0.85)
        self.maybe(config, "kind", lambda: "Config", 0.85)
        self.maybe(config, "preferences", lambda: self.pick({}, {"colors": True}, {"extensions": self.extensions()}), 0.3)
        often = 1 if self.tame else 0.95
        self.maybe(config, "clusters", lambda: self.named("cluster", self.cluster, some()), often)
        self.maybe(config, "users", lambda: self.named("user", self.user, some()), often)
        self.maybe(config, "contexts", lambda: self.named("context", self.context, some()), often)
        self.maybe(config, "current-context", lambda: self.pick(*NAMES[:4]), often)
        self.maybe(config, "extensions", self.extensions, 0.15)
        if self.mishap(0.3):
            self.spoil(config)
        return config

    def text(self, config):
        style = self.random.randrange(6)
        if style == 0:
            return json.dumps(config, ensure_ascii=self.chance(0.5), indent=self.pick(None, 1, 2))
        if style == 1:
            return yaml.safe_dump(config, default_flow_style=True, allow_unicode=True)
        if style == 2:
            return yaml.safe_dump(config, default_style=self.pick('"', "'"), allow_unicode=self.chance(0.5))
        text = yaml.safe_dump(config, default_flow_style=self.pick(None, False), width=self.pick(20, 80, 10**6),
                              sort_keys=self.chance(0.5), indent=self.pick(2, 4, 7), allow_unicode=True)
        if style == 4:
            text = "# a comment\n---\n" + text.replace("\n", "  # odd\n", 1) + self.pick("", "...\n", "---\nsecond: document\n")
        if style == 5:
            text = text.replace("\n", "\r\n")
        return text

    def damage(self, text):
        kind = self.random.randrange(4)
        if kind == 0:
            return text[:self.random.randrange(len(text) + 1)]
        if kind == 1:
            return ""
        if kind == 2:
            return self.pick("just text\n", "[1, 2]\n", "# nothing\n", "---\n", "null\n", "{}\n")
        at = self.random.randrange(len(text) + 1)
        return text[:at] + self.pick("\t", "}", "\x00", ": ", "\n  ", "*x", "@") + text[at:]

    def case(self):
        for name in ("ca.pem", "key.pem", "up.pem", "empty.pem"):
            for folder in ("", "sub/", "deep/sub/", "deep/"):
                self.files[folder + name] = b"" if name == "empty.pem" else f"content of {folder}{name}\n".encode()
        places = self.random.sample(["config1", "deep/config2", "sub/config3"], self.random.randrange(1, 4))
        for place in places:
            text = self.text(self.config())
            self.files[place] = (self.damage(text) if self.mishap(0.3) else text).encode()
        how = self.random.random()
        if how < 0.3:
            self.arguments.append("--kubeconfig=" + ("nowhere" if self.mishap(0.1) else places[0]))
        elif how < 0.9:
            listed = places + self.random.sample(["", "nowhere", places[0]], self.random.randrange(3))
            self.random.shuffle(listed)
            self.environment["KUBECONFIG"] = ":".join(listed)
        else:
            self.files[".kube/config"] = self.files.pop(places[0])
        if self.chance(0.4):
            self.arguments.append("--context=" + (self.pick(*NAMES[:4]) if self.tame else self.pick(*NAMES, "")))
        return self
