"""Where the lines of a file go: the endpoint of the batch, its spellings on a line, what a body must have there.

Rule of this file: on Azure a caller has to name an endpoint, but the file decides between chat completions and
responses (contract 1.5.5): its first line with either of the two settles it for all.
"""

from __future__ import annotations

from shared.domain.endpoints import ENDPOINTS, spellings
from shared.domain.vendors.vendor import Vendor


class LineEndpoint:
    """`name` is the canonical endpoint as far as is known; `title` and `needed` are its entry in the table."""

    def __init__(self, vendor: Vendor, endpoint: str) -> None:
        self._vendor = vendor
        told_by_file = [name for name, each in ENDPOINTS.items() if vendor in each.told_by_file_at]
        self._open = told_by_file if endpoint in told_by_file else []
        self._choose(endpoint)

    def _choose(self, endpoint: str) -> None:
        self.name = endpoint
        self.title, self.needed = ENDPOINTS[endpoint].title, ENDPOINTS[endpoint].needed
        self._spellings = spellings(endpoint, self._vendor)

    def accepts(self, url: str) -> bool:
        """Whether a line may have this `url`; the first one that may settles what the others must have."""
        if self._open:
            self._settle(url)
        return url in self._spellings

    def _settle(self, url: str) -> None:
        for endpoint in self._open:
            if url in spellings(endpoint, self._vendor):
                self._choose(endpoint)
                self._open = []
