"""Who used something, in the words that a report of usage is asked in: project, key, department.

Rule of this file: names are those of now. A key that was deleted has none any more; what it used is its project's.
"""

from __future__ import annotations

import msgspec

from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.project import Project, spell_project_id

DEPARTMENT = "department"  # The label that says it, of a key or else of its project.


class UsedBy(msgspec.Struct, frozen=True, kw_only=True):
    """`key_id` is None of the bootstrap key and of tokens; `key_name` also of a key that was deleted."""

    project_id: str
    project_name: str | None
    key_id: str | None
    key_name: str | None
    department: str | None

    def is_of_project(self, text: str) -> bool:
        """By its name or by its id, with the prefix or without."""
        return text in (self.project_name, self.project_id, spell_project_id(self.project_id))


def used_by(project_id: str, project: Project | None, key_id: str | None, key: ApiKey | None) -> UsedBy:
    """Of the ids in a ledger, and of what is stored under them."""
    labelled = [labels[DEPARTMENT] for labels in _labels(key, project) if DEPARTMENT in labels]
    return UsedBy(
        project_id=project_id,
        project_name=project.name if project else None,
        key_id=key_id,
        key_name=key.name if key else None,
        department=labelled[0] if labelled else None,
    )


def _labels(*of: ApiKey | Project | None) -> list[dict[str, str]]:
    return [dict(one.labels) for one in of if one]
