"""Records to store: small, whole, and each with an id of its own."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain.batches.batch import Batch, BatchError, Status
from shared.domain.files.file import ExpiresAfter, File
from shared.domain.files.upload import Upload, UploadPart
from shared.domain.ids import new_id
from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.audit import Actor, ActorKind, AuditEvent
from shared.domain.keys.project import Project
from shared.domain.keys.service_account import ServiceAccount
from shared.domain.pace.heartbeat import Heartbeat
from shared.domain.usage.ledger import Amounts, LedgerRow, Tally
from shared.domain.usage.usage import Usage
from shared.domain.vendors.vendor import Vendor
from shared.domain.webhooks.delivery import Delivery
from shared.domain.webhooks.endpoint import WebhookEndpoint
from shared.domain.webhooks.event import BATCH_EVENTS, EventType
from shared.domain.webhooks.signature import KEY_BYTES, new_secret

START = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)


def an_id(number: int) -> str:
    """Ids that sort by `number`."""
    return new_id(START + timedelta(seconds=number), number.to_bytes(10, "big"))


def a_file(number: int = 0, *, owner: str = "project-a", **changes: Any) -> File:
    values = {
        "id": an_id(number),
        "owner": owner,
        "filename": f"füle-{number}.jsonl",
        "purpose": "batch",
        "bytes": 10 + number,
        "created_at": START,
        "expires_at": None,
        "blob": f"files/{number}",
    }
    return File(**values | changes)


def a_batch(number: int = 0, *, owner: str = "project-a", **changes: Any) -> Batch:
    values = {
        "id": an_id(number),
        "owner": owner,
        "vendor": Vendor.OPENAI,
        "endpoint": "/v1/chat/completions",
        "input_file_id": an_id(900),
        "input_blob": "files/900",
        "completion_window": "24h",
        "created_at": START,
        "expires_at": START + timedelta(hours=24),
        "metadata": {"ключ": "värde"},
    }
    return Batch(**values | changes)


def a_large_batch(number: int = 0) -> Batch:
    """A failed batch whose errors take about 300 kB."""
    errors = tuple(
        BatchError(code="invalid_json_line", message=f"Zeile {line}: " + "ü" * 1400, line=line) for line in range(100)
    )
    return a_batch(number, status=Status.FAILED, errors=errors)


def an_upload(number: int = 0, *, owner: str = "project-a", **changes: Any) -> Upload:
    values = {
        "id": an_id(number),
        "owner": owner,
        "filename": f"füle-{number}.jsonl",
        "purpose": "batch",
        "mime_type": "application/jsonl",
        "bytes": 10 + number,
        "created_at": START,
        "expires_at": START + timedelta(hours=1),
        "file_expires_after": ExpiresAfter(seconds=3600),
    }
    return Upload(**values | changes)


def a_part(number: int = 0, *, upload: int = 0, **changes: Any) -> UploadPart:
    values = {"id": an_id(number), "upload_id": an_id(upload), "bytes": 5, "blocks": 2, "created_at": START}
    return UploadPart(**values | changes)


def a_heartbeat(lane: int = 0, *, deployment: str = "gpt-4o-mini", batch: int = 0, seconds: float = 0) -> Heartbeat:
    return Heartbeat(deployment=deployment, batch_id=an_id(batch), lane=lane, at=START + timedelta(seconds=seconds))


def a_webhook_endpoint(number: int = 0, *, owner: str = "project-a", **changes: Any) -> WebhookEndpoint:
    values = {
        "id": an_id(number),
        "owner": owner,
        "name": f"Empfänger {number}",
        "url": "https://example.com/hook",
        "event_types": BATCH_EVENTS,
        "created_at": START,
        "updated_at": START,
        "secret": new_secret(number.to_bytes(KEY_BYTES, "big")),
    }
    return WebhookEndpoint(**values | changes)


def a_delivery(number: int = 0, *, seconds: float = 0, **changes: Any) -> Delivery:
    """Due `seconds` after START."""
    values = {
        "id": an_id(number),
        "owner": "project-a",
        "batch_id": an_id(800),
        "event_type": EventType.BATCH_COMPLETED,
        "endpoint_id": an_id(700),
        "due_at": START + timedelta(seconds=seconds),
    }
    return Delivery(**values | changes)


def a_project(number: int = 0, **changes: Any) -> Project:
    values = {"id": an_id(number), "name": f"Größe {number}", "created_at": START}
    return Project(**values | changes)


def a_service_account(number: int = 0, *, project: str = "project-a", **changes: Any) -> ServiceAccount:
    values = {"id": an_id(number), "project_id": project, "name": f"Dienst {number}", "created_at": START}
    return ServiceAccount(**values | changes)


def an_api_key(number: int = 0, *, project: str | None = "project-a", **changes: Any) -> ApiKey:
    """With a project of None, an administrator's."""
    values = {
        "id": an_id(number),
        "name": f"Schlüssel {number}",
        "digest": f"{number:064x}",
        "pepper": "first",
        "ending": "a1b2",
        "created_at": START,
        "project_id": project,
        "service_account_id": None if project is None else an_id(600),
    }
    return ApiKey(**values | changes)


def an_audit_event(number: int = 0, **changes: Any) -> AuditEvent:
    """`number` seconds after START."""
    values = {
        "id": an_id(number),
        "type": "project.created",
        "actor": Actor(kind=ActorKind.API_KEY, name="Schlüssel", id=an_id(500)),
        "project_id": "project-a",
        "resource_id": "project-a",
    }
    return AuditEvent(**values | changes)


def a_tally(tokens: int = 10, **changes: Any) -> Tally:
    """One answered request."""
    amounts = Amounts(completed=1, failed=0, usage=Usage(input_tokens=tokens, output_tokens=1))
    values = {"model": "gpt-4o-mini", "endpoint": "/v1/chat/completions", "amounts": amounts}
    return Tally(**values | changes)


def a_ledger_row(batch: int = 0, chunk: int = 0, *, project: str = "project-a", **changes: Any) -> LedgerRow:
    values = {"project": project, "batch_id": an_id(batch), "chunk": chunk, "sealed_at": START, "tally": a_tally()}
    return LedgerRow(**values | changes)
