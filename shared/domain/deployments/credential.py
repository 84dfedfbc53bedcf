"""A key as an operator gave it: clean enough to be sent, or what is wrong with it. Pure.

The platform puts a secret in the place of a Key Vault reference, or leaves the reference as it is.
Rule of this file: no sentence holds any part of a key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from shared.domain.deployments.near_miss import did_you_mean

_START = "@microsoft.keyvault("


def is_unresolved(value: str) -> bool:
    """Whether a setting still holds the reference: the platform could not resolve it."""
    return value.lstrip().lower().startswith(_START)


# White space that editors and web pages add, and what shows as nothing at all.
AROUND = " \t\r\n\v\f\u00a0\u200b\u2060\ufeff"
_PLACEHOLDER = re.compile(r"<.*>|(sk-)?(\.{3}|…|x{3,}|\*{3,})|your[-_ ]?(\w+[-_ ])*key([-_ ]here)?", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONG = 24  # An unbroken word of this length is more likely a key than a name.


def key_problem(key: str) -> str | None:
    """Why `key`, without white space around it, cannot be one; None where it can."""
    if is_unresolved(key):
        return None  # The readiness check tells it, and what to do.
    if key.lower().startswith("bearer "):
        return "leave out `Bearer `; it is added where it is needed"
    if re.search(r"\s", key):
        return "there is white space inside it; was more than the key copied?"
    if not (key.isascii() and key.isprintable()):
        return "there is a character in it that no HTTP header can carry; copy the key again"
    if key[0] in "\"'" or key[-1] in "\"'":
        return "there are quotes around it that are no part of the key; leave them out"
    if key.startswith(("$", "os.environ/", "env:")):
        return "this names a variable and would be sent as it stands; give the variable's bare name as `api_key_env`"
    if key.startswith(("http://", "https://")):
        return "this is a URL; expected a key"
    if _PLACEHOLDER.fullmatch(key):
        return "this is a placeholder; put the key itself in its place"
    return None


def variable_problem(name: str, environment: Mapping[str, str]) -> str | None:
    """Why the variable called `name` cannot give a key. Does not repeat what may be a key itself."""
    if name.startswith("$"):
        return "expected the bare name of an environment variable; leave out the `$`"
    if not _NAME.fullmatch(name) or (len(name) >= _LONG and "_" not in name and not environment.get(name)):
        return "expected the name of an environment variable, such as OPENAI_API_KEY, and not the key itself"
    key = environment.get(name, "").strip(AROUND)
    if key:
        problem = key_problem(key)
        return f"the key in {name} cannot be used: {problem}" if problem else None
    near = did_you_mean(name, [other for other, value in environment.items() if value and other != name])
    return f"the environment variable {name!r} is not set" + (f"; did you mean {near}?" if near else "")
