"""Calls that nobody means well with: JSON that is deep, huge or ambiguous, and ids that are paths or quotes.

Each route is called on objects of the caller's own, so that nothing stops a call before its body is read. Whatever is
sent, the answer is one of those that are documented, no 500, and says back only a little of it.
"""

from __future__ import annotations

import re
from typing import Any

import httpx
import msgspec
import pytest

from shared.domain.ids import to_base62
from shared.services import Services
from tests.api.belongings import LINE, Belongings, Furnisher
from tests.api.harness import Clock
from tests.api.made_keys import make_project
from tests.api.ways import BATCH, HOOK, OF_ADMINISTRATORS, PREFIXES, WAYS, call

DIGITS = "9" * 4_000
MOST_SAID_BACK = 1_200
ON_BLOBS = {
    "input_file_id": None,
    "input_blob": "https://account.example/box/in.jsonl",
    "output_folder": {"url": "https://account.example/out", "delimiter": "/"},
}
BODIES: dict[str, dict[str, Any]] = {
    "uploads": {
        "filename": "a.jsonl",
        "purpose": "batch",
        "bytes": 1,
        "mime_type": "text/plain",
        "expires_after": {"anchor": "created_at", "seconds": 3600},
    },
    "uploads/{upload_id}/complete": {"part_ids": ["part_x"], "md5": "0" * 32},
    "batches": BATCH
    | {"metadata": {"a": "b"}, "output_expires_after": {"anchor": "created_at", "seconds": 3600}, **ON_BLOBS}
    | {"callback_url": "https://mine.example/hook", "callback_secret": "whsec_" + "A" * 32},
    "batches/{batch_id}": {"priority": "high", "completion_window": "24h"},
    "batches/{batch_id}/retry": {"codes": ["server_error"]},
    "batches/validate": BATCH | {"metadata": {"a": "b"}},
    "webhook_endpoints": HOOK,
    "webhook_endpoints/{webhook_endpoint_id}": HOOK,
    "webhook_endpoints/{webhook_endpoint_id}/rotate_secret": {"keep_old_secret_active_for_24_hours": True},
    "webhook_endpoints/{webhook_endpoint_id}/test": {"event_type": "batch.completed"},
}
# They read a form, or nothing.
WITHOUT = {
    "files",
    "files/import",
    "uploads/{upload_id}/parts",
    "uploads/{upload_id}/cancel",
    "batches/{batch_id}/cancel",
    "batches/{batch_id}/pause",
    "batches/{batch_id}/resume",
}
WHOLE = {
    "deep array": b"[" * 200_000,
    "deep object": b'{"a":' * 40_000,
    "closed": b"[" * 100_000 + b"]" * 100_000,
    "digits": b"9" * 200_000,
    "in an object": b'{"a":' + b"9" * 200_000 + b"}",
    "exponent": b'{"a":1e999999999}',
    "many keys": b"{" + b",".join(b'"k%d":1' % number for number in range(20_000)) + b"}",
    "same keys": b"{" + b",".join([b'"input_file_id":"x"'] * 10_000) + b"}",
    "half a pair": b'{"name":"\\ud800"}',
    "no utf-8": b'{"name":"\xc0\xaf"}',
    "constants": b'{"a":NaN,"b":Infinity}',
    "nul": b"\x00",
    "utf-16": '{"a":1}'.encode("utf-16"),
}
VALUES = {
    "a number of 4,000 digits": DIGITS,
    "a negative one": f"-{DIGITS}",
    "the largest": "1e308",
    "deep": "[" * 500 + "]" * 500,
    "long": f'"{"x" * 100_000}"',
    "controls": '"\\u0000\\r\\n\\u001b[2J"',
    "right to left": '"\\u202e\\uffff"',
    "up": '"../../../etc/passwd"',
    "quotes": "\"' or PartitionKey ne '\"",
    "an object": '{"url":{"url":{"url":"x"}}}',
    "objects": f"[{','.join(['{}'] * 3_000)}]",
    "true": "true",
}


@pytest.fixture
async def mine(services: Services, clock: Clock) -> Belongings:
    return await Furnisher(services, "default", clock()).furnish()


def path_of(template: str, mine: Belongings) -> str:
    return template.format_map({f"{kind}_id": ids[0] for kind, ids in mine.ids.items()})


def is_civil(response: httpx.Response) -> bool:
    return response.status_code < 500 and len(response.content) <= MOST_SAID_BACK


def test_every_post_is_tried() -> None:
    """A new one says here what its body is."""
    assert {path for method, path in WAYS if method == "POST"} == BODIES.keys() | WITHOUT


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("template", sorted(BODIES))
async def test_a_body_as_a_bomb_is_refused(
    api: httpx.AsyncClient, mine: Belongings, template: str, prefix: str
) -> None:
    """400, but where every field may be missing and those that are there mean nothing."""
    for what, body in WHOLE.items():
        answer = await call(api, prefix, "POST", path_of(template, mine), content=body)
        assert is_civil(answer), (what, answer.text)
        if what not in ("many keys", "same keys"):
            assert answer.status_code == 400, what


@pytest.mark.parametrize("template", sorted(WITHOUT - {"files", "uploads/{upload_id}/parts"}))
async def test_a_body_that_nobody_reads_does_no_harm(api: httpx.AsyncClient, mine: Belongings, template: str) -> None:
    """It is not even parsed."""
    for what, body in WHOLE.items():
        answer = await call(api, "v1", "POST", path_of(template, mine), content=body)
        assert answer.status_code < 500, what


async def test_a_body_as_a_bomb_harms_no_administration(api: httpx.AsyncClient, services: Services) -> None:
    """Whatever the route makes of it, it is no 500."""
    project = await make_project(services)
    for method, path in OF_ADMINISTRATORS:
        named = re.sub(r"{\w+}", "x", path.replace("{project_id}", project.id))
        for what, body in (*WHOLE.items(), *((what, f'{{"name":{raw}}}'.encode()) for what, raw in VALUES.items())):
            if method == "POST":
                answer = await api.post(f"/{named}", content=body)
                assert answer.status_code < 500, (path, what)


def fields(body: dict[str, Any]) -> list[tuple[str, ...]]:
    """The paths to all of its values, those of objects inside it too."""
    inner = [(name, key) for name, value in body.items() if isinstance(value, dict) for key in value]
    return [*((name,) for name in body), *inner]


def with_value(body: dict[str, Any], path: tuple[str, ...], raw: str) -> bytes:
    name, *rest = path
    value = msgspec.Raw(with_value(body[name], tuple(rest), raw) if rest else raw.encode())
    return msgspec.json.encode(body | {name: value})


@pytest.mark.parametrize("template", sorted(BODIES))
async def test_a_value_as_a_bomb_is_refused_or_kept(
    api: httpx.AsyncClient, mine: Belongings, services: Services, template: str
) -> None:
    """In the place of each value of a body that is right."""
    for path in fields(BODIES[template]):
        for what, raw in VALUES.items():
            content = with_value(BODIES[template], path, raw)
            answer = await call(api, "openai/v1", "POST", path_of(template, mine), content=content)
            assert answer.status_code < 500, (path, what)
            assert answer.status_code < 400 or is_civil(answer), (path, what, answer.text[:200])
    assert (await call(api, "v1", "GET", "batches")).status_code == 200
    assert (await call(api, "v1", "GET", "webhook_endpoints")).status_code == 200


async def test_a_report_of_dates_takes_no_bomb(api: httpx.AsyncClient) -> None:
    """Neither as its body nor in the place of a value: 400, in few words."""
    body = {"model_ids": ["m"], "start_date": "2026-01-02", "end_date": "2026-01-03", "interval": "per_day"}
    filters = {"api_key_name": "k", "project": "p", "department": "d"}
    bombs = [*WHOLE.values(), *(with_value(body, (name,), raw) for name in body for raw in VALUES.values())]
    for content in bombs:
        answer = await call(api, "logs/v1/admin", "POST", "usage_reports", content=content)
        assert (answer.status_code, is_civil(answer)) == (400, True), content[:200]
    for name in filters:
        for what, raw in VALUES.items():
            content = with_value(body | filters, (name,), raw)
            answer = await call(api, "logs/v1/admin", "POST", "usage_reports", content=content)
            assert (answer.status_code in (200, 400), is_civil(answer)) == (True, True), (name, what)


async def test_of_two_equal_keys_the_last_counts(api: httpx.AsyncClient, mine: Belongings) -> None:
    """For what is checked and for what is kept, so that none passes a check in the place of another."""
    first, last = (f'"input_file_id":"{file_id}"' for file_id in (mine.ids["file"][0], "file-none"))
    body = f'{{{first},"endpoint":"/v1/responses","completion_window":"24h",{last}}}'
    answer = await call(api, "v1", "POST", "batches", content=body.encode())
    assert answer.json()["input_file_id"] == "file-none"


@pytest.mark.parametrize("name", ["../../../escape.jsonl", "/etc/x.jsonl", "..\\..\\x.jsonl", "files/../x.jsonl"])
async def test_a_name_is_no_place(api: httpx.AsyncClient, services: Services, name: str) -> None:
    """Bytes are kept under an id, whatever a file is called; the name is shown as it was given."""
    sent = await call(api, "v1", "POST", "files", data={"purpose": "batch"}, files={"file": (name, LINE)})
    known = {"filename": name, "purpose": "batch", "bytes": len(LINE), "mime_type": "text/plain"}
    upload = await call(api, "v1", "POST", "uploads", json=known)
    await call(api, "v1", "POST", f"uploads/{upload.json()['id']}/parts", files={"data": (name, LINE)})
    (file,) = await services.stores.files.list("default", limit=9)
    assert [blob async for blob in services.stores.blobs.names("")] == [f"files/{file.id}"]
    assert (sent.json()["filename"], sent.json()["id"]) == (name, f"file-{to_base62(file.id)}")
    assert upload.json()["filename"] == name


ODD = [
    *("%2e", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%2e%2e%5c%2e%2e", "%00", "a%0Ab", "%c0%af", "%ff"),
    *("'", "'%20or%20'1'%3D'1", '"', "$unfinished", "$expiry", "%24expiry", "x" * 3000, "%F0%9F%9A%80", "-" * 36),
    *("{own}%2f..%2f{own}", "{own}%00", "{own}%20", "{own}'", "%20{own}", "{own}%2fcontent%2f.."),
]


@pytest.mark.parametrize(("method", "template"), [route for route, way in WAYS.items() if way.path_names])
async def test_an_odd_id_is_an_unknown_one(
    api: httpx.AsyncClient, mine: Belongings, method: str, template: str
) -> None:
    """404 or, where it makes another path of it, whatever that answers: never an object, never a fault."""
    kind = WAYS[method, template].path_names or ""
    for odd in ODD:
        given = template.format_map({f"{kind}_id": odd.format(own=mine.ids[kind][0])})
        answer = await call(api, "v1", method, given, **(WAYS[method, template].options or {}))
        assert (answer.status_code in (404, 405), "their-secret" in answer.text) == (True, False), (odd, answer.text)
