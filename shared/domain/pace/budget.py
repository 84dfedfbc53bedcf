"""Bytes that may be held at once, by all lanes of a process together."""

from __future__ import annotations


class Budget:
    """Whoever has taken bytes gives them back. It may be overdrawn, by what cannot wait."""

    def __init__(self, size: int) -> None:
        self.left = size

    def fits(self, size: int) -> bool:
        return size <= self.left

    def take(self, size: int) -> None:
        self.left -= size

    def give_back(self, size: int) -> None:
        self.left += size
