"""What a failure of Azure Storage means to the product: every SDK exception that no adapter expects is `Unavailable`.

The message is shown to callers of the API, so it names no account; the SDK's exception is its cause.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from azure.core.exceptions import AzureError, HttpResponseError

from shared.domain.errors import StorageFull, Unavailable


@contextmanager
def translated() -> Iterator[None]:
    """Raises Unavailable for whatever the SDK raises inside, after its own retries."""
    try:
        yield
    except AzureError as error:
        if isinstance(error, HttpResponseError) and error.status_code == HTTPStatus.INSUFFICIENT_STORAGE:
            raise StorageFull(
                "The storage account is full. Its operator has to make room or raise its limit."
            ) from error
        raise Unavailable(_message(error)) from error


def error_code(error: HttpResponseError) -> str:
    """The service's own word for what went wrong, such as `BlobNotFound`; empty if it sent none."""
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))


def _message(error: AzureError) -> str:
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        return "The storage account does not answer; try again in a minute."
    if error.status_code in (401, 403):
        return (
            "The storage account refuses the service: its identity needs the roles Storage Blob Data Contributor and "
            "Storage Table Data Contributor, and its network must be let in."
        )
    return f"The storage account answered {error.status_code} {error_code(error)}; try again in a minute."
