"""One table of records: each an entity that holds the record's JSON, split over as many properties as it takes.

Rule: the entity's ETag is the record's version. Every write carries a mark of its own, so that a write the SDK sent
twice (the first answer was lost) is recognised as ours and not reported as another's.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from itertools import count
from typing import Any, NamedTuple, TypeVar

import msgspec
from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.core.pipeline import PipelineResponse
from azure.data.tables import TableEntity, TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.azure.faults import translated
from shared.azure.names import FIRST, Key
from shared.ports.base import AlreadyExists, Changed, Stored
from shared.stored_records import read_record, sound_rows

T = TypeVar("T")

PROPERTY_BYTES = 64 * 1024
MOST_COMPARISONS = 15  # In one query (platform 5.1).
MOST_PROPERTIES = 15  # An entity holds 1 MiB, keys and names included.
MOST_IN_ONE_CALL = 100  # Entities of a transaction.


class Row(msgspec.Struct, frozen=True):
    """A record as it is stored."""

    key: Key
    record: bytes
    version: str


class Write(NamedTuple):
    """A row as it is to be; `version` of None: it is new."""

    key: Key
    record: bytes
    version: str | None


class Table:
    """The table `name`, created on first use."""

    def __init__(self, service: TableServiceClient, name: str) -> None:
        self._client: TableClient = service.get_table_client(name)
        self._making = asyncio.Lock()
        self._made = False

    async def ready(self) -> TableClient:
        """The table as the SDK has it, made where it is missing."""
        async with self._making:
            if not self._made:
                with suppress(ResourceExistsError):
                    await self._client.create_table()
                self._made = True
        return self._client

    async def insert(self, partition: Key, key: Key, record: bytes, **columns: str) -> str:
        """Returns the version. Raises AlreadyExists."""
        entity = _entity(partition, key, record, columns)
        with translated():
            client = await self.ready()
            try:
                return str((await client.create_entity(entity))["etag"])
            except ResourceExistsError:
                version = await self._version_if_ours(entity)
        if version is None:
            raise AlreadyExists(f"{self._client.table_name}: {key}")
        return version

    async def replace(self, partition: Key, key: Key, record: bytes, version: str, **columns: str) -> str:
        """Returns the new version. Raises Changed unless the row is at `version`."""
        entity = _entity(partition, key, record, columns)
        with translated():
            client = await self.ready()
            try:
                written = await client.update_entity(
                    entity, mode=UpdateMode.REPLACE, etag=version, match_condition=MatchConditions.IfNotModified
                )
                return str(written["etag"])
            except (ResourceModifiedError, ResourceNotFoundError):
                new_version = await self._version_if_ours(entity)
        if new_version is None:
            raise Changed("The record was changed by someone else since it was read; read it again.")
        return new_version

    async def put(self, partition: Key, key: Key, record: bytes, version: str | None, **columns: str) -> str:
        """`replace`, or without a version `insert`: returns the new one. Raises Changed."""
        if version is not None:
            return await self.replace(partition, key, record, version, **columns)
        try:
            return await self.insert(partition, key, record, **columns)
        except AlreadyExists as error:
            raise Changed("The record was written by someone else; read it.") from error

    async def put_all(self, partition: Key, *writes: Write) -> None:
        """Each a `put`, of one partition, all in one step or none. Raises Changed, also if it was sent twice."""
        operations = [_operation(partition, write) for write in writes]
        with translated():
            client = await self.ready()
            try:
                await client.submit_transaction(operations)
            except TableTransactionError as error:
                if error.status_code in (HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NOT_FOUND):
                    raise Changed("The record was changed by someone else since it was read; read it again.") from error
                raise

    async def _version_if_ours(self, entity: dict[str, Any]) -> str | None:
        found = await self._get(entity["PartitionKey"], entity["RowKey"])
        return str(found.metadata["etag"]) if found is not None and found.get("Write") == entity["Write"] else None

    async def upsert(self, partition: Key, key: Key, record: bytes) -> None:
        """Insert or replace, whatever is there."""
        with translated():
            client = await self.ready()
            await client.upsert_entity(_entity(partition, key, record, {}), mode=UpdateMode.REPLACE)

    async def upsert_all(self, partition: Key, records: Sequence[tuple[Key, bytes]]) -> None:
        """The same for many rows, some at a time: of those that a call takes, all are written or none."""
        entities = [_entity(partition, key, record, {}) for key, record in records]
        with translated():
            client = await self.ready()
            for start in range(0, len(entities), MOST_IN_ONE_CALL):
                some = entities[start : start + MOST_IN_ONE_CALL]
                await client.submit_transaction([("upsert", entity, {"mode": UpdateMode.REPLACE}) for entity in some])

    async def get(self, partition: Key, key: Key) -> Row | None:
        with translated():
            await self.ready()
            entity = await self._get(partition, key)
        return None if entity is None else _row(entity)

    async def find(self, partition: Key, key: Key, kind: type[T]) -> Stored[T] | None:
        """The row's record and its version. Raises Damaged."""
        row = await self.get(partition, key)
        return None if row is None else Stored(read_record(row.record, kind), row.version)

    async def _get(self, partition: Key, key: Key) -> TableEntity | None:
        try:
            return await self._client.get_entity(partition, key)
        except ResourceNotFoundError:
            return None

    async def delete(self, partition: Key, key: Key) -> bool:
        """False if there was no such row, which the SDK itself does not tell."""
        statuses: list[int] = []

        def note(response: PipelineResponse[Any, Any]) -> None:
            statuses.append(response.http_response.status_code)

        with translated():
            client = await self.ready()
            await client.delete_entity(partition, key, raw_response_hook=note)
        return statuses[-1] != 404

    async def delete_if(self, partition: Key, key: Key, version: str) -> None:
        """Nothing happens if the row is not at `version`."""
        with translated():
            client = await self.ready()
            with suppress(ResourceModifiedError, ResourceNotFoundError):
                await client.delete_entity(partition, key, etag=version, match_condition=MatchConditions.IfNotModified)

    async def query(
        self,
        partition: Key,
        *,
        past: Key = FIRST,
        before: Key | None = None,
        equal: Mapping[str, str] | None = None,
        page: int = 1000,
    ) -> AsyncIterator[Row]:
        """Rows of one partition in order of key, strictly past `past`, before `before`, with columns `equal`."""
        conditions = ["PartitionKey eq @partition", "RowKey gt @past"]
        equal = equal or {}
        parameters = {"partition": partition, "past": past, **equal}
        if before is not None:
            conditions.append("RowKey lt @before")
            parameters["before"] = before
        conditions += [f"{column} eq @{column}" for column in equal]
        with translated():
            client = await self.ready()
            entities = client.query_entities(
                " and ".join(conditions), parameters=parameters, results_per_page=min(page, 1000)
            )
            async for entity in entities:
                yield _row(entity)

    async def query_all(self, *, past: Key, equal: Mapping[str, str], page: int) -> AsyncIterator[Row]:
        """Rows of partitions strictly past `past`, in order of these, with columns `equal`: reads the whole table."""
        conditions = ["PartitionKey gt @past", *(f"{column} eq @{column}" for column in equal)]
        with translated():
            client = await self.ready()
            entities = client.query_entities(
                " and ".join(conditions), parameters={"past": past, **equal}, results_per_page=min(page, 1000)
            )
            async for entity in entities:
                yield _row(entity)

    async def query_between(
        self, partitions: tuple[Key, Key], keys: tuple[Key, Key], *, one_of: Mapping[str, Sequence[str]], page: int
    ) -> AsyncIterator[Row]:
        """Rows of the partitions from the first to the last, in order, whose keys lie strictly between `keys`.

        `one_of`: columns, and the values of which one is theirs. A query takes `MOST_COMPARISONS`; four are the bounds.
        """
        conditions = ["PartitionKey ge @first", "PartitionKey le @last", "RowKey gt @past", "RowKey lt @before"]
        parameters: dict[str, str] = dict(zip(("first", "last", "past", "before"), (*partitions, *keys), strict=True))
        for column, values in one_of.items():
            names = [f"{column}{index}" for index in range(len(values))]
            conditions.append(f"( {' or '.join(f'{column} eq @{name}' for name in names)} )")
            parameters |= zip(names, values, strict=True)
        with translated():
            client = await self.ready()
            entities = client.query_entities(
                " and ".join(conditions), parameters=parameters, results_per_page=min(page, 1000)
            )
            async for entity in entities:
                yield _row(entity)

    async def query_others(self, partition: Key) -> AsyncIterator[Row]:
        """Rows of every partition but this one: reads the whole table."""
        with translated():
            client = await self.ready()
            entities = client.query_entities("PartitionKey ne @partition", parameters={"partition": partition})
            async for entity in entities:
                yield _row(entity)


async def first_sound(
    rows: AsyncIterator[Row], kind: type[T], limit: int, wanted: Callable[[T], bool] = lambda _: True
) -> list[T]:
    """Up to `limit` records that are wanted, in the order of the rows, damaged ones left out."""
    return await sound_rows(((row.key, row.record) async for row in rows), kind, limit, wanted)


def _entity(partition: Key, key: Key, record: bytes, columns: dict[str, str]) -> dict[str, Any]:
    if len(record) > MOST_PROPERTIES * PROPERTY_BYTES:
        raise ValueError(f"A record of {len(record)} bytes does not fit into a table entity of 1 MiB.")
    parts = [record[start : start + PROPERTY_BYTES] for start in range(0, len(record), PROPERTY_BYTES)]
    return {
        "PartitionKey": partition,
        "RowKey": key,
        "Write": os.urandom(8).hex(),
        **columns,
        **{f"Record{index}": part for index, part in enumerate(parts)},
    }


def _operation(partition: Key, write: Write) -> Any:
    """As the SDK takes it."""
    entity = _entity(partition, write.key, write.record, {})
    if write.version is None:
        return "create", entity
    condition = {"etag": write.version, "match_condition": MatchConditions.IfNotModified}
    return "update", entity, {"mode": UpdateMode.REPLACE, **condition}


def _row(entity: TableEntity) -> Row:
    parts = []
    for index in count():
        part = entity.get(f"Record{index}")
        if part is None:
            break
        parts.append(part)
    return Row(entity["RowKey"], b"".join(parts), str(entity.metadata["etag"]))
