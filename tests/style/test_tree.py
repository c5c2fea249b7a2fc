"""The style rules (rules.py), run over every file of the tree, and each rule shown to find what it is for."""
import subprocess
from pathlib import Path

import pytest
import rules

ROOT = Path(__file__).resolve().parent.parent.parent
TEXT_ENDINGS = (".cpp", ".h", ".py", ".md", ".txt", ".cmake", ".yaml", ".yml", ".json", ".toml", ".go", ".sh", "")
OWN = ("tests/style/",)


def tracked():
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in names.stdout.splitlines() if (ROOT / name).is_file()]


def text_of(name):
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None  # not text


FILES = {name: text for name in tracked() if Path(name).suffix in TEXT_ENDINGS and (text := text_of(name)) is not None}


def complaints(rule, names):
    return [f"{name}:{number}: {what}" for name in names for number, what in rule(name, FILES[name])]


@pytest.mark.parametrize("rule", rules.CPP_RULES, ids=lambda rule: rule.__name__)
def test_sources(rule):
    names = [name for name in FILES if name.endswith((".cpp", ".h"))]
    assert len(names) > 100
    found = complaints(rule, names)
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("rule", rules.TEXT_RULES, ids=lambda rule: rule.__name__)
def test_every_text(rule):
    found = complaints(rule, [name for name in FILES if not name.startswith(OWN)])
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("folder,most", rules.MORE_OBJECT_PATHS.items())
def test_object_paths_become_fewer(folder, most):
    found = [f"{name}:{number}" for name in FILES if name.startswith(folder) and name.endswith((".cpp", ".h"))
             for number, _ in rules.lines_matching(rules.OBJECT_PATHS, FILES[name])]
    assert len(found) <= most, f"JSON paths belong to common/kube/objects; at most {most} are left here: {found}"
    assert len(found) == most, f"well done: only {len(found)} are left; lower the number in rules.py"


def test_planted_errors_apply():
    """make soak alone plants them: what no longer applies would be missed until then."""
    patches = sorted((ROOT / "tests").glob("*/planted/*.patch"))
    assert len(patches) > 30
    applied = {patch.stem: subprocess.run(["patch", "--dry-run", "-s", "-f", "-p1", "-d", ROOT, "-i", patch], capture_output=True, text=True)
               for patch in patches}
    found = [f"{name}: {run.stdout}" for name, run in applied.items() if run.returncode != 0]
    assert not found, "make them plant the same error in the code as it is now:\n" + "\n".join(found)


def test_headers_begin_with_what_they_are():
    found = [name for name in FILES if name.endswith(".h") and name.startswith(("common/", "plugins/"))
             and not (FILES[name].startswith("//") and "#pragma once" in FILES[name])]
    assert not found, "these headers say not what they are for, or lack #pragma once: " + ", ".join(found)


BAD = [
    (rules.includes, "plugins/snap/plan.cpp", "#include <CLI/App.hpp>\n"),
    (rules.includes, "common/kube/client.cpp", "#include <curl/curl.h>\n"),
    (rules.includes, "plugins/restore/plan.cpp", "#include <libpq-fe.h>\n"),
    (rules.includes, "common/app/run.cpp", "#include <yaml-cpp/yaml.h>\n"),
    (rules.includes, "common/app/run.cpp", "#include <spdlog/spdlog.h>\n"),
    (rules.includes, "common/core/text.cpp", '#include "common/os/clock.h"\n'),
    (rules.includes, "common/plan/drive.cpp", '#include "common/app/context.h"\n'),
    (rules.includes, "common/app/run.cpp", '#include "plugins/snap/plugin.h"\n'),
    (rules.calls, "plugins/snap/plan.cpp", "    throw 1;\n"),
    (rules.calls, "plugins/snap/plan.cpp", '    std::getenv("HOME");\n'),
    (rules.calls, "plugins/snap/plan.cpp", "    exit(1);\n"),
    (rules.calls, "plugins/snap/plan.cpp", "    std::this_thread::sleep_for(x);\n"),
    (rules.calls, "plugins/snap/plan.cpp", "    std::chrono::system_clock::now();\n"),
    (rules.calls, "plugins/snap/plan.cpp", "    std::cout << x;\n"),
    (rules.calls, "plugins/snap/plan.cpp", "    system(x);\n"),
    (rules.object_paths, "plugins/clone/plan.cpp", '    text_at(pod, "/status/phase");\n'),
    (rules.object_paths, "plugins/clone/plan.cpp", '    pod.at("spec");\n'),
    (rules.long_functions, "common/x.cpp", "int f() {\n" + "    g();\n" * 70 + "}\n"),
    (rules.long_functions, "common/x.cpp", "class A {\n    int f() {\n" + "        g();\n" * 70 + "    }\n};\n"),
    (rules.long_files, "common/x.cpp", "//\n" * 501),
    (rules.unfinished, "README.md", "TO" "DO: write this\n"),
    (rules.machine_paths, "README.md", "see /work/" "main\n"),
    (rules.machine_paths, "README.md", "see ../sha" "red/design.md\n"),
]


@pytest.mark.parametrize("rule,name,text", BAD, ids=[f"{r.__name__}-{i}" for i, (r, _, _) in enumerate(BAD)])
def test_rule_finds(rule, name, text):
    assert list(rule(name, text))


GOOD = [
    (rules.includes, "common/app/parse.cpp", "#include <CLI/App.hpp>\n"),
    (rules.includes, "common/app/run.cpp", '#include "common/plan/drive.h"\n'),
    (rules.calls, "plugins/snap/plan.cpp", '    // throw it away\n    log("exit (1)");\n    on_exit.count();\n'),
    (rules.calls, "common/os/clock.cpp", "    return std::chrono::system_clock::now();\n"),
    (rules.calls, "plugins/snap/plan.cpp", "    clock.sleep_for(x);\n    exit_code(error);\n"),
    (rules.object_paths, "common/kube/objects/pod.cpp", '    text_at(pod, "/status/phase");\n'),
    (rules.long_functions, "common/x.cpp", "int f() {\n" + "    g();\n" * 60 + "}\n\nint h() {\n" + "    g();\n" * 60 + "}\n"),
]


@pytest.mark.parametrize("rule,name,text", GOOD, ids=[f"{r.__name__}-{i}" for i, (r, _, _) in enumerate(GOOD)])
def test_rule_lets_pass(rule, name, text):
    assert not list(rule(name, text))
