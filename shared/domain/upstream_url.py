"""Where an upstream takes requests: the URL of an endpoint at an OpenAI-style server and at Azure.

Rule of this file: an operator may write a base URL the way any SDK or portal shows it, and reaches the same place.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit, urlunsplit

from shared.domain.deployment import Deployment


def openai_url(base_url: str, endpoint: str) -> str:
    """`/v1` is added unless the base has a version of its own, as `/v1`, `/api/paas/v4` or `/v1beta/openai`."""
    base = urlsplit(base_url)
    path = base.path.rstrip("/")
    versioned = re.search(r"/v\d[^/]*(/|$)", path) is not None
    path += endpoint.removeprefix("/v1") if versioned else endpoint
    return urlunsplit((base.scheme, base.netloc, path, base.query, ""))


def azure_url(deployment: Deployment, endpoint: str) -> str:
    """The v1 path, or the classic one with the deployment in it where a dated `api_version` is given (contract 6.3)."""
    base, operation, version = urlsplit(deployment.base_url), endpoint.removeprefix("/v1"), deployment.api_version
    root = base.path.rstrip("/").removesuffix("/v1").removesuffix("/openai")
    undated = version in (None, "v1", "preview")
    if undated or operation == "/responses":
        path, query = f"{root}/openai/v1{operation}", f"api-version={version}" if version and undated else ""
    else:
        name = quote(deployment.model or deployment.name, safe="")
        path, query = f"{root}/openai/deployments/{name}{operation}", f"api-version={version}"
    return urlunsplit((base.scheme, base.netloc, path, query, ""))
