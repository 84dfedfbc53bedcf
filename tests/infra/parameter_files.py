"""A `.bicepparam` against its template: what it sets exists, what is needed is set, and literals are allowed."""

from __future__ import annotations

import re

from tree_sitter import Node

from tests.infra.bicep_tree import UNKNOWN, BicepFile, Declaration, named, properties, read, text_of, value
from tests.infra.modules import is_required

_KINDS = {"string": str, "int": int, "bool": bool}


def template_of(file: BicepFile) -> BicepFile:
    using = re.search(r"^using '(.+)'$", file.path.read_text(), flags=re.MULTILINE)
    return read((file.path.parent / using[1]).resolve()) if using else file


def parameter_problems(file: BicepFile, template: BicepFile, types: BicepFile) -> list[str]:
    """`types` declares the object types that the template imports."""
    declared = {each.name: each for each in template.of("param")}
    given = {each.name: each.parts[-1] for each in file.of("var")}
    problems = [f"{file.path.name}: there is no parameter {name}" for name in given if name not in declared]
    problems += [
        f"{file.path.name}: {name} is needed"
        for name, each in declared.items()
        if is_required(each) and name not in given
    ]
    for name, node in given.items():
        if name in declared:
            problems += [f"{file.at(node)}: {name} {each}" for each in _mistakes(declared[name], node, types)]
    return problems


def _mistakes(parameter: Declaration, node: Node, types: BicepFile) -> list[str]:
    kind, found = text_of(parameter.parts[0]), value(node)
    if node.type == "object":
        return _object_mistakes(kind, node, types)
    if found is UNKNOWN:
        return []
    if kind in _KINDS and type(found) is not _KINDS[kind]:
        return [f"is {kind}, not {text_of(node)}"]
    limits = {
        name: value(named(call)[-1].named_children[0]) for name, call in parameter.decorators.items() if _limits(name)
    }
    allowed = limits.get("allowed", [found])
    size = found if isinstance(found, int) else len(found)  # type: ignore[arg-type]
    low = limits.get("minValue", limits.get("minLength", size))
    high = limits.get("maxValue", limits.get("maxLength", size))
    return [f"does not allow {found!r}"] if found not in allowed or not low <= size <= high else []  # type: ignore[operator]


def _limits(decorator: str) -> bool:
    return decorator in ("allowed", "minValue", "maxValue", "minLength", "maxLength")


def _object_mistakes(kind: str, node: Node, types: BicepFile) -> list[str]:
    """`kind` is the name of a type, or `{ *: name }` for an object of them."""
    each_of = re.fullmatch(r"\{\s*\*: (\w+)\s*\}", kind)
    if each_of:
        return [
            problem for child in properties(node).values() for problem in _object_mistakes(each_of[1], child, types)
        ]
    names = [each.name for each in types.of("type")]
    if kind not in names or node.type != "object":
        return []
    fields, given = type_fields(types, kind), properties(node)
    return [f"has no {name} in {kind}" for name in given if name not in fields] + [
        f"lacks {name} of {kind}" for name, optional in fields.items() if not optional and name not in given
    ]


def type_fields(types: BicepFile, name: str) -> dict[str, bool]:
    """The properties of an object type, and whether each may be left out."""
    body = types.find("type", name).parts[0]
    return {field: text_of(node).endswith("?") for field, node in properties(body).items()}
