"""Every endpoint that a batch may go to: all that differs between them is in its row.

Rule of this file: an endpoint goes by its canonical name, `/v1/…`; a caller may spell it as the vendor's rules say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.domain.usage.report import ReportKind
from shared.domain.vendors.rules import rules_of
from shared.domain.vendors.vendor import Vendor

_VERSION: Final = "/v1"
_OPENAI_AND_AZURE: Final = frozenset({Vendor.OPENAI, Vendor.AZURE})
_THREE_VENDORS: Final = _OPENAI_AND_AZURE | {Vendor.DEEPINFRA}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint. Of the fields `needed`, a body has to have at least one; the first is asked for."""

    title: str  # how OpenAI names it in messages
    needed: tuple[str, ...]
    operation: str  # gen_ai.operation.name; the conventions name the first three
    report: ReportKind | None  # which of OpenAI's usage reports counts it (contract 10.4)
    offered_by: frozenset[Vendor] = _OPENAI_AND_AZURE
    # Vendors whose callers may name another one with this mark: the file's first line settles it (contract 1.5.5).
    told_by_file_at: frozenset[Vendor] = frozenset()
    makes_images: bool = False  # an answer is billed by them, too (contract 9.5)
    limits_inputs: bool = False  # how many inputs all lines have together is limited (contract 3.5)
    takes_cache_key: bool = False  # a body may have OpenAI's `prompt_cache_key`
    has_classic_path: bool = True  # Azure serves it under dated api-versions, too (contract 6.3)

    @property
    def is_prompted(self) -> bool:
        """Whether a model reads a prompt, of whose beginning a cache may help it."""
        return self.report is ReportKind.COMPLETIONS


ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    "/v1/chat/completions": Endpoint(
        title="Chat Completions",
        needed=("messages",),
        operation="chat",
        report=ReportKind.COMPLETIONS,
        offered_by=_THREE_VENDORS | {Vendor.COMPASS},
        told_by_file_at=frozenset({Vendor.AZURE}),
        takes_cache_key=True,
    ),
    "/v1/completions": Endpoint(
        title="Completions",
        needed=("prompt",),
        operation="text_completion",
        report=ReportKind.COMPLETIONS,
        offered_by=_THREE_VENDORS,
    ),
    "/v1/embeddings": Endpoint(
        title="Embeddings",
        needed=("input",),
        operation="embeddings",
        report=ReportKind.EMBEDDINGS,
        offered_by=_THREE_VENDORS,
        limits_inputs=True,
    ),
    "/v1/images/edits": Endpoint(
        title="Images", needed=("prompt",), operation="image_edit", report=ReportKind.IMAGES, makes_images=True
    ),
    "/v1/images/generations": Endpoint(
        title="Images", needed=("prompt",), operation="image_generation", report=ReportKind.IMAGES, makes_images=True
    ),
    "/v1/moderations": Endpoint(
        title="Moderations", needed=("input",), operation="moderation", report=ReportKind.MODERATIONS
    ),
    "/v1/responses": Endpoint(
        title="Responses",
        needed=("input", "prompt", "previous_response_id", "conversation"),
        operation="responses",
        report=ReportKind.COMPLETIONS,
        told_by_file_at=frozenset({Vendor.AZURE}),
        has_classic_path=False,
        takes_cache_key=True,
    ),
    "/v1/videos": Endpoint(title="Videos", needed=("prompt",), operation="video_generation", report=None),
}


def without_version(endpoint: str) -> str:
    """`/v1/embeddings` -> `/embeddings`."""
    return endpoint.removeprefix(_VERSION)


def spellings(endpoint: str, vendor: Vendor) -> tuple[str, ...]:
    """How the vendor's callers may spell it; the first is how it is shown to them."""
    return tuple(prefix + without_version(endpoint) for prefix in rules_of(vendor).endpoint_prefixes)


def offered_by(vendor: Vendor) -> dict[str, str]:
    """Every spelling that the vendor's callers may use -> the endpoint."""
    offered = [name for name, endpoint in ENDPOINTS.items() if vendor in endpoint.offered_by]
    return {prefix + without_version(name): name for prefix in rules_of(vendor).endpoint_prefixes for name in offered}
