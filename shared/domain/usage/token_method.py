"""How a deployment's input tokens are counted: which vocabulary the upstream's model reads text with, if it is known.

Rule of this file: a name is matched whole up to a separator, never guessed. What matches nothing is estimated.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class TokenMethod(StrEnum):
    """Exactly, with one of OpenAI's vocabularies, or by the length of the text."""

    O200K_BASE = "o200k_base"
    CL100K_BASE = "cl100k_base"
    ESTIMATE = "estimate"


# OpenAI's models by the vocabulary they read. gpt-oss has o200k_base and more control tokens, which no text holds.
_O200K: Final = re.compile(r"(chatgpt-4o|gpt-4o|gpt-4\.1|gpt-4\.5|gpt-5(\.\d+)?|gpt-oss|o1|o3|o4)(?![a-z0-9.])")
_CL100K: Final = re.compile(r"(gpt-4|gpt-3\.5|gpt-35|text-embedding-3|text-embedding-ada-002)(?![a-z0-9.])")


def method_of_model(name: str) -> TokenMethod:
    """By the name of a model, such as `gpt-5-mini`, `openai/gpt-oss-20b` or `ft:gpt-4o-mini-2024-07-18:org::id`."""
    model = name.lower().removeprefix("ft:").rpartition("/")[2]
    if _O200K.match(model):
        return TokenMethod.O200K_BASE
    return TokenMethod.CL100K_BASE if _CL100K.match(model) else TokenMethod.ESTIMATE
