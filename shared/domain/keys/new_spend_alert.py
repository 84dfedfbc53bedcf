"""The bodies about spend alerts, checked, and what becomes of an owner's alerts by them (contract 10.2). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from shared.domain.errors import InvalidRequest
from shared.domain.keys.admin_fields import check_known, text_in
from shared.domain.keys.new_spend_limit import MOST_CENTS, parse_spend_limit
from shared.domain.parameters import missing, out_of_range, shortened, too_long, unsupported, whole_number, wrong_type
from shared.domain.usage.spend_alert import SpendAlert
from shared.domain.usage.spend_limit import SpendLimit

MAX_ALERTS: Final = 20
MAX_RECIPIENTS: Final = 20
MAX_ADDRESS: Final = 254
MAX_PREFIX: Final = 100
ADDRESS: Final = r"[^@\x00-\x20\x7f]+@[^@\x00-\x20\x7f]+"
EMAIL: Final = "email"
CHANNEL: Final = "notification_channel"
_TERMS: Final = ("currency", "interval", "threshold_amount")


class AskedAlert(msgspec.Struct, frozen=True, kw_only=True):
    """What a call asks for; `limit` has the terms, which are those of a limit."""

    limit: SpendLimit
    recipients: tuple[str, ...]
    subject_prefix: str | None


def parse_spend_alert(fields: Mapping[str, Any]) -> AskedAlert:
    """The body of a call that makes an alert or changes one: all four fields. Raises InvalidRequest."""
    check_known(fields, {*_TERMS, CHANNEL})
    limit = parse_spend_limit({name: fields.get(name) for name in _TERMS})
    whole_number("threshold_amount", limit.threshold_amount, 1, MOST_CENTS)
    recipients, prefix = _channel(fields.get(CHANNEL))
    return AskedAlert(limit=limit, recipients=recipients, subject_prefix=prefix)


def new_alert(alert_id: str, asked: AskedAlert, at: datetime) -> SpendAlert:
    return SpendAlert(
        id=alert_id,
        currency=asked.limit.currency,
        interval=asked.limit.interval,
        threshold_amount=asked.limit.threshold_amount,
        since=at.astimezone(UTC).date(),
        recipients=asked.recipients,
        subject_prefix=asked.subject_prefix,
    )


def find_alert(alerts: Sequence[SpendAlert], alert_id: str | None) -> SpendAlert | None:
    return next((each for each in alerts if each.id == alert_id), None)


def added(alerts: Sequence[SpendAlert], alert: SpendAlert) -> tuple[SpendAlert, ...]:
    """With this one, unless it is there. Raises InvalidRequest where there are many."""
    if find_alert(alerts, alert.id):
        return tuple(alerts)
    if len(alerts) >= MAX_ALERTS:
        raise InvalidRequest(
            f"There are {MAX_ALERTS} spend alerts here, which is the most there can be. Delete one, or change one.",
            code="too_many_spend_alerts",
        )
    return (*alerts, alert)


def altered(alerts: Sequence[SpendAlert], alert_id: str, asked: AskedAlert, at: datetime) -> tuple[SpendAlert, ...]:
    """With this one as it is asked for. With other terms it was told for no window yet."""
    return tuple(_altered(each, asked, at) if each.id == alert_id else each for each in alerts)


def _altered(alert: SpendAlert, asked: AskedAlert, at: datetime) -> SpendAlert:
    wanted = new_alert(alert.id, asked, at)
    if wanted.terms != alert.terms:
        return wanted
    return msgspec.structs.replace(wanted, since=alert.since, told_for=alert.told_for)


def removed(alerts: Sequence[SpendAlert], alert_id: str) -> tuple[SpendAlert, ...]:
    return tuple(each for each in alerts if each.id != alert_id)


def _channel(value: Any) -> tuple[tuple[str, ...], str | None]:
    """Who is to be told, and what their mail is to begin with."""
    if value is None:
        raise missing(CHANNEL)
    if not isinstance(value, dict):
        raise wrong_type(CHANNEL, "an object", value)
    check_known(value, {"type", "recipients", "subject_prefix"})
    kind = value.get("type")
    if kind is None:
        raise missing(f"{CHANNEL}.type")
    if not isinstance(kind, str):
        raise wrong_type(f"{CHANNEL}.type", "a string", kind)
    if kind != EMAIL:
        raise unsupported(f"{CHANNEL}.type", kind, [EMAIL])
    return _recipients(value.get("recipients")), text_in(value, "subject_prefix", MAX_PREFIX)


def _recipients(value: Any) -> tuple[str, ...]:
    """Each once, in the order given."""
    param = f"{CHANNEL}.recipients"
    if value is None:
        raise missing(param)
    if not isinstance(value, list):
        raise wrong_type(param, "an array", value)
    if len(value) > MAX_RECIPIENTS:
        raise out_of_range(f"{param}.length", len(value), 0, MAX_RECIPIENTS)
    return tuple(dict.fromkeys(_address(f"{param}[{index}]", item) for index, item in enumerate(value)))


def _address(param: str, value: Any) -> str:
    if not isinstance(value, str):
        raise wrong_type(param, "a string", value)
    if len(value) > MAX_ADDRESS:
        raise too_long(param, len(value), MAX_ADDRESS)
    if not re.fullmatch(ADDRESS, value):
        message = f"Invalid '{param}': '{shortened(value)}' is no e-mail address."
        raise InvalidRequest(message, code="invalid_value", param=param)
    return value
