"""The bodies that bound what a project may have at once, checked (contract 10.2). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from shared.domain.errors import InvalidRequest
from shared.domain.keys.admin_fields import check_known
from shared.domain.keys.limits import Limits
from shared.domain.keys.project import Project
from shared.domain.parameters import whole_number, wrong_type

MOST: Final = 10**15
ENQUEUED: Final = "batch_1_day_max_input_tokens"
# OpenAI's other rates: a deployment has its own, which all projects share.
_OF_DEPLOYMENTS: Final = (
    "max_requests_per_1_minute",
    "max_tokens_per_1_minute",
    "max_images_per_1_minute",
    "max_audio_megabytes_per_1_minute",
    "max_requests_per_1_day",
)


def limits_in(fields: Mapping[str, Any]) -> Limits | None:
    """The field `limits`, an extension; it replaces all of them. Raises InvalidRequest."""
    value = fields.get("limits")
    if value is None:
        return None
    if not isinstance(value, dict):
        raise wrong_type("limits", "an object", value)
    check_known(value, Limits.__struct_fields__)
    given = {name: each for name, each in value.items() if each is not None}
    return Limits(**{name: whole_number(f"limits.{name}", each, 0, MOST) for name, each in given.items()})


def parse_enqueued_tokens(fields: Mapping[str, Any]) -> int | None:
    """The body that sets a project's rate limit at one deployment; None takes it away. Raises InvalidRequest."""
    check_known(fields, {ENQUEUED, *_OF_DEPLOYMENTS})
    for name in _OF_DEPLOYMENTS:
        if fields.get(name) is not None:
            raise InvalidRequest(
                f"'{name}' is not set for single projects: projects share a deployment by their weight. "
                f"Set 'weight' of the project, or the deployment's rates in BATCH_DEPLOYMENTS.",
                code="unsupported_parameter",
                param=name,
            )
    value = fields.get(ENQUEUED)
    return None if value is None else whole_number(ENQUEUED, value, 0, MOST)


def with_enqueued_tokens(project: Project, deployment: str, tokens: int | None) -> Project:
    """The project with this limit there, or without one."""
    others = {name: each for name, each in project.enqueued_tokens.items() if name != deployment}
    limits = others if tokens is None else others | {deployment: tokens}
    return msgspec.structs.replace(project, enqueued_tokens=limits)
