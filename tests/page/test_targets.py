"""A deployment with several upstreams, as people see it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import openai
import pytest
from playwright.sync_api import Browser, expect

from bench.programs import KEY, Mock, Service
from tests.page.browser import Visitor
from tests.page.test_batches import make


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Two upstreams for one name; nobody listens at the second."""
    mock = Mock(tmp_path_factory.mktemp("mock"), "--latency-ms", "400")
    mock.start()
    targets = [
        {"name": "near", "base_url": f"{mock.url}/v1", "max_concurrency": 2},
        {"name": "far", "base_url": "http://127.0.0.1:9/v1", "max_concurrency": 2},
    ]
    deployments = json.dumps({"m": {"targets": targets}})
    program = Service(
        tmp_path_factory.mktemp("service"), mock.url, BATCH_DEPLOYMENTS=deployments, BATCH_HEARTBEAT_SECONDS="0.5"
    )
    program.start()
    yield program
    program.stop()
    mock.stop()


def test_each_upstream_of_a_batch_says_how_it_fares(browser: Browser, several: Service) -> None:
    """Beside why the batch is held up: which one works, which one is left alone, why and until when."""
    visitor = Visitor(browser, several.url)
    with openai.OpenAI(base_url=f"{several.url}/v1", api_key=KEY, timeout=60) as client:
        batch = make(client, "On two", *map(str, range(400)), wait=False)
        visitor.sign_in()
        page = visitor.open(f"#/batches/{batch.id}", "On two")
        upstreams = page.get_by_role("region", name="Upstreams").get_by_role("listitem")
        expect(upstreams.filter(has_text="far")).to_contain_text("It is asked again at")
        expect(upstreams.filter(has_text="far")).to_contain_text("cannot be reached")
        expect(upstreams.filter(has_text="near").locator(".pill")).to_have_text("ok")
        found = visitor.hurdles()
        row = visitor.open("#/admin/deployments", "Administration").get_by_role("table", name="Deployments")
        expect(row.get_by_role("row").filter(has_text="near")).to_contain_text("2 at once")
        expect(row.get_by_role("row").filter(has_text="far").locator(".pill")).to_have_text("paused")
        found += visitor.hurdles()
        client.batches.cancel(batch.id)
    complaints = visitor.complaints()
    visitor.context.close()

    assert (found, complaints) == ([], [])
