"""`BATCH_DEPLOYMENTS`, or a file: one object, name -> settings. Pure.

`parse_deployments` collects every mistake in it, each as one sentence naming the key and what was expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from shared.domain.deployments.credential import AROUND
from shared.domain.deployments.deployment import Deployment
from shared.domain.deployments.json_setting import read_objects
from shared.domain.deployments.target_setting import TARGETS, read_targets
from shared.domain.deployments.toml_file import read_tables
from shared.domain.deployments.upstream_setting import read_upstream, unknown_settings

SETTING: Final = "BATCH_DEPLOYMENTS"
_KNOWN: Final = [setting for setting in Deployment.__struct_fields__ if setting != "name"]


def parse_deployments(
    text: str, environment: Mapping[str, str], source: str = SETTING
) -> tuple[dict[str, Deployment], list[str]]:
    """The deployments by name, and every problem found; the deployments are complete only if there is no problem.

    `source` is what holds the text, as problems name it: the setting, or a file, in TOML if it is called so.
    """
    entries, problems = read_entries(text, source)
    deployments: dict[str, Deployment] = {}
    for name, entry in entries.items():
        deployment, found = _parse_one(f"{source}[{name.strip(AROUND)!r}]", name.strip(AROUND), entry, environment)
        problems += found
        if deployment is not None:
            deployments[deployment.name] = deployment
    return deployments, problems


def read_entries(text: str, source: str) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """What the text says, name -> settings, unchecked; and what keeps it from being read."""
    return read_tables(source, text) if source.endswith(".toml") else read_objects(source, text)


def _parse_one(
    where: str, name: str, entry: dict[str, Any], environment: Mapping[str, str]
) -> tuple[Deployment | None, list[str]]:
    if not name:
        return None, [f"{where}: a deployment needs a name; callers give it as `model`"]
    unknown = unknown_settings(entry, _KNOWN)
    given = {key: entry[key] for key in entry if key in _KNOWN}
    read = read_targets if TARGETS in given else _read_alone
    deployment, problems = read(name, given, environment)
    return deployment, [*_placed(where, [*unknown, *problems])]


def _read_alone(
    name: str, given: Mapping[str, Any], environment: Mapping[str, str]
) -> tuple[Deployment | None, list[str]]:
    return read_upstream(Deployment, given, environment, name=name)


def _placed(where: str, problems: Iterable[str]) -> Iterable[str]:
    return (where + problem if problem.startswith(":") else f"{where}.{problem}" for problem in problems)
