"""Known errors planted into a scratch copy of the sources: a program is linked anew with them, everything else from build/dev."""
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build/dev"
SCRATCH = ROOT / "build/planted"


def planted(patch, target):
    """The program of that CMake target, with the patch. Paths in the patch are those of `git diff`."""
    os.environ["CCACHE_BASEDIR"] = str(ROOT)
    folder, changed = _patched_copy(patch)
    return _linked(folder, target, list(_compiled(folder, changed)))


def _patched_copy(patch):
    """A tree of the files that the patch changes, as it leaves them."""
    folder = SCRATCH / patch.stem
    subprocess.run(["rm", "-rf", folder], check=True)
    changed = re.findall(r"^\+\+\+ b/(\S+)", patch.read_text(), re.M)
    for name in changed:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(["patch", "-s", "-p1", "--no-backup-if-mismatch", "-d", folder, "-i", patch], check=True)
    return folder, changed


def _entry_of(name):
    """How the file is compiled: with others in one, most of common and plugins."""
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        file = Path(entry["file"])
        unity = file.name.startswith("unity_") and f'#include "{ROOT / name}"' in file.read_text()
        if unity or file == ROOT / name:
            return entry
    sys.exit(f"{name} is not compiled")


def _compiled(folder, changed):
    """Objects with the changed files in the place of the build's: of what is compiled together all anew, since within one object
    the compiler may have put a function into its callers."""
    entries = {}
    for name in changed:
        entry = _entry_of(name)
        entries.setdefault(entry["file"], (entry, []))[1].append(name)
    for number, (entry, names) in enumerate(entries.values()):
        file = Path(entry["file"])
        text = file.read_text() if file.name.startswith("unity_") else f'#include "{file}"\n'
        for name in names:
            text = text.replace(f'"{ROOT / name}"', f'"{folder / name}"')
        source = folder / f"planted-{number}.cpp"
        source.write_text(text)
        # What a patch leaves unused is no error here.
        words = [word for word in shlex.split(entry["command"]) if word != "-Werror"]
        words[words.index("-o") + 1] = str(source.with_suffix(".o"))
        words[words.index(entry["file"])] = str(source)
        subprocess.run(words, cwd=entry["directory"], check=True)
        yield words[words.index("-o") + 1]


def _linked(folder, target, objects):
    """The program's own link, with the patched objects in front: of two definitions the first is taken."""
    last = subprocess.run(["ninja", "-C", BUILD, "-t", "commands", target], capture_output=True, text=True, check=True)
    words = [w for w in shlex.split(last.stdout.strip().splitlines()[-1]) if w not in (":", "&&")]
    at = words.index("-o")
    words[at + 1] = str(folder / target)
    first = next(i for i, word in enumerate(words) if word.endswith(".o"))
    subprocess.run(words[:first] + ["-Wl,--allow-multiple-definition"] + objects + words[first:], cwd=BUILD, check=True)
    return folder / target
