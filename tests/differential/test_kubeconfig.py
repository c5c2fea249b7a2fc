"""500 generated configurations: our merged, minified and flattened kubeconfig is kubectl's, and so is what is refused."""
import os

import pytest

from conftest import World, parsed
from generate import Generator

COUNT = 500


def clean(config):
    """Without what says the same in two ways: Go prints a nil and an empty slice differently, by the way it went."""
    for entry in config.get("users") or []:
        user = entry["user"]
        if user.get("exec"):
            user["exec"]["args"], user["exec"]["env"] = user["exec"].get("args") or None, user["exec"].get("env") or None
        if user.get("auth-provider"):
            user["auth-provider"]["config"] = user["auth-provider"].get("config") or None
        for key in user.get("as-user-extra") or {}:
            user["as-user-extra"][key] = user["as-user-extra"][key] or None
    return config


def resolve(ours, theirs, case, folder):
    """`config view` leaves tokenFile and exec.command as written; we have resolved them against their file's folder."""
    folders = {str((folder / name).parent) for name in case.files}
    for our, their in zip(ours.get("users") or [], theirs.get("users") or []):
        pairs = [(our["user"], their["user"], "tokenFile")]
        if our["user"].get("exec") and their["user"].get("exec"):
            pairs.append((our["user"]["exec"], their["user"]["exec"], "command"))
        for mine, other, key in pairs:
            written = other.get(key, "")
            if "/" in written or (key == "tokenFile" and written):
                assert mine.get(key) in {os.path.normpath(os.path.join(f, written)) for f in folders}
                mine[key] = written


@pytest.mark.parametrize("seed", range(COUNT))
def test_view_is_kubectls(world, seed):
    case = Generator(seed).case()
    for name, content in case.files.items():
        world.write(name, content)
    world.environment.update(case.environment)
    theirs = world.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json", *case.arguments)
    ours = world.tool("view", *case.arguments)
    hint = f"seed {seed}: kubectl {theirs[0]}: {theirs[2]!r}\n  ours {ours[0]}: {ours[2]!r}\n  {case.arguments} {case.environment}"
    assert (theirs[0] == 0) == (ours[0] == 0), hint
    if theirs[0] == 0:
        mine, other = clean(parsed(ours[1])), clean(parsed(theirs[1]))
        resolve(mine, other, case, world.folder)
        assert mine == other, hint


def test_the_generator_makes_both_valid_and_invalid_configurations(world):
    """The comparison above means nothing if nearly all of it fails, or nothing does, on both sides."""
    outcomes = []
    for seed in range(0, COUNT, 2):
        case = Generator(seed).case()
        own = World(world.folder / str(seed), world.kubectl_path)
        for name, content in case.files.items():
            own.write(name, content)
        own.environment.update(case.environment)
        outcomes.append(own.tool("view", *case.arguments)[0] == 0)
    assert sum(outcomes) >= 0.6 * len(outcomes), outcomes
    assert outcomes.count(False) >= 0.08 * len(outcomes), outcomes
