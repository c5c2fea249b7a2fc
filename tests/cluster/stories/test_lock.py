"""One owner at a time: who comes second is told at once and writes nothing; a killed owner is succeeded at once, a silent one
after 9 s, and one that wakes up after that writes no more."""
import re
import signal
import time

import pytest

import world

# Never ready: the command waits until it is stopped.
CREATE = ["snap", "create", "pvc/data", "--name", "before", "--wait", "ready", "--snapshot-class", "broken"]
# Ready after 15 s.
SLOW = ["snap", "create", "pvc/data", "--name", "slow", "--wait", "ready", "--snapshot-class", "fast-delayed"]


@pytest.fixture
def claim(new_space):
    space = new_space("lock")
    space.claim("data")
    space.pod("app", ["data"])
    return space


def versions(space):
    """Two of these compared show every write of a client between them: of what no controller writes to (journals, records) the
    resourceVersion, of all else what it is, but for its status, and which client wrote to it last, and when. Leases are left
    out, since a live owner renews its own."""
    listed = space.kubectl("get", ",".join(space.cluster.namespaced_kinds()), "-o", "json", "--show-managed-fields").expect().json()["items"]
    found = {key: digest for key, digest in space.objects().items() if key[0] != "Lease"}
    for item in listed:
        key, metadata = (item["kind"], item["metadata"]["name"]), item["metadata"]
        if key not in found:
            continue
        clients = sorted((m["manager"], m["time"]) for m in metadata["managedFields"] if m["manager"].startswith(("holdfast", "kubectl")))
        found[key] = (found[key], metadata["resourceVersion"] if item["kind"] == "ConfigMap" else clients)
    return found


def leases(space):
    return {i["metadata"]["name"]: i for i in space.get("leases")["items"]}


def operation(space):
    """The one operation that status lists."""
    items = space.snap("status", "-o", "json").expect().json()["items"]
    assert len(items) == 1, items
    return items[0]


def begun(space, words):
    """The command, when it has made its snapshot and has been at it for so long that it renews a Lease."""
    command = space.start(*words)
    space.eventually(lambda: leases(space) or command.process.poll() is not None)
    assert command.process.poll() is None, command.text
    return command


def elsewhere(space, *words):
    """The same on what is another machine as far as anybody can tell: in a pid namespace of its own."""
    argv = ["unshare", "--pid", "--fork", "--mount-proc", "kubectl", *words, "-n", space.name]
    return world.run(argv, space.cluster.environment)


def seconds_since_renewal(space):
    (lease,) = leases(space).values()
    stamp = lease["spec"]["renewTime"]
    then = time.mktime(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone + float("0" + stamp[19:-1])
    return time.time() - then


def quick(space, run):
    """Within a second; on a machine so busy that kubectl alone is slow, within five times of what that takes."""
    assert run.seconds < 1 or run.seconds < 5 * space.kubectl("get", "leases").seconds, run.text


def quick_refusal(space, run):
    run.expect(4)
    assert "nothing was changed" in run.err, run.text
    quick(space, run)


@pytest.mark.parametrize("run_in", ["here", "elsewhere"])
def test_whoever_comes_second_is_told_within_a_second_and_writes_nothing(claim, run_in):
    space = claim
    with begun(space, CREATE) as owner:
        mine = operation(space)
        assert mine["owner"] == "runs" and re.match(r"process \d+ of this machine", mine["who"]), mine
        before = versions(space)

        def run(*words):
            return space.kubectl(*words) if run_in == "here" else elsewhere(space, *words)

        for words in (CREATE, [*CREATE, "--label", "a=b"], ["snap", "resume", mine["operation"]],
                      ["snap", "abort", mine["operation"], "--yes"]):
            refused = run(*words)
            quick_refusal(space, refused)
            assert mine["operation"] in refused.err, refused.text
        assert versions(space) == before
        assert owner.process.poll() is None, owner.text
        assert owner.end(signal.SIGINT) == 130
    assert leases(space) == {}
    assert operation(space)["owner"] == "stopped"
    # Nobody works on it any more: other arguments are still refused (bad input 11), abort is not.
    other = space.kubectl(*CREATE, "--label", "a=b").expect(4)
    assert f"kubectl snap resume {mine['operation']} -n {space.name}" in other.err, other.text
    space.snap("abort", mine["operation"], "--yes").expect()
    assert "before" not in space.kubectl("get", "volumesnapshots").out


def test_a_killed_owner_is_succeeded_at_once_here(claim):
    space = claim
    with begun(space, SLOW) as owner:
        owner.end(signal.SIGKILL)
    assert operation(space)["owner"] == "stopped"
    with space.start(*SLOW) as second:
        holder = space.eventually(lambda: [lease["spec"]["holderIdentity"] for lease in leases(space).values()
                                           if lease["spec"].get("leaseTransitions")])
        assert f"/{second.process.pid}/" in holder[0]
        assert second.process.wait(world.PATIENCE_S) == 0, second.text
        assert "waiting up to 9 s" not in second.text
    assert leases(space) == {}
    assert space.set("slow")["complete"] is True


def test_a_killed_owner_is_waited_for_elsewhere_and_then_succeeded(claim):
    space = claim
    with begun(space, SLOW) as owner:
        owner.end(signal.SIGKILL)
    done = elsewhere(space, *SLOW)
    if done.code != 0:
        quick_refusal(space, done)  # it may still be alive
        space.eventually(lambda: seconds_since_renewal(space) > 6.5)
        done = elsewhere(space, *SLOW)
    assert done.expect().seconds >= 9, done.text
    assert re.search(r"process \d+ on \S+, which has not been heard of lately: waiting up to 9 s", done.err), done.text
    assert leases(space) == {}
    assert space.set("slow")["complete"] is True


def test_a_paused_owner_that_wakes_after_a_takeover_writes_nothing(claim):
    space = claim
    with begun(space, [*SLOW, "-v=6"]) as owner:
        owner.process.send_signal(signal.SIGSTOP)
        quick_refusal(space, space.kubectl(*SLOW))  # renewed a moment ago
        space.eventually(lambda: operation(space)["owner"] == "not heard of lately")
        second = space.kubectl(*SLOW).expect()
        assert second.seconds >= 9 and "waiting up to 9 s" in second.err, second.text
        assert leases(space) == {} and space.set("slow")["complete"] is True
        before, said = versions(space), len("".join(owner.err))

        owner.process.send_signal(signal.SIGCONT)
        assert owner.process.wait(world.PATIENCE_S) == 4, owner.text
        owner.end()
        assert "sends no more writes" in owner.text, owner.text
        assert versions(space) == before and leases(space) == {}
        # And not by luck: what it sent after it woke, if anything, was refused.
        woken = "".join(owner.err)[said:]
        writes = re.findall(r"(?:POST|PUT|PATCH|DELETE) \S+ (\d\d\d)", woken)
        assert all(code in ("404", "409") for code in writes), woken


def test_a_paused_owner_that_wakes_in_time_goes_on(claim):
    space = claim
    with begun(space, SLOW) as owner:
        owner.process.send_signal(signal.SIGSTOP)
        space.eventually(lambda: seconds_since_renewal(space) > 10)
        owner.process.send_signal(signal.SIGCONT)
        assert owner.process.wait(world.PATIENCE_S) == 0, owner.text
    assert leases(space) == {}
    assert space.set("slow")["complete"] is True


def test_an_edited_journal_is_refused_and_says_what_differs(claim):
    """Bad inputs 47 and 48."""
    space = claim
    with begun(space, CREATE) as owner:
        owner.end(signal.SIGINT)
    name = operation(space)["operation"]
    journal = space.get(f"configmap/holdfast-op-{name}")
    good = journal["data"]["journal.json"]
    for change, said in ((good.replace('"target":"data"', '"target":"other"'), 'differs in target, now "other"'),
                         (good.replace('"format":2', '"format":4'), "a newer Holdfast wrote this journal")):
        assert change != good
        journal["data"]["journal.json"] = change
        space.kubectl("replace", "-f", "-", stdin=world.json.dumps({**journal, "metadata": {
            k: v for k, v in journal["metadata"].items() if k != "resourceVersion"}})).expect()
        before = versions(space)
        for words in (["snap", "resume", name], ["snap", "abort", name, "--yes"], CREATE):
            refused = space.kubectl(*words).expect(3)
            assert said in refused.err, refused.text
        assert versions(space) == before


# Operations that lock a workload.

IN_PLACE = ["restore", "sts/postgres", "--from", "base", "--in-place", "--yes"]


@pytest.fixture
def database(new_space):
    space = new_space("lock")
    space.postgres()
    space.psql("postgres-0", "create table t as select 7 as x")
    for name in ("base", "other"):
        space.snap("create", "sts/postgres", "--name", name, "--wait", "ready").expect()
    space.psql("postgres-0", "drop table t")
    return space


def begun_in_place(space, *more):
    """A restore in place that has stopped the workload and waits for its pod to go, which does not before let_go()."""
    space.hold("pod/postgres-0")
    command = space.start(*IN_PLACE, *more)
    space.eventually(lambda: command.process.poll() is not None or space.path("pod/postgres-0", ".metadata.deletionTimestamp"))
    assert command.process.poll() is None, command.text
    return command


def writes_in(log):
    """(verb and path, code) of what was sent to be stored, as -v=6 tells it."""
    sent = re.findall(r"((?:POST|PUT|PATCH|DELETE) \S+) (\d\d\d)", log)
    return [(what, code) for what, code in sent if "selfsubjectaccessreviews" not in what]


def restored(space):
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres")
    assert space.psql("postgres-0", "select x from t") == "7"
    assert leases(space) == {}


def test_a_workload_that_is_restored_in_place_is_locked_whichever_way_it_is_named(database):
    space = database
    with begun_in_place(space) as owner:
        (lease,) = leases(space).values()
        assert lease["metadata"]["name"].startswith("holdfast-lock-")
        assert f"/{owner.process.pid}/" in lease["spec"]["holderIdentity"]
        mine = operation(space)["operation"]
        for words in (IN_PLACE, ["restore", "sts/postgres", "--from", "other", "--in-place", "--yes"],
                      ["restore", "pvc/data-postgres-0", "--from", "other", "--in-place", "--yes"],
                      # A set that is taken while volumes are swapped might be of both.
                      ["snap", "create", "sts/postgres", "--name", "mixed"],
                      ["snap", "create", "pvc/data-postgres-0", "--name", "mixed"],
                      ["snap", "create", "pod/postgres-0", "--name", "mixed"],
                      ["restore", "resume", mine], ["restore", "abort", mine, "--yes"]):
            for run in (space.kubectl(*words, "-v=6"), elsewhere(space, *words, "-v=6")):
                run.expect(4)
                assert mine in run.err, run.text
                quick(space, run)
                assert writes_in(run.err) == [], run.text
        space.let_go("pod/postgres-0")
        assert owner.process.wait(world.PATIENCE_S) == 0, owner.text
    restored(space)


def test_a_set_keeps_out_only_another_one_of_the_same_target(database):
    space = database
    with space.start("snap", "create", "sts/postgres", "--name", "first", "--wait", "ready", "--snapshot-class", "fast-uploading") as first:
        space.eventually(lambda: leases(space) or first.process.poll() is not None)
        mine = operation(space)["operation"]
        second = space.snap("create", "sts/postgres", "--name", "second").expect(4)
        assert mine in second.err
        quick_refusal(space, second)
        space.snap("create", "pvc/data-postgres-0", "--name", "beside", "--wait", "ready").expect()
        assert first.process.poll() is None, first.text
        assert first.end(signal.SIGINT) == 130, first.text
    assert operation(space)["operation"] == mine and space.set("beside")["complete"] is True
    assert leases(space) == {}
    space.snap("abort", mine, "--yes").expect()
    assert space.set("beside")["complete"] is True


def test_a_killed_restore_in_place_is_gone_on_with_at_once(database):
    space = database
    with begun_in_place(space) as owner:
        owner.end(signal.SIGKILL)
    space.let_go("pod/postgres-0")
    (lease,) = leases(space).values()
    # Another operation is kept out although nobody works on this one.
    other = space.kubectl("restore", "pvc/data-postgres-0", "--from", "other", "--in-place", "--yes").expect(4)
    assert f"kubectl restore resume {lease['metadata']['labels']['holdfast.dev/operation']}" in other.err, other.text
    mixed = space.snap("create", "sts/postgres", "--name", "mixed").expect(4)
    assert lease["metadata"]["labels"]["holdfast.dev/operation"] in mixed.err, mixed.text
    done = space.kubectl(*IN_PLACE, timeout=300).expect()
    assert "waiting up to 9 s" not in done.err
    restored(space)


def test_a_paused_restore_in_place_that_wakes_after_a_takeover_writes_nothing(database):
    space = database
    with begun_in_place(space, "-v=6") as owner:
        owner.process.send_signal(signal.SIGSTOP)
        space.let_go("pod/postgres-0")
        space.eventually(lambda: operation(space)["owner"] == "not heard of lately")
        second = space.kubectl(*IN_PLACE, timeout=300).expect()
        assert "waiting up to 9 s" in second.err, second.text
        restored(space)
        before, said = versions(space), len("".join(owner.err))
        owner.process.send_signal(signal.SIGCONT)
        assert owner.process.wait(world.PATIENCE_S) == 4, owner.text
        owner.end()
        woken = writes_in("".join(owner.err)[said:])
        assert all(code in ("404", "409") for _, code in woken), woken
        assert versions(space) == before and leases(space) == {}
    restored(space)
