"""The caller's mistakes, as exceptions. No status codes here: `api/edge/endpoint.py` maps each leaf to one.

    DurableBatchError
    ├── InvalidRequest      a parameter, header or body the caller must change
    ├── Unauthenticated     no key, or one nobody issued
    ├── Forbidden           a key that is good, but not for this
    ├── NotFound            no such object for this caller
    ├── OverLimit           what the caller may use up is used up
    ├── WrongState          the object exists but cannot do that now
    ├── Damaged             the object's record cannot be read, and will not be until somebody repairs it
    └── Unavailable         a dependency is down; the same call may work later
        └── StorageFull     storage takes no more bytes until somebody makes room

Three levels of error never mix: a *request* error is one of these (4xx, nothing is created); a *batch* error is a
`BatchError` value in the record (`status: failed`); a *line* error is a result line in the error file.
"""

from __future__ import annotations


class DurableBatchError(Exception):
    """Abstract: raise a leaf. `message` is shown to the caller, so it says what to do next."""

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        if type(self) is DurableBatchError:
            raise TypeError("raise one of the leaves of DurableBatchError")
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.told_twice = False  # OpenAI's answers about a file say it under a second key as well (contract 9.3).


class InvalidRequest(DurableBatchError):
    """The request is malformed or asks for something unsupported; sending it again unchanged cannot work."""


class Unauthenticated(DurableBatchError):
    """No credential, or one that is not known, expired or revoked."""


class Forbidden(DurableBatchError):
    """The credential is known, but may not do this."""


class NotFound(DurableBatchError):
    """No object of that id exists for this caller."""


class OverLimit(DurableBatchError):
    """A limit is reached that neither waiting a little nor trying again changes."""


class WrongState(DurableBatchError):
    """The object exists, but its state forbids the operation."""


class Damaged(DurableBatchError):
    """A stored record does not decode. Trying again is no use."""


class Unavailable(DurableBatchError):
    """A dependency of the service did not answer; retrying later may work."""


class StorageFull(Unavailable):
    """Reading works, writing does not: only a person who makes room helps. Trying again soon is no use."""
