"""What asynchronous code of the product must not do."""

from __future__ import annotations

from tests.architecture.product import ROOT, sources


def test_nothing_waits_with_wait_for() -> None:
    """`asyncio.wait_for` loses a cancellation that arrives with the result (Python 3.11); `asyncio.timeout` does not."""
    offenders = [str(path.relative_to(ROOT)) for path in sources() if "asyncio.wait_for(" in path.read_text()]

    assert [] == offenders
