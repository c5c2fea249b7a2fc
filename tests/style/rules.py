"""The rules of this tree that a machine can check, each with what to do instead.

A rule gives (line number, what is wrong) for a file. Comments and string literals are blanked where a rule is about code.
"""
import re

INCLUDE_HOMES = {
    # what is included: (the only places that may, what others do)
    r"CLI/": (("common/app/parse.cpp",), "describe the flag in an Option of the command's table"),
    r"curl/": (("common/http/curl_",), "use http::Transport"),
    r"(libpq-fe|libpq/|postgres_ext)": (("common/db/pq_sql.cpp",), "use plan::SqlRunner"),
    r"yaml-cpp/": (("common/kubeconfig/yaml",), "use common/kubeconfig/yaml.h"),
    r"(spdlog|fmt)/": (("common/core/log.cpp",), "use common/core/log.h"),
}
# A folder of common/ sees only those below it.
MAY_SEE = {
    "core": {"core"},
    "os": {"core", "os"},
    "kubeconfig": {"core", "os", "kubeconfig"},
    "http": {"core", "os", "kubeconfig", "http"},  # who we are to the server
    "kube": {"core", "os", "http", "kubeconfig", "kube", "plan"},
    "db": {"core", "os", "plan", "db", "kube"},
    "plan": {"core", "os", "kube", "plan"},
    "diagnose": {"core", "os", "kube", "diagnose"},
    "copies": {"core", "os", "kube", "plan", "diagnose", "copies"},
    "view": {"core", "os", "kube", "plan", "diagnose", "view"},
}
CALLS = [
    # pattern, places where it is right, what to do elsewhere
    (r"\bthrow\b", ("tests/",), "return Error{...}; a library that throws is caught in its boundary file"),
    (r"\b(getenv|setenv|secure_getenv)\s*\(", ("common/os/", "tests/"), "take an Environment"),
    (r"(?<![\w.>])((std::|::)?_?(exit|quick_exit|_Exit)|(std::|::)abort)\s*\(", ("common/os/", "tests/"),
     "return an exit code or an Error"),
    (r"\b(usleep|nanosleep|sleep_until)\s*\(|this_thread::sleep|(?<!\w)sleep\s*\(", ("common/os/", "tests/"), "use Clock::sleep_for"),
    (r"(system_clock|steady_clock)::now\s*\(", ("common/os/", "common/http/curl_", "common/kube/watch.cpp", "common/kubeconfig/load.cpp", "tests/"), "take a Clock, or the time as an argument"),
    (r"\bstd::(cout|cerr|clog|printf|puts)\b|(?<!\w)f?printf\s*\(", ("common/os/", "tests/"), "use Console"),
    (r"\busing namespace std;", (), "name what you use"),
    (r"(?<![\w:])(::)?(system|popen)\s*\(", (), "use run_command of common/os/subprocess.h; no shell is involved there"),
    (r"\brandom_device\b|(?<!\w)s?rand\s*\(", ("common/os/", "common/plan/drive.cpp", "tests/"), "take the number as an argument"),
]
MACHINE_PATHS = re.compile(r"(?<![\w.])/work/|\.\./shared\b|(?<![\w.)}$])/root/(?!\.cache\b)|(?<![\w$}.])/home/(?!user\b)[a-z]")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
# Reading; what is sent is built as a whole, and golden files show it.
OBJECT_PATHS = re.compile(r'\b(?:text|find|number|bool)_at\s*\([^;"]*"/(?:spec|status|metadata)/|\.at\(\s*"(?:spec|status|metadata)"\s*\)')
# A ratchet: so many such lines were there when the rule came; they may only become fewer.
MORE_OBJECT_PATHS = {"plugins/snap/": 1, "common/copies/": 12}
FUNCTION_LINES = 70
TEST_CASE_LINES = 100  # tables of cases
FILE_LINES = 500
# A ratchet: these were longer when the rule came, and may only shrink.
LONGER_FILES = {}
NO_FUNCTION = re.compile(r"\s*(namespace|class|struct|enum|union|extern|using|typedef|#|//|/\*|\}|public:|private:|protected:|TEST_SUITE)")

LITERAL = re.compile(r'R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/', re.S)


def blank(match):
    text = match.group(0)
    return re.sub(r"[^\n]", " ", text)


def code_only(text):
    """The text with comments and literals blanked, lines kept."""
    return LITERAL.sub(blank, text)


def without_raw_strings(text):
    return re.sub(r'R"(\w*)\(.*?\)\1"', blank, text, flags=re.S)


def lines_matching(pattern, text):
    for number, line in enumerate(text.split("\n"), 1):
        found = re.search(pattern, line)
        if found:
            yield number, found.group(0).strip()


def includes(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        found = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if found:
            yield from library_include(path, number, found.group(1))
            yield from folder_include(path, number, found.group(1))


def library_include(path, number, what):
    for pattern, (homes, instead) in INCLUDE_HOMES.items():
        if re.match(pattern, what) and not path.startswith(homes) and not path.startswith("tests/"):
            yield number, f"<{what}> belongs to {', '.join(homes)} alone; {instead}"


def folder_include(path, number, what):
    if what.startswith("plugins/") and path.startswith("common/"):
        yield number, f"common does not know the plugins ({what}); pass what is needed as an argument"
    own = path.split("/")
    if own[0] != "common" or not what.startswith("common/"):
        return
    folder = what.split("/")[1]
    if own[1] in MAY_SEE and folder not in MAY_SEE[own[1]]:
        yield number, f"common/{own[1]} must not see common/{folder} ({what}); pass what is needed as an interface"


def calls(path, text):
    code = code_only(text)
    for pattern, homes, instead in CALLS:
        if homes and path.startswith(homes):
            continue
        for number, what in lines_matching(pattern, code):
            yield number, f"{what}: {instead}"


def unfinished(path, text):
    for number, what in lines_matching(UNFINISHED, text):
        yield number, f"{what} on the main branch: finish it, or say in the issue what is missing"


def machine_paths(path, text):
    for number, what in lines_matching(MACHINE_PATHS, text):
        yield number, f"{what} is a path of one machine: use a path relative to the tree, or a variable"


def object_paths(path, text):
    if not path.startswith(("common/", "plugins/")) or path.startswith(("common/kube/", "common/plan/")):
        return
    if path.startswith(tuple(MORE_OBJECT_PATHS)):
        return  # counted as a whole: more_object_paths
    for number, what in lines_matching(OBJECT_PATHS, text):
        yield number, f"{what} ...: only common/kube/objects names JSON paths; add a view there"


def functions(text, indent):
    """(first line, last line) of what looks like a function whose closing brace stands at `indent`."""
    lines = without_raw_strings(text).split("\n")
    pad = " " * indent
    start = None
    for number, line in enumerate(lines, 1):
        at_indent = line.startswith(pad) and len(line) > indent and line[indent] not in " )"
        if not at_indent:
            continue
        if line[indent:].startswith("}"):
            if start is not None:
                yield start, number
            start = None
        elif line.startswith(pad + "{"):
            continue
        else:
            start = number if not NO_FUNCTION.match(line) else None


def long_functions(path, text):
    lines = text.split("\n")
    for indent in (0, 4):
        for first, last in functions(text, indent):
            head = lines[first - 1]
            if indent == 4 and re.match(r"\s*(if|for|while|switch|do|else|return|const|auto|static|try|TEST_CASE|SUBCASE)\b", head):
                continue
            if indent == 0 and "(" not in "".join(lines[first - 1:first + 3]):
                continue
            length = last - first + 1
            bound = TEST_CASE_LINES if path.startswith("tests/") else FUNCTION_LINES
            if length > bound:
                yield first, f"a function of {length} lines: split it by concept, {bound} is the bound"


def long_files(path, text):
    count = text.count("\n")
    bound = LONGER_FILES.get(path, FILE_LINES)
    if count > bound:
        yield count, f"{count} lines: split it by concept, {bound} is the bound"


CPP_RULES = [includes, calls, object_paths, long_functions, long_files]
TEXT_RULES = [unfinished, machine_paths]
