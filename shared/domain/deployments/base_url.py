"""An upstream's address as an operator gave it: whether it can be one, and what else Azure's target URI says. Pure.

Rule of this file: what can mean one place only is put right; else a sentence says what to write instead. What is made
of an address when a call goes out is `upstream_url`'s business.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit, urlunsplit

_AZURE_HOST = re.compile(r"[^.]+\.(openai|cognitiveservices|services\.ai)\.azure\.(com|us|cn)")
_V1 = re.compile(r"/openai/v1(/.*)?")
# A call at Azure, or the start of its address: the resource's own path, and what follows it.
_AZURE_CALL = re.compile(
    r"(?P<resource>.*?)/openai(/v1/.+|/deployments/(?P<deployment>[^/]+)(/.*)?|/(responses|models|files|batches)(/.*)?)"
)
_RESOURCE = re.compile(r"(/api/projects/[^/]+)?(/openai)?(/v1)?")
_DEPLOYMENT = re.compile(r".*/deployments/[^/]+")
_VERSIONED = re.compile(r".*/v\d[^/]*(/.*)?")
_API_VERSION = re.compile(r"\d{4}-\d\d-\d\d(-preview)?|v1|preview")
_PLACEHOLDER = re.compile(
    r"[<>{}]|\.\.\.|…|//(NAME|RESOURCE)\b|//your[-_](resource|endpoint|name|azure|openai|api|server|host|instance)"
)
API_VERSIONS = "expected a date such as 2024-10-21 or 2025-04-01-preview, v1 or preview"
_EXAMPLE = "https://NAME.openai.azure.com"


class Address(NamedTuple):
    """`deployment` and `api_version` are what Azure's target URI says of them."""

    base_url: str
    deployment: str | None = None
    api_version: str | None = None


class WrongAddress(Exception):
    """The text says what to write instead."""


def is_azure(base_url: str) -> bool:
    """Whether the host is one of Azure OpenAI's own, which can be called in no other way than Azure's."""
    try:
        return _AZURE_HOST.fullmatch((urlsplit(base_url).hostname or "").lower()) is not None
    except ValueError:
        return False


def openai_address(base_url: str) -> Address:
    """An address of kind `openai`. Raises WrongAddress."""
    parts = _checked(base_url)
    path = parts.path.rstrip("/")
    if is_azure(base_url) and not _V1.fullmatch(path + "/"):
        raise WrongAddress("kind openai reaches Azure at /openai/v1 only: say kind: azure, or end it in /openai/v1")
    if "/openai/deployments/" in path:
        raise WrongAddress("this is an address of Azure's classic API: say kind: azure")
    if _DEPLOYMENT.fullmatch(path) and not _VERSIONED.fullmatch(path):
        raise WrongAddress(
            "a deployment's address has no version; if it is Azure's, say kind: azure and give the resource, such as "
            f"{_EXAMPLE}; else give the whole address of a call, such as {path}/chat/completions"
        )
    return Address(base_url)


def azure_address(base_url: str) -> Address:
    """An address of kind `azure`: the resource, whatever part of a call's address was given. Raises WrongAddress."""
    parts = _checked(base_url)
    path = parts.path.rstrip("/")
    call = _AZURE_CALL.fullmatch(path)
    resource = call["resource"] if call else path
    if not call and (_DEPLOYMENT.match(path) or (is_azure(base_url) and not _RESOURCE.fullmatch(path))):
        raise WrongAddress(f"kind azure wants the resource, such as {_EXAMPLE}, and the deployment's name as `model`")
    version = _only_version(parts.query)
    return Address(
        urlunsplit((parts.scheme, parts.netloc, resource, "", "")) if call or parts.query else base_url,
        unquote(call["deployment"]) if call and call["deployment"] else None,
        version,
    )


def is_api_version(version: str) -> bool:
    """Whether it has the form of a version that Azure has."""
    return _API_VERSION.fullmatch(version) is not None


def _checked(base_url: str) -> SplitResult:
    """Raises WrongAddress where the text is no URL that can be called."""
    try:
        parts = urlsplit(base_url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise WrongAddress(f"expected an http:// or https:// URL, got {base_url!r}{_meant(base_url)}")
    if _PLACEHOLDER.search(base_url):
        raise WrongAddress(f"{base_url!r} has a placeholder in it; put the name itself in its place")
    if re.search(r"[\s\x00-\x1f\x7f\u200b\ufeff\"']", base_url):
        raise WrongAddress(f"there is white space, or a quote, inside {base_url!r}; leave it out")
    if "//" in parts.path or parts.hostname in ("http", "https"):
        raise WrongAddress(f"there is one // too many in {base_url!r}")
    if parts.fragment:
        raise WrongAddress(f"what follows the # is never sent; leave out #{parts.fragment}")
    return parts


def _meant(text: str) -> str:
    """A guess, where a host without a scheme was given; one with a port is seldom public."""
    host = re.fullmatch(r"[\w-]+(\.[\w-]+)*(?P<port>:\d+)?(/\S*)?", text)
    if not host or not (host["port"] or host[1]):
        return ""
    return f"; did you mean {'http' if host['port'] else 'https'}://{text}?"


def _only_version(query: str) -> str | None:
    asked = dict(parse_qsl(query, keep_blank_values=True))
    version = asked.pop("api-version", None)
    if asked:
        raise WrongAddress(f"kind azure sends no query but api-version; leave out {', '.join(sorted(asked))}")
    return version
