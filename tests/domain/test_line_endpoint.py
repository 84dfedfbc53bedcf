"""Which endpoint the lines of a file go to (contract 1.5.5, 3.1)."""

from __future__ import annotations

import json

import pytest

from shared.domain.batches.batch import Batch, apply
from shared.domain.endpoints import ENDPOINTS
from shared.domain.validation.input_scan import Accepted, InputScan
from shared.domain.validation.line_endpoint import LineEndpoint
from shared.domain.vendors.vendor import Vendor
from tests.contracts.samples import START, a_batch
from tests.domain.test_input_scan import rules

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"


def response_line(number: int, url: str = RESPONSES) -> bytes:
    body = {"model": "small", "input": "Hi"}
    return json.dumps({"custom_id": str(number), "method": "POST", "url": url, "body": body}).encode() + b"\n"


def scanned(*lines: bytes, vendor: Vendor = Vendor.AZURE, **changes: object) -> object:
    scan = InputScan(rules(vendor=vendor, **changes))
    for line in lines:
        scan.feed(line)
    return scan.finish()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_endpoint_has_rules(endpoint: str) -> None:
    """What a batch may name, its lines may have."""
    assert LineEndpoint(Vendor.OPENAI, endpoint).accepts(endpoint)


@pytest.mark.parametrize("url", ["/v1/responses", "/responses", "/v1/chat/completions", "/chat/completions"])
@pytest.mark.parametrize("declared", [CHAT, RESPONSES])
def test_azure_reads_the_endpoint_from_the_file(declared: str, url: str) -> None:
    """Chat completions or responses, whatever the batch says; the first line settles it."""
    where = LineEndpoint(Vendor.AZURE, declared)

    assert where.accepts(url)
    assert where.name.endswith(url.removeprefix("/v1"))
    assert not where.accepts(CHAT if where.name == RESPONSES else RESPONSES)


@pytest.mark.parametrize(
    ("vendor", "declared", "url"),
    [
        (Vendor.OPENAI, CHAT, RESPONSES),
        (Vendor.DEEPINFRA, CHAT, "/chat/completions"),
        (Vendor.AZURE, CHAT, "/v1/embeddings"),
        (Vendor.AZURE, "/v1/embeddings", CHAT),
    ],
)
def test_nothing_else_is_left_to_the_file(vendor: Vendor, declared: str, url: str) -> None:
    """Elsewhere the lines must have the endpoint of the batch."""
    where = LineEndpoint(vendor, declared)

    assert (where.accepts(url), where.name) == (False, declared)


def test_the_batch_goes_where_its_lines_go() -> None:
    """Its endpoint is the one found; that of a batch whose file agrees stays."""
    found = scanned(response_line(1), response_line(2, "/responses"))
    assert isinstance(found, Accepted)
    batch: Batch = apply(a_batch(vendor=Vendor.AZURE), found.validated, START)

    assert (batch.endpoint, batch.total) == (RESPONSES, 2)


def test_lines_that_differ_are_a_mismatch() -> None:
    """`url_mismatch` (contract 3.4), at the later line."""
    found = scanned(response_line(1), response_line(2, CHAT))

    assert [(error.code, error.line) for error in found.errors] == [("url_mismatch", 2)]
