"""A further dialect is an entry: it has the routes that it brings, and no others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.batches import batches
from api.edge.dialect import AZURE_CLASSIC, AZURE_V1, OPENAI, Dialect
from api.edge.mount import Mount, Route, dialects
from api.edge.unknown_path import dialect_of, roots
from api.mounts import MOUNTS
from api.openapi.document import build_document
from api.openapi.service_paths import SERVICE_PATHS
from shared.domain.keys.scopes import Scope

# An example of one that has few routes.
FURTHER = replace(AZURE_V1, prefix="further-api/v1")
MOUNT = Mount(
    name="further",
    prefix=FURTHER.prefix,
    dialect=FURTHER,
    routes=(
        Route("GET", "batches", batches.list_batches, Scope.BATCHES_READ),
        Route("POST", "batches/{batch_id}/stop", batches.cancel_batch, Scope.BATCHES_WRITE),
    ),
    starting_routes=(),
)


def test_a_document_has_the_routes_of_its_mounts() -> None:
    """A route of one mount is no route of another."""
    paths = build_document(FURTHER, [*MOUNTS, MOUNT])["paths"]

    assert {path: list(item) for path, item in paths.items() if path not in SERVICE_PATHS} == {
        "/further-api/v1/openapi.json": ["get"],
        "/further-api/v1/batches": ["get"],
        "/further-api/v1/batches/{batch_id}/stop": ["post"],
    }
    assert paths["/further-api/v1/batches/{batch_id}/stop"]["post"]["operationId"] == "further_cancel_batch"


def test_other_documents_stay_as_they_are() -> None:
    """A further mount shows in its own document alone."""
    assert build_document(OPENAI, [*MOUNTS, MOUNT]) == build_document(OPENAI, MOUNTS)


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/further-api/v1/nothing", FURTHER),
        ("/Further-API/v1", FURTHER),
        ("/further-api/v2/nothing", OPENAI),
        ("/openai/v1/nothing", AZURE_V1),
        ("/openai/nothing", AZURE_CLASSIC),
        ("/v1/nothing", OPENAI),
    ],
)
def test_whoever_calls_what_is_unknown_hears_it_in_the_dialect_of_the_prefix(path: str, dialect: Dialect) -> None:
    """The longest prefix counts, in whatever case."""
    assert dialect_of(path, dialects([*MOUNTS, MOUNT])) is dialect


def test_its_prefix_is_ours_to_answer() -> None:
    """Each first segment has its catch-all."""
    assert roots(dialects(MOUNTS)) == ["batch-api", "logs", "openai", "v1"]
    assert roots(dialects([*MOUNTS, MOUNT])) == sorted(["further-api", *roots(dialects(MOUNTS))])
