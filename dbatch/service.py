"""The service that is spoken to: OpenAI's SDK, which finds address and key in the environment, and its errors.

`openai` takes most of a second to load, so it is imported where it is needed: `--help` is there at once.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbatch.exits import Failure

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI

KEY = "OPENAI_API_KEY"
ADMIN_KEY = "OPENAI_ADMIN_KEY"
ADDRESS = "OPENAI_BASE_URL"
_UNKNOWN_PATH = (404, 405, 501)


def check_address(address: str | None, named: str = ADDRESS) -> None:
    """Raises Failure for what is no address."""
    if address and not address.startswith(("http://", "https://")):
        raise Failure(f"{named} is {address!r}, which is no address.", "It begins with https:// or http://")


def connect() -> OpenAI:
    """A client by OPENAI_BASE_URL and OPENAI_API_KEY; without the first it is OpenAI itself."""
    from openai import OpenAI

    if not os.environ.get(KEY):
        raise Failure(
            f"{KEY} is not set.",
            f"Set it to a key of the service, and {ADDRESS} to its address, such as http://127.0.0.1:7071/v1 "
            "(without it, OpenAI itself is asked).",
        )
    check_address(os.environ.get(ADDRESS))
    return OpenAI()


def extension(
    client: OpenAI,
    method: str,
    path: str,
    *,
    what: str,
    instead: str,
    body: Mapping[str, Any] | None = None,
    query: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A call that Durable Batch has and OpenAI has not. Raises Failure with `instead` where the server has none."""
    with _known(client, what, instead):
        options: Any = {"params": query or {}}
        if method == "DELETE":
            answer: object = client.delete(path, cast_to=object, options=options)
        else:
            answer = client.post(path, body=body, cast_to=object, options=options)
    return answer if isinstance(answer, dict) else {}


@contextmanager
def _known(client: OpenAI, what: str, instead: str) -> Iterator[None]:
    """Raises Failure where the server has no such call."""
    from openai import APIStatusError

    try:
        yield
    except APIStatusError as error:
        if error.status_code not in _UNKNOWN_PATH:
            raise
        raise Failure(f"{client.base_url} cannot {what}: that is an extension of Durable Batch.", instead) from None


@dataclass(frozen=True, slots=True)
class ResultsPage:
    """`last_line` is the `after` of the next call."""

    data: bytes
    is_incomplete: bool
    last_line: int


def results_page(client: OpenAI, batch_id: str, query: Mapping[str, Any]) -> ResultsPage:
    """Result lines in input order, while the batch runs as well. An extension."""
    from openai import HttpxBinaryResponseContent

    instead = f"`dbatch watch {batch_id}`, then `dbatch fetch {batch_id}`."
    with _known(client, "give results as they come", instead):
        options: Any = {"params": query}
        answer = client.get(f"/batches/{batch_id}/results", cast_to=HttpxBinaryResponseContent, options=options)
    headers = answer.response.headers
    return ResultsPage(answer.content, headers["x-incomplete"] == "true", int(headers["x-last-line"]))


def failure_of(error: Exception) -> Failure | None:
    """What an error of the SDK or of a file means to a person; None of any other error."""
    if isinstance(error, OSError) and not isinstance(error, ConnectionError):
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "Make room, then give the same command again." if is_full else "Check its name and its rights."
        return Failure(f"{error.filename or 'a file'}: {error.strerror or error}.", advice)
    if isinstance(error, sqlite3.Error):
        return Failure(f"the state of the run cannot be kept: {error}.", "Make room, then give the same command again.")
    from openai import APIConnectionError, APIStatusError, OpenAIError

    if isinstance(error, APIStatusError):
        return _refusal(error)
    if isinstance(error, APIConnectionError):
        cause = error.__cause__ or error
        return Failure(
            f"{error.request.url.scheme}://{error.request.url.netloc.decode()} does not answer ({cause}).",
            f"Is the service running, and is {ADDRESS} its address?",
        )
    return Failure(str(error)) if isinstance(error, OpenAIError) else None


def _refusal(error: APIStatusError) -> Failure:
    body = error.body if isinstance(error.body, dict) else {}
    said = body.get("message") or error.message
    request = f" (request {error.request_id})" if error.request_id and error.status_code >= 500 else ""
    return Failure(f"the service answered {error.status_code}: {said}{request}", _advice(error))


def _advice(error: APIStatusError) -> str:
    if "/organization/" in error.request.url.path and error.status_code in (401, 403):
        return f"Give an administrator's key or the bootstrap key: --key, or {ADMIN_KEY}."
    match error.status_code:
        case 401:
            return f"Set {KEY} to a valid key of {error.request.url.host}."
        case 403:
            return "Use a key that may do this, or ask whoever made the key."
        case 404 if not str(error.request.url).split("?")[0].split("/v1/")[1:]:
            return f"Does {ADDRESS} end with /v1?"
        case 404 if "/organization/" in error.request.url.path:
            return "`dbatch admin projects` and `keys` show what there is, with ids."
        case 404:
            return "`dbatch list` shows the batches that this key can see."
        case 429:
            return "Wait a moment and try again; a spend limit is raised by an administrator."
        case status if status >= 500:
            return "Try again in a minute; nothing was lost."
    return ""
