"""What docs/schemas promise, held against what a command printed."""
import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "schemas"
KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float), "null": type(None)}


def conform(value, schema, where="$"):
    """Enough of JSON Schema for docs/schemas: type, const, enum, required, properties, additionalProperties, items; nothing
    that is not described."""
    if "type" in schema:
        names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        assert any(isinstance(value, KINDS[name]) for name in names), f"{where}: {value!r}"
    assert value == schema.get("const", value) and value in schema.get("enum", [value]), f"{where}: {value!r}"
    if isinstance(value, dict):
        known, rest = schema.get("properties", {}), schema.get("additionalProperties")
        assert set(schema.get("required", [])) <= set(value), f"{where}: {sorted(value)}"
        assert rest is not None or set(value) <= set(known), f"{where}: {sorted(set(value) - set(known))} are not described"
        for key, part in value.items():
            conform(part, known.get(key, rest if isinstance(rest, dict) else {"additionalProperties": True, "items": {}}), f"{where}.{key}")
    for i, part in enumerate(value if isinstance(value, list) else []):
        conform(part, schema.get("items", {"additionalProperties": True}), f"{where}[{i}]")


def schema_of(name):
    return json.loads((FOLDER / f"{name}.json").read_text())
