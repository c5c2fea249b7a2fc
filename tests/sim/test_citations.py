"""Each rule of the simulator's controllers says which function of Kubernetes, of its CSI sidecars or of its snapshot controller it
models. Where the test cluster was built, the sources are there, and the function stands in the line that is named."""
import os
import re
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
WRITES = re.compile(r"\b(edit|put|erase|begin_deletion|set_phase|drop_owners)\(")
CITED = re.compile(r"\b([A-Za-z]\w*): (?:[\w-]+ )?([\w./-]*\.go:)?(\d+)\b")
MODULES = ("k8s.io/kubernetes@*", "k8s.io/component-helpers@*", "k8s.io/apiserver@*", "sigs.k8s.io/sig-storage-lib-external-provisioner/*",
           "github.com/kubernetes-csi/external-*/*")


def functions(file):
    """(line, name, comment before it, body) of every function of a file."""
    lines = file.read_text().split("\n")
    for at, line in enumerate(lines):
        found = re.match(r"( {0,4})(?!if|for|while|switch|else|return|class|namespace)[\w:<>,&* ]+?[&* ](\w+)\(.*\{$", line)
        if not found:
            continue
        end = next(i for i in range(at, len(lines)) if lines[i] == found[1] + "}")
        first = at
        while first > 0 and lines[first - 1].strip().startswith("//"):
            first -= 1
        yield at + 1, found[2], "\n".join(lines[first:at]), "\n".join(lines[at + 1:end])


def citations(text):
    """(name, file or its end, line); a citation without a file is of the file before it."""
    file = None
    for name, path, line in CITED.findall(re.sub(r"\s*\n\s*//\s*", " ", text)):
        file = path.rstrip(":") if path else file
        if file:
            yield name, file.removesuffix(":"), int(line)


def controllers():
    return sorted((FOLDER / "controllers").glob("*.cpp"))


@pytest.mark.parametrize("file", controllers(), ids=lambda file: file.stem)
def test_whatever_writes_says_whose_rule_it_is(file):
    missing = [f"{file.name}:{line} {name}" for line, name, comment, body in functions(file)
               if WRITES.search(body) and not list(citations(comment))]
    assert missing == []


def sources():
    cache = subprocess.run(["go", "env", "GOMODCACHE"], capture_output=True, text=True).stdout.strip() if _go() else ""
    cache = Path(cache or os.environ.get("GOMODCACHE", Path.home() / "go/pkg/mod"))
    return [file for pattern in MODULES for module in cache.glob(pattern) for file in module.rglob("*.go") if "_test" not in file.name]


def _go():
    return any(os.access(Path(folder) / "go", os.X_OK) for folder in os.environ["PATH"].split(":"))


def test_what_is_cited_stands_there():
    known = sources()
    if not any("kubernetes@" in str(file) for file in known):
        pytest.skip("the sources of Kubernetes are not on this machine: they come with the test cluster")
    wrong, count = [], 0
    for file in sorted(FOLDER.rglob("*.cpp")) + sorted(FOLDER.rglob("*.h")):
        for name, path, line in citations(file.read_text()):
            count += 1
            if not any(name in _line(source, line) for source in known if str(source).endswith("/" + path)):
                wrong.append(f"{file.name}: {name}: {path}:{line}")
    assert wrong == [] and count > 60


def _line(source, number):
    lines = source.read_text(errors="replace").split("\n")
    return lines[number - 1] if number <= len(lines) and "func" in lines[number - 1] else ""
