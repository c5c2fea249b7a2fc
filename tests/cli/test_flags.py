"""Bad inputs 1 to 12 and 37 of the project's list of 82, by their numbers, as they concern flags, targets and output: the real binaries,
the exact exit code, the message, and no write. (5 needs a cluster: tests/cluster/stories/test_bad_inputs.py.)"""
import json
import os
import pty
import re
import select
import signal
import subprocess

import pytest

from conftest import BUILD, PLUGINS, ROOT
from schema import conform, schema_of

EVIL = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\rx\u202ey\x9b"
RAW = ("\x1b", "\x07", "\r", "\u202e", "\x9b")


def claim(name, **metadata):
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "shop", "uid": f"uid-{name}", **metadata},
            "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "volumeName": f"pv-{name}", "resources": {"requests": {"storage": "1Gi"}}},
            "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}


def volume(name):
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"pv-{name}"},
            "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "csi": {"driver": "fast.csi", "volumeHandle": f"h-{name}"},
                     "claimRef": {"namespace": "shop", "name": name, "uid": f"uid-{name}"}}, "status": {"phase": "Bound"}}


def stateful_set(name):
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "serviceName": name,
                     "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "db", "image": "db:1"}]}},
                     "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]}}


def snapshot(name):
    return {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"source": {"persistentVolumeClaimName": "gone"}, "volumeSnapshotClassName": "fast"}, "status": {"readyToUse": True}}


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}, "status": {"phase": "Active"}}
CLASS = {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass", "metadata": {"name": "fast"}, "driver": "fast.csi", "deletionPolicy": "Delete"}
WORLD = [NAMESPACE, CLASS, stateful_set("postgres"), claim("data-postgres-0"), volume("data-postgres-0"), claim("single"), volume("single")]


@pytest.fixture
def against(start_double, make_kubeconfig, run):
    """against(objects, "snap", "list", ...) runs a plugin against a server with these objects."""

    def go(objects, plugin, *args, **more):
        double = start_double(objects=objects)
        done = run(plugin, *args, kubeconfig=make_kubeconfig(double), **more)
        done.double = double
        return done

    return go


def check(done, code, message):
    assert done.code == code, done
    assert re.search(message, done.err, re.M), done


def test_01_a_missing_workload_names_the_nearest(against):
    done = against(WORLD, "snap", "create", "sts/postgre")
    check(done, 1, r'^(error|Error from server \(NotFound\)): .*"?postgre"?.*not found')
    assert "sts/postgres" in done.err, done
    assert done.double.writes() == []


def test_02_a_kind_that_cannot_be_snapshot_names_those_that_can(against):
    done = against(WORLD, "snap", "create", "cronjob/report")
    check(done, 2, r"cronjob/report")
    for kind in ("pvc", "sts", "deploy", "pod"):
        assert kind in done.err, done
    assert done.double.writes() == []


@pytest.mark.parametrize("plugin", PLUGINS)
@pytest.mark.parametrize("target", ["../x", "pvc/../x", "pvc/" + "a" * 254, "pvc/UPPER", "pvc/a b", "pvc/"])
def test_03_what_is_no_name_is_refused_before_any_request(against, plugin, target):
    args = {"snap": ["create", target], "restore": [target, "--from", "x"], "pvc-expand": [target, "--size", "1Gi"],
            "clone": [target, "copy"]}[plugin]
    done = against([], plugin, *args)
    check(done, 2, r"^error: ")
    assert "See 'kubectl " in done.err, done
    assert done.double.requests() == []


@pytest.mark.parametrize("selector", ["", " "])
def test_04_an_empty_selector_does_not_mean_everything(against, selector):
    done = against(WORLD, "snap", "create", "-l", selector)
    check(done, 3, r"^error: refusing an empty --selector: it would mean every claim in the namespace$")
    assert "nothing was changed" in done.err
    assert done.double.requests() == []


@pytest.mark.parametrize("args, flags", [
    (["pvc/new", "--from", "first", "--ordinal", "0", "--claim", "data-postgres-0"], {"ordinal", "claim"}),
    (["drill", "first", "--query", "select 1", "--exec", "true"], {"query", "exec"}),
])
def test_06_contradicting_flags_are_both_named(against, args, flags):
    done = against(WORLD, "restore", *args)
    check(done, 2, r"^error: --\S+ and --\S+ cannot be used together$")
    assert set(re.search(r"--(\S+) and --(\S+) cannot", done.err).groups()) == flags
    assert done.double.requests() == []


@pytest.mark.parametrize("value", ["0", "0s", "-1s", "200h", "99999999999999999999", "1e9", "x", ""])
def test_07_a_timeout_out_of_range_names_the_range(against, value):
    done = against(WORLD, "snap", "create", "pvc/single", f"--timeout={value}")
    check(done, 2, r'^error: --timeout must be from 1s to 168h, not ".*"$')
    assert done.double.requests() == []


def test_08_a_plan_that_asks_is_refused_off_a_terminal(against):
    done = against(WORLD + [snapshot("foreign")], "snap", "delete", "vs/foreign", "--force")
    check(done, 3, r"^error: refusing to carry out \S+ unasked: its plan needs a yes and standard input is no terminal; nothing was changed$")
    assert "--yes" in done.err
    assert done.double.writes() == []


def test_08_the_same_with_yes_goes_through(against):
    done = against(WORLD + [snapshot("foreign")], "snap", "delete", "vs/foreign", "--force", "--yes")
    assert done.code == 0, done
    assert [w["method"] for w in done.double.writes() if "volumesnapshots/foreign" in w["target"]] == ["DELETE"]


@pytest.mark.parametrize("plugin", PLUGINS)
@pytest.mark.parametrize("flag, message, hint", [
    ("--nonsense", "unknown flag: --nonsense", ""),
    ("--namespce=x", "unknown flag: --namespce", "did you mean --namespace?"),
    ("-f", "unknown shorthand flag: 'f' in -f", ""),
    ("-a", "unknown shorthand flag: 'a' in -a", ""),
    ("--kubeconfig", "flag needs an argument: --kubeconfig", ""),
])
def test_09_an_unknown_flag_suggests_the_nearest(against, plugin, flag, message, hint):
    done = against([], plugin, "status", flag)
    check(done, 2, "^error: " + re.escape(message) + "$")
    assert hint in done.err
    assert f"See 'kubectl {plugin} status -h' for help and examples" in done.err
    assert done.double.requests() == []


@pytest.mark.parametrize("plugin", PLUGINS)
def test_09_neither_f_nor_a_exists_in_any_command(run, plugin):
    """Another plugin named kubectl-snap reads -f as "do not ask" and -a as "all"."""
    commands = re.findall(r"^  ([a-z-]+)   +[A-Z]", run(plugin, "--help").out, re.M)
    assert len(commands) > 8
    for command in commands:
        for flag in ("-f", "-a"):
            done = run(plugin, command, flag)
            check(done, 2, rf"^error: unknown shorthand flag: '{flag[1]}' in {flag}$")
        assert not re.search(r"^    -[fa],", run(plugin, command, "-h").out, re.M)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_09_a_bare_word_is_a_command_and_never_a_target(against, plugin):
    done = against([], plugin, "postgres")
    check(done, 2, rf'^error: unknown command "postgres" for "kubectl {plugin}"$')
    done = against([], plugin, "statsu")
    check(done, 2, r"^did you mean status\?$")


def test_10_a_namespace_that_is_going_away_is_refused(against):
    gone = {**NAMESPACE, "metadata": {"name": "shop", "deletionTimestamp": "2026-11-21T04:30:00Z"}, "status": {"phase": "Terminating"}}
    done = against([gone] + WORLD[1:], "snap", "create", "pvc/single")
    check(done, 3, r"^error: .*(terminat|being deleted).*nothing was changed")
    assert done.double.writes() == []


def test_11_what_another_operation_has_begun_is_left_to_it(start_double, make_kubeconfig, run):
    """The double has no snapshot controller, so the first command waits for its snapshot until it gives up, part-way."""
    double = start_double(objects=WORLD)
    config = make_kubeconfig(double)
    first = run("snap", "create", "pvc/single", "--name", "nightly", "--timeout=1s", kubeconfig=config)
    assert first.code == 5, first
    operation = re.search(r"^  kubectl snap resume (snap-single-\S+) -n shop$", first.err, re.M).group(1)
    assert f"  kubectl snap abort {operation} -n shop\n" in first.err
    assert operation in run("snap", "status", kubeconfig=config).out
    before = len(double.writes())
    other = run("snap", "create", "pvc/data-postgres-0", "--name", "nightly", kubeconfig=config)
    check(other, 4, re.escape(operation))
    assert not [w for w in double.writes()[before:] if "volumesnapshots" in w["target"]], other
    aborted = run("snap", "abort", operation, "--yes", kubeconfig=config)
    assert (aborted.code, aborted.out) == (0, f"operation/{operation} aborted\n"), aborted
    assert "No unfinished operations" in run("snap", "status", kubeconfig=config).err


def closed_pipe():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def run_with_stdout(plugin, args, kubeconfig, tmp_path, descriptor):
    process = subprocess.run([BUILD / "bin" / f"kubectl-{plugin}", *args], stdin=subprocess.DEVNULL, stdout=descriptor, stderr=subprocess.PIPE, text=True,
                             timeout=60, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECONFIG": str(kubeconfig)})
    os.close(descriptor)
    return process


def test_12_a_write_whose_result_nobody_reads_is_finished_and_is_5(start_double, make_kubeconfig, tmp_path):
    double = start_double(objects=WORLD + [snapshot("foreign")])
    done = run_with_stdout("snap", ["delete", "vs/foreign", "--force", "--yes"], make_kubeconfig(double), tmp_path, closed_pipe())
    assert done.returncode == 5, done
    assert "the operation itself is done" in done.stderr
    assert [w["method"] for w in double.writes() if "volumesnapshots/foreign" in w["target"]] == ["DELETE"]
    assert not [w for w in double.writes()[-1:] if w["method"] != "DELETE"], "the journal was left behind"


def test_12_a_read_whose_reader_went_away_is_no_failure(start_double, make_kubeconfig, tmp_path):
    double = start_double(objects=WORLD + [snapshot("foreign")])
    done = run_with_stdout("snap", ["list"], make_kubeconfig(double), tmp_path, closed_pipe())
    assert (done.returncode, done.stderr) == (0, "")


def test_12_a_disk_that_is_full_is_a_failure(start_double, make_kubeconfig, tmp_path):
    double = start_double(objects=WORLD + [snapshot("foreign")])
    done = run_with_stdout("snap", ["list"], make_kubeconfig(double), tmp_path, os.open("/dev/full", os.O_WRONLY))
    assert (done.returncode, done.stderr) == (1, "error: standard output cannot be written to\n")


def test_12_standard_streams_that_are_closed_are_not_taken_by_connections(start_double, make_kubeconfig, tmp_path):
    double = start_double(objects=WORLD + [snapshot("foreign")])
    config = make_kubeconfig(double)
    done = subprocess.run(f"exec {BUILD}/bin/kubectl-snap list <&- >&- 2>&-", shell=True, timeout=60,
                          env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECONFIG": str(config)})
    assert done.returncode == 0
    assert all(r["method"] in ("GET", "POST") for r in double.requests()), "a table was written into a connection"


@pytest.mark.parametrize("output", ["table", "wide"])
def test_37_control_characters_in_names_are_shown_in_tables(against, output):
    evil = snapshot("foreign")
    evil["metadata"]["name"] = "a" + EVIL
    evil["spec"]["source"]["persistentVolumeClaimName"] = "b" + EVIL
    evil["status"]["error"] = {"message": "c" + EVIL}
    done = against(WORLD + [evil], "snap", "list", "-o", output)
    assert done.code == 0, done
    for raw in RAW:
        assert raw not in done.out + done.err, repr(done.out + done.err)
    assert len(done.out.splitlines()) == 2, done
    assert "^[" in done.out


def terminal_run(args, kubeconfig, answer, tmp_path):
    """Runs a command on a terminal of its own and types the answer once it asks. Returns (exit code, all that was shown)."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(KUBECONFIG=str(kubeconfig), HOME=str(tmp_path), TERM="xterm", NO_COLOR="1")
        os.execv(BUILD / "bin" / "kubectl-snap", ["kubectl-snap", *args])
    shown = b""
    while True:
        ready, _, _ = select.select([terminal], [], [], 30)
        assert ready, f"nothing more was shown: {shown!r}"
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if answer is not None and shown.rstrip().endswith(b"[y/N]"):
            if answer == "interrupt":
                os.kill(pid, signal.SIGINT)
            else:
                os.write(terminal, answer.encode())
            answer = None
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), shown.decode()


@pytest.mark.parametrize("answer, code, deleted", [("y\n", 0, True), ("n\n", 3, False), ("\n", 3, False), ("\x04", 3, False), ("interrupt", 130, False)])
def test_a_terminal_is_asked_and_only_yes_means_yes(start_double, make_kubeconfig, tmp_path, answer, code, deleted):
    double = start_double(objects=WORLD + [snapshot("foreign")])
    result, shown = terminal_run(["delete", "vs/foreign", "--force"], make_kubeconfig(double), answer, tmp_path)
    assert result == code, shown
    assert "delete vs/shop/foreign" in shown
    assert bool(double.writes()) == deleted, shown


@pytest.mark.parametrize("plugin", PLUGINS)
def test_help_and_version_are_everywhere(run, plugin):
    top = run(plugin, "--help")
    assert (top.code, top.err) == (0, "")
    assert run(plugin).out == top.out == run(plugin, "-h").out == run(plugin, "help").out
    for command in re.findall(r"^  ([a-z-]+)   +[A-Z]", top.out, re.M):
        done = run(plugin, command, "--help")
        assert (done.code, done.err) == (0, ""), done
        assert done.out == run(plugin, "help", command).out
        for part in ("Examples:\n", "Usage:\n  kubectl " + plugin, "Exit codes:\n"):
            assert part in done.out, done
        assert run(plugin, command, "--version").out == f"kubectl-{plugin} v0.1.0\n"
    assert run(plugin, "--version").out == run(plugin, "version").out == f"kubectl-{plugin} v0.1.0\n"
    assert json.loads(run(plugin, "version", "-o", "json").out)["clientVersion"]["gitVersion"] == "v0.1.0"


def test_another_program_of_the_same_name_is_warned_of(run, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "kubectl-snap").write_text("#!/bin/sh\n")
    (other / "kubectl-snap").chmod(0o755)
    done = run("snap", "version", env={"PATH": f"{other}:{BUILD}/bin:{os.environ['PATH']}"})
    assert done.code == 0
    assert f"warning: {other}/kubectl-snap is another program named kubectl-snap and comes first in PATH" in done.err
    done = run("snap", "version", env={"PATH": f"{BUILD}/bin:{os.environ['PATH']}"})
    assert done.err == "", done


def test_25_a_connection_that_only_the_kubeconfig_leaves_unverified_does_not_delete(start_double, make_kubeconfig, run):
    double = start_double(objects=WORLD + [snapshot("foreign")])
    config = make_kubeconfig(double, ca=None, cluster={"insecure-skip-tls-verify": True})
    done = run("snap", "delete", "vs/foreign", "--force", "--yes", kubeconfig=config)
    check(done, 3, r"^error: refusing a plan that deletes or cannot be taken back over an unverified connection")
    assert double.writes() == []
    assert run("snap", "list", kubeconfig=config).code == 0
    done = run("snap", "delete", "vs/foreign", "--force", "--yes", "--insecure-skip-tls-verify", kubeconfig=config)
    assert done.code == 0, done


def test_server_warnings_are_shown_once_and_are_errors_if_wanted(start_double, make_kubeconfig, run):
    listing = r"^/apis/snapshot\.storage\.k8s\.io/v1/namespaces/shop/volumesnapshots(\?|$)"
    reply = {"headers": {"Content-Type": "application/json", "Warning": '299 - "this version is old"'},
             "json": {"kind": "VolumeSnapshotList", "apiVersion": "snapshot.storage.k8s.io/v1", "metadata": {"resourceVersion": "7"}, "items": []}}
    for flags, code in (([], 0), (["--warnings-as-errors"], 1)):
        double = start_double([{"method": "GET", "path": listing, "reply": reply}], objects=WORLD + [snapshot("foreign")])
        done = run("snap", "list", *flags, kubeconfig=make_kubeconfig(double))
        assert done.code == code, done
        assert done.err.count("Warning: this version is old\n") == 1, done
        assert ("error: 1 warning received\n" in done.err) == bool(flags)


def test_a_plan_as_data_is_as_its_schema_says(against):
    done = against(WORLD, "snap", "create", "pvc/single", "--dry-run", "-o", "json")
    assert done.code == 0, done
    conform(json.loads(done.out), schema_of("plan"))
    assert done.double.writes() == []


def test_progress_as_data_is_as_its_schema_says(against):
    done = against(WORLD + [snapshot("foreign")], "snap", "delete", "vs/foreign", "--force", "--yes", "--progress=json")
    assert done.code == 0, done
    lines = [json.loads(line) for line in done.err.splitlines()]
    assert [line["type"] for line in lines][:1] == ["plan"]
    assert "step_done" in [line["type"] for line in lines]
    for line in lines:
        if line["type"] == "plan":
            conform({key: value for key, value in line.items() if key != "type"}, schema_of("plan"))
        else:
            conform(line, schema_of("progress"))


@pytest.mark.parametrize("place, said", [("missing/report.json", "No such file"), ("", "is a folder"), ("file/report.json", "Not a directory")])
def test_a_report_that_could_not_be_written_is_refused_before_the_drill(against, tmp_path, place, said):
    (tmp_path / "file").write_text("")
    done = against(WORLD, "restore", "drill", "first", "--report", str(tmp_path / place))
    assert done.code == 2 and "--report" in done.err and said in done.err, done
    assert done.double.requests() == []
