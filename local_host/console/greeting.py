"""What the host says when it is up: where it listens, where things are, and what to try first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from shared.domain.deployments.deployment import Deployment

_EXAMPLE = """export BATCH_DEPLOYMENTS='{"my-model": {"base_url": "http://127.0.0.1:8000/v1"}}'"""


def greeting(
    *, url: str, data: Path, azurite: str | None, own_key: str | None, deployments: Mapping[str, Deployment]
) -> str:
    """Lines for a person; the first is for programs too: `Listening on http://HOST:PORT`.

    `own_key` is the key this host made itself; None where BATCH_BOOTSTRAP_KEY is set, whose value is not repeated.
    """
    literal = f'"{own_key}"' if own_key else 'os.environ["BATCH_BOOTSTRAP_KEY"]'
    return "\n".join(
        [
            f"Listening on {url}",
            f"  Data folder  {data.resolve()}",
            *(["  Storage      Azurite (runs and the key are in the data folder)"] if azurite else []),
            f"  Key          {own_key or 'the value of BATCH_BOOTSTRAP_KEY'}",
            *_deployments(deployments),
            "",
            "Try next:",
            f"  curl {url}/healthz",
            f'  from openai import OpenAI; client = OpenAI(base_url="{url}/v1", api_key={literal})',
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
