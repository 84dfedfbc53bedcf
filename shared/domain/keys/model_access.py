"""Which models a batch may use: those of its project, of these the ones that its key is for.

Rule of this file: a key narrows what its project may use, and never widens it.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.keys.project import ModelPermissions, spell_project_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAccess:
    """`permissions` of None: every model; `models` of None: all that the project may use."""

    project_id: str
    permissions: ModelPermissions | None = None
    models: tuple[str, ...] | None = None

    def allows(self, model: str) -> bool:
        return self._is_of_project(model) and self._is_of_key(model)

    def refusal(self, model: str) -> str:
        """In OpenAI's words (contract 3.3). Models of a key are ours, and so is the sentence."""
        who = "This API key" if self._is_of_project(model) else f"Project `{spell_project_id(self.project_id)}`"
        return f"{who} does not have access to model `{model}`."

    def _is_of_project(self, model: str) -> bool:
        return self.permissions is None or self.permissions.allow(model)

    def _is_of_key(self, model: str) -> bool:
        return self.models is None or model in self.models
