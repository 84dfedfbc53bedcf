"""`examples/deployments`: files to copy, each of which the service takes as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.environment import parse_settings
from tests.architecture.product import ROOT

FILES = sorted((ROOT / "examples/deployments").iterdir())
# Upstreams whose users find a file here.
UPSTREAMS = {"azure-openai", "litellm", "llama-cpp", "ollama", "openai", "openrouter", "vllm"}


def test_every_upstream_has_a_file() -> None:
    """Of those that people ask for."""
    assert {file.stem for file in FILES} >= UPSTREAMS


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_example_is_taken_as_it_is(tmp_path: Path, file: Path) -> None:
    """With its keys set, and a name where NAME stands, it is the whole configuration; prices have a currency."""
    text = re.sub("//NAME", "//my-models", file.read_text())
    keys = re.findall(r'api_key_env"?\s*[=:]\s*"(\w+)"', text)
    copy = tmp_path / file.name
    copy.write_text(text)
    deployments = parse_settings({"BATCH_DEPLOYMENTS_FILE": str(copy), **dict.fromkeys(keys, "a-key")}).deployments
    priced = [each for each in deployments.values() if each.price is not None]

    assert deployments
    assert len(re.findall(r'\bcurrency"? ?[=:]', text)) == len(priced)


@pytest.mark.parametrize("file", [file for file in FILES if file.suffix == ".toml"], ids=lambda file: file.name)
def test_an_example_says_how_it_is_started(file: Path) -> None:
    """With its own path."""
    assert f"scripts/serve --deployments examples/deployments/{file.name}" in file.read_text()
