"""Projects: who owns files and batches, and what they may do.

Rule of this file: a project is never deleted, only archived. What it owned stays, and its keys open nothing any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from shared.domain import ids
from shared.domain.keys.limits import Limits
from shared.domain.usage.spend_alert import SpendAlert
from shared.domain.usage.spend_limit import SpendLimit

DEFAULT_PROJECT = "default"
_PREFIX = "proj_"


class ModelMode(StrEnum):
    """How `ModelPermissions.model_ids` is meant."""

    ALLOW_LIST = "allow_list"
    DENY_LIST = "deny_list"


class ModelPermissions(msgspec.Struct, frozen=True, kw_only=True):
    """Which deployments a project may use."""

    mode: ModelMode
    model_ids: tuple[str, ...]

    def allow(self, model: str) -> bool:
        return (model in self.model_ids) == (self.mode is ModelMode.ALLOW_LIST)


class Project(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`id` is canonical (`shared/domain/ids.py`), or `DEFAULT_PROJECT`, whose is all that was there before.

    `model_permissions` of None: every deployment. `labels`: a caller's own words, such as a department.
    `model_spend_limits`: of single deployments, by name. `weight`: its parts of a deployment, where others have one.
    `enqueued_tokens`: how many input tokens of unfinished batches it may have at a deployment, by name.
    """

    id: str
    name: str
    created_at: datetime
    archived_at: datetime | None = None
    model_permissions: ModelPermissions | None = None
    spend_limit: SpendLimit | None = None
    model_spend_limits: Mapping[str, SpendLimit] = {}
    weight: int = 1
    limits: Limits = Limits()
    enqueued_tokens: Mapping[str, int] = {}
    labels: Mapping[str, str] = {}
    spend_alerts: tuple[SpendAlert, ...] = ()

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None


def spell_project_id(canonical: str) -> str:
    """As callers see it."""
    return f"{_PREFIX}{canonical}"


def parse_project_id(text: str) -> str | None:
    """The canonical id behind any spelling, with the prefix or without, or None."""
    return DEFAULT_PROJECT if text.removeprefix(_PREFIX) == DEFAULT_PROJECT else ids.parse(text, _PREFIX)


def default_project(at: datetime) -> Project:
    """What the default project is until somebody changes it."""
    return Project(id=DEFAULT_PROJECT, name="Default project", created_at=at)
