"""Every route of every mount that is for projects, and how it could lead to what is another project's.

A route that is not here fails `isolation/test_every_route.py`: whoever adds one says what in it names an object, and so has it
walked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import httpx

from api.mounts import MOUNTS
from shared.domain.keys.scopes import Scope
from tests.api.belongings import LINE

VERSION: Final = "2025-04-01-preview"
BATCH: Final = {"input_file_id": "file-x", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
HOOK: Final = {"name": "mine", "url": "https://mine.example/hook", "event_types": ["batch.completed"]}
FORM: Final = {"files": {"file": ("mine.jsonl", LINE.replace(b"their-secret", b"mine"))}, "data": {"purpose": "batch"}}


@dataclass(frozen=True, kw_only=True)
class Way:
    """`path_names` is the kind whose id stands in the path, `body_names` the parameter of the body that takes one.

    `lists` is the kind of which the route shows many. `options` are httpx's, of a call that is right.
    """

    path_names: str | None = None
    body_names: tuple[str, str] | None = None
    lists: str | None = None
    options: Any = None


FILE, UPLOAD, BATCH_ID, HOOK_ID = (f"{{{name}_id}}" for name in ("file", "upload", "batch", "webhook_endpoint"))
NOTHING: Final = Way()
WAYS: Final = {
    ("POST", "files"): Way(options=FORM),
    ("GET", "files"): Way(lists="file"),
    ("GET", f"files/{FILE}"): Way(path_names="file"),
    ("DELETE", f"files/{FILE}"): Way(path_names="file"),
    ("GET", f"files/{FILE}/content"): Way(path_names="file"),
    ("HEAD", f"files/{FILE}/content"): Way(path_names="file"),
    ("POST", "files/import"): NOTHING,  # It refuses every call.
    ("POST", "uploads"): Way(options={"json": {"filename": "a", "purpose": "batch", "bytes": 1, "mime_type": "x"}}),
    ("GET", f"uploads/{UPLOAD}"): Way(path_names="upload"),
    ("POST", f"uploads/{UPLOAD}/parts"): Way(path_names="upload", options={"files": {"data": ("part", LINE)}}),
    ("POST", f"uploads/{UPLOAD}/complete"): Way(path_names="upload", options={"json": {"part_ids": ["part_x"]}}),
    ("POST", f"uploads/{UPLOAD}/cancel"): Way(path_names="upload"),
    ("GET", "batches"): Way(lists="batch"),
    ("GET", f"batches/{BATCH_ID}"): Way(path_names="batch"),
    ("DELETE", f"batches/{BATCH_ID}"): Way(path_names="batch"),
    ("POST", f"batches/{BATCH_ID}/cancel"): Way(path_names="batch"),
    ("POST", f"batches/{BATCH_ID}/retry"): Way(path_names="batch"),
    ("POST", f"batches/{BATCH_ID}/pause"): Way(path_names="batch"),
    ("POST", f"batches/{BATCH_ID}/resume"): Way(path_names="batch"),
    ("POST", f"batches/{BATCH_ID}"): Way(path_names="batch", options={"json": {"priority": "high"}}),
    ("GET", f"batches/{BATCH_ID}/results"): Way(path_names="batch"),
    ("GET", f"batches/{BATCH_ID}/deliveries"): Way(path_names="batch"),
    ("POST", "batches/validate"): Way(body_names=("input_file_id", "file"), options={"json": BATCH}),
    ("POST", "batches"): Way(body_names=("input_file_id", "file"), options={"json": BATCH}),
    ("GET", "models"): NOTHING,
    ("GET", "models/{model}"): NOTHING,  # The name of a deployment, which is no project's.
    ("GET", "caller"): NOTHING,
    ("POST", "webhook_endpoints"): Way(options={"json": HOOK}),
    ("GET", "webhook_endpoints"): Way(lists="webhook_endpoint"),
    ("GET", f"webhook_endpoints/{HOOK_ID}"): Way(path_names="webhook_endpoint"),
    ("POST", f"webhook_endpoints/{HOOK_ID}"): Way(path_names="webhook_endpoint", options={"json": {"name": "taken"}}),
    ("DELETE", f"webhook_endpoints/{HOOK_ID}"): Way(path_names="webhook_endpoint"),
    ("POST", f"webhook_endpoints/{HOOK_ID}/rotate_secret"): Way(path_names="webhook_endpoint"),
    ("POST", f"webhook_endpoints/{HOOK_ID}/test"): Way(
        path_names="webhook_endpoint", options={"json": {"event_type": "batch.completed"}}
    ),
    ("GET", "webhook_event_types"): NOTHING,
}
# What a project sees of its own use: no id in a path. The tests that reports tell of nobody else ask for all of them.
REPORTS: Final = {("GET", f"usage/{what}") for what in ("completions", "embeddings", "moderations", "images")} | {
    ("GET", "costs")
}
DATED_REPORT: Final = ("POST", "usage_reports")
# Prefix -> the routes that it has for projects. Administration is not walked: no project gets into it at all.
ROUTES: Final = {
    mount.prefix.replace("{deployment}", "m"): {
        (route.method, route.path) for route in mount.all_routes if route.scope not in (Scope.ADMIN, Scope.USAGE)
    }
    for mount in MOUNTS
}
PREFIXES: Final = [prefix for prefix, routes in ROUTES.items() if routes == WAYS.keys()]
OF_ADMINISTRATORS: Final = [
    ("GET", "readyz"),
    *(
        (route.method, mount.at(route.path))
        for mount in MOUNTS
        for route in mount.all_routes
        if route.scope is Scope.ADMIN
    ),
]


async def call(client: httpx.AsyncClient, prefix: str, method: str, path: str, **options: Any) -> httpx.Response:
    """`path` after the mount's prefix; Azure's get the api-version that they need."""
    query = {"api-version": VERSION} if prefix.startswith("openai") else {}
    params = query | options.pop("params", {})
    return await client.request(method, f"/{prefix}/{path}", params=params, **options)
