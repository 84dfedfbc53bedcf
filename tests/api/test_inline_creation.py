"""Batches created with their requests in the call: what becomes of them, and what is refused before anything is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from shared.domain.errors import Unavailable
from shared.domain.keys.limits import Limits
from shared.domain.keys.scopes import Scope
from shared.ports.base import AlreadyExists
from shared.services import Services, use
from tests.api.harness import KEY, FakeClient
from tests.api.made_keys import make_key, make_project, with_peppers
from tests.api.test_hostile_calls import VALUES, WHOLE, is_civil
from tests.with_stores import with_stores

CHAT = "/v1/chat/completions"
HELLO = {"messages": [{"role": "user", "content": "Hello"}]}
CALL = {"endpoint": CHAT, "completion_window": "24h", "model": "m"}
PREFIXES = ("v1", "v1/openai", "batch-api/v1", "openai/v1", "openai")


def asked(*requests: Any, **changes: Any) -> dict[str, Any]:
    """`requests` last, as they have to be."""
    return CALL | changes | {"requests": list(requests)}


def request(name: str, **body: Any) -> dict[str, Any]:
    return {"custom_id": name, "body": HELLO | body}


async def files(services: Services, owner: str = "default") -> list[Any]:
    return await services.stores.files.list(owner, limit=100)


async def content(api: httpx.AsyncClient, answer: httpx.Response, **headers: Any) -> list[dict[str, Any]]:
    assert answer.status_code in (200, 201), answer.text
    found = await api.get(f"/v1/files/{answer.json()['input_file_id']}/content", **headers)
    return [json.loads(line) for line in found.text.splitlines()]


def left(tmp_path: Path) -> int:
    return len(list((tmp_path / "blobs").iterdir()))


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_requests_become_an_input_file(
    api: httpx.AsyncClient, services: Services, durable: FakeClient, prefix: str
) -> None:
    """A whole line each, in order, in a file like any other that expires."""
    url = "/chat/completions" if prefix == "openai" else CHAT
    whole = {"custom_id": "c", "method": "POST", "url": url, "body": {"model": "other"}}
    requests = [request("a"), {"custom_id": "b", "params": {"model": "m2"}}, whole]
    version = {"api-version": "2025-04-01-preview"}
    answer = await api.post(f"/{prefix}/batches", params=version, json=asked(*requests, endpoint=url))

    assert await content(api, answer) == [
        {"custom_id": "a", "method": "POST", "url": url, "body": {"model": "m", **HELLO}},
        {"custom_id": "b", "method": "POST", "url": url, "body": {"model": "m2"}},
        whole,
    ]
    (file,) = await files(services)
    assert (file.filename, file.purpose, file.expires_at is not None) == ("requests.jsonl", "batch", True)
    assert (answer.json()["status"], len(durable.started)) == ("validating", 1)


async def test_what_all_have_in_common_is_said_once(api: httpx.AsyncClient) -> None:
    """In `body`; a request goes before it, and whatever else the call says may come after them."""
    body = asked(request("a"), request("b", max_tokens=None), body={"max_tokens": 50, "seed": 1})
    answer = await api.post("/v1/batches", json=body | {"metadata": {"team": "red"}, "priority": "low"})
    assert [line["body"] for line in await content(api, answer)] == [
        {"max_tokens": 50, "seed": 1, "model": "m", **HELLO},
        {"max_tokens": None, "seed": 1, "model": "m", **HELLO},
    ]
    assert (answer.json()["metadata"], answer.json()["priority"]) == ({"team": "red"}, "low")


async def test_requests_larger_than_a_body_without_them_pass(api: httpx.AsyncClient, services: Services) -> None:
    """Written over several lines, in pieces of an unknown number."""
    raised = replace(services, settings=replace(services.settings, max_file_bytes=2_000_000))
    text = json.dumps(asked(*(request(f"c{n}") for n in range(4_000))), indent=0).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(text), 1_001):
            yield text[start : start + 1_001]

    with use(raised):
        answer = await api.post("/v1/batches", content=pieces())
        lines = await content(api, answer)
    assert [line["custom_id"] for line in lines] == [f"c{n}" for n in range(4_000)]


REFUSED: list[tuple[Any, str, str | None]] = [
    (asked(), "empty_array", "requests"),
    (asked(request("a"), input_file_id="file-x"), "mutually_exclusive_parameters", "requests"),
    (CALL | {"requests": {"a": 1}}, "invalid_type", "requests"),
    (CALL | {"requests": None}, "missing_required_parameter", "input_file_id"),
    (asked(request("a"), model=7), "invalid_type", "model"),
    (asked(request("a"), body=[]), "invalid_type", "body"),
    (asked(request("a"), endpoint=None), "missing_required_parameter", "endpoint"),
    (asked(request("a"), endpoint="/v1/none"), "invalid_value", "endpoint"),
    (asked(request("a"), completion_window="7d"), "invalid_value", "completion_window"),
    (asked(request("a"), metadata={"a": 1}), "invalid_type", "metadata.a"),
    ({"requests": [request("a")]} | CALL, "missing_required_parameter", "endpoint"),
    ({"endpoint": CHAT, "requests": [request("a")]} | CALL, "invalid_request", "model"),
]


@pytest.mark.parametrize(("body", "code", "param"), REFUSED)
async def test_a_wrong_call_leaves_nothing(
    api: httpx.AsyncClient, services: Services, tmp_path: Path, body: Any, code: str, param: str
) -> None:
    """400 by the name of what is wrong."""
    answer = await api.post("/v1/batches", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)
    assert (await files(services), left(tmp_path)) == ([], 0)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b'{"endpoint":"/v1/responses","requests":[{"custom_id":nope}]}', "requests[0]"),
        (b'{"endpoint":"/v1/responses","requests":[{"a":1},{"b":2]}', "requests[1]"),
        (b'{"endpoint":"/v1/responses","requests":[{"a":1},{"b":2}', "ends too early"),
        (b'{"endpoint":"/v1/responses","requests":[' + b"[" * 1_000, "nests deeper than 256"),
        (b'{"endpoint":"/v1/responses","requests":[1],"requests":[2]}', "'requests' twice"),
        (b'{"endpoint":"/v1/responses","requests":[' + b"1," * 60_000 + b"1]}", "maximum length 50000"),
        (b'{"endpoint":"/v1/responses","requests":[' + b'"%s",' % (b"x" * 1_000_000) + b"1]}", "too large"),
        (b'{"endpoint":"/v1/responses","requests":[1],"a":"' + b"x" * 300_000 + b'"}', "beside its 'requests'"),
        (b'{"metadata":{"requests":"' + b"x" * 300_000 + b'"}}', "beside its 'requests'"),
        (b'{"input_file_id":"file-x"' + b" " * 300_000 + b"}", "Request lines go in a file."),
    ],
)
async def test_a_broken_or_boundless_body_leaves_nothing(
    api: httpx.AsyncClient, services: Services, tmp_path: Path, text: bytes, what: str
) -> None:
    """400, with the place where it is wrong or the bound."""
    with use(replace(services, settings=replace(services.settings, max_file_bytes=500_000))):
        answer = await api.post("/v1/batches", content=text)
    assert (answer.status_code, what in answer.json()["error"]["message"]) == (400, True), answer.text
    assert (await files(services), left(tmp_path)) == ([], 0)


async def test_bombs_in_place_of_requests_do_no_harm(api: httpx.AsyncClient, services: Services) -> None:
    """Nor in the place of one, of its parts, or of what fills them in."""
    for what, value in (*WHOLE.items(), *((what, raw.encode()) for what, raw in VALUES.items())):
        for place in (
            b'{"endpoint":"/v1/responses","requests":%b}',
            b'{"endpoint":"/v1/responses","requests":[%b]}',
            b'{"endpoint":"/v1/responses","body":%b,"requests":[{"custom_id":"a","body":{}}]}',
            b'{"endpoint":"/v1/responses","model":%b,"requests":[{"custom_id":"a","body":{}}]}',
            b'{"endpoint":%b,"requests":[{"custom_id":"a","body":{}}]}',
            b'{"endpoint":"/v1/responses","model":"m","requests":[{"custom_id":%b,"body":%b}]}',
        ):
            text = place.replace(b"%b", value)
            answer = await api.post("/v1/batches", content=text)
            assert (answer.status_code, is_civil(answer)) == (400, True), (what, place, answer.text[:200])
    assert await files(services) == []


async def test_a_repeated_call_makes_one_batch_and_one_file(api: httpx.AsyncClient, services: Services) -> None:
    """By the SDK's count or the caller's key; another body under that key is refused, and leaves nothing."""
    body = asked(request("a"))
    for headers in ({"x-stainless-retry-count": "1"}, {"idempotency-key": "k"}):
        before = len(await files(services))
        first, second = [await api.post("/v1/batches", json=body, headers=headers) for _ in range(2)]
        assert (first.json()["id"], first.status_code) == (second.json()["id"], 200)
        assert len(await files(services)) == before + 1
    other = await api.post("/v1/batches", json=asked(request("b")), headers={"idempotency-key": "k"})
    assert (other.json()["error"]["code"], len(await files(services))) == ("idempotency_key_reused", 2)


class Refusing:
    """A store of batches whose insert fails in this way."""

    def __init__(self, inner: Any, error: Exception) -> None:
        self._inner, self._error = inner, error

    async def insert(self, batch: Any) -> None:
        if isinstance(self._error, AlreadyExists):
            await self._inner.insert(batch)
        raise self._error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


async def test_a_batch_that_may_be_there_keeps_its_file(api: httpx.AsyncClient, services: Services) -> None:
    """Where the store does not say whether it wrote; and the call that came second in a race drops its own."""
    with use(with_stores(services, batches=Refusing(services.stores.batches, Unavailable("down")))):
        assert (await api.post("/v1/batches", json=asked(request("a")))).status_code == 503
    assert len(await files(services)) == 1
    with use(with_stores(services, batches=Refusing(services.stores.batches, AlreadyExists()))):
        assert (await api.post("/v1/batches", json=asked(request("a")))).status_code == 200
    assert len(await files(services)) == 1


async def test_limits_of_a_project_hold(api: httpx.AsyncClient, services: Services, tmp_path: Path) -> None:
    """Of batches and of files: nothing is left of a call that they refuse."""
    service = with_peppers(services)
    with use(service):
        for limits in (Limits(active_batches=0), Limits(files=0), Limits(stored_bytes=10)):
            project = await make_project(service, limits=limits)
            key = await make_key(service, project)
            answer = await api.post("/v1/batches", json=asked(request("a")), headers=key.headers)
            assert answer.status_code in (400, 429), answer.text
            assert (await files(services, project.id), left(tmp_path)) == ([], 0)


async def test_only_who_may_write_files_sends_requests(api: httpx.AsyncClient, services: Services) -> None:
    """For they become one; a batch on a file that is there needs no such scope."""
    service = with_peppers(services)
    with use(service):
        project = await make_project(service)
        key = await make_key(service, project, scopes=(Scope.BATCHES_WRITE, Scope.BATCHES_READ))
        for path in ("/v1/batches", "/v1/batches/validate"):
            answer = await api.post(path, json=asked(request("a")), headers=key.headers)
            assert (answer.status_code, "files.write" in answer.text) == (403, True), answer.text
        known = {"input_file_id": "file-x", "endpoint": CHAT, "completion_window": "24h"}
        assert (await api.post("/v1/batches", json=known, headers=key.headers)).status_code == 200


async def test_requests_are_their_projects_own(api: httpx.AsyncClient, services: Services) -> None:
    """The file of one project's call is unknown to another."""
    service = with_peppers(services)
    with use(service):
        mine, theirs = [await make_key(service, await make_project(service)) for _ in range(2)]
        made = await api.post("/v1/batches", json=asked(request("a")), headers=mine.headers)
        path = f"/v1/files/{made.json()['input_file_id']}"
        assert (await api.get(path, headers=mine.headers)).status_code == 200
        assert (await api.get(path, headers=theirs.headers)).status_code == 404
    assert (await api.get(path, headers={"authorization": f"Bearer {KEY}"})).status_code == 404


async def test_requests_are_validated_without_a_run(api: httpx.AsyncClient, services: Services, tmp_path: Path) -> None:
    """A problem names the index of its request as the line, and nothing of them stays."""
    answer = await api.post("/v1/batches/validate", json=asked(request("a"), request("a"), model="none"))
    found = answer.json()
    assert (answer.status_code, found["valid"], found["input_file_id"]) == (200, False, None)
    assert [(error["line"], error["param"]) for error in found["errors"]["data"]] == [
        (1, "body.model"),
        (2, "custom_id"),
        (2, "body.model"),
    ]
    assert (await files(services), left(tmp_path)) == ([], 0)


async def test_bytes_that_are_no_utf_8_are_found_in_validation(api: httpx.AsyncClient) -> None:
    """As in a file."""
    text = b'{"endpoint":"/v1/responses","completion_window":"24h","requests":[{"custom_id":"\xff"}]}'
    answer = await api.post("/v1/batches/validate", content=text)
    assert "not UTF-8" in answer.json()["errors"]["data"][0]["message"]
    assert msgspec.json.decode(answer.content)["valid"] is False
