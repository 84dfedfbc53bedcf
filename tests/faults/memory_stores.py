"""Stores in memory, for runs by the thousand: `shared.ports` as dictionaries, held to the conformance suite.

Every method takes effect at one moment, without waiting; what makes stores slow and unreliable is put around them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Container, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from itertools import count
from typing import Any

from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import ChunkRow
from shared.domain.files.file import File
from shared.domain.files.upload import Upload
from shared.domain.keys.organization import Organization
from shared.domain.keys.project import Project
from shared.domain.pace.heartbeat import Heartbeat
from shared.domain.usage.ledger import LedgerHour, LedgerRow, Rollup, Width
from shared.domain.webhooks.endpoint import WebhookEndpoint
from shared.ports.base import AlreadyExists, BlobMissing, Changed, Stored
from shared.ports.spending import Amount, Held, LimitReached, grant
from shared.ports.stores import Stores

PIECE_BYTES = 4 * 1024 * 1024


@dataclass
class _Blob:
    """Its committed blocks in order (one without an id: put or appended), and those staged only."""

    blocks: list[tuple[str, bytes]] | None = None
    staged: dict[str, bytes] = field(default_factory=dict)

    def data(self) -> bytes:
        return b"".join(data for _, data in self.blocks or ())


class MemoryBlobs:
    """`BlobStore`."""

    def __init__(self) -> None:
        self._blobs: dict[str, _Blob] = {}

    def uncommitted(self) -> dict[str, list[str]]:
        """Names with staged blocks that no commit has seen."""
        return {name: list(blob.staged) for name, blob in self._blobs.items() if blob.staged}

    def _committed(self, name: str) -> _Blob:
        blob = self._blobs.get(name)
        if blob is None or blob.blocks is None:
            raise BlobMissing(f"There is no blob {name}.")
        return blob

    async def stage_block(self, name: str, block_id: str, data: bytes) -> None:
        self._blobs.setdefault(name, _Blob()).staged[block_id] = bytes(data)

    async def commit_blocks(self, name: str, block_ids: Sequence[str]) -> int:
        blob = self._blobs.get(name, _Blob())
        known = dict(blob.blocks or ()) | blob.staged
        try:
            blocks = [(block_id, known[block_id]) for block_id in block_ids]
        except KeyError as missing:
            raise BlobMissing(f"{name} has no block {missing}.") from None
        self._blobs[name] = _Blob(blocks)
        return sum(len(data) for _, data in blocks)

    async def put(self, name: str, data: bytes) -> None:
        self._blobs[name] = _Blob([("", bytes(data))])

    async def size(self, name: str) -> int:
        return len(self._committed(name).data())

    async def read(self, name: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        data = self._committed(name).data()[start : None if length is None else start + length]
        for first in range(0, len(data), PIECE_BYTES):
            yield data[first : first + PIECE_BYTES]

    async def append(self, name: str, data: bytes) -> None:
        blob = self._blobs.setdefault(name, _Blob())
        blob.blocks = [*(blob.blocks or ()), ("", bytes(data))]

    async def delete(self, name: str) -> bool:
        return self._blobs.pop(name, None) is not None

    async def delete_prefix(self, prefix: str) -> None:
        for name in [name for name in self._blobs if name.startswith(prefix)]:
            del self._blobs[name]

    async def names(self, prefix: str) -> AsyncIterator[str]:
        for name in sorted(self._blobs):
            if name.startswith(prefix) and self._blobs[name].blocks is not None:
                yield name


class MemoryFiles:
    """`FileStore`."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, str], File] = {}

    async def insert(self, file: File) -> None:
        if (file.owner, file.id) in self._files:
            raise AlreadyExists(file.id)
        self._files[file.owner, file.id] = file

    async def get(self, owner: str, file_id: str) -> File | None:
        return self._files.get((owner, file_id))

    async def list(
        self, owner: str, *, purpose: str | None = None, after: str | None = None, limit: int, newest_first: bool = True
    ) -> list[File]:
        files = [file for file in self._files.values() if file.owner == owner and purpose in (None, file.purpose)]
        return _page(files, after, limit, newest_first=newest_first)

    async def delete(self, owner: str, file_id: str) -> bool:
        return self._files.pop((owner, file_id), None) is not None

    async def expired(self, now: datetime) -> AsyncIterator[File]:
        for file in [file for file in self._files.values() if file.is_expired(now)]:
            yield file

    async def every(self) -> AsyncIterator[File]:
        for file in list(self._files.values()):
            yield file


class MemoryBatches:
    """`BatchStore`."""

    def __init__(self) -> None:
        self._versions = map(str, count(1))
        self._batches: dict[tuple[str, str], Stored[Batch]] = {}

    def now(self, owner: str, batch_id: str) -> Batch:
        """The record at this moment."""
        return self._batches[owner, batch_id].value

    def set_now(self, batch: Batch) -> None:
        """Replace the record at this moment."""
        self._batches[batch.owner, batch.id] = Stored(batch, next(self._versions))

    async def insert(self, batch: Batch) -> None:
        if (batch.owner, batch.id) in self._batches:
            raise AlreadyExists(batch.id)
        self._batches[batch.owner, batch.id] = Stored(batch, next(self._versions))

    async def get(self, owner: str, batch_id: str) -> Stored[Batch] | None:
        return self._batches.get((owner, batch_id))

    async def replace(self, batch: Batch, version: str) -> str:
        stored = self._batches.get((batch.owner, batch.id))
        if stored is None or stored.version != version:
            raise Changed
        self._batches[batch.owner, batch.id] = Stored(batch, next(self._versions))
        return self._batches[batch.owner, batch.id].version

    async def delete(self, owner: str, *batch_ids: str) -> None:
        for batch_id in batch_ids:
            self._batches.pop((owner, batch_id), None)

    async def list(self, owner: str, *, after: str | None = None, limit: int, newest_first: bool = True) -> list[Batch]:
        batches = [stored.value for (of, _), stored in self._batches.items() if of == owner]
        return _page(batches, after, limit, newest_first=newest_first)

    async def owing(self) -> AsyncIterator[Batch]:
        for stored in list(self._batches.values()):
            if stored.value.is_terminal and stored.value.usage_owed:
                yield stored.value

    async def unfinished(self) -> AsyncIterator[Batch]:
        for stored in list(self._batches.values()):
            if not stored.value.is_terminal:
                yield stored.value


class MemoryChunks:
    """`ChunkStore`."""

    def __init__(self) -> None:
        self._versions = map(str, count(1))
        self._rows: dict[tuple[str, int], Stored[ChunkRow]] = {}

    async def put(self, row: ChunkRow, version: str | None) -> str:
        stored = self._rows.get((row.batch_id, row.index))
        if (stored.version if stored else None) != version:
            raise Changed
        self._rows[row.batch_id, row.index] = Stored(row, next(self._versions))
        return self._rows[row.batch_id, row.index].version

    async def get(self, batch_id: str, index: int) -> Stored[ChunkRow] | None:
        return self._rows.get((batch_id, index))

    async def delete_all(self, batch_id: str) -> None:
        self._rows = {key: stored for key, stored in self._rows.items() if key[0] != batch_id}

    async def list(self, batch_id: str) -> list[ChunkRow]:
        rows = [stored.value for (of, _), stored in self._rows.items() if of == batch_id]
        return sorted(rows, key=lambda row: row.index)


class MemoryHeartbeats:
    """`HeartbeatStore`."""

    def __init__(self) -> None:
        self._beats: dict[tuple[str, str, int], Heartbeat] = {}

    async def beat(self, heartbeat: Heartbeat) -> None:
        self._beats[heartbeat.deployment, heartbeat.batch_id, heartbeat.lane] = heartbeat

    async def claim(self, heartbeat: Heartbeat, version: str | None) -> None:
        stored = await self.get(heartbeat.deployment, heartbeat.batch_id, heartbeat.lane)
        if (stored.version if stored else None) != version:
            raise Changed
        await self.beat(heartbeat)

    async def get(self, deployment: str, batch_id: str, lane: int) -> Stored[Heartbeat] | None:
        beat = self._beats.get((deployment, batch_id, lane))
        return Stored(beat, repr(beat)) if beat else None

    async def stop(self, heartbeat: Heartbeat) -> None:
        self._beats.pop((heartbeat.deployment, heartbeat.batch_id, heartbeat.lane), None)

    async def list(self, deployment: str, batch_id: str | None = None) -> list[Heartbeat]:
        return [beat for (of, batch, _), beat in self._beats.items() if of == deployment and batch_id in (None, batch)]


class OneProject:
    """As much of a `ProjectStore` as a batch needs; None: its project is as it was at first."""

    def __init__(self) -> None:
        self.project: Project | None = None

    async def get(self, project_id: str) -> Stored[Project] | None:
        return Stored(self.project, "1") if self.project else None


class OneOrganization:
    """As much of an `OrganizationStore` as a batch needs; None: nobody has changed it."""

    def __init__(self) -> None:
        self.organization: Organization | None = None

    async def get(self) -> Stored[Organization] | None:
        return Stored(self.organization, "1") if self.organization else None


class MemoryUsage:
    """`UsageStore`."""

    def __init__(self) -> None:
        self._versions = map(str, count(1))
        self._rows: dict[tuple[LedgerHour, str, int], LedgerRow] = {}
        self._due: dict[LedgerHour, str] = {}
        self._rollups: dict[tuple[datetime, str, Width], Stored[Rollup]] = {}

    def all_rows(self) -> list[LedgerRow]:
        return list(self._rows.values())

    async def write(self, rows: Sequence[LedgerRow]) -> None:
        self._rows |= {(row.hour, row.batch_id, row.chunk): row for row in rows}
        self._due[rows[0].hour] = next(self._versions)

    async def rows(self, hour: datetime, project: str | None = None) -> AsyncIterator[LedgerRow]:
        for row in [row for (of, *_), row in self._rows.items() if of.start == hour and project in (None, of.project)]:
            yield row

    async def forget(self, before: datetime, most: int) -> int:
        old = sorted((key for key in self._rows if key[0].start < before), key=lambda key: key[0].start)[:most]
        for key in old:
            del self._rows[key]
        return len(old)

    async def due(self) -> list[Stored[LedgerHour]]:
        return [Stored(hour, version) for hour, version in self._due.items()]

    async def settle(self, hour: LedgerHour, version: str) -> None:
        if self._due.get(hour) == version:
            del self._due[hour]

    async def rollup(self, project: str, width: Width, start: datetime) -> Stored[Rollup] | None:
        return self._rollups.get((start, project, width))

    async def put_rollup(self, rollup: Rollup, version: str | None) -> None:
        key = (rollup.start, rollup.project, rollup.width)
        stored = self._rollups.get(key)
        if (stored.version if stored else None) != version:
            raise Changed
        self._rollups[key] = Stored(rollup, next(self._versions))

    async def rollups(
        self, width: Width, first: datetime, until: datetime, project: str | None = None
    ) -> AsyncIterator[Rollup]:
        for (start, of, kind), stored in sorted(self._rollups.items(), key=lambda item: item[0]):
            if kind is width and first <= start < until and project in (None, of):
                yield stored.value


class MemorySpending:
    """`SpendingStore`."""

    def __init__(self) -> None:
        self._amounts: dict[tuple[str, date], dict[str, Amount]] = {}
        self._held: dict[tuple[str, date, str], dict[int, int]] = {}
        self._forgotten: dict[tuple[str, date], int] = {}

    def now(self, account: str) -> dict[date, int]:
        """All balances at this moment."""
        return {day: self._balance(of, day) for of, day in self._amounts if of == account}

    async def put(
        self,
        account: str,
        day: date,
        batch_id: str,
        amount: Amount,
        *,
        most: int | None = None,
        sealed: Container[int] = (),
    ) -> tuple[Amount, int]:
        there, before = self._there(account, day, batch_id), self._balance(account, day)
        if there.step >= amount.step:
            return there, before
        held = self._held.get((account, day, batch_id), {})
        left = {chunk: picos for chunk, picos in held.items() if chunk not in sealed}
        after = before + amount.counted(sum(left.values())) - there.counted(sum(held.values()))
        if most is not None and after > max(most, before):
            raise LimitReached(before)
        self._amounts.setdefault((account, day), {})[batch_id] = amount
        self._held[account, day, batch_id] = left
        return amount, after

    async def hold(self, account: str, day: date, batch_id: str, chunk: int, picos: int, *, most: int) -> Held:
        there, held = self._there(account, day, batch_id), self._held.get((account, day, batch_id), {})
        total = sum(held.values())
        others = self._balance(account, day) - there.counted(total)
        granted = grant(there, total, picos, own=held.get(chunk, 0), others=others, most=most)
        self._amounts.setdefault((account, day), {})[batch_id] = there
        self._held[account, day, batch_id] = {**held, chunk: granted.picos}
        return granted

    def _there(self, account: str, day: date, batch_id: str) -> Amount:
        return self._amounts.get((account, day), {}).get(batch_id, Amount(0, -1))

    def _balance(self, account: str, day: date) -> int:
        batches = self._amounts.get((account, day), {})
        return self._forgotten.get((account, day), 0) + sum(self._counted(account, day, each) for each in batches)

    def _counted(self, account: str, day: date, batch_id: str) -> int:
        held = self._held.get((account, day, batch_id), {})
        return self._there(account, day, batch_id).counted(sum(held.values()))

    async def balances(self, account: str, first: date, last: date) -> dict[date, int]:
        return {day: self._balance(of, day) for of, day in self._amounts if of == account and first <= day <= last}

    async def forget(self, before: date, most: int) -> int:
        removed = 0
        for account, day in sorted(self._amounts, key=lambda key: key[1]):
            for batch_id in list(self._amounts[account, day])[: most - removed] if day < before else ():
                self._forgotten[account, day] = self._forgotten.get((account, day), 0) + self._counted(
                    account, day, batch_id
                )
                del self._amounts[account, day][batch_id]
                removed += 1
        return removed

    async def amounts(self, account: str, day: date) -> dict[str, Amount]:
        found = self._amounts.get((account, day), {})
        counted = {batch_id: self._counted(account, day, batch_id) for batch_id in found}
        return {name: Amount(one.amount, one.step, counted[name] - one.amount) for name, one in found.items()}


class NoUploads:
    """As much of an `UploadStore` as a sweep needs when nobody uploads in parts."""

    async def expired(self, now: datetime) -> AsyncIterator[Upload]:
        for upload in ():
            yield upload


class NoWebhookEndpoints:
    """As much of a `WebhookEndpointStore` as a batch needs whose owner has no endpoint."""

    async def list(self, owner: str, *, after: str | None = None, limit: int) -> list[WebhookEndpoint]:
        return []


def memory_stores() -> Stores:
    """Empty ones; of what no run of a batch asks, none."""
    needed: dict[str, Any] = {
        "blobs": MemoryBlobs(),
        "files": MemoryFiles(),
        "uploads": NoUploads(),
        "batches": MemoryBatches(),
        "chunks": MemoryChunks(),
        "heartbeats": MemoryHeartbeats(),
        "organization": OneOrganization(),
        "projects": OneProject(),
        "usage": MemoryUsage(),
        "spending": MemorySpending(),
        "webhook_endpoints": NoWebhookEndpoints(),
    }
    return Stores(**dict.fromkeys(each.name for each in fields(Stores)) | needed)


def _page(records: list, after: str | None, limit: int, *, newest_first: bool) -> list:
    ordered = sorted(records, key=lambda record: record.id, reverse=newest_first)
    past = [record for record in ordered if after is None or (record.id < after if newest_first else record.id > after)]
    return past[:limit]
