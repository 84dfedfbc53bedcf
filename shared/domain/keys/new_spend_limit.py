"""The body that limits what a project or a key may spend, checked (contract 10.2). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from shared.domain.keys.admin_fields import MAX_MODELS, check_known
from shared.domain.keys.new_project import check_active
from shared.domain.keys.project import Project
from shared.domain.parameters import choice, missing, out_of_range, shortened, unsupported, whole_number, wrong_type
from shared.domain.usage.spend_limit import Interval, SpendLimit

MOST_CENTS: Final = 10**15
CURRENCY: Final = "[A-Z]{3}"
STOPS: Final = "stops_batches"
_LIMIT: Final = frozenset({"currency", "interval", "threshold_amount", STOPS})
MODELS: Final = "models"


class SpendLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Of a project: for all of it, and for single models, by name."""

    whole: SpendLimit
    models: Mapping[str, SpendLimit]


def parse_spend_limits(fields: Mapping[str, Any]) -> SpendLimits:
    """The body of the call that sets a project's. `models` is an extension. Raises InvalidRequest."""
    check_known(fields, _LIMIT | {MODELS})
    return SpendLimits(whole=parse_spend_limit(fields), models=_models(fields.get(MODELS)))


def parse_spend_limit(fields: Mapping[str, Any], within: str = "") -> SpendLimit:
    """One limit; `within` is what its parameters are called after. `stops_batches` is an extension.

    Raises InvalidRequest.
    """
    amount = fields.get("threshold_amount")
    if amount is None:
        raise missing(f"{within}threshold_amount")
    return SpendLimit(
        currency=_currency(fields.get("currency"), f"{within}currency"),
        interval=_interval(fields.get("interval"), f"{within}interval"),
        threshold_amount=whole_number(f"{within}threshold_amount", amount, 0, MOST_CENTS),
        stops_batches=_truth(fields.get(STOPS), f"{within}{STOPS}"),
    )


def key_limit_in(fields: Mapping[str, Any]) -> SpendLimit | bool | None:
    """The field `spend_limit` of a key, an extension: `{}` (False) takes the limit away. Raises InvalidRequest."""
    value = fields.get("spend_limit")
    if value is None:
        return None
    if not isinstance(value, dict):
        raise wrong_type("spend_limit", "an object", value)
    check_known(value, _LIMIT)
    return parse_spend_limit(value, "spend_limit.") if value else False


def parse_organization_limit(fields: Mapping[str, Any]) -> SpendLimit:
    """The body of the call that sets the organization's. Raises InvalidRequest."""
    check_known(fields, _LIMIT)
    return parse_spend_limit(fields)


def limited(project: Project, limits: SpendLimits | None) -> Project:
    """The project with these limits, or without any. Raises WrongState if it is archived."""
    check_active(project)
    if limits is None:
        return msgspec.structs.replace(project, spend_limit=None, model_spend_limits={})
    return msgspec.structs.replace(project, spend_limit=limits.whole, model_spend_limits=limits.models)


def _models(value: Any) -> dict[str, SpendLimit]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong_type(MODELS, "an object", value)
    if len(value) > MAX_MODELS:
        raise out_of_range(f"{MODELS}.length", len(value), 0, MAX_MODELS)
    found = {}
    for name, fields in value.items():
        param = f"{MODELS}.{shortened(name)}"
        if not isinstance(fields, dict):
            raise wrong_type(param, "an object", fields)
        check_known(fields, _LIMIT)
        found[name] = parse_spend_limit(fields, f"{param}.")
    return found


def _truth(value: Any, param: str) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise wrong_type(param, "a boolean", value)
    return value


def _currency(value: Any, param: str) -> str:
    if value is None:
        raise missing(param)
    if not isinstance(value, str):
        raise wrong_type(param, "a string", value)
    if len(value) != 3 or not (value.isascii() and value.isalpha() and value.isupper()):
        raise unsupported(param, value, ["a code of ISO 4217 such as USD"])
    return value


def _interval(value: Any, param: str) -> Interval:
    if value is None:
        raise missing(param)
    return choice(param, value, Interval)
