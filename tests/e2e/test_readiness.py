"""`/readyz` of a live service: what it depends on is really asked."""

from __future__ import annotations

import httpx

from bench.programs import KEY


def test_a_live_service_is_ready(service):
    """Storage, Durable Functions and the upstream answer."""
    response = httpx.get(f"{service.url}/readyz", headers={"api-key": KEY}, timeout=60)

    assert response.status_code == 200
    assert response.json()["status"] == "ok", response.text
    assert [check["name"] for check in response.json()["checks"]] == [
        "blobs",
        "tables",
        "durable",
        "vault_references",
        "upstream:m",
    ]
