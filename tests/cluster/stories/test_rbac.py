"""The role that `rbac COMMAND` prints is enough for the command, and every verb in it is needed: without any one of them
the command refuses with exit 7 before it has written anything. The cases are made from the printed roles."""
import copy
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

import world

QUERY = ["--query", "select x from t", "--expect", "7"]

# command (and which case of it) -> its words, and which conditions of the printed role ("create with sts/NAME: get") they
# meet. {n} is a number that differs from run to run.
CASES = {
    "snap create": (["snap", "create", "sts/postgres", "--name", "s{n}", "--wait", "ready"], ["sts/NAME"]),
    "snap list": (["snap", "list"], []),
    "snap describe": (["snap", "describe", "base"], []),
    "snap protect": (["snap", "protect", "spare{n}"], []),
    "snap delete": (["snap", "delete", "spare{n}", "--yes"], []),
    "snap status": (["snap", "status"], []),
    "snap gc": (["snap", "gc", "--yes"], []),
    "restore pvc": (["restore", "pvc/r{n}", "--from", "base"], []),
    "restore drill": (["restore", "drill", "base", *QUERY], []),
    "restore in-place": (["restore", "sts/postgres", "--from", "base", "--in-place", "--again", "--yes"], ["sts/NAME"]),
    "restore undo": (["restore", "undo", "--yes"], ["sts/NAME"]),
    "pvc-expand expand": (["pvc-expand", "sts/postgres", "--size", "32{n}Mi", "--yes"], ["sts/NAME"]),
    "pvc-expand expand if-needed": (["pvc-expand", "sts/postgres", "--size", "34{n}Mi", "--restart", "if-needed", "--yes"],
                                    ["sts/NAME", "--restart if-needed"]),
    "pvc-expand expand offline": (["pvc-expand", "sts/postgres", "--size", "36{n}Mi", "--restart", "offline", "--yes"],
                                  ["sts/NAME", "--restart offline"]),
    "pvc-expand usage": (["pvc-expand", "usage", "sts/postgres"], ["sts/NAME", "no --from kubelet"]),
    "pvc-expand usage kubelet": (["pvc-expand", "usage", "sts/postgres", "--from", "kubelet"], ["sts/NAME", "--from kubelet"]),
    "pvc-expand recover": (["pvc-expand", "recover", "sts/postgres", "--yes"], ["sts/NAME"]),
    "restore finalize": (["restore", "finalize", "{kept}", "--yes"], ["sts/NAME"]),
    "clone create": (["clone", "pvc/data-postgres-0", "c{n}"], []),
    "clone create sts": (["clone", "sts/postgres", "w{n}", "--replicas", "1"],
                         ["sts/NAME", "a PostgreSQL without --isolated"]),
    "clone create isolated": (["clone", "sts/postgres", "i{n}", "--isolated"],
                              ["sts/NAME", "--isolated"]),
    "clone list": (["clone", "list"], []),
    "clone delete": (["clone", "delete", "c{n}", "--yes"], []),
}
LAST = {"Role": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}],
        "ClusterRole": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}]}
# It looks at much of the cluster and says what it could not see, instead of refusing.
TELLS_WHAT_IT_CANNOT_SEE = {"snap doctor": (["snap", "doctor", "sts/postgres"], ["a full view"])}


@pytest.fixture(scope="module")
def database(module_space):
    space = module_space
    space.postgres()
    space.psql("postgres-0", "create table t as select 7 as x")
    for name in ("base", "spare1", "spare2", "newest"):
        space.snap("create", "sts/postgres", "--name", name, "--wait", "ready").expect()
    return space


def leave_garbage(space):
    """What a drill whose process and journal are both gone would have left, of every kind that gc removes."""
    meta = {"name": "drill-left-zzzzz-0", "labels": {"app.kubernetes.io/managed-by": "holdfast", "holdfast.dev/role": "drill",
                                       "holdfast.dev/operation": "drill-left-zzzzz"}}
    container = {"name": "main", "image": world.BUSYBOX_IMAGE, "command": ["sleep", "100000"]}
    claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "64Mi"}}}
    space.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta},
                {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": {"leaseDurationSeconds": 9}},
                {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": claim},
                {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": {"podSelector": {}}},
                {"apiVersion": "v1", "kind": "Pod", "metadata": meta,
                 "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]}})
    space.wait("condition=Ready", "pod/drill-left-zzzzz-0")
    space.wait("jsonpath={.status.phase}=Bound", "pvc/drill-left-zzzzz-0")


def ask_too_much(space):
    """A claim asks for what the storage refuses for good."""
    space.kubectl("patch", "pvc", "data-postgres-0", "-p", '{"spec":{"resources":{"requests":{"storage":"2Ti"}}}}').expect()
    space.eventually(lambda: "Infeasible" in space.path("pvc/data-postgres-0", ".status.allocatedResourceStatuses.storage"))


def printed_roles(space, case, conditions):
    """(all that `rbac COMMAND` prints, what of it the command needs under these conditions), each {"Role": rules,
    "ClusterRole": rules}. Above each rule stands which verbs are needed when."""
    plugin, command = case.split()[:2]
    text = space.kubectl(plugin, "rbac", command).expect().out
    whole, needed = {"Role": [], "ClusterRole": []}, {"Role": [], "ClusterRole": []}
    for part in text.split("---\n")[1:]:
        document = yaml.safe_load(part)
        comments = re.findall(r"((?:^# .*\n)+)- apiGroups", part, re.M)
        assert len(comments) == len(document["rules"]), part
        whole[document["kind"]] += document["rules"]
        for rule, comment in zip(document["rules"], comments):
            verbs = []
            for when, listed in re.findall(rf"^# {command}(?: with (.*?))?: (.*)$", comment, re.M):
                if not when or set(when.split(", ")) & set(conditions):
                    verbs += listed.split(", ")
            if verbs:
                needed[document["kind"]].append({**rule, "verbs": sorted(set(verbs))})
    assert needed["Role"] or needed["ClusterRole"], text
    return whole, needed


def without_each_verb(roles):
    """(what is missing, roles without it) for every verb of every rule."""
    for kind, rules in roles.items():
        for index, rule in enumerate(rules):
            for verb in rule["verbs"]:
                less = copy.deepcopy(roles)
                less[kind][index]["verbs"].remove(verb)
                if not less[kind][index]["verbs"]:
                    del less[kind][index]
                yield f"{verb} {','.join(rule['resources'])}{' in the cluster' if kind == 'ClusterRole' else ''}", less


def grant(space, users):
    """{user: roles}: gives each user exactly these roles, all in one request, and waits until they are in force: one more
    user comes last, whose roles tell."""
    items = []
    users = {**users, f"{list(users)[0]}-last": LAST}
    for user, roles in users.items():
        for kind, rules in roles.items():
            name = f"{space.name}-{user}"
            meta = {"name": name, "labels": {"story": space.name}}
            api = {"apiVersion": "rbac.authorization.k8s.io/v1"}
            items += [{**api, "kind": kind, "metadata": meta, "rules": rules},
                      {**api, "kind": f"{kind}Binding", "metadata": meta,
                       "subjects": [{"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"}],
                       "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}}]
    space.kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items})).expect()
    space.in_force(LAST["Role"], LAST["ClusterRole"], "--as", f"{space.name}-{list(users)[-1]}")


def kept(space):
    """Operations that keep volumes of this namespace."""
    volumes = space.cluster.get("pv", "-l", "holdfast.dev/kept")["items"]
    return sorted({v["metadata"]["labels"]["holdfast.dev/kept"] for v in volumes if v["spec"]["claimRef"]["namespace"] == space.name})


def run_as(space, user, words, number):
    words = [w.format(n=number, kept=(kept(space) or ["none"])[0] if "{kept}" in w else "") for w in words]
    return space.kubectl(*words, "--as", f"{space.name}-{user}", timeout=180)


@pytest.mark.parametrize("case", CASES)
def test_the_printed_role_is_enough_and_each_verb_is_needed(database, case):
    space, (words, conditions), slug = database, CASES[case], case.replace(" ", "-")
    whole, roles = printed_roles(space, case, conditions)
    less = {f"{slug}-{i}": (missing, rules) for i, (missing, rules) in enumerate(without_each_verb(roles))}
    grant(space, {slug: roles, f"{slug}-whole": whole, **{user: rules for user, (_, rules) in less.items()}})

    if case == "snap gc":
        leave_garbage(space)
    if case == "pvc-expand recover":
        ask_too_much(space)
    while case in ("restore undo", "restore finalize") and len(kept(space)) < 2:
        space.kubectl(*CASES["restore in-place"][0], timeout=180).expect()
    before = writes(space)
    with ThreadPoolExecutor(3) as pool:
        runs = dict(zip(less, pool.map(lambda user: run_as(space, user, words, 1), less)))
    wrong = [f"without {less[user][0]}: exit {run.code}: {run.err[-300:]}" for user, run in runs.items() if run.code != 7]
    assert not wrong, f"{len(wrong)} of {len(runs)} did not refuse:\n" + "\n".join(wrong)
    unnamed = [f"without {less[user][0]}: {run.err[-300:]}" for user, run in runs.items() if less[user][0].split()[0] not in run.err]
    assert not unnamed, "what is missing is not named:\n" + "\n".join(unnamed)
    assert writes(space) == before, "a refused command has written"

    run_as(space, slug, words, 1).expect()
    if case == "pvc-expand recover":
        space.eventually(lambda: has_what_it_asks_for(space.get("pvc/data-postgres-0")))
    run_as(space, f"{slug}-whole", words, 2).expect()


def has_what_it_asks_for(claim):
    return claim["status"]["capacity"]["storage"] == claim["spec"]["resources"]["requests"]["storage"]


def writes(space):
    """Every object with its version; what the test grants is none of the command's doing, and grows to a thousand objects."""
    return space.objects(but=("roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io"))


@pytest.mark.parametrize("case", TELLS_WHAT_IT_CANNOT_SEE)
def test_doctor_says_what_it_could_not_see(database, case):
    space, (words, conditions), slug = database, TELLS_WHAT_IT_CANNOT_SEE[case], case.replace(" ", "-")
    _, roles = printed_roles(space, case, conditions)
    less = {f"{slug}-{i}": (missing, rules) for i, (missing, rules) in enumerate(without_each_verb(roles))}
    grant(space, {slug: roles, **{user: rules for user, (_, rules) in less.items()}})
    full = run_as(space, slug, words, 1).expect()
    assert "forbidden" not in full.out + full.err
    silent, hindered = [], 0
    for user, (missing, _) in less.items():
        run = run_as(space, user, [*words, "-v=6"], 1)
        if " 403 " in run.err:
            hindered += 1
            if run.code != 7 and "forbidden" not in run.out:
                silent.append(f"without {missing}: {run.out[-300:]}")
    assert not silent, "\n".join(silent)
    assert hindered > 10, "a healthy workload needs not all of the role, but much of it"
