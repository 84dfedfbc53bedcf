"""Addresses of callers' own blobs: `input_blob` and `output_folder` of a create call (contract 1.5.5, 2.5).

Rule of this file: an address outside the storage accounts that the operator listed for the project
(`keys/blob_hosts`) is refused, whatever it looks like: the service would go there with its own identity. Within them,
what belongs to the service and its platform is closed, however the address spells it (`is_closed`). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from shared.domain.errors import InvalidRequest
from shared.domain.ids import to_uuid
from shared.domain.parameters import missing, shortened, too_long, unsupported, wrong_type

MAX_URL: Final = 2048
_PRINTABLE: Final = re.compile(r"[!-~]+")
# Hosts on which a path begins with the container. On any other it may begin with the account.
_ACCOUNT_HOST: Final = re.compile(r"[a-z0-9-]+(\.z\d+)?\.(blob|dfs)\.(core\.[a-z0-9.]+|storage\.azure\.net)")
# The platform's: its secrets and locks, deployed code, and what Durable Functions keeps for a task hub of any name.
_PLATFORM_PREFIXES: Final = ("azure-webjobs", "app-package", "scm-releases", "function-releases")
_HUB_SUFFIXES: Final = ("-leases", "-applease", "-largemessages")
_MOST_DECODINGS: Final = 8
_RESULTS: Final = {"output": "results.jsonl", "error": "errors.jsonl"}


def input_address(fields: Mapping[str, Any], origins: Collection[str]) -> str | None:
    """`input_blob`, a blob's URL, or None. Raises InvalidRequest."""
    value = fields.get("input_blob")
    if value is None:
        return None
    if fields.get("input_file_id") is not None:
        raise InvalidRequest(
            "Give either 'input_file_id' or 'input_blob', not both.",
            code="mutually_exclusive_parameters",
            param="input_blob",
        )
    if fields.get("metadata"):
        raise InvalidRequest(
            "'metadata' is not supported together with 'input_blob'. Leave it out, or upload the file.",
            code="unsupported_parameter",
            param="metadata",
        )
    return _address("input_blob", value, origins, segments=2)


def folder_address(fields: Mapping[str, Any], origins: Collection[str]) -> str | None:
    """The URL of `output_folder` without a slash at its end, or None. Raises InvalidRequest."""
    value = fields.get("output_folder")
    if value is None:
        return None
    if not isinstance(value, dict):
        raise wrong_type("output_folder", "an object", value)
    if value.get("url") is None:
        raise missing("output_folder.url")
    if value.get("delimiter", "/") != "/":
        raise unsupported("output_folder.delimiter", str(value["delimiter"]), ["/"])
    url = value["url"].rstrip("/") if isinstance(value["url"], str) else value["url"]
    return _address("output_folder.url", url, origins, segments=1)


def result_address(folder: str, batch_id: str, kind: str) -> str:
    """Where a batch's `output` or `error` lines go in its folder (contract 2.5)."""
    return f"{folder}/{to_uuid(batch_id)}/{_RESULTS[kind]}"


def is_within(url: str, origins: Collection[str]) -> bool:
    """Whether an address that was accepted once is still allowed: the operator may have changed the list since."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower() in origins


def is_closed(url: str, own_container: str | None) -> bool:
    """Whether a request to `url`, in whatever way a server reads it, may reach a container that is not for callers.

    These are the service's own and the platform's. By name, whatever the account: one account has many hosts.
    """
    parts = urlsplit(url)
    path = _decoded(parts.path)
    if path is None:
        return True
    segments = [segment for segment in path.replace("\\", "/").split("/") if segment not in ("", ".")]
    if ".." in segments:
        return True
    is_account_host = _ACCOUNT_HOST.fullmatch((parts.hostname or "").rstrip(".")) is not None
    names = [re.sub(r"[^a-z0-9$-]", "", segment.lower()) for segment in segments[: 1 if is_account_host else 2]]
    return any(
        name == own_container or name.startswith(_PLATFORM_PREFIXES) or name.endswith(_HUB_SUFFIXES) for name in names
    )


def _decoded(path: str) -> str | None:
    """Without any escape, also of escapes; None if there is no end to them."""
    for _ in range(_MOST_DECODINGS):
        decoded = unquote(path)
        if decoded == path:
            return path
        path = decoded
    return None


def _address(param: str, url: Any, origins: Collection[str], *, segments: int) -> str:
    """`segments`: at least so many parts of a path: the container, then the blob."""
    if not isinstance(url, str):
        raise wrong_type(param, "a string", url)
    if len(url) > MAX_URL:
        raise too_long(param, len(url), MAX_URL)
    if not origins:
        raise InvalidRequest(
            f"Unsupported parameter: '{param}'. Your project has no storage account that this service uses; its "
            "operator can list one in BATCH_BLOB_HOSTS. Or upload the file and give its id as 'input_file_id'.",
            code="unsupported_parameter",
            param=param,
        )
    origin = _origin(param, url)
    if origin not in origins:
        raise _wrong(
            param,
            f"'{shortened(origin)}' is none of the storage accounts that your project may use; the operator of the "
            "service lists them in BATCH_BLOB_HOSTS",
        )
    _check_path(param, url, segments)
    return url


def _origin(param: str, url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _wrong(param, "it is no URL") from None
    if not _PRINTABLE.fullmatch(url) or "\\" in url or not parts.netloc or "@" in parts.netloc:
        raise _wrong(param, "it is no plain URL")
    if "?" in url or "#" in url:
        raise _wrong(param, "the service goes there with its own identity: leave out the token and all after '?'")
    return f"{parts.scheme}://{parts.netloc}".lower()


def _check_path(param: str, url: str, segments: int) -> None:
    path = unquote(urlsplit(url).path).split("/")[1:]
    if len(path) < segments or any(part in ("", ".", "..") for part in path):
        raise _wrong(param, "its path must be that of a blob in a container" if segments > 1 else "it has no container")


def _wrong(param: str, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{param}': {why}. Expected a URL such as https://account.blob.core.windows.net/container/"
        f"{'input.jsonl' if param == 'input_blob' else 'folder'}.",
        code="invalid_value",
        param=param,
    )
