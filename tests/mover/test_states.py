"""A state that is not the one of its target: put back from a backup, copied, used from two places, cut anywhere. It is noticed, or does no harm."""
import os
import random
import shutil
import subprocess

import oracle
import pytest
from conftest import MOVER, SOAK, until
from test_kills import killed_at

SEED = int(os.environ.get("HOLDFAST_KILL_SEED", "3"))
MIB = 1 << 20


@pytest.fixture
def pair(disk, tmp_path):
    (tmp_path / "state").mkdir()
    return disk("source", 48), disk("target", 48), tmp_path / "state"


def put_back(kept, folder):
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)


def set_back(disk, image):
    disk.unmount()
    disk.image.write_bytes(image)
    disk.mount()


def image_of(disk):
    disk.unmount()
    image = disk.image.read_bytes()
    disk.mount()
    return image


def over(path, content, times):
    """Content and times are changed; size and inode are not."""
    with open(path, "r+b") as file:
        file.write(content)
    os.utime(path, ns=times)


NAMES, TIMES = ("small", "table"), (10**18, 10**18)


def write(source, content):
    for name in NAMES:
        path = source.path / name
        if not path.exists():
            path.write_bytes(bytes(content[:1] * (50_000 if name == "small" else 2_000_000)))
        over(path, content, TIMES)


@pytest.mark.parametrize("more", [[], ["--no-verify"]], ids=["read-back", "not"])
def test_a_state_from_before_a_pass_that_was_killed_is_not_taken_for_that_of_its_target(pair, slow, mover, same, tmp_path, more):
    """Before anything of that pass is durable there, and with the source again as that state has it."""
    source, target, state = pair
    before, changed = os.urandom(50_000), os.urandom(50_000)
    write(source, before)
    (source.path / "z-long").write_bytes(b"")
    words = ["copy", source.path, target.path, "--state", state, *more]
    mover(*words, "--live")
    shutil.copytree(state, tmp_path / "kept")
    write(source, changed)
    (source.path / "z-long").write_bytes(os.urandom(20 * MIB))
    copy = slow(*words)
    until(lambda: all((target.path / name).read_bytes()[:50_000] == changed for name in NAMES))
    copy.kill()
    assert copy.wait() == -9
    put_back(tmp_path / "kept", state)
    write(source, before)
    (source.path / "z-long").write_bytes(b"")
    mover(*words)
    target.again()
    same(source.path, target.path)


@pytest.mark.parametrize("more", [[], ["--no-verify"]], ids=["read-back", "not"])
def test_of_two_histories_of_one_target_neither_is_taken_for_the_other(pair, mover, same, tmp_path, more):
    """Target and state are put back to before a pass, as many passes are made anew, and then the state of the first ones comes back."""
    source, target, state = pair
    contents = [os.urandom(50_000) for _ in range(3)]
    write(source, contents[0])
    words = ["copy", source.path, target.path, "--state", state, *more]
    mover(*words, "--live")
    shutil.copytree(state, tmp_path / "begin")
    begin = image_of(target)
    write(source, contents[1])
    mover(*words, "--live")
    shutil.copytree(state, tmp_path / "first")
    set_back(target, begin)
    put_back(tmp_path / "begin", state)
    write(source, contents[2])
    mover(*words, "--live")
    put_back(tmp_path / "first", state)
    write(source, contents[1])
    mover(*words)
    target.again()
    same(source.path, target.path)


def test_two_sources_that_take_turns_with_one_target_and_one_state_each_give_their_own_tree(disk, mover, tmp_path):
    sources, target, state = [disk("one", 32), disk("other", 32)], disk("target", 32), tmp_path / "state"
    state.mkdir()
    write(sources[0], os.urandom(50_000))
    (sources[0].path / "only").write_bytes(b"here")
    os.link(sources[0].path / "only", sources[0].path / "again")
    # The same inodes and times, but for what is written to both of them now.
    set_back(sources[1], image_of(sources[0]))
    for source in sources:
        write(source, os.urandom(50_000))
    for number in range(6):
        source = sources[number % 2]
        mover("copy", source.path, target.path, "--state", state, "--live")
        there = oracle.facts_of(target.path)
        del there[b".holdfast-mover"], there[b""]  # which is in it until the final pass
        here = oracle.facts_of(source.path)
        del here[b""]
        assert not oracle.differences(here, there)


def killed_state(pair, slow):
    """What a killed pass leaves, which has groups that are durable on the target, and others."""
    source, target, state = pair
    rng = random.Random(SEED)
    for number in range(12):
        (source.path / f"d{number:02}").mkdir()
        for small in range(6):
            (source.path / f"d{number:02}/{small}").write_bytes(rng.randbytes(3000))
        (source.path / f"d{number:02}/table").write_bytes(rng.randbytes(200_000))
    words = ["copy", source.path, target.path, "--state", state]
    subprocess.run([MOVER, *map(str, words), "--live"], check=True, stdout=subprocess.DEVNULL)
    for number in range(12):
        over(source.path / f"d{number:02}/table", rng.randbytes(100_000), (10**18, 10**18))
        over(source.path / f"d{number:02}/3", rng.randbytes(3000), (10**18, 10**18))
    last = source.path / "d11/table"
    last.write_bytes(rng.randbytes(4 * MIB))
    wanted = (source.path / "d09/table").read_bytes()[:1000]
    copy = slow(*words, "--group-bytes", "256Ki")
    until(lambda: (target.path / "d09/table").read_bytes()[:1000] == wanted)
    copy.kill()
    assert copy.wait() == -9
    last.write_bytes(rng.randbytes(200_000))
    return words


@pytest.mark.parametrize("name", ["pass", "index"])
def test_a_state_that_is_cut_at_any_byte_gives_the_same_tree(pair, slow, mover, same, tmp_path, name):
    """Every byte of the last KiB in `make soak`, else some of them; also when all the rest of it is whole."""
    print(f"HOLDFAST_KILL_SEED={SEED}")
    source, target, state = pair
    words = killed_state(pair, slow)
    left, there = tmp_path / "left", image_of(target)
    shutil.copytree(state, left)
    size = (left / name).stat().st_size
    cuts = range(max(0, size - 1024), size)
    for at in cuts if SOAK else sorted(random.Random(SEED).sample(cuts, min(12, len(cuts)))):
        set_back(target, there)
        put_back(left, state)
        os.truncate(state / name, at)
        print(name, at, "of", size)
        mover(*words)
        same(source.path, target.path)


@pytest.mark.parametrize("live", [[], ["--live"]], ids=["final", "live"])
def test_a_kill_while_a_target_is_tried_on_makes_no_difference(pair, mover, same, live):
    source, target, state = pair
    (source.path / "folder").mkdir()  # a file beside it would be looked at again, and the root's times set for it
    (source.path / "folder/file").write_bytes(os.urandom(100_000))
    words = ["copy", source.path, target.path, "--state", state]
    mover(*words, "--live")
    assert subprocess.run([*killed_at("ftruncate", 1), MOVER, *words], stderr=subprocess.DEVNULL).returncode == -9
    assert (target.path / ".holdfast-probe").exists()  # else this shows nothing
    mover(*words, *live)
    mover(*words)
    target.again()
    same(source.path, target.path)


class Histories:
    """A source whose files get one of few contents each, all with the same times, so that little tells one from the other; kills at any step of a
    copy; and a state and a target that are kept, and put back at some other time."""

    def __init__(self, pair, folder, seed):
        self.source, self.target, self.state = pair
        self.rng, self.folder, self.kept = random.Random(seed), folder, {}
        self.contents = [self.rng.randbytes(40_000) for _ in range(3)]
        for number in range(6):
            (self.source.path / f"d{number % 3}").mkdir(exist_ok=True)
            (self.source.path / f"d{number % 3}/f{number}").write_bytes(bytes(40_000 if number % 2 else 800_000))
        (self.folder / "away").mkdir()

    def change(self):
        files = sorted(path for path in self.source.path.rglob("f*") if path.is_file())
        for path in self.rng.sample(files, min(len(files), 3)):
            over(path, self.rng.choice(self.contents), TIMES)
        what, path = self.rng.randrange(6), self.rng.choice(files)
        if what == 0:  # the same size and times, and another inode
            other = path.with_name("other")
            shutil.copyfile(path, other)
            over(other, self.rng.choice(self.contents), TIMES)
            os.replace(other, path)
        elif what == 1 and len(files) < 12:
            os.link(path, path.with_name(f"f{self.rng.randrange(100)}-{len(files)}"))
        elif what == 2 and len(files) > 4:
            path.unlink()
        elif what == 3:  # what is in it keeps its times of change
            for one, other in (("d0", "e0"), ("e0", "d0")):
                if (self.source.path / one).exists() and not (self.source.path / other).exists():
                    os.rename(self.source.path / one, self.source.path / other)
                    break

    def keep_or_put_back(self):
        what = self.rng.randrange(8)
        if what == 0:
            self.kept["target"] = image_of(self.target)
        elif what == 1 and "target" in self.kept:
            set_back(self.target, self.kept["target"])
        elif what in (2, 3):
            shutil.rmtree(self.folder / "kept", ignore_errors=True)
            shutil.copytree(self.state, self.folder / "kept")
        elif what in (4, 5) and (self.folder / "kept").exists():
            put_back(self.folder / "kept", self.state)
        return what

    def copy(self, *more):
        words = [MOVER, "copy", self.source.path, self.target.path, "--state", self.state, "--group-bytes", "100k", *more]
        under = []
        if self.rng.random() < 0.6:
            call, most = self.rng.choice([("fdatasync", 12), ("pwrite64", 20), ("fsync", 8), ("rename", 4), ("syncfs", 8), ("write", 30), ("unlinkat", 3), ("ftruncate", 4)])
            under = killed_at(call, self.rng.randrange(1, most))
        return subprocess.run([*under, *words], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("seed", range(SEED, SEED + (40 if SOAK else 2)))
def test_whatever_state_is_put_back_to_whatever_target_each_copy_gives_the_tree(pair, same, mover, tmp_path, seed):
    world, whole = Histories(pair, tmp_path, seed), 0
    for number in range(16):
        world.change()
        kept = world.keep_or_put_back()
        ran = world.copy(*(["--live"] if world.rng.random() < 0.6 else []), *(["--no-verify"] if world.rng.random() < 0.4 else []))
        print(number, kept, ran.returncode, ran.stderr)
        assert ran.returncode in (0, -9)
        whole += ran.returncode == 0
        if ran.returncode == 0:
            here, there = oracle.facts_of(world.source.path), oracle.facts_of(world.target.path)
            there.pop(b".holdfast-mover", None)
            for facts in (here, there):
                facts[b""].pop("mtime", None)
            assert not oracle.differences(here, there)
    mover("copy", world.source.path, world.target.path, "--state", world.state)
    world.target.again()
    same(world.source.path, world.target.path)
    assert 2 < whole < 16
