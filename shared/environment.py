"""Settings from environment variables, read from a mapping and never at import.

All problems are reported at once, each naming the setting and what was expected.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import get_type_hints

from shared.domain.batches.run_life import SILENCE
from shared.domain.deployments.credential import AROUND, is_unresolved, key_problem
from shared.domain.deployments.deployment_setting import SETTING, parse_deployments, read_entries
from shared.domain.deployments.near_miss import did_you_mean
from shared.domain.keys.blob_hosts import parse_hosts
from shared.domain.keys.bootstrap import bootstrap_problem
from shared.domain.keys.entra_rules import EntraRules, parse_entra
from shared.domain.keys.pepper import parse_peppers
from shared.settings import Settings

FILE = "BATCH_DEPLOYMENTS_FILE (--deployments)"


class SettingsError(Exception):
    """The configuration is wrong; the message lists every problem, one a line."""


# What `azd` sets for infra/ and may stand in a developer's shell; no setting of the service, and no mistake.
DEPLOYING = frozenset(
    f"BATCH_{name}"
    for name in (
        *("ALERT_EMAILS", "APP_NAME", "AZURE_OPENAI_ACCOUNTS", "DASHBOARD_URL", "DURABLE_BACKEND", "EXTRA_SETTINGS"),
        *("FIRST_KEY_NAME", "IDENTITY_PRINCIPAL_ID", "OPERATOR_ID", "OPERATOR_TYPE", "PRIVATE_NETWORK"),
        *("RECOVER_VAULT", "SIGNIN_CLIENT_ID", "UPSTREAM_KEYS", "URL", "VAULT_NAME"),
    )
)


def parse_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from environment variables. Raises SettingsError listing every problem found."""
    hints = get_type_hints(Settings)
    values: dict[str, object] = {}
    problems: list[str] = []
    for item in fields(Settings):
        name = item.metadata.get("name", "")
        text = environment.get(name, "").strip(AROUND)
        if not text:
            continue
        if is_unresolved(text):  # It is no secret, so it must not become a key.
            problems.append(f"{name}: its Key Vault reference was not resolved; check secret and role")
            continue
        try:
            values[item.name] = _parsed(text, hints[item.name])
        except ValueError:
            problems.append(f"{name}: expected {_expected(hints[item.name])}, got {text!r}")
    problems += [f"{name}: expected a number above zero, got {values[key]}" for key, name in _numbers(values)]
    text, source, found = _deployments(values)
    problems += found
    deployments, found = parse_deployments(text, environment, source)
    problems += found + _mistakes(values)
    entra, found = _entra(values)
    problems += found + _unknown(environment, text)
    if problems:
        raise SettingsError("\n".join(problems))
    peppers = parse_peppers(str(values.get("key_peppers", "")))
    values["deployments_json"] = json.dumps(read_entries(text, source)[0])
    return Settings(**values, deployments=deployments, peppers=peppers, entra=entra)  # type: ignore[arg-type]


def _deployments(values: Mapping[str, object]) -> tuple[str, str, list[str]]:
    """The text that says which deployments there are, what holds it, and why the file cannot be read if it cannot."""
    text, path = str(values.get("deployments_json", "")), str(values.get("deployments_file", ""))
    if not path:
        return text, SETTING, []
    if text.strip(AROUND + "{}'"):
        return "", SETTING, [f"{FILE}: {SETTING} is set as well; keep one of the two"]
    if not path.endswith((".toml", ".json")):
        return "", SETTING, [f"{FILE}: expected a file called .toml or .json, got {path!r}"]
    try:
        return Path(path).read_text(encoding="utf-8-sig"), path, []
    except UnicodeDecodeError:
        return "", SETTING, [f"{FILE}: {path} is not UTF-8; save it as UTF-8"]
    except OSError as error:
        return "", SETTING, [f"{FILE}: {path} cannot be read ({error.strerror}); check the path"]


def _unknown(environment: Mapping[str, str], named: str) -> list[str]:
    """Variables that begin as settings do and are none. Keys, which deployments name, and storage may be called so."""
    names = [item.metadata["name"] for item in fields(Settings) if item.metadata]
    storage = environment.get("BATCH_STORAGE", "").strip(AROUND)
    problems = []
    for name in sorted(environment):
        if not name.startswith("BATCH_") or name in names or name in DEPLOYING:
            continue
        if re.search(rf"[\"']{re.escape(name)}[\"']", named):
            continue
        if storage and name.partition("__")[0] == storage:
            continue
        near = did_you_mean(name, names, prefix="BATCH_")
        advice = f"did you mean {near}?" if near else "unset it, or see docs/settings.md for those there are"
        problems.append(f"{name}: not a setting; {advice}")
    return problems


def _mistakes(values: Mapping[str, object]) -> list[str]:
    """What is wrong with the texts that have a form of their own."""
    found = []
    try:
        Settings(**values).windows()  # type: ignore[arg-type]
    except ValueError as error:
        found.append(f"BATCH_COMPLETION_WINDOWS: {error}")
    try:
        parse_hosts(str(values.get("blob_hosts", "")))
    except ValueError as error:
        found.append(f"BATCH_BLOB_HOSTS: {error}")
    if Settings(**values).stuck_seconds <= SILENCE.total_seconds():  # type: ignore[arg-type]
        found.append(f"BATCH_STUCK_SECONDS: expected more than {SILENCE.total_seconds():g} seconds")
    try:
        parse_peppers(str(values.get("key_peppers", "")))
    except ValueError as error:
        found.append(f"BATCH_KEY_PEPPERS: {error}")
    key = str(values.get("bootstrap_key", ""))
    if key and (problem := key_problem(key) or bootstrap_problem(key)):
        found.append(f"BATCH_BOOTSTRAP_KEY: {problem}")
    return found


def _entra(values: Mapping[str, object]) -> tuple[EntraRules | None, list[str]]:
    given = Settings(**values)  # type: ignore[arg-type]
    rules, found = parse_entra(
        given.entra_tenant,
        given.entra_audience,
        given.entra_authority,
        given.entra_projects,
        given.entra_page_client,
    )
    if given.trust_client_principal and not given.entra_tenant:
        found.append("BATCH_TRUST_CLIENT_PRINCIPAL: needs BATCH_ENTRA_TENANT, whose users it lets in")
    return rules, found


def _parsed(text: str, kind: Callable[[str], object]) -> object:
    if kind is not bool:
        return kind(text)
    if text.lower() not in ("true", "false"):
        raise ValueError
    return text.lower() == "true"


def _expected(kind: type) -> str:
    if issubclass(kind, StrEnum):
        return " or ".join(kind)
    return {bool: "true or false", int: "a whole number", float: "a number"}[kind]


def _numbers(values: Mapping[str, object]) -> list[tuple[str, str]]:
    """The settings that are no number above zero; 0 is one where the setting's text says what it means."""
    refused = []
    for item in fields(Settings):
        value, takes_zero = values.get(item.name), "; 0: " in item.metadata.get("doc", "")
        if not isinstance(value, int | float) or isinstance(value, bool) or (takes_zero and value == 0):
            continue
        if not 0 < value < math.inf:
            refused.append((item.name, item.metadata["name"]))
    return refused


def settings_from_environment() -> Settings:
    return parse_settings(os.environ)
