"""A Bicep file as a tree: its declarations, and the values that can be read without running it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
_PARSER = Parser(Language(tree_sitter_bicep.language()))
_KINDS = {
    "parameter_declaration": "param",
    "variable_declaration": "var",
    "resource_declaration": "resource",
    "module_declaration": "module",
    "output_declaration": "output",
    "type_declaration": "type",
    "user_defined_function": "func",
}
UNKNOWN = object()  # What only a deployment knows.


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """One `param`, `var`, `resource`, `module`, `output`, `type` or `func`."""

    kind: str
    name: str
    node: Node
    decorators: dict[str, Node]
    parts: list[Node]  # what follows the name: a type, a path, a value
    source: str = ""  # of a resource its type@version, of a module its path

    @property
    def line(self) -> int:
        return self.node.start_point.row + 1

    @property
    def existing(self) -> bool:
        return any(child.type == "existing" for child in self.node.children)

    @property
    def body(self) -> Node | None:
        """The object of a resource or module, inside its loop and its condition."""
        return innermost(self.parts[-1]) if self.parts else None

    @property
    def properties(self) -> dict[str, Node]:
        return properties(self.body) if self.body is not None and self.body.type == "object" else {}


@dataclass(frozen=True, kw_only=True)
class BicepFile:
    path: Path
    text: str
    root: Node
    declarations: list[Declaration] = field(default_factory=list)

    def of(self, kind: str) -> list[Declaration]:
        return [each for each in self.declarations if each.kind == kind]

    def find(self, kind: str, name: str) -> Declaration:
        return next(each for each in self.of(kind) if each.name == name)

    def variable(self, name: str) -> object:
        """The value of a `var`, or the default of a `param`."""
        for each in self.declarations:
            if each.kind in ("var", "param") and each.name == name and each.parts:
                return value(each.parts[-1])
        return UNKNOWN

    def at(self, node: Node) -> str:
        return f"{self.path.name}:{node.start_point.row + 1}"


def parse(text: str, path: Path = INFRA / "sample.bicep") -> BicepFile:
    """A `.bicepparam` is read as a Bicep file whose parameters are variables: the grammar does not know it."""
    if path.suffix == ".bicepparam":
        text = re.sub(
            r"^param (\w+) =", r"var \1 =", re.sub(r"^using .*$", "", text, flags=re.MULTILINE), flags=re.MULTILINE
        )
    root = _PARSER.parse(text.encode()).root_node
    return BicepFile(path=path, text=text, root=root, declarations=list(_declarations(root)))


def read(path: Path) -> BicepFile:
    return parse(path.read_text(), path)


def templates() -> list[Path]:
    return sorted(INFRA.rglob("*.bicep"))


def parameter_files() -> list[Path]:
    return sorted(INFRA.rglob("*.bicepparam"))


def syntax_errors(file: BicepFile) -> list[str]:
    return [f"{file.at(node)}: cannot be parsed" for node in walk(file.root) if node.is_error or node.is_missing]


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def named(node: Node) -> list[Node]:
    return [child for child in node.named_children if child.type != "comment"]


def text_of(node: Node) -> str:
    return (node.text or b"").decode()


def _declarations(root: Node) -> Iterator[Declaration]:
    decorators: dict[str, Node] = {}
    for node in named(root):
        if node.type == "decorators":
            calls = [part for part in walk(node) if part.type == "call_expression" and part.parent in named(node)]
            decorators = {text_of(call.named_children[0]): call for call in calls}
        elif node.type in _KINDS:
            name, *parts = named(node)
            source = str(value(parts[0])) if node.type in ("resource_declaration", "module_declaration") else ""
            yield Declaration(
                kind=_KINDS[node.type],
                name=text_of(name),
                node=node,
                decorators=decorators,
                parts=parts,
                source=source,
            )
            decorators = {}


def innermost(node: Node) -> Node:
    """`[for …: if (…) { … }]` -> `{ … }`."""
    while node.type in ("for_statement", "if_statement", "array") and _wraps(node):
        node = named(node)[-1]
    return node


def _wraps(node: Node) -> bool:
    return node.type != "array" or [child.type for child in named(node)] == ["for_statement"]


def properties(node: Node) -> dict[str, Node]:
    """The values of an object's properties by name; a name that is put together counts as it is written."""
    pairs = [named(child) for child in named(node) if child.type == "object_property"]
    return {text_of(pair[0]).strip("'"): pair[-1] for pair in pairs}


def type_fields(types: BicepFile, name: str) -> dict[str, bool]:
    """The properties of an object type, and whether each may be left out."""
    body = types.find("type", name).parts[0]
    return {field: text_of(node).endswith("?") for field, node in properties(body).items()}


def value(node: Node) -> object:
    """What a literal says; UNKNOWN for whatever needs a deployment."""
    if node.type == "string":
        parts = named(node)
        return UNKNOWN if any(part.type == "interpolation" for part in parts) else "".join(map(text_of, parts))
    if node.type == "number":
        return int(text_of(node))
    if node.type == "boolean":
        return text_of(node) == "true"
    if node.type == "array" and not any(child.type == "for_statement" for child in named(node)):
        return [value(child) for child in named(node)]
    if node.type == "object":
        return {name: value(child) for name, child in properties(node).items()}
    return UNKNOWN
