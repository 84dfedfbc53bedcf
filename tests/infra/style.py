"""What Bicep allows and this project does not: the parser would miss it, or it would not work offline."""

from __future__ import annotations

import re

from tests.infra.bicep_tree import BicepFile, Declaration

FORBIDDEN = {
    r"resourceInput<|resourceOutput<": "a resource-derived type; write the type out",
    r"^\s*\.\.\.": "a spread; use union()",
    r"\$+'''": "an interpolated multi-line string; use loadTextContent() and replace()",
    r"^extension\s": "an extension",
    r"'(br|ts)[:/]": "a module from a registry; write the resource out",
    r"\blist[A-Z]?\w*\(": "a list function, which reads keys; use the identity and a role",
    r"AccountKey|SharedAccessKey|SharedAccessSignature": "a key; use the identity and a role",
    r"@description\(''\)": "an empty description",
}


def style_problems(file: BicepFile) -> list[str]:
    code = re.sub(r"^\s*//.*$", "", file.text, flags=re.MULTILINE)
    return [
        f"{file.path.name}: {reason}"
        for pattern, reason in FORBIDDEN.items()
        if re.search(pattern, code, flags=re.MULTILINE)
    ] + [f"{file.path.name}: param {each.name} has no @description" for each in _undescribed(file)]


def _undescribed(file: BicepFile) -> list[Declaration]:
    return [each for each in file.of("param") if "description" not in each.decorators]
