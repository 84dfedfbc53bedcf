"""Where the lines of a file go: the endpoint of the batch, its spellings on a line, what a body must have there.

Rule of this file: on Azure a caller has to name an endpoint, but the file decides between chat completions and
responses (contract 1.5.5): its first line with either of the two settles it for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.domain.vendors.vendor import Vendor

# endpoint -> (how OpenAI names it in messages, fields of the body of which at least one must be there)
_BODY_RULES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "/v1/chat/completions": ("Chat Completions", ("messages",)),
    "/v1/completions": ("Completions", ("prompt",)),
    "/v1/embeddings": ("Embeddings", ("input",)),
    "/v1/images/edits": ("Images", ("prompt",)),
    "/v1/images/generations": ("Images", ("prompt",)),
    "/v1/moderations": ("Moderations", ("input",)),
    "/v1/responses": ("Responses", ("input", "prompt", "previous_response_id", "conversation")),
    "/v1/videos": ("Videos", ("prompt",)),
}
_LEFT_TO_THE_FILE: Final = ("/v1/chat/completions", "/v1/responses")


class LineEndpoint:
    """`name` is the canonical endpoint as far as is known; `title` and `needed` are its entry in the table above."""

    def __init__(self, vendor: Vendor, endpoint: str) -> None:
        self._is_azure = vendor is Vendor.AZURE
        self._is_open = self._is_azure and endpoint in _LEFT_TO_THE_FILE
        self._choose(endpoint)

    def _choose(self, endpoint: str) -> None:
        self.name = endpoint
        self.title, self.needed = _BODY_RULES[endpoint]
        self._spellings = {endpoint, endpoint.removeprefix("/v1")} if self._is_azure else {endpoint}

    def accepts(self, url: str) -> bool:
        """Whether a line may have this `url`; the first one that may settles what the others must have."""
        if self._is_open:
            for endpoint in _LEFT_TO_THE_FILE:
                if url in (endpoint, endpoint.removeprefix("/v1")):
                    self._choose(endpoint)
                    self._is_open = False
        return url in self._spellings
