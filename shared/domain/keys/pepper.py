"""Peppers: secrets of the service, each with a name, under which keys are stored. Pure.

The first is used for new keys; the others still open the keys that were made under them, until none is left: that is
how one is rotated.

Rule of this file: no message and no repr holds any part of a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, Protocol

from shared.domain.errors import WrongState

FEWEST_CHARACTERS: Final = 32
_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")


class Peppers(Mapping[str, bytes]):
    """Name -> secret, in the order in which they were given."""

    def __init__(self, secrets: Mapping[str, bytes] | None = None) -> None:
        self._secrets = dict(secrets or {})

    def __getitem__(self, name: str) -> bytes:
        return self._secrets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._secrets)

    def __len__(self) -> int:
        return len(self._secrets)

    def __repr__(self) -> str:  # The secrets never reach a log.
        return f"Peppers({', '.join(self)})"


def parse_peppers(text: str) -> Peppers:
    """`name:secret`, comma-separated. Raises ValueError with a sentence for an operator."""
    secrets: dict[str, bytes] = {}
    for number, entry in enumerate(filter(None, (part.strip() for part in text.split(","))), start=1):
        name, colon, secret = entry.partition(":")
        if not (colon and _NAME.fullmatch(name)):
            raise ValueError(f"entry {number} has no name of letters, digits, '.', '_' and '-': expected name:secret")
        if name in secrets:
            raise ValueError(f"{name!r} is there twice; a new pepper needs a new name")
        if len(secret) < FEWEST_CHARACTERS or not (secret.isascii() and secret.isprintable()) or " " in secret:
            raise ValueError(
                f"the secret of {name!r} cannot be used: expected {FEWEST_CHARACTERS} characters or more, such as "
                "`openssl rand -hex 32` writes"
            )
        secrets[name] = secret.encode()
    return Peppers(secrets)


class HasPeppers(Protocol):
    """The settings, as far as they are asked here."""

    @property
    def peppers(self) -> Peppers: ...


def pepper_for_new(settings: HasPeppers) -> tuple[str, bytes]:
    """Name and secret of the pepper for new keys. Raises WrongState if there is none."""
    for newest in settings.peppers.items():
        return newest
    raise WrongState(
        "This service cannot make keys yet: its operator must set BATCH_KEY_PEPPERS to `1:SECRET`, with a random "
        f"secret of {FEWEST_CHARACTERS} characters or more. Keys that exist go on working.",
        code="key_pepper_missing",
    )
