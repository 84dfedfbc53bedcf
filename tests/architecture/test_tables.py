"""A vendor is a table and an endpoint is a row, never a question: who adds one finds all there is to say in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.domain.endpoints import ENDPOINTS
from shared.domain.vendors.rules import RULES
from shared.domain.vendors.vendor import Vendor
from tests.architecture.product import ROOT, sources

VENDORS = {"shared/domain/vendors/rules.py", "shared/domain/endpoints.py", "api/edge/dialect.py"}


def _vendors(path: Path) -> Iterator[str]:
    """The vendors that a file names, as `Vendor.AZURE`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Vendor":
            yield node.attr


def _endpoints(path: Path) -> Iterator[str]:
    """The endpoints that a file names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and node.value in tuple(ENDPOINTS):
            yield node.value


def test_only_the_tables_name_a_vendor() -> None:
    """No other file of the product has `Vendor.AZURE` or its like: what depends on the vendor is a field."""
    assert {str(path.relative_to(ROOT)) for path in sources() if any(_vendors(path))} == VENDORS


def test_only_the_table_names_an_endpoint() -> None:
    """No other file of the product has `/v1/embeddings` or its like; programs that call the service do."""
    found = {str(path.relative_to(ROOT)) for path in sources() if any(_endpoints(path))}

    assert {name for name in found if not name.startswith("scripts/")} == {"shared/domain/endpoints.py"}


@pytest.mark.parametrize("vendor", Vendor)
def test_every_vendor_has_rules(vendor: Vendor) -> None:
    """A batch may be of any vendor, so each is in the table."""
    assert vendor in RULES
