"""From the headers of a call to its caller."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from starlette.datastructures import Headers

from api.edge.authentication import authenticate, presented_keys
from shared.domain.errors import Unauthenticated
from shared.domain.keys.caller import ADMINISTRATOR, Caller
from shared.domain.keys.scopes import Scope
from shared.services import Services
from shared.settings import Settings


def headers(*pairs: tuple[str, str]) -> Headers:
    return Headers(raw=[(name.encode(), value.encode("utf-8", "surrogatepass")) for name, value in pairs])


async def let_in(keys: Sequence[str], bootstrap_key: str = "right", scope: Scope = Scope.FILES_READ) -> Caller:
    names = ("api-key", "authorization")
    given = [
        (name, f"Bearer {key}" if name == "authorization" else key) for name, key in zip(names, keys, strict=False)
    ]
    service = Services(settings=Settings(bootstrap_key=bootstrap_key), stores=None, upstream=None, webhook_sender=None)
    return await authenticate(service, headers(*given), scope)


@pytest.mark.parametrize("keys", [["right"], ["wrong", "right"], ["right", "wrong"], ["", "right"], ["right", "right"]])
async def test_one_valid_key_is_enough(keys: list[str]) -> None:
    """SDKs send the key in two headers, or a token beside it (contract 6.3)."""
    assert (await let_in(keys)).owner == "default"


@pytest.mark.parametrize("keys", [["wrong"], ["Right"], ["righ"], ["rightt"], ["wrong", "worse"], ["\udc80"], ["ключ"]])
async def test_no_valid_key_is_refused(keys: list[str]) -> None:
    """Anything but the exact key, whatever its characters."""
    with pytest.raises(Unauthenticated) as caught:
        await let_in(keys)

    assert (caught.value.code, keys[0] in caught.value.message) == ("invalid_api_key", False)


@pytest.mark.parametrize("keys", [[], [""], ["", ""], [" "]])
async def test_no_key_is_refused(keys: list[str]) -> None:
    """The message says how to send one."""
    with pytest.raises(Unauthenticated, match="Send your key as"):
        await let_in(keys)


@pytest.mark.parametrize("keys", [["x"], [""], []])
async def test_a_service_without_a_key_lets_nobody_in(keys: list[str]) -> None:
    """No bootstrap key, no service."""
    with pytest.raises(Unauthenticated):
        await let_in(keys, bootstrap_key="")


async def test_the_bootstrap_key_administers_too() -> None:
    """Where administration is asked for it is an administrator, of no project."""
    assert await let_in(["right"], scope=Scope.ADMIN) is ADMINISTRATOR


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        ([("authorization", "Bearer a")], ["a"]),
        ([("authorization", "bearer  a ")], ["a"]),
        ([("authorization", " Bearer a")], ["a"]),
        ([("authorization", "Bearer a"), ("api-key", "b")], ["a", "b"]),
        ([("authorization", "Bearer a"), ("api-key", "a")], ["a"]),
        ([("authorization", "a")], []),
        ([("authorization", "Basic a")], []),
        ([("authorization", "Bearer")], []),
        ([("authorization", "Bearer Bearer a")], ["Bearer a"]),
        ([("authorization", "Bearer a, Bearer b")], ["a, Bearer b"]),
        ([("authorization", "Bearer a b")], ["a b"]),
        ([("authorization", "Bearer\ta")], []),
        ([("authorization", "Bearer a"), ("authorization", "Bearer b")], []),
        ([("authorization", "Bearer a"), ("authorization", "Bearer a")], []),
        ([("api-key", "a"), ("api-key", "b")], []),
        ([("authorization", "Bearer a"), ("authorization", "Bearer b"), ("api-key", "c")], ["c"]),
        ([("proxy-authorization", "Bearer a"), ("x-api-key", "b"), ("authorization ", "Bearer c")], []),
    ],
)
def test_which_keys_a_call_presents(given: list[tuple[str, str]], keys: list[str]) -> None:
    """A scheme is read once, and of a header that comes twice nothing: whoever stands in front may have read the other."""
    assert presented_keys(headers(*given)) == keys
