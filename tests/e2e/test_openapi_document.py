"""Calls made up from the OpenAPI documents, good and bad ones, sent to a live service: it answers as they say."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

from bench.programs import KEY, Mock, Service, chat_line, jsonl

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@pytest.fixture
def described(tmp_path: Path, mock: Mock) -> Iterator[Service]:
    """A service whose one allowed webhook endpoint is taken: made-up calls must not make it call anyone."""
    program = Service(
        tmp_path,
        mock.url,
        BATCH_MAX_WEBHOOK_ENDPOINTS="1",
        BATCH_WEBHOOK_ALLOW_HTTP="true",
        BATCH_WEBHOOK_ALLOW_PRIVATE="true",
        BATCH_DRAIN_SECONDS="1",
    )
    program.start()
    endpoint = {"name": "here", "url": f"{mock.url}/hook", "event_types": ["batch.completed"]}
    url = f"{program.url}/v1/webhook_endpoints"
    httpx.post(url, json=endpoint, headers={"api-key": KEY}, timeout=60).raise_for_status()
    yield program
    program.stop()


def _values(service: Service) -> dict[str, list[str]]:
    """Parameter -> what to take for it half of the time: ids that exist, so that calls get past the first 404."""
    files = [service.upload(jsonl(chat_line(1), chat_line(2, "[[status=400]] no"))) for _ in range(6)]
    ended = service.wait(service.create(files[0]))
    running = service.create(service.upload(jsonl(*(chat_line(n, f"[[latency=500]] {n}") for n in range(3000)))))
    with service.openai as client:
        about = {"purpose": "batch", "mime_type": "application/jsonl", "filename": "a.jsonl"}
        uploads = [client.uploads.create(bytes=10, **about).id for _ in range(4)]
    return _administration(service) | {
        "path.file_id": [*files, ended.output_file_id, ended.error_file_id],
        "path.batch_id": [ended.id, running],
        "path.upload_id": uploads,
        "query.api-version": ["2024-10-21", "2025-04-01-preview"],
        "body.input_file_id": files,
        "body.completion_window": ["24h"],
    }


def _administration(service: Service) -> dict[str, list[str]]:
    """The same of projects and keys; none of them is the one that the calls are made with."""
    with openai.OpenAI(base_url=f"{service.url}/v1", admin_api_key=KEY) as client:
        organization = client.admin.organization
        projects = [organization.projects.create(name=name).id for name in ("one", "two")]
        accounts = [
            organization.projects.service_accounts.create(project, name="job") for project in projects for _ in range(3)
        ]
        keys = [account.api_key.id for account in accounts]
        fields = {"currency": "USD", "interval": "month", "threshold_amount": 1}
        fields["notification_channel"] = {"type": "email", "recipients": ["ada@example.com"]}
        alerts = [organization.spend_alerts.create(**fields).id for _ in range(2)]
        alerts += [organization.projects.spend_alerts.create(project, **fields).id for project in projects]
        admin_keys = [organization.admin_api_keys.create(name="me").id for _ in range(3)]
    return {
        "path.project_id": [*projects, "proj_default"],
        "path.service_account_id": [account.id for account in accounts],
        "path.alert_id": alerts,
        "path.key_id": keys + admin_keys,
    }


def _config(values: dict[str, list[str]]) -> str:
    """Values come from us alone: calls that learn from answers would delete the webhook endpoint that guards us."""
    lines = [f"[phases.{phase}]\nextra-data-sources = {{ responses = false }}" for phase in ("fuzzing", "coverage")]
    lines.append("unexpected-methods = []")  # Azure's gateway answers 404 to those, which is in no document.
    for name, found in values.items():
        lines.append(f"[dictionaries.{json.dumps(name)}]\nvalues = {json.dumps(found)}")
    bindings = (f"{json.dumps(name)} = {{ dictionary = {json.dumps(name)}, probability = 0.5 }}" for name in values)
    return "\n".join([*lines, "[parameters]", *bindings]) + "\n"


@pytest.mark.timeout(1000)  # Half a minute of work, for a machine that does nothing else.
@pytest.mark.parametrize("prefix", ["v1", "openai/v1", "openai"])  # DeepInfra's answers are OpenAI's once more.
def test_answers_are_described(described: Service, tmp_path: Path, prefix: str) -> None:
    """No 5xx, no undocumented status, type or header, no answer against its schema."""
    config = tmp_path / "schemathesis.toml"
    config.write_text(_config(_values(described)))
    command = [
        *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
        *("--config-file", str(config), "run", f"{described.url}/{prefix}/openapi.json"),
        *("--header", f"Authorization: Bearer {KEY}", "--checks", ",".join(CHECKS)),
        # Left out: the old SDKs' paths lead to Azure's answers once more.
        *("--exclude-path-regex", "/deployments/", "--max-examples", "2"),
        *("--phases", "coverage,fuzzing"),
        *("--seed", "1", "--no-shrink", "--generation-database", "none", "--warnings", "off", "--no-color"),
    ]
    done = subprocess.run(
        command,
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=900,
    )

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:] + described.log.read_text()[-3000:]
    assert " passed" in done.stdout
