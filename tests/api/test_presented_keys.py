"""Which keys a call presents."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from api.edge.presented_keys import presented_keys


def headers(*pairs: tuple[str, str]) -> Headers:
    return Headers(raw=[(name.encode(), value.encode()) for name, value in pairs])


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
