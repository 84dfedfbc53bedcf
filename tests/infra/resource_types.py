"""Resource bodies against Azure's own type data: unknown, missing and read-only properties, values of the wrong kind.

The data is a slice of what the Bicep compiler uses. It lies beside the clone, not in it.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from tree_sitter import Node

from tests.infra.bicep_tree import ROOT, UNKNOWN, BicepFile, Declaration, innermost, named, properties, text_of, value

DATA = ROOT.parent / "shared/data/bicep-type-slice.json"
REQUIRED, READ_ONLY = 1, 2
_OF_BICEP = {"parent", "scope", "dependsOn"}
_KINDS = {"StringType": str, "IntegerType": int, "BooleanType": bool}
_PRIMITIVES = {"string": "StringType", "int": "IntegerType", "bool": "BooleanType"}


@cache
def type_data() -> dict[str, list[dict[str, Any]]]:
    return json.loads(DATA.read_text())  # type: ignore[no-any-return]


def resource_problems(file: BicepFile) -> list[str]:
    return [problem for each in file.of("resource") for problem in _resource(file, each)]


def has_property(source: str, path: list[str]) -> bool:
    """Whether a resource has the property that `path` leads to; True where the data ends before the path."""
    entries = type_data().get(source)
    kind = entries[int(entries[0]["body"]["$ref"].removeprefix("#/"))] if entries else {"$type": "AnyType"}
    for name in path:
        if kind["$type"] != "ObjectType":
            return kind["$type"] in ("AnyType", "DiscriminatedObjectType")
        if name not in kind["properties"]:
            return "additionalProperties" in kind
        kind = entries[int(kind["properties"][name]["type"]["$ref"].removeprefix("#/"))]  # type: ignore[index]
    return True


def _resource(file: BicepFile, resource: Declaration) -> Iterator[str]:
    entries = type_data().get(resource.source)
    if entries is None:
        near = difflib.get_close_matches(resource.source, type_data(), 1)
        yield f"{file.path.name}:{resource.line}: {resource.source} is not in the type data{_meant(near)}"
        return
    checker = _Checker(file, entries)
    body = checker.type_of(entries[0]["body"])
    if resource.body is not None:
        yield from checker.object(resource.body, body, resource.name, partial=resource.existing, top=True)


class _Checker:
    def __init__(self, file: BicepFile, entries: list[dict[str, Any]]) -> None:
        self._file, self._entries = file, entries

    def type_of(self, reference: Mapping[str, str]) -> dict[str, Any]:
        return self._entries[int(reference["$ref"].removeprefix("#/"))]

    def check(self, node: Node, kind: dict[str, Any], where: str) -> Iterator[str]:
        node = self._resolved(node)
        if node.type == "ternary_expression":
            for branch in named(node)[1:]:
                yield from self.check(branch, kind, where)
        elif kind["$type"] in ("ObjectType", "DiscriminatedObjectType"):
            if node.type == "object":
                yield from self.object(node, kind, where)
            elif node.type in ("string", "number", "boolean", "array"):
                yield self._says(node, where, f"an object is expected, not {node.type}")
        elif kind["$type"] == "ArrayType":
            yield from self._array(node, kind, where)
        elif kind["$type"] != "AnyType":
            yield from self._scalar(node, kind, where)

    def object(
        self, node: Node, kind: dict[str, Any], where: str, *, partial: bool = False, top: bool = False
    ) -> Iterator[str]:
        given = properties(node)
        if kind["$type"] == "DiscriminatedObjectType":
            kind = self._chosen(given, kind)
        declared = kind["properties"]
        for name, child in given.items():
            spot = f"{where}.{name}"
            if name in declared:
                if declared[name]["flags"] & READ_ONLY:
                    yield self._says(child, spot, "is read-only")
                else:
                    yield from self.check(child, self.type_of(declared[name]["type"]), spot)
            elif "additionalProperties" in kind:
                yield from self.check(child, self.type_of(kind["additionalProperties"]), spot)
            elif not (top and name in _OF_BICEP):
                yield self._says(child, spot, f"is no property{_meant(_near(name, declared))}")
        for name, entry in declared.items():
            if entry["flags"] & REQUIRED and name not in given and not partial:
                yield self._says(node, where, f"{name} is missing")

    def _chosen(self, given: dict[str, Node], kind: dict[str, Any]) -> dict[str, Any]:
        chosen = value(given[kind["discriminator"]]) if kind["discriminator"] in given else UNKNOWN
        if chosen not in kind["elements"]:
            names = {kind["discriminator"]: {"type": {"$ref": "#/0"}, "flags": REQUIRED}}
            return {"properties": names if chosen is UNKNOWN else {}}
        element = self.type_of(kind["elements"][chosen])
        return {**element, "properties": {**kind["baseProperties"], **element["properties"]}}

    def _array(self, node: Node, kind: dict[str, Any], where: str) -> Iterator[str]:
        item = self.type_of(kind["itemType"])
        if node.type in ("array", "for_statement"):
            inner = innermost(node)
            children = named(inner) if inner.type == "array" else [inner]
            for child in children:
                yield from self.check(child, item, f"{where}[]")
        elif node.type in ("string", "number", "boolean", "object"):
            yield self._says(node, where, f"a list is expected, not {node.type}")

    def _scalar(self, node: Node, kind: dict[str, Any], where: str) -> Iterator[str]:
        expected = [self.type_of(each) for each in kind["elements"]] if kind["$type"] == "UnionType" else [kind]
        primitive = self._primitive(node)
        if primitive is not None:
            if not any(each["$type"] in (primitive, _literal_of(primitive)) for each in expected):
                yield self._says(node, where, f"{text_of(node)} is {primitive.removesuffix('Type').lower()}")
            return
        found = value(node) if node.type != "string" or named(node) else ""
        if found is UNKNOWN or isinstance(found, dict | list):
            if isinstance(found, dict | list) or node.type in ("array", "object"):
                yield self._says(node, where, f"a single value is expected, not {node.type}")
            return
        choices = [each["value"] for each in expected if each["$type"] == "StringLiteralType"]
        if choices:
            if found not in choices:
                yield self._says(node, where, f"{found!r} is not one of {', '.join(choices)}")
        elif not any(_fits(found, each) for each in expected):
            yield self._says(node, where, f"{found!r} does not fit {_described(expected)}")

    def _resolved(self, node: Node) -> Node:
        """The value of a variable of the file, where `node` names one."""
        if node.type == "identifier":
            for each in self._file.of("var"):
                if each.name == text_of(node):
                    return each.parts[-1]
        return node

    def _primitive(self, node: Node) -> str | None:
        """The type of a parameter, where `node` names one that is declared string, int or bool."""
        if node.type != "identifier":
            return None
        for each in self._file.of("param"):
            if each.name == text_of(node):
                return _PRIMITIVES.get(text_of(each.parts[0]).removesuffix("?"))
        return None

    def _says(self, node: Node, where: str, what: str) -> str:
        return f"{self._file.at(node)}: {where}: {what}"


def _literal_of(primitive: str) -> str:
    return "StringLiteralType" if primitive == "StringType" else primitive


def _fits(found: object, kind: dict[str, Any]) -> bool:
    if type(found) is not _KINDS.get(kind["$type"]):
        return False
    if isinstance(found, str):
        return (
            kind.get("minLength", 0) <= len(found) <= kind.get("maxLength", len(found))
            and re.search(kind.get("pattern", ""), found) is not None
        )
    return kind.get("minValue", found) <= found <= kind.get("maxValue", found)  # type: ignore[no-any-return]


def _described(expected: list[dict[str, Any]]) -> str:
    return " or ".join(json.dumps(each) for each in expected)


def _near(name: str, names: Mapping[str, object]) -> list[str]:
    same = [each for each in names if each.lower() == name.lower()]
    return same or difflib.get_close_matches(name, names, 1)


def _meant(near: list[str]) -> str:
    return f"; {near[0]} is meant?" if near else ""
