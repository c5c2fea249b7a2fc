"""What the real kubectl sends, seen by a server, is what our code decides: path, credentials, impersonation, certificate, proxy.

A request is made by `kubectl get --raw /probe`; ours is what kubeconfig_tool says that load_client_config and Credentials give."""
import base64
import http.server
import json
import random
import ssl
import subprocess
import threading

import pytest

from conftest import parsed

COUNT = 120


class Recorder(http.server.BaseHTTPRequestHandler):
    def answer(self):
        certificate = self.connection.getpeercert(binary_form=True) if isinstance(self.connection, ssl.SSLSocket) else None
        self.server.seen.append({
            "method": self.command, "path": self.path, "headers": [(k.lower(), v) for k, v in self.headers.items()],
            "certificate": ssl.DER_cert_to_PEM_cert(certificate) if certificate else ""})
        self.send_response(200 if self.command == "GET" else 502)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_CONNECT = answer

    def log_message(self, *_):
        pass


class Servers:
    """One server over TLS, one plain, one proxy; and a CA with a client certificate."""

    def __init__(self, folder):
        self.folder = folder
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=ca", "-days", "2",
                     "-keyout", "ca.key", "-out", "ca.pem")
        for name, extension in (("server", "subjectAltName=IP:127.0.0.1,DNS:inner.test"), ("client", "extendedKeyUsage=clientAuth")):
            (folder / f"{name}.ext").write_text(extension + "\n")
            self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout",
                         f"{name}.key", "-out", f"{name}.csr")
            self.openssl("x509", "-req", "-in", f"{name}.csr", "-days", "2", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                         "-extfile", f"{name}.ext", "-out", f"{name}.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem", folder / "server.key")
        context.load_verify_locations(folder / "ca.pem")
        context.verify_mode = ssl.CERT_OPTIONAL
        self.secure, self.plain, self.proxy = self.start(context), self.start(None), self.start(None)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def start(self, context):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
        server.seen = []
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def forget(self):
        for server in (self.secure, self.plain, self.proxy):
            server.seen.clear()


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    return Servers(tmp_path_factory.mktemp("servers"))


def make_case(seed, servers, world):
    """Writes a kubeconfig and returns the flags."""
    pick = random.Random(seed)
    chance = lambda p: pick.random() < p
    read = lambda name: base64.b64encode((servers.folder / name).read_bytes()).decode()
    secure = f"https://127.0.0.1:{servers.secure.server_port}"
    plain = f"http://127.0.0.1:{servers.plain.server_port}"
    for name in ("ca.pem", "client.pem", "client.key"):
        world.write(f"pki/{name}", (servers.folder / name).read_bytes())
    world.write("plugin", "#!/bin/sh\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\","
                          "\"status\":{\"token\":\"from-plugin\"}}'\n").chmod(0o700)
    world.write("token", "from-file\n").chmod(0o600)
    cluster = {"server": pick.choice([secure, secure, secure + "/prefix", secure + "/a/b/?q=1#f", plain, plain + "/p/", plain.removeprefix("http://")])}
    trust = pick.randrange(3)
    if trust == 0:
        cluster["certificate-authority"] = "pki/ca.pem"
    elif trust == 1:
        cluster["certificate-authority-data"] = read("ca.pem")
    else:
        cluster["insecure-skip-tls-verify"] = True
    if chance(0.2):
        cluster["tls-server-name"] = "inner.test"
    user = {}
    kind = pick.randrange(7)
    if kind == 0:
        user["token"] = "from-config"
    elif kind == 1:
        user["tokenFile"] = "token"
    elif kind == 2:
        user.update({"username": "me", "password": "p:w"})
    elif kind == 3:
        user.update({"client-certificate": "pki/client.pem", "client-key-data": read("client.key")})
    elif kind == 4:
        user["exec"] = {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin", "interactiveMode": "Never"}
    if kind < 5 and chance(0.15):
        user.setdefault("exec", {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin", "interactiveMode": "Never"})
    if chance(0.3):
        user.update({"as": "someone", "as-groups": ["g", "h"][:pick.randrange(3)]})
    if chance(0.15):
        user.update({"as": "someone", "as-uid": "u-1", "as-user-extra": {"reason": ["x", "y"]}})
    world.write("config", json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}, {"name": "b", "context": {"cluster": "c", "user": "none"}}],
        "clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": user}, {"name": "none", "user": {}}]}))
    flags = [f"--kubeconfig={world.folder}/config"]
    for flag, probability in ((f"--server={secure}/flag", 0.1), ("--as=flagged", 0.1), ("--as-group=fg", 0.1), ("--context=b", 0.1), ("--user=none", 0.1),
                              ("--tls-server-name=inner.test", 0.1), (f"--certificate-authority={servers.folder}/ca.pem", 0.1),
                              ("--as-user-extra=scopes=a=b", 0.1), ("--token=from-flag", 0.1)):
        if chance(probability):
            flags.append(flag)
    return flags


def header(request, name):
    return sorted(value for key, value in request["headers"] if key == name)


@pytest.mark.parametrize("seed", range(COUNT))
def test_the_request_is_kubectls(world, servers, seed):
    flags = make_case(seed, servers, world)
    servers.forget()
    # -n for kubectl's own sake only: --raw has no namespace. Standard input is empty, so nothing is asked.
    theirs = world.kubectl("get", "--raw", "/probe", *flags)
    seen = [("https", r) for r in servers.secure.seen] + [("http", r) for r in servers.plain.seen]
    ours = world.tool("request", *flags)
    hint = f"seed {seed}: {flags}\n{(world.folder / 'config').read_text()}\nkubectl {theirs}\nours {ours}\nseen {seen}"
    if ours[0] == 3:  # we refuse what kubectl does silently: dropping a credential that a flag gave
        assert "plain HTTP" in ours[2] and any(f.startswith("--token") for f in flags), hint
        assert all(not header(r, "authorization") for _, r in seen), hint
        return
    if not seen and "Please enter" in theirs[1] + theirs[2]:
        return  # kubectl asks for a user name where it has none; we go without
    assert (ours[0] == 0) == bool(seen), hint
    if not seen:
        return
    wanted = parsed(ours[1])
    scheme, request = seen[0]
    port = servers.secure.server_port if scheme == "https" else servers.plain.server_port
    base = wanted["server"].removeprefix(f"{scheme}://127.0.0.1:{port}")
    assert base != wanted["server"] and request["path"] == base + "/probe", hint
    flag_beats_file = wanted["authorization"] == "Bearer from-flag" and header(request, "authorization") == ["Bearer from-file"]
    assert flag_beats_file or header(request, "authorization") == [a for a in [wanted["authorization"]] if a], hint
    assert header(request, "impersonate-user") == [a for a in [wanted["as"]] if a], hint
    assert header(request, "impersonate-uid") == [a for a in [wanted["as_uid"]] if a], hint
    assert header(request, "impersonate-group") == sorted(wanted["as_groups"]), hint
    extra = {key for key, _ in request["headers"] if key.startswith("impersonate-extra-")}
    assert extra == {f"impersonate-extra-{key}" for key, _ in wanted["as_extra"]}, hint
    for key in extra:
        assert header(request, key) == sorted(v for k, v in wanted["as_extra"] if f"impersonate-extra-{k}" == key), hint
    assert request["certificate"].strip() == wanted["client_certificate"].strip(), hint


PROXIES = [
    ({"HTTPS_PROXY": "@"}, {}), ({"https_proxy": "@"}, {}), ({"HTTPS_PROXY": "@", "https_proxy": "http://127.0.0.1:1"}, {}),
    ({"ALL_PROXY": "@"}, {}), ({"HTTP_PROXY": "@"}, {}), ({"HTTPS_PROXY": "@", "NO_PROXY": "192.0.2.0/24"}, {}),
    ({"HTTPS_PROXY": "@", "NO_PROXY": "192.0.2.9:6443"}, {}), ({"HTTPS_PROXY": "@", "NO_PROXY": "192.0.2.9:1"}, {}),
    ({"NO_PROXY": "*"}, {"proxy-url": "@"}), ({"HTTPS_PROXY": "http://127.0.0.1:1"}, {"proxy-url": "@"}),
]


@pytest.mark.parametrize("environment, cluster", PROXIES)
def test_the_proxy_is_kubectls(world, servers, environment, cluster):
    proxy = f"http://127.0.0.1:{servers.proxy.server_port}"
    put = lambda values: {k: v.replace("@", proxy) for k, v in values.items()}
    world.environment.update(put(environment))
    world.write("config", json.dumps({
        "current-context": "a", "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://192.0.2.9:6443", **put(cluster)}}], "users": [{"name": "u", "user": {"token": "t"}}]}))
    flags = [f"--kubeconfig={world.folder}/config"]
    wanted = parsed(world.tool("request", *flags)[1])
    servers.forget()
    world.kubectl("get", "--raw", "/probe", "--request-timeout=1s", *flags)
    seen = [(r["method"], r["path"]) for r in servers.proxy.seen[:1]]
    assert seen == ([("CONNECT", "192.0.2.9:6443")] if wanted["proxy"] == proxy else []), (wanted["proxy"], seen)


def test_a_child_kubectl_is_the_same_user_and_no_secret_is_in_its_arguments(world, servers):
    """The kubeconfig that we write for a child is read by the real kubectl, which then sends what we would."""
    world.write("config", json.dumps({
        "current-context": "a", "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{servers.secure.server_port}/prefix",
                                               "certificate-authority-data": base64.b64encode((servers.folder / "ca.pem").read_bytes()).decode()}}],
        "users": [{"name": "u", "user": {"client-key-data": ""}}]}))
    ours = parsed(world.tool("request", f"--kubeconfig={world.folder}/config", "--token=yes", "--as=0x1F", "--as-group=on")[1])
    assert "yes" not in " ".join(ours["arguments"])
    world.write("child", ours["kubeconfig"]).chmod(0o600)
    servers.forget()
    done = world.kubectl("get", "--raw", "/probe", f"--kubeconfig={world.folder}/child", *ours["arguments"])
    assert done[0] == 0, done
    request = servers.secure.seen[0]
    assert request["path"] == "/prefix/probe"
    assert header(request, "authorization") == ["Bearer yes"]
    assert header(request, "impersonate-user") == ["0x1F"] and header(request, "impersonate-group") == ["on"]
