"""The readiness checks on real stores that fail, and on real upstreams that refuse, hang and answer."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from local_host.stores.stores import open_stores
from shared.azure.connect import azure_stores_from_connection_string
from shared.domain.deployments.deployment import Deployment, Target
from shared.domain.errors import StorageFull, Unavailable
from shared.domain.upstream.reachability import Verdict
from shared.entra.token_verifier import EntraTokens
from shared.run.health.checks import PATIENCE, Check, Patience, Readiness, check_all
from shared.run.health.storage_probe import is_full
from shared.services import Services
from shared.settings import Settings
from shared.upstream.client import UpstreamClient
from tests import entra_issuer
from tests.upstream.servers import OK, saying, serving
from tests.with_stores import with_stores

REFUSED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 11\r\n\r\nKey: hidden"
NOBODY = (
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=bm90IGEga2V5;"
    "BlobEndpoint=http://127.0.0.1:9/a;TableEndpoint=http://127.0.0.1:9/a"
)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Services]:
    stores = open_stores(tmp_path)
    upstream = UpstreamClient(max_response_bytes=1 << 20)
    yield Services(
        settings=Settings(bootstrap_key="k"),
        stores=stores,
        upstream=upstream,
        webhook_sender=None,
    )
    await upstream.close()
    await stores.close()


async def durable() -> None:
    """A durable extension that answers."""


async def ask(service: Services, patience: Patience = PATIENCE, **environment: str) -> Readiness:
    return await check_all(service, durable, environment, patience)


def named(readiness: Readiness, name: str) -> Check:
    return next(check for check in readiness.checks if check.name == name)


def with_upstreams(service: Services, **urls: str) -> Services:
    deployments = {name: Deployment(name=name, base_url=url, api_key="hidden") for name, url in urls.items()}
    return replace(service, settings=Settings(bootstrap_key="k", deployments=deployments))


class Hanging:
    """A store that never answers."""

    async def put(self, _name: str, _data: bytes) -> None:
        await asyncio.Future()


class Raising:
    """A store, or a part of it, that raises."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def put(self, _name: str, _data: bytes) -> None:
        raise self.error

    async def beat(self, _beat: object) -> None:
        raise self.error


async def test_everything_answers(service):
    """Four required checks, all of them ok."""
    readiness = await ask(service)

    assert readiness.status is Verdict.OK
    assert {(check.name, check.required) for check in readiness.checks} == {
        ("blobs", True),
        ("tables", True),
        ("durable", True),
        ("vault_references", True),
    }


@pytest.mark.parametrize(("status", "verdict"), [(200, Verdict.OK), (503, Verdict.DEGRADED)])
async def test_an_issuer_of_tokens_is_asked(service, status, verdict):
    """Where a tenant is set; without it API keys work, so it is not required."""
    with entra_issuer.running() as issuer:
        issuer.status = status
        readiness = await ask(replace(service, tokens=EntraTokens(issuer.rules())))

    assert (readiness.status, named(readiness, "entra").required) == (verdict, False)
    assert ("API keys work" in named(readiness, "entra").message) == (status != 200)


async def test_the_stores_of_azure_answer(service, azurite):
    """Blob and Table Storage, nothing written before."""
    stores = azure_stores_from_connection_string(azurite)
    before = {name async for name in stores.blobs.names("")} - {"readiness"}
    readiness = await ask(replace(service, stores=stores))
    written = {name async for name in stores.blobs.names("")} - before
    await stores.close()

    assert readiness.status is Verdict.OK
    assert written == {"readiness"}


class ReadOnly:
    """A store that is full: whatever is read is there."""

    def __init__(self, inner: object) -> None:
        self._inner = inner
        self.writes = 0

    async def put(self, _name: str, _data: bytes) -> None:
        self.writes += 1
        raise StorageFull("The data folder takes no more bytes: the disk is full; free some space.")

    async def beat(self, _beat: object) -> None:
        await self.put("", b"")

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


@pytest.mark.parametrize(("part", "check"), [("blobs", "blobs"), ("heartbeats", "tables")])
async def test_storage_that_takes_no_writes_is_not_well(service, part, check):
    """Although all of it can be read. The finding says what to do."""
    full = with_stores(service, **{part: ReadOnly(getattr(service.stores, part))})
    readiness = await ask(full)

    assert readiness.status is Verdict.FAILED
    assert named(readiness, check).message.endswith("free some space.")


async def test_asking_often_writes_seldom(service):
    """A hundred calls at once, and those after them, cost one write; the answer is the same for all."""
    blobs = ReadOnly(service.stores.blobs)
    full = with_stores(service, blobs=blobs)
    reports = await asyncio.gather(*(ask(full) for _ in range(100)))
    reports.append(await ask(full))

    assert blobs.writes == 1
    assert {named(report, "blobs").status for report in reports} == {Verdict.FAILED}


async def test_storage_that_has_room_again_is_well(service):
    """After a few seconds the probe is written anew."""
    blobs = ReadOnly(service.stores.blobs)
    full = with_stores(service, blobs=blobs)
    assert await is_full(full, good_for_seconds=0.0)
    blobs.put = service.stores.blobs.put
    assert not await is_full(full, good_for_seconds=0.0)
    assert (await ask(full)).status is Verdict.OK


async def test_an_account_that_is_away_fails_in_time(service):
    """Both stores are named, within the time of the report, though their own retries take longer."""
    stores = azure_stores_from_connection_string(NOBODY)
    begun = time.monotonic()
    readiness = await ask(replace(service, stores=stores))
    took = time.monotonic() - begun
    await stores.close()

    assert readiness.status is Verdict.FAILED
    assert [named(readiness, name).status for name in ("blobs", "tables")] == [Verdict.FAILED] * 2
    assert took < PATIENCE.check_seconds + 2


async def test_a_store_says_itself_what_is_wrong(service):
    """The message of Unavailable is the check's."""
    readiness = await ask(with_stores(service, heartbeats=Raising(Unavailable("Give it the role."))))

    assert named(readiness, "tables").message == "Give it the role."
    assert readiness.status is Verdict.FAILED


async def test_a_store_that_hangs_ends_its_own_check_only(service):
    """The others are ok, and the report comes in time."""
    readiness = await ask(with_stores(service, blobs=Hanging()), Patience(check_seconds=0.2))

    assert named(readiness, "blobs").status is Verdict.FAILED
    assert "no answer within 0.2 seconds" in named(readiness, "blobs").message
    assert named(readiness, "blobs").latency_ms < 2000
    assert named(readiness, "tables").status is Verdict.OK


async def test_a_check_that_breaks_does_not_tell_why_but_logs_it(service, caplog):
    """An unexpected exception's text may hold anything."""
    readiness = await ask(with_stores(service, blobs=Raising(RuntimeError("hidden"))))

    assert "hidden" not in named(readiness, "blobs").message
    assert [record.action for record in caplog.records] == ["readiness_check_broke"]


async def test_a_durable_extension_that_is_down_fails(service):
    """Whatever its client raises."""

    async def down() -> None:
        raise Exception("The operation failed with an unexpected status code 500")  # noqa: TRY002 - what the SDK raises

    readiness = await check_all(service, down, {})

    assert named(readiness, "durable").status is Verdict.FAILED
    assert "AzureWebJobsStorage" in named(readiness, "durable").message


async def test_an_unresolved_vault_reference_is_named_without_its_value(service):
    """The setting's name, in order; never the secret's address."""
    readiness = await ask(
        service,
        UPSTREAM_KEY="@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/hidden)",
        OTHER_KEY="@microsoft.keyvault(VaultName=v;SecretName=hidden)",
        FINE="resolved",
    )

    message = named(readiness, "vault_references").message
    assert "OTHER_KEY, UPSTREAM_KEY" in message
    assert "hidden" not in message
    assert "FINE" not in message
    assert readiness.status is Verdict.FAILED


async def test_an_upstream_that_answers_is_ok(service):
    """It is asked once, with the key."""
    requests = []

    async def behave(request: bytes, writer: asyncio.StreamWriter) -> None:
        requests.append(request)
        writer.write(OK)

    async with serving(behave) as url:
        readiness = await ask(with_upstreams(service, m=url))

    assert named(readiness, "upstream:m").status is Verdict.OK
    assert len(requests) == 1
    assert requests[0].startswith(b"GET /v1/models HTTP/1.1\r\n")
    assert b"Authorization: Bearer hidden" in requests[0]


async def test_an_upstream_that_refuses_degrades(service):
    """The service still takes batches, and the message does not repeat the answer."""
    async with serving(saying(REFUSED)) as url:
        readiness = await ask(with_upstreams(service, m=url))

    assert readiness.status is Verdict.DEGRADED
    assert named(readiness, "upstream:m").status is Verdict.FAILED
    assert "refuses the credential (HTTP 401)" in named(readiness, "upstream:m").message
    assert "hidden" not in named(readiness, "upstream:m").message


async def test_an_upstream_that_is_not_there_degrades(service):
    """A refused connection is told in words, without the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    readiness = await ask(with_upstreams(service, m=f"http://127.0.0.1:{port}"))

    assert readiness.status is Verdict.DEGRADED
    assert "Connection refused" in named(readiness, "upstream:m").message
    assert str(port) not in named(readiness, "upstream:m").message


async def test_upstreams_that_hang_are_asked_side_by_side(service):
    """Five of them cost the time of one; the one that answers is ok."""
    async with serving(saying(b"")) as hanging, serving(saying(OK)) as well:
        begun = time.monotonic()
        upstreams = with_upstreams(service, well=well, **{f"m{n}": hanging for n in range(5)})
        readiness = await ask(upstreams, Patience(upstream_seconds=0.3))
        took = time.monotonic() - begun

    assert named(readiness, "upstream:well").status is Verdict.OK
    assert "gave no answer in time" in named(readiness, "upstream:m4").message
    assert took < 1.2


async def test_each_target_is_asked(service: Services) -> None:
    """And told of under its own name: one that is down does not hide that the others are well."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        down = Target(name="m", target="b", base_url=f"http://127.0.0.1:{nobody.getsockname()[1]}/v1")
        async with serving(saying(OK)) as url:
            up = Target(name="m", target="a", base_url=f"{url}/v1")
            deployment = Deployment(name="m", base_url=up.base_url, targets=(up, down))
            service = replace(service, settings=replace(service.settings, deployments={"m": deployment}))
            found = {check.name: check.status for check in (await ask(service)).checks if "upstream" in check.name}

    assert found == {"upstream:m/a": Verdict.OK, "upstream:m/b": Verdict.FAILED}
