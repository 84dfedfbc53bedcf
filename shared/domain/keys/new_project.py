"""The bodies of the calls about projects, checked, and what they make of a project (contract 10.2). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from shared.domain.errors import InvalidRequest, WrongState
from shared.domain.keys.admin_fields import check_known, labels_in, models_in, name_in, required_name
from shared.domain.keys.limits import Limits
from shared.domain.keys.new_limits import limits_in
from shared.domain.keys.project import DEFAULT_PROJECT, ModelMode, ModelPermissions, Project
from shared.domain.parameters import choice, missing, whole_number

_NOT_HERE: Final = ("external_key_id", "geography", "residency")
_FIELDS: Final = frozenset({"name", "labels", "weight", "limits", *_NOT_HERE})
WEIGHTS: Final = (1, 100)
_POLICY: Final = frozenset({"mode", "model_ids"})


class ProjectChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What an update asks for; None leaves as it is."""

    name: str | None = None
    labels: Mapping[str, str] | None = None
    weight: int | None = None
    limits: Limits | None = None


def parse_project_changes(fields: Mapping[str, Any]) -> ProjectChanges:
    """The body of an update. Raises InvalidRequest."""
    check_known(fields, _FIELDS)
    for param in _NOT_HERE:
        if fields.get(param) is not None:
            raise InvalidRequest(
                f"'{param}' is not supported: all projects of this service are in its one storage account. "
                f"Leave '{param}' out.",
                code="unsupported_parameter",
                param=param,
            )
    return ProjectChanges(
        name=name_in(fields),
        labels=labels_in(fields),
        weight=_weight(fields.get("weight")),
        limits=limits_in(fields),
    )


def parse_new_project(fields: Mapping[str, Any]) -> ProjectChanges:
    """The body of a create call: the same, with a name. Raises InvalidRequest."""
    required_name(fields)
    return parse_project_changes(fields)


def new_project(project_id: str, wanted: ProjectChanges, now: datetime) -> Project:
    return Project(
        id=project_id,
        name=wanted.name or "",
        created_at=now,
        labels=wanted.labels or {},
        weight=wanted.weight or 1,
        limits=wanted.limits or Limits(),
    )


def _weight(value: Any) -> int | None:
    """An extension: how many parts of a deployment the project has, where another has one."""
    return None if value is None else whole_number("weight", value, *WEIGHTS)


def changed(project: Project, changes: ProjectChanges) -> Project:
    """The project after an update. Raises WrongState if it is archived."""
    check_active(project)
    wanted = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not None}
    return msgspec.structs.replace(project, **wanted)


def with_permissions(project: Project, permissions: ModelPermissions | None) -> Project:
    """The project, with these. Raises WrongState if it is archived."""
    check_active(project)
    return msgspec.structs.replace(project, model_permissions=permissions)


def archived(project: Project, now: datetime) -> Project:
    """The project, archived; as it is if it was so already. Raises InvalidRequest for the default project."""
    if project.id == DEFAULT_PROJECT:
        raise InvalidRequest(
            "The default project cannot be archived: the bootstrap key works in it. Delete its service accounts if "
            "nobody else is to use it.",
            code="default_project",
        )
    return project if project.is_archived else msgspec.structs.replace(project, archived_at=now)


def check_active(project: Project) -> None:
    """Raises WrongState if the project is archived."""
    if project.is_archived:
        raise WrongState(
            "The project is archived and cannot be changed any more. Use another one, or create one.",
            code="project_archived",
        )


def parse_model_permissions(fields: Mapping[str, Any]) -> ModelPermissions:
    """The body that sets which models a project may use. Raises InvalidRequest."""
    check_known(fields, _POLICY)
    model_ids = models_in(fields, "model_ids")
    if model_ids is None:
        raise missing("model_ids")
    return ModelPermissions(mode=_mode(fields.get("mode")), model_ids=model_ids)


def _mode(value: Any) -> ModelMode:
    if value is None:
        raise missing("mode")
    return choice("mode", value, ModelMode)
