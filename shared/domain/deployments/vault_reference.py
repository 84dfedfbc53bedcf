"""Key Vault references in settings: the platform puts the secret in their place, or leaves them as they are. Pure."""

from __future__ import annotations

_START = "@microsoft.keyvault("


def is_unresolved(value: str) -> bool:
    """Whether a setting still holds the reference: the platform could not resolve it."""
    return value.lstrip().lower().startswith(_START)
