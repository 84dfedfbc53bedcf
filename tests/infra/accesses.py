"""What is read after a dot: outputs of modules, properties of resources, of variables and of loop items, decorators."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from tests.infra.bicep_tree import BicepFile, Declaration, named, properties, text_of, walk
from tests.infra.parameter_files import type_fields
from tests.infra.resource_types import DATA, has_property

DECORATORS = frozenset(
    [
        "allowed",
        "batchSize",
        "description",
        "export",
        "maxLength",
        "maxValue",
        "minLength",
        "minValue",
        "onlyIfNotExists",
        "sealed",
        "secure",
    ]
)
# What functions give, as far as it is read here.
FUNCTIONS = {
    "environment": {"suffixes.storage", "suffixes.keyvaultDns", "authentication.loginEndpoint"},
    "tenant": {"tenantId"},
    "subscription": {"id", "subscriptionId"},
    "resourceGroup": {"id", "name", "location"},
}
_OF_A_MODULE = {"name", "scope", "params", "dependsOn"}


def unknown_accesses(file: BicepFile) -> list[str]:
    symbols = {each.name: each for each in file.declarations if each.kind != "output"}
    loops = dict(_loop_items(file))
    problems = []
    for node, root, path in _chains(file.root):
        name = text_of(root)
        if root.type == "call_expression":
            function = text_of(named(root)[0])
            known = function not in FUNCTIONS or ".".join(path) in FUNCTIONS[function]
        elif name in loops:
            known = path[0] in loops[name]
        else:
            known = name not in symbols or _has(file, symbols[name], path)
        if not known:
            problems.append(f"{file.at(node)}: {name} has no {'.'.join(path)}")
    return problems


def unknown_decorators(file: BicepFile) -> list[str]:
    return [
        f"{file.path.name}:{each.line}: @{name}() is no decorator"
        for each in file.declarations
        for name in each.decorators
        if name not in DECORATORS
    ]


def odd_module_calls(file: BicepFile) -> list[str]:
    """A call says its name and its parameters, in a subscription also its scope, and nothing that Bicep does not know."""
    needed = {"name", "params"} | ({"scope"} if "targetScope = 'subscription'" in file.text else set())
    return [
        f"{file.path.name}:{each.line}: module {each.name}: {', '.join(sorted(odd))} is odd or missing"
        for each in file.of("module")
        if (odd := (set(each.properties) - _OF_A_MODULE) | (needed - set(each.properties)))
    ]


def _has(file: BicepFile, symbol: Declaration, path: list[str]) -> bool:
    """Whether `path` can be read from `symbol`; True where only a deployment knows."""
    if symbol.kind == "module":
        return path[0] in ("outputs", "name")  # that the output exists is module_problems' question
    if symbol.kind == "resource":
        return not DATA.is_file() or has_property(symbol.source, path)
    if symbol.kind == "var" and symbol.parts[-1].type == "object":
        return path[0] in properties(symbol.parts[-1])
    if symbol.kind == "param" and text_of(symbol.parts[0]) in {each.name for each in file.of("type")}:
        return path[0] in type_fields(file, text_of(symbol.parts[0]))
    return True


def _chains(node: Node) -> Iterator[tuple[Node, Node, list[str]]]:
    """`a.b.c` -> a and [b, c], once for each whole chain."""
    if node.type == "member_expression":
        whole = node
        path: list[str] = []
        while node.type == "member_expression":
            path.insert(0, text_of(named(node)[-1]))
            node = named(node)[0]
        yield whole, node, path
    for child in named(node):
        yield from _chains(child)


def _loop_items(file: BicepFile) -> Iterator[tuple[str, set[str]]]:
    """Loop variable -> the properties that every object of the list has, where the list is a variable of the file."""
    lists = {each.name: each.parts[-1] for each in file.of("var") if each.parts[-1].type == "array"}
    for node in walk(file.root):
        if node.type == "for_statement":
            variable, items = named(node)[0], named(node)[1]
            objects = [child for child in named(lists.get(text_of(items), node)) if child.type == "object"]
            if text_of(items) in lists and objects:
                name = named(variable)[0] if variable.type == "for_loop_parameters" else variable
                yield text_of(name), set.intersection(*(set(properties(child)) for child in objects))
