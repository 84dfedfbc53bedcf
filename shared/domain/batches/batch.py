"""The batch record and its life cycle (contract 2).

Rule of this file: every change of a record goes through `apply`, and what is allowed is the table `TRANSITIONS`.
Nothing here knows how records are stored, who asks, or what the wire looks like.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from shared.domain.batches.callback import Callback
from shared.domain.batches.failures import Failure
from shared.domain.batches.restarts import Restarts, one_more
from shared.domain.batches.wishes import PauseWished, ResumeWished, TermsWished, Wish, wished
from shared.domain.deployments.leaders import Leaders
from shared.domain.deployments.price import Price
from shared.domain.errors import WrongState
from shared.domain.keys.priority import Priority
from shared.domain.usage.expected_load import ExpectedLoad
from shared.domain.usage.tokens import TokenMethod
from shared.domain.usage.usage import Usage
from shared.domain.vendors.rules import rules_of
from shared.domain.vendors.vendor import Vendor, VendorRules


class Status(StrEnum):
    """Contract 1.7."""

    VALIDATING = "validating"
    FAILED = "failed"
    IN_PROGRESS = "in_progress"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


TERMINAL = frozenset({Status.FAILED, Status.COMPLETED, Status.EXPIRED, Status.CANCELLED})
UNDER_WAY = frozenset({Status.VALIDATING, Status.IN_PROGRESS})  # What callers may still wish something of.


class BatchError(msgspec.Struct, frozen=True, kw_only=True):
    """One reason why a batch failed. `line` is 1-based, None for the whole file."""

    code: str
    message: str
    param: str | None = None
    line: int | None = None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """One batch. Ids are canonical (see `ids`); counts and usage are final only in a terminal state.

    `input_blob` names the bytes in the BlobStore. With an `input_url` they are a copy of a caller's own blob, made in
    validation, and `input_file_id` is empty. With an `output_folder` (a URL) results go there. `key_id`: of the API key
    that made it; None for the bootstrap key, and for batches from before there were others. `key_models` are the models
    that this key was for; None: all of its project. `price` is what the deployment's was at validation,
    `expected_picos` what the batch was then expected to cost, if that was known, `reserved_picos` what is reserved for
    it. `usage_owed`: it has ended, but storage has not taken what the ledger is to hold of it. `paused_seconds` are
    those of the pauses before the one that it is in since `paused_at`. `grouped`: see `grouping`.
    """

    id: str
    owner: str
    vendor: Vendor
    endpoint: str
    input_file_id: str
    input_blob: str
    completion_window: str
    created_at: datetime
    expires_at: datetime
    metadata: dict[str, str] | None = None
    output_expires_after_seconds: int | None = None
    expected: ExpectedLoad | None = None
    retry_of: str | None = None
    input_url: str | None = None
    output_folder: str | None = None
    key_id: str | None = None
    priority: Priority = Priority.NORMAL
    leaders_first: Leaders = True
    key_models: tuple[str, ...] | None = None
    callback: Callback | None = None

    status: Status = Status.VALIDATING
    in_progress_at: datetime | None = None
    finalizing_at: datetime | None = None
    completed_at: datetime | None = None
    failed_at: datetime | None = None
    expired_at: datetime | None = None
    cancelling_at: datetime | None = None
    cancelled_at: datetime | None = None

    errors: tuple[BatchError, ...] = ()
    deployment: str | None = None
    model: str | None = None
    total: int = 0
    chunks: int = 0
    input_tokens: int = 0
    token_method: TokenMethod | None = None
    price: Price | None = None
    expected_picos: int | None = None
    reserved_picos: int | None = None
    completed: int = 0
    failed: int = 0
    usage: Usage = Usage()
    output_file_id: str | None = None
    error_file_id: str | None = None
    input_etag: str | None = None
    plan: str | None = None
    grouped: bool = False
    restarts: Restarts | None = None
    usage_owed: bool = False
    failures: tuple[Failure, ...] = ()
    paused_at: datetime | None = None
    paused_seconds: float = 0.0

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL

    @property
    def is_settled(self) -> bool:
        """Whether nothing of it is left to be done."""
        return self.is_terminal and not self.usage_owed

    @property
    def is_stopped(self) -> bool:
        """By the service, which says why; callers who cancel need no reason."""
        return self.status is Status.CANCELLING and bool(self.errors)

    @property
    def is_paused(self) -> bool:
        return self.paused_at is not None and self.status in UNDER_WAY

    @property
    def rules(self) -> VendorRules:
        return rules_of(self.vendor)

    @property
    def stopped_at(self) -> datetime:
        """From when on no request was begun; the same before and after the end. Asked of a batch that ends or has."""
        ends = (self.cancelling_at, self.deadline())  # A cancel after the deadline finds what the deadline began.
        return self.finalizing_at or min(end for end in ends if end)

    def deadline(self) -> datetime | None:
        """When work must stop; None where the vendor never expires a batch (contract 2.6)."""
        return self.expires_at if self.rules.expires else None

    def remaining_seconds(self, now: datetime) -> float | None:
        """Until the deadline; None without one."""
        deadline = self.deadline()
        return None if deadline is None else (deadline - now).total_seconds()

    def result_expiry(self, created_at: datetime, default_seconds: int) -> datetime | None:
        """When a result file created at `created_at` expires; None where the vendor keeps it for ever."""
        if self.output_expires_after_seconds is not None:
            return created_at + timedelta(seconds=self.output_expires_after_seconds)
        return created_at + timedelta(seconds=default_seconds) if self.rules.results_expire else None


class Validated(msgspec.Struct, frozen=True, kw_only=True):
    """The input file is good: what its one pass found. `endpoint` is None where it is the one the caller named.

    `plan` names the chunk plan that the run works from, and `input_blob` the copy of a caller's own blob: a repeated
    pass may make others, which do not count.
    """

    deployment: str
    endpoint: str | None = None
    total: int
    chunks: int
    input_tokens: int
    token_method: TokenMethod | None = None
    price: Price | None = None
    expected_picos: int | None = None
    reserved_picos: int | None = None
    input_etag: str | None = None
    input_blob: str | None = None
    plan: str | None = None
    grouped: bool = False


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The batch cannot run, for these reasons."""

    errors: tuple[BatchError, ...]


class CancelRequested(msgspec.Struct, frozen=True):
    """The caller wants it stopped."""


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """It may begin no further request, for these reasons; what it has sent it finishes and keeps."""

    errors: tuple[BatchError, ...]


class RequestsDone(msgspec.Struct, frozen=True):
    """Every request has an outcome."""


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """The result files are readable. What the batch becomes depends on the state it was in."""

    completed: int
    failed: int
    usage: Usage
    model: str | None
    output_file_id: str | None
    error_file_id: str | None
    errors: tuple[BatchError, ...] = ()
    usage_owed: bool = False
    failures: tuple[Failure, ...] = ()


class UsageWritten(msgspec.Struct, frozen=True):
    """The ledger has what it was owed."""


class RunLost(msgspec.Struct, frozen=True):
    """Its run has ended before the batch, which is at `progress`; another is about to be started."""

    progress: str


Event = Validated | Refused | CancelRequested | Stopped | RequestsDone | Finished | UsageWritten | RunLost | Wish

# (event, status) -> next status. What is missing is not allowed.
TRANSITIONS: Mapping[type, Mapping[Status, Status]] = {
    Validated: {Status.VALIDATING: Status.IN_PROGRESS},
    Refused: {
        Status.VALIDATING: Status.FAILED,
        Status.IN_PROGRESS: Status.FAILED,
        Status.CANCELLING: Status.CANCELLED,
    },
    CancelRequested: {
        Status.VALIDATING: Status.CANCELLING,
        Status.IN_PROGRESS: Status.CANCELLING,
        Status.CANCELLING: Status.CANCELLING,
        Status.CANCELLED: Status.CANCELLED,
    },
    Stopped: {Status.IN_PROGRESS: Status.CANCELLING},
    RequestsDone: {Status.IN_PROGRESS: Status.FINALIZING},
    Finished: {
        Status.FINALIZING: Status.COMPLETED,
        Status.IN_PROGRESS: Status.EXPIRED,
        Status.CANCELLING: Status.CANCELLED,
    },
    UsageWritten: {status: status for status in TERMINAL},
    RunLost: {status: status for status in Status if status not in TERMINAL},
    **{wish: {status: status for status in UNDER_WAY} for wish in (PauseWished, ResumeWished, TermsWished)},
}


_VERBS = {CancelRequested: "cancel", PauseWished: "pause", ResumeWished: "resume", TermsWished: "change"}


def apply(batch: Batch, event: Event, now: datetime) -> Batch:
    """The record after `event`; the same object where nothing changes.

    Raises WrongState if the event is not allowed in the batch's state, InvalidRequest if it makes no sense for it.
    """
    status = TRANSITIONS[type(event)].get(batch.status)
    if status is None:
        raise WrongState(_refusal(batch, event))
    if isinstance(event, RunLost):
        return msgspec.structs.replace(batch, restarts=one_more(batch.restarts, event.progress, now))
    if isinstance(event, UsageWritten):
        return msgspec.structs.replace(batch, usage_owed=False) if batch.usage_owed else batch
    if isinstance(event, Wish):
        return wished(batch, event, now)
    if status is batch.status:
        return batch
    changes: dict[str, Any] = {"status": status, f"{status.value}_at": now}
    if not isinstance(event, CancelRequested | RequestsDone):
        changes |= {name: value for name, value in msgspec.structs.asdict(event).items() if value is not None}
    if isinstance(event, Finished):
        changes["errors"] = (*batch.errors, *event.errors)  # Those that it was stopped for.
    if status is Status.EXPIRED:  # From the deadline on nothing new is begun: that is finalizing (contract 9.3).
        changes["finalizing_at"] = min(now, max(batch.expires_at, batch.in_progress_at or batch.expires_at))
    if isinstance(event, Refused):  # Nothing ran: as if validation had found it (contract 2.3, 2.4).
        changes |= {"in_progress_at": None, "total": 0, "chunks": 0, "input_tokens": 0}
        changes |= {"token_method": None, "price": None, "expected_picos": None, "reserved_picos": None}
    if isinstance(event, Refused) and status is Status.CANCELLED:
        changes["errors"] = ()
    return msgspec.structs.replace(batch, **changes)


def _refusal(batch: Batch, event: Event) -> str:
    verb = _VERBS.get(type(event))
    if verb:  # Of a cancel literal: contract 1.3.
        return f"Cannot {verb} a batch with status '{batch.status}'."
    return f"A batch with status '{batch.status}' cannot take the event {type(event).__name__}."
