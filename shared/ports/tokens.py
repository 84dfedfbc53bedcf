"""Bearer tokens that somebody else issues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class TokenVerifier(Protocol):
    """The one seam through which tokens become claims."""

    async def claims_of(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that its issuer signed for this service and that is valid now.

        Raises Unauthenticated; Unavailable while it cannot be told, because the issuer's keys could not be had.
        """
        ...

    async def check(self) -> None:
        """Raises Unavailable if the issuer's keys cannot be had."""
        ...
