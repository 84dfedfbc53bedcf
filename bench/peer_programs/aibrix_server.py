"""AIBrix's metadata service, with its batch API on local stores and its HTTP source pointed at one upstream.

`python aibrix_server.py PORT UPSTREAM_URL FOLDER`, in an environment with aibrix 0.8.0. Kubernetes is its
real runtime; in its `--dry-run` everything is local and only the echo in place of the upstream has to be replaced.
"""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import Any

PORT, UPSTREAM, FOLDER = sys.argv[1:4]
os.chdir(FOLDER)

from aibrix.batch.client import GatewayEndpointSource  # noqa: E402 its stores are made in the working folder
from aibrix.metadata import app  # noqa: E402


class NoRedis(SimpleNamespace):
    """Users are kept in Redis, which batches do not need."""

    client: Any = None

    async def ping(self) -> bool:
        return True

    async def close(self) -> None:
        pass


setattr(app, "NoopEndpointSource", lambda: GatewayEndpointSource(UPSTREAM))  # noqa: B010 it is somebody else's module
setattr(app, "RedisMetadataStore", NoRedis)  # noqa: B010
sys.argv = ["aibrix", "--dry-run", "--host", "127.0.0.1", "--port", PORT]
print(f"Listening on http://127.0.0.1:{PORT}", flush=True)
app.main()
