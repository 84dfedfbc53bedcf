"""Where a template could leak a secret: in an output, or in a parameter that the portal shows.

The compiler knows neither a connection string in an output nor a secret that a module takes as plain text.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.infra.bicep_tree import BicepFile, properties, read, text_of, walk

_SECRET_NAME = re.compile(r"(key|keys|secret|secrets|password|token|connectionstring)$", re.IGNORECASE)
_SECRET_PROPERTY = re.compile(r"\.(ConnectionString|InstrumentationKey|primaryKey|secondaryKey|secretUriWithVersion)\b")


def secret_outputs(file: BicepFile) -> list[str]:
    """Outputs are kept with the deployment for everyone who may read the resource group."""
    secure = {each.name for each in file.of("param") if "secure" in each.decorators}
    return [
        f"{file.path.name}:{each.line}: output {each.name} shows a secret"
        for each in file.of("output")
        if secure & {text_of(node) for node in walk(each.parts[-1]) if node.type == "identifier"}
        or _SECRET_PROPERTY.search(text_of(each.parts[-1]))
        or "secure" in each.decorators
    ]


def bare_secrets(file: BicepFile) -> list[str]:
    """A parameter named like a secret is @secure(), and a secret has no default that is written down."""
    parameters = [each for each in file.of("param") if _SECRET_NAME.search(each.name)]
    return [
        f"{file.path.name}:{each.line}: param {each.name} is not @secure()"
        for each in parameters
        if "secure" not in each.decorators
    ] + [
        f"{file.path.name}:{each.line}: param {each.name} has a default that everyone can read"
        for each in file.of("param")
        if "secure" in each.decorators and len(each.parts) > 1 and not _made_or_empty(text_of(each.parts[-1]))
    ]


def leaked_secrets(file: BicepFile) -> list[str]:
    """A secret goes to a module as a secret."""
    secure = {each.name for each in file.of("param") if "secure" in each.decorators}
    return [
        f"{file.path.name}:{call.line}: {call.source} takes a secret as {name}, which is not @secure()"
        for call in file.of("module")
        for name, node in (properties(call.properties["params"]) if "params" in call.properties else {}).items()
        if secure & {text_of(part) for part in walk(node) if part.type == "identifier"}
        and name not in _secure_parameters(file.path.parent / call.source)
    ]


def _secure_parameters(module: Path) -> set[str]:
    return {each.name for each in read(module).of("param") if "secure" in each.decorators}


def _made_or_empty(default: str) -> bool:
    return default in ("''", "{}") or "newGuid()" in default
