"""YAML means to us what it means to kubectl, and what we write kubectl reads back unchanged.

kubectl shows how it reads any YAML through a kubeconfig's extensions, which it prints as JSON."""
import json
import random

import pytest

from conftest import parsed

FRAME = "current-context: a\ncontexts:\n- name: a\n  context:\n    extensions:\n"

SCALARS = """yes Yes YES yEs no on ON oN off y Y n N true True TRUE tRue false ~ null Null NULL nUll 0 -0 +0 00 017 08 0o17 0O17 0x1F 0X1f 0x
0b11 0B11 0b2 -0b11 +0b11 -0x1F 1_000 1__0 _1 1_ 0_7 0x_1 1e3 1E3 1e+3 1e-3 1e 1e400 -1e400 1.5 1. .5 -.5 +.5 . .. .5.5 1.5.5 1,5 1:30 190:20:30
9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 18446744073709551615 18446744073709551616 0xFFFFFFFFFFFFFFFF
2001-01-01 2001-1-1 2001-01-01T00:00:00Z 2001-13-01 12345678901234567890123 1e21 1e20 1e-7 123456789.25 0.1 = << !!str !!str\x201 !!int\x20"1" !!float\x201
!!bool\x20yes !!bool\x20"no" !!null\x20"" !!binary\x20aGk= !!timestamp\x202001-01-01 !mine\x20x !\x20x 'yes' "0x1F" "\\x41\\n\\u00e9" '''' - -x ?x :x a:b a#b
x\x20#c |- >+ 1e1000 -.e1 0.0 -0.0 0e0 +12 +0x1F 0_0 1_0.5 1e1_0 .1_0 0777 0888 -017 1.0e+05 NaN .nan .NaN .inf -.INF +.Inf .iNf""".split(" ")

# Not among them: "[a, , b]", which kubectl refuses and yaml-cpp reads as [a, null, b].
DOCUMENTS = [
    "{a: 1, b: [x, y], c: {d: ~}}", "[1, 2, [3], {a: b}]", "|\n  text\n   more\n", ">\n  folded\n  text\n\n  end\n", "|-\n  x\n", "|+\n  x\n\n", "|2\n   x\n",
    "a\n  b\n  c\n", "\"a\n  b\\\n  c\"\n", "{1: a, 1.5: b, 1e6: c, 1e7: d, 0.00001: e, yes: f, 2001-01-01: g, 0x10: h}", "{n: 1}", "{~: 1}", "{[a]: 1}", "{18446744073709551615: 1}",
    "{a: &x [1, 2], b: *x}", "{a: &x {k: 1, l: 2}, b: {<<: *x, k: 3}}", "{a: &x {k: 1}, b: {k: 3, <<: *x}}", "{b: {<<: [{k: 1}, {k: 2, l: 3}]}}",
    "{b: {<<: 5}}", "{b: {<<: [5]}}", "{b: {\"<<\": {k: 1}}}", "&x [*x]", "*nowhere", "{a: 'it''s', b: \"q\\\"q\"}", "- - - a\n  - b\n", "{a: , b: }", "{a, b}", "[a,]",
    "{\"a\":1,\"b\":[true,null]}", "'a\n\n  b'", "{a: b c d, e: 'f' }", "\"\\e\\0\\a\"", "\"\\ud83d\\ude00\"", "!!set {a, b}", "!!map {a: b}", "!!seq [a]", "!!omap [a: 1]",
    "é", "日本", "\U0001F600", "\"tab\\there\"", "a\tb", "{a: b\t}", "{a:\tb}", "%x", "@x", "`x", "{a: @x}", "a: b: c", "a : b", "'a' : 'b'", "? x\n      : y\n", "{? x : y}",
]


def kubectl_reads(world, text):
    """The JSON that kubectl makes of a YAML value, or None if it refuses the file."""
    indented = text.replace("\n", "\n        ").rstrip(" ")
    world.write("config", FRAME + "    - name: x\n      extension: " + indented + "\n")
    code, out, _ = world.kubectl("config", "view", "--raw", "-o", "json", f"--kubeconfig={world.folder}/config")
    return parsed(out)["contexts"][0]["context"]["extensions"][0]["extension"] if code == 0 else Ellipsis


def we_read(world, text):
    indented = text.replace("\n", "\n        ").rstrip(" ")
    code, out, _ = world.tool("to-json", text=(FRAME + "    - name: x\n      extension: " + indented + "\n").encode())
    return parsed(out)["contexts"][0]["context"]["extensions"][0]["extension"] if code == 0 else Ellipsis


@pytest.mark.parametrize("text", SCALARS)
def test_a_scalar_means_the_same(world, text):
    assert we_read(world, text.strip("\n")) == kubectl_reads(world, text.strip("\n"))


@pytest.mark.parametrize("text", DOCUMENTS)
def test_a_document_means_the_same(world, text):
    assert we_read(world, text) == kubectl_reads(world, text)


def value(pick, depth=0):
    pieces = ["yes", "no", " ", "\n", ":", "- ", "#", "0", "1", "x", "e", ".", "_", '"', "'", "\\", "\t", "{", "]", "|", ">", "&a", "*a", "!", "%", "@", "é",
              "\U0001F600", "\x01", "\x7f", "\x85", "\u2028", "\ufeff", "null", "~", "<<", "=", "---", "...", "\r", "word", "0x1F", "1e3"]
    text = lambda: "".join(pick.choice(pieces) for _ in range(pick.randrange(6)))
    kind = pick.randrange(5 if depth > 4 else 8)
    if kind < 3:
        return pick.choice([None, True, False, pick.randrange(-2**63, 2**63), pick.randrange(2**20), pick.random() * 1e6, 1.5, 0])
    if kind < 5:
        return text()
    if kind == 5:
        return [value(pick, depth + 1) for _ in range(pick.randrange(4))]
    return {text(): value(pick, depth + 1) for _ in range(pick.randrange(4))}


@pytest.mark.parametrize("seed", range(20))
def test_what_we_write_kubectl_reads(world, seed):
    """Twenty files of 40 values each."""
    pick = random.Random(seed)
    values = [value(pick) for _ in range(40)]
    config = {"current-context": "a", "contexts": [{"name": "a", "context": {
        "extensions": [{"name": f"n{i}", "extension": v} for i, v in enumerate(values)]}}]}
    code, text, error = world.tool("to-yaml", text=json.dumps(config).encode())
    assert code == 0, error
    world.write("config", text)
    code, out, error = world.kubectl("config", "view", "--raw", "-o", "json", f"--kubeconfig={world.folder}/config")
    assert code == 0, (error, text)
    read = {e["name"]: e["extension"] for e in parsed(out)["contexts"][0]["context"]["extensions"]}
    for i, wanted in enumerate(values):
        assert read[f"n{i}"] == wanted, text
