"""Which vocabulary counts for which model."""

from __future__ import annotations

import pytest

from shared.domain.deployments.deployment import Deployment
from shared.domain.usage.tokens import TokenMethod, method_of_model

O200K, CL100K, ESTIMATE = TokenMethod.O200K_BASE, TokenMethod.CL100K_BASE, TokenMethod.ESTIMATE


@pytest.mark.parametrize(
    ("name", "method"),
    [
        *((name, O200K) for name in ("gpt-4o", "gpt-4o-mini", "gpt-4o-2024-08-06", "chatgpt-4o-latest", "GPT-4o")),
        *((name, O200K) for name in ("gpt-4.1", "gpt-4.1-nano", "gpt-4.5-preview", "gpt-5", "gpt-5-mini", "gpt-5.1")),
        *((name, O200K) for name in ("o1", "o1-preview", "o3-mini", "o4-mini-2025-04-16", "gpt-oss-20b")),
        *((name, O200K) for name in ("openai/gpt-oss-120b", "ft:gpt-4o-mini-2024-07-18:org::id", "azure/openai/gpt-5")),
        *((name, CL100K) for name in ("gpt-4", "gpt-4-turbo", "gpt-4-0613", "gpt-3.5-turbo", "gpt-35-turbo-16k")),
        *((name, CL100K) for name in ("text-embedding-3-small", "text-embedding-ada-002", "ft:gpt-3.5-turbo:org::id")),
        *((name, ESTIMATE) for name in ("", "small", "llama-3.1-8b", "o100", "o1x", "gpt-45", "gpt-4.7", "gpt-50")),
        *((name, ESTIMATE) for name in ("my-gpt-4o", "gpt-4o/lora", "gpt-image-1", "text-embedding-4", "mistral/o")),
    ],
)
def test_the_vocabulary_of_a_model(name: str, method: TokenMethod) -> None:
    """OpenAI's models by their names; all others, and those whose names only look alike, are estimated."""
    assert method_of_model(name) is method


@pytest.mark.parametrize(
    ("name", "model", "tokens", "method"),
    [
        ("gpt-4o", None, None, O200K),
        ("chat", "gpt-4", None, CL100K),
        ("gpt-4o", "house-model", None, ESTIMATE),
        ("chat", "prod-eu", O200K, O200K),
        ("gpt-4o", None, ESTIMATE, ESTIMATE),
    ],
)
def test_a_deployment_says_it_or_its_upstreams_model_does(
    name: str, model: str | None, tokens: TokenMethod | None, method: TokenMethod
) -> None:
    """The setting, then what the upstream calls the model, which is the deployment's name where nothing is said."""
    assert Deployment(name=name, base_url="http://upstream", model=model, tokens=tokens).token_method is method
