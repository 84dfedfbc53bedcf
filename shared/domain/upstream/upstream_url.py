"""Where an upstream takes requests: the URL of an endpoint at an OpenAI-style server and at Azure.

Rule of this file: an operator may write a base URL the way any SDK or portal shows it, and reaches the same place.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

from shared.domain.deployments.deployment import Deployment, UpstreamKind
from shared.domain.endpoints import ENDPOINTS, without_version


def openai_url(base_url: str, endpoint: str) -> str:
    """`/v1` is added unless the base has a version of its own, as `/v1`, `/api/paas/v4` or `/v1beta/openai`.

    A base that is a call's whole address (`…/chat/completions`) is used as it stands, with a version or without;
    other endpoints are looked for beside it.
    """
    base = urlsplit(base_url)
    path, called = _without_call(base.path.rstrip("/"))
    versioned = called or re.search(r"/v\d[^/]*(/|$)", path) is not None
    path += without_version(endpoint) if versioned else endpoint
    return urlunsplit((base.scheme, base.netloc, path, base.query, ""))


_CALLS = tuple(without_version(endpoint) for endpoint in ENDPOINTS)
_LIST = re.compile(r"(?<=/)v\d[^/]*(?P<list>/(models|files|batches|uploads))$")


def _without_call(path: str) -> tuple[str, bool]:
    """A base path without the endpoint at its end, and whether it had one."""
    call = next((call for call in _CALLS if path.endswith(call)), "")
    if not call and (found := _LIST.search(path)):
        call = found["list"]
    return path.removesuffix(call), bool(call)


def azure_url(deployment: Deployment, endpoint: str) -> str:
    """The v1 path, or the classic one with the deployment in it where a dated `api_version` is given (contract 6.3)."""
    operation = without_version(endpoint)
    if _is_undated(deployment) or not ENDPOINTS[endpoint].has_classic_path:
        return _azure(deployment, f"/v1{operation}")
    name = quote(deployment.model or deployment.name, safe="")
    return _azure(deployment, f"/deployments/{name}{operation}")


def models_url(deployment: Deployment) -> str:
    """The list of the upstream's models."""
    if deployment.kind is UpstreamKind.OPENAI:
        return openai_url(deployment.base_url, "/v1/models")
    return _azure(deployment, "/v1/models" if _is_undated(deployment) else "/models")


def _is_undated(deployment: Deployment) -> bool:
    return deployment.api_version in (None, "v1", "preview")


def _azure(deployment: Deployment, path: str) -> str:
    """`path` under `/openai`: the v1 path takes only undated versions, the classic ones need a dated one."""
    base, version = urlsplit(deployment.base_url), deployment.api_version
    root = base.path.rstrip("/").removesuffix("/v1").removesuffix("/openai")
    takes_it = version and (_is_undated(deployment) or not path.startswith("/v1/"))
    query = f"api-version={version}" if takes_it else ""
    return urlunsplit((base.scheme, base.netloc, f"{root}/openai{path}", query, ""))


def redirected(url: str, location: str) -> str | None:
    """Where `location` sends a call of `url`: only to another path of the same origin, else None.

    The origin is written as it was, so that no reading of `location` takes a credential elsewhere.
    """
    try:
        old, new = urlsplit(url), urlsplit(urljoin(url, location))
        same = bool(location) and _origin(old) == _origin(new)
    except ValueError:
        return None
    return urlunsplit((old.scheme, old.netloc, new.path or "/", new.query, "")) if same else None


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, url.hostname, port
