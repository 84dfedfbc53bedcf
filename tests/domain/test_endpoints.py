"""The table of endpoints: who offers which, how callers spell them, what telemetry calls them (contract 1.5.5, 5)."""

from __future__ import annotations

import pytest

from shared.domain.endpoints import ENDPOINTS, offered_by, spellings
from shared.domain.vendors.vendor import Vendor
from shared.telemetry.attributes import OPERATIONS

THREE = ["/chat/completions", "/completions", "/embeddings"]
EIGHT = [*THREE, "/images/edits", "/images/generations", "/moderations", "/responses", "/videos"]


@pytest.mark.parametrize(
    ("vendor", "expected"),
    [
        (Vendor.OPENAI, [f"/v1{path}" for path in EIGHT]),
        (Vendor.DEEPINFRA, [f"/v1{path}" for path in THREE]),
        (Vendor.COMPASS, ["/v1/chat/completions"]),
        (Vendor.AZURE, [*EIGHT, *(f"/v1{path}" for path in EIGHT)]),
    ],
)
def test_what_a_batch_may_name(vendor: Vendor, expected: list[str]) -> None:
    """OpenAI offers all eight DeepInfra three and Compass one; Azure's callers may leave the version out."""
    offered = offered_by(vendor)

    assert list(offered) == expected
    assert all(name == f"/v1{spelling.removeprefix('/v1')}" for spelling, name in offered.items())


@pytest.mark.parametrize(
    ("vendor", "expected"),
    [
        (Vendor.OPENAI, ("/v1/embeddings",)),
        (Vendor.DEEPINFRA, ("/v1/embeddings",)),
        (Vendor.AZURE, ("/embeddings", "/v1/embeddings")),
    ],
)
def test_the_first_spelling_is_shown(vendor: Vendor, expected: tuple[str, ...]) -> None:
    """Azure shows endpoints without the version."""
    assert spellings("/v1/embeddings", vendor) == expected


def test_operations_of_telemetry() -> None:
    """`gen_ai.operation.name` of each endpoint; dashboards look for these words."""
    assert OPERATIONS == {
        "/v1/chat/completions": "chat",
        "/v1/completions": "text_completion",
        "/v1/embeddings": "embeddings",
        "/v1/images/edits": "image_edit",
        "/v1/images/generations": "image_generation",
        "/v1/moderations": "moderation",
        "/v1/responses": "responses",
        "/v1/videos": "video_generation",
    }


def test_only_embeddings_limit_their_inputs() -> None:
    """Contract 3.5."""
    assert [name for name, endpoint in ENDPOINTS.items() if endpoint.limits_inputs] == ["/v1/embeddings"]
