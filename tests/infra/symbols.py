"""Names in a Bicep file: each is declared once for its kind, and each that is used is declared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tree_sitter import Node

from tests.infra.bicep_tree import BicepFile, named, text_of, walk

# Functions of Bicep that this project may call.
FUNCTIONS = frozenset(
    [
        "array",
        "base64",
        "bool",
        "cidrSubnet",
        "coalesce",
        "concat",
        "contains",
        "empty",
        "environment",
        "filter",
        "first",
        "flatten",
        "format",
        "guid",
        "int",
        "items",
        "join",
        "json",
        "last",
        "length",
        "loadJsonContent",
        "loadTextContent",
        "map",
        "max",
        "min",
        "newGuid",
        "objectKeys",
        "padLeft",
        "range",
        "readEnvironmentVariable",
        "reduce",
        "replace",
        "resourceGroup",
        "resourceId",
        "sort",
        "split",
        "startsWith",
        "string",
        "subscription",
        "subscriptionResourceId",
        "substring",
        "tenant",
        "toLower",
        "toObject",
        "toUpper",
        "union",
        "uniqueString",
        "uri",
        "utcNow",
    ]
)
_NAMED_FIRST = ("parameter_declaration", "variable_declaration", "resource_declaration", "module_declaration")
_DECLARES = (*_NAMED_FIRST, "output_declaration", "type_declaration", "object_property")


def duplicate_names(file: BicepFile) -> list[str]:
    """Parameters, variables, resources, modules, types and functions share one space; outputs have their own."""
    shared = Counter(each.name for each in file.declarations if each.kind != "output")
    outputs = Counter(each.name for each in file.of("output"))
    twice = [name for names in (shared, outputs) for name, n in names.items() if n > 1]
    return [f"{file.path.name}: {name} is declared twice" for name in twice] + [
        f"{file.at(node)}: {name} is given twice"
        for node in walk(file.root)
        if node.type == "object"
        for name, n in Counter(_property_names(node)).items()
        if n > 1
    ]


def _property_names(node: Node) -> list[str]:
    return [text_of(named(child)[0]) for child in named(node) if child.type == "object_property"]


def unresolved_names(file: BicepFile) -> list[str]:
    known = {each.name for each in file.declarations if each.kind != "output"} | set(_imported(file.root))
    return [f"{file.at(node)}: {text_of(node)} is not declared" for node in _unresolved(file.root, frozenset(known))]


def unused_names(file: BicepFile) -> list[str]:
    """Parameters and variables nobody reads."""
    used = {text_of(node) for node in _uses(file.root)}
    return [
        f"{file.path.name}:{each.line}: {each.kind} {each.name} is never used"
        for each in (*file.of("param"), *file.of("var"))
        if each.name not in used
    ]


def _imported(root: Node) -> Iterator[str]:
    for node in named(root):
        if node.type == "import_functionality":
            yield from (text_of(child) for child in named(node) if child.type == "identifier")


def _uses(node: Node) -> Iterator[Node]:
    skip = named(node)[0] if node.type in _DECLARES and named(node)[0].type == "identifier" else None
    for child in named(node):
        if child.type == "identifier" and child != skip:
            yield child
        if child != skip:
            yield from _uses(child)


def _unresolved(node: Node, known: frozenset[str]) -> Iterator[Node]:
    children = named(node)
    if node.type in ("import_functionality", "decorators"):
        return
    if node.type == "call_expression" and children[0].type == "identifier":
        if text_of(children[0]) not in FUNCTIONS:
            yield children[0]
        children = children[1:]
    if node.type in _DECLARES and children[0].type == "identifier":
        children = children[1:]
    if node.type in ("for_statement", "lambda_expression"):
        bound = [child for child in children[:-1] if _binds(node, child)]
        known |= {text_of(name) for child in bound for name in (named(child) or [child])}
        children = [child for child in children if child not in bound]
    for child in children:
        if child.type == "identifier" and text_of(child) not in known:
            yield child
        yield from _unresolved(child, known)


def _binds(node: Node, child: Node) -> bool:
    return node.type == "lambda_expression" or child.type == "for_loop_parameters" or child == named(node)[0]
