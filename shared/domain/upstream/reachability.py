"""Whether an upstream could be reached: the cheapest authenticated call of it, and what its answer means. Pure.

Every server that speaks OpenAI's API lists its models without running one. A server that has no such list answers 404
or 405, and is reachable all the same.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from shared.domain.deployments.deployment import Deployment
from shared.domain.upstream.upstream import (
    FailureKind,
    UpstreamAnswer,
    UpstreamFailure,
    UpstreamRequest,
    credential_headers,
    signs_in,
)
from shared.domain.upstream.upstream_url import models_url


class Verdict(StrEnum):
    """What a check of a dependency found."""

    OK = "ok"
    DEGRADED = "degraded"  # it answers, but not as it should
    FAILED = "failed"


class Finding(NamedTuple):
    """`message` is one or two sentences for the operator; it holds no credential and no address."""

    verdict: Verdict
    message: str


def list_models(deployment: Deployment, timeout_seconds: float) -> UpstreamRequest:
    """The call, with the deployment's credential."""
    return UpstreamRequest(
        method="GET",
        url=models_url(deployment),
        headers={"Accept": "application/json", "User-Agent": "durable-batch", **credential_headers(deployment)},
        body=b"",
        timeout_seconds=timeout_seconds,
        identity=signs_in(deployment),
    )


def judge(deployment: Deployment, answer: UpstreamAnswer) -> Finding:
    """What the answer to `list_models` says of the upstream."""
    if isinstance(answer, UpstreamFailure):
        return _judge_failure(answer)
    status = answer.status
    if 200 <= status < 300:
        return Finding(Verdict.OK, "The upstream answers and takes the credential.")
    if status in (404, 405, 501):
        advice = "If requests fail so, too, check `base_url`."
        return Finding(Verdict.OK, f"The upstream answers. It has no list of models (HTTP {status}). {advice}")
    if status in (401, 403):
        return Finding(Verdict.FAILED, f"The upstream refuses the credential (HTTP {status}). {_advice(deployment)}")
    if status == 429:
        return Finding(Verdict.DEGRADED, "The upstream answers, but its rate limit is used up (HTTP 429). Wait.")
    if status >= 500:
        advice = "Batches wait for it; if it stays so, ask who runs the upstream."
        return Finding(Verdict.DEGRADED, f"The upstream answers HTTP {status}. {advice}")
    return Finding(
        Verdict.DEGRADED,
        f"The upstream answers HTTP {status} to a list of its models. Check `base_url`, `kind` and `api_version`.",
    )


def _judge_failure(failure: UpstreamFailure) -> Finding:
    match failure.kind:
        case FailureKind.TOO_LARGE:
            return Finding(Verdict.OK, "The upstream answers and takes the credential.")
        case FailureKind.HEAD_TOO_LARGE:
            return Finding(Verdict.DEGRADED, failure.detail)
        case FailureKind.IDENTITY:
            return Finding(Verdict.FAILED, f"{failure.detail} Check that the app has the identity its settings name.")
        case FailureKind.TIMEOUT:
            said = f"The upstream took the connection, but gave no answer in time. {failure.detail}"
            return Finding(Verdict.FAILED, f"{said} Check that it is well and that `base_url` is right.")
        case FailureKind.UNREACHABLE | FailureKind.CONNECTION:
            where = "`base_url`, that the upstream runs, and that the network lets this app reach it"
            return Finding(Verdict.FAILED, f"{failure.detail} Check {where}.")


def _advice(deployment: Deployment) -> str:
    if signs_in(deployment):
        return (
            "Give the app's identity the role Cognitive Services OpenAI User on the Azure OpenAI resource, "
            "and check that the resource's network lets the app in."
        )
    if deployment.api_key_env:
        return f"Check the key in {deployment.api_key_env}, and that it may list models."
    if deployment.api_key:
        return "Check the deployment's `api_key`, and that it may list models."
    return "The deployment has no key: set `api_key_env`."
