"""What the host says when it is up: where it listens, where things are, and what to try first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.domain.deployments.deployment import Deployment
from shared.domain.keys.bootstrap import HASH_PREFIX

_EXAMPLE = """export BATCH_DEPLOYMENTS='{"my-model": {"base_url": "http://127.0.0.1:8000/v1"}}'"""


@dataclass(frozen=True, slots=True)
class KeyWords:
    """What is said of the key: which it is, and how a program names it."""

    which: str
    literal: str


def key_words(key: str, *, is_own: bool) -> KeyWords:
    """`key` is shown if this host made it; what BATCH_BOOTSTRAP_KEY has is not repeated."""
    if is_own:
        return KeyWords(key, f'"{key}"')
    if key.startswith(HASH_PREFIX):
        return KeyWords("the one whose SHA-256 BATCH_BOOTSTRAP_KEY has", '"YOUR_KEY"')
    return KeyWords("the value of BATCH_BOOTSTRAP_KEY", 'os.environ["BATCH_BOOTSTRAP_KEY"]')


def greeting(*, url: str, data: Path, azurite: str | None, key: KeyWords, deployments: Mapping[str, Deployment]) -> str:
    """Lines for a person; the first is for programs too: `Listening on http://HOST:PORT`."""
    return "\n".join(
        [
            f"Listening on {url}",
            f"  Data folder  {data.resolve()}",
            *(["  Storage      Azurite (runs and the key are in the data folder)"] if azurite else []),
            f"  Key          {key.which}",
            *_deployments(deployments),
            "",
            "Try next:",
            f"  curl {url}/healthz",
            f'  from openai import OpenAI; client = OpenAI(base_url="{url}/v1", api_key={key.literal})',
            '  client.files.create(file=open("batch.jsonl", "rb"), purpose="batch")',
            "",
        ]
    )


def _deployments(deployments: Mapping[str, Deployment]) -> list[str]:
    if not deployments:
        return [f"  Deployments  none configured: set BATCH_DEPLOYMENTS, e.g. {_EXAMPLE}"]
    lines = [
        f"{name} -> {deployment.base_url}" + (f" (model {deployment.model})" if deployment.model else "")
        for name, deployment in deployments.items()
    ]
    return [f"  Deployments  {lines[0]}", *(f"               {line}" for line in lines[1:])]
