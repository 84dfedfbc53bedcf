"""Core42 Compass's rules: OpenAI's, with bare UUIDs as ids of files (contract 9.4). Its limits are settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.domain import ids
from shared.domain.vendors.openai import OPENAI

COMPASS: Final = replace(OPENAI, file_prefix="", spell_upload=ids.to_uuid, spell_result=ids.to_uuid)
