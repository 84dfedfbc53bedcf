"""Results followed while a batch runs, and models, through the SDK's own calls and its generic ones."""

from __future__ import annotations

import time
from typing import Any

import httpx
import msgspec

from bench.programs import Service, chat_line, jsonl


def page(service: Service, batch_id: str, **query: Any) -> tuple[list[dict[str, Any]], bool, int]:
    """Its results, whether more will come, and where to go on."""
    with service.openai as client:
        options = {"params": query}
        answer: httpx.Response = client.get(f"/batches/{batch_id}/results", cast_to=httpx.Response, options=options)
    lines = [msgspec.json.decode(line) for line in answer.content.splitlines()]
    return lines, answer.headers["x-incomplete"] == "true", int(answer.headers["x-last-line"])


def test_results_are_followed_to_the_end(service: Service) -> None:
    """Each once and in input order, from one cursor, whether a page was read before the end or after it."""
    texts = [f"[[status=400]] no {n}" if n % 100 == 7 else f"[[latency=20]] r{n}" for n in range(1500)]
    batch_id = service.create(service.upload(jsonl(*(chat_line(n, text) for n, text in enumerate(texts)))))
    found, after, more, pages = [], 0, True, 0
    while more:
        lines, more, after = page(service, batch_id, after=after)
        found += lines
        pages += bool(lines)
        time.sleep(0.05)
    ended = service.wait(batch_id)

    assert [line["custom_id"] for line in found] == [f"c{n}" for n in range(1500)]
    assert pages > 1
    by_name = {
        line["custom_id"]: line for line in service.lines(ended.output_file_id) + service.lines(ended.error_file_id)
    }
    assert found == [by_name[f"c{n}"] for n in range(1500)]
    failed, more, _ = page(service, batch_id, status="failed")
    assert ([line["custom_id"] for line in failed], more) == ([f"c{n}" for n in range(7, 1500, 100)], False)
    assert [(each["count"], each["first_line"]) for each in ended.to_dict()["failures"]] == [(15, 8)]


def test_the_sdk_lists_models(service: Service) -> None:
    """And shows one, with the extensions as attributes."""
    with service.openai as client:
        (model,) = [model for model in client.models.list() if model.id == "m"]
        shown = client.models.retrieve("m")

    assert (model.object, model.owned_by) == ("model", "system")
    assert {"endpoints", "limits", "price", "health"} < shown.to_dict().keys()


def test_the_front_of_the_file_comes_first(service: Service) -> None:
    """Once half of a batch is done, whoever follows it has had a good part of that."""
    texts = (f"[[latency=100]] r{n}" for n in range(2000))
    batch_id = service.create(service.upload(jsonl(*(chat_line(n, text) for n, text in enumerate(texts)))))
    with service.openai as client:
        while client.batches.retrieve(batch_id).request_counts.completed < 1000:
            time.sleep(0.1)
    lines, _, last = page(service, batch_id, limit=1000)
    service.wait(batch_id)

    assert len(lines) == last >= 300
