"""How long a test waits for what must come is no measurement: a minute, so that a starved machine fails none.

What never comes is found all the same. A test of a bound measures it, and says so with an assertion of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.product import ROOT

LEAST_SECONDS = 30
HTTPX = {"get", "post", "put", "delete", "patch", "request", "stream", "Client", "AsyncClient"}
# The name of a call -> which argument is its patience.
PATIENT = {"asyncio.wait_for": 1, "asyncio.timeout": 0, "asyncio.wait": None, "subprocess.run": None}


def hasty(tree: ast.AST) -> Iterator[str]:
    """Calls over sockets with the five seconds that httpx has by default, and waits of less than half a minute."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if not isinstance(node.func.value, ast.Name):
            continue
        name = f"{node.func.value.id}.{node.func.attr}"
        options = {keyword.arg: keyword.value for keyword in node.keywords}
        asks = name.startswith("httpx.") and name.removeprefix("httpx.") in HTTPX
        if asks and not {"timeout", "transport"} & options.keys():
            yield name
        if (asks or name in PATIENT) and _is_short(_patience(node, name, options)):
            yield name


def _patience(node: ast.Call, name: str, options: dict[str | None, ast.expr]) -> ast.expr | None:
    place = PATIENT.get(name)
    return node.args[place] if place is not None and len(node.args) > place else options.get("timeout")


def _is_short(patience: ast.expr | None) -> bool:
    return (
        isinstance(patience, ast.Constant)
        and isinstance(patience.value, int | float)
        and patience.value < LEAST_SECONDS
    )


def test_nobody_is_hasty() -> None:
    """No wait that a starved machine could break, in any test."""
    paths = sorted((ROOT / "tests").rglob("*.py"))
    found = {str(path.relative_to(ROOT)): list(hasty(ast.parse(path.read_text()))) for path in paths}

    assert {path: calls for path, calls in found.items() if calls} == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("httpx.get(url)", ["httpx.get"]),
        ("httpx.get(url, timeout=5)", ["httpx.get"]),
        ("httpx.AsyncClient(base_url=url)", ["httpx.AsyncClient"]),
        ("asyncio.wait_for(call, 2)", ["asyncio.wait_for"]),
        ("asyncio.wait_for(call, timeout=2)", ["asyncio.wait_for"]),
        ("asyncio.timeout(4)", ["asyncio.timeout"]),
        ("asyncio.wait(others, timeout=3.0)", ["asyncio.wait"]),
        ("subprocess.run(command, timeout=10)", ["subprocess.run"]),
        ("httpx.get(url, timeout=60)", []),
        ("httpx.AsyncClient(transport=app)", []),
        ("asyncio.timeout(seconds)", []),
        ("subprocess.run(command)", []),
    ],
)
def test_haste_would_be_found(text: str, expected: list[str]) -> None:
    """Each way of it."""
    assert list(hasty(ast.parse(text))) == expected
