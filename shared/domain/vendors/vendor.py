"""Whose rules a batch follows."""

from __future__ import annotations

from enum import StrEnum


class Vendor(StrEnum):
    """Whose rules a batch follows for its whole life: error codes, result lines, expiry. Set at creation."""

    OPENAI = "openai"
    AZURE = "azure"
    DEEPINFRA = "deepinfra"  # OpenAI's rules, limits of its own
