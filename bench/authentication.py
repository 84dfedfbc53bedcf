"""What it costs to find out who calls: known callers, keys that are looked up, and texts that are no key.

`python -m bench.authentication [--azurite]`. Microseconds a call, the best of several rounds; no HTTP, no handler. Of
known callers it is CPU time, which others on the machine do not lengthen; of look-ups the time that they take.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from starlette.datastructures import Headers

from api.edge.authentication import authenticate
from api.edge.presented_keys import presented_keys
from bench.report import print_table
from local_host.stores.stores import open_stores
from shared.azure.connect import azure_stores_from_connection_string
from shared.azure.names import Names
from shared.domain.errors import Unauthenticated
from shared.domain.ids import new_id
from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.bootstrap import is_bootstrap_key
from shared.domain.keys.key_text import SECRET_BYTES, digest_of, parse_key, write_key
from shared.domain.keys.pepper import Peppers
from shared.domain.keys.project import Project
from shared.domain.keys.scopes import Scope
from shared.domain.keys.service_account import ServiceAccount
from shared.ports.stores import Stores
from shared.services import Services
from shared.settings import Settings
from tests.azurite import running

BOOTSTRAP = "bench-bootstrap-key"
PEPPER = b"p" * 32
ROUNDS = 7
WARM_CALLS = 5_000
COLD_CALLS = 200


@dataclass(frozen=True, kw_only=True)
class Way:
    """`is_cold`: everybody is forgotten before each call."""

    name: str
    headers: Headers
    is_cold: bool = False


def service_on(stores: Stores) -> Services:
    settings = Settings(bootstrap_key=BOOTSTRAP, peppers=Peppers({"1": PEPPER}))
    return Services(settings=settings, stores=stores, upstream=None, webhook_sender=None)  # type: ignore[arg-type]


def an_id() -> str:
    return new_id(datetime.now(UTC), os.urandom(10))


def new_text() -> str:
    return write_key(an_id(), os.urandom(SECRET_BYTES))


async def make_key(stores: Stores) -> str:
    at, text = datetime.now(UTC), new_text()
    project = Project(id=an_id(), name="bench", created_at=at)
    account = ServiceAccount(id=an_id(), project_id=project.id, name="bench", created_at=at)
    parsed = parse_key(text)
    assert parsed
    key = ApiKey(
        id=parsed.id,
        name="bench",
        digest=digest_of(parsed, PEPPER),
        pepper="1",
        ending=text[-4:],
        created_at=at,
        last_used_at=at,
        project_id=project.id,
        service_account_id=account.id,
    )
    await stores.projects.insert(project)
    await stores.service_accounts.insert(account)
    await stores.api_keys.insert(key)
    return text


def bearer(*texts: str) -> Headers:
    names = (b"authorization", b"api-key")
    values = [b"Bearer " + texts[0].encode(), *(text.encode() for text in texts[1:])]
    others = [(b"accept", b"application/json"), (b"user-agent", b"bench"), (b"x-stainless-lang", b"python")]
    return Headers(raw=[*others, *zip(names, values, strict=False)])


def ways(text: str) -> list[Way]:
    return [
        Way(name="bootstrap key", headers=bearer(BOOTSTRAP)),
        Way(name="a project's key, known", headers=bearer(text)),
        Way(name="the same in both headers", headers=bearer(text, text)),
        Way(name="a token beside it", headers=bearer("t" * 1200, text)),
        Way(name="no key of ours", headers=bearer("sk-" + "x" * 48)),
        Way(name="a project's key, looked up", headers=bearer(text), is_cold=True),
        Way(name="an unknown key", headers=bearer(new_text()), is_cold=True),
    ]


async def microseconds(service: Services, way: Way) -> float:
    calls, clock = (COLD_CALLS, time.perf_counter) if way.is_cold else (WARM_CALLS, time.process_time)
    best = float("inf")
    for _ in range(ROUNDS):
        began = clock()
        for _ in range(calls):
            if way.is_cold:
                service.callers.forget_all()
            with suppress(Unauthenticated):
                await authenticate(service, presented_keys(way.headers), Scope.FILES_READ)
        best = min(best, (clock() - began) / calls)
    return best * 1e6


def before() -> float:
    """As it was with one key: reading the headers and comparing two digests."""
    headers, best = bearer(BOOTSTRAP), float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(WARM_CALLS):
            is_bootstrap_key(BOOTSTRAP, presented_keys(headers)[0])
        best = min(best, (time.process_time() - began) / WARM_CALLS)
    return best * 1e6


async def measure(opening: Callable[[], Stores]) -> dict[str, float]:
    stores = opening()
    service = service_on(stores)
    try:
        return {way.name: await microseconds(service, way) for way in ways(await make_key(stores))}
    finally:
        await stores.close()


@contextmanager
def back_ends(*, azurite: bool) -> Iterator[dict[str, Callable[[], Stores]]]:
    with tempfile.TemporaryDirectory() as folder:
        local: dict[str, Callable[[], Stores]] = {"local stores": lambda: open_stores(Path(folder))}
        if not azurite:
            yield local
            return
        with running(Path(folder) / "azurite.log") as account:
            yield local | {"Azurite": lambda: azure_stores_from_connection_string(account, Names())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--azurite", action="store_true", help="look keys up in the storage emulator as well")
    with back_ends(azurite=parser.parse_args().azurite) as opened:
        found = {name: asyncio.run(measure(opening)) for name, opening in opened.items()}
    rows = [(name, *(round(figures[name], 1) for figures in found.values())) for name in next(iter(found.values()))]
    print_table("Microseconds a call", ["who", *found], rows)
    print(f"One key for all, compared, as it was before there were others: {before():.1f} µs")


if __name__ == "__main__":
    main()
