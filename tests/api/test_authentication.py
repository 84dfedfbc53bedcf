"""From the keys of a call to its caller: what is read, remembered, forgotten and noted."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import sys
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from types import FrameType
from typing import Any

import msgspec
import pytest

from api.edge.authentication import authenticate
from shared.domain.errors import Damaged, Forbidden, Unauthenticated, Unavailable
from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.caller import ADMINISTRATOR, Caller
from shared.domain.keys.known_callers import LIFE
from shared.domain.keys.scopes import Scope
from shared.ports.base import Stored
from shared.services import Services
from tests.api.harness import KEY, Clock
from tests.api.made_keys import MadeKey, make_key, make_project, with_peppers
from tests.with_stores import with_stores

READ = Scope.FILES_READ


class Counting:
    """A store like `inner` that counts its calls, and those that were `done`; while `error` is set, each raises that."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.calls: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.error: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any) -> Any:
            self.calls[name] += 1
            if self.error:
                raise self.error
            answer = await getattr(self._inner, name)(*args)
            self.done[name] += 1
            return answer

        return call


@pytest.fixture
def keys(services: Services) -> Counting:
    return Counting(services.stores.api_keys)


@pytest.fixture
def service(services: Services, keys: Counting) -> Services:
    """With peppers, and a store of keys that counts."""
    return with_stores(with_peppers(services), api_keys=keys)


@pytest.fixture
async def key(service: Services, keys: Counting) -> MadeKey:
    made = await make_key(service, await make_project(service))
    keys.calls.clear()
    return made


async def let_in(service: Services, *texts: str) -> Caller:
    return await authenticate(service, texts, READ)


async def revoke(service: Services, key: MadeKey) -> None:
    await service.stores.api_keys.delete(key.record.id)


async def last_used(service: Services, key: MadeKey) -> datetime | None:
    """Once what is being written is written."""
    while writes := [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]:
        await asyncio.wait(writes)
    stored = await service.stores.api_keys.get(key.record.id)
    assert stored
    return stored.value.last_used_at


@pytest.mark.parametrize("texts", [[KEY], ["wrong", KEY], [KEY, "wrong"], [KEY, KEY]])
async def test_one_valid_key_is_enough(service: Services, texts: list[str]) -> None:
    """SDKs send the key in two headers, or a token beside it (contract 6.3)."""
    assert (await let_in(service, *texts)).owner == "default"


@pytest.mark.parametrize(
    "texts", [["wrong"], [KEY.upper()], [KEY[:-1]], [f"{KEY}0"], ["wrong", "worse"], ["\udc80"], ["ключ"]]
)
async def test_no_valid_key_is_refused(service: Services, keys: Counting, texts: list[str]) -> None:
    """Anything but the exact key, whatever its characters; and what is no key of ours costs no look-up."""
    with pytest.raises(Unauthenticated) as caught:
        await let_in(service, *texts)

    assert (caught.value.code, texts[0] in caught.value.message, keys.calls) == ("invalid_api_key", False, {})


async def test_no_key_is_refused(service: Services) -> None:
    """The message says how to send one."""
    with pytest.raises(Unauthenticated, match="Send your key as"):
        await let_in(service)


async def test_a_service_without_a_bootstrap_key_lets_nobody_in(service: Services, key: MadeKey) -> None:
    """No bootstrap key, no service: its operator could not come in."""
    closed = replace(service, settings=replace(service.settings, bootstrap_key=""))
    for texts in (["x"], [KEY], [key.text]):
        with pytest.raises(Unauthenticated, match="BATCH_BOOTSTRAP_KEY"):
            await let_in(closed, *texts)


async def test_the_bootstrap_key_administers_without_storage(service: Services) -> None:
    """Readiness has to be asked while storage is down."""
    dark = replace(service, stores=None)  # type: ignore[arg-type]

    assert await authenticate(dark, [KEY], Scope.ADMIN) is ADMINISTRATOR


async def test_the_bootstrap_key_by_its_digest(service: Services) -> None:
    """The setting's own text is no key then."""
    setting = f"sha256:{hashlib.sha256(KEY.encode()).hexdigest()}"
    hashed = replace(service, settings=replace(service.settings, bootstrap_key=setting))

    assert (await let_in(hashed, KEY)).owner == "default"
    with pytest.raises(Unauthenticated):
        await let_in(hashed, setting)


async def test_a_known_caller_costs_no_read(service: Services, keys: Counting, key: MadeKey, clock: Clock) -> None:
    """For 30 seconds; then its key is read again."""
    for _ in range(5):
        await let_in(service, key.text)
    assert keys.calls["get"] == 1
    clock.advance(seconds=29.9)
    await let_in(service, key.text)
    assert keys.calls["get"] == 1
    clock.advance(seconds=0.1)
    await let_in(service, key.text)

    assert keys.calls["get"] == 2


async def test_a_clock_that_is_set_back_makes_nobody_known_for_longer(
    service: Services, keys: Counting, key: MadeKey, clock: Clock
) -> None:
    """Its key is read again."""
    await let_in(service, key.text)
    clock.advance(hours=-1)
    await let_in(service, key.text)

    assert keys.calls["get"] == 2


async def test_a_refusal_is_not_remembered(service: Services, keys: Counting, key: MadeKey) -> None:
    """Whoever floods the service with keys takes no room of its memory, and a new key works at once."""
    await revoke(service, key)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await let_in(service, key.text)
    await service.stores.api_keys.insert(key.record)

    assert (await let_in(service, key.text)).key_id == key.record.id


async def test_the_text_of_a_key_is_not_kept(service: Services, key: MadeKey) -> None:
    """Nor its secret."""
    await let_in(service, key.text)
    await let_in(service, KEY)

    held = repr(vars(service.callers))
    assert (key.record.id in held, key.text in held, key.text[26:69] in held, KEY in held) == (
        True,
        False,
        False,
        False,
    )


async def test_a_revoked_key_works_for_half_a_minute_at_most(service: Services, key: MadeKey, clock: Clock) -> None:
    """Where another process revoked it."""
    await let_in(service, key.text)
    await revoke(service, key)
    clock.advance(seconds=LIFE.total_seconds() - 0.1)
    await let_in(service, key.text)
    clock.advance(seconds=0.1)

    with pytest.raises(Unauthenticated):
        await let_in(service, key.text)
    assert timedelta(seconds=30) == LIFE


async def test_a_key_that_was_revoked_here_works_no_more(service: Services, key: MadeKey) -> None:
    """At once."""
    await let_in(service, key.text)
    await revoke(service, key)
    service.callers.forget_all()

    with pytest.raises(Unauthenticated):
        await let_in(service, key.text)


async def test_a_key_that_is_revoked_while_it_is_looked_up(service: Services, key: MadeKey) -> None:
    """The call that was first may go on; nobody is let in because of it."""
    read, go_on = asyncio.Event(), asyncio.Event()
    inner = service.stores.api_keys

    class Slow:
        async def get(self, key_id: str) -> Stored[ApiKey] | None:
            found = await inner.get(key_id)
            read.set()
            await go_on.wait()
            return found

        async def replace(self, record: ApiKey, version: str) -> str:
            return await inner.replace(record, version)

    slow = with_stores(service, api_keys=Slow())
    first = asyncio.create_task(let_in(slow, key.text))
    await read.wait()
    await revoke(service, key)
    slow.callers.forget_all()
    go_on.set()
    await first

    with pytest.raises(Unauthenticated):
        await let_in(slow, key.text)


async def test_storage_that_is_down_is_no_open_door(service: Services, keys: Counting, key: MadeKey) -> None:
    """Known callers go on; of others nobody can say, and they may try again."""
    known = await make_key(service, await make_project(service))
    await let_in(service, known.text)
    keys.error = Unavailable("The storage account does not answer; try again in a minute.")

    assert (await let_in(service, known.text)).key_id == known.record.id
    assert (await let_in(service, key.text, known.text)).key_id == known.record.id
    for texts in ([key.text], ["wrong", key.text], [key.text, "wrong"]):
        with pytest.raises(Unavailable):
            await let_in(service, *texts)


async def test_a_damaged_record_is_no_open_door(service: Services, keys: Counting, key: MadeKey) -> None:
    """Nor is it said that the key is wrong."""
    keys.error = Damaged("The record cannot be read.")

    with pytest.raises(Damaged):
        await let_in(service, key.text, "wrong")


async def test_a_scope_that_the_known_caller_lacks(service: Services) -> None:
    """Scopes are asked for at every call."""
    key = await make_key(service, await make_project(service), scopes=("files:read",))
    await let_in(service, key.text)

    with pytest.raises(Forbidden):
        await authenticate(service, [key.text], Scope.FILES_WRITE)


async def test_use_is_noted_once_a_minute(service: Services, keys: Counting, key: MadeKey, clock: Clock) -> None:
    """However many calls there are, and however often the key is read: who read it before the note writes none over it."""
    began = clock.now
    for _ in range(12):
        await asyncio.gather(*(let_in(service, key.text) for _ in range(5)))
        service.callers.forget_all()
        await last_used(service, key)
        clock.advance(seconds=5)
    assert (await last_used(service, key), keys.done["replace"]) == (began, 1)
    await let_in(service, key.text)

    assert (await last_used(service, key), keys.done["replace"]) == (began + timedelta(minutes=1), 2)


async def test_a_note_that_cannot_be_written(service: Services, keys: Counting, key: MadeKey) -> None:
    """The call is answered, and the next look-up tries again."""
    plain = keys.__getattr__

    class Failing:
        async def get(self, key_id: str) -> Any:
            return await plain("get")(key_id)

        async def replace(self, record: ApiKey, version: str) -> str:
            raise Unavailable("Storage takes no more bytes.")

    assert await let_in(with_stores(service, api_keys=Failing()), key.text)
    assert await last_used(service, key) is None
    await let_in(service, key.text)
    assert await last_used(service, key) is not None


async def test_a_note_makes_no_deleted_key_again(service: Services, key: MadeKey) -> None:
    """And takes nothing back that an administrator has changed meanwhile."""
    inner = service.stores.api_keys

    class Overtaken:
        async def get(self, key_id: str) -> Any:
            return await inner.get(key_id)

        async def replace(self, record: ApiKey, version: str) -> str:
            stored = await inner.get(record.id)
            await inner.replace(msgspec.structs.replace(stored.value, scopes=("files:read",)), stored.version)
            return await inner.replace(record, version)

    await let_in(with_stores(service, api_keys=Overtaken()), key.text)
    assert await last_used(service, key) is None
    stored = await inner.get(key.record.id)
    assert stored
    assert stored.value.scopes == ("files:read",)


class Calls:
    """What is called while it is in use: functions of Python and of C."""

    def __enter__(self) -> Counter[str]:
        self.counted: Counter[str] = Counter()
        gc.disable()  # What it would end may have a say in that.
        sys.setprofile(self._note)
        return self.counted

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        gc.enable()

    def _note(self, frame: FrameType, event: str, arg: Any) -> None:
        if event == "call":
            self.counted[frame.f_code.co_qualname] += 1
        elif event == "c_call":
            self.counted[arg.__qualname__] += 1


class InMemory:
    """A store of one key or none, whose look-ups cost the same."""

    def __init__(self, *stored: Stored[ApiKey]) -> None:
        self._stored = {each.value.id: each for each in stored}

    async def get(self, key_id: str) -> Stored[ApiKey] | None:
        return self._stored.get(key_id)


async def work(service: Services, text: str) -> Counter[str]:
    for _ in range(2):  # The first call may do what is done once only.
        with Calls() as counted, pytest.raises(Unauthenticated):
            await let_in(service, text)
    return counted


async def test_an_unknown_key_costs_what_a_wrong_secret_costs(service: Services, key: MadeKey) -> None:
    """The same functions, as often: one read, one digest, one comparison."""
    wrong = msgspec.structs.replace(key.record, digest="0" * 63 + "1")
    unknown = await work(with_stores(service, api_keys=InMemory()), key.text)
    refused = await work(with_stores(service, api_keys=InMemory(Stored(wrong, "1"))), key.text)
    digests = {name: count for name, count in refused.items() if "digest" in name}

    assert unknown == refused
    assert digests["compare_digest"] == 2  # The bootstrap key's, and the secret's.
    assert digests["digest_of"] == 1
