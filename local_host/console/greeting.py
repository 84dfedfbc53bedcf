"""What the host says when it is up: where it listens, where things are, and what to try first."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.domain.deployments.deployment import Deployment
from shared.domain.keys.bootstrap import HASH_PREFIX

# Where a deployment begins for someone who has none: files to copy, and one that answers without a key or a model.
_NONE = "none yet, so every batch fails: copy a file of examples/deployments, then start with --deployments FILE"
_FIRST_MODEL = "MODEL"
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class KeyWords:
    """What is said of the key: which it is, and what a shell puts in its place, now and without showing it."""

    which: str
    shown: str
    hidden: str


def key_words(key: str, data: Path, *, is_own: bool) -> KeyWords:
    """`key` is shown if this host made it; what BATCH_BOOTSTRAP_KEY has is not repeated."""
    if is_own:
        return KeyWords(key, key, f"$(cat {shlex.quote(str(data.resolve() / 'bootstrap-key'))})")
    if key.startswith(HASH_PREFIX):
        return KeyWords("the one whose SHA-256 BATCH_BOOTSTRAP_KEY has", "YOUR_KEY", "YOUR_KEY")
    return KeyWords("the value of BATCH_BOOTSTRAP_KEY", "YOUR_KEY", "$BATCH_BOOTSTRAP_KEY")


def greeting(*, url: str, data: Path, storage: str | None, key: KeyWords, deployments: Mapping[str, Deployment]) -> str:
    """Lines for a person; the first is for programs too: `Listening on http://HOST:PORT`."""
    return "\n".join(
        [
            f"Listening on {url}",
            f"  Data folder  {data.resolve()}",
            *([f"  Storage      {storage}"] if storage else []),
            f"  Key          {key.which}",
            *_deployments(deployments),
            "",
            *try_next(reachable(url), key, next(iter(deployments), _FIRST_MODEL)),
            "",
        ]
    )


def reachable(url: str) -> str:
    """Who listens everywhere is called at this machine's own address."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//127.0.0.1:")


def try_next(url: str, key: KeyWords, model: str) -> list[str]:
    """Lines that run as they are, in a shell in this folder; but for a key that only the reader knows."""
    python = ".venv/bin/python" if (_ROOT / ".venv").exists() else "python"  # There is none in a container.
    yours = "  (your key in the place of YOUR_KEY)" if key.shown == "YOUR_KEY" else ""
    return [
        f"Open {url} in a browser and sign in with the key, or try next,",
        f"in another terminal, in this folder:{yours}",
        f"  export OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY={key.shown}",
        f"  {python} examples/first_batch.py {shlex.quote(model)}",
        "Ctrl-C stops the service; started again on the same data folder, it goes on with what is unfinished.",
    ]


def _deployments(deployments: Mapping[str, Deployment]) -> list[str]:
    if not deployments:
        return [f"  Deployments  {_NONE}"]
    lines = [
        f"{target.full_name} -> {target.base_url}" + (f" (model {target.model})" if target.model else "")
        for deployment in deployments.values()
        for target in deployment.upstreams
    ]
    return [f"  Deployments  {lines[0]}", *(f"               {line}" for line in lines[1:])]
