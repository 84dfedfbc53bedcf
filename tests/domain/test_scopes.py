"""What a key's scopes allow."""

from __future__ import annotations

import pytest

from shared.domain.errors import InvalidRequest
from shared.domain.keys.scopes import ALL_OF_PROJECT, Scope, check_names, scopes_of


def test_no_scopes_is_all_but_administration() -> None:
    """As OpenAI has it for `[]`."""
    assert scopes_of([]) == set(Scope) - {Scope.ADMIN, Scope.ANY}


@pytest.mark.parametrize(
    ("names", "allowed"),
    [
        (["api.files.read"], {Scope.FILES_READ}),
        (["files:write", "batches:read"], {Scope.FILES_WRITE, Scope.BATCHES_READ}),
        (["api.all.read"], {Scope.FILES_READ, Scope.BATCHES_READ, Scope.USAGE}),
        (["api.all"], ALL_OF_PROJECT),
        (["usage"], {Scope.USAGE}),
        (["admin"], set()),
        (["unheard of"], set()),
    ],
)
def test_what_names_allow(names: list[str], allowed: set[Scope]) -> None:
    """A name that is unknown, or no key of a project may have, allows nothing: never everything."""
    assert scopes_of(names) == allowed


def test_unknown_names_are_refused() -> None:
    """With all that could have been meant."""
    with pytest.raises(InvalidRequest, match=r"'admin'.*api\.files\.read") as caught:
        check_names(["api.files.read", "admin"])

    assert caught.value.param == "scopes"
    assert check_names(["files:read", "usage", "files:read"]) == ("files:read", "usage")
