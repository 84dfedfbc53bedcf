"""DeepInfra's rules: OpenAI's, with file ids of its own (contract 5). Its limits are settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.domain.vendors.openai import OPENAI

DEEPINFRA: Final = replace(OPENAI, file_prefix="file_")
