"""What every port may answer: a value with its version, and the errors."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class AlreadyExists(Exception):
    """Insert of a key that is taken."""


class Changed(Exception):
    """A conditional write lost: the record is no longer (or not yet) at the version the caller read."""


class BlobMissing(Exception):
    """No committed blob of that name, or a committed block list names a block that was never staged."""


class AccessDenied(Exception):
    """A caller's storage account refuses the service, and will until somebody changes that."""


class Stored(msgspec.Struct, Generic[T], frozen=True):
    """A value and the version it was read at; hand `version` back to replace exactly that."""

    value: T
    version: str
