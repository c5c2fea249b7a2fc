"""Bad inputs 13 to 28 of the project's list of 82, by their numbers (27 is in test_hostile_api.py): kubeconfig files, credentials
and proxies that are wrong or hostile. Each with the exact exit code and message. Exit 7 is "cannot connect", 2 is a wrong flag,
3 a refusal; secrets that the files hold are in no output."""
import json
import re
import time

import pytest

SECRET = "hunter2-canary"


@pytest.fixture
def attempt(tmp_path, run):
    """attempt(text) runs `snap list` with a kubeconfig of this content."""

    def go(text, *args, **more):
        path = tmp_path / "config"
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text)
        path.chmod(0o600)
        done = run("snap", "list", *args, kubeconfig=path, **more)
        assert SECRET not in done.out + done.err, done
        done.path = path
        return done

    return go


def config(cluster=None, user=None):
    """A kubeconfig as JSON, which is YAML too. The server's port answers nobody."""
    return json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1", **(cluster or {})}}],
        "users": [{"name": "u", "user": {"token": SECRET} if user is None else user}]})


def plugin(command, **more):
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(command), "interactiveMode": "Never", **more}}


@pytest.fixture
def script(tmp_path):
    """A credential plugin; `ran` beside it says that it was run."""
    path = tmp_path / "plugin"

    def write(body):
        path.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n{body}\n")
        path.chmod(0o700)
        return path

    return write


def check(done, code, *lines):
    assert done.code == code, done
    shown = done.err.splitlines()
    for line in lines:
        assert line in shown, done


def test_13_a_kubeconfig_that_is_not_there_is_named(run, tmp_path):
    done = run("snap", "list", "--kubeconfig", tmp_path / "nowhere")
    check(done, 7, f"error: kubeconfig {tmp_path}/nowhere does not exist")


@pytest.mark.parametrize("text, state", [(None, "no kubeconfig was found"), ("", "kubeconfig names no cluster"), ("# nothing\n", "kubeconfig names no cluster")])
def test_13_without_configuration_the_searched_places_are_named(run, tmp_path, text, state):
    paths = [tmp_path / "one", tmp_path / "two"]
    if text is not None:
        paths[1].write_text(text)
    done = run("snap", "list", env={"KUBECONFIG": f"{paths[0]}:{paths[1]}", "KUBERNETES_MASTER": "http://127.0.0.1:1"})
    check(done, 7, f"warning: {state} (looked at {paths[0]}, {paths[1]}); using http://127.0.0.1:1")
    assert "127.0.0.1:1" in done.err.splitlines()[-1] or "refused" in done.err, done


def test_14_a_huge_file_is_not_read_whole(attempt):
    done = attempt(b"# " + b"x" * (100 << 20), measure=True)
    check(done, 7, f"error: kubeconfig: {done.path}: larger than the limit of 8Mi")
    assert 0 < done.peak_kib <= 64 * 1024, done


def test_15_an_alias_bomb_is_not_expanded(attempt):
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    for i in range(1, 20):
        bomb += f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n"
    began = time.monotonic()
    done = attempt(bomb, measure=True)
    check(done, 7, f"error: kubeconfig {done.path}: line 5, column 38: aliases expand to more than 100000 values or 8Mi of text")
    assert 0 < done.peak_kib <= 64 * 1024, done
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("text", ["[" * 10_000, "{a: " * 10_000, "- " * 10_000, "".join(" " * i + "a:\n" for i in range(2_000))])
def test_16_depth_is_limited(attempt, text):
    done = attempt(text, measure=True)
    assert done.code == 7, done
    assert re.search(rf"^error: kubeconfig {done.path}: (line \d+, column \d+: )?nested deeper than 100 levels$", done.err, re.M), done
    assert 0 < done.peak_kib <= 64 * 1024, done


def test_17_duplicate_keys_are_named_with_both_lines(attempt):
    done = attempt("apiVersion: v1\nclusters: []\nkind: Config\nclusters: []\n")
    check(done, 7, f'error: kubeconfig {done.path}: line 4, column 1: key "clusters" stands twice in one mapping; first in line 2')


@pytest.mark.parametrize("text, cause", [(b"kind: Config\nusers: \0\n", "byte 20 (line 2): NUL is not allowed"),
                                         (b"kind: Config\nusers: \xff\n", "byte 20 (line 2): not UTF-8"),
                                         (b"kind: Config\nusers: \x1b[2J\n", "byte 20 (line 2): control character U+001B is not allowed")])
def test_18_bytes_that_are_no_text_are_named_by_offset(attempt, text, cause):
    done = attempt(text)
    check(done, 7, f"error: kubeconfig {done.path}: {cause}")


@pytest.mark.parametrize("policy, why", [
    ("credentialPluginPolicy: DenyAll\n", "credentialPluginPolicy is DenyAll"),
    ("credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: /other}]\n", "it is not in credentialPluginAllowlist")])
def test_19_a_plugin_that_kuberc_does_not_allow_is_not_run(attempt, script, tmp_path, policy, why):
    command = script(f"echo {SECRET}")
    (tmp_path / "kuberc").write_text("apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n" + policy)
    done = attempt(config(user=plugin(command)), "--kuberc", tmp_path / "kuberc")
    assert done.code == 7, done
    assert f'credential plugin "{command}" is denied: {why}; it was not run' in done.err, done
    assert not (tmp_path / "ran").exists()


def test_19_a_policy_that_contradicts_itself_is_no_open_door(attempt, script, tmp_path):
    (tmp_path / "kuberc").write_text("apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ncredentialPluginPolicy: Allowlist\n")
    done = attempt(config(user=plugin(script("true"))), "--kuberc", tmp_path / "kuberc")
    check(done, 7, f"error: kuberc {tmp_path}/kuberc: credential plugin policy: it is Allowlist, but credentialPluginAllowlist is not given")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("body, cause", [
    ("exec sleep 1000", "did not end in 1.0s and was stopped"),
    (f"exec yes {SECRET}", "printed more than 1Mi and was stopped"),
    (f"echo {SECRET}", ": its output is not an ExecCredential"),
    ("""echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{}}'""",
     ": it returned neither a token nor a certificate with its key"),
    ("exit 5", "failed with exit code 5")])
def test_20_a_plugin_that_hangs_floods_or_says_nothing_is_stopped_and_named(attempt, script, body, cause):
    command = script(body)
    timeout = "1s" if "sleep" in body else "30s"
    began = time.monotonic()
    done = attempt(config(user=plugin(command)), f"--request-timeout={timeout}")
    assert done.code == 7, done
    assert re.search(rf'credential plugin "{command}":? {re.escape(cause.removeprefix(": "))}', done.err), done
    assert time.monotonic() - began < 40


def test_21_a_relative_plugin_belongs_to_its_kubeconfig(attempt, tmp_path):
    done = attempt(config(user=plugin("./bin/absent", installHint="get it \x1b[31mhere")))
    assert done.code == 7, done
    assert f'credential plugin "{tmp_path}/bin/absent" was not found (kubeconfig says "./bin/absent", relative to its own directory)' in done.err, done
    assert "get it " in done.err and "\x1b" not in done.err, done


def test_22_a_token_or_key_that_others_can_read_is_warned_of(attempt, tmp_path):
    token = tmp_path / "token"
    token.write_text(SECRET)
    token.chmod(0o644)
    (tmp_path / "link").symlink_to(token)
    done = attempt(config(user={"tokenFile": "link"}))
    check(done, 7, f"warning: token file {tmp_path}/link can be read by other users (mode 0644): chmod 600 it")
    token.chmod(0o600)
    assert "warning" not in attempt(config(user={"tokenFile": "link"})).err


def test_22_what_is_no_file_is_not_read(attempt, tmp_path):
    import os
    os.mkfifo(tmp_path / "fifo")
    done = attempt(config(user={"tokenFile": str(tmp_path / "fifo")}))
    check(done, 7, f'error: user "u": unable to read tokenFile: {tmp_path}/fifo: not a regular file')


def test_23_a_proxy_is_http_https_or_socks5(attempt):
    done = attempt(config({"proxy-url": "file:///etc/passwd"}))
    check(done, 7, 'error: invalid configuration: cluster "c": proxy-url: the proxy URL "file:///etc/passwd" has the scheme "file"; '
                   "it must be http, https or socks5")


@pytest.mark.parametrize("place", ["cluster", "environment"])
def test_24_a_proxys_password_is_not_shown(attempt, place):
    url = f"http://me:{SECRET}@127.0.0.1:1"
    server = {"server": "https://192.0.2.1:6443"}
    if place == "cluster":
        done = attempt(config({**server, "proxy-url": url}), "-v=10")
    else:
        done = attempt(config(server), "-v=10", env={"HTTPS_PROXY": url})
    assert done.code == 7, done
    done = attempt(config({**server, "proxy-url": f"ftp://me:{SECRET}@127.0.0.1:1"}))
    assert done.code == 7 and "ftp://me:***@127.0.0.1:1" in done.err, done


def test_26_a_token_is_not_sent_over_plain_http(attempt):
    done = attempt(config({"server": "http://192.0.2.1:8080"}))
    check(done, 3, 'error: refusing to use credentials over plain HTTP: the server is http://192.0.2.1:8080, and user "u" has '
                   "credentials; nothing was sent")
    done = attempt(config({"server": "http://127.0.0.1:1"}), f"--token={SECRET}")
    assert done.code == 3, done


def test_26_kubectl_proxy_on_this_machine_gets_no_token(start_double, attempt):
    double = start_double(certificate=None, rules=[{"path": "^/", "reply": {"status": 404, "json": {}}}])
    done = attempt(config({"server": double.url}))
    assert "are not sent over plain HTTP" in done.err, done
    assert double.requests(), done
    for request in double.requests():
        assert "authorization" not in json.dumps(request).lower(), request


@pytest.mark.parametrize("flag, name", [("--context", "context"), ("--user", "user"), ("--cluster", "cluster")])
def test_28_a_name_that_a_flag_gives_and_nothing_has_is_wrong_usage(attempt, flag, name):
    done = attempt(config(), flag, "nobody")
    check(done, 2, f'error: {name} "nobody" does not exist ({flag})')


def test_28_a_context_that_kubeconfig_gives_and_nothing_has_is_named(attempt):
    done = attempt("current-context: gone\n")
    check(done, 7, "error: invalid configuration: context was not found for specified context: gone")
